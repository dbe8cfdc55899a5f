#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Upstreams against the real programs: mosquitto, influxdb (version 1), victoria-metrics.
KTAP on standard output.    run.py [NAME...]
"""
import csv
import gzip
import http.server
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading

from discovery_schema import SCHEMA

import tap
from bench import METERD, TOP, Broker, House, Listener, all_arrived, check_none_lost, free_port, get, wait
from peers import Influx1, NodeRed, certificate, tls_extra
from tap import long_test, test


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
        record = next(r for r in list(l.records.values()) if r["kind"] == "interval")
        assert abs(record["p_w"]["mean"] - 230) < 1, record
        assert "online" in l.status
        check_none_lost(h, l)
        # who comes after it was killed hears of that, too
        h.start()
        wait(lambda: l.status[-1] == "online", 20, "it is back")
        h.stop(signal.SIGKILL)
        wait(lambda: l.status[-1] == "offline", 20, "the will")
        late = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(b.port), "-t", "meterd/house/status",
                               "--retained-only", "-C", "1", "-W", "10"], capture_output=True, text=True, check=False)
        assert late.stdout == "offline\n", late


@test
def records_are_read():
    """What meterctl reads of the running store is what the broker got, all of it and from any time on."""
    with House(speed=600) as h:
        b = Broker(h)
        b.start()
        l = Listener(b)
        h.configure(b.section(), f"[http]\nlisten = 127.0.0.1:{free_port()}\nsocket = {h.path('sock')}\n")
        h.start()
        wait(lambda: all_arrived(h, l, 300), 60, "records arrive")

        def read(*options):
            done = subprocess.run([f"{os.path.dirname(METERD)}/meterctl", "records", "--socket", h.path("sock"), *options],
                                  capture_output=True, text=True, check=False, timeout=30)
            assert done.returncode == 0, done.stderr
            return done.stdout.splitlines()

        first = next(r for r in list(l.records.values()) if r["kind"] == "interval" and r["seconds"] == 60)
        found, stored = {}, h.stored()
        for kind in ("1m", "5m", "event"):
            found.update({r["sequence"]: r for r in map(json.loads, read("--json", "--kind", kind, "--since", "1970-01-01"))})
        heard = dict(l.records)
        assert len(found) >= 300 and all(found[s] == r for s, r in heard.items() if s in found), "not the same"
        assert stored <= set(found), stored - set(found)
        one = [json.loads(r) for r in read(h.loads[1], "--json", "--kind", "1m", "--since", "1970-01-01")]
        assert len(one) > 50 and {r["load"] for r in one} == {h.loads[1]}
        rows = list(csv.DictReader(read(h.loads[1], "--csv", "--kind", "1m", "--since", "1970-01-01")))
        assert rows[0]["time"] == first["time"] and abs(float(rows[1]["p_w_mean"]) - 460) < 1, rows[1]
        assert len(read("--kind", "1m", "--since", "1970-01-01", "--until", "1970-01-01T00:30")) <= 2 * 31 + 1
        asked = get_json(h, "/api/v1/records?kind=hours")
        assert asked == {"error": 'kind is "hours"; there are 1m, 5m, event and input'}, asked
        check_none_lost(h, l)


def get_json(h, path):
    return json.loads(subprocess.run(["curl", "-s", "--unix-socket", h.path("sock"), f"http://localhost{path}"],
                                     capture_output=True, check=True, timeout=30).stdout)


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
        # a whole minute of the second load: 460 W, 2 A of 230 V
        minutes = i.sql("""SELECT p_w_mean, p_w_max, v_v_mean, i_a_mean, pf_mean, import_wh, export_wh, covered_s FROM meterd_interval
                           WHERE "load"='load 1' AND "role"='submeter' AND "seconds"='60' AND "gateway"='house'""")
        whole = [v for v in minutes["results"][0]["series"][0]["values"] if v[-1] == 60]
        assert len(whole) > 5, minutes
        for time, *values in whole:
            wanted = (460, 460, 230, 2, 1, 460 / 60, 0, 60)
            assert all(abs(v - w) < 0.002 * max(w, 1) for v, w in zip(values, wanted)), values
            # the begin of a minute of 1970, and the number of the record in nanoseconds
            assert time.startswith("1970-01-01T") and time[16:23] == ":00.000", time
        totals = i.sql("""SELECT last(import_total_wh) - first(import_total_wh), sum(import_wh) - first(import_wh) FROM meterd_interval
                          WHERE "load"='load 1' AND "seconds"='60'""")["results"][0]["series"][0]["values"][0][1:]
        assert abs(totals[0] - totals[1]) < 1e-6 * totals[0], totals
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
def influx_tls_and_password():
    """HTTPS, with the authority and the name checked, to an influxdb that wants a user."""
    with House() as h:
        certificate(h, "good", 10, "localhost")
        certificate(h, "other", 10, "example.org")
        for name in ("good", "other"):
            h.run("sh", "-c", f"cat {name}.pem {name}.key > {name}.both").wait(10)
        i = Influx1(h, f'https-enabled = true\nhttps-certificate = "{h.path("server.both")}"\nauth-enabled = true\n')

        def serve(name):
            if i.process:
                i.process.kill()
                i.process.wait()
            shutil.copy(h.path(f"{name}.both"), h.path("server.both"))
            i.start()

        def sql(text, *who):
            return subprocess.run(["curl", "-sf", "--cacert", h.path("ca.pem"), *who,
                                   f"https://localhost:{i.port}/query?db=meterd", "--data-urlencode", f"q={text}"],
                                  check=True, capture_output=True, text=True).stdout

        def secret(text):
            with open(h.path("secret"), "w", encoding="ascii") as f:
                f.write(text + "\n")

        def configure(*more):
            h.configure(f"[influx]\nurl = https://localhost:{i.port}\nversion = 1\nuser = gateway\n"
                        f"password_file = {h.path('secret')}\n", *more)

        def complains(text):
            h.start()
            wait(lambda: text in h.log(), 20, f"meterd says: {text}")
            h.stop()

        own = f"ca_file = {h.path('ca.pem')}\n"
        serve("good")
        sql("CREATE USER gateway WITH PASSWORD 'secret' WITH ALL PRIVILEGES")
        sql("CREATE DATABASE meterd", "-u", "gateway:secret")
        secret("wrong")
        configure()
        complains("certificate problem")
        configure(own)
        complains("answers 401")
        secret("secret")
        serve("other")
        complains("no alternative certificate subject name")
        serve("good")
        assert h.query("SELECT acked FROM upstream") == [(0,)], "an acknowledgement of nobody"
        h.start()
        wait(lambda: h.query("SELECT 1 FROM upstream WHERE acked > 20"), 40, "records are acknowledged")
        h.stop()
        found = json.loads(sql("SELECT sequence FROM meterd_interval", "-u", "gateway:secret"))
        assert len(found["results"][0]["series"][0]["values"]) > 15, found


@test
def influx_v2_token():
    """What an InfluxDB 2 is asked: organisation, bucket, and the token of the file."""
    asked = []

    class Database(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            good = self.headers["Authorization"] == "Token 0123-secret=="
            asked.append((self.path, good, gzip.decompress(body).decode()))
            self.send_response(204 if good else 401)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with House() as h:
        for token, then in (("no", lambda: "answers 401" in h.log()),
                            ("0123-secret==", lambda: h.query("SELECT 1 FROM upstream WHERE acked > 20"))):
            with open(h.path("token"), "w", encoding="ascii") as f:
                f.write(token + "\nand not this line\n")
            h.configure(f"[influx]\nurl = http://127.0.0.1:{server.server_port}\norg = my home & co\nbucket = power/1\n"
                        f"token_file = {h.path('token')}\n")
            h.start()
            wait(then, 40, f"with token {token}")
            h.stop()
    server.shutdown()
    assert {path for path, _, _ in asked} == {"/api/v2/write?org=my%20home%20%26%20co&bucket=power%2F1&precision=ns"}, asked
    assert "meterd_interval,gateway=house," in asked[-1][2]


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
        # what each load and each of its inputs has to have: class, unit, kind of value, not among the main ones
        for key, wanted in {"p_w": ("power", "W", "measurement", None),
                            "pf": ("power_factor", None, "measurement", None),
                            "import_wh": ("energy", "Wh", "total_increasing", None),
                            "export_wh": ("energy", "Wh", "total_increasing", None),
                            "1_v_v": ("voltage", "V", "measurement", None),
                            "1_i_a": ("current", "A", "measurement", None),
                            "1_thd_v_percent": (None, "%", "measurement", "diagnostic"),
                            "1_thd_i_percent": (None, "%", "measurement", "diagnostic")}.items():
            for load in range(len(h.loads)):
                c = text["components"][f"meterd_house_hub0_c{load}_{key}"]
                found = tuple(c.get(k) for k in ("device_class", "unit_of_measurement", "state_class", "entity_category"))
                assert found == wanted, (key, found)
        # silence makes all of it unknown, and a load that is not measured is a problem
        assert all("expire_after" in c for c in text["components"].values() if c["platform"] != "button")
        problem = text["components"]["meterd_house_hub0_c1_problem"]["value_template"]
        for p_w, state in ((None, "ON"), (0, "OFF")):
            assert rendered(problem, value_json={"loads": [{}, {"p_w": p_w}]}) == state
        live = l.last_live[1]
        for c in (c for c in text["components"].values() if "expire_after" in c):
            path = c["value_template"].split("value_json.")[1].split()[0]
            value = eval("live" + "".join(f"[{p!r}]" if not p[0].isdigit() else f"[{p}]"  # pylint: disable=eval-used
                                          for p in path.replace("[", ".").replace("]", "").split(".")),
                         {"live": live})
            assert value is None or isinstance(value, (int, float)), path
        l.other.clear()
        l.client.publish("homeassistant/status", "online", qos=1)
        wait(lambda: topic in l.other, 5, "it is told again when Home Assistant has started")


class Terminals:
    """An input and an output module as files like those of sysfs, and what is wired to them."""

    SECTIONS = """[contact gas]
