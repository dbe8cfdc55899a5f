# SPDX-License-Identifier: GPL-2.0-or-later
"""meterd in the virtual gateway: how it is started, followed and compared with the truth."""

import configparser
import http.client
import json
import re
import time

from vm import Failure

# Longer than any fault that a test makes and then waits out.
READING_LIMIT_S = 40
SCENARIOS = "userspace/tools/smappee-sim/scenarios"

# key in demo.json: (key of a load in a reading, of an element, unit)
QUANTITIES = {
    "P": ("p_w", "p_w", "W"),
    "Q1": ("q1_var", "q1_var", "var"),
    "S": ("s_va", "s_va", "VA"),
    "PF": ("pf", "pf", "1"),
    "V": (None, "v_v", "V"),
    "I": (None, "i_a", "A"),
}


def mean(values):
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def quantity(load, key):
    """The value KEY of a load; V and I are means over its elements."""
    of_load, of_element, _ = QUANTITIES[key]
    if of_load:
        return load.get(of_load)
    return mean([e.get(of_element) for e in load["elements"]])


class Segment:
    """A segment in the guest's sysfs, found by its label in the device tree."""

    def __init__(self, guest, label):
        self.guest = guest
        self.path = guest.wait_for(
            "for d in /sys/bus/serial/devices/serial*-0; do "
            f"[ \"$(tr -d '\\0' < $d/of_node/label)\" = {label} ] && [ -d $d/driver ] && echo $d; done | grep .",
            f"a driver for segment {label}").strip()
        self.number = int(re.search(r"serial(\d+)-0$", self.path).group(1))

    def get(self, name):
        """A number among the segment's attributes."""
        return int(self.guest.read(f"{self.path}/{name}").split()[0])

    def wait_modules(self, count, timeout=30):
        """Wait until COUNT modules are there and each is locked or the reference."""
        self.guest.wait_for(
            f"[ $(cat /sys/bus/smappee/devices/{self.number}-*/sync_state | grep -cE 'locked|reference') -ge {count} ]",
            f"lock of {count} modules of {self.path}", timeout)


class SegmentClock:
    """Index of the reference module's scans at a time of the guest's monotonic clock."""

    def __init__(self, guest, segment):
        self.guest = guest
        self.file = f"/sys/kernel/debug/smappee/segment{segment.number}/clock"
        self.epochs = []

    def update(self):
        """Read the epochs that the kernel keeps; older ones are kept here."""
        for line in self.guest.read(self.file).splitlines():
            words = line.split()
            if len(words) < 3 or not words[0].isdigit():
                continue
            epoch = (int(words[1]), int(words[0]), float(words[2]))
            if not self.epochs or epoch[0] > self.epochs[-1][0]:
                self.epochs.append(epoch)

    def index(self, time_ns):
        """Scan index, a real number, at TIME_NS."""
        if not self.epochs:
            raise Failure(f"{self.file} holds no epoch")
        best = self.epochs[0]
        for epoch in self.epochs:
            if epoch[0] > time_ns:
                break
            best = epoch
        start_ns, index, period_ns = best
        # The wire's index has 32 bits; the kernel starts its 64 at 2^32, so that a
        # block from before the first one has a number, too.
        return index % 2**32 + (time_ns - start_ns) / period_ns


