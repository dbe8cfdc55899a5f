# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual gateway and the simulated modules on its serial lines.

Runs inside the trixie suite (scripts/suite), as root of nothing but itself. A
Guest is one QEMU with Debian's stock arm64 kernel; a Simulator is one process of
smappee-sim at the other end of one of its UARTs. Both die with this program.
"""

import base64
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(TOP, "build")
PR_SET_PDEATHSIG = 1
# A busy machine may take this many times as long before a test gives up.
PATIENCE = 3

# The kernel line that the guest runs, and what was built for it (scripts/guest).
KERNEL = os.environ.get("GUEST_KERNEL") or "6.12"
GUEST = f"{BUILD}/guest" if KERNEL == "6.12" else f"{BUILD}/guest-{KERNEL}"

# Trees whose segment A is on a virtio console, for rates beyond the UART model's.
VIRTIO_TREES = ("qemu-virt-virtio", "qemu-virt-discovery", "qemu-virt-echo", "qemu-virt-lines")

# What a healthy kernel never says.
ALARMS = re.compile(
    r"BUG:|WARNING:|Oops|Call trace|KASAN|UBSAN|KFENCE|possible circular|suspicious RCU"
    r"|blocked for more than|Unable to handle|soft lockup|rcu.*stall|list_(add|del) corruption")


class Failure(Exception):
    """Something did not happen that had to; the text says what and where to look."""


def _prepare_child():
    """In the child: die with the parent, and keep time on a machine that is busy."""
    os.setpgid(0, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except OSError:
        pass
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(arguments, log):
    """Start a program that cannot outlive this one; its output goes to the file LOG."""
    with open(log, "ab") as out:
        return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                preexec_fn=_prepare_child)


def reap(process, grace=5):
    """End PROCESS: ask, wait at most GRACE seconds, insist."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail(path, lines=15):
    try:
        with open(path, errors="replace") as text:
            return "".join(text.readlines()[-lines:])
    except OSError as error:
        return str(error)


