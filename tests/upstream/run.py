#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Upstreams against the real programs: mosquitto, influxdb (version 1), victoria-metrics.
KTAP on standard output.    run.py [NAME...]
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

from discovery_schema import SCHEMA

from bench import TOP, Broker, House, Listener, free_port, get, quote, wait

TESTS = []


def test(f):
    TESTS.append(f)
    return f


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
    assert numbers == list(range(1, len(numbers) + 1)), "numbers have gaps"
    house.check_energy()
    print(f"# {len(stored)} records, lost 0, sent twice {listener.duplicates}")


@test
def mqtt_plain():
    with House() as h:
        b = Broker(h)
        b.start()
        l = Listener(b)
        port = free_port()
        h.configure(b.section(), f"[http]\nlisten = 127.0.0.1:{port}\nsocket = {h.path('sock')}\n")
        h.start()
        wait(lambda: all_arrived(h, l, 20), 30, "records arrive")
        state = json.loads(get(f"http://127.0.0.1:{port}/api/v1/store"))
        assert state["open"] and state["last"] >= 20 and state["dropped"] == 0, state
        assert state["upstreams"][0]["name"] == "mqtt" and state["upstreams"][0]["lost"] == 0, state
        record = next(r for r in l.records.values() if r["kind"] == "interval")
        assert abs(record["p_w"]["mean"] - 230) < 1, record
        assert "online" in l.status
        check_none_lost(h, l)


def outage(how, during=None):
    with House() as h:
        b = Broker(h, "allow_anonymous true\npersistence true\nautosave_interval 1\nautosave_on_changes true")
        b.start()
        l = Listener(b)
        h.configure(b.section())
        h.start()
        wait(lambda: all_arrived(h, l, 10), 30, "records arrive")
        b.stop(how)
        before = len(h.stored())
        wait(lambda: len(h.stored()) > before + 30, 30, "records are stored meanwhile")
        if during:
            during(h)
        b.start()
        began = time.monotonic()
        live = l.live
        wait(lambda: l.live > live, 70, "live values are back")
        print(f"# live values back after {time.monotonic() - began:.1f} s")
        wait(lambda: all_arrived(h, l, before + 30), 30, "the backlog arrives")
        check_none_lost(h, l)


@test
def mqtt_broker_stopped():
    outage(signal.SIGTERM)


@test
def mqtt_broker_killed():
    outage(signal.SIGKILL)


@test
def meterd_killed_in_an_outage():
    def kill(h):
        for _ in range(5):
            h.stop(signal.SIGKILL)
            h.start()
            before = len(h.stored())
            wait(lambda: len(h.stored()) > before + 3, 30, "records go on")
    outage(signal.SIGKILL, kill)


def certificate(h, name, days, host):
    """An authority, and a certificate of it; @days below 0: expired."""
    def ssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=h.dir, capture_output=True)
    if not os.path.exists(h.path("ca.pem")):
        ssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "10", "-subj", "/CN=test authority")
    ssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
        "-subj", f"/CN={host}")
    with open(h.path("ext"), "w", encoding="ascii") as f:
        f.write(f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}\n")
    when = ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"] if days < 0 else ["-days", str(days)]
    ssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-out",
        f"{name}.pem", "-extfile", "ext", *when)


def tls_extra(h, name):
    return (f"allow_anonymous true\ncafile {h.path('ca.pem')}\ncertfile {h.path(name + '.pem')}\n"
            f"keyfile {h.path(name + '.key')}\nrequire_certificate true\n"
            "use_identity_as_username true")


@test
def mqtt_tls():
    with House() as h:
        certificate(h, "good", 10, "localhost")
        certificate(h, "client", 10, "gateway")
        certificate(h, "old", -1, "localhost")
        certificate(h, "other", 10, "example.org")
        own = (f"tls = yes\nca_file = {h.path('ca.pem')}\ncert_file = {h.path('client.pem')}\n"
               f"key_file = {h.path('client.key')}\n")
        b = Broker(h)
        h.configure(b.section(own).replace("host = 127.0.0.1", "host = localhost"))
        for name, complaint in (("old", "certificate has expired"),
                                ("other", "hostname mismatch")):
            b.extra = tls_extra(h, name)
            b.start()
            h.start()
            wait(lambda: complaint in h.log(), 15, f"meterd says: {complaint}")
            assert "connected" not in h.log()
            h.stop()
            b.stop()
        b.extra = tls_extra(h, "good")
        b.start()
        h.start()
        wait(lambda: f"{b.port}: connected" in h.log(), 15, "the good certificate is taken")
        wait(lambda: len(h.stored()) > 5, 15, "records")
        wait(lambda: h.query("SELECT count(*) FROM upstream WHERE acked>0") != [(0,)], 15,
             "records are acknowledged")


