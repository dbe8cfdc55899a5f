#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The drivers on a PC: Debian's amd64 kernel, a segment that ACPI describes (PRP0001).

TAP goes to build/results/vm-amd64.tap and to standard output.
"""

import sys

import small
from tap import Tap
from vm import BUILD

GUEST = f"{BUILD}/guest-amd64"
# Without acceleration, on a busy host.
LIMIT_S = 600


def main():
    tap = Tap(f"{BUILD}/results/vm-amd64.tap")
    # COM1 is the segment, COM2 the console
    arguments = ["qemu-system-x86_64", "-M", "q35", "-cpu", "qemu64", "-m", "256", "-accel", "tcg",
                 "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                 "-kernel", f"{GUEST}/vmlinuz", "-initrd", f"{GUEST}/initrd.cpio",
                 "-acpitable", f"file={GUEST}/ssdt.aml",
                 "-append", "console=ttyS1 quiet panic=-1 rdinit=/init mitigations=off",
                 *small.console_and_port()]
    small.run(tap, {"amd64": (arguments, "house-1p")}, LIMIT_S)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