input = meters/1
kind = gas
pulses_per_unit = 100
start = 1234
[contact "tap"]
input = meters/2
kind = water
unit = l
pulses_per_unit = 1
[contact sub meter]
input = meters/3
kind = electricity
pulses_per_unit = 1000
[contact door]
input = meters/4
kind = state
[relay boiler]
output = relays/1
[relay "pump"]
output = relays/2
"""

    def __init__(self, h):
        self.folder = h.path("modules")
        self.gateway = f"modules = {self.folder}\n"
        self.put("0-009", label="meters", serial_number="9700100901", state="idle", pulse_epoch=1)
        for k in range(1, 5):
            self.put("0-009", **{f"in{k}_pulses": 0, f"in{k}_min_closed_ms": 10, f"in{k}_min_open_ms": 10})
        self.put("0-010", label="relays", serial_number="9800100902", state="idle", heartbeat=0, relay1_state=1,
                 relay2_state=0, fail_safe=0, fail_safe_timeout_sec=30, last_change="host")

    def put(self, module, **attributes):
        os.makedirs(os.path.join(self.folder, module), exist_ok=True)
        for name, value in attributes.items():
            path = os.path.join(self.folder, module, name)
            with open(path + ".new", "w", encoding="ascii") as f:
                f.write(f"{value}\n")
            os.rename(path + ".new", path)


def rendered(template, **values):
    """What Home Assistant makes of a template; "None" is its word for unknown."""
    import jinja2
    return jinja2.Environment().from_string(template).render(**values)


@test
def home_assistant_io():
    """Inputs, relays and buttons in the discovery; templates rendered with what is on the broker."""
    import jsonschema
    with House(speed=1) as h:
        b = Broker(h)
        b.start()
        t = Terminals(h)
        l = Listener(b, "#")
        h.configure(b.section("commands = yes\n"), t.SECTIONS, gateway=t.gateway)
        h.start()
        io = "meterd/house/io"
        discovery = "homeassistant/device/meterd_house/config"
        wait(lambda: discovery in l.other, 20, "the discovery")
        wait(lambda: io in l.other and l.other[io][0]["outputs"][0]["state"] == "on", 20, "relays on the broker")
        text = l.other[discovery][0]
        jsonschema.validate(text, SCHEMA)
        c = text["components"]
        assert all(key == x["unique_id"] for key, x in c.items())
        gas, tap_, sub = (c[f"meterd_house_input_meters_{k}"] for k in (1, 2, 3))
        assert (gas["device_class"], gas["unit_of_measurement"], gas["state_class"]) == ("gas", "m³", "total_increasing")
        assert (tap_["device_class"], tap_["unit_of_measurement"]) == ("water", "L")
        assert (sub["device_class"], sub["unit_of_measurement"]) == ("energy", "kWh")
        assert all(x["state_class"] == "total_increasing" for x in c.values() if x.get("device_class") == "energy")
        assert c["meterd_house_input_power_meters_3"]["device_class"] == "power"
        door = c["meterd_house_input_meters_4"]
        assert door["platform"] == "binary_sensor"
        boiler, pump = (c[f"meterd_house_output_relays_{k}"] for k in (1, 2))
        now = l.other[io][0]
        assert rendered(door["value_template"], value_json=now) == "None"
        assert rendered(door["value_template"], value_json={"inputs": [{}] * 3 + [{"state": "closed"}]}) == "ON"
        assert rendered(boiler["value_template"], value_json=now) == boiler["state_on"]
        assert rendered(pump["value_template"], value_json=now) == pump["state_off"]
        def available(x, now):
            return [rendered(a["value_template"], value=s, value_json=s)
                    for a, s in zip(x["availability"], ("stale", now))]
        assert available(boiler, now) == ["online", "online"]
        assert rendered(boiler["availability"][0]["value_template"], value="offline") == "offline"
        assert json.loads(pump["payload_on"]) == {"command": "output", "name": '"pump"', "state": "on"}
        # what is pressed there is what is taken here: the command is found, and the module has no chip
        l.client.publish(pump["command_topic"], pump["payload_on"], qos=1)
        answer = "meterd/house/command/response"
        wait(lambda: answer in l.other, 10, "an answer")
        assert "no such relay" in l.other[answer][0]["error"], l.other[answer]
        wait(lambda: "command: output" in h.log(), 5, "it is logged")
        # gone: unknown, not the last value, and not available
        t.put("0-010", state="silent")
        wait(lambda: l.other[io][0]["outputs"][0]["problem"], 10, "the module does not answer")
        now = l.other[io][0]
        assert available(boiler, now) == ["online", "offline"]
        assert rendered(boiler["value_template"], value_json=now) == "None"
        presses = [json.loads(x["payload_press"]) for x in c.values() if x["platform"] == "button"]
        for what in ("hub0/c0", "meters/1", "relays"):
            assert {"command": "identify", "what": what} in presses, what
        # a state contact needs a line, which a tree of files has not; the others do not
        assert "no such input" in now["inputs"][3]["problem"] and not now["inputs"][0]["problem"], now
        t.put("0-009", in1_pulses=150)
        wait(lambda: l.other[io][0]["inputs"][0]["pulses"] == 150, 10, "pulses")
        assert rendered(gas["value_template"], value_json=l.other[io][0]) == "1235.5"
        # without commands there is nothing to press
        h.stop()
        h.configure(b.section(), t.SECTIONS, gateway=t.gateway)
        l.other.clear()
        h.start()
        wait(lambda: discovery in l.other, 20, "the discovery")
        text = l.other[discovery][0]
        assert not [x for x in text["components"].values() if x["platform"] in ("switch", "button")]


@test
def vendor_plugs():
    """Relays as plugs: announced, told, and switched by what the vendor's clients send."""
    with House(speed=60) as h:
        b = Broker(h)
        b.start()
        t = Terminals(h)
        base = "servicelocation/1234-abcd/"
        # what a client is told, not what it sends
        told = [(base + topic, 1) for topic in ("homeControlConfig", "plug/+/state", "plug/+/connectionState")]
        l = Listener(b, told)
        h.configure(b.section("vendor_uuid = 1234-abcd\ncommands = yes\n"), t.SECTIONS, gateway=t.gateway)
        h.start()
        wait(lambda: base + "plug/2/state" in l.other, 20, "plugs")
        late = Listener(b, told)
        wait(lambda: {base + x for x in ("homeControlConfig", "plug/1/state", "plug/2/state", "plug/1/connectionState")}
             <= set(late.other), 5, "they are retained")
        state, retained = late.other[base + "plug/1/state"]
        assert retained and state["value"] == "ON" and state["since"] > 1e12, state
        assert late.other[base + "plug/2/state"][0]["value"] == "OFF"
        assert late.other[base + "plug/1/connectionState"][0]["value"] == "CONNECTED"
        home = late.other[base + "homeControlConfig"][0]
        assert [(p["nodeId"], p["name"]) for p in home["smartplugActuators"]] == [(1, "boiler"), (2, '"pump"')], home
        # the forms that clients send
        said = lambda: h.log().count("command: output")  # pylint: disable=unnecessary-lambda-assignment
        for text in ('{"value": "ON"}', '{"value":"OFF","since":1610000000000,"nodeId":"2"}', '{"value":"ON","since":"1610000000000"}'):
            before = said()
            l.client.publish(base + "plug/2/setstate", text, qos=1)
            wait(lambda: said() > before, 10, text)  # pylint: disable=cell-var-from-loop
        assert "mqtt vendor" in h.log()
        # what is not one of them
        before = said()
        for text in ("", "[]", '{"value":1}', '{"value":"MAYBE"}', "[" * 5000):
            l.client.publish(base + "plug/2/setstate", text, qos=1)
        l.client.publish(base + "plug/7/setstate", '{"value":"ON"}', qos=1)
        l.client.publish(base + "plug/1/setstate", '{"value":"ON"}', qos=1)
        wait(lambda: said() > before, 10, "the good one")
        assert said() == before + 1 and "plug/2/setstate: refused" in h.log()
        t.put("0-010", relay2_state=1)
        wait(lambda: l.other[base + "plug/2/state"][0]["value"] == "ON", 10, "a state that changes is told")
        t.put("0-010", state="silent")
        wait(lambda: l.other[base + "plug/1/connectionState"][0]["value"] == "DISCONNECTED", 10, "a module that is gone")


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
        for topic, (_, flag) in dict(late.other).items():
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
        # five minutes or more have passed: joules, not watt-hours
        assert 300 * 230 < powers[0]["importEnergy"] < 1e7 and powers[0]["exportEnergy"] == 0, powers[0]
        assert r["totalImportEnergy"] == sum(c["importEnergy"] for c in powers.values()) or \
            abs(r["totalImportEnergy"] - sum(c["importEnergy"] for c in powers.values())) <= 2
        a = l.other[base + "aggregated"][0]["intervalDatas"][0]
        assert a["utcEndtime"] % 300000 == 0 and a["averageRMSVoltages"] == [2300]
        assert abs(a["channelIntervalDatas"][1]["averageRMSCurrent"] - 2000) <= 2
        assert abs(a["channelIntervalDatas"][1]["averageImportRMSActivePower"] - 460000) < 500


