#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo: a simulated house, the virtual gateway, live power with the truth beside it.

    demo.py [--seconds N] [--scenario NAME] [--second NAME]

Without --seconds until interrupted. Writes build/demo.json at the end.
"""

import argparse
import json
import os
import shutil
import signal
import sys

from meter import SCENARIOS, Comparison, CpuShare, Meter, Segment, quantity
from vm import BUILD, TOP, Failure, Gateway

COLUMNS = (("P", "W", 10, 1), ("Q1", "var", 10, 1), ("PF", "", 8, 4), ("I", "A", 9, 3), ("V", "V", 9, 2))
DIM, NORMAL = "\033[2m", "\033[0m"
# what is there is written over, which does not flicker
HOME, CLEAR = "\033[H", "\033[H\033[2J"


def say(text):
    print(f"demo: {text}", flush=True)


def number(value, width, digits):
    return " " * (width - 1) + "-" if value is None else f"{round(value, digits) + 0.0:{width}.{digits}f}"


def rows(load, real, error, wide):
    """A load as measured with the truth beside it, or below it where the terminal is narrow; REAL is None: alone."""
    measured = [number(quantity(load, k), w, d) for k, _, w, d in COLUMNS]
    tail = "" if error is None else f" {round(100 * error, 4) + 0.0:+9.4f} %"
    if real is None:
        return [f"{load['name'][:20]:<20}" + "".join(measured) + tail]
    truth = [DIM + number(quantity(real, k), w, d) + NORMAL for k, _, w, d in COLUMNS]
    if wide:
        return [f"{load['name'][:20]:<20}" + "".join(m + t for m, t in zip(measured, truth)) + tail]
    return [f"{load['name'][:20]:<20}" + "".join(measured) + tail, f"{DIM}{'  truth':<20}{NORMAL}" + "".join(truth)]


def table(reading, truth, address, elapsed, comparison):
    """Lines of the live table: with the truth beside or below each load, or without where there is no room."""
    columns, height = shutil.get_terminal_size()
    wide = columns >= 20 + 2 * sum(c[2] for c in COLUMNS) + 12
    roomy = wide or height > 2 * len(reading["loads"]) + 5
    real = {load["name"]: load for load in truth["loads"]} if roomy else {}
    lines = [f"{elapsed:.0f} s   {address}   Ctrl-C ends",
             f"{DIM}dim: what the simulator knows{NORMAL}" if roomy else "",
             f"{'load':<20}" + "".join(f"{key + ' ' + unit:>{width}}" + (" " * width if wide else "")
                                       for key, unit, width, _ in COLUMNS) + "  error of P"]
    for load in reading["loads"]:
        lines += rows(load, real.get(load["name"]), comparison.error(load["name"]), wide)
    lines += ["", f"f {number(reading.get('frequency_hz'), 8, 4)} Hz {DIM}{number(truth.get('frequency_hz'), 8, 4)}{NORMAL}   "
                  f"lost scans {reading['lost_scans']}   gaps {reading['gaps']}   "
                  f"repaired blocks {reading['repaired_blocks']}"]
    return lines


def summary(reading, truth, elapsed, comparison):
    """One line for a log: the total and the worst load."""
    power = sum(load["p_w"] or 0 for load in reading["loads"])
    real = sum(load["p_w"] for load in truth["loads"])
    worst = max(((abs(comparison.error(load["name"]) or 0), load["name"]) for load in reading["loads"]),
                default=(0, "none"))
    frequency = reading.get("frequency_hz")
    return (f"{elapsed:6.1f} s  P {power:.1f} W (truth {real:.1f})  worst load \"{worst[1]}\" {100 * worst[0]:.4f} %  "
            f"f {'-' if frequency is None else format(frequency, '.3f')} Hz  lost {reading['lost_scans']}  "
            f"gaps {reading['gaps']}  repaired {reading['repaired_blocks']}")


def write_report(comparison, more):
    report = {"seconds": round(comparison.seconds, 3),
              "lost_scans": comparison.last["lost_scans"],
              "repaired_blocks": comparison.last["repaired_blocks"],
              "gaps": comparison.last["gaps"],
              **more, "loads": comparison.loads()}
    path = f"{BUILD}/demo.json"
    with open(path + ".new", "w") as out:
        json.dump(report, out, indent=1)
        out.write("\n")
    os.replace(path + ".new", path)
    say(f"wrote {os.path.relpath(path, TOP)}")


def follow(gateway, meter, segment, seconds):
    """Show readings until SECONDS have passed. Return what the report needs."""
    guest = gateway.guest
    tty = sys.stdout.isatty()
    address = f"page http://127.0.0.1:{guest.http}/   MQTT 127.0.0.1:{guest.mqtt}"
    comparison = Comparison(guest, gateway.sims[0], segment)
    first_s, begin, cpu = None, None, None
    try:
        for reading, arrived in meter.readings():
            if first_s is None:
                first_s = arrived - guest.started
                begin = arrived
                say(f"first reading {first_s:.1f} s after power-on")
                say(address)
                if tty:
                    print(CLEAR, end="")
                cpu = CpuShare(guest)
            truth = comparison.add(reading)
            elapsed = arrived - begin
            if tty:
                lines = table(reading, truth, address, elapsed, comparison)
                print(HOME + "".join(f"{line}\033[K\n" for line in lines) + "\033[J", end="", flush=True)
            else:
                print(summary(reading, truth, elapsed, comparison), flush=True)
            if seconds and elapsed >= seconds:
                break
    except KeyboardInterrupt:
        print()
    if comparison.last is None:
        return
    share = cpu.percent()
    say(f"CPU of the guest: meterd {share['meterd']:.1f} %, bus thread {share['kernel_thread']:.1f} %, "
        f"idle {share['idle']:.1f} %")
    write_report(comparison, {"boot_to_first_reading_s": round(first_s, 2),
                              "cpu_percent": {k: round(v, 2) for k, v in share.items()}})


def main():
    parser = argparse.ArgumentParser(description="live power of a simulated house")
    parser.add_argument("--seconds", type=float, help="end by itself after this long")
    parser.add_argument("--scenario", default="house-3p", help="of segment A")
    parser.add_argument("--second", default="house-1p", help="scenario of segment B, or none")
    parser.add_argument("--tree", default="qemu-virt-virtio",
                        help="device tree; qemu-virt has both segments on the UART model")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = f"{TOP}/{SCENARIOS}"
    scenarios = [f"{folder}/{options.scenario}.ini", f"{folder}/{options.second}.ini"]
    scenarios = [s for s in scenarios if os.path.exists(s)]
    try:
        say("power on: QEMU, Debian's arm64 kernel, the simulated modules on two lines")
        with Gateway("demo", scenarios, tree=options.tree, http=8080, mqtt=1883) as gateway:
            guest = gateway.guest
            say(f"Linux {guest.release} is up after {gateway.boot_s:.1f} s")
            meter = Meter(guest, f"{folder}/{options.scenario}.meterd.conf")
            segment = Segment(guest, "a")
            segment.wait_modules(2)
            meter.start()
            say(f"segment A: {segment.get('modules')} modules at {segment.get('speed')} baud; meterd is started")
            follow(gateway, meter, segment, options.seconds)
            meter.stop()
            for line in guest.alarms():
                say(f"the kernel complains: {line}")
    except Failure as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("interrupted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
