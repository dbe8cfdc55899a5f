#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of the virtual gateway into build/bench.json.

    bench.py [--seconds 60] [NAME...]     all, or some of: accuracy, shallow, uart, recorded, host,
                                          instructions, replay, kernel-cost

Each figure is a value and what it is held against: a limit of the issue or the design,
a reference value, or another way to do the same in the same run; ratio = value / against.
Figures of parts that are not run are kept from the last time.
"""

import argparse
import json
import os
import subprocess
import sys

from meter import CpuShare
from stages import RECORDED, RECORDING, Stream, recorded, recorded_scenario, scenario, shallow_scenario
from vm import BUILD, Failure, Gateway

SPECIFIED_DEPTH_MS = 250
BIT_ERRORS = (1e-6, 1e-5, 2e-5, 5e-5, 1e-4)


class Figures:
    def __init__(self, path):
        self.path = path
        self.rows = []
        if os.path.exists(path):
            with open(path) as text:
                self.rows = json.load(text)

    def add(self, name, value, unit, against):
        """AGAINST is a number; a figure that must be 0 is held against 0, its ratio is null."""
        self.put({"name": name, "value": value, "unit": unit, "against": against,
                  "ratio": value / against if against else None})

    def put(self, row):
        """Take a row as another program has made it."""
        self.rows = [r for r in self.rows if r["name"] != row["name"]] + [row]
        against, ratio = row["against"], row["ratio"]
        print(f"bench: {row['name']}: {row['value']:.6g} {row['unit']} (against "
              + (f"{against:.6g}" if isinstance(against, (int, float)) else against)
              + (f", ratio {ratio:.4g})" if ratio is not None else ")"), flush=True)
        with open(self.path + ".new", "w") as out:
            json.dump(self.rows, out, indent=1)
            out.write("\n")
        os.replace(self.path + ".new", self.path)


def line_bytes(stream, seconds):
    """Bytes of the modules' answers per second of samples, over SECONDS of readings; and the part of
    all bytes on the line, requests included, that is samples, in percent."""
    before = stream.sim.ask(cmd="status")
    start = stream.last["end_ns"]
    while stream.last["end_ns"] - start < seconds * 1e9:
        stream.next()
    after = stream.sim.ask(cmd="status")
    out, asked, samples = (after[key] - before[key] for key in ("bytes_out", "bytes_in", "sample_bytes"))
    return out / ((stream.last["end_ns"] - start) / 1e9), 100 * samples / (out + asked)


def accuracy(figures, seconds):
    """31 channels at 4 kHz, PF 0.5, 30 % THD, 50 ppm; then the same with bit errors."""
    with Gateway("bench-accuracy", [scenario("accuracy-3p")], tree="qemu-virt-virtio") as gateway:
        stream = Stream(gateway, "accuracy-3p")
        stream.next()
        figures.add("boot to first value", stream.first_arrival - gateway.guest.started, "s", 60)
        stream.settle()
        cpu = CpuShare(gateway.guest)
        error, load = stream.worst(10, round(seconds / 10))
        since, share = stream.since(), cpu.percent()
        print(f"bench: worst load is \"{load}\"")
        figures.add(f"error of P over 10 s, worst of 28 loads, {seconds} s at 4 kHz", 100 * error, "%", 0.05)
        figures.add(f"lost scans in {seconds} s, 31 channels at 4 kHz", since["lost_scans"], "scans", 0)
        figures.add(f"gaps in {seconds} s, 31 channels at 4 kHz", since["gaps"], "gaps", 0)
        figures.add("CPU of the guest, meterd", share["meterd"], "%", 100)
        figures.add("CPU of the guest, bus thread", share["kernel_thread"], "%", 100)
        rate, samples = line_bytes(stream, 10)
        figures.add("line, packed against plain 16 bit, 31 channels at 4 kHz", rate, "B/s", 248000)
        figures.add("samples among the bytes on the line, 31 channels at 4 kHz", samples, "%", 90)
        clean = 0.0
        for rate in BIT_ERRORS:
            stream.mark()
            stream.sim.ask(cmd="fault", kind="bit_errors", rate=rate, unit=0)
            error, _ = stream.worst(10, round(seconds / 10) if rate <= 1e-5 else 2)
            stream.sim.ask(cmd="clear")
            since = stream.since()
            if rate <= 1e-5:
                at = f"at {rate:.0e} bit errors".replace("e-0", "e-")
                figures.add(f"lost scans in {seconds} s {at}", since["lost_scans"], "scans", 0)
                figures.add(f"repaired blocks in {seconds} s {at}", since["repaired_blocks"], "blocks", 0)
                figures.add(f"error of P over 10 s {at}, worst of 28 loads", 100 * error, "%", 0.05)
            if since["lost_scans"] or since["gaps"]:
                print(f"bench: at {rate:g} bit errors: {since}")
                break
            clean = rate
        figures.add("highest bit error rate without a lost scan", clean, "1", 1e-5)
        stream.close()


def shallow(figures, seconds):
    """The same with modules that keep no more than the specification asks for."""
    path = shallow_scenario("accuracy-3p", SPECIFIED_DEPTH_MS, f"{BUILD}/vm/shallow")
    with Gateway("bench-shallow", [path], tree="qemu-virt-virtio") as gateway:
        stream = Stream(gateway, "accuracy-3p")
        stream.settle()
        for rate in (0, 1e-5):
            if rate:
                stream.sim.ask(cmd="fault", kind="bit_errors", rate=rate, unit=0)
            stream.mark()
            stream.worst(10, round(seconds / 10))
            figures.add(f"lost scans in {seconds} s, modules keep {SPECIFIED_DEPTH_MS} ms, {rate:g} bit errors",
                        stream.since()["lost_scans"], "scans", 0)
        stream.close()


def uart(figures, seconds):
    """The same 31 channels through the UART model: what it carries."""
    for rate in (4000, 2000):
        with Gateway(f"bench-uart-{rate}", [scenario("accuracy-3p")], tree="qemu-virt") as gateway:
            stream = Stream(gateway, "accuracy-3p", rate)
            stream.settle(3)
            cpu = CpuShare(gateway.guest)
            carried, _ = line_bytes(stream, min(seconds, 30))
            since, share = stream.since(), cpu.percent()
            figures.add(f"UART model: bytes carried, 31 channels at {rate} Hz", carried, "B/s", 62 * rate)
            figures.add(f"UART model: lost scans in {min(seconds, 30)} s at {rate} Hz", since["lost_scans"], "scans", 0)
            figures.add(f"UART model: guest's CPU outside idle at {rate} Hz", 100 - share["idle"], "%", 100)
            stream.close()


def recording(figures, _):
    """The recorded 600 V service, looped, against the reference values of its README."""
    if not os.path.exists(RECORDING):
        print(f"bench: recorded: {RECORDING} is not there")
        return
    with Gateway("bench-recorded", [recorded_scenario(f"{BUILD}/vm/recorded")], tree="qemu-virt") as gateway:
        stream = Stream(gateway, "recorded-600v")
        stream.settle()
        for phase, (value, truth) in sorted(recorded(stream, 10).items()):
            for key, unit, measured, wanted, real in zip("VIP", ("V", "A", "W"), value, RECORDED[phase], truth):
                figures.add(f"recorded 600 V service, {key} of {phase}", measured, unit, wanted)
                figures.add(f"recorded 600 V service, {key} of {phase}, band-limited to 4 kHz", measured, unit, real)
        stream.close()


def host(figures, _):
    """Programs of tests/bench, which print figures as JSON lines."""
    subprocess.run(["make", "-s", "-C", "userspace", f"O={BUILD}/userspace/native", "bench"], check=True)
    folder = f"{BUILD}/userspace/native/bench"
    for name in sorted(os.listdir(folder)):
        if os.access(f"{folder}/{name}", os.X_OK) and "." not in name:
            done = subprocess.run([f"{folder}/{name}"], capture_output=True, text=True, check=True)
            for line in done.stdout.splitlines():
                if line.startswith("{"):
                    figures.put(json.loads(line))


def instructions(figures, _):
    """AArch64 instructions of the chain per scan, each executed one counted, against plain accumulators."""
    subprocess.run(["make", "-s", "-C", "userspace", f"O={BUILD}/userspace/arm64", "CROSS=aarch64-linux-gnu-", "bench"],
                   check=True)

    def count(part, scans):
        done = subprocess.Popen(["qemu-aarch64", "-one-insn-per-tb", "-d", "exec,nochain", "-L", "/usr/aarch64-linux-gnu",
                                 f"{BUILD}/userspace/arm64/bench/bench-meter", part, "31", str(scans)],
                                stderr=subprocess.PIPE)
        traced = sum(line.startswith(b"Trace") for line in done.stderr)
        if done.wait():
            raise Failure(f"bench-meter {part} 31 {scans} ended with {done.returncode}")
        return traced

    def per_scan(part):
        return (count(part, 6400) - count(part, 3200)) / 3200

    fill = per_scan("fill")
    plain = per_scan("plain") - fill
    for name, part in (("chain", "chain"), ("chain with power quality", "quality")):
        value = per_scan(part) - fill
        figures.add(f"meter {name}, 31 channels, AArch64", value, "instructions/scan", plain)
        if part == "chain":
            figures.add("the same against the goal", value, "instructions/scan", 350)


def replay(figures, _):
    """Speed of a replay, and memory of a meterd with everything on."""
    native = f"{BUILD}/userspace/native"
    done = subprocess.run(["python3", "tests/bench/replay.py", f"{native}/meterd", f"{native}/meterctl"],
                          stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        figures.put(json.loads(line))


def kernel_cost(figures, _):
    """What scripts/kunit --cost has measured, each against the floor of the same run."""
    path = f"{BUILD}/kunit/cost.log"
    if not os.path.exists(path):
        raise Failure(f"{path} is not there: scripts/kunit --cost, on the host")
    with open(path) as text:
        for line in text:
            name, value, floor = line.strip().rsplit(" ", 2)
            figures.add(f"kernel: {name.rstrip(':')}", int(value) / 1e3, "ns", int(floor) / 1e3)


PARTS = {"accuracy": accuracy, "shallow": shallow, "uart": uart, "recorded": recording, "host": host,
         "instructions": instructions, "replay": replay, "kernel-cost": kernel_cost}


def main():
    parser = argparse.ArgumentParser(description="figures of the virtual gateway")
    parser.add_argument("--seconds", type=int, default=60, help="length of the long runs")
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="all by default")
    options = parser.parse_args()
    figures = Figures(f"{BUILD}/bench.json")
    status = 0
    for name in options.part or PARTS:
        try:
            PARTS[name](figures, options.seconds)
        except (Failure, subprocess.CalledProcessError) as failure:
            print(f"bench: {name}: {failure}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