class Meter:
    """meterd, started in the guest with a scenario's configuration."""

    def __init__(self, guest, conf, rate=4000, run_as=""):
        self.guest = guest
        self.run_as = run_as
        self.conf = configure(conf, rate)
        self.stream = None
        self.connection = None

    def start(self, broker=True):
        """Start mosquitto and meterd; returns at once."""
        with open(f"{self.guest.share}/meterd.conf", "w") as out:
            out.write(self.conf)
        if broker:
            self.guest.check("setsid mosquitto -c /etc/mosquitto-gateway.conf > /dev/null 2>&1 &")
        self.guest.check(f"setsid {self.run_as} meterd --config /mnt/host/meterd.conf > /run/meterd.log 2>&1 &"
                         " echo $! > /run/meterd.pid")

    def log(self):
        return self.guest.run("tail -n 20 /run/meterd.log")[1]

    def alive(self):
        return self.guest.run("kill -0 $(cat /run/meterd.pid)")[0] == 0

    def get(self, path, timeout=10):
        """GET a JSON object of meterd's HTTP interface."""
        link = http.client.HTTPConnection("127.0.0.1", self.guest.http, timeout=timeout)
        try:
            link.request("GET", path)
            answer = link.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise Failure(f"GET {path}: status {answer.status}: {body[:200]!r}")
            return json.loads(body)
        finally:
            link.close()

    def _connect(self, timeout):
        end = time.monotonic() + timeout
        while True:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.guest.http, timeout=20)
            try:
                self.connection.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream"})
                answer = self.connection.getresponse()
                if answer.status == 200:
                    self.stream = answer
                    return
                raise Failure(f"GET /api/v1/events: status {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                if time.monotonic() > end:
                    raise Failure(f"meterd's page does not answer in {timeout} s: {error}; its log:\n{self.log()}") from error
                if not self.alive():
                    raise Failure(f"meterd ended; its log:\n{self.log()}") from error
                time.sleep(0.1)

    def readings(self, timeout=60):
        """Yield (reading, arrival on the host's monotonic clock); the first within TIMEOUT."""
        if self.stream is None:
            self._connect(timeout)
        event, data, last, limit = "", [], time.monotonic(), timeout
        while True:
            # meterd's signs of life keep the socket from timing out
            if time.monotonic() - last > limit:
                raise Failure(f"no reading for {limit} s; meterd's log:\n{self.log()}")
            try:
                line = self.stream.readline()
            except OSError as error:
                raise Failure(f"no word from meterd for 20 s; its log:\n{self.log()}") from error
            if not line:
                raise Failure(f"meterd closed the event stream; its log:\n{self.log()}")
            line = line.decode().rstrip("\r\n")
            if line.startswith("event:"):
                event = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
            elif not line:
                if event == "live" and data:
                    yield json.loads("\n".join(data)), time.monotonic()
                    last, limit = time.monotonic(), READING_LIMIT_S
                event, data = "", []

    def stop(self, timeout=15):
        """Ask meterd to end; return its status, which the guest remembers."""
        if self.connection:
            self.connection.close()
            self.stream = None
        return self.guest.run("pid=$(cat /run/meterd.pid); kill $pid; "
                              f"timeout {timeout} tail --pid=$pid -f /dev/null")[0]


def configure(path, rate):
    """The scenario's meterd.conf, its source, outputs and registers those of the guest."""
    with open(path) as text:
        lines = text.read().splitlines()
    kept, drop = [], False
    for line in lines:
        head = line.strip()
        if head.startswith("["):
            drop = head.strip("[]").strip() in ("source", "mqtt", "http", "registers")
        if not drop:
            kept.append(line)
    kept += ["[source]", "uri = local:", f"sampling_frequency = {rate}",
             "[registers]", "file = /var/lib/meterd/registers",
             "[mqtt]", "host = 127.0.0.1", "port = 1883", "topic = meterd",
             "[http]", "listen = 0.0.0.0:8080", "socket = /run/meterd/meterd.sock", ""]
    return "\n".join(kept)


def load_names(path):
    """Names of the loads of a meterd.conf, in its order."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(path)
    return [s[5:].strip() for s in parser.sections() if s.startswith("load ")]


class Comparison:
    """Readings beside the simulator's truth over the same scans."""

    def __init__(self, guest, simulator, segment):
        self.simulator = simulator
        self.clock = SegmentClock(guest, segment)
        self.first = None
        self.last = None
        self.sums = {}     # load or (load, element index): {key: [value sum, truth sum, n]}
        self.order = []
        self.truth_now = None
        self.boundary = None   # indices of the first reading's end and the last one's
        self.seconds = 0.0

    def add(self, reading):
        """Take one reading; return the truth of its interval."""
        self.clock.update()
        start = round(self.clock.index(reading["start_ns"]))
        end = round(self.clock.index(reading["end_ns"]))
        truth = self.simulator.truth(start, end)
        if self.first is None:
            self.first = reading
            self.boundary = [end, end]
        self.boundary[1] = end
        self.last = reading
        self.seconds += (reading["end_ns"] - reading["start_ns"]) / 1e9
        by_name = {load["name"]: load for load in truth["loads"]}
        for load in reading["loads"]:
            real = by_name.get(load["name"])
            if real is None:
                continue
            self._sum(load["name"], load, real)
            elements = {e["input"]: e for e in real["elements"]}
            for element in load["elements"]:
                if element["input"] in elements:
                    self._sum((load["name"], element["input"], element["phase"]),
                              {**element, "elements": [element]},
                              {**elements[element["input"]], "elements": [elements[element["input"]]]})
        self._add("f", "f", reading.get("frequency_hz"), truth.get("frequency_hz"))
        self.truth_now = truth
        return truth

    def _add(self, name, key, value, real):
        if name not in self.sums:
            self.sums[name] = {}
            self.order.append(name)
        total = self.sums[name].setdefault(key, [0.0, 0.0, 0])
        if value is not None and real is not None:
            total[0] += value
            total[1] += real
            total[2] += 1

    def _sum(self, name, load, real):
        for key in QUANTITIES:
            self._add(name, key, quantity(load, key), quantity(real, key))

    def mean(self, name, key):
        """(value, truth) as means over the readings, None where none was known."""
        value, real, n = self.sums.get(name, {}).get(key, (0.0, 0.0, 0))
        return (value / n, real / n) if n else (None, None)

    def error(self, name, key="P"):
        """Relative error of the mean."""
        value, real = self.mean(name, key)
        return None if value is None or not real else value / real - 1

    def energies(self, name):
        """((import, its truth), (export, its truth)) in Wh from the first reading's end to the last one's."""
        begin, end = self.boundary
        before = {load["name"]: load for load in self.first["loads"]}[name]
        after = {load["name"]: load for load in self.last["loads"]}[name]
        if end <= begin:
            return ((0.0, 0.0), (0.0, 0.0))
        real = {load["name"]: load for load in self.simulator.truth(begin, end)["loads"]}[name]
        return tuple((after[key] - before[key], real[key]) for key in ("import_wh", "export_wh"))

    def loads(self):
        """The list of loads of demo.json."""
        found = []
        frequency = self.mean("f", "f")
        for name in [n for n in self.order if isinstance(n, str) and n != "f"]:
            load = {"name": name, **self._figures(name)}
            load["f"] = figure(frequency, "Hz")
            imported, exported = self.energies(name)
            load["import_energy"] = figure(imported, "Wh")
            load["export_energy"] = figure(exported, "Wh")
            load["elements"] = [{"input": n[1], "phase": n[2], **self._figures(n)}
                                for n in self.order if isinstance(n, tuple) and n[0] == name]
            found.append(load)
        return found

    def _figures(self, name):
        return {key: figure(self.mean(name, key), unit) for key, (_, _, unit) in QUANTITIES.items()}


def figure(pair, unit):
    return {"value": pair[0], "truth": pair[1], "unit": unit}


class CpuShare:
    """Share of the guest's CPU that meterd and the bus threads take."""

    def __init__(self, guest):
        self.guest = guest
        pids = guest.check("cat /run/meterd.pid; for t in /proc/[0-9]*/comm; do read -r name < $t; "
                           "case $name in smappee/*) t=${t%/comm}; echo ${t#/proc/};; esac; done").split()
        self.files = [f"/proc/{pid}/stat" for pid in pids] + ["/proc/stat"]
        self.before = self._read()

    def _read(self):
        lines = self.guest.read(*self.files).splitlines()
        stats = [line.rpartition(")")[2].split() for line in lines if ")" in line]
        ticks = [int(fields[11]) + int(fields[12]) for fields in stats]
        whole = next([int(word) for word in line.split()[1:9]] for line in lines if line.startswith("cpu "))
        return ticks[0], sum(ticks[1:]), sum(whole), whole[3]

    def percent(self):
        """{"meterd": %, "kernel_thread": %, "idle": %} since the start."""
        now = [b - a for a, b in zip(self.before, self._read())]
        total = max(now[2], 1)
        return {"meterd": 100 * now[0] / total, "kernel_thread": 100 * now[1] / total, "idle": 100 * now[3] / total}
