# SPDX-License-Identifier: GPL-2.0-or-later
"""meterd's inputs and outputs in the virtual gateway, as a user of its own: totals through
restarts, relays that fall back when meterd or the meter dies, the button."""

import json
import time

from meter import Meter
from stages import conf
from vm import PATIENCE, TOP

# The time-out of the relays is 3 s (device tree); meterd gives a heartbeat with each reading.
TIMEOUT_S = 3.0
# A host that is busy sees things late, and the module looks at its clock now and then.
LATE_S = 1.5
LOOK_S = 0.2
TIMEOUT = "/sys/bus/smappee/devices/*-010/fail_safe_timeout_sec"
USER, GROUP, IIO = 990, 990, 991
RUN_AS = f"setpriv --reuid {USER} --regid {GROUP} --groups {IIO} --no-new-privs"
TOKEN = "a-token-for-the-guest"


def unit(sim, number):
    return next(m for m in sim.ask(cmd="status")["modules"] if m["unit"] == number)


def wait(what, seconds=15):
    """The value of WHAT() when it is one, or the last one after SECONDS, with patience; asked for some times a second,
    since the simulator has no events for this, and no more, since meterd's answers take the guest's time."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(LOOK_S)


class Rig:
    """meterd as its own user, under the shipped udev rules."""

    def __init__(self, guest, sim):
        self.guest, self.sim = guest, sim
        self.meter = Meter(guest, conf("io"), 2000, RUN_AS)
        self.meter.conf = (self.meter.conf.replace("topic = meterd", "topic = meterd\ncommands = yes\nvendor_uuid = guest")
                           + "token_file = /etc/meterd/token\n")

    def prepare(self):
        guest = self.guest
        guest.give(f"{TOP}/packaging/udev/60-smappee.rules")
        guest.check("modprobe -a uinput evdev gpio_keys; "
                    f"grep -q ^meterd: /etc/group 2>/dev/null || printf 'root:x:0:\\niio:x:{IIO}:\\nmeterd:x:{GROUP}:\\n' >> /etc/group; "
                    f"grep -q ^meterd: /etc/passwd 2>/dev/null || printf 'root:x:0:0::/:/bin/sh\\nmeterd:x:{USER}:{GROUP}::/:/bin/false\\n' >> /etc/passwd; "
                    "cp /mnt/host/60-smappee.rules /usr/lib/udev/rules.d/ && udevadm control --reload && "
                    "udevadm trigger --action=add --subsystem-match=iio --subsystem-match=gpio --subsystem-match=leds "
                    "--subsystem-match=smappee --subsystem-match=input && udevadm settle", 60)
        guest.check(f"mkdir -p /etc/meterd; echo {TOKEN} > /etc/meterd/token; rm -rf /var/lib/meterd/*; "
                    f"chown -R {USER}:{GROUP} /etc/meterd /var/lib/meterd /run/meterd; "
                    "printf '#!/bin/sh\\necho $1 >> /run/meterd/reset\\n' > /usr/local/bin/reset-test; chmod 755 /usr/local/bin/reset-test; "
                    "rm -f /run/press; mkfifo /run/press; "
                    "(setsid sleep 100000 > /run/press 2> /dev/null &) ; (setsid /tmp/selftests/smappee/press /run/button < /run/press > /run/press.log 2>&1 &); "
                    f"for i in $(seq 50); do [ -e /run/button ] && break; sleep 0.1; done; chgrp {GROUP} $(readlink /run/button) && chmod 640 $(readlink /run/button)")

    def start(self, broker=False):
        self.meter.stream = None  # of a meterd before
        self.meter.start(broker)
        next(self.meter.readings(90))

    def io(self):
        return self.meter.get("/api/v1/io")

    def input(self, name):
        return next(i for i in self.io()["inputs"] if i["name"] == name)

    def output(self, name):
        return next(o for o in self.io()["outputs"] if o["name"] == name)

    def known(self):
        return wait(lambda: not any(x["problem"] for x in self.io()["inputs"] + self.io()["outputs"] if x["name"] != "ghost"))

    def pulses(self, n):
        """The contact of the water meter closes N times, for longer than it is debounced."""
        for _ in range(n):
            self.sim.ask(cmd="contact", unit=9, input=3, closed=True)
            time.sleep(0.1)
            self.sim.ask(cmd="contact", unit=9, input=3, closed=False)
            time.sleep(0.1)

    def ctl(self, *words):
        return self.guest.run("meterctl " + " ".join(words) + " 2>&1")

    def on(self):
        """Both relays are on; true when they are. A host that stood still for the time-out let them fall."""
        def switched():
            return (self.ctl("output", "boiler", "on")[0] == 0 and self.ctl("output", "pump", "on")[0] == 0
                    and unit(self.sim, 10)["relays"] == [True, True])
        return wait(switched, 30)

    def falls(self):
        """
        Seconds until the relays that are on are in their fail-safe state, off and on; None: not in 10 s. They
        are counted in looks, since a host that stands still does so for the guest and for who looks at it.
        """
        for look in range(round(10 / LOOK_S)):
            module = unit(self.sim, 10)
            if module["fail_safe"] and module["relays"] == [False, True]:
                return look * LOOK_S
            time.sleep(LOOK_S)
        return None

    def pid(self):
        return self.guest.read("/run/meterd.pid").strip()

    def close(self):
        self.meter.stop()


def rights(tap, guest):
    """What the rules of udev open is what meterd needs, and no more."""
    status, text = guest.run(
        f"cd /sys/bus/smappee/devices; for f in *-009/in1_min_closed_ms *-009/in4_min_open_ms *-010/heartbeat /dev/gpiochip*; do "
        f"{RUN_AS} test -w $f && echo ${{f##*/}}; done; {RUN_AS} test -w $(echo *-010/relay1_fail_safe) && echo wrong; "
        f"for f in /sys/class/leds/*::status/trigger; do {RUN_AS} test -w $f && echo led; done; "
        f"{RUN_AS} test -r /dev/input/by-path/platform-gpio-keys-event && echo button; "
        f"{RUN_AS} test -w /sys/class/leds/rgb:status/multi_intensity && echo light; true")
    found = text.split()
    wanted = {"in1_min_closed_ms", "in4_min_open_ms", "heartbeat", "led", "button", "light"}
    chips = [f for f in found if f.startswith("gpiochip")]
    tap.ok(status == 0 and wanted <= set(found) and "wrong" not in found and len(chips) == 2,
           "udev rules: meterd's user may use inputs, relays, LEDs, light and button", " ".join(found))


def totals(tap, rig):
    """Pulses while meterd is there, killed, and while the cable is out and the module restarts."""
    first = rig.input("water")
    rig.pulses(5)
    seen = wait(lambda: rig.input("water")["pulses"] == first["pulses"] + 5 and rig.input("water"))
    tap.ok(bool(seen) and seen["total"] == first["total"] + 5 and seen["unit"] == "l", "five pulses are five litres",
           json.dumps(seen or rig.input("water")))
    tap.ok(wait(lambda: abs((rig.input("sub")["power_w"] or 0) - 36000) < 3600, 30) and True,
           "ten pulses a second of 1 Wh are 36 kW", json.dumps(rig.input("sub")))
    rig.guest.check(f"kill -9 {rig.pid()}")
    rig.pulses(3)
    rig.sim.ask(cmd="fault", kind="silent", unit=9, seconds=1000)
    rig.pulses(2)
    rig.sim.ask(cmd="clear")
    rig.sim.ask(cmd="fault", kind="restart", unit=9)
    rig.start()
    rig.known()
    rig.pulses(1)
    seen = wait(lambda: rig.input("water")["pulses"] == first["pulses"] + 11 and rig.input("water"))
    tap.ok(bool(seen), "kill -9, an unplugged cable and a restarted module lose and double no pulse",
           f"{rig.input('water')['pulses'] - first['pulses']} of 11")
    debounce = rig.guest.read("/sys/bus/smappee/devices/" + rig.guest.check("cd /sys/bus/smappee/devices; echo *-009").strip() + "/in3_min_open_ms")
    tap.ok(debounce.strip() == "30", "debounce times are those of the configuration", debounce.strip())


def states(tap, rig):
    seen = []
    for closed in (False, True):
        rig.sim.ask(cmd="contact", unit=9, input=2, closed=closed)
        wanted = "closed" if closed else "open"
        wait(lambda: rig.input("door")["state"] == wanted)  # pylint: disable=cell-var-from-loop
        seen.append(rig.input("door")["state"])
    late = int(rig.guest.check("date +%s%3N")) - rig.input("door")["since_ms"]
    tap.ok(seen == ["open", "closed"] and 0 <= late < 15000, "a contact that opens and closes is followed by its edges, with their time",
           f"{seen}, {late} ms ago")


def commands(tap, rig):
    guest, sim = rig.guest, rig.sim
    # nothing shall fall back here, even if the host stands still
    guest.check(f"echo 60 > $(echo {TIMEOUT})")
    wait(lambda: rig.output("boiler")["heartbeat"])
    status, text = rig.ctl("output", "boiler", "on")
    tap.ok(status == 0 and text.strip() == "boiler is on" and unit(sim, 10)["relays"][0], "meterctl output switches a relay", text.strip())
    status, text = rig.ctl("output", "boiler", "toggle")
    tap.ok(status == 0 and text.strip() == "boiler is off" and not unit(sim, 10)["relays"][0], "and toggles it", text.strip())
    status, text = rig.ctl("output", "sauna", "on")
    tap.ok(status == 1 and "no [relay sauna]" in text, "one that is not there is an error", text.strip())
    status, text = rig.ctl("output", "boiler", "on", "--token-file", "/proc/version")
    tap.ok(status == 1 and not unit(sim, 10)["relays"][0], "without the token nothing is switched", text.strip())
    # it subscribes to the answer before it asks
    answer = guest.run("mosquitto_rr -t meterd/io/command -e meterd/io/command/response -W 20 "
                       "-m '{\"command\":\"output\",\"name\":\"pump\",\"state\":\"on\"}'", 40)[1]
    tap.ok('"ok":true' in answer and unit(sim, 10)["relays"][1], "so does a command by MQTT, which is answered", answer.strip())
    text = guest.check("mosquitto_sub -t meterd/io/io -C 1 -W 20", 40)
    guest.check("mosquitto_pub -t servicelocation/guest/plug/2/setstate -m '{\"value\":\"OFF\"}'")
    tap.ok(wait(lambda: not unit(sim, 10)["relays"][1]), "so do the vendor's plugs")
    tap.ok('"name":"pump"' in text and '"unit":"l"' in text, "inputs and outputs are on the broker", text.strip()[:80])
    text = rig.ctl("list")[1] + rig.ctl("live", "--count", "1")[1]
    tap.ok(text.count("boiler") >= 2 and text.count("relays/1") >= 2 and text.count("water") >= 2,
           "meterctl list and live show them", text.splitlines()[-1])
    log = guest.read("/run/meterd.log")
    tap.ok("command: output" in log and "mqtt" in log, "each is logged with its origin",
           next((line for line in log.splitlines() if "command: output" in line), ""))


def relays(tap, rig):
    """The states table of the guide, as far as meterd is concerned. The relays are on."""
    guest, sim = rig.guest, rig.sim
    guest.check(f"echo {TIMEOUT_S:.0f} > $(echo {TIMEOUT})")

    def measured(name, seconds, late=LATE_S):
        tap.ok(seconds is not None and seconds <= TIMEOUT_S + late, f"{name}: relays in their fail-safe state within the time-out",
               "not in 10 s" if seconds is None else f"{seconds:.2f} s after it, time-out {TIMEOUT_S:.0f} s")

    guest.check(f"kill -STOP {rig.pid()}")
    measured("meterd hangs", rig.falls())
    guest.check(f"kill -CONT {rig.pid()}")
    tap.ok(wait(lambda: not unit(sim, 10)["fail_safe"]), "meterd goes on: the state ends")
    tap.ok(unit(sim, 10)["relays"] == [False, True], "and nothing is switched by that", str(unit(sim, 10)["relays"]))
    tap.ok(rig.on(), "a command switches again")

    guest.check(f"kill -9 {rig.pid()}")
    measured("meterd is killed", rig.falls())
    rig.start()
    rig.known()
    tap.ok(wait(lambda: not unit(sim, 10)["fail_safe"]) and rig.on(), "another meterd switches again")

    # The reading in which it is missing comes up to two seconds after the last good one.
    sim.ask(cmd="fault", kind="silent", unit=1, seconds=1000)
    measured("the meter dies", rig.falls(), LATE_S + 2)
    wait(lambda: rig.output("boiler")["fail_safe"])
    status, text = rig.ctl("output", "boiler", "on")
    tap.ok(status == 1 and "fail-safe" in text and unit(sim, 10)["relays"] == [False, True], "and a command is refused, with the reason", text.strip())
    sim.ask(cmd="clear")
    tap.ok(wait(lambda: not unit(sim, 10)["fail_safe"], 60) and rig.on(), "the meter is back: a command switches again")

    sim.ask(cmd="fault", kind="silent", unit=10, seconds=1000)
    measured("the module is unplugged", rig.falls())
    tap.ok(wait(lambda: rig.output("boiler")["problem"]) and rig.output("boiler")["state"] is None,
           "its state is not known then", json.dumps(rig.output("boiler")))
    sim.ask(cmd="clear")
    tap.ok(wait(lambda: not rig.output("boiler")["problem"] and rig.on(), 30), "plugged in again it can be switched")

    dev = guest.check("cd /sys/bus/smappee/devices; echo $PWD/*-010").strip()
    guest.check(f"echo off > {dev}/relay1_restart; echo keep > {dev}/relay2_restart")
    sim.ask(cmd="fault", kind="power", unit=10, seconds=2)
    tap.ok(unit(sim, 10)["relays"] == [False, False], "without power both are off")
    tap.ok(wait(lambda: (rig.output("boiler")["state"], rig.output("pump")["state"]) == ("off", "on"), 30),
           "after it each is as its restart state says, off and as before",
           rig.output("boiler")["state"] + ", " + rig.output("pump")["state"])


def button_is_pressed(tap, rig):
    """Released early, and held for network settings."""
    guest = rig.guest
    guest.check("rm -f /run/meterd/reset; echo 500 > /run/press; sleep 1.5; ! [ -e /run/meterd/reset ]", 20)
    tap.ok(True, "a button that is released early does nothing")
    guest.check("echo 6000 > /run/press; for i in $(seq 50); do cp /sys/class/leds/rgb:status/multi_intensity /tmp/colour; grep -q '0 0 1' /tmp/colour && break; sleep 0.1; done; "
                "for i in $(seq 80); do [ -e /run/meterd/reset ] && break; sleep 0.1; done", 40)
    tap.ok(guest.read("/run/meterd/reset").strip() == "network", "held for 3 s it is network settings")
    # the order of the colours is that of multi_index, red green blue
    tap.ok(guest.read("/tmp/colour").strip() == "0 0 1", "and the light flashes blue meanwhile", guest.read("/tmp/colour").strip())


def button_was_held(tap, rig):
    """For 20 s, which began before other tests; relays are on meanwhile, for longer than their time-out."""
    guest, sim = rig.guest, rig.sim
    # longer, for a host that stands still now and then
    guest.check(f"echo 8 > $(echo {TIMEOUT})")
    tap.ok(rig.on(), "both relays are on")
    since = time.monotonic()
    guest.check("for i in $(seq 300); do grep -q factory /run/meterd/reset && break; sleep 0.1; done", 60)
    tap.ok(guest.read("/run/meterd/reset").split() == ["network", "factory"], "held for 20 s it is factory settings",
           guest.read("/run/meterd/reset").replace("\n", " "))
    time.sleep(max(since + 10 - time.monotonic(), 0))
    tap.ok(unit(sim, 10)["relays"] == [True, True] and not unit(sim, 10)["fail_safe"], "while samples flow a relay stays as it is")


def io_meterd(tap, guest, sim):
    rig = Rig(guest, sim)
    rig.prepare()
    rights(tap, guest)
    rig.start(broker=True)
    tap.ok(rig.known(), "meterd finds its inputs and outputs", json.dumps(rig.io())[:200])
    ghost = rig.output("ghost")
    shown = wait(lambda: unit(sim, 9)["leds"][0]["shows"] == "two") and unit(sim, 9)["leds"][0]["shows"]
    tap.ok(ghost["problem"] == "the module has no such relay" and ghost["state"] is None and shown == "two",
           "a relay that a module has not is its own problem, and the module pulses twice a second", f"{ghost['problem']}, {shown}")
    button_is_pressed(tap, rig)
    totals(tap, rig)
    guest.check("echo 20500 > /run/press")
    states(tap, rig)
    commands(tap, rig)
    button_was_held(tap, rig)
    relays(tap, rig)
    wrong = [line for line in guest.read("/run/meterd.log").splitlines() if line.startswith("<3>")]
    tap.ok(not wrong, "meterd has no error to tell", "; ".join(wrong[:3]))
    rig.close()
