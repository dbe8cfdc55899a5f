# SPDX-License-Identifier: GPL-2.0-or-later
"""
What tests of upstreams are made of: meterd with a replayed house, brokers and databases
of its own, and questions to all of them. Everything lives in one folder and ends with it.
"""
import contextlib
import itertools
import json
import math
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import records
import tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
METERD = os.environ.get("METERD", os.path.join(TOP, "build/userspace/native/meterd"))
RATE = 800
# A busy machine may take this many times as long before a test gives up.
PATIENCE = float(os.environ.get("PATIENCE", "3"))


def free_port():
    """A loopback port that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(condition, seconds, what, every=0.1):
    """
    Until @condition is true; fails after @seconds. Gives what the condition gave. It is asked as seldom as
    the test bears: most conditions copy the store's file, and take the time of those that are measured.
    """
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds * PATIENCE} s: {what}")
        time.sleep(every)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class House:
    """A folder with a meterd and its peers."""

    def __init__(self, loads=2, speed=60, folder=None, rate=RATE, phases=1, restless=False):
        self.dir = tempfile.mkdtemp(prefix="meterd-upstream-", dir=folder)
        os.chmod(self.dir, 0o755)
        self.medium = self.dir  # of records and registers
        self.rate = rate
        self.loads = [f"load {k}" for k in range(loads)]
        self.phases = [f"L{k + 1}" for k in range(phases)]
        self.speed = speed
        self.processes = []
        self.meterd = None
        self.recording(restless)

    def path(self, name):
        return os.path.join(self.dir, name)

    def recording(self, restless):
        """
        230 V and 1, 2, 3... A as binary COMTRADE, which is read much faster than text: a second, or, restless,
        20 s in which every value is another one each 0.2 s, as in a house.
        """
        names = self.phases + [f"hub{k // 8}/c{k % 8}" for k in range(len(self.loads))]
        peaks = [math.sqrt(2) * x for x in (*[230] * len(self.phases), *range(1, len(self.loads) + 1))]
        turns = [k % len(self.phases) * 2 * math.pi / 3 for k in (*range(len(self.phases)), *range(len(self.loads)))]
        with open(self.path("house.cfg"), "w", encoding="ascii") as f:
            f.write(f"house,test,2013\n{len(names)},{len(names)}A,0D\n")
            for k, name in enumerate(names):
                f.write(f"{k + 1},{name},,,{'V' if k < len(self.phases) else 'A'},1,0,0,-1e6,1e6,1,1,P\n")
            f.write(f"50\n1\n{self.rate},{self.rate * (20 if restless else 1)}\n" +
                    2 * "01/01/1970,00:00:00.000000\n" + "FLOAT32\n1\n")
        chance = random.Random(1)
        now, third = list(peaks), [0] * len(peaks)
        with open(self.path("house.dat"), "wb") as f:
            for n in range(self.rate * (20 if restless else 1)):
                if restless and n % (self.rate // 5) == 0:
                    now = [p * chance.uniform(*((0.99, 1.01) if k < len(self.phases) else (0.3, 1.3)))
                           for k, p in enumerate(peaks)]
                    third = [chance.uniform(0, 0.02 if k < len(self.phases) else 0.3) for k in range(len(peaks))]
                x = 2 * math.pi * 50 * n / self.rate
                f.write(struct.pack(f"<II{len(names)}f", n + 1, 0, *(
                    p * (math.sin(x - turn) + (h and h * math.sin(3 * (x - turn)))) for p, h, turn in zip(now, third, turns))))

    def on_medium(self, name):
        return os.path.join(self.medium, name)

    def configure(self, *sections, registers="", source="", gateway=""):
        with open(self.path("meterd.conf"), "w", encoding="ascii") as f:
            f.write(f"[gateway]\nname = house\n{gateway}[source]\nreplay = {self.path('house.cfg')}\n"
                    f"repeat = 1000000000\nspeed = {self.speed}\n{source}[topology]\n"
                    f"type = {'1p' if len(self.phases) == 1 else '3p+n'}\n"
                    f"[registers]\nfile = {self.on_medium('registers')}\n{registers}"
                    f"[store]\nfile = {self.on_medium('records.db')}\n")
            for k, name in enumerate(self.loads):
                f.write(f"[load {name}]\ninputs = hub{k // 8}/c{k % 8}\n"
                        f"phases = {self.phases[k % len(self.phases)]}\n")
            for text in sections:
                f.write(text + "\n")

    def start(self, env=None):
        log = open(self.path("meterd.log"), "a", encoding="utf8")
        self.meterd = subprocess.Popen([METERD, "--config", self.path("meterd.conf")], stderr=log, env=env,
                                       preexec_fn=tap.die_with_parent)
        self.processes.append(self.meterd)

    def stop(self, how=signal.SIGTERM):
        self.meterd.send_signal(how)
        self.meterd.wait(20)

    def log(self):
        with open(self.path("meterd.log"), encoding="utf8") as f:
            return f.read()

    def run(self, *command, port=None):
        """Start a peer; wait until it listens."""
        out = open(self.path("peers.log"), "a", encoding="utf8")
        p = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.dir, preexec_fn=tap.die_with_parent)
        self.processes.append(p)
        if port:
            wait(lambda: listens(port), 20, f"{command[0]} listens on {port}", every=0.02)
        return p

    def copied(self, folder):
        """The two files of the store as they are at one moment: not while the log is moved into the file."""
        file, log = self.on_medium("records.db"), self.on_medium("records.db-wal")

        def moment():
            salts = b""
            if os.path.exists(log):
                with open(log, "rb") as f:
                    salts = f.read(32)
            return os.stat(file).st_mtime_ns, salts

        for _ in range(100):
            before = moment()
            for path in (log, file):
                copy = os.path.join(folder, os.path.basename(path))
                if os.path.exists(path):
                    shutil.copyfile(path, copy)
                elif os.path.exists(copy):
                    os.unlink(copy)
            if moment() == before:
                return os.path.join(folder, "records.db")
        raise sqlite3.OperationalError("the store does not rest")

    @contextlib.contextmanager
    def database(self):
        """A copy, since the store lets nobody else into its file."""
        try:
            with tempfile.TemporaryDirectory() as folder, \
                    contextlib.closing(sqlite3.connect(self.copied(folder))) as db:
                yield db
        except OSError as e:
            raise sqlite3.OperationalError(str(e)) from e

    def query(self, sql):
        with self.database() as db:
            return db.execute(sql).fetchall()

    def stored(self):
        """Sequence numbers in the store."""
        try:
            with self.database() as db:
                return records.numbers(db)
        except sqlite3.OperationalError:
            return set()

    def minutes(self):
        """The records of a minute, as dictionaries."""
        with self.database() as db:
            return list(records.intervals(db, "interval_1m"))

    def stored_until(self):
        """Begin of the last minute in the store, ms."""
        return self.stored() and (self.query("SELECT max(utc_ms) FROM interval_1m")[0][0] or 0) or 0

    def store_pid(self):
        """The child that has the database."""
        found = wait(lambda: subprocess.run(["pgrep", "-P", str(self.meterd.pid), "meterd-store"],
                                            capture_output=True, text=True, check=False).stdout.split(),
                     10, "the store's process")
        return int(found[0])

    def check_energy(self):
        """The records of each load add up to its register, and have no gap."""
        sums, totals = {}, {}
        for r in self.minutes():
            sums[r["load"]] = sums.get(r["load"], 0) + r["import_uwh"]
            totals[r["load"]] = max(totals.get(r["load"], 0), r["import_total_uwh"])
        for load, total in totals.items():
            assert sums[load] == total, f"{load}: {sums[load]} uWh in records, register {total}"

    def close(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()
        if self.medium != self.dir:
            subprocess.run(["umount", "-l", self.medium], check=False, capture_output=True)
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0]:
            print("# " + self.log().replace("\n", "\n# ") if os.path.exists(self.path("meterd.log")) else "")
        self.close()


def all_arrived(house, listener, minimum=1):
    """Everything in the store at this moment was heard."""
    stored = house.stored()
    return len(stored) >= minimum and stored <= set(listener.records)


def check_none_lost(house, listener):
    house.stop()
    stored = house.stored()
    house.start()
    wait(lambda: stored <= set(listener.records), 20,
         f"{len(stored - set(listener.records))} of {len(stored)} records arrive")
    house.stop()
    assert listener.unlike == 0, f"{listener.unlike} records came twice with other content"
    numbers = sorted(house.stored())
    missing = sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))
    assert not missing, f"of {len(numbers)} numbers {missing[:9]} are missing; {sorted(set(missing) & set(listener.records))[:9]} were sent"
    house.check_energy()
    assert not listener.falls, listener.falls[:3]
    print(f"# {len(stored)} records, lost 0, sent twice {listener.duplicates}")


class Broker:
    """mosquitto, with what it was told."""

    def __init__(self, house, extra=""):
        self.house = house
        self.port = free_port()
        self.extra = extra
        self.process = None

    def start(self):
        with open(self.house.path("mosquitto.conf"), "w", encoding="ascii") as f:
            f.write(f"listener {self.port} 127.0.0.1\nuser root\n"
                    f"{self.extra or 'allow_anonymous true'}\nmax_queued_messages 0\n")
        self.process = self.house.run("/usr/sbin/mosquitto", "-c",
                                      self.house.path("mosquitto.conf"), port=self.port)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(10)

    def section(self, extra=""):
        return f"[mqtt]\nhost = 127.0.0.1\nport = {self.port}\n{extra}"


class Listener:
    """A subscriber that remembers what it heard, over the death of the broker."""

    numbers = itertools.count(1)

    def __init__(self, broker, topic="meterd/#", **kw):
        import paho.mqtt.client as paho
        self.records = {}  # by number; those of a second store by (store, number)
        self.store = None
        self.duplicates = 0
        self.unlike = 0
        self.live = 0
        self.last_live = None
        self.pause = 0  # longest time between two readings
        self.registers = {}
        self.falls = []
        self.status = []
        self.status_at = []
        self.other = {}
        self.lock = threading.Lock()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=f"listener-{next(self.numbers)}",
                                  clean_session=False)
        if "ca" in kw:
            self.client.tls_set(kw["ca"])
        if "user" in kw:
            self.client.username_pw_set(kw["user"], kw["password"])
        self.client.on_connect = lambda c, *rest: c.subscribe(topic, qos=1)
        self.client.on_message = self.heard
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_async("127.0.0.1", broker.port)
        self.client.loop_start()
        wait(self.client.is_connected, 10, "the listener is connected", every=0.02)
        time.sleep(0.2)

    def heard(self, _client, _user, message):
        with self.lock:
            if message.topic.endswith("/records"):
                record = json.loads(message.payload)
                number = record["sequence"]
                self.store = self.store or record["store"]
                if record["store"] != self.store:
                    number = (record["store"], number)
                old = self.records.get(number)
                self.duplicates += old is not None
                self.unlike += old is not None and old != record
                self.records[number] = record
            elif message.topic.endswith("/live"):
                self.heard_live(json.loads(message.payload))
            elif message.topic.endswith("/status"):
                # who waits for the status finds its time
                self.status_at.append(time.monotonic())
                self.status.append(message.payload.decode())
            else:
                self.other[message.topic] = (json.loads(message.payload), message.retain)

    def heard_live(self, reading):
        now = time.monotonic()
        self.live += 1
        if self.last_live:
            self.pause = max(self.pause, now - self.last_live[0])
        self.last_live = (now, reading)
        for load in reading["loads"]:
            for key in ("import_wh", "export_wh"):
                old = self.registers.get((load["name"], key), 0)
                if load[key] is not None:
                    if load[key] < old:
                        self.falls.append(f"{load['name']} {key}: {old} to {load[key]}")
                    self.registers[load["name"], key] = load[key]

    def close(self):
        self.client.loop_stop()
        self.client.disconnect()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def quote(text):
    return urllib.parse.quote(text)
