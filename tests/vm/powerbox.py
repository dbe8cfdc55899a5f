# SPDX-License-Identifier: GPL-2.0-or-later
"""A Power Box in the virtual gateway: what check.py's stage "powerbox" looks at from outside.

The box on segment A is that of the scenario powerbox-3p. On segment B a box with
old firmware is replaced by one that has all of its 28 inputs used.
"""

import re
import struct
import time

from meter import Segment
from stages import scenario, selftests
from vm import KERNEL, Gateway, Simulator

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


def attributes(guest, iio, at):
    """Attribute of each value of input AT, by what this kernel calls it."""
    if guest.run(f"[ -e {iio}/in_power{at}_active_raw ]")[0] == 0:
        names = {"P": f"power{at}_active", "mean": f"power{32 + at}_active", "Q": f"power{64 + at}_reactive",
                 "S": f"power{96 + at}_apparent", "I": f"altcurrent{at}_rms"}
    else:
        names = {"P": f"power{at}", "mean": f"power{32 + at}", "Q": f"power{64 + at}", "S": f"power{96 + at}",
                 "I": f"current{at}"}
    return {key: f"{iio}/in_{name}_raw" for key, name in names.items()}


def mains(tap, guest, sim, segment):
    """Voltages and frequency beside the truth, and meters beside the loads they are made for."""
    box = iio_of(guest, f"{segment.number}-061")
    truth = steady(sim)
    modern = guest.run(f"[ -e {box}/in_altvoltage0_rms_raw ]")[0] == 0
    voltage, power = ("_rms", "_active") if modern else ("", "")
    text = guest.read(*[f"{box}/in_altvoltage{p}{voltage}_raw" for p in range(3)], f"{box}/in_altvoltage_frequency",
                      *[f"{box}/in_power{m}{power}_raw" for m in range(4)]).split()
    pairs = [(f"V{p + 1}", number(text[p]) / 1e3, truth["voltages"][p]["ln_v"]) for p in range(3)]
    pairs.append(("f", number(text[3]), truth["frequency_hz"]))
    error, what = worst(pairs)
    tap.ok(error < TOLERANCE, "voltages and frequency are those of the mains", f"worst {100 * error:.4f} %: {what}")
    pairs = [(f"meter {m} ({truth['loads'][m]['name']})", number(text[4 + m]) / 1e3, truth["loads"][m]["p_w"])
             for m in range(4)]
    error, what = worst(pairs)
    tap.ok(error < TOLERANCE, "a virtual meter has the power of its load", f"worst {100 * error:.4f} %: {what}")
    # another meter of two loads: grid is on channels 3 to 5, lights on 9
    guest.check(f"echo 0x238 > {box}/in_power20{power}_channels")
    steady(sim)
    found = number(guest.read(f"{box}/in_power20{power}_raw")) / 1e3
    wanted = truth["loads"][0]["p_w"] + truth["loads"][2]["p_w"]
    tap.ok(abs(found - wanted) < TOLERANCE * wanted, "and one with another mask has the sum of that",
           f"{found:.3f} W of {wanted:.3f} W")


def steady(sim, seconds=2.5):
    """The truth while all that is read now was measured: nothing is older than a second and a bit."""
    start = sim.ask(cmd="status")["seconds"]
    time.sleep(seconds)
    return sim.ask(cmd="truth", from_s=start, to_s=start + seconds)


def values(tap, guest, sim, segment, quantities, changing=()):
    """Values of every input beside the truth."""
    entries = {m["name"]: m["entry"] for m in sim.ask(cmd="status")["modules"] if "entry" in m}
    devices = {name: iio_of(guest, f"{segment.number}-061.{entry}") for name, entry in entries.items()}
    truth = steady(sim)
    pairs = {key: [] for key in quantities}
    for load in truth["loads"]:
        if load["name"] in changing:
            continue
        for element in load["elements"]:
            name, letter = element["input"].split("/")
            files = attributes(guest, devices[name], ord(letter) - ord("A"))
            text = guest.read(*[files[key] for key in quantities]).split()
            for key, value in zip(quantities, text):
                pairs[key].append((element["input"], number(value) / 1e3, element[quantities[key]]))
    for key, of_key in pairs.items():
        error, what = worst(of_key)
        tap.ok(error < TOLERANCE and of_key, f"{key} of {len(of_key)} inputs is the true one",
               f"worst {100 * error:.4f} %: {what}")


