# SPDX-License-Identifier: GPL-2.0-or-later
"""Samples and their times in the virtual gateway: check.py's stage "waveforms"."""

import os
import re
import struct

from meter import Segment, SegmentClock
from readers import DEVICES, Readers, flaw, units, whole
from stages import scenario
from vm import BUILD, Gateway

TAIL = 1500             # scans of each device that are compared, the last ones
SLEEP_S = 3


def changed(name, work, segment=(), modules=None):
    """A copy of the scenario with more lines in [segment], and in the modules that MODULES names."""
    os.makedirs(work, exist_ok=True)
    out = []
    with open(scenario(name)) as text:
        for line in text:
            line = line.rstrip("\n")
            if any(line.split("=")[0].strip() == more.split("=")[0].strip() for more in segment):
                continue
            out.append(line)
            if line == "[segment]":
                out += segment
            for module, more in (modules or {}).items():
                if line == f"[module {module}]":
                    out += more
    path = f"{work}/{name}.ini"
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")
    return path


class Layout:
    """Where the channels are in a scan of an IIO device."""

    def __init__(self, guest, device):
        folder = f"/sys/bus/iio/devices/{device}/scan_elements"
        self.bits = None
        self.channels = []
        size = 0
        for text in guest.check(f"cd {folder}; for f in in_[!t]*_type; do echo $(cat ${{f%_type}}_index) $(cat $f); done | sort -n").splitlines():
            real, storage = re.search(r"le:s(\d+)/(\d+)>>0", text).groups()
            width = int(storage) // 8
            size = (size + width - 1) // width * width
            self.channels.append((size, {2: "<h", 4: "<i"}[width]))
            self.bits = int(real)
            size += width
        self.time = (size + 7) // 8 * 8
        self.size = self.time + 8

    def scan(self, raw, number):
        """(time stamp, codes) of scan NUMBER."""
        at = number * self.size
        return (struct.unpack_from("<q", raw, at + self.time)[0],
                [struct.unpack_from(form, raw, at + offset)[0] for offset, form in self.channels])


