#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests in the virtual gateway.

    check.py [NAME...]     some of: powerbox, io, discovery, waveforms, chain, recorded,
                           topologies; parts of these by themselves: kernel, which is the
                           drivers without meterd, and storm; mains, which is topologies at
                           length; line, which is all of it in short for other kernels;
                           without a name those of the first line, or line

What needs the same machine has one boot, since that takes as long as some tests. TAP, with
the seconds that each stage took, goes to build/results/vm.tap and to standard output. GUEST_KERNEL=LINE takes the
guest of that line (scripts/guest), the results are then those of vm-LINE.
"""

import json
import os
import re
import subprocess
import sys
import time
import traceback

import storm as storms
from discovery import come_and_go
from io_modules import io
from meter import Segment
from powerbox import powerbox, values_by_name
from stages import (RECORDED, RECORDING, Stream, recorded, recorded_scenario, scenario, selftests)
from tap import Tap
from topologies import mains, topologies
from vm import BUILD, KERNEL, Failure, Gateway
from waveforms import waveforms

# How long all is compared with the truth; make bench does so for longer.
BLOCK_S = 5
# depth_ms of accuracy-3p.ini: so long a module keeps its samples.
KEPT_NS = 4_000_000_000
# So many faults of a kind are enough.
FAULTS = 10
SHORT_FAULTS = [
    {"kind": "drop", "rate": 0.02},
    {"kind": "truncate", "rate": 0.02},
    {"kind": "duplicate", "rate": 0.02},
    {"kind": "garbage", "rate": 0.02},
    {"kind": "wrong_unit", "rate": 0.02},
    {"kind": "exception", "rate": 0.02, "value": 6},
    {"kind": "delay", "rate": 0.02, "ms": 5},
]


def healthy(tap, guest, where):
    alarms = guest.alarms()
    tap.ok(not alarms, f"{where}: the kernel has nothing to complain about", "; ".join(alarms[:3]))


def drivers(tap, gateway):
    """Modalias, ABI, kselftests, repair, on a gateway where nobody measures yet."""
    guest = gateway.guest
    tap.note(f"Linux {guest.release}, up after {gateway.boot_s:.1f} s")
    segment = Segment(guest, "a")
    segment.wait_modules(8)
    tap.ok(segment.get("modules") == 8, "the modules that the device tree names are found",
           f"{segment.get('modules')} of 8")
    good, text = selftests(guest)
    tap.nested(text, good, "kselftests")
    gateway.sims[0].ask(cmd="fault", kind="bit_errors", rate=2e-5, unit=0)
    good, text = selftests(guest, ["repair.sh"], "SMAPPEE_BIT_ERRORS=2e-5")
    tap.nested(text, good, "kselftest of repairs, at 2e-5 bit errors")
    gateway.sims[0].ask(cmd="clear")
    healthy(tap, guest, "kselftests")


def scanned(tap, gateway):
    segment = Segment(gateway.guest, "b")
    segment.wait_modules(3)
    tap.ok(segment.get("modules") == 3, "modules that no device tree names are found by scan, on the UART",
           f"{segment.get('modules')} of 3")


def kernel(tap):
    """The drivers alone."""
    with Gateway("check-kernel", [scenario("accuracy-3p"), scenario("house-1p")],
                 tree="qemu-virt-virtio") as gateway:
        scanned(tap, gateway)
        drivers(tap, gateway)


def exact(tap, stream):
    """All channels for some time: the powers are right, nothing is lost."""
    stream.mark()
    error, load = stream.worst(BLOCK_S)
    since = stream.since()
    tap.ok(error <= 0.0005, f"P of every load is right within 0.05 % over {BLOCK_S} s, 31 channels at 4 kHz",
           f"worst {100 * error:.4f} % of \"{load}\"")
    tap.ok(since["lost_scans"] == 0 and since["gaps"] == 0, "no scan is lost and no gap is there", str(since))


def rescan(tap, stream):
    """All units are asked who they are, most of which are not there, beside all channels."""
    stream.mark()
    begin = time.monotonic()
    stream.guest.check(f"echo 1 > {stream.segment.path}/rescan", 60)
    took = time.monotonic() - begin
    for _ in range(2):
        stream.next()
    since = stream.since()
    tap.ok(since["lost_scans"] == 0 and since["gaps"] == 0, "a rescan beside 31 channels at 4 kHz costs no scan",
           f"{took:.1f} s, {since}")


def line(tap):
    """The drivers on another kernel line, the chain above them, and a Power Box on segment B."""
    with Gateway(f"check-line-{KERNEL}", [scenario("accuracy-3p"), scenario("powerbox-3p")],
                 tree="qemu-virt-lines") as gateway:
        release = gateway.guest.release
        tap.ok(re.match(re.escape(KERNEL) + "[.-]", release), f"the guest runs a kernel of line {KERNEL}", release)
        drivers(tap, gateway)
        stream = Stream(gateway, "accuracy-3p", broker=False)
        stream.settle()
        exact(tap, stream)
        stream.close()
        values_by_name(tap, gateway.guest, gateway.sims[1], Segment(gateway.guest, "b"))
        healthy(tap, gateway.guest, f"all on {KERNEL}")


def mqtt_reading(guest, topic):
    """One message of the topic, as the broker gives it to a client on the host."""
    done = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(guest.mqtt), "-t", topic, "-C", "1", "-W", "15"],
                          capture_output=True, timeout=30, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def broker_comes_late(tap, stream):
    """meterd was started without a broker: it measures; then the broker starts."""
    guest, meter = stream.guest, stream.meter
    first, second = stream.next(), stream.next()
    tap.ok(not meter.get("/api/v1/status")["mqtt"]["connected"] and second["sequence"] > first["sequence"]
           and all(load["p_w"] is not None for load in second["loads"]),
           "an absent broker does not stop the measuring", f"readings {first['sequence']}, {second['sequence']}")
    guest.check("setsid mosquitto -c /etc/mosquitto-gateway.conf > /dev/null 2>&1 &")
    message, end = None, time.monotonic() + 30
    while not message and time.monotonic() < end:
        message = mqtt_reading(guest, "meterd/+/live")  # it may be there before the broker
    tap.ok(message is not None and len(message["loads"]) == len(stream.last["loads"]),
           "the broker that comes later gets the readings", "nothing in 15 s" if message is None else f"reading {message['sequence']}")


def faults(tap, stream):
    """Faults while all channels stream."""
    sim = stream.sim
    # what a fault costs may be counted while there is the next one already: all count from here
    stream.mark()
    for fault in SHORT_FAULTS:
        def done(kind=fault["kind"]):
            return sim.ask(cmd="status")["faults"][kind]
        sim.ask(cmd="fault", unit=0, **fault)
        enough = stream.until(lambda _: done() >= FAULTS)  # pylint: disable=cell-var-from-loop
        sim.ask(cmd="clear")
        stream.next()
        since = stream.since()
        tap.ok(enough and since["lost_scans"] == 0 and since["gaps"] == 0,
               f"{fault['kind']} of 2 % of the answers costs no scan", f"{done()} faults, {since}")
    stream.from_now(lambda _: True)
    since = stream.since()
    tap.ok(since["lost_scans"] == 0 and since["gaps"] == 0, "and none of them does so later", str(since))
    tracing = "/sys/kernel/tracing"
    stream.guest.check(f"echo 1 > {tracing}/events/smappee/smappee_gap/enable")
    sim.ask(cmd="fault", kind="silent", unit=8, seconds=1000)
    state = f"/sys/bus/smappee/devices/{stream.segment.number}-008/state"
    try:
        stream.guest.wait_for(f"grep -q silent {state}", "state \"silent\"", 10)
        silent = True
    except Failure:
        silent = False
    tap.ok(silent, "a module that falls silent has the state \"silent\"", stream.guest.read(state).strip())
    tap.ok(stream.misses("hub7"), "and its loads are not measured then")
    # longer than the module keeps its samples: what it still has is repaired, and nothing is lost
    begin_ns = stream.last["start_ns"]
    stream.until(lambda reading: reading["start_ns"] >= begin_ns + 1.5 * KEPT_NS)
    sim.ask(cmd="clear")
    tap.ok(stream.recovers(), "after it answers again all loads are measured again")
    tap.ok(stream.since()["lost_scans"] > 0, "and what was lost meanwhile is counted", str(stream.since()))
    gaps = stream.guest.check(f"grep ' smappee_gap: ' {tracing}/trace; echo 0 > {tracing}/events/smappee/smappee_gap/enable")
    tap.ok(f"segment={stream.segment.number} unit=8 " in gaps, "and traced (smappee_gap)", (gaps.strip().splitlines() or ["no event"])[-1])
    boots = f"/sys/bus/smappee/devices/{stream.segment.number}-007/boot_count"
    before = int(stream.guest.read(boots))
    sim.ask(cmd="fault", kind="restart", unit=7)
    try:
        stream.guest.wait_for(f"[ $(cat {boots}) != {before} ]", "a new boot_count", 15)
        noticed = True
    except Failure:
        noticed = False
    tap.ok(noticed, "a restart of a module is noticed", f"boot_count {before}, then {stream.guest.read(boots).strip()}")
    tap.ok(stream.recovers(), "and its loads are measured again")


def tools(tap, stream):
    """meterctl in the guest, against the running daemon."""
    status, text = stream.guest.run("meterctl --json list")
    try:
        found = len(json.loads(text)) if status == 0 else 0
    except ValueError:
        found = 0
    tap.ok(found >= 8, "meterctl --json list names the modules", f"{found}, status {status}" + ("" if found else f": {text[:200]}"))
    status, text = stream.guest.run("timeout 20 meterctl --json live | head -n 1")
    try:
        loads = len(json.loads(text.splitlines()[0])["loads"])
    except (ValueError, KeyError, IndexError):
        loads = 0
    tap.ok(loads == len(stream.last["loads"]), "meterctl --json live shows the loads",
           f"{loads}" + ("" if loads else f": {text[:200]}"))


def chain(tap):
    """The drivers, then the whole chain: accuracy, bit errors, faults, broker, tools."""
    with Gateway("check-chain", [scenario("accuracy-3p"), scenario("house-1p")],
                 tree="qemu-virt-virtio") as gateway:
        scanned(tap, gateway)
        drivers(tap, gateway)
        stream = Stream(gateway, "accuracy-3p", broker=False)
        stream.settle()
        broker_comes_late(tap, stream)
        exact(tap, stream)
        rescan(tap, stream)
        tools(tap, stream)
        gateway.sims[0].ask(cmd="fault", kind="bit_errors", rate=1e-5, unit=0)
        stream.mark()
        error, load = stream.worst(BLOCK_S)
        gateway.sims[0].ask(cmd="clear")
        since = stream.since()
        tap.ok(since["lost_scans"] == 0 and since["gaps"] == 0 and since["repaired_blocks"] > 0,
               "bit errors of 1e-5 cost repairs and no scan", str(since))
        tap.ok(error <= 0.0005, "and P stays right within 0.05 %", f"worst {100 * error:.4f} % of \"{load}\"")
        faults(tap, stream)
        tap.ok(stream.meter.alive(), "meterd is still the process that was started")
        stream.close()
        healthy(tap, gateway.guest, "the whole chain")


def recording(tap):
    """The recorded 600 V service through the UART model, and its reference values."""
    name = "a recorded 600 V service keeps its V, I and P"
    if not os.path.exists(RECORDING):
        tap.skip(name, f"{RECORDING} is not there")
        return
    with Gateway("check-recorded", [recorded_scenario(f"{BUILD}/vm/recorded")], tree="qemu-virt") as gateway:
        stream = Stream(gateway, "recorded-600v")
        stream.settle()
        tap.note(f"first reading {stream.first_arrival - gateway.guest.started:.1f} s after power-on")
        found = recorded(stream, BLOCK_S)
        for phase, (value, truth) in sorted(found.items()):
            wanted = RECORDED[phase]
            off = [100 * (v / w - 1) for v, w in zip(value, wanted)]
            to_truth = [100 * (v / w - 1) for v, w in zip(value, truth)]
            # 4 kHz carries harmonics up to 2 kHz. What the recording has above (the
            # switching transient) is missing: in I, where there is no current at the
            # mains frequency to drown it, more than in V and P.
            tap.ok(abs(off[0]) < 0.05 and abs(off[1]) < 0.3 and abs(off[2]) < 0.05,
                   f"{name} in {phase} on the UART model",
                   "V %.2f I %.3f P %.1f, off %+.4f %+.4f %+.4f %%" % (*value, *off)
                   + ", to the simulator's truth %+.4f %+.4f %+.4f %%" % tuple(to_truth))
        tap.ok(len(found) == 3, "all three phases are measured", str(sorted(found)))
        since = stream.since()
        tap.ok(since["lost_scans"] == 0 and since["gaps"] == 0, "7 channels at 4 kHz on the UART model: no scan is lost", str(since))
        stream.close()
        healthy(tap, gateway.guest, "the UART model")


def discovery(tap):
    """Modules without addresses, and storms over them."""
    with storms.place() as gateway:
        come_and_go(tap, gateway)
        storms.short(tap, gateway)


def storm(tap):
    with storms.place() as gateway:
        storms.short(tap, gateway)


TESTS = {"powerbox": powerbox, "io": io, "discovery": discovery, "waveforms": waveforms, "chain": chain,
         "recorded": recording, "topologies": topologies, "kernel": kernel, "storm": storm, "mains": mains,
         "line": line}
DEFAULT = ["chain", "powerbox", "io", "discovery", "waveforms", "recorded", "topologies"] if KERNEL == "6.12" else ["line"]


def main():
    names = sys.argv[1:] or DEFAULT
    for name in names:
        if name not in TESTS:
            print(f"check.py: no test \"{name}\"; there are: {', '.join(TESTS)}", file=sys.stderr)
            return 2
    tap = Tap(f"{BUILD}/results/vm{'' if KERNEL == '6.12' else '-' + KERNEL}.tap")
    for name in names:
        begin = time.monotonic()
        try:
            TESTS[name](tap)
        except Failure as failure:
            tap.note(failure)
            tap.ok(False, f"{name} comes to its end", str(failure).splitlines()[0])
        except Exception:  # a test that cannot go on is a failed test, not the end of the others
            tap.note(traceback.format_exc())
            tap.ok(False, f"{name} comes to its end")
        tap.note(f"stage {name}: {time.monotonic() - begin:.0f} s")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