def energies(tap, guest, sim, segment):
    """Counters beside the truth since the box was switched on; they show full Wh, and may be six seconds old."""
    before = sim.ask(cmd="status")["seconds"]
    wrong, found = [], []
    for n, load in enumerate(sim.ask(cmd="truth", from_s=0, to_s=1)["loads"]):
        iio = f"{segment.number}-061.{n // 4}"
        text = guest.read(f"{iio_of(guest, iio)}/in_energy{n % 4}_raw").split()
        now = sim.ask(cmd="status")["seconds"]
        low, high = (next(x for x in sim.ask(cmd="truth", from_s=0, to_s=end)["loads"] if x["name"] == load["name"])
                     ["import_wh"] for end in (max(before - 13, 1), now))
        found.append(number(text[0]))
        if not low - 1 <= found[-1] <= high:
            wrong.append(f"{load['name']}: {found[-1]:g}, not {low:.1f} to {high:.1f} Wh")
    tap.ok(not wrong and sum(found) > 0, "energy of 28 inputs is what they took", wrong[0] if wrong else f"{sum(found):g} Wh")


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
    state = f"{DEVICES}/{segment.number}-061.2/state"
    poll = "/tmp/selftests/smappee/attr-poll"
    guest.check(f"{poll} {state} silent 20000 > /tmp/silent 2>&1 &")
    guest.wait_for("[ -s /tmp/silent ]", "the start of attr-poll")
    sim.ask(cmd="fault", kind="restart", unit=61)
    sim.ask(cmd="fault", kind="silent", unit=61, seconds=1000)
    guest.check("while pidof attr-poll > /dev/null; do sleep 0.1; done", 60)
    # it is back when somebody waits for that
    guest.check(f"{poll} {state} idle 20000 > /tmp/idle 2>&1 &")
    guest.wait_for("[ -s /tmp/idle ]", "the start of attr-poll")
    sim.ask(cmd="clear")
    guest.check("while pidof attr-poll > /dev/null; do sleep 0.1; done", 60)
    text = guest.check("cat /tmp/silent /tmp/idle")
    tap.ok(text.split() == ["idle", "silent", "silent", "idle"], "poll() on a CT module's state returns when its box falls silent, and when it is back",
           " ".join(text.split()))
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


