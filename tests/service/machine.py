# SPDX-License-Identifier: GPL-2.0-or-later
"""
A small machine with systemd as its process 1: namespaces of its own, and the files of this
suite with a layer over them that goes with it. Needs root, and cgroups of version 2.
"""
import os
import shutil
import signal
import subprocess
import tempfile

from bench import METERD, TOP, wait
import tap

# What a machine boots into: systemd and its journal.
TARGET = """[Unit]
Description=Nothing but the journal
Requires=systemd-journald.socket systemd-journald.service
After=systemd-journald.service
"""
BOOT = """set -eu
mount -t tmpfs none "$1"
mount --make-private "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys 2> /dev/null || mount --rbind /sys sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs none run
mount -t tmpfs -o mode=1777 none tmp
mount -t tmpfs -o mode=755 none dev
for name in null zero full random urandom tty; do
	touch "dev/$name"
	mount --bind "/dev/$name" "dev/$name"
done
mknod -m 666 dev/open c 10 237
mkdir dev/shm
ln -s /proc/self/fd dev/fd
ip link set lo up
ip address add 192.0.2.1/24 dev lo
# nothing that is started at boot: some of it would set up the kernel of all
rm -rf var/log/journal usr/lib/systemd/system/*.target.wants etc/systemd/system/*.target.wants
cp "$2" etc/systemd/system/test.target
exec chroot . env -i container=test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --system --unit=test.target
"""


def cgroup_folder():
    """Where cgroups of version 2 are mounted."""
    with open("/proc/mounts", encoding="ascii") as f:
        for line in f:
            words = line.split()
            if words[2] == "cgroup2" and os.access(words[1], os.W_OK):
                return words[1]
    raise tap.Skip("no cgroups of version 2 here")


class Machine:
    """systemd, the shipped unit and meterd; not started."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="machine-")
        self.cgroup = os.path.join(cgroup_folder(), f"machine-{os.getpid()}")
        os.mkdir(self.cgroup)
        target = os.path.join(self.dir, "test.target")
        with open(target, "w", encoding="ascii") as f:
            f.write(TARGET)
        os.mkdir(self.path_out("m"))
        self.log = open(self.path_out("log"), "w", encoding="utf8")
        self.shell = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--cgroup", "--uts", "--ipc",
             "--net", "sh", "-c", BOOT, "boot", self.path_out("m"), target],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=self.into_cgroup)
        self.init = None

    def no_cgroup(self):
        """Remove the cgroups; whether that was possible."""
        try:
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return True

    def path_out(self, name):
        return os.path.join(self.dir, name)

    def into_cgroup(self):
        with open(os.path.join(self.cgroup, "cgroup.procs"), "w", encoding="ascii") as f:
            f.write(str(os.getpid()))

    def path(self, name):
        """A file of the machine, as this process sees it."""
        return f"/proc/{self.init}/root{name}"

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with open(self.path(name), encoding="utf8") as f:
            return f.read()

    def run(self, *command, check=True):
        """Run a command in the machine; its output."""
        done = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w",
                               *command], capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def is_up(self):
        if self.shell.poll() is not None:
            with open(self.path_out("log"), encoding="utf8") as f:
                raise tap.Skip("systemd does not start here: " + " ".join(f.read().split())[-200:])
        if not self.init:
            found = subprocess.run(["pgrep", "-P", str(self.shell.pid)], capture_output=True, text=True,
                                   check=False).stdout.split()
            self.init = int(found[0]) if found else None
        return self.init and self.run("systemctl", "is-active", "test.target", check=False).strip() == "active"

    def install(self):
        """What README.md says."""
        subprocess.run(["make", "-s", "-C", os.path.join(TOP, "userspace"), f"O={os.path.dirname(METERD)}",
                        f"DESTDIR={self.path('')}", "install"], check=True)
        self.run("systemd-sysusers", "/usr/lib/sysusers.d/meterd.conf")
        self.run("systemctl", "daemon-reload")

    def show(self, key):
        return self.run("systemctl", "show", "-P", key, "meterd").strip()

    def journal(self, *match):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", "meterd", *match)

    def tells(self, text, *match):
        """Wait until the journal has TEXT: it reads what it is sent when it has the time to."""
        wait(lambda: text in self.journal(*match), 10, f"the journal has: {text}", every=0.2)

    def __enter__(self):
        wait(self.is_up, 20, "systemd is up", every=0.1)
        self.install()
        return self

    def __exit__(self, *error):
        if error[0] and error[0] is not tap.Skip and self.init:
            print("# " + self.run("journalctl", "--no-pager", "-n", "60", check=False).replace("\n", "\n# "))
        if self.init:
            os.kill(self.init, signal.SIGKILL)
        self.shell.wait(10)
        self.log.close()
        wait(self.no_cgroup, 10, "the cgroups are empty", every=0.1)
        shutil.rmtree(self.dir)
