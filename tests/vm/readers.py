# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that read the IIO devices of a segment, and whether what they got is whole."""

import re
import struct

DEVICES = "/sys/bus/smappee/devices"
RATE = 4000


def units(sim, kinds=(9400, 9500, 9600)):
    """{name: unit} of the simulator's modules on the line, of these types."""
    return {m["name"]: m["unit"] for m in sim.ask(cmd="status")["modules"]
            if m["plugged"] and m["unit"] and m["type"] in kinds}


class Readers:
    """One iio_readdev for each of the modules NAMES; they write to the guest's /tmp."""

    def __init__(self, guest, segment, sim, names=None):
        self.guest = guest
        self.segment = segment
        known = units(sim)
        self.units = {name: known[name] for name in (names or known)}
        paths = [f"{DEVICES}/{segment.number}-{unit:03d}/iio:device*" for unit in self.units.values()]
        found = guest.wait_for(f"ls -d {' '.join(paths)}", f"an IIO device of each of {', '.join(self.units)}", 20).split()
        self.devices = {name: next(path.rsplit("/", 1)[1] for path in found if f"-{unit:03d}/" in path)
                        for name, unit in self.units.items()}
        self.before = {}

    def start(self, scans=None, block=4000):
        """
        Start them, all in one shell; wait until all modules are streaming, and count from there. Without a
        number of SCANS they are read in pieces of BLOCK, which is also what the kernel holds for a reader that
        has to wait for the processor; of a number it holds all.
        """
        limit = f"-b {scans} -s {scans}" if scans else f"-b {block}"
        self.guest.check(f"for d in {' '.join(self.devices.values())}; do setsid iio_readdev -T 30000 {limit} "
                         "$d > /tmp/$d.scans 2> /tmp/$d.log & done; echo")
        states = " ".join(f"{DEVICES}/{self.segment.number}-{unit:03d}/state" for unit in self.units.values())
        self.guest.wait_for(f"[ $(cat {states} | grep -c streaming) = {len(self.units)} ]",
                            f"streams of {len(self.units)} modules", 30)
        self.mark()

    def _lost(self):
        files = [f"{DEVICES}/{self.segment.number}-{unit:03d}/lost_scans" for unit in self.units.values()]
        return dict(zip(self.units, (int(n) for n in self.guest.read(*files).split())))

    def mark(self):
        self.before = self._lost()

    def lost(self):
        """{name: scans} that were lost since mark(), of those that lost any."""
        return {name: now - self.before[name] for name, now in self._lost().items() if now != self.before[name]}

    def wait(self, timeout=60):
        """Wait for the end of readers that were given a number of scans."""
        self.guest.wait_for("! pidof iio_readdev > /dev/null", "the end of the readers", timeout)

    def stop(self):
        self.guest.run("kill $(pidof iio_readdev)")
        self.wait(20)

    @staticmethod
    def _scan_size(types):
        """Bytes of a scan of channels of these TYPES: every element at a multiple of its size, the time stamp last."""
        size = 0
        for bits in [int(b) for b in re.findall(r"/(\d+)", types)] + [64]:
            size = (size + bits // 8 - 1) // (bits // 8) * (bits // 8) + bits // 8
        return size

    def times(self):
        """{name: time stamps, ns} of what the readers wrote, which is then deleted."""
        devices = " ".join(self.devices.values())
        types = self.guest.check(f"cd /tmp; for d in {devices}; do echo $(cat /sys/bus/iio/devices/$d/scan_elements/in_[!t]*_type); done; "
                                 f"for d in {devices}; do mv $d.scans /mnt/host/ || exit 1; done", 60).splitlines()
        found = {}
        for (name, device), text in zip(self.devices.items(), types):
            size = self._scan_size(text)
            with open(f"{self.guest.share}/{device}.scans", "rb") as data:
                raw = data.read()
            found[name] = [struct.unpack_from("<q", raw, at - 8)[0] for at in range(size, len(raw) + 1, size)]
        return found


def flaw(times, rate=RATE):
    """What is wrong with the time stamps of a group of streams, "" if nothing is: one
    scan follows the other, and while all run they have the same instants."""
    period = 1e9 / rate
    for name, stamps in times.items():
        if len(stamps) < 2:
            return f"{name} has {len(stamps)} scans"
        steps = [b - a for a, b in zip(stamps, stamps[1:])]
        wrong = [i for i, step in enumerate(steps) if not 0.9 * period < step < 1.1 * period]
        if wrong:
            return f"{name}: {len(wrong)} steps are wrong, the first after scan {wrong[0]} of {len(stamps)}: {steps[wrong[0]]} ns"
    start, end = max(s[0] for s in times.values()), min(s[-1] for s in times.values())
    common = {name: {t for t in stamps if start <= t <= end} for name, stamps in times.items()}
    first = next(iter(common))
    for name, stamps in common.items():
        if stamps != common[first] or not stamps:
            return f"{name} and {first} differ in {len(stamps ^ common[first])} of {len(stamps)} instants"
    return ""


def whole(guest, segment, sim, seconds=3, names=None):
    """("" or what is wrong, scans) of streams of all modules over SECONDS: nothing is lost."""
    readers = Readers(guest, segment, sim, names)
    overruns = " ".join(f"/sys/bus/iio/devices/{d}/overruns" for d in readers.devices.values())
    before = guest.read(*overruns.split()).split()
    readers.start(scans=seconds * RATE)
    readers.wait()
    lost = readers.lost()
    after = guest.read(*overruns.split()).split()
    times = readers.times()
    scans = sum(len(stamps) for stamps in times.values())
    if lost:
        return f"lost {lost}", scans
    if before != after:
        return f"overruns went from {before} to {after}", scans
    if scans != seconds * RATE * len(times):
        return f"{ {name: len(stamps) for name, stamps in times.items()} } scans", scans
    return flaw(times), scans
