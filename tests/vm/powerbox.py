# SPDX-License-Identifier: GPL-2.0-or-later
"""A Power Box in the virtual gateway: what check.py's stage "powerbox" looks at from outside.

The box on segment A is that of the scenario powerbox-3p. On segment B a box with
old firmware is replaced by one that has all of its 28 inputs used.
"""

import struct
import time

from meter import Segment
from stages import scenario, selftests
from vm import Gateway, Simulator

# Values are single-precision floats of whole windows, so what is off is off by far.
TOLERANCE = 0.002
DEVICES = "/sys/bus/smappee/devices"


def old_firmware(work):
    """A copy of powerbox-28.ini with the last firmware that has another layout."""
    with open(scenario("powerbox-28")) as text:
        old = text.read().replace("firmware = 2.10", "firmware = 1.43")
    path = f"{work}/old.ini"
    with open(path, "w") as out:
        out.write(old)
    return path


def wait_modules(segment, count, timeout=40):
    segment.guest.wait_for(f"[ $(cat {segment.path}/modules) -ge {count} ]", f"{count} modules of {segment.path}", timeout)
    segment.guest.check("udevadm settle --timeout=20")


def iio_of(guest, module):
    return guest.check(f"echo {DEVICES}/{module}/iio:device*").strip()


def identity(tap, guest, segment):
    """The box and its table, by the names and numbers that the scenario gives them."""
    n = segment.number
    wanted = {f"{n}-061": ("5400029342", "power box"), f"{n}-061.1": ("5600016462", "5600016462"),
              f"{n}-061.2": ("5500008944", "heat pump"), f"{n}-061.5": ("5500070000", "5500070000")}
    for module, (serial, label) in wanted.items():
        found = tuple(guest.read(f"{DEVICES}/{module}/serial_number", f"{DEVICES}/{module}/label").splitlines()[:2])
        tap.ok(found == (serial, label), f"{module} is there with serial number and label", str(found))


def worst(pairs):
    """(largest relative error, what) of (what, value, truth); small values against 1."""
    off = [(abs(value - truth) / max(abs(truth), 1), f"{what} {value:g} for {truth:g}") for what, value, truth in pairs]
    return max(off) if off else (float("inf"), "nothing")


def number(text):
    try:
        return float(text)
    except ValueError:
        return float("nan")


def values(tap, guest, sim, segment):
    """Every measurement attribute beside the truth of the seconds before."""
    box = iio_of(guest, f"{segment.number}-061")
    start = sim.ask(cmd="status")["seconds"]
    time.sleep(2.5)  # the image may be one second old, and it holds means of a second
    truth = sim.ask(cmd="truth", from_s=start, to_s=start + 2)
    text = guest.read(*[f"{box}/in_altvoltage{p}_raw" for p in range(3)], f"{box}/in_altvoltage_frequency").split()
    pairs = [(f"V{p + 1}", number(text[p]) / 1e3, truth["voltages"][p]["ln_v"]) for p in range(3)]
    pairs.append(("f", number(text[3]), truth["frequency_hz"]))
    error, what = worst(pairs)
    tap.ok(error < TOLERANCE, "voltages and frequency are those of the mains", f"worst {100 * error:.4f} %: {what}")
    entries = {m["name"]: m["entry"] for m in sim.ask(cmd="status")["modules"] if "entry" in m}
    powers = []
    for load in truth["loads"]:
        if load["name"] == "dishwasher":
            continue  # it is switched meanwhile
        for element in load["elements"]:
            name, letter = element["input"].split("/")
            iio = iio_of(guest, f"{segment.number}-061.{entries[name]}")
            at = ord(letter) - ord("A")
            text = guest.read(f"{iio}/in_power{at}_raw").split()
            powers.append((f"P of {element['input']}", number(text[0]) / 1e3, element["p_w"]))
    error, what = worst(powers)
    tap.ok(error < TOLERANCE, "power of every input is the true one", f"worst {100 * error:.4f} %: {what}")


def identify(tap, guest, sim, segment):
    """The LED that flashes is that of the input's slot."""
    guest.check(f"echo 1 > {DEVICES}/{segment.number}-061.2/input3_identify")
    box = next(m for m in sim.ask(cmd="status")["modules"] if m["name"] == "box")
    tap.ok(9 in box["identify"], "identify of hub1's input D flashes slot 9", str(box["identify"]))


def restart(tap, guest, sim, segment):
    """What was saved outlives a restart, what was not saved does not."""
    at = f"{DEVICES}/{segment.number}-061.2/input0_ct_type"
    guest.check(f"echo 4 > {at}; echo 1 > {DEVICES}/{segment.number}-061/save; echo 5 > {at}")
    box = next(m for m in sim.ask(cmd="status")["modules"] if m["name"] == "box")
    tap.ok(not box["saved"] and guest.read(at).strip() == "5", "a setting is in force before it is saved", str(box))
    sim.ask(cmd="fault", kind="restart", unit=61)
    sim.ask(cmd="fault", kind="silent", unit=61, seconds=4)
    state = f"{DEVICES}/{segment.number}-061.2/state"
    guest.wait_for(f"grep -q silent {state}", "state \"silent\"", 10)
    guest.wait_for(f"grep -qv silent {state}", "the box's return", 15)
    found = guest.read(at).strip()
    tap.ok(found == "4", "after a restart the setting is the one that was saved", found)


