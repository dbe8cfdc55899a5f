# SPDX-License-Identifier: GPL-2.0-or-later
"""
Time: clocks that step, days without an upstream, a week.
"""
import calendar
import os
import struct
import subprocess
import time

from bench import TOP, Broker, House, Listener, all_arrived, free_port, wait
from outage_rig import KEEPING, LONG, live_goes_on, row
from tap import long_test, test

class WallClock:
    """The wall clock of meterd; CLOCK_MONOTONIC is the machine's."""

    def __init__(self, h):
        library, file = h.path("wall-clock.so"), h.path("wall-clock")
        subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library,
                        os.path.join(TOP, "tests/upstream/wall-clock.c")], check=True)
        self.offset_ns = 0
        self.file = open(file, "w+b", buffering=0)
        self.file.write(bytes(8))
        self.environment = {**os.environ, "LD_PRELOAD": library, "WALL_CLOCK": file, "TZ": "Europe/Brussels"}

    def set(self, utc):
        """Set the clock; by how much it steps."""
        by = utc - self.now()
        self.offset_ns += round(by * 1e9)
        os.pwrite(self.file.fileno(), struct.pack("<q", self.offset_ns), 0)
        return by

    def now(self):
        return time.time() + self.offset_ns / 1e9

    def until(self, utc):
        wait(lambda: self.now() >= utc, 60, f"it is {utc}")


@long_test
def clocks():
    """
    A boot without a clock, NTP that sets it, the begin of summer time, midnight, a step back, a
    leap second: intervals end on UTC marks, numbers and uptime only grow, energy is exact, and
    each correction is an event and a flag.
    """
    summer = calendar.timegm((2026, 3, 29, 1, 0, 0))
    midnight = calendar.timegm((2026, 3, 30, 0, 0, 0))
    with House(speed=1) as h:
        clock = WallClock(h)
        b = Broker(h)
        b.start()
        l = Listener(b)
        h.configure(b.section(), source="clock = system\n")
        # the first reading is of before the mark
        clock.set(52)
        h.start(env=clock.environment)
        clock.until(66)
        steps = [clock.set(summer - 6)]
        clock.until(summer + 5)
        steps.append(clock.set(midnight - 6))
        clock.until(midnight + 5)
        steps.append(clock.set(midnight - 606))
        clock.until(midnight - 600 + 0.4)
        # the second before the mark comes twice
        steps.append(clock.set(clock.now() - 1))
        clock.until(midnight - 595)
        wait(lambda: all_arrived(h, l), 30, "records arrive")
        h.stop()
        told = [float(text.split()[2]) for (text,) in h.query(
            "SELECT text FROM event WHERE subject='clock' AND text LIKE 'stepped by %' ORDER BY sequence")]
        assert len(told) == len(steps) and all(abs(a - b) < 0.2 for a, b in zip(told, steps)), (told, steps)
        rows = [(r["sequence"], r["utc_ms"], r["uptime_ms"], r["flags"]) for r in h.minutes() if r["load"] == h.loads[0]]
        print(f"# steps told: {told}; minutes: {rows}")
        assert all(at % 60000 == 0 for _, at, _, _ in rows)
        uptimes = [up for _, _, up, _ in rows]
        assert uptimes == sorted(uptimes) and len(set(uptimes)) == len(uptimes)
        minutes = [at / 60000 for _, at, _, _ in rows]
        m = [summer / 60, midnight / 60]
        assert minutes == [0, 1, m[0] - 1, m[0], m[1] - 1, m[1], m[1] - 11, m[1] - 10], minutes
        stepped = [bool(flags & 4) for _, _, _, flags in rows]
        # the leap second is in the last minute or in the one before, as the reading has it
        assert not stepped[0] and all(stepped[1:7]), stepped
        # what is dated 1970 is in the store, though it is 2026 now
        numbers = sorted(l.records)
        assert set(numbers) <= h.stored()
        assert numbers == list(range(1, len(numbers) + 1)), f"lost: {set(range(1, numbers[-1])) - set(numbers)}"
        assert l.unlike == 0 and not l.falls, (l.unlike, l.falls)
        h.check_energy()
        return {"outage": "(none: boot in 1970, clock set by NTP, summer time, midnight, 10 min back, leap second)",
                "records": len(l.records), "lost": 0, "twice": l.duplicates, "live": "never away",
                "remark": "each of the 4 corrections is an event; intervals end on UTC marks"}


