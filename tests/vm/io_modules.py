# SPDX-License-Identifier: GPL-2.0-or-later
"""Input and output modules in the virtual gateway: what check.py's stage "io" looks at from outside."""

import time

from io_meterd import io_meterd, unit, wait
from meter import Segment
from stages import scenario, selftests
from vm import Failure, Gateway

DEVICES = "/sys/bus/smappee/devices"


def edge(tap, guest, sim):
    """A contact that somebody closes reaches gpiomon."""
    guest.check("timeout 20 gpiomon -n 2 --format %E water > /tmp/edges 2>&1 &")
    watched(guest, "water")
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
    sim.ask(cmd="fault", kind="silent", unit=9, seconds=1000)
    guest.wait_for(f"grep -q silent {dev}/state", "state \"silent\"", 20)
    sim.ask(cmd="clear")
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


def watched(guest, line):
    """Wait until a program has asked for the edges of LINE."""
    guest.wait_for(f"gpioinfo {line} | grep consumer", f"somebody who watches {line}", 20)


def gone(tap, guest, sim, segment, dev):
    """A module is taken away while somebody waits for its edges."""
    guest.check("gpiomon gas > /tmp/edges 2>&1 &")
    watched(guest, "gas")
    sim.ask(cmd="fault", kind="silent", unit=9, seconds=1000)
    guest.wait_for(f"grep -q silent {dev}/state", "state \"silent\"", 10)
    guest.check(f"echo 1 > {segment.path}/rescan; for i in $(seq 100); do [ -e {dev} ] || break; sleep 0.1; done; ! [ -e {dev} ]", 30)
    guest.run("pkill gpiomon")
    tap.ok(guest.run("gpioget gas 2>&1")[0] != 0, "its lines are gone")
    tap.ok(wait(lambda: shows(sim, 9)[0] == "one"), "a module that nobody asks pulses once a second", shows(sim, 9)[0])
    sim.ask(cmd="clear")
    guest.wait_for(f"echo 1 > {segment.path}/rescan; sleep 1; gpioget door", "the module again", 30)
    tap.ok(True, "and come back with it")


def shows(sim, number):
    return [led["shows"] for led in unit(sim, number)["leds"]]


def lights(tap, guest, sim):
    """What somebody in front of the modules sees, as the simulator tells it."""
    guest.wait_for("[ -e /sys/class/leds/9800100902::status ] && [ -e /sys/class/leds/9700100901::input-4 ]", "LEDs", 20)
    # input 1 and 4 change by themselves
    tap.ok(wait(lambda: shows(sim, 9)[2] == "on" and shows(sim, 9)[0] == "slow"),
           "in order is a short pulse every 3 s, and a closed input is lit", str(shows(sim, 9)))
    guest.check("meterctl identify relays --count 600 > /tmp/identify 2>&1 & echo $! > /tmp/identify.pid")
    tap.ok(wait(lambda: shows(sim, 10) == ["identify"]), "meterctl identify lets a module flash", str(shows(sim, 10)))
    sim.ask(cmd="fault", kind="restart", unit=10)
    tap.ok(wait(lambda: shows(sim, 10) == ["identify"]), "and it flashes again after a restart", str(shows(sim, 10)))
    guest.check("kill $(cat /tmp/identify.pid); for i in $(seq 50); do [ -e /proc/$(cat /tmp/identify.pid) ] || break; sleep 0.1; done")
    tap.ok(wait(lambda: shows(sim, 10) == ["slow"]), "when it is interrupted the module has its LED again", str(shows(sim, 10)))
    guest.check("meterctl identify meters/3 --count 1")
    tap.ok(wait(lambda: shows(sim, 9)[3] == "off"), "so it has when the time is over", str(shows(sim, 9)))
    status, text = guest.run("meterctl identify meters/7 2>&1")
    tap.ok(status != 0 and "no such module or input" in text, "an input that is not there is an error", text.strip())


def gateway_light(tap, guest):
    """The multicolour LED of the gateway with the trigger that meterd uses."""
    guest.check("modprobe leds-gpio; modprobe leds-group-multicolor; modprobe ledtrig-pattern")
    led = "/sys/class/leds/rgb:status"
    guest.wait_for(f"[ -e {led}/multi_intensity ]", "the gateway's light", 10)
    guest.check(f"echo 0 1 0 > {led}/multi_intensity; echo pattern > {led}/trigger; echo '1 100 1 0 0 100 0 0' > {led}/pattern")
    # each subordinate LED shows what its line does
    status, text = guest.run("for i in $(seq 40); do cat /sys/class/leds/green:*/brightness; sleep 0.03; done | sort | uniq -c; "
                             "cat /sys/class/leds/red:*/brightness; cat " + f"{led}/multi_index")
    tap.ok(status == 0 and "red green blue" in text and text.count("\n") >= 4, "the gateway's light flashes by the pattern trigger",
           text.replace("\n", "; "))


def reboot(tap, guest, sim, segment, dev):
    """Neither shutdown nor boot switches a relay; the module falls back meanwhile, and stays so."""
    guest.check(f"echo 1 > {dev}/heartbeat && gpioset -t0 relays:relay1=1 relays:relay2=1")
    tap.ok(unit(sim, 10)["relays"] == [True, True], "two relays are on, and the gateway reboots")
    guest.reboot()
    seen = []
    while not guest.ready.wait(0.2):
        module = unit(sim, 10)
        if not seen or seen[-1] != module["relays"]:
            seen.append(module["relays"])
        if guest.process.poll() is not None or time.monotonic() > guest.started + 120:
            raise Failure("the guest does not come up again")
    tap.ok(seen == [[True, True], [False, True]], "they stay on until the time-out, then they are in their fail-safe state", str(seen))
    guest.wait_for(f"[ -e {DEVICES}/{segment.number}-010/heartbeat ]", "the module's driver after the reboot", 40)
    module = unit(sim, 10)
    tap.ok(module["relays"] == [False, True] and module["fail_safe"], "and the driver that comes up changes nothing", str(module["relays"]))
    guest.check(f"echo 1 > {dev}/heartbeat && gpioset -t0 relays:relay1=1")
    tap.ok(unit(sim, 10)["relays"] == [True, True], "a heartbeat and a command switch again", str(unit(sim, 10)["relays"]))


def io(tap):
    with Gateway("check-io", [scenario("io"), None], tree="qemu-virt-io", reboots=True) as gateway:
        guest, sim = gateway.guest, gateway.sims[0]
        segment = Segment(guest, "a")
        guest.wait_for(f"[ -e {DEVICES}/{segment.number}-009/in1_pulses ] && [ -e {DEVICES}/{segment.number}-010/heartbeat ]",
                       "both modules with their drivers", 40)
        good, text = selftests(guest, ["gpio.sh", "output.sh", "leds.sh"])
        tap.nested(text, good, "kselftests of inputs and outputs")
        lights(tap, guest, sim)
        gateway_light(tap, guest)
        edge(tap, guest, sim)
        counts(tap, guest, sim, f"{DEVICES}/{segment.number}-009")
        unplug(tap, guest, sim, f"{DEVICES}/{segment.number}-010")
        gone(tap, guest, sim, segment, f"{DEVICES}/{segment.number}-009")
        io_meterd(tap, guest, sim)
        alarms = guest.alarms()
        tap.ok(not alarms, "inputs and outputs: the kernel has nothing to complain about", "; ".join(alarms[:3]))
        reboot(tap, guest, sim, segment, f"{DEVICES}/{segment.number}-010")