@test
def mqtt_password():
    with House() as h:
        with open(h.path("passwords"), "w", encoding="ascii") as f:
            f.write("gateway:secret\n")
        subprocess.run(["mosquitto_passwd", "-U", h.path("passwords")], check=True)
        b = Broker(h, f"allow_anonymous false\npassword_file {h.path('passwords')}")
        b.start()
        with open(h.path("secret"), "w", encoding="ascii") as f:
            f.write("wrong\n")
        h.configure(b.section(f"user = gateway\npassword_file = {h.path('secret')}\n"))
        h.start()
        wait(lambda: "uthori" in h.log(), 15, "the wrong password is refused")
        with open(h.path("secret"), "w", encoding="ascii") as f:
            f.write("secret\n")
        wait(lambda: f"{b.port}: connected" in h.log(), 30, "the right one is taken, without a restart")


class Fake:
    """A broker that accepts all and does what @act says with the bytes that come."""

    def __init__(self, act):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(5)
        self.port = self.socket.getsockname()[1]
        self.act = act
        self.heard = b""
        self.connections = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            c, _ = self.socket.accept()
            self.connections += 1
            try:
                self.heard += c.recv(4096)
                c.sendall(b"\x20\x03\x00\x00\x00")
                self.act(self, c)
            except OSError:
                pass


@test
def mqtt_broker_never_acknowledges():
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
        wait(lambda: all_arrived(h, l, 20), 30, "records arrive at another broker")
        check_none_lost(h, l)


@test
def mqtt_broker_sends_a_gigabyte():
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
        end = time.monotonic() + 15
        while time.monotonic() < end:
            with open(f"/proc/{h.meterd.pid}/status", encoding="ascii") as s:
                most = max(most, *(int(x.split()[1]) for x in s if x.startswith("VmRSS")))
            time.sleep(0.05)
        print(f"# at most {most} kB resident, {f.connections} connections")
        assert len(h.stored()) > 20
        assert h.query("SELECT count(*) FROM interval_1m WHERE flags & 8") == [(0,)], "samples were lost"
        # what one MQTT packet can have; the library takes a packet as a whole
        assert most < 300 * 1024, f"{most} kB"


class Influx1:
    def __init__(self, h):
        self.port, rpc = free_port(), free_port()
        with open(h.path("influxdb.conf"), "w", encoding="ascii") as f:
            f.write(f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
                    f'[meta]\ndir = "{h.path("meta")}"\n[data]\ndir = "{h.path("data")}"\n'
                    f'wal-dir = "{h.path("wal")}"\n[http]\nbind-address = "127.0.0.1:{self.port}"\n')
        self.h = h
        self.process = None

    def start(self):
        self.process = self.h.run("influxd", "-config", self.h.path("influxdb.conf"), port=self.port)

    def sql(self, text):
        return json.loads(get(f"http://127.0.0.1:{self.port}/query?db=meterd&q={quote(text)}"))

    def create(self):
        subprocess.run(["curl", "-sf", "-XPOST", f"http://127.0.0.1:{self.port}/query",
                        "--data-urlencode", "q=CREATE DATABASE meterd"], check=True,
                       stdout=subprocess.DEVNULL)

    def sequences(self):
        found = []
        for m in ("meterd_interval", "meterd_event"):
            for s in self.sql(f"SELECT sequence FROM {m}")["results"][0].get("series", []):
                found += [v[1] for v in s["values"]]
        return found


@test
def influx_v1():
    with House() as h:
        i = Influx1(h)
        h.configure(f"[influx]\nurl = http://127.0.0.1:{i.port}\nversion = 1\n")
        h.start()
        wait(lambda: "records are kept" in h.log(), 20, "meterd says that influxdb is away")
        i.start()
        wait(lambda: "answers 404" in h.log() or len(h.stored()) > 20, 20, "no database yet")
        i.create()
        wait(lambda: len(i.sequences()) > 30, 40, "records arrive")
        i.process.kill()
        i.process.wait()
        before = len(h.stored())
        wait(lambda: len(h.stored()) > before + 20, 30, "records are stored meanwhile")
        i.start()
        stored = h.stored()
        wait(lambda: stored <= set(i.sequences()), 60, "none is lost")
        found = i.sequences()
        assert len(found) == len(set(found)), "records twice"
        h.stop()
        print(f"# {len(stored)} records, lost 0, twice 0")