@test
def vendor_topologies():
    """The kind of mains as the vendor calls it; the clamps of a load in three phases without neutral are channels, too."""
    load = "[load all]\nrole = grid\ninputs = hub0/c0, hub0/c1\nphases = L1, L2\n"
    for topology, name in (("2p+n", "TWO"), ("3p+n", "THREE_STAR"), ("3p", "THREE_DELTA"), ("high-leg", "THREE_STAR")):
        with House(speed=60, phases=2 if topology == "2p+n" else 3) as h:
            b = Broker(h)
            b.start()
            l = Listener(b, "servicelocation/#")
            h.configure()
            with open(h.path("meterd.conf"), encoding="ascii") as f:
                text = f.read().split("[load ")[0].replace("type = 3p+n", f"type = {topology}")
            with open(h.path("meterd.conf"), "w", encoding="ascii") as f:
                f.write(text + load + b.section("vendor_uuid = 1234-abcd\n"))
            h.start()
            base = "servicelocation/1234-abcd/"
            wait(lambda: {base + "channelConfigV2", base + "realtime"} <= set(l.other), 30, "the vendor's topics")
            spec = l.other[base + "channelConfigV2"][0]["dataProcessingSpecification"]
            assert spec["phaseType"] == name, (topology, spec["phaseType"])
            now = l.other[base + "realtime"][0]
            # 1 A and 2 A; clients look for each channel of the configuration
            assert [(c["publishIndex"], c["current"]) for c in now["channelPowers"]] == [(0, 10), (1, 20)], (topology, now)
            assert now["totalPower"] == sum(c["power"] for c in now["channelPowers"]) or topology == "3p", now
            assert now["totalImportEnergy"] > 0, (topology, now)