def free_port(wanted=0):
    """A free TCP port of the loopback: WANTED if nobody listens there."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise Failure("no free TCP port on 127.0.0.1")


def connect(path, process, timeout):
    """Connect to the unix socket PATH as soon as PROCESS has made it."""
    end = time.monotonic() + timeout
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            return link
        except OSError as error:
            link.close()
            if process.poll() is not None:
                raise Failure(f"{process.args[0]} ended with status {process.returncode}") from error
            if time.monotonic() > end:
                raise Failure(f"{path}: {error} after {timeout} s") from error
            time.sleep(0.05)  # there is no event for "somebody listens now"


def claim(name):
    """(lock, folder) under build/vm for NAME, or NAME-2 and so on while another run has it."""
    os.makedirs(f"{BUILD}/vm", exist_ok=True)
    for number in range(1, 100):
        work = f"{BUILD}/vm/{name}" + (f"-{number}" if number > 1 else "")
        lock = open(f"{work}.lock", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock, work
        except OSError:
            lock.close()
    raise Failure(f"{BUILD}/vm/{name}: 99 runs of it at once?")


class Simulator:
    """One segment of simulated modules; its control socket as methods."""

    def __init__(self, scenario, work, segment, log_level="info", program=None):
        self.log = f"{work}/sim{segment}.log"
        self.lock = threading.Lock()
        control = f"{work}/sim{segment}.control"
        program = program or f"{BUILD}/userspace/native/smappee-sim"
        if not os.access(program, os.X_OK):
            raise Failure(f"{program} is not built: make userspace")
        self.process = spawn([program, "--scenario", scenario,
                              "--connect", f"unix:{work}/uart{segment}", "--control", control,
                              "--log-level", log_level], self.log)
        try:
            self.link = connect(control, self.process, 10)
        except Failure as failure:
            reap(self.process)
            raise Failure(f"{failure}; {self.log} ends with:\n{tail(self.log)}") from failure
        self.link.settimeout(10)
        self.lines = self.link.makefile("rw")

    def ask(self, **request):
        """Send one request, return the answer's object."""
        with self.lock:
            try:
                self.lines.write(json.dumps(request) + "\n")
                self.lines.flush()
                line = self.lines.readline()
            except OSError as error:
                raise Failure(f"simulator: {request}: {error}; {tail(self.log)}") from error
        if not line:
            raise Failure(f"simulator ended at {request}; {self.log} ends with:\n{tail(self.log)}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"simulator: {request}: {answer['error']}")
        return answer

    def truth(self, start, end):
        return self.ask(cmd="truth", **{"from": start, "to": end})

    def close(self):
        self.link.close()
        reap(self.process)


class Guest:
    """One boot of the virtual gateway.

    NAME is its folder under build/vm; TREE one of the merged device trees of
    the guest's files; HTTP and MQTT the ports of 127.0.0.1 that lead to 8080 and 1883
    in the guest. What lies in the folder "share" is /mnt/host in the guest. One that
    REBOOTS begins anew when it restarts, others end.
    """

    def __init__(self, name, tree="qemu-virt", http=0, mqtt=0, reboots=False):
        self.claim, self.work = claim(name)
        self.share = f"{self.work}/share"
        self.tree = tree
        self.http = free_port(http)
        self.mqtt = free_port(mqtt)
        self.process = None
        self.started = None
        self.extra = [] if reboots else ["-no-reboot"]  # of QEMU's arguments
        self.waiting = {}
        self.lock = threading.Lock()
        self.serial = 0
        self.ready = threading.Event()
        self.closing = False
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.share)

    def start(self):
        """Start the machine; the UARTs' sockets exist when this returns."""
        files = GUEST
        if not os.path.exists(f"{files}/initrd.cpio"):
            raise Failure(f"{files} is not built: make {os.path.basename(files)}")
        with open(f"{files}/machine") as text:
            machine = text.read().split()
        work = self.work
        arguments = ["qemu-system-aarch64", *machine, "-accel", "tcg",
                     "-name", "gateway,debug-threads=on",
                     "-nodefaults", "-no-user-config", "-display", "none",
                     "-kernel", f"{files}/vmlinuz", "-initrd", f"{files}/initrd.cpio",
                     "-dtb", f"{files}/{self.tree}.dtb",
                     "-append", "console=hvc0 quiet panic=-1 rdinit=/init mitigations=off kpti=0",
                     "-device", "virtio-serial-pci,id=vs0,max_ports=1",
                     "-chardev", f"file,id=console,path={work}/console.log",
                     "-device", "virtconsole,bus=vs0.0,chardev=console",
                     "-device", "virtio-serial-pci,id=vs1,max_ports=2",
                     "-chardev", f"socket,id=control,path={work}/control,server=on,wait=off",
                     "-device", "virtserialport,bus=vs1.0,chardev=control,name=control",
                     "-drive", f"file={files}/root.img,format=raw,if=none,id=root,readonly=on",
                     "-device", "virtio-blk-pci,drive=root",
                     "-fsdev", f"local,id=host,path={self.share},security_model=none",
                     "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
                     "-device", "virtio-rng-pci",
                     "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.http}-:8080,"
                                f"hostfwd=tcp:127.0.0.1:{self.mqtt}-:1883",
                     "-device", "virtio-net-pci,netdev=net,romfile="]
        for uart in (0, 1):
            arguments += ["-chardev", f"socket,id=uart{uart},path={work}/uart{uart},server=on,wait=off"]
        if self.tree in VIRTIO_TREES:
            arguments += ["-device", "virtio-serial-pci,id=vs2,max_ports=1,addr=9",
                          "-device", "virtconsole,bus=vs2.0,chardev=uart0", "-serial", "null"]
        else:
            arguments += ["-serial", "chardev:uart0"]
        arguments += ["-serial", "chardev:uart1", *self.extra]
        self.started = time.monotonic()
        self.process = spawn(arguments, f"{work}/qemu.log")
        try:
            self.link = connect(f"{work}/control", self.process, 10)
        except Failure as failure:
            raise Failure(f"{failure}\n{tail(f'{work}/qemu.log')}") from failure
        self.lines = self.link.makefile("rw")
        threading.Thread(target=self._listen, daemon=True).start()
        self._settle_threads()

    def _settle_threads(self):
        """Put QEMU's main loop and its virtual CPU on one core, the CPU first.

        The UART model hands over what fits its FIFO of 16 bytes, then waits until the
        guest has been woken, has read it, and QEMU's main loop has been woken again. On
        two cores both sides also wait for QEMU's one lock at every byte: measured, the
        guest was 12 to 38 % idle then, 70 to 88 % idle so. The two wake-ups remain: a
        line of 90 to 125 kB/s on a busy machine.
        """
        if self.tree != "qemu-virt":
            return  # nothing goes byte by byte, two cores are better
        core = max(os.sched_getaffinity(0))
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/comm") as text:
                cpu = text.read().startswith("CPU")
            try:
                os.sched_setaffinity(int(thread), {core})
                os.setpriority(os.PRIO_PROCESS, int(thread), -20 if cpu else -15)
                if not cpu:
                    os.sched_setscheduler(int(thread), os.SCHED_BATCH, os.sched_param(0))
            except OSError:
                pass  # without the right it is only slower

    def wait_ready(self, timeout=120 * PATIENCE):
        """Wait until the guest takes commands. Return the seconds since start()."""
        end = time.monotonic() + timeout
        while not self.ready.wait(0.5):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure(f"the guest did not come up in {timeout} s; {self.work}/console.log ends with:\n"
                              + tail(f"{self.work}/console.log") + tail(f"{self.work}/qemu.log"))
        return time.monotonic() - self.started

    def _listen(self):
        try:
            for line in self.lines:
                words = line.rstrip("\n").split(" ", 2)
                if words[:1] == ["ready"]:
                    self.release = words[1]
                    self.ready.set()
                elif len(words) == 3:
                    with self.lock:
                        slot = self.waiting.pop(words[0], None)
                    if slot and words[1] == "read":
                        slot["status"] = 0
                        slot["output"] = words[2].replace("\x1f", "\n").encode()
                    elif slot:
                        slot["status"] = int(words[1])
                        slot["output"] = b"" if words[2] == "-" else base64.b64decode(words[2])
                    if slot:
                        slot["event"].set()
        except (OSError, ValueError):
            pass
        with self.lock:
            for slot in self.waiting.values():
                slot["event"].set()
            self.waiting.clear()

    def _send(self, script):
        slot = {"event": threading.Event(), "status": None, "output": b""}
        with self.lock:
            self.serial += 1
            self.waiting[str(self.serial)] = slot
            self.lines.write(f"{self.serial} {script}\n")
            self.lines.flush()
        return slot

    def run(self, script, timeout=30):
        """Run a shell script in the guest. Return (status, output of both streams)."""
        slot = self._send(base64.b64encode(script.encode()).decode())
        if not slot["event"].wait(timeout * PATIENCE):
            raise Failure(f"guest: no end of \"{script}\" in {timeout * PATIENCE} s")
        if slot["status"] is None:
            raise Failure(f"the guest died at \"{script}\"; {self.work}/console.log ends with:\n"
                          + tail(f"{self.work}/console.log"))
        return slot["status"], slot["output"].decode(errors="replace")

    def read(self, *files, timeout=10):
        """The text of files of the guest, one after the other, without a process there."""
        slot = self._send("read " + " ".join(files))
        if not slot["event"].wait(timeout * PATIENCE) or slot["status"] is None:
            raise Failure(f"guest: no answer to reading {files} in {timeout * PATIENCE} s")
        return slot["output"].decode(errors="replace")

    def clock_ns(self):
        """CLOCK_MONOTONIC of the guest, which never sleeps, to 10 ms."""
        return round(float(self.read("/proc/uptime").split()[0]) * 1e9)

    def check(self, script, timeout=30):
        """Like run(), but a status other than 0 is a Failure. Return the output."""
        status, output = self.run(script, timeout)
        if status != 0:
            raise Failure(f"guest: \"{script}\" ended with status {status}:\n{output}")
        return output

    def wait_for(self, script, what, timeout=30):
        """Wait until SCRIPT ends with status 0 in the guest, with patience. Return its output."""
        timeout = round(timeout * PATIENCE)
        loop = f"end=$((SECONDS + {timeout})); until out=$( {script} ); do " \
               "[ $SECONDS -lt $end ] || { echo \"$out\"; exit 124; }; sleep 0.1; done; echo \"$out\""
        status, output = self.run(loop, timeout + 20)
        if status != 0:
            raise Failure(f"guest: {what} did not happen in {timeout} s: {output}")
        return output

    def give(self, path):
        """Copy a file or folder of the host into the share. Return its path in the guest."""
        name = os.path.basename(path.rstrip("/"))
        if os.path.isdir(path):
            shutil.copytree(path, f"{self.share}/{name}", dirs_exist_ok=True)
        else:
            shutil.copy2(path, f"{self.share}/{name}")
        return f"/mnt/host/{name}"

    def reboot(self):
        """Restart it, its devices told; the simulators' lines stay connected. Return at once."""
        self.ready.clear()
        self.started = time.monotonic()
        self._send(base64.b64encode(b"sync; busybox reboot -f").decode())

    def alarms(self):
        """Lines of the kernel's log that a healthy kernel does not write."""
        try:
            log = self.check("dmesg")
        except Failure:
            log = tail(f"{self.work}/console.log", 1000)
        with open(f"{self.work}/dmesg.log", "w") as out:
            out.write(log)
        return [line for line in log.splitlines() if ALARMS.search(line)]

    def off(self, timeout=20):
        """Power off cleanly; insist if the guest does not."""
        if self.process is None:
            return
        if self.process.poll() is None and self.ready.is_set():
            try:
                self._send("off")
                self.process.wait(timeout)
            except (OSError, subprocess.TimeoutExpired):
                pass
        reap(self.process)
        self.process = None


class Gateway:
    """A guest with simulators on its UARTs; ends everything on the way out."""

    def __init__(self, name, scenarios, **guest):
        self.guest = Guest(name, **guest)
        self.scenarios = scenarios
        self.sims = []

    def __enter__(self):
        try:
            self.guest.start()
            for uart, scenario in enumerate(self.scenarios):
                if scenario:
                    self.sims.append(Simulator(scenario, self.guest.work, uart))
            self.boot_s = self.guest.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # A second Ctrl-C must not leave half of it behind.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.guest.off()
            for sim in self.sims:
                sim.close()
        finally:
            signal.signal(signal.SIGINT, handler)
