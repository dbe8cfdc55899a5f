# SPDX-License-Identifier: GPL-2.0-or-later
"""Modules without addresses in the virtual gateway: what check.py's stage "discovery" begins with."""

import time

from meter import Segment
from readers import DEVICES, Readers, flaw, units, whole
from stages import scenario
from vm import Failure, Simulator

OPEN = (9400, 9500, 9600, 9700, 9800)
# They stream all the time while things happen to the others.
OTHERS = ["voltage", "hub1", "hub2", "hub3", "hub4", "hub5"]


class Line:
    """Segment A, its simulator, and what stays undisturbed on it."""

    def __init__(self, tap, gateway):
        self.tap = tap
        self.guest = gateway.guest
        self.sim = gateway.sims[0]
        self.segment = Segment(self.guest, "a")
        self.readers = None

    def unit(self, name):
        return units(self.sim, OPEN).get(name, 0)

    def device(self, name):
        return f"{DEVICES}/{self.segment.number}-{self.unit(name):03d}"

    def rescan(self):
        self.guest.check(f"echo 1 > {self.segment.path}/rescan", 60)

    def wait_serial(self, serial, timeout=30):
        """Wait until a module with the printed number SERIAL is there. Return its unit."""
        files = f"{DEVICES}/{self.segment.number}-*/serial_number"
        text = self.guest.wait_for(f"grep -lx {serial} {files}", f"module {serial}", timeout)
        return int(text.split("/")[-2].split("-")[1])

    def wait_problem(self, pattern, there=True, timeout=40):
        """Wait until a line of `problems` matches, or none does any more. Return the lines."""
        self.guest.wait_for(f"{'' if there else '! '}grep -q '{pattern}' {self.segment.path}/problems",
                            f"\"{pattern}\" {'in' if there else 'gone from'} problems", timeout)
        return self.guest.read(f"{self.segment.path}/problems").strip()

    def undisturbed(self, what):
        lost = self.readers.lost()
        self.tap.ok(not lost, f"{what} costs the others no scan", str(lost) if lost else f"{len(OTHERS)} streams")
        self.readers.mark()


def cold(line, gateway):
    """All modules leave their boxes while the driver is not there; then it comes."""
    guest, segment = line.guest, line.segment
    port = segment.path.rsplit("/", 1)[1]
    drivers = "/sys/bus/serial/drivers/smappee-bus"
    guest.check(f"echo {port} > {drivers}/unbind", 60)
    gateway.sims[0].close()
    gateway.sims[0] = line.sim = Simulator(scenario("discovery"), guest.work, 0)
    end = time.monotonic() + 10
    while not line.sim.ask(cmd="status")["connected"] and time.monotonic() < end:
        time.sleep(0.1)  # the socket tells nobody
    fresh = [m["unit"] for m in line.sim.ask(cmd="status")["modules"]]
    took = guest.check(f"a=${{EPOCHREALTIME/./}}; echo {port} > {drivers}/bind; n=0; "
                       f"until read -r n < {segment.path}/modules && [ $n -ge 18 ] || [ $SECONDS -gt 60 ]; do sleep 0.05; done; "
                       "echo $n $((${EPOCHREALTIME/./} - a))", 90).split()
    status = line.sim.ask(cmd="status")
    line.tap.ok(not any(fresh) and took[0] == "18",
                "8 waveform and 10 input and output modules without addresses and without a list are found",
                f"{took[0]} of 18 in {int(took[1]) / 1e6:.2f} s, with {status['clashes']} collisions")
    given = units(line.sim, OPEN)
    line.tap.ok(len(given) == 18 and len(set(given.values())) == 18, "each has an address of its own", str(given))
    segment.wait_modules(8)


def leaves(line):
    unit = line.unit("hub7")
    line.sim.ask(cmd="unplug", module="hub7")
    line.guest.wait_for(f"grep -q silent {DEVICES}/{line.segment.number}-{unit:03d}/state", "state \"silent\" of hub7", 20)
    line.rescan()
    line.tap.ok(line.segment.get("modules") == 17, "a module that is taken away is removed", f"{line.segment.get('modules')} modules")
    line.undisturbed("taking a module away")


def comes(line):
    begin = time.monotonic()
    line.sim.ask(cmd="plug", module="hub7", unit=0)
    unit = line.wait_serial(9500204319)
    line.tap.ok(unit == line.unit("hub7"), "a module that is added without an address gets one, unasked",
                f"unit {unit} after {time.monotonic() - begin:.1f} s")
    line.undisturbed("adding a module")