@test
def days_of_outage():
    """A long outage in accelerated time; then records are sent without delaying live values."""
    hours = 72 if LONG else 1
    with House(loads=28, speed=0, rate=600) as h:
        b = Broker(h, KEEPING)
        b.start()
        l = Listener(b)
        b.stop()
        h.configure(b.section())
        h.start()
        began = time.monotonic()
        wait(lambda: h.stored_until() >= hours * 3600e3, 900, f"{hours} hours pass", every=0.5)
        print(f"# {hours} h passed in {time.monotonic() - began:.0f} s")
        h.stop()
        backlog = len(h.stored())
        b.start()
        h.speed = 1
        h.configure(b.section())
        wait(l.client.is_connected, 30, "the listener is connected")
        h.start()
        began = time.monotonic()
        wait(lambda: l.live > 0, 20, "live values")
        first = time.monotonic() - began
        left = backlog - len(l.records)
        # one reading a second
        with live_goes_on(l, 3):
            wait(lambda: len(l.records) >= backlog, 600, "the backlog arrives")
            seconds = time.monotonic() - began
            live = l.live
            wait(lambda: l.live > live + 3, 20, "live values go on")
        pause = l.pause
        print(f"# {backlog} records in {seconds:.1f} s; live after {first:.1f} s with {left} still to send, "
              f"then at most {pause:.2f} s apart")
        assert not LONG or left > backlog / 2, "live values came after the backlog"
        assert live >= 0.9 * (seconds - first) - 2, f"{live} live values in {seconds:.0f} s"
        return row(f"upstream away for {hours} h (accelerated), 28 loads", h, l, first,
                   f"{backlog / seconds:.0f} records/s for {seconds:.0f} s; the first live values with {left} "
                   f"records still to send, then {live} of them, at most {pause:.1f} s apart", limit=10)


def usage(pid):
    """CPU time, s, and resident memory, kB, of a process."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return ((int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK"),
            int(words[21]) * os.sysconf("SC_PAGE_SIZE") // 1024)


@test
def week():
    """Memory and CPU of meterd and of its store over a week (in short: seven hours): flat."""
    part_h = 24 if LONG else 1
    with House(loads=4, speed=0, rate=600) as h:
        b = Broker(h)
        b.start()
        h.configure(b.section(), f"[http]\nlisten = 127.0.0.1:{free_port()}\nsocket = {h.path('sock')}\n")
        h.start()
        store = h.store_pid()
        parts = []
        for k in range(8):
            wait(lambda hour=k * part_h: h.stored_until() >= hour * 3600e3 and h.stored(), 300,
                 f"part {k}", every=0.2)
            parts.append((usage(h.meterd.pid), usage(store), h.stored_until() / 3600e3 / part_h))
        h.stop()
        h.check_energy()
        text = []
        for name, of in (("meterd", 0), ("its store", 1)):
            def cpu_s(a, b, of=of):
                """For as much as a part, of those between two looks, the later of which may have come late."""
                return (parts[b][of][0] - parts[a][of][0]) / (parts[b][2] - parts[a][2])
            cpu = [cpu_s(k, k + 1) for k in range(7)]
            memory = [x[of][1] for x in parts]
            print(f"# {name}: CPU s per {part_h} h: {[round(x, 1) for x in cpu]}; resident kB: {memory}")
            assert memory[7] < 1.05 * memory[2] + 500, f"memory of {name} grows: {memory}"
            assert cpu_s(5, 7) < 1.25 * cpu_s(1, 3) + 0.25, f"{name} becomes slower: {cpu}"
            text.append(f"{name}: {memory[1]}, {memory[4]}, {memory[7]} kB resident after 1, 4, 7 parts of "
                        f"{part_h} h, CPU in part 1, 4, 7: {cpu[0]:.1f}, {cpu[3]:.1f}, {cpu[6]:.1f} s")
        return {"outage": f"(none: {7 * part_h} h, accelerated)", "records": 0, "lost": 0, "twice": 0, "live": "",
                "remark": "; ".join(text)}