def compare(guest, sim, clock, unit, device, layout):
    """(samples, "" or what is wrong) of the last scans of DEVICE beside what the module holds."""
    with open(f"{guest.share}/{device}.tail", "rb") as data:
        raw = data.read()
    scans = [layout.scan(raw, n) for n in range(len(raw) // layout.size)]
    first = round(clock.index(scans[0][0]))
    last = round(clock.index(scans[-1][0]))
    if last - first != len(scans) - 1:
        return 0, f"{len(scans)} scans from index {first} to {last}"
    truth = sim.ask(cmd="scans", unit=unit, count=len(scans), **{"from": first})
    wrong = 0
    for number, (_, codes) in enumerate(scans):
        wrong += sum(code != truth["channels"][c][number] for c, code in enumerate(codes))
    return len(scans) * len(layout.channels), f"{wrong} samples differ" if wrong else ""


def streams(tap, guest, sim, segment, rate, names, what):
    """NAMES stream at RATE: each sample is the one that its module has at that index."""
    known = units(sim)
    first = guest.check(f"ls -d {DEVICES}/{segment.number}-{known[names[0]]:03d}/iio:device*").split()[0]
    guest.check(f"echo {rate} > {first}/sampling_frequency")
    segment.wait_modules(len(known), 40)
    readers = Readers(guest, segment, sim, names)
    guest.check(f"for d in {' '.join(readers.devices.values())}; do "
                "echo monotonic > /sys/bus/iio/devices/$d/current_timestamp_clock; done")
    layouts = {device: Layout(guest, device) for device in readers.devices.values()}
    before = sim.ask(cmd="status")["bytes_out"]
    readers.start(scans=2 * rate)
    readers.wait()
    sent = sim.ask(cmd="status")["bytes_out"] - before
    clock = SegmentClock(guest, segment)
    clock.update()
    # At once: the modules hold eight seconds.
    guest.check("; ".join(f"tail -c {TAIL * layout.size} /tmp/{device}.scans > /mnt/host/{device}.tail"
                          for device, layout in layouts.items()))
    found, samples = {}, 0
    for name, device in readers.devices.items():
        n, wrong = compare(guest, sim, clock, readers.units[name], device, layouts[device])
        samples += n
        if wrong:
            found[name] = f"{layouts[device].bits} bits: {wrong}"
    lost = readers.lost()
    times = readers.times()
    bad = flaw(times, rate)
    tap.ok(not lost and not bad and all(len(t) == 2 * rate for t in times.values()),
           f"{what}: no scan is lost", f"{lost or bad or 'all there'}, about {sent / 2000:.0f} kB/s")
    tap.ok(not found and samples > 0, f"{what}: each sample is that of the module",
           str(found) if found else f"{samples} samples compared")


def jump(tap, guest, sim, segment):
    """The wall clock is set an hour ahead: one of two readers has chosen it."""
    names = ["voltage", "hub1"]
    readers = Readers(guest, segment, sim, names)
    clocks = dict(zip(names, ("realtime", "monotonic")))
    for name, device in readers.devices.items():
        guest.check(f"echo {clocks[name]} > /sys/bus/iio/devices/{device}/current_timestamp_clock")
    readers.start(scans=16000)
    guest.check("sleep 1; date -s @$(($(date +%s) + 3600)) > /dev/null")
    readers.wait()
    lost, times = readers.lost(), readers.times()
    guest.check("date -s @$(($(date +%s) - 3600)) > /dev/null")
    for device in readers.devices.values():
        guest.check(f"echo monotonic > /sys/bus/iio/devices/{device}/current_timestamp_clock")
    tap.ok(not flaw({"hub1": times["hub1"]}) and not lost, "a jump of the wall clock: monotonic stamps do not see it, no scan is lost",
           f"{flaw({'hub1': times['hub1']})} {lost}".strip())
    steps = [b - a for a, b in zip(times["voltage"], times["voltage"][1:])]
    leaps = [step for step in steps if not 225000 < step < 275000]
    tap.ok(len(leaps) == 1 and 3590e9 < leaps[0] < 3602e9, "and realtime stamps see it once", f"leaps of {[s / 1e9 for s in leaps]} s")


def sleep(tap, guest, sim, segment):
    """Segment B on its UART while the devices of the host are suspended and resumed."""
    if guest.run("[ -w /sys/power/pm_test ] && grep -q freeze /sys/power/state")[0]:
        tap.skip("suspend and resume", "the kernel has no pm_test")
        return
    names = list(units(sim))
    readers = Readers(guest, segment, sim, names)
    readers.start(block=400)
    # These test drivers and the share cannot sleep.
    guest.check(f"echo {SLEEP_S} > /sys/module/suspend/parameters/pm_test_delay; umount /mnt/host; "
                "for d in 9pnet_virtio vserdev; do for v in /sys/bus/virtio/drivers/$d/virtio*; do "
                "[ -e $v ] && echo $d ${v##*/} && echo ${v##*/} > /sys/bus/virtio/drivers/$d/unbind; done; done > /tmp/unbound; "
                "echo devices > /sys/power/pm_test")
    requests = sim.ask(cmd="status")["requests"]
    status, text = guest.run("echo freeze > /sys/power/state; r=$?; echo none > /sys/power/pm_test; dmesg | grep -i 'PM:' | tail -n 5; exit $r", 90)
    guest.check("while read -r d v; do echo $v > /sys/bus/virtio/drivers/$d/bind; done < /tmp/unbound; "
                "mount -t 9p -o trans=virtio,version=9p2000.L host /mnt/host", 60)
    tap.ok(status == 0, "the host sleeps and wakes", text.strip().replace("\n", "; "))
    guest.wait_for(f"[ $(cat {DEVICES}/{segment.number}-*/state | grep -c streaming) = {len(names)} ]", "streams after the sleep", 30)
    lost = readers.lost()
    least = 0.8 * SLEEP_S * 4000
    tap.ok(len(lost) == len(names) and all(least < n < 20 * 4000 for n in lost.values()),
           "what was sampled meanwhile is counted as lost", f"{lost}, {sim.ask(cmd='status')['requests'] - requests} requests")
    readers.stop()
    stamps = readers.times()
    back = {n: sum(b <= a for a, b in zip(t, t[1:])) for n, t in stamps.items()}
    tap.ok(not any(back.values()), "time stamps only grow", str(back))
    # an emulated host may be too slow once to take what comes
    for _ in range(3):
        bad, scans = whole(guest, segment, sim, 2)
        if not bad:
            break
    tap.ok(not bad, "after it the streams are whole", bad or f"{scans} scans")


def waveforms(tap):
    """Formats, rates, local echo, clocks and sleep."""
    work = f"{BUILD}/vm/waveforms"
    wide = {name: ["bits = 24"] for name in ("voltage", "hub1", "hub2")}
    line_a = changed("accuracy-3p", f"{work}/a", ["depth_ms = 8000"], wide)
    line_b = changed("house-1p", f"{work}/b", ["depth_ms = 4000", "echo = yes"])
    with Gateway("check-waveforms", [line_a, line_b], tree="qemu-virt-echo") as gateway:
        guest = gateway.guest
        (sim_a, sim_b), (a, b) = gateway.sims, (Segment(guest, "a"), Segment(guest, "b"))
        a.wait_modules(8)
        names = list(units(sim_a))
        streams(tap, guest, sim_a, a, 8000, names[:2] + names[3:], "7 channels of 24 bits and 20 of 16 at 8 kHz")
        guest.check(f"echo 4000 > {DEVICES}/{a.number}-001/iio:device*/sampling_frequency")
        a.wait_modules(8, 40)
        b.wait_modules(3)
        tap.ok(b.get("modules") == 3, "modules are found on a line that hears itself", f"{b.get('modules')} of 3")
        streams(tap, guest, sim_b, b, 4000, list(units(sim_b)), "a line that hears itself, on the UART")
        jump(tap, guest, sim_a, a)
        sleep(tap, guest, sim_b, b)
        alarms = guest.alarms()
        tap.ok(not alarms, "waveforms: the kernel has nothing to complain about", "; ".join(alarms[:3]))
