#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Power cuts: QEMU is killed while meterd measures and sends records; its medium is a disk
of its own whose writes go through to the image. KTAP on standard output.

    power_cut.py        CUTS=n how often, SEED=n for the same moments
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "upstream"))
import records  # pylint: disable=wrong-import-position
from bench import Broker, House, Listener, wait  # pylint: disable=wrong-import-position
from vm import GUEST, Guest, reap  # pylint: disable=wrong-import-position

CUTS = int(os.environ.get("CUTS", "5"))
SEED = int(os.environ.get("SEED", time.time_ns() % 100000))
SPEED = 60
INTERVAL_S = 2
# Of the last checkpoint, and of the time that a busy emulation takes to write it.
LOST_S = (INTERVAL_S + 3) * SPEED


class CutGuest(Guest):
    """A guest with a second disk."""

    def __init__(self, disk):
        super().__init__("power-cut", tree="qemu-virt")
        self.extra += ["-drive", f"file={disk},format=raw,if=none,id=medium,cache=writethrough",
                       "-device", "virtio-blk-pci,drive=medium"]

    def cut(self):
        self.process.kill()
        self.process.wait()


def boot(disk, house):
    guest = CutGuest(disk)
    guest.start()
    guest.wait_ready(120)
    for name in ("meterd.conf", "house.cfg", "house.dat"):
        guest.give(house.path(name))
    guest.check("mkdir -p /tmp/medium; mount -t ext4 $(ls /dev/vdb || echo /dev/vda) /tmp/medium")
    # killed with the machine only
    guest.check("setsid meterd --config /mnt/host/meterd.conf > /mnt/host/log 2>&1 < /dev/null &")
    return guest


def configure(house, broker):
    house.configure(f"[mqtt]\nhost = 10.0.2.2\nport = {broker.port}\n",
                    registers=f"interval_s = {INTERVAL_S}\n")
    with open(house.path("meterd.conf"), encoding="ascii") as f:
        text = f.read()
    text = text.replace(house.path("house.cfg"), "/mnt/host/house.cfg").replace(house.dir, "/tmp/medium")
    with open(house.path("meterd.conf"), "w", encoding="ascii") as f:
        f.write(text)


def on_disk(house, disk):
    """Records in the image, as the next boot will find them."""
    folder = house.path("mounted")
    copy = house.path("copy.img")
    shutil.copy(disk, copy)
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["mount", "-o", "loop", copy, folder], check=True)
    try:
        with sqlite3.connect(os.path.join(folder, "records.db")) as db:
            (check,), = db.execute("PRAGMA integrity_check")
            numbers = records.numbers(db)
        db.close()
    finally:
        subprocess.run(["umount", folder], check=True)
    assert check == "ok", check
    return numbers


def power_cuts():
    chance = random.Random(SEED)
    print(f"# SEED={SEED} {GUEST}")
    with House(speed=SPEED) as h:
        disk = h.path("disk.img")
        subprocess.run(["truncate", "-s", "32M", disk], check=True)
        subprocess.run(["mkfs.ext4", "-q", disk], check=True)
        b = Broker(h)
        b.start()
        l = Listener(b)
        configure(h, b)
        most, slowest = 0, 0
        for _ in range(CUTS):
            guest = boot(disk, h)
            try:
                began, live, before = time.monotonic(), l.live, dict(l.registers)
                l.falls.clear()
                wait(lambda n=live: l.live > n, 60, "live values")
                slowest = max(slowest, time.monotonic() - began)
                now = l.last_live[1]["loads"]
                for load in now:
                    lost = before.get((load["name"], "import_wh"), 0) - load["import_wh"]
                    watts = 230 * (1 + int(load["name"].split()[1]))
                    most = max(most, lost / watts * 3600)
                n = len(l.records)
                wait(lambda n=n: len(l.records) > n + 5, 60, "records arrive")
                time.sleep(chance.uniform(0, 3))
            finally:
                guest.cut()
            held = on_disk(h, disk)
            heard = set(l.records)
            assert heard <= held, f"sent, but not on the medium: {sorted(heard - held)[:5]}"
        guest = boot(disk, h)
        try:
            wait(lambda: held <= set(l.records), 60, "what was stored arrives")
        finally:
            reap(guest.process)
        assert l.unlike == 0, f"{l.unlike} came twice with other content"
        numbers = sorted(l.records)
        assert numbers == list(range(1, len(numbers) + 1)), "numbers have gaps"
        assert most <= LOST_S, f"{most:.0f} s of energy lost"
        print(f"# {CUTS} cuts, {len(numbers)} records, lost 0, sent twice {l.duplicates}; at most "
              f"{most / SPEED:.1f} s of measuring lost; live values {slowest:.1f} s after the start of meterd")


def main():
    print("KTAP version 1\n1..1")
    try:
        power_cuts()
        print("ok 1 power_cuts")
    except Exception as e:  # pylint: disable=broad-except
        print(f"# {e!r}")
        print("not ok 1 power_cuts")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
