# SPDX-License-Identifier: GPL-2.0-or-later
"""
Brokers and databases that go away, come back, refuse, lie and shout.
"""
import contextlib
import gzip
import signal
import socket
import subprocess
import threading
import time

from bench import Broker, House, Listener, all_arrived, free_port, wait
from outage_rig import KEEPING, Lateness, back, grown, house, row
from peers import Fake, Influx1, certificate, tls_extra
from tap import long_test, test

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
