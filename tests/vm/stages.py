# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured on the virtual gateway: used briefly by check.py, at length by bench.py."""

import math
import os
import re
import shutil
import time

from meter import SCENARIOS, Comparison, Meter, Segment
from vm import BUILD, PATIENCE, TOP, Failure

SHARED_DATA = os.environ.get("SMAPPEE_DATA", "/shared/data")
RECORDING = f"{SHARED_DATA}/real_600V_service_capswitch_30k7.csv"

# README of the recording: plain means over its four cycles. V, A, W.
RECORDED = {"L1": (348.95, 126.108, 40500.2), "L2": (352.22, 151.832, 49502.4), "L3": (345.95, 166.696, 53633.9)}

ENERGY = re.compile(r"(import|export)_wh")


def scenario(name):
    return f"{TOP}/{SCENARIOS}/{name}.ini"


def conf(name):
    return f"{TOP}/{SCENARIOS}/{name}.meterd.conf"


def recorded_scenario(work):
    """recorded-600v.ini beside the recording, which the simulator looks for there."""
    os.makedirs(work, exist_ok=True)
    shutil.copy(RECORDING, work)
    return shutil.copy(scenario("recorded-600v"), work)


def shallow_scenario(name, depth_ms, work):
    """A copy of the scenario whose modules keep scans for DEPTH_MS only."""
    os.makedirs(work, exist_ok=True)
    with open(scenario(name)) as text:
        lines = [f"depth_ms = {depth_ms}" if line.startswith("depth_ms") else line.rstrip("\n") for line in text]
    path = f"{work}/{name}.ini"
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")
    return path


class Stream:
    """meterd running on segment A: blocks of readings against the truth."""

    def __init__(self, gateway, name, rate=4000, broker=True):
        self.guest = gateway.guest
        self.sim = gateway.sims[0]
        self.segment = Segment(self.guest, "a")
        self.segment.wait_modules(2)
        self.meter = Meter(self.guest, conf(name), rate)
        self.meter.start(broker)
        self.rows = self.meter.readings()
        self.first_arrival = None
        self.last = None
        self.counters = None

    def next(self):
        reading, arrived = next(self.rows)
        if self.first_arrival is None:
            self.first_arrival = arrived
        self.last = reading
        return reading

    def settle(self, readings=2):
        """Let READINGS pass, and count from there."""
        for _ in range(readings):
            self.next()
        self.mark()

    def mark(self):
        """Count from here. Readings that nobody has taken yet are of before."""
        self.from_now(lambda _: True)
        self.counters = {k: self.last[k] for k in ("lost_scans", "gaps", "repaired_blocks")}

    def since(self):
        """Lost scans, gaps and repaired blocks since mark()."""
        return {k: self.last[k] - v for k, v in self.counters.items()}

    def block(self, seconds=10):
        """
        A Comparison over SECONDS of readings. meterd gives one without values when it has had no samples for
        too long, which a gateway that stood still has not: that counts for nothing, and may not happen often.
        """
        comparison = Comparison(self.guest, self.sim, self.segment)
        empty = 0
        while comparison.seconds < seconds - 0.5:
            reading = self.next()
            if all(load["p_w"] is None for load in reading["loads"]):
                empty += 1
                if empty > seconds:
                    raise Failure(f"{empty} readings without a value, {comparison.seconds:.1f} s with values")
                continue
            comparison.add(reading)
        return comparison

    def worst(self, seconds, blocks=1):
        """(largest relative error of P over SECONDS, load) of BLOCKS blocks, one after the other."""
        worst = (0.0, "none")
        for _ in range(blocks):
            block = self.block(seconds)
            for name in [n for n in block.order if isinstance(n, str) and n != "f"]:
                error = block.error(name)
                if error is None or math.isnan(error):
                    error = math.inf
                worst = max(worst, (abs(error), name))
        return worst

    def until(self, wanted, timeout=40 * PATIENCE):
        """Wait for a reading that is as WANTED. True if there is one."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if wanted(self.next()):
                return True
        return False

    def from_now(self, wanted):
        """Wait for a reading as WANTED that begins from now on, and return whether there is one.
        What is read next may be of before: of a fault that sysfs shows already, for one."""
        now_ns = self.guest.clock_ns()
        return self.until(lambda reading: reading["start_ns"] >= now_ns and wanted(reading))

    def misses(self, module):
        """Wait for a reading in which nothing is known of the loads of MODULE, and return whether
        there is one."""
        def missing(reading):
            powers = [load["p_w"] for load in reading["loads"]
                      for element in load["elements"] if element["input"].startswith(f"{module}/")]
            return powers and all(power is None for power in powers)
        return self.until(missing)

    def recovers(self):
        """Wait for a reading of from now on whose powers are all known, and return whether there is one."""
        return self.from_now(lambda reading: all(load["p_w"] is not None for load in reading["loads"]))

    def close(self):
        self.meter.stop()


def recorded(stream, seconds=10):
    """{phase: ((V, I, P) measured, (V, I, P) truth of the simulator)} of the recorded service."""
    block = stream.block(seconds)
    found = {}
    for name in block.order:
        if isinstance(name, tuple) and name[0] == "service":
            pairs = [block.mean(name, key) for key in ("V", "I", "P")]
            found[name[2]] = (tuple(p[0] for p in pairs), tuple(p[1] for p in pairs))
    return found


def selftests(guest, names=(), environment=""):
    """Run kselftests in the guest, all but those that want another line unless NAMES says which.
    Return (all are good, their output)."""
    if not os.path.exists(f"{BUILD}/selftests/install/run_kselftest.sh"):
        raise Failure("build/selftests is not built: make selftests")
    guest.give(f"{BUILD}/selftests/install")
    guest.check("rm -rf /tmp/selftests; cp -r /mnt/host/install /tmp/selftests")
    with open(f"{BUILD}/selftests/install/kselftest-list.txt") as text:
        listed = [line.strip().partition(":")[2] for line in text]
    chosen = " ".join(f"-t smappee:{name}" for name in names or [n for n in listed if n not in ("repair.sh", "powerbox.sh", "gpio.sh", "output.sh")])
    _, output = guest.run(f"cd /tmp/selftests && {environment} ./run_kselftest.sh {chosen}", 300)
    good = "\nok 1 " in output and not re.search(r"^not ok", output, re.MULTILINE)
    return good, output