@test
def influx_poison():
    """A point that the database refuses for good does not hold up the others."""
    with House() as h:
        i = Influx1(h)
        i.start()
        i.create()
        subprocess.run(["curl", "-sf", "-XPOST", f"http://127.0.0.1:{i.port}/write?db=meterd",
                        "--data-binary", 'meterd_event,gateway=house sequence="text" 1'], check=True)
        h.configure(f"[influx]\nurl = http://127.0.0.1:{i.port}\nversion = 1\n")
        h.start()
        wait(lambda: "is refused" in h.log(), 40, "the event is refused")
        wait(lambda: len(i.sql("SELECT p_w_mean FROM meterd_interval")["results"][0]["series"][0]["values"]) > 20
             if i.sql("SELECT p_w_mean FROM meterd_interval")["results"][0].get("series") else False,
             40, "the others arrive")
        assert h.query("SELECT count(*) FROM refused") != [(0,)]
        h.stop()


@test
def influx_answers_500():
    """Every error but a malformed batch is tried again, and nothing is lost."""
    import http.server
    seen = []

    class Broken(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            import gzip
            text = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))).decode()
            seen.append(text)
            self.send_response(500 if len(seen) == 1 else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with House() as h:
        h.configure(f"[influx]\nurl = http://127.0.0.1:{server.server_port}\nversion = 2\n")
        h.start()
        wait(lambda: len(seen) > 1, 30, "it is tried again")
        assert set(seen[0].splitlines()) <= set("\n".join(seen[1:]).splitlines())
        h.stop()
    server.shutdown()


def victoria(version):
    with House() as h:
        port = free_port()
        h.run("victoria-metrics", f"-httpListenAddr=127.0.0.1:{port}",
              f"-storageDataPath={h.path('vm')}", "-retentionPeriod=100y", "-search.latencyOffset=0s",
              port=port)
        h.configure(f"[influx]\nurl = http://127.0.0.1:{port}\nversion = {version}\n")
        h.start()
        def count():
            answer = get(f"http://127.0.0.1:{port}/api/v1/export?match[]=meterd_interval_p_w_mean"
                         "&start=0&end=100000000")
            return sum(len(json.loads(x)["values"]) for x in answer.splitlines())
        wait(lambda: h.query("SELECT 1 FROM upstream WHERE acked>20")
             if os.path.exists(h.path("records.db")) and h.stored() else False, 40,
             "records are acknowledged")
        wait(lambda: count() > 15, 60, "they can be read")
        h.stop()


@test
def victoria_metrics_v1():
    victoria(1)


@test
def victoria_metrics_v2():
    victoria(2)


@test
def home_assistant():
    """The discovery against the documented format; every value template finds its value."""
    import jsonschema
    with House(speed=1) as h:
        b = Broker(h)
        b.start()
        l = Listener(b, "#")
        h.configure(b.section())
        h.start()
        wait(lambda: l.live > 1, 20, "live values")
        late = Listener(b, "homeassistant/#")
        wait(lambda: late.other, 5, "a retained discovery")
        (topic, (text, retained)), = late.other.items()
        assert topic == "homeassistant/device/meterd_house/config" and retained
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        jsonschema.validate(text, SCHEMA)
        assert all(key == c["unique_id"] for key, c in text["components"].items())
        classes = [c.get("device_class") for c in text["components"].values()]
        for c in ("power", "energy", "voltage", "current", "power_factor", "frequency", "problem"):
            assert c in classes, c
        live = l.last_live[1]
        for c in text["components"].values():
            path = c["value_template"].split("value_json.")[1].split()[0]
            value = eval("live" + "".join(f"[{p!r}]" if not p[0].isdigit() else f"[{p}]"  # pylint: disable=eval-used
                                          for p in path.replace("[", ".").replace("]", "").split(".")),
                         {"live": live})
            assert value is None or isinstance(value, (int, float)), path
        l.client.publish("homeassistant/status", "online", qos=1)
        l.other.clear()
        wait(lambda: topic in l.other, 5, "it is told again when Home Assistant has started")


@test
def vendor_topics():
    """Fields, units and retention as a Genius has them."""
    with House(speed=60) as h:
        b = Broker(h)
        b.start()
        l = Listener(b, "servicelocation/#")
        h.configure(b.section("vendor_uuid = 1234-abcd\n"))
        h.start()
        base = "servicelocation/1234-abcd/"
        wait(lambda: base + "aggregated" in l.other, 30, "aggregated after five minutes")
        late = Listener(b, "servicelocation/#")
        retained = {"config", "channelConfig", "channelConfigV2", "sensorConfig", "homeControlConfig"}
        wait(lambda: {base + t for t in retained} <= set(late.other), 5, "retained topics")
        for topic, (_, flag) in late.other.items():
            assert flag == (topic[len(base):] in retained), topic
        config = l.other[base + "config"][0]
        assert config["serviceLocationUuid"] == "1234-abcd" and config["aggregationPeriodSeconds"] == 300
        spec = l.other[base + "channelConfigV2"][0]["dataProcessingSpecification"]
        assert spec["phaseType"] == "ONE"
        r = l.other[base + "realtime"][0]
        powers = {c["publishIndex"]: c for c in r["channelPowers"]}
        for m in spec["measurements"][:-1]:
            c = powers[m["publishIndex"]]
            assert c["formula"] == m["formula"] and c["ctInput"] == m["publishIndex"]
        assert spec["measurements"][-1]["type"] == "SERVICE_LOCATION" and "name" not in spec["measurements"][-1]
        # 230 V: 1 A and 2 A
        assert [powers[k]["power"] for k in (0, 1)] == [230, 460]
        assert [powers[k]["current"] for k in (0, 1)] == [10, 20]
        assert powers[0]["cosPhi"] == 100 and powers[0]["apparentPower"] == 230
        assert r["voltages"] == [{"voltage": 230, "phaseId": 0}]
        assert abs(r["measuredFrequency"] - 50e6) < 1000 and r["utcTimeStamp"] % 1000 == 0
        assert r["totalImportEnergy"] == sum(c["importEnergy"] for c in powers.values()) or \
            abs(r["totalImportEnergy"] - sum(c["importEnergy"] for c in powers.values())) <= 2
        a = l.other[base + "aggregated"][0]["intervalDatas"][0]
        assert a["utcEndtime"] % 300000 == 0 and a["averageRMSVoltages"] == [2300]
        assert abs(a["channelIntervalDatas"][1]["averageRMSCurrent"] - 2000) <= 2
        assert abs(a["channelIntervalDatas"][1]["averageImportRMSActivePower"] - 460000) < 500


@test
def bytes_per_day():
    """28 loads, a day: what goes to the medium, as the kernel counts it for the process."""
    # on a medium: a tmpfs writes nothing
    with House(loads=28, speed=0, folder=os.path.join(TOP, "build")) as h:
        h.configure()
        h.start()
        wait(h.stored, 20, "the first minute")
        children = wait(lambda: subprocess.run(["pgrep", "-P", str(h.meterd.pid), "meterd-store"],
                                               capture_output=True, text=True, check=False).stdout.split(),
                        10, "the store's process")
        def written():
            with open(f"/proc/{children[0]}/io", encoding="ascii") as f:
                return int(next(x for x in f if x.startswith("write_bytes")).split()[1])
        def minute():
            return h.query("SELECT max(utc_ms)/60000 FROM interval_1m")[0][0] or 0
        first, at = written(), minute()
        hours = float(os.environ.get("HOURS", "2"))
        wait(lambda: minute() >= at + hours * 60, 240, f"{hours} hours pass")
        per_day = (written() - first) / (minute() - at) * 1440
        size = h.query("PRAGMA page_count")[0][0] * 1024 / minute() * 1440
        h.stop()
        h.check_energy()
        print(f"# {per_day / 1e6:.1f} MB written per day with 28 loads, the file grows {size / 1e6:.1f} MB")
        assert per_day > 1e6, "the kernel has not counted"
        assert per_day <= 20e6, f"{per_day / 1e6:.1f} MB"


def main():
    chosen = [t for t in TESTS if len(sys.argv) == 1 or t.__name__ in sys.argv[1:]]
    print(f"KTAP version 1\n1..{len(chosen)}")
    failed = 0
    for n, t in enumerate(chosen, 1):
        began = time.monotonic()
        try:
            t()
            print(f"ok {n} {t.__name__} # {time.monotonic() - began:.1f} s", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed = 1
            print("# " + traceback.format_exc().replace("\n", "\n# "))
            print(f"not ok {n} {t.__name__}: {e}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
