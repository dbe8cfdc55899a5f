#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The drivers on a PC: Debian's amd64 kernel, a segment that ACPI describes.

tests/vm/pc/init.c is all of user space there; it says in TAP on the console what it
found, and the kernel's log after it. TAP goes to build/results/vm-amd64.tap and to
standard output.
"""

import re
import subprocess
import sys

from stages import scenario
from tap import Tap
from vm import ALARMS, BUILD, Failure, Simulator, claim, reap, spawn, tail

GUEST = f"{BUILD}/guest-amd64"
LIMIT_S = 60


def boot(work):
    """QEMU's process; COM1 is the segment, COM2 the console."""
    return spawn(["qemu-system-x86_64", "-M", "q35", "-cpu", "qemu64", "-m", "256", "-accel", "tcg",
                  "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                  "-kernel", f"{GUEST}/vmlinuz", "-initrd", f"{GUEST}/initrd.cpio",
                  "-acpitable", f"file={GUEST}/ssdt.aml",
                  "-append", "console=ttyS1 quiet panic=-1 rdinit=/init mitigations=off",
                  "-chardev", f"socket,id=uart0,path={work}/uart0,server=on,wait=off",
                  "-serial", "chardev:uart0",
                  "-serial", f"file:{work}/console.log"], f"{work}/qemu.log")


def run(work):
    """Boot, and wait for the end. Return what was said on the console."""
    machine, sim = boot(work), None
    try:
        sim = Simulator(scenario("house-1p"), work, 0)
        machine.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        print(f"# no end in {LIMIT_S} s; {work}/console.log ends with:\n" + tail(f"{work}/console.log"))
    finally:
        if sim:
            sim.close()
        reap(machine)
    with open(f"{work}/console.log", errors="replace") as console:
        return console.read().splitlines()


def main():
    tap = Tap(f"{BUILD}/results/vm-amd64.tap")
    lock, work = claim("pc")
    subprocess.run(["rm", "-rf", work], check=True)
    subprocess.run(["mkdir", "-p", work], check=True)
    plan = None
    try:
        for line in run(work):
            result = re.match(r"(not )?ok \d+ - ([^:]*): (.*)", line)
            plan = plan or re.match(r"1\.\.(\d+)$", line)
            if result:
                tap.ok(not result[1], f"amd64: {result[2]}", result[3])
            elif line.startswith("# "):
                tap.note(line[2:])
            elif line.startswith("## ") and ALARMS.search(line):
                tap.ok(False, "amd64: the kernel has nothing to complain about", line[3:])
    except Failure as failure:
        tap.note(failure)
    tap.ok(plan and tap.count == int(plan[1]), "amd64: all tests came to their end, and nothing else was said",
           f"{tap.count} of {plan[1] if plan else 'unknown'}; {work}/console.log")
    lock.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
