#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Storms on the virtual gateway: drivers that come and go, cables pulled, modules unloaded
while in use, a peer that lies. After each the streams are whole again.

    storm.py [SECONDS]     the long form, SECONDS (600) of the lying peer

check.py has the short form. TAP goes to build/results/storm.tap.
"""

import random
import sys
import time

from meter import Segment
from readers import DEVICES, whole
from stages import scenario
from tap import Tap
from vm import BUILD, Failure, Gateway

MODULES = 18
HUNG_S = 30
# What two looks at the slab of an idle kernel differ by.
SLAB_KB = 1024
LINES_PER_S = 20
DRIVERS = ("leds_smappee smappee_ct smappee_voltage smappee_powerbox smappee_iio gpio_smappee_input gpio_smappee_output "
           "smappee_bus")
BUS = "/sys/bus/smappee/drivers"

# Readers that take what there is, until it goes: $1 is the pattern of their modules.
READ = (r'read_all() { local d; for d in %s/$1/iio:device*; do [ -e "$d" ] || continue; '
        r'setsid iio_readdev -T 5000 -b 400 "${d##*/}" > /dev/null 2>&1 & done; }; ' % DEVICES)


class Storm:
    """A gateway with all kinds of modules, and what must hold after whatever happens to it."""

    def __init__(self, tap, gateway, seed):
        self.tap = tap
        self.guest = gateway.guest
        self.sim = gateway.sims[0]
        self.segment = Segment(self.guest, "a")
        self.port = self.segment.path.rsplit("/", 1)[1]
        self.dice = random.Random(seed)
        self.slab = 0

    def module(self, name):
        """Name of the device of a simulated module."""
        unit = next(m["unit"] for m in self.sim.ask(cmd="status")["modules"] if m["name"] == name)
        return f"{self.segment.number}-{unit:03d}"

    def complete(self, timeout=60):
        """Wait until all modules are there, none is silent, and all that sample are locked."""
        end = time.monotonic() + timeout
        while True:
            try:
                self.guest.wait_for(f"[ $(cat {self.segment.path}/modules) = {MODULES} ] && "
                                    f"! grep -q silent {DEVICES}/{self.segment.number}-*/state", "all modules", 4)
                self.segment.wait_modules(8)
                return
            except Failure:
                if time.monotonic() > end:
                    raise
                self.guest.check(f"echo 1 > {self.segment.path}/rescan", 60)

    def slab_kb(self):
        text = self.guest.check("sync; echo 3 > /proc/sys/vm/drop_caches; sleep 1; grep SUnreclaim /proc/meminfo")
        return int(text.split()[1])

    def idle(self):
        """No program of ours reads any more."""
        self.guest.run("kill $(pidof iio_readdev gpiomon gpioset) 2> /dev/null; "
                       "while pidof iio_readdev gpiomon gpioset > /dev/null; do sleep 0.1; done", 30)

    def udev_is_done(self):
        """It has loaded what it will load: a driver that it is late with comes back while others are unloaded."""
        self.guest.check("udevadm settle --timeout=60", 90)

    def settle(self, what):
        """After a storm: all is there, streams are whole, nothing leaked, nothing complained."""
        self.idle()
        begin = time.monotonic()
        self.complete()
        took = time.monotonic() - begin
        wrong, scans = whole(self.guest, self.segment, self.sim)
        self.tap.ok(not wrong, f"{what}: then all eight streams are whole", wrong or f"{scans} scans, after {took:.1f} s")
        # udev's readers come and go with the devices
        self.udev_is_done()
        used = self.guest.check("while read -r m _ n _; do case $m in smappee_ct|smappee_voltage|gpio_smappee*) "
                                "echo $m $n;; esac; done < /proc/modules").split()
        self.guest.check(f"echo 1 > {self.segment.path}/rescan", 60)
        # a babbler is one until it has been quiet for some seconds
        self.guest.run(f"for i in $(seq 200); do grep -q . {self.segment.path}/problems || break; sleep 0.1; done", 60)
        problems = self.guest.read(f"{self.segment.path}/problems").strip()
        self.tap.ok(not problems, f"{what}: a rescan finds no problem", problems)
        self.tap.ok(all(n == "0" for n in used[1::2]) and used, f"{what}: nobody uses a driver any more", " ".join(used))
        slab = self.slab_kb()
        if self.slab:
            self.tap.ok(slab - self.slab < SLAB_KB, f"{what}: no memory is missing", f"{self.slab} kB of slab, then {slab} kB")
        self.slab = slab
        alarms = self.guest.alarms()
        self.tap.ok(not alarms, f"{what}: the kernel has nothing to complain about", "; ".join(alarms[:3]))


def rebind(storm, cycles):
    """Unbind and bind the drivers of modules that stream, then of the whole segment."""
    guest, n = storm.guest, storm.segment.number
    begin = time.monotonic()
    segment = max(cycles // 10, 1)
    modules = [storm.module(f"hub{i}") for i in range(2, 8)]
    streaming = guest.check(
        READ + f"read_all {storm.module('voltage')}; read_all {storm.module('hub1')}; m=({' '.join(modules)}); s=0; "
        f"for i in $(seq {cycles - segment}); do d=${{m[RANDOM % {len(modules)}]}}; read_all $d; "
        f"for k in {{1..50}}; do read -r state < {DEVICES}/$d/state; [ $state = streaming ] && s=$((s + 1)) && break; sleep 0.1; done; "
        f"echo $d > {BUS}/smappee-ct/unbind || exit 1; echo $d > {BUS}/smappee-ct/bind || exit 1; done; echo $s", 60 + 5 * cycles).split()[-1]
    guest.check(
        READ + f"for i in $(seq {segment}); do read_all '{n}-*'; sleep 0.$((RANDOM % 10)); cd /sys/bus/serial/drivers/smappee-bus; "
        f"echo {storm.port} > unbind || exit 1; echo {storm.port} > bind || exit 1; "
        f"for k in $(seq 40); do [ $(cat {storm.segment.path}/modules) -ge 8 ] && break; sleep 0.1; done; done", 60 + 20 * segment)
    storm.tap.note(f"{cycles - segment} times a module's driver, {streaming} of them streaming, {segment} times the segment's: "
                   f"{time.monotonic() - begin:.0f} s")
    storm.tap.ok(int(streaming) > 0.8 * (cycles - segment), "drivers are bound and unbound while they stream",
                 f"{cycles} times, {streaming} of {cycles - segment} streaming")
    storm.settle("binding")


def replug(storm, events):
    """Modules leave and come, at any moment, some as others than they were."""
    dice, serial, done = storm.dice, 500000, {}
    names = [m["name"] for m in storm.sim.ask(cmd="status")["modules"] if m["name"] != "hub8"]
    here = set(names)
    begin = time.monotonic()
    for event in range(events):
        name = dice.choice(names)
        if event % 20 == 0:
            storm.guest.check(READ + f"read_all '{storm.segment.number}-*'; for c in /dev/gpiochip*; do "
                              "setsid timeout 5 gpiomon -c $c 0 > /dev/null 2>&1 & done; echo")
        if event % 50 == 49:
            storm.guest.check(f"echo 1 > {storm.segment.path}/rescan", 60)
        if name in here:
            what = dice.choice(["unplug", "unplug", "unplug", "swap", "address", "restart"])
        else:
            what = dice.choice(["plug", "plug", "plug 0"])
        if what == "restart":
            unit = next(m["unit"] for m in storm.sim.ask(cmd="status")["modules"] if m["name"] == name)
            if unit:
                storm.sim.ask(cmd="fault", kind="restart", unit=unit)
        elif what == "swap":
            serial += 1
            storm.sim.ask(cmd="swap", module=name, serial=serial)
        elif what == "address":
            storm.sim.ask(cmd="address", module=name, unit=dice.randrange(1, 25))
        elif what == "plug 0":
            storm.sim.ask(cmd="plug", module=name, unit=0)
        else:
            storm.sim.ask(cmd=what, module=name)
        here.symmetric_difference_update({name} if what[:4] in ("plug", "unpl") else ())
        done[what] = done.get(what, 0) + 1
        time.sleep(dice.random() * 0.2)
    for name in set(names) - here:
        storm.sim.ask(cmd="plug", module=name)
    storm.tap.note(f"{events} events in {time.monotonic() - begin:.0f} s: {done}")
    storm.settle("pulling cables")


def hold(guest, chips):
    """Have a line of each kind in use. A module that does not answer in time ends the program that wants its line."""
    end = time.monotonic() + 30
    while guest.run("pidof gpiomon && pidof gpioset")[0]:
        if time.monotonic() > end:
            raise Failure("no line is in use after 30 s")
        guest.check(f"pidof gpiomon > /dev/null || {{ setsid gpiomon -c {chips['in1']} 0 > /dev/null 2>&1 & }}; "
                    f"pidof gpioset > /dev/null || {{ setsid gpioset -c {chips['out1']} 0=1 > /dev/null 2>&1 & }}; sleep 0.5")


def unload(storm, times):
    """rmmod while buffers and lines are in use, then with the segment unbound."""
    guest, n = storm.guest, storm.segment.number
    held, ended = 0, 0
    for _ in range(times):
        chips = {name: guest.check(f"basename {DEVICES}/{storm.module(name)}/gpiochip*").strip() for name in ("in1", "out1")}
        guest.check(READ + f"read_all '{n}-*'; echo")
        guest.wait_for(f"[ $(cat {DEVICES}/{n}-*/state | grep -c streaming) = 8 ]", "eight streams", 30)
        hold(guest, chips)
        guest.check("sleep 0.5")
        storm.udev_is_done()
        text = guest.run(f"for m in {DRIVERS}; do [ ! -d /sys/module/$m ] || rmmod $m 2>&1 && echo $m is gone; done", 90)[1]
        storm.tap.note(f"in use: {' '.join(line.split()[0] for line in text.splitlines() if line.endswith('is gone'))} unloaded")
        # whoever holds a line holds its driver; whoever has a buffer gets an error
        held += all(f"{name} is gone" not in text for name in ("gpio_smappee_input", "gpio_smappee_output", "smappee_bus"))
        guest.check(f"echo {storm.port} > /sys/bus/serial/drivers/smappee-bus/unbind", 60)
        try:
            guest.wait_for("! pidof iio_readdev", "the end of the readers", 20)
            ended += 1
        except Failure as failure:
            storm.tap.note(failure)
        storm.idle()
        storm.udev_is_done()
        status, text = guest.run(f"for m in {DRIVERS}; do [ ! -d /sys/module/$m ] || rmmod $m 2>&1 || exit 1; done", 60)
        if status:
            raise Failure(f"rmmod: {text}")
        guest.check("modprobe smappee_bus", 60)
        storm.complete()
        # drivers come after their modules: udev loads them
        guest.wait_for(f"[ $(ls -d {DEVICES}/{n}-*/iio:device* | wc -l) = 8 ] && ls -d {DEVICES}/{storm.module('in1')}/gpiochip* "
                       f"{DEVICES}/{storm.module('out1')}/gpiochip*", "all drivers", 60)
    storm.tap.ok(held == times, "the driver of a line in use cannot be unloaded", f"{held} of {times} times")
    storm.tap.ok(ended == times, "who reads from a driver that goes gets an error and ends", f"{ended} of {times} times")
    storm.settle("unloading")


def hostile(storm, seconds):
    """A peer that answers with noise and with nearly right frames, while everybody asks for everything."""
    guest, n = storm.guest, storm.segment.number
    guest.check("touch /tmp/storm; (while [ -e /tmp/storm ]; do "
                f"for d in {DEVICES}/{n}-*/; do for f in $d*; do [ -f $f ] && timeout 5 cat $f; done; done > /dev/null 2>&1; "
                "for c in /dev/gpiochip*; do timeout 2 gpioget -c $c 0 1; timeout 1 gpioset -t0 -c $c 0=1; done > /dev/null 2>&1; done) > /dev/null 2>&1 & echo")
    lines = int(guest.check("dmesg | wc -l"))
    begin = storm.sim.ask(cmd="status")
    end = begin["seconds"] + seconds
    worst = 0
    for number, rate in enumerate([0.02, 0.2, 0.05, 1, 0.1, 0.5] * 1000):
        now = storm.sim.ask(cmd="status")["seconds"]
        if now >= end:
            break
        guest.check(READ + f"read_all '{n}-*'; echo")
        storm.sim.ask(cmd="fault", kind="hostile", unit=0, rate=rate)
        if rate == 0.2:
            storm.sim.ask(cmd="fault", kind="babble", unit=0, rate=0.05)
        time.sleep(min(max(seconds / 40, 1.5), end - now))
        if number % 2:
            a = time.monotonic()
            guest.check(f"echo 1 > {storm.segment.path}/rescan", 120)
            worst = max(worst, time.monotonic() - a)
        storm.sim.ask(cmd="clear")
    status = storm.sim.ask(cmd="status")
    guest.check("rm /tmp/storm")
    took = status["seconds"] - begin["seconds"]
    said = (int(guest.check("dmesg | wc -l")) - lines) / took
    lies = status["faults"]["hostile"] - begin["faults"]["hostile"]
    storm.tap.note(f"{lies} lies in {took:.0f} s; a rescan meanwhile took {worst:.1f} s at most")
    storm.tap.ok(lies > 5 * seconds, "the peer lies", f"{lies} times in {took:.0f} s")
    storm.tap.ok(said < LINES_PER_S, "and the log is not flooded", f"{said:.1f} lines a second")
    storm.settle("a hostile peer")


def run(tap, gateway, cycles, events, unloads, seconds, seed=1):
    storm = Storm(tap, gateway, seed)
    storm.guest.check(f"echo {HUNG_S} > /proc/sys/kernel/hung_task_timeout_secs")
    storm.complete()
    for part, amount in ((rebind, cycles), (replug, events), (unload, unloads), (hostile, seconds)):
        if not amount:
            continue
        try:
            part(storm, amount)
        except Failure as failure:
            tap.note(failure)
            tap.ok(False, f"storm: {part.__name__} comes to its end", str(failure).splitlines()[0])
            tap.note(storm.guest.run("dmesg | tail -n 30")[1])
            storm.sim.ask(cmd="clear")


def short(tap, gateway):
    """What check.py has time for."""
    run(tap, gateway, 10, 15, 1, 4)


def place():
    """A gateway for it: all kinds of modules on segment A, nothing on segment B."""
    return Gateway("storm", [scenario("discovery"), None], tree="qemu-virt-discovery")


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    parts = [200, 500, 10, seconds]
    if len(sys.argv) > 2:
        parts = [int(n) for n in sys.argv[2].split(",")] + [seconds]
    tap = Tap(f"{BUILD}/results/storm.tap")
    with place() as gateway:
        run(tap, gateway, *parts)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
