#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Upstreams against the real programs: mosquitto, influxdb (version 1), victoria-metrics.
KTAP on standard output.    run.py [NAME...]
"""
import json
import os
import subprocess
import sys

from discovery_schema import SCHEMA

import tap
from bench import TOP, Broker, House, Listener, all_arrived, check_none_lost, free_port, get, wait
from peers import Influx1, NodeRed, certificate, tls_extra

TESTS = []


def test(f):
    TESTS.append(f)
    return f


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
def node_red():
    """A flow of plain MQTT nodes, as somebody with a Genius has it, on the vendor's topics."""
    with House(speed=60) as h:
        b = Broker(h)
        b.start()
        node_red = NodeRed(h, b)
        base = "servicelocation/1234-abcd/"
        l = Listener(b, "#")
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
                      base + "plug/1/setstate")
        node_red.start()
        h.configure(b.section("vendor_uuid = 1234-abcd\n"))
        h.start()
        wait(lambda: {"flow/config", "flow/realtime", "flow/aggregated"} <= set(l.other), 60, "the flow has told all")
        assert l.other["flow/config"][0] == {"uuid": "1234-abcd", "serial": "5010000000"}
        r = l.other["flow/realtime"][0]
        assert r["watts"] == {"load 0": 230, "load 1": 460} and r["volts"] == 230, r
        assert abs(r["hertz"] - 50) < 0.001 and r["kwh"] > 0, r
        a = l.other["flow/aggregated"][0]
        assert a["volts"] == 230 and a["end"] % 300000 == 0, a
        assert abs(a["amperes"][0] - 1) < 0.005 and abs(a["amperes"][1] - 2) < 0.005, a
        l.client.publish("flow/press", '{"on":true}')
        wait(lambda: l.other.get(base + "plug/1/setstate"), 10, "the flow asks for a relay")
        assert l.other[base + "plug/1/setstate"][0] == {"value": "ON"}


@test
def bytes_per_day():
    """28 loads, a day: what goes to the medium, as the kernel counts it for the process."""
    # on a medium: a tmpfs writes nothing
    with House(loads=28, speed=0, folder=os.path.join(TOP, "build")) as h:
        h.configure()
        h.start()
        wait(h.stored, 20, "the first minute")
        store = h.store_pid()
        def written():
            with open(f"/proc/{store}/io", encoding="ascii") as f:
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


if __name__ == "__main__":
    sys.exit(tap.run(TESTS)[0])
