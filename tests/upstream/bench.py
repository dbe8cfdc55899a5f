# SPDX-License-Identifier: GPL-2.0-or-later
"""
What tests of upstreams are made of: meterd with a replayed house, brokers and databases
of its own, and questions to all of them. Everything lives in one folder and ends with it.
"""
import contextlib
import json
import os
import math
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
METERD = os.environ.get("METERD", os.path.join(TOP, "build/userspace/native/meterd"))
RATE = 800


def free_port():
    """A loopback port that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(condition, seconds, what):
    """Until @condition is true; fails after @seconds. Gives what the condition gave."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s: {what}")
        time.sleep(0.02)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class House:
    """A folder with a meterd and its peers."""

    def __init__(self, loads=2, speed=60, folder=None):
        self.dir = tempfile.mkdtemp(prefix="meterd-upstream-", dir=folder)
        os.chmod(self.dir, 0o755)
        self.loads = [f"load {k}" for k in range(loads)]
        self.speed = speed
        self.processes = []
        self.meterd = None
        self.recording()

    def path(self, name):
        return os.path.join(self.dir, name)

    def recording(self):
        with open(self.path("house.csv"), "w", encoding="ascii") as f:
            f.write(f"# sample rate: {RATE} Hz\n")
            f.write(",".join(["L1"] + [f"hub{k // 8}/c{k % 8}" for k in range(len(self.loads))]) + "\n")
            for n in range(RATE):
                x = math.sqrt(2) * math.sin(2 * math.pi * 50 * n / RATE)
                f.write(",".join([f"{230 * x:.3f}"] +
                                 [f"{(k + 1) * x:.4f}" for k in range(len(self.loads))]) + "\n")

    def configure(self, *sections):
        with open(self.path("meterd.conf"), "w", encoding="ascii") as f:
            f.write(f"[gateway]\nname = house\n[source]\nreplay = {self.path('house.csv')}\n"
                    f"repeat = 1000000000\nspeed = {self.speed}\n[topology]\ntype = 1p\n"
                    f"[registers]\nfile = {self.path('registers')}\n"
                    f"[store]\nfile = {self.path('records.db')}\n")
            for k, name in enumerate(self.loads):
                f.write(f"[load {name}]\ninputs = hub{k // 8}/c{k % 8}\nphases = L1\n")
            for text in sections:
                f.write(text + "\n")

    def start(self):
        log = open(self.path("meterd.log"), "a", encoding="utf8")
        self.meterd = subprocess.Popen([METERD, "--config", self.path("meterd.conf")], stderr=log)
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
        p = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.dir)
        self.processes.append(p)
        if port:
            wait(lambda: listens(port), 20, f"{command[0]} listens on {port}")
        return p

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.path('records.db')}?mode=ro",
                                                uri=True, timeout=10)) as db:
            return db.execute(sql).fetchall()

    def stored(self):
        """Sequence numbers in the store."""
        try:
            return {s for (s,) in self.query(
                "SELECT sequence FROM interval_1m UNION SELECT sequence FROM interval_5m "
                "UNION SELECT sequence FROM event")}
        except sqlite3.OperationalError:
            return set()

    def check_energy(self):
        """The records of each load add up to its register, and have no gap."""
        for load, import_sum, total in self.query(
                "SELECT load.name, sum(import_uwh), max(import_total_uwh) FROM interval_1m "
                "JOIN load ON load.id=load GROUP BY load"):
            assert import_sum == total, f"{load}: {import_sum} uWh in records, register {total}"

    def close(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0]:
            print("# " + self.log().replace("\n", "\n# ") if os.path.exists(self.path("meterd.log")) else "")
        self.close()


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

    def __init__(self, broker, topic="meterd/#", **kw):
        import paho.mqtt.client as paho
        self.records = {}
        self.duplicates = 0
        self.unlike = 0
        self.live = 0
        self.last_live = None
        self.status = []
        self.other = {}
        self.lock = threading.Lock()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="listener",
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
        wait(self.client.is_connected, 10, "the listener is connected")
        time.sleep(0.2)

    def heard(self, _client, _user, message):
        with self.lock:
            if message.topic.endswith("/records"):
                record = json.loads(message.payload)
                old = self.records.get(record["sequence"])
                self.duplicates += old is not None
                self.unlike += old is not None and old != record
                self.records[record["sequence"]] = record
            elif message.topic.endswith("/live"):
                self.live += 1
                self.last_live = (time.monotonic(), json.loads(message.payload))
            elif message.topic.endswith("/status"):
                self.status.append(message.payload.decode())
            else:
                self.other[message.topic] = (json.loads(message.payload), message.retain)

    def close(self):
        self.client.loop_stop()
        self.client.disconnect()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def quote(text):
    return urllib.parse.quote(text)