def full_line(tap, guest, sim, segment, seconds=10):
    """28 inputs at 10 Hz: what they cost the line, and what is left for control."""
    buffers = [iio_of(guest, f"{segment.number}-061.{entry}") for entry in range(7)]
    names = [path.rsplit("/", 1)[1] for path in buffers]
    guest.check(f"for d in {' '.join(names)}; do echo monotonic > /sys/bus/iio/devices/$d/current_timestamp_clock; "
                f"iio_readdev -T 20000 -b 5 -s {10 * seconds} $d > /mnt/host/$d.scans 2> /tmp/$d.log & done; echo")
    guest.wait_for(f"[ $(cat {DEVICES}/{segment.number}-061.*/state | grep -c streaming) = 7 ]", "seven streams", 20)
    begin = sim.ask(cmd="status")
    latency = guest.check("read -r v < %s/%d-061.0/input0_associated_voltage; n=0 sum=0 worst=0 late=0; end=$((SECONDS + %d)); while [ $SECONDS -lt $end ]; do a=${EPOCHREALTIME/./};"
                          " printf %%s $v > %s/%d-061.0/input0_associated_voltage; b=$((${EPOCHREALTIME/./} - a)); "
                          "n=$((n + 1)); sum=$((sum + b)); [ $b -gt $worst ] && worst=$b; [ $b -lt 100000 ] || late=$((late + 1)); sleep 0.0$((RANDOM %% 90 + 10)); done;"
                          " echo $n $((sum / n)) $worst $late" % (DEVICES, segment.number, seconds // 2, DEVICES, segment.number), 60).split()
    middle = sim.ask(cmd="status")
    guest.wait_for(f"[ $(cat {DEVICES}/{segment.number}-061.*/state | grep -c streaming) = 0 ]", "the end of the streams",
                   seconds + 20)
    busy = 100 * (middle["busy_s"] - begin["busy_s"]) / (middle["seconds"] - begin["seconds"])
    tap.note(f"28 inputs at 10 Hz: the line is used {busy:.1f} % of the time, {latency[0]} settings included")
    tap.note(f"a setting takes {int(latency[1]) / 1e3:.1f} ms on the mean, {int(latency[2]) / 1e3:.1f} ms at most")
    tap.ok(busy < 90, "28 inputs at 10 Hz leave room on the line", f"{busy:.1f} %")
    # a host that stands still holds up whoever waits then: one in ten may meet that
    tap.ok(int(latency[1]) < 60000 and int(latency[3]) <= int(latency[0]) / 10, "a setting takes less than a cycle meanwhile",
           f"{int(latency[1]) / 1e3:.1f} ms on the mean, {int(latency[2]) / 1e3:.1f} ms at most, {latency[3]} of {latency[0]} longer")
    times = [scan_times(f"{guest.share}/{name}.scans", 10 * seconds) for name in names]
    rates = [(len(t) - 1) / (t[-1] - t[0]) * 1e9 if len(t) > 1 else 0 for t in times]
    # An emulated processor on a busy host stands still for a cycle now and then, and once for
    # longer: KUnit's clock does not, and there none may be lost.
    lost = segment.get("lost_scans") / len(names)
    stood_s = max(b - a for t in times for a, b in zip(t, t[1:])) / 1e9
    tap.ok(all(8 < rate < 10.1 for rate in rates), "all seven hubs give ten scans a second, but for what is lost",
           " ".join(f"{rate:.3f}" for rate in rates))
    common = len(set.intersection(*[set(t) for t in times]))
    tap.ok(common > 0.75 * 10 * seconds, "and a poll has the same time stamp on all of them", f"{common} of {10 * seconds}")
    tap.ok(lost - 10 * stood_s <= 0.2 * 10 * seconds and stood_s < 5, "and most scans are not lost",
           f"{lost:g} of {10 * seconds}, {segment.get('timeouts')} answers missing, {stood_s:.1f} s apart at most")


def listed(tap, guest, iio):
    """libiio's channels of a CT hub are those of its folder, each with its scan index."""
    elements = guest.check(f"cd {iio}/scan_elements && ls | sed -n 's/^in_\\(.*\\)_en$/\\1/p'").split()
    status, text = guest.run(f"iio_info | sed -n '/{iio.rsplit('/', 1)[1]}: /,/iio:device[0-9]*: /p'", 60)
    indices = {int(index) for index in re.findall(r"index: (\d+)", text)}
    good = status == 0 and len(elements) > 20 and len(indices) >= len(elements)
    tap.ok(good, "libiio lists every value of a CT hub", f"{len(indices)} of {len(elements)}")
    if not good:
        tap.note(text)


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
        mains(tap, guest, sim, segment_a)
        # here reactive power has harmonics, and the truth that of the fundamental
        values(tap, guest, sim, segment_a, {"P": "p_w", "mean": "p_w", "S": "s_va", "I": "i_a"}, ("dishwasher",))
        identify(tap, guest, sim, segment_a)
        old_box(tap, gateway, segment_b)
        values(tap, guest, gateway.sims[1], segment_b,
               {"P": "p_w", "mean": "p_w", "Q": "q1_var", "S": "s_va", "I": "i_a"})
        energies(tap, guest, gateway.sims[1], segment_b)
        full_line(tap, guest, gateway.sims[1], segment_b)
        restart(tap, guest, sim, segment_a)
        alarms = guest.alarms()
        tap.ok(not alarms, "the Power Box: the kernel has nothing to complain about", "; ".join(alarms[:3]))


def values_by_name(tap, guest, sim, segment):
    """The box on another kernel line, in short: values by that line's own names, and libiio's look at them."""
    wait_modules(segment, 4)
    identity(tap, guest, segment)
    modern = KERNEL not in ("6.1", "6.12")
    hub = iio_of(guest, f"{segment.number}-061.2")
    wanted = ("power0_active", "power96_apparent", "altcurrent0_rms") if modern else ("power0", "power96", "current0")
    found = guest.check(f"cd {hub} && echo in_*0_*raw in_power96_*raw").split()
    tap.ok(all(f"in_{name}_raw" in found for name in wanted), "inputs have the names that this kernel gives to metering",
           " ".join(found))
    mains(tap, guest, sim, segment)
    values(tap, guest, sim, segment, {"P": "p_w", "mean": "p_w", "S": "s_va", "I": "i_a"}, ("dishwasher",))
    listed(tap, guest, hub)