@test
def node_red():
    """A flow of plain MQTT nodes, as somebody with a Genius has it, on the vendor's topics."""
    with House(speed=60) as h:
        b = Broker(h)
        b.start()
        node_red = NodeRed(h, b)
        base = "servicelocation/1234-abcd/"
        l = Listener(b, "#")
        terminals = Terminals(h)
        # the names come with a retained topic, the values with the next reading
        node_red.flow("servicelocation/+/channelConfigV2", """
            const names = {};
            for (const m of msg.payload.dataProcessingSpecification.measurements)
                if (m.name !== undefined) names[m.publishIndex] = m.name;
            flow.set("names", names);
            return null;""", None)
        node_red.flow("servicelocation/+/realtime", """
            const names = flow.get("names");
            if (!names) return null;
            const out = { volts: msg.payload.voltages[0].voltage, hertz: msg.payload.measuredFrequency / 1e6,
                          total: msg.payload.totalPower, watts: {}, kwh: 0 };
            for (const c of msg.payload.channelPowers) {
                out.watts[names[c.publishIndex]] = c.power;
                out.kwh += c.importEnergy / 3.6e6;
            }
            msg.payload = out;
            return msg;""", "flow/realtime")
        node_red.flow("servicelocation/+/aggregated", """
            const i = msg.payload.intervalDatas[0];
            msg.payload = { volts: i.averageRMSVoltages[0] / 10, end: i.utcEndtime,
                            amperes: i.channelIntervalDatas.map(c => c.averageRMSCurrent / 1000) };
            return msg;""", "flow/aggregated")
        node_red.flow("servicelocation/+/config", """
            msg.payload = { uuid: msg.payload.serviceLocationUuid, serial: msg.payload.serialNumber };
            return msg;""", "flow/config")
        node_red.flow("flow/press", 'msg.payload = { value: msg.payload.on ? "ON" : "OFF" }; return msg;',
                      base + "plug/2/setstate")
        node_red.flow("servicelocation/+/plug/2/state", "msg.payload = { pump: msg.payload.value }; return msg;", "flow/plug")
        node_red.start()
        h.configure(b.section("vendor_uuid = 1234-abcd\ncommands = yes\n"), terminals.SECTIONS, gateway=terminals.gateway)
        h.start()
        wait(lambda: {"flow/config", "flow/realtime", "flow/aggregated", "flow/plug"} <= set(l.other), 60,
             "the flow has told all")
        assert l.other["flow/config"][0] == {"uuid": "1234-abcd", "serial": "5010000000"}
        r = l.other["flow/realtime"][0]
        assert r["watts"] == {"load 0": 230, "load 1": 460} and r["volts"] == 230, r
        assert abs(r["hertz"] - 50) < 0.001 and r["kwh"] > 0, r
        a = l.other["flow/aggregated"][0]
        assert a["volts"] == 230 and a["end"] % 300000 == 0, a
        assert abs(a["amperes"][0] - 1) < 0.005 and abs(a["amperes"][1] - 2) < 0.005, a
        assert l.other["flow/plug"][0] == {"pump": "OFF"}
        l.client.publish("flow/press", '{"on":true}')
        wait(lambda: "command: output" in h.log(), 10, "the flow asks for a relay, and meterd does it")
        terminals.put("0-010", relay2_state=1)
        wait(lambda: l.other["flow/plug"][0] == {"pump": "ON"}, 10, "the flow hears that it is on")