def swapped(line):
    """For one of the same type: one that has the same address, one that has none."""
    unit = line.unit("hub6")
    line.sim.ask(cmd="swap", module="hub6", serial=204999, unit=unit)
    # a search that is underway finds it beside the one that had the address, which is one too many
    files = f"{DEVICES}/{line.segment.number}-*/serial_number"
    if "too-many-inputs" in line.guest.wait_for(f"grep -lx 9500204999 {files} || grep '^too-many-inputs.*9500204999' {line.segment.path}/problems",
                                                "the other module"):
        line.rescan()
    now = line.wait_serial(9500204999)
    gone = line.guest.run(f"grep -qx 9500204302 {files}")[0] != 0
    line.tap.ok(gone and now == line.unit("hub6"), "a module swapped for one with the same address is another device",
                f"unit {unit}, now {now}")
    old = line.unit("in3")
    line.sim.ask(cmd="swap", module="in3", serial=300999)
    now = line.wait_serial(9700300999)
    line.rescan()
    gone = line.guest.run(f"grep -qx 9700300903 {DEVICES}/{line.segment.number}-*/serial_number")[0] != 0
    line.tap.ok(gone and line.segment.get("modules") == 18, "one swapped for a module without an address is replaced",
                f"unit {old}, now {now}; {line.segment.get('modules')} modules")
    line.undisturbed("swapping modules")


def restarted(line):
    boots = f"{line.device('hub7')}/boot_count"
    before = int(line.guest.read(boots))
    line.sim.ask(cmd="fault", kind="restart", unit=line.unit("hub7"))
    line.guest.wait_for(f"[ $(cat {boots}) = {(before + 1) % 256} ]", "boot_count of hub7", 20)
    line.tap.ok(line.segment.get("modules") == 18, "a module that restarts is the same device", f"boot_count {before + 1}")
    line.undisturbed("a restart of a module")


def shared(line):
    """Somebody sets a module to an address that another one has."""
    taken = line.unit("hub6")
    line.sim.ask(cmd="address", module="hub7", unit=taken)
    begin = time.monotonic()
    files = f"{DEVICES}/{line.segment.number}-*/serial_number"
    for serial in (9500204999, 9500204319):
        line.guest.wait_for(f"[ $(cat $(dirname $(grep -lx {serial} {files}))/state) != silent ]", f"an answer of {serial}", 40)
    end = begin + 120
    while line.unit("hub6") == line.unit("hub7") and time.monotonic() < end:
        time.sleep(0.2)  # the simulator tells nobody
    apart = line.unit("hub6"), line.unit("hub7")
    line.tap.ok(apart[0] and apart[1] and apart[0] != apart[1], "modules that share an address are told apart",
                f"both {taken}, then {apart} after {time.monotonic() - begin:.1f} s")
    line.guest.wait_for(f"[ $(cat {line.segment.path}/modules) = 18 ]", "18 modules", 30)
    line.undisturbed("a duplicate address")


def too_many(line):
    line.sim.ask(cmd="plug", module="hub8")
    text = line.wait_problem("^too-many-inputs")
    said = line.guest.check("sleep 6; dmesg | grep -c 'there are 32 CT inputs'").strip()
    line.tap.ok("9500204336" in text and said == "1", "more than 28 inputs are in `problems`, and in the log once",
                f"{text} ({said} times)")
    line.sim.ask(cmd="unplug", module="hub8")
    line.rescan()
    line.wait_problem("^too-many-inputs", there=False)
    line.undisturbed("a module too many")


def babbling(line):
    unit = line.unit("out5")
    line.sim.ask(cmd="fault", kind="babble", unit=unit, rate=0.2)
    text = line.wait_problem("^babbling")
    said = line.guest.check("dmesg | grep -c 'sends without having been asked'").strip()
    line.sim.ask(cmd="clear")
    line.tap.ok(f"babbling {unit} " in text and said == "1", "a module that babbles is in `problems` by its unit", text)
    line.wait_problem("^babbling", there=False)
    line.undisturbed("a babbler")


def misplaced(line, gateway):
    """A Power Box on segment B, which is one of open modules."""
    other = Segment(line.guest, "b")
    gateway.sims.append(Simulator(scenario("powerbox-3p"), line.guest.work, 1))
    line.guest.wait_for(f"grep -q '^wrong-segment 61' {other.path}/problems", "wrong-segment", 40)
    line.tap.ok(other.get("modules") == 0, "a Power Box on a segment of open modules is in `problems`",
                line.guest.read(f"{other.path}/problems").strip())


def come_and_go(tap, gateway):
    line = Line(tap, gateway)
    cold(line, gateway)
    line.readers = Readers(line.guest, line.segment, line.sim, OTHERS)
    line.readers.start()
    for step in (leaves, comes, swapped, restarted, shared, too_many, babbling):
        try:
            step(line)
        except Failure as failure:
            tap.ok(False, f"discovery: {step.__name__} comes to its end", str(failure).splitlines()[0])
            tap.note(line.guest.check("dmesg | tail -n 15"))
            tap.note(line.guest.read(f"{line.segment.path}/problems"))
    misplaced(line, gateway)
    line.readers.stop()
    times = line.readers.times()
    wrong = flaw(times)
    tap.ok(not wrong, "all that they streamed meanwhile is without a gap, at the same instants",
           wrong or f"{len(times)} streams of {min(len(s) for s in times.values()) / 4000:.0f} s")
    wrong, scans = whole(line.guest, line.segment, line.sim)
    tap.ok(not wrong, "in the end all eight stream", wrong or f"{scans} scans")
    alarms = line.guest.alarms()
    tap.ok(not alarms, "discovery: the kernel has nothing to complain about", "; ".join(alarms[:3]))
