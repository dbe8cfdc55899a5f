# SPDX-License-Identifier: GPL-2.0-or-later
"""Run in the place of meterd: tries what the unit forbids, and what it has to allow."""
import ctypes
import errno
import json
import mmap
import os
import resource
import socket

CLOCK_SETTIME = {"x86_64": 227, "aarch64": 112}
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def write(path):
    with open(path, "w", encoding="ascii") as f:
        f.write("x")


def send(host):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.sendto(b"x", (host, 9))


def set_user_id_bit():
    write("/var/lib/meterd/program")
    os.chmod("/var/lib/meterd/program", 0o4755)


def writable_code():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def process_1():
    if not os.path.exists("/proc/1"):
        raise OSError(errno.ENOENT, "/proc/1")


PROBES = {
    "write to /srv/open": lambda: write("/srv/open/x"),
    "write to /etc/meterd": lambda: write("/etc/meterd/x"),
    "read /home": lambda: os.listdir("/home"),
    "write to /var/lib/meterd": lambda: write("/var/lib/meterd/x"),
    "write to /run/meterd": lambda: write("/run/meterd/x"),
    "open a device": lambda: os.close(os.open("/dev/open", os.O_RDONLY)),
    "open /dev/null": lambda: os.close(os.open("/dev/null", os.O_RDWR)),
    "namespace": lambda: call("unshare", 0x04000000),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "writable code": writable_code,
    "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "send to another machine": lambda: send("192.0.2.1"),
    "send to this machine": lambda: send("127.0.0.1"),
    "personality": lambda: call("personality", 0x40000),
    "bound its own memory": lambda: resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28)),
    "set-user-ID": set_user_id_bit,
    "real-time": lambda: call("sched_setscheduler", 0, 1, ctypes.byref(ctypes.c_int(1))),
    "see process 1": process_1,
    "ask for the state of the clock": lambda: call("adjtimex", ctypes.create_string_buffer(256)),
    # a time that no clock has: where the call is allowed, it is EINVAL, and the C library does not ask
    "set the clock": lambda: call("syscall", CLOCK_SETTIME[os.uname().machine], 0,
                                  ctypes.byref((ctypes.c_long * 2)(0, 2000000000))),
}


def outcome(probe):
    try:
        probe()
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]


with open("/proc/self/status", encoding="ascii") as status:
    result = dict(x.strip().split(":\t", 1) for x in status if x.startswith(("NoNewPrivs", "Seccomp:", "CapEff", "CapBnd")))
result["uid"] = os.getuid()
result.update((name, outcome(p)) for name, p in PROBES.items())
with open("/var/lib/meterd/probe.json", "w", encoding="ascii") as out:
    json.dump(result, out)
