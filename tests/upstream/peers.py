# SPDX-License-Identifier: GPL-2.0-or-later
"""
Peers of meterd in the tests of upstreams: certificates, a broker that does what a test
says, InfluxDB of version 1, Node-RED.
"""
import glob
import json
import os
import socket
import subprocess
import threading

import tap
from bench import free_port, get, quote


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


class Influx1:
    def __init__(self, h, http=""):
        self.port, rpc = free_port(), free_port()
        with open(h.path("influxdb.conf"), "w", encoding="ascii") as f:
            f.write(f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
                    f'[meta]\ndir = "{h.path("meta")}"\n[data]\ndir = "{h.path("data")}"\n'
                    f'wal-dir = "{h.path("wal")}"\n[http]\nbind-address = "127.0.0.1:{self.port}"\n{http}')
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


class NodeRed:
    """Node-RED with plain MQTT nodes: what comes on topics goes through functions to other topics."""

    def __init__(self, h, broker):
        found = glob.glob("/cache/node-red-*/.ready")
        if not found:
            raise tap.Skip("Node-RED is not in the cache; scripts/node-red fetches it from npm and says why it cannot")
        self.program = os.path.join(os.path.dirname(found[0]), "node_modules/node-red/red.js")
        self.h = h
        self.port = free_port()
        self.nodes = [{"id": "tab", "type": "tab", "label": "test"},
                      {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker.port),
                       "clientid": "", "autoConnect": True, "protocolVersion": "4", "keepalive": "60", "cleansession": True}]

    def flow(self, topic, function, to):
        """mqtt in (JSON) -> function -> mqtt out"""
        n = len(self.nodes)
        common = {"z": "tab", "x": 100, "y": 100}
        self.nodes += [
            {"id": f"in{n}", "type": "mqtt in", "topic": topic, "qos": "0", "datatype": "json", "broker": "broker",
             "wires": [[f"do{n}"]], **common},
            {"id": f"do{n}", "type": "function", "func": function, "outputs": 1, "noerr": 0, "libs": [],
             "wires": [[f"out{n}"]] if to else [[]], **common},
        ]
        if to:
            self.nodes.append({"id": f"out{n}", "type": "mqtt out", "topic": to, "qos": "0", "retain": "false",
                               "broker": "broker", "wires": [], **common})

    def start(self):
        folder = self.h.path("node-red")
        os.mkdir(folder)
        with open(os.path.join(folder, "flows.json"), "w", encoding="ascii") as f:
            json.dump(self.nodes, f)
        with open(os.path.join(folder, "settings.js"), "w", encoding="ascii") as f:
            f.write("module.exports = { uiHost: '127.0.0.1', flowFile: 'flows.json', disableEditor: true,"
                    " credentialSecret: false, telemetry: { enabled: false } };\n")
        self.h.run("node", self.program, "--userDir", folder, "--settings", os.path.join(folder, "settings.js"),
                   "--port", str(self.port), port=self.port)
