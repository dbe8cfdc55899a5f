#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a medium is given to write in real time, with all that the file system adds: meterd with
28 loads on an ext4 of its own, whose block device counts. Not part of the check, since it
takes as long as it measures.    medium.py [MINUTES [MOUNT_OPTIONS]]
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

from bench import House, wait


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    options = ",".join(["loop", *sys.argv[2:]])
    with House(loads=28, speed=1, rate=600, phases=3, restless=True) as h, \
            tempfile.TemporaryDirectory(prefix="run-") as memory:
        h.medium = h.path("medium")
        os.mkdir(h.medium)
        subprocess.run(["truncate", "-s", "256M", h.path("image")], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", h.path("image")], check=True)
        subprocess.run(["mount", "-o", options, h.path("image"), h.medium], check=True)
        device = subprocess.run(["losetup", "-n", "-O", "NAME", "-j", h.path("image")], check=True,
                                capture_output=True, text=True).stdout.split("/")[-1].strip()

        def written():
            with open(f"/sys/block/{device}/stat", encoding="ascii") as f:
                return int(f.read().split()[6]) * 512

        env = {**os.environ, "RUNTIME_DIRECTORY": memory}
        # a day in a hurry, for the log to be as long as it becomes within three hours; killed, since it is
        # emptied otherwise
        h.speed = 0
        h.configure()
        h.start(env)
        wait(lambda: h.stored_until() > 24 * 3600e3, 600, "a day passes", every=0.5)
        for pid in (h.meterd.pid, h.store_pid()):
            os.kill(pid, signal.SIGSTOP)
        os.kill(h.store_pid(), signal.SIGKILL)
        h.stop(signal.SIGKILL)
        h.speed = 1
        h.configure()
        h.start(env)
        time.sleep(90)
        first, began = written(), time.monotonic()
        while time.monotonic() - began < minutes * 60:
            time.sleep(60)
            per_day = (written() - first) / (time.monotonic() - began) * 86400
            print(f"{(time.monotonic() - began) / 60:4.0f} min: {per_day / 1e6:.1f} MB a day", flush=True)
        h.stop()


if __name__ == "__main__":
    main()