def write_bytes(pid):
    """What the kernel has counted for a process and its ended children; 0 for one that has ended meanwhile."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as f:
            return int(next(x for x in f if x.startswith("write_bytes")).split()[1])
    except OSError:
        return 0


# What registers write in a day: a page a minute, see registers_bytes_per_day().
CHECKPOINTS = 1440 * 4096


def bytes_written(attached):
    """28 loads, a day: what the store writes to the medium, as the kernel counts it for its process."""
    # on a medium: a tmpfs writes nothing; slow enough that upstreams keep up
    with House(loads=28, speed=1200 if attached else 0, rate=600, phases=3, restless=True,
               folder=os.path.join(TOP, "build")) as h:
        sections = []
        if attached:
            b = Broker(h)
            b.start()
            i = Influx1(h)
            i.start()
            i.create()
            sections = [b.section(), f"[influx]\nurl = http://127.0.0.1:{i.port}\nversion = 1\n"]
        h.configure(*sections)
        h.start()
        wait(h.stored, 20, "the first minute")
        store = h.store_pid()

        def minute():
            return h.query("SELECT max(utc_ms)/60000 FROM interval_1m")[0][0] or 0
        # an index of the log in a file is written out between two minutes, which no run in a hurry shows
        assert not os.path.exists(h.path("records.db-shm")), "the index of the log is a file"
        first, at = write_bytes(store), minute()
        # several times what SQLite writes before it moves the log into the file, every 3 hours
        hours = float(os.environ.get("HOURS", "10"))
        wait(lambda: minute() >= at + hours * 60, 240, f"{hours} hours pass", every=1)
        per_day = (write_bytes(store) - first) / (minute() - at) * 1440
        size = h.query("PRAGMA page_count")[0][0] * h.query("PRAGMA page_size")[0][0] / minute() * 1440
        last = max(h.stored())
        if attached:
            waiting = [last - acked for (acked,) in h.query("SELECT acked FROM upstream")]
            assert len(waiting) == 2 and max(waiting) < last / 2, f"{waiting} of {last} records are not acknowledged"
        h.stop()
        h.check_energy()
        print(f"# {per_day / 1e6:.1f} MB of records written per day with 28 loads, the file grows {size / 1e6:.1f} MB")
        assert per_day > 1e6, "the kernel has not counted"
        assert per_day + CHECKPOINTS <= 20e6, f"{per_day / 1e6:.1f} MB"


@long_test
def bytes_per_day():
    bytes_written(False)


@long_test
def bytes_per_day_with_mqtt_and_influx():
    bytes_written(True)


@test
def registers_bytes_per_day():
    """The checkpoints of 28 loads are a page each, and the notes between them cost the medium nothing."""
    with House(loads=28, speed=1, folder=os.path.join(TOP, "build")) as h, \
            tempfile.TemporaryDirectory(prefix="run-") as memory:
        h.configure(registers="interval_s = 2\n")
        h.start(env={**os.environ, "RUNTIME_DIRECTORY": memory})
        store = h.store_pid()

        def written():
            """By meterd, by what writes for it, and by those of them that have ended."""
            mine = subprocess.run(["pgrep", "-P", str(h.meterd.pid)], capture_output=True, text=True, check=False).stdout
            return sum(write_bytes(pid) for pid in [h.meterd.pid, *mine.split()] if pid != str(store))

        def checkpoints():
            """The numbers of the last two: who looks late misses none."""
            with open(h.path("registers"), "rb") as f:
                data = f.read()
            return {struct.unpack_from("<Q", data, k * 131072 + 8)[0] for k in (0, 1)}

        wait(lambda: os.listdir(memory) and os.path.exists(h.path("registers")) and min(checkpoints()) > 4, 30,
             "it measures, and notes are in memory")
        seen, written_first = checkpoints(), written()
        wait(lambda: seen.update(checkpoints()) or len(seen) > 6, 30, "five checkpoints")
        written_last = written()
        # what came between the last look and the count is not one too many
        seen.update(checkpoints())
        each = (written_last - written_first) / (len(seen) - 2)
        print(f"# {each:.0f} bytes a checkpoint with 28 loads, {each * 1440 / 1e6:.1f} MB a day")
        assert 0 < each <= CHECKPOINTS / 1440 * 1.2, f"{each} bytes a checkpoint"
        h.stop()
        assert not os.listdir(memory), "the notes go at the end"


if __name__ == "__main__":
    sys.exit(tap.run()[0])
