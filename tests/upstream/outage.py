#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Outages with the real programs. In each: no record is lost, one that comes twice has the
same number and content, energy registers never fall, and live values are back in time.

    outage.py [NAME...]        the short form
    LONG=1 TABLE=FILE outage.py   the long form, and its table
"""
import calendar
import contextlib
import gzip
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import tap
from bench import TOP, Broker, House, Listener, all_arrived, check_none_lost, free_port, wait
from peers import Fake, Influx1, certificate, tls_extra

TESTS = []
LONG = "LONG" in os.environ
KEEPING = "allow_anonymous true\npersistence true\nautosave_interval 1\nautosave_on_changes true"
# Longest time until live values are back, s: the greatest pause between two attempts.
BACK_S = 61


def test(f):
    TESTS.append(f)
    return f


def long_test(f):
    """One that takes longer than the others, and begins before them."""
    TESTS.insert(0, f)
    return f


@contextlib.contextmanager
def house(prepare=None, extra=KEEPING, registers="", port=None, **kw):
    """A house that measures, its broker and a listener; records have arrived."""
    with House(**kw) as h:
        b = Broker(h, extra)
        b.start()
        l = Listener(b)
        if prepare:
            prepare(h)
        section = b.section()
        if port:
            section = section.replace(str(b.port), str(port))
        h.configure(section, registers=registers(h) if callable(registers) else registers)
        h.start()
        wait(lambda: all_arrived(h, l, 10), 30, "records arrive")
        yield h, b, l


def grown(h, more=20):
    """Wait until @more records were stored."""
    before = len(h.stored())
    wait(lambda: len(h.stored()) >= before + more, 60, f"{more} more records are stored")


class Lateness:
    """
    How late this machine wakes who sleeps, as long as this is open: the worst, s. What a test is told
    passes three programs, meterd, the broker and this one, and each of them may find it as late.
    """

    STEP_S = 0.01

    def __init__(self):
        self.worst = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    @property
    def allowed(self):
        return 4 * self.worst

    def run(self):
        while not self.over.is_set():
            before = time.monotonic()
            time.sleep(self.STEP_S)
            self.worst = max(self.worst, time.monotonic() - before - self.STEP_S)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@contextlib.contextmanager
def live_goes_on(l, limit):
    """Live values meanwhile are at most @limit s apart."""
    l.pause = 0
    with Lateness() as late:
        yield
        now = time.monotonic()
        pause = max(l.pause, now - l.last_live[0])
    assert pause < limit + late.allowed, \
        f"live values paused for {pause:.2f} s, while this machine was at most {late.worst:.2f} s late"


def back(l, limit=BACK_S):
    """Wait for live values; the time it took."""
    began, live = time.monotonic(), l.live
    with Lateness() as late:
        wait(lambda: l.live > live, limit, "live values are back")
    took = time.monotonic() - began
    assert took <= limit + late.allowed, f"live values were away for {took:.1f} s, this machine at most {late.worst:.2f} s"
    return took


def row(outage, h, l, live, remark="", limit=BACK_S):
    check_none_lost(h, l)
    return {"outage": outage, "records": len(l.records), "lost": 0, "twice": l.duplicates,
            "live": f"{live:.1f} s (at most {limit} s)" if limit else "never away", "remark": remark}


def broker_away(how, outage, during=None):
    with house() as (h, b, l):
        b.stop(how)
        grown(h, 30)
        if during:
            during(h)
        b.start()
        live = back(l)
        wait(lambda: all_arrived(h, l), 30, "the backlog arrives")
        return row(outage, h, l, live)


@test
def broker_stopped():
    return broker_away(signal.SIGTERM, "broker stopped")


@test
def broker_killed():
    return broker_away(signal.SIGKILL, "broker killed")


@test
def meterd_killed_while_the_broker_is_away():
    def kill(h):
        for _ in range(5):
            h.stop(signal.SIGKILL)
            h.start()
            grown(h, 3)
    return broker_away(signal.SIGKILL, "broker killed, then meterd five times", kill)


@long_test
def connection_half_open():
    """Nothing comes through any more, and nobody is told."""
    other = free_port()
    with house(extra=f"{KEEPING}\nlistener {other} 127.0.0.1", port=other) as (h, _, l):
        wait(lambda: l.status and l.status[-1] == "online", 20, "online")
        subprocess.run(["nft", f"add table inet t; add chain inet t c {{ type filter hook input priority 0; }};"
                        f" add rule inet t c tcp dport {other} drop; add rule inet t c tcp sport {other} drop"],
                       check=True)
        began = time.monotonic()
        with Lateness() as late:
            wait(lambda: "connection lost" in h.log(), 50, "meterd notices")
        noticed = time.monotonic() - began
        assert noticed < 50 + late.allowed, noticed
        wait(lambda: "offline" in l.status[-1:], 60, "the broker tells it by the will")
        grown(h)
        subprocess.run(["nft", "delete", "table", "inet", "t"], check=True)
        live = back(l)
        wait(lambda: l.status[-1] == "online", 40, "the status is online again")
        wait(lambda: all_arrived(h, l), 30, "the backlog arrives")
        return row("connection half-open (packets dropped)", h, l, live, f"noticed after {noticed:.0f} s")


@test
def late_will():
    """The will of a connection that was left comes after the next one has said "online"."""
    with house() as (_, __, l):
        wait(lambda: l.status and l.status[-1] == "online", 20, "online")
        l.client.publish("meterd/house/status", "offline", qos=1, retain=True)
        wait(lambda: l.status[-1] == "offline", 10, "somebody says offline")
        wait(lambda: l.status[-1] == "online", 40, "meterd says online again")


@test
def tls_certificate_expires():
    with House() as h:
        certificate(h, "good", 10, "localhost")
        certificate(h, "client", 10, "gateway")
        certificate(h, "old", -1, "localhost")
        port = free_port()

        def extra(name):
            return (tls_extra(h, name) + f"\nlistener {port} 127.0.0.1\nallow_anonymous true\n"
                    "persistence true\nautosave_interval 1\nautosave_on_changes true")
        b = Broker(h, "per_listener_settings true\n" + extra("good"))
        b.start()
        plain = Broker(h)
        plain.port = port
        l = Listener(plain)
        own = (f"tls = yes\nca_file = {h.path('ca.pem')}\ncert_file = {h.path('client.pem')}\n"
               f"key_file = {h.path('client.key')}\n")
        h.configure(b.section(own).replace("host = 127.0.0.1", "host = localhost"))
        h.start()
        wait(lambda: all_arrived(h, l, 10), 30, "records arrive")
        b.stop()
        b.extra = "per_listener_settings true\n" + extra("old")
        b.start()
        wait(lambda: h.log().count("certificate has expired"), 60, "the certificate is refused")
        grown(h)
        b.stop()
        b.extra = "per_listener_settings true\n" + extra("good")
        b.start()
        live = back(l)
        wait(lambda: all_arrived(h, l), 30, "the backlog arrives")
        return row("TLS certificate expired", h, l, live)


@test
def broker_never_acknowledges():
    def swallow(fake, c):
        while data := c.recv(65536):
            fake.heard += data
            if data == b"\xc0\x00":
                c.sendall(b"\xd0\x00")
    with House() as h:
        f = Fake(swallow)
        h.configure(f"[mqtt]\nhost = 127.0.0.1\nport = {f.port}\n")
        h.start()
        wait(lambda: "not acknowledged" in h.log(), 60, "meterd leaves this broker")
        assert b"\x27\x00\x01\x00\x00" in f.heard[:100], "no bound of the packet size was told"
        wait(lambda: f.connections > 1, 20, "and tries again")
        h.stop()
        assert all(acked == 0 for (acked,) in h.query("SELECT acked FROM upstream"))
        b = Broker(h)
        b.start()
        l = Listener(b)
        h.configure(b.section())
        h.start()
        live = back(l, 10)
        wait(lambda: all_arrived(h, l, 20), 30, "records arrive at another broker")
        return row("broker accepts all and acknowledges nothing", h, l, live, "it is left after 30 s", limit=10)


@test
def broker_sends_a_gigabyte():
    def shout(_fake, c):
        c.sendall(b"\x30\xff\xff\xff\x7f\x00\x01x")
        block = b"x" * 65536
        for _ in range(16384):
            c.sendall(block)
    with House() as h:
        f = Fake(shout)
        h.configure(f"[mqtt]\nhost = 127.0.0.1\nport = {f.port}\n")
        h.start()
        most = 0

        def resident():
            nonlocal most
            assert h.meterd.poll() is None, "meterd has ended"
            with open(f"/proc/{h.meterd.pid}/status", encoding="ascii") as s:
                most = max([most, *(int(x.split()[1]) for x in s if x.startswith("VmRSS"))])
            return f.connections > 3 and len(h.stored()) > 20

        wait(resident, 40, "it measures, and is shouted at again and again", every=0.05)
        print(f"# at most {most} kB resident, {f.connections} connections")
        assert not any(r["flags"] & 8 for r in h.minutes()), "samples were lost"
        assert "a packet of more than 64 kB" in h.log()
        assert most < 40 * 1024, f"{most} kB"
        return {"outage": "broker sends a gigabyte in a packet", "records": len(h.stored()), "lost": 0, "twice": 0,
                "live": "not concerned", "remark": f"at most {most // 1024} MB resident; no sample lost"}


@long_test
def influx_answers_wrongly():
    """500, nonsense, silence, half an answer: nothing is taken for an acknowledgement."""
    bad = [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
           b"\xff\xfe\x00nonsense\r\n\r\n" * 40,
           b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf",
           b"HTTP/1.1 503 Busy\r\nRetry-After: 999999999999\r\nContent-Length: 2\r\n\r\n{}",
           b"HTTP/1.1 301 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
           b""]
    taken, seen = [], []

    def body(c):
        data = b""
        while b"\r\n\r\n" not in data:
            data += c.recv(65536) or b"\r\n\r\n"
        head, rest = data.split(b"\r\n\r\n", 1)
        length = next(int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length"))
        while len(rest) < length:
            rest += c.recv(65536)
        return gzip.decompress(rest).decode().splitlines()

    def serve():
        while True:
            c, _ = server.accept()
            with c, contextlib.suppress(OSError, StopIteration):
                lines = body(c)
                seen.append(lines)
                if len(seen) <= len(bad):
                    c.sendall(bad[len(seen) - 1])
                else:
                    taken.extend(lines)
                    c.sendall(b"HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n")

    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(5)
    threading.Thread(target=serve, daemon=True).start()
    with House() as h:
        h.configure(f"[influx]\nurl = http://127.0.0.1:{server.getsockname()[1]}\nversion = 2\n")
        h.start()
        wait(lambda: len(seen) > len(bad), 200, "it is tried again after each")
        wait(lambda: h.stored() and h.query("SELECT acked FROM upstream")[0][0] > 20, 60, "records are acknowledged")
        h.stop()
        (acked,), = h.query("SELECT acked FROM upstream")
        numbers = {int(x.split("sequence=")[1].split("i")[0]) for x in taken}
        lost = set(range(1, acked + 1)) - numbers
        assert not lost, f"taken as acknowledged: {sorted(lost)[:9]}"
        assert all(set(x) <= set(taken) for x in seen[:len(bad)])
        return {"outage": "InfluxDB answers 500, nonsense, half an answer, 503, 301, nothing",
                "records": len(numbers), "lost": 0, "twice": len(taken) - len(numbers), "live": "not concerned",
                "remark": ""}


@test
def influx_killed():
    with House() as h:
        i = Influx1(h)
        i.start()
        i.create()
        h.configure(f"[influx]\nurl = http://127.0.0.1:{i.port}\nversion = 1\n")
        h.start()
        wait(lambda: len(i.sequences()) > 10, 40, "records arrive")
        i.process.kill()
        i.process.wait()
        grown(h)
        i.start()
        stored = h.stored()
        wait(lambda: stored <= set(i.sequences()), 60, "none is lost")
        found = i.sequences()
        h.stop()
        return {"outage": "InfluxDB killed", "records": len(found), "lost": 0,
                "twice": len(found) - len(set(found)), "live": "not concerned", "remark": ""}


@test
def meterd_killed():
    kills = 200 if LONG else 25
    seed = int(os.environ.get("SEED", time.time_ns() % 100000))
    print(f"# SEED={seed}")
    chance = random.Random(seed)
    with house() as (h, _, l):
        slowest = 0
        for _ in range(kills):
            time.sleep(chance.uniform(0, 0.6))
            h.stop(signal.SIGKILL)
            h.start()
            if chance.random() < 0.5:
                slowest = max(slowest, back(l, 10))
        slowest = max(slowest, back(l, 10))
        wait(lambda: all_arrived(h, l), 30, "the backlog arrives")
        return row(f"meterd killed (SIGKILL), {kills} times", h, l, slowest, f"seed {seed}", limit=10)


@test
def medium_full():
    def prepare(h):
        h.medium = h.path("medium")
        os.mkdir(h.medium)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", h.medium], check=True)
    with house(prepare) as (h, _, l):
        fill = h.on_medium("fill")
        with open(fill, "wb") as f, contextlib.suppress(OSError):
            while True:
                f.write(b"x" * 4096)
                f.flush()
        wait(lambda: "cannot be written" in h.log(), 60, "meterd says that the medium is full")
        with live_goes_on(l, 2):
            wait(lambda: "records wait" in h.log() or l.live > 200, 60, "it goes on")
            time.sleep(3)
        stored = len(h.stored())
        os.remove(fill)
        wait(lambda: "can be written again" in h.log(), 70, "it goes on by itself")
        wait(lambda: len(h.stored()) > stored + 5, 20, "what waited is stored")
        wait(lambda: all_arrived(h, l), 30, "and arrives")
        return row("medium full", h, l, 0, "records wait in memory", limit=0)


@test
def medium_hangs():
    """A file system that lets nobody write, as one on a card that does not answer any more."""
    def prepare(h):
        h.medium = h.path("medium")
        os.mkdir(h.medium)
        subprocess.run(["truncate", "-s", "24M", h.path("image")], check=True)
        subprocess.run(["mkfs.ext4", "-q", h.path("image")], check=True)
        if subprocess.run(["mount", "-o", "loop", h.path("image"), h.medium], check=False).returncode:
            raise tap.Skip("no loop device here")
        # without systemd: meterd finds a place in memory for notes of the registers by itself
        assert "RUNTIME_DIRECTORY" not in os.environ

    def registers(h):
        return f"interval_s = 1\n[quality]\nstate = {h.on_medium('week')}\n"
    with house(prepare, registers=registers) as (h, _, l):
        wait(lambda: os.path.exists(h.on_medium("week")), 30, "the state of the week is written")
        subprocess.run(["fsfreeze", "-f", h.medium], check=True)
        try:
            with live_goes_on(l, 2):
                wait(lambda: "has not taken the last checkpoint yet" in h.log(), 60, "meterd says that it hangs")
                time.sleep(3)
        finally:
            subprocess.run(["fsfreeze", "-u", h.medium], check=True)
        wait(lambda: "the medium answers again" in h.log(), 60, "it goes on by itself")
        grown(h)
        wait(lambda: all_arrived(h, l), 30, "what waited arrives")
        return row("medium hangs", h, l, 0, "records wait in memory, checkpoints in a process", limit=0)


@test
def medium_read_only():
    """The file system gives up (as ext4 does at an error), is repaired and comes back."""
    def mount(h):
        if subprocess.run(["mount", "-o", "loop", h.path("image"), h.medium], check=False).returncode:
            raise tap.Skip("no loop device here")

    def prepare(h):
        h.medium = h.path("medium")
        os.mkdir(h.medium)
        subprocess.run(["truncate", "-s", "24M", h.path("image")], check=True)
        subprocess.run(["mkfs.ext4", "-q", h.path("image")], check=True)
        mount(h)
    with house(prepare, registers="interval_s = 2\n") as (h, _, l):
        subprocess.run(["mount", "-o", "remount,abort", h.medium], check=False, capture_output=True)
        wait(lambda: h.log().count("cannot be written") >= 2, 60, "meterd says that the medium is read-only")
        with live_goes_on(l, 2):
            time.sleep(3)
        subprocess.run(["umount", "-l", h.medium], check=True)
        wait(lambda: not subprocess.run(["losetup", "-j", h.path("image")], check=True,
                                        capture_output=True).stdout, 90, "the old file system is let go")
        subprocess.run(["e2fsck", "-fy", h.path("image")], check=False, capture_output=True)
        mount(h)
        wait(lambda: h.log().count("can be written again") >= 2, 90, "it goes on by itself")
        grown(h, 5)
        wait(lambda: all_arrived(h, l), 30, "the records arrive")
        result = row("medium becomes read-only, is repaired and mounted again", h, l, 0,
                     "records wait in memory; meterd goes on without a restart", limit=0)
        return result


@test
def database_damaged():
    """Of what is on the medium a quarter is overwritten; nothing waits there to be sent."""
    with house(speed=300) as (h, b, l):
        grown(h, 250)
        h.stop()
        # a second takes minutes now: no interval ends, and the killed process does not end one either
        h.speed = 0.01
        h.configure(b.section())
        h.start()
        wait(lambda: all_arrived(h, l), 60, "all arrive")
        last = dict(l.registers)
        child = h.store_pid()
        h.stop(signal.SIGKILL)
        wait(lambda: not os.path.exists(f"/proc/{child}"), 20, "the store's process closes the file")
        before = h.stored()
        assert before <= set(l.records), before - set(l.records)
        path = h.on_medium("records.db")
        size = os.path.getsize(path)
        # all of it is in the file by now; it would heal what it still has
        os.remove(f"{path}-wal")
        with open(path, "r+b") as f:
            f.seek(size * 3 // 4 // 1024 * 1024)
            f.write(os.urandom(size - f.tell()))
        live = l.live
        h.speed = 300
        h.configure(b.section())
        h.start()
        wait(lambda: l.live > live, 20, "live values")
        wait(lambda: "was damaged" in h.log(), 30, "the damage is told")
        wait(lambda: len(l.records) > len(before) + 5, 60, "new records arrive")
        h.stop()
        assert not l.falls and all(l.registers[k] >= v for k, v in last.items()), l.falls[:3]
        assert l.unlike == 0, f"{l.unlike} records came twice with other content"
        kept = before & h.stored()
        assert len(kept) > len(before) // 4, f"{len(kept)} of {len(before)}"
        return {"outage": "database damaged (a quarter of it overwritten)", "records": len(l.records),
                "lost": 0, "twice": l.duplicates, "live": "2 s after the start",
                "remark": f"of {len(before)} records on the medium {len(kept)} can be read; all were upstream"}


def slots(path):
    """Sequence numbers of checkpoints and notes of a registers file."""
    with open(path, "rb") as f:
        data = f.read()
    numbers = [struct.unpack_from("<IIQ", data, k * 131072)[2] if len(data) >= k * 131072 + 16 else 0
               for k in range(4)]
    return numbers[:2], numbers[2:]


@test
def power_fail_signal():
    """SIGPWR: what is counted goes to the medium now, not with the next checkpoint."""
    with House(speed=1) as h:
        h.configure(registers="interval_s = 3600\n")
        os.mkdir(h.path("run"))
        h.start(env={**os.environ, "RUNTIME_DIRECTORY": h.path("run")})

        def notes_of():
            names = os.listdir(h.path("run"))
            return slots(os.path.join(h.path("run"), names[0]))[1] if names else [0]

        wait(lambda: os.path.exists(h.path("registers")) and max(notes_of()) > 3, 30, "notes are written")
        checkpoints, notes = slots(h.path("registers"))[0], notes_of()
        assert max(checkpoints) < max(notes), "there is no younger note than the checkpoint"
        h.meterd.send_signal(signal.SIGPWR)
        wait(lambda: max(slots(h.path("registers"))[0]) > max(notes), 5, "the checkpoint is written")
        assert "power fails" in h.log()
        time.sleep(1.5)
        assert h.meterd.poll() is None, "it goes on, the power may come back"


@test
def source_goes_silent():
    """No reading for 4 s: the status says stale, and one reading of nulls replaces the last values."""
    with House(speed=0.1) as h:
        b = Broker(h)
        b.start()
        l = Listener(b)
        h.configure(b.section())
        with Lateness() as late:
            h.start()
            wait(lambda: "online" in l.status, 60, "a reading")
            at = l.status.index("online")
            wait(lambda: len(l.status) > at + 1, 10, "the status changes")
        assert l.status[at + 1] == "stale", l.status
        seconds = l.status_at[at + 1] - l.status_at[at]
        # either of the two may have come late
        assert 3.5 - late.allowed <= seconds <= 6.5 + late.allowed, \
            f"stale after {seconds:.1f} s, while this machine was at most {late.worst:.2f} s late"
        wait(lambda: l.last_live[1]["loads"][0]["p_w"] is None, 2, "a reading of nulls")
        assert all(x[k] is None for x in l.last_live[1]["loads"] for k in ("p_w", "import_wh", "pf"))
        wait(lambda: l.status[-1] == "online", 30, "the next reading makes it online")
        return {"outage": "source silent", "records": 0, "lost": 0, "twice": 0, "live": "with the next reading",
                "remark": f"stale after {seconds:.1f} s"}


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


HEAD = """.. SPDX-License-Identifier: GPL-2.0

=======
Outages
=======

What happens to records, energy registers and live values when a part fails, measured with
the real programs: meterd, mosquitto, influxdb. In each case no record is lost, a record
that comes twice has the same sequence number and content, and no energy register
falls; the suite fails otherwise. ``make outage`` runs it and writes this table; a short form
of it is a part of ``make check``. A power cut (``make power-cut``) may set registers back to
the last checkpoint; its row is added by hand.

.. list-table::
   :header-rows: 1
   :widths: 34 10 8 10 18 30

   * - outage
     - records
     - lost
     - sent twice
     - live values back
     - remark
"""


def write_table(path, rows):
    with open(path, "w", encoding="utf8") as f:
        f.write(HEAD)
        for r in rows:
            cells = [r["outage"], r["records"], r["lost"], r["twice"], r["live"], r["remark"]]
            f.write("   * - " + "\n     - ".join(str(c) for c in cells).replace("- \n", "-\n").rstrip(" ") + "\n")


def main():
    status, rows = tap.run(TESTS)
    if not status and os.environ.get("TABLE"):
        write_table(os.path.join(TOP, os.environ["TABLE"]), rows)
    return status


if __name__ == "__main__":
    sys.exit(main())