def old_box(tap, gateway, segment):
    """Refused by name; taken when its firmware is new."""
    guest = gateway.guest
    guest.wait_for("dmesg | grep -q 'is too old'", "the refusal of the old firmware", 20)
    line = guest.check("dmesg | grep 'is too old'").strip()
    good = all(word in line for word in ("unit 61", "5400030001", "1.43", "1.44 or later"))
    tap.ok(good and segment.get("modules") == 0, "a box with firmware 1.43 is refused, with the way out", line)
    gateway.sims[1].close()
    gateway.sims[1] = Simulator(scenario("powerbox-28"), guest.work, 1)
    wait_modules(segment, 8)
    tap.ok(segment.get("modules") == 8, "with newer firmware it is taken, and its seven hubs",
           f"{segment.get('modules')} modules")
    lines = int(guest.check("dmesg | grep -c 'is too old'"))
    tap.ok(lines == 1, "and it was refused once in the log", f"{lines} times")


def scan_times(path, scans):
    """Time stamps of the file's SCANS scans; they are the last 8 bytes of each."""
    with open(path, "rb") as data:
        raw = data.read()
    size = len(raw) // scans
    return [struct.unpack_from("<q", raw, (i + 1) * size - 8)[0] for i in range(scans)] if size else []


def full_line(tap, guest, sim, segment, seconds=20):
    """28 inputs at 10 Hz: what they cost the line, and what is left for control."""
    buffers = [iio_of(guest, f"{segment.number}-061.{entry}") for entry in range(7)]
    names = [path.rsplit("/", 1)[1] for path in buffers]
    guest.check(f"for d in {' '.join(names)}; do echo monotonic > /sys/bus/iio/devices/$d/current_timestamp_clock; "
                f"iio_readdev -T 20000 -b 5 -s {10 * seconds} $d > /mnt/host/$d.scans 2> /tmp/$d.log & done; echo")
    guest.wait_for(f"[ $(cat {DEVICES}/{segment.number}-061.*/state | grep -c streaming) = 7 ]", "seven streams", 20)
    begin = sim.ask(cmd="status")
    latency = guest.check("read -r v < %s/%d-061.0/input0_associated_voltage; n=0 sum=0 worst=0; end=$((SECONDS + %d)); while [ $SECONDS -lt $end ]; do a=${EPOCHREALTIME/./};"
                          " printf %%s $v > %s/%d-061.0/input0_associated_voltage; b=$((${EPOCHREALTIME/./} - a)); "
                          "n=$((n + 1)); sum=$((sum + b)); [ $b -gt $worst ] && worst=$b; sleep 0.0$((RANDOM %% 90 + 10)); done;"
                          " echo $n $((sum / n)) $worst" % (DEVICES, segment.number, seconds // 2, DEVICES, segment.number), 60).split()
    middle = sim.ask(cmd="status")
    guest.wait_for(f"[ $(cat {DEVICES}/{segment.number}-061.*/state | grep -c streaming) = 0 ]", "the end of the streams",
                   seconds + 20)
    busy = 100 * (middle["busy_s"] - begin["busy_s"]) / (middle["seconds"] - begin["seconds"])
    tap.note(f"28 inputs at 10 Hz: the line is used {busy:.1f} % of the time, {latency[0]} settings included")
    tap.note(f"a setting takes {int(latency[1]) / 1e3:.1f} ms on the mean, {int(latency[2]) / 1e3:.1f} ms at most")
    tap.ok(busy < 90, "28 inputs at 10 Hz leave room on the line", f"{busy:.1f} %")
    tap.ok(int(latency[2]) < 100000, "a setting takes less than a cycle meanwhile", f"{int(latency[2]) / 1e3:.1f} ms at most")
    times = [scan_times(f"{guest.share}/{name}.scans", 10 * seconds) for name in names]
    rates = [(len(t) - 1) / (t[-1] - t[0]) * 1e9 if len(t) > 1 else 0 for t in times]
    tap.ok(all(9.9 < rate < 10.1 for rate in rates), "all seven hubs give ten scans a second",
           " ".join(f"{rate:.3f}" for rate in rates))
    common = len(set.intersection(*[set(t) for t in times]))
    tap.ok(common > 10 * seconds - 40, "and a poll has the same time stamp on all of them", f"{common} of {10 * seconds}")
    tap.ok(segment.get("lost_scans") == 0, "and no scan is lost", str(segment.get("lost_scans")))


def powerbox(tap):
    """The vendor's Power Box, by its public register map."""
    with Gateway("check-powerbox", [scenario("powerbox-3p"), None], tree="qemu-virt-powerbox") as gateway:
        guest, sim = gateway.guest, gateway.sims[0]
        gateway.sims.append(Simulator(old_firmware(guest.work), guest.work, 1))
        segment_a, segment_b = Segment(guest, "a"), Segment(guest, "b")
        wait_modules(segment_a, 4)
        identity(tap, guest, segment_a)
        good, text = selftests(guest, ["powerbox.sh"])
        tap.nested(text, good, "kselftest of the Power Box")
        values(tap, guest, sim, segment_a)
        identify(tap, guest, sim, segment_a)
        old_box(tap, gateway, segment_b)
        full_line(tap, guest, gateway.sims[1], segment_b)
        restart(tap, guest, sim, segment_a)
        alarms = guest.alarms()
        tap.ok(not alarms, "the Power Box: the kernel has nothing to complain about", "; ".join(alarms[:3]))
