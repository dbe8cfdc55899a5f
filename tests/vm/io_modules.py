# SPDX-License-Identifier: GPL-2.0-or-later
"""Input and output modules in the virtual gateway: what check.py's stage "io" looks at from outside."""

from meter import Segment
from stages import scenario, selftests
from vm import Gateway

DEVICES = "/sys/bus/smappee/devices"


def unit(sim, number):
    return next(m for m in sim.ask(cmd="status")["modules"] if m["unit"] == number)


def edge(tap, guest, sim):
    """A contact that somebody closes reaches gpiomon."""
    guest.check("timeout 20 gpiomon -n 2 --format %E water > /tmp/edges 2>&1 & sleep 1")
    sim.ask(cmd="contact", unit=9, input=3, closed=True)
    sim.ask(cmd="contact", unit=9, input=3, closed=True)
    guest.wait_for("[ $(wc -l < /tmp/edges) -ge 1 ]", "an edge", 10)
    sim.ask(cmd="contact", unit=9, input=3, closed=False)
    guest.wait_for("[ $(wc -l < /tmp/edges) -ge 2 ]", "another edge", 10)
    found = guest.read("/tmp/edges").split()
    tap.ok(found == ["rising", "falling"], "a contact that closes and opens is two edges", str(found))


def counts(tap, guest, sim, dev):
    """Through bit errors, a cable that is out and restarts the host counts what the module does."""
    sim.ask(cmd="fault", kind="bit_errors", rate=1e-3, unit=9)
    sim.ask(cmd="fault", kind="restart", unit=9)
    guest.wait_for(f"[ $(cat {dev}/boot_count) = 1 ]", "boot_count 1", 20)
    sim.ask(cmd="clear")
    sim.ask(cmd="fault", kind="silent", unit=9, seconds=6)
    guest.wait_for(f"grep -q silent {dev}/state", "state \"silent\"", 10)
    guest.wait_for(f"! grep -q silent {dev}/state", "an answer", 20)
    sim.ask(cmd="fault", kind="power", unit=9, seconds=3)
    guest.wait_for(f"[ $(cat {dev}/boot_count) = 2 ]", "boot_count 2", 20)
    guest.wait_for(f"cat {dev}/in4_pulses", "a counter", 20)
    # The counter begins at 2^32 - 296; in1 at 0. Both move on while they are compared.
    for name, index, start in (("in1", 0, 0), ("in4", 3, 4294967000)):
        low = unit(sim, 9)["inputs"][index]["counted"]
        value = int(guest.read(f"{dev}/{name}_pulses")) - start
        high = unit(sim, 9)["inputs"][index]["counted"]
        tap.ok(low <= value <= high, f"{name}: bit errors, a cable out and restarts change no count",
               f"{low} <= {value} <= {high}")


def unplug(tap, guest, sim, dev):
    """The cable of the output module is out: fail-safe state within the time-out."""
    guest.check(f"echo 1 > {dev}/heartbeat && gpioset -t0 relays:relay1=1 relays:relay2=0")
    tap.ok(unit(sim, 10)["relays"] == [True, False], "relays are switched by the names of their lines")
    sim.ask(cmd="fault", kind="silent", unit=10, seconds=1000)
    guest.check("sleep 3.5", 20)
    state = unit(sim, 10)
    tap.ok(state["relays"] == [False, True] and state["fail_safe"], "an unplugged module takes its fail-safe state", str(state))
    guest.wait_for(f"grep -q silent {dev}/state", "state \"silent\"", 10)
    status, text = guest.run("gpioset -t0 relays:relay1=1 2>&1")
    tap.ok(status != 0 and "timed out" in text.lower(), "whoever switches it gets an error", text.strip())
    sim.ask(cmd="clear")
    guest.wait_for(f"! grep -q silent {dev}/state && echo 1 > {dev}/heartbeat && [ $(cat {dev}/fail_safe) = 0 ]",
                   "heartbeat again", 20)
    tap.ok(unit(sim, 10)["relays"] == [False, True], "back on the line it is as it was")
    sim.ask(cmd="fault", kind="power", unit=10, seconds=2)
    tap.ok(unit(sim, 10)["relays"] == [False, False], "without power all relays are off")


def gone(tap, guest, sim, segment, dev):
    """A module is taken away while somebody waits for its edges."""
    guest.check("gpiomon gas > /tmp/edges 2>&1 & sleep 1")
    sim.ask(cmd="fault", kind="silent", unit=9, seconds=1000)
    guest.wait_for(f"grep -q silent {dev}/state", "state \"silent\"", 10)
    guest.check(f"echo 1 > {segment.path}/rescan; for i in $(seq 100); do [ -e {dev} ] || break; sleep 0.1; done; ! [ -e {dev} ]", 30)
    guest.run("pkill gpiomon")
    tap.ok(guest.run("gpioget gas 2>&1")[0] != 0, "its lines are gone")
    sim.ask(cmd="clear")
    guest.wait_for(f"echo 1 > {segment.path}/rescan; sleep 1; gpioget door", "the module again", 30)
    tap.ok(True, "and come back with it")


def io(tap):
    with Gateway("check-io", [scenario("io"), None], tree="qemu-virt-io") as gateway:
        guest, sim = gateway.guest, gateway.sims[0]
        segment = Segment(guest, "a")
        guest.wait_for(f"[ -e {DEVICES}/{segment.number}-009/in1_pulses ] && [ -e {DEVICES}/{segment.number}-010/heartbeat ]",
                       "both modules with their drivers", 40)
        good, text = selftests(guest, ["gpio.sh", "output.sh"])
        tap.nested(text, good, "kselftests of inputs and outputs")
        edge(tap, guest, sim)
        counts(tap, guest, sim, f"{DEVICES}/{segment.number}-009")
        unplug(tap, guest, sim, f"{DEVICES}/{segment.number}-010")
        gone(tap, guest, sim, segment, f"{DEVICES}/{segment.number}-009")
        alarms = guest.alarms()
        tap.ok(not alarms, "inputs and outputs: the kernel has nothing to complain about", "; ".join(alarms[:3]))
