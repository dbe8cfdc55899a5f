#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Raspberry Pi 3 and 4 as QEMU models them: Debian's arm64 kernel, the tree that Debian ships
for the board, and our overlays for the board and the mains on it.

    raspi.py [rpi3] [rpi4]     without a name both

The segment is on the PL011, the console on the mini UART. TAP goes to
build/results/vm-raspi.tap and to standard output.
"""

import sys

import small
from tap import Tap
from vm import BUILD

GUEST = f"{BUILD}/guest-raspi"
# Without acceleration, on a busy host; the models have four cores, the kernel uses one.
LIMIT_S = 600
# Its UART model hands over byte by byte; 4 channels at this rate it carries.
RATE_HZ = 2000
RPI3 = "console=ttyS1,115200 quiet"
# QEMU's model of the 4 has no interrupt controller, I2C and clock gates of the displays, and a
# driver that looks for them ends in an abort: the kernel is told to leave them alone. Whoever
# opens its mini UART is flooded with interrupts, so only the kernel's early console writes there.
RPI4 = ("initcall_blacklist=brcmstb_l2_driver_init,brcmstb_i2c_driver_init clk_ignore_unused "
        "earlycon=uart8250,mmio32,0xfe215040 keep_bootcon console=tty0 printk.devkmsg=on test.log=kmsg")


def board(tree, machine, how):
    return (["qemu-system-aarch64", "-M", machine, "-accel", "tcg",
             "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-kernel", f"{GUEST}/vmlinuz", "-initrd", f"{GUEST}/initrd.cpio",
             "-dtb", f"{GUEST}/{tree}.dtb",
             "-append", "panic=-1 rdinit=/init mitigations=off kpti=0 maxcpus=1 "
                        f"test.mains=1p test.devices=2 test.rate={RATE_HZ} {how}",
             *small.console_and_port()], "mains-1p-230v")


BOARDS = {"rpi3": ("raspi3b", RPI3), "rpi4": ("raspi4b", RPI4)}


def main():
    tap = Tap(f"{BUILD}/results/vm-raspi.tap")
    small.run(tap, {name: board(name, *BOARDS[name]) for name in sys.argv[1:] or BOARDS}, LIMIT_S)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
