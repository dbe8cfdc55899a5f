#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The shipped unit under a real systemd: readiness, watchdog, reload, sandbox, journal. KTAP on
standard output.    run.py [NAME...]
"""
import json
import math
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../upstream"))
# pylint: disable=wrong-import-position
import tap
from bench import wait
from machine import Machine
from tap import test

RATE = 800
ASK = ("curl", "-s", "--unix-socket", "/run/meterd/meterd.sock")
CONF = """[gateway]
name = house
[source]
replay = /etc/meterd/house.csv
repeat = 1000000000
speed = {speed}
[topology]
type = 1p
[load house]
role = grid
inputs = hub0/c0
phases = L1
[registers]
file = /var/lib/meterd/registers
[store]
file = /var/lib/meterd/records.db
[http]
listen = 127.0.0.1:8080
socket = /run/meterd/meterd.sock
token_file = /etc/meterd/token
"""


def recording():
    yield f"# sample rate: {RATE} Hz\nL1,hub0/c0\n"
    for n in range(RATE):
        x = math.sqrt(2) * math.sin(2 * math.pi * 50 * n / RATE)
        yield f"{230 * x:.3f},{x:.4f}\n"


def configure(m, *more, speed=1):
    m.write("/etc/meterd/house.csv", "".join(recording()))
    m.write("/etc/meterd/token", "secret-0123456789abcdef\n")
    m.write("/etc/meterd/meterd.conf", CONF.format(speed=speed) + "\n".join(more))


def command(m, name, **arguments):
    return json.loads(m.run(*ASK, "-H", "Authorization: Bearer secret-0123456789abcdef", "-H",
                            "Content-Type: application/json", "-d", json.dumps(arguments),
                            f"http://localhost/api/v1/commands/{name}"))


def measures(m):
    return "p_w" in m.run(*ASK, "http://localhost/api/v1/live", check=False)


def imported(m):
    return json.loads(m.run(*ASK, "http://localhost/api/v1/live"))["loads"][0]["import_wh"]


@test
def what_is_installed_starts_without_further_ado():
    """The steps of README.md, with the shipped configuration, on a board that has no modules yet."""
    with Machine() as m:
        m.run("systemctl", "enable", "--now", "meterd")
        wait(lambda: m.show("StatusText") == "Waiting for modules", 10, "it waits for modules")
        assert (m.show("ActiveState"), m.show("SubState")) == ("active", "running")
        m.tells("waiting for a voltage module")
        said = m.run("meterctl", "list", check=False)
        assert "/sys/bus/smappee/devices: No such file or directory" in said and "modprobe smappee_bus" in said, said
        said = m.run("meterctl", "status", check=False)
        assert "waits for modules; see 'systemctl status meterd'" in said, said


@test
def ready_when_it_measures_and_back_when_it_was_killed():
    with Machine() as m:
        m.write("/etc/meterd/meterd.conf", "[mqtt]\nport = 0\n")
        said = m.run("systemctl", "start", "meterd", check=False)
        assert "failed" in said, said
        assert m.show("ActiveState") != "active"
        m.tells("meterd.conf:2: [mqtt] port = 0: not a whole number from 1 to 65535", "-p", "err")
        m.run("systemctl", "stop", "meterd")
        configure(m)
        m.run("systemctl", "start", "meterd")
        assert (m.show("ActiveState"), m.show("SubState"), m.show("Type")) == ("active", "running", "notify")
        pid = m.show("MainPID")
        wait(lambda: measures(m) and imported(m) > 0.1, 30, "it measures", every=0.2)
        # in memory, and kept over the restart: the checkpoints on the medium are a minute apart
        counted = imported(m)
        m.run("systemctl", "kill", "-s", "KILL", "meterd")
        wait(lambda: m.show("ActiveState") == "active" and m.show("MainPID") != pid and measures(m), 20, "it is back",
             every=0.2)
        assert imported(m) >= counted, f"{imported(m)} Wh after {counted} Wh"
        assert int(m.show("NRestarts")) >= 1
        m.run("systemctl", "stop", "meterd")
        assert m.show("Result") == "success"


@test
def a_unit_that_has_failed_loses_nothing():
    """Killed and not restarted: what is noted in memory is there for the start by hand."""
    with Machine() as m:
        m.write("/etc/systemd/system/meterd.service.d/once.conf", "[Service]\nRestart=no\n")
        m.run("systemctl", "daemon-reload")
        configure(m)
        m.run("systemctl", "start", "meterd")
        wait(lambda: measures(m) and imported(m) > 0.1, 30, "it measures", every=0.2)
        counted = imported(m)
        m.run("systemctl", "kill", "-s", "KILL", "meterd")
        wait(lambda: m.show("ActiveState") == "failed", 20, "the unit has failed", every=0.2)
        m.run("systemctl", "start", "meterd")
        wait(lambda: measures(m), 30, "it measures again", every=0.2)
        assert imported(m) >= counted, f"{imported(m)} Wh after {counted} Wh"


@test
def a_sample_path_that_is_silent_is_restarted():
    """The watchdog of the unit, made shorter: it bites though the event loop runs."""
    with Machine() as m:
        m.write("/etc/systemd/system/meterd.service.d/short.conf", "[Service]\nWatchdogSec=3\n")
        m.run("systemctl", "daemon-reload")
        configure(m)
        m.run("systemctl", "start", "meterd")
        pid = m.show("MainPID")
        wait(lambda: int(m.run("ps", "-o", "etimes=", "-p", pid)) >= 6, 20, "six seconds pass", every=0.2)
        assert m.show("MainPID") == pid and m.show("NRestarts") == "0", "it was restarted while samples came"
        configure(m, speed=0.001)
        m.run("systemctl", "restart", "meterd")
        wait(lambda: m.run(*ASK, "-o", "/dev/null", "-w", "%{http_code}", "http://localhost/api/v1/live",
                           check=False) == "503", 10, "the API answers that there is no reading")
        wait(lambda: int(m.show("NRestarts")) > 0, 20, "it is restarted", every=0.2)
        m.tells("Watchdog timeout")


@test
def a_reload_changes_the_ways_out_and_nothing_else():
    with Machine() as m:
        configure(m)
        m.run("systemctl", "start", "meterd")
        pid = m.show("MainPID")

        def listens(port):
            return f":{port} " in m.run("ss", "-ltnH")
        wait(lambda: listens(8080), 10, "the API is there")
        configure(m, "[modbus]\nlisten = 127.0.0.1:1502\n")
        m.run("systemctl", "reload", "meterd")
        wait(lambda: listens(1502), 10, "Modbus is there")
        wait(lambda: m.show("StatusText") == "Measuring", 10, "the status says so")
        # that of the API: good to read, and not to be had
        configure(m, "[modbus]\nlisten = 127.0.0.1:8080\n")
        m.run("systemctl", "reload", "meterd")
        wait(lambda: "before the reload" in m.show("StatusText"), 10, "the status says that it was refused")
        assert listens(1502) and m.show("MainPID") == pid and m.show("NRestarts") == "0"
        m.tells("the old one stays", "-p", "err", "METERD_PART=reload")


@test
def config_set_works_under_the_shipped_unit():
    with Machine() as m:
        configure(m, "[modbus]\nlisten = 127.0.0.1:1502\n")
        m.run("systemctl", "start", "meterd")
        before = m.read("/etc/meterd/meterd.conf")
        answer = command(m, "config-set", section="modbus", key="unit", value="7")
        assert answer["ok"], answer
        wait(lambda: command(m, "config-get", section="modbus")["result"]["unit"] == "7", 10, "it is in force", every=1.1)
        assert not command(m, "config-set", section="store", key="file", value="/tmp/x")["ok"]
        m.run("systemctl", "restart", "meterd")
        assert command(m, "config-get", section="modbus")["result"]["unit"] == "7", "after a restart"
        assert m.read("/etc/meterd/meterd.conf") == before
        assert "unit = 7" in m.read("/var/lib/meterd/settings.conf")
        m.tells("win over those of /etc/meterd/meterd.conf")
        assert command(m, "config-unset", section="modbus", key="unit")["ok"]
        wait(lambda: command(m, "config-get", section="modbus")["result"]["unit"] == "1", 10, "the file's again", every=1.1)
        for name in ("config-set", "config-unset"):
            m.tells(name, "METERD_PART=command")


@test
def the_journal_can_be_filtered():
    with Machine() as m:
        configure(m, "[mqtt]\nport = 1\n")
        m.run("systemctl", "start", "meterd")
        wait(lambda: "no connection" in m.journal("METERD_PART=mqtt"), 20, "a message about MQTT", every=0.2)
        assert "measuring" not in m.journal("METERD_PART=mqtt")
        assert "no connection" in m.journal("-p", "warning")
        assert "measuring" not in m.journal("-p", "warning")
        entries = [json.loads(x) for x in m.journal("METERD_PART=mqtt", "-o", "json").splitlines()]
        assert all(e["SYSLOG_IDENTIFIER"] == "meterd" and e["_PID"] == m.show("MainPID") for e in entries), entries


@test
def the_way_to_other_machines_is_told():
    """A broker elsewhere is beyond what the unit lets through, as shipped; the log says what opens the way."""
    with Machine() as m:
        configure(m, "[mqtt]\nhost = 192.0.2.1\n[influx]\nurl = http://192.0.2.1:8086\n")
        m.run("systemctl", "start", "meterd")
        for part in ("mqtt", "influx"):
            wait(lambda: "IPAddressAllow" in m.journal(f"METERD_PART={part}"), 20, f"{part} says what opens the way", every=0.2)
        # what the message and meterd.conf(5) say
        m.write("/etc/systemd/system/meterd.service.d/network.conf", "[Service]\nIPAddressAllow=192.0.2.1\n")
        m.run("systemctl", "daemon-reload")
        m.run("systemctl", "restart", "meterd")
        wait(lambda: "refused" in m.journal("METERD_PART=mqtt"), 20, "the way is open", every=0.2)
        # a private network needs nothing of that
        m.run("rm", "/etc/systemd/system/meterd.service.d/network.conf")
        m.run("systemctl", "daemon-reload")
        m.run("ip", "address", "add", "10.1.2.3/32", "dev", "lo")
        configure(m, "[mqtt]\nhost = 10.1.2.3\n")
        m.run("systemctl", "restart", "meterd")
        wait(lambda: "10.1.2.3:1883: no connection (Connection refused)" in m.journal("METERD_PART=mqtt"), 20,
             "a private network is open", every=0.2)


@test
def the_sandbox_is_in_force():
    """What is forbidden fails, and with the error of the sandbox; the same program outside of it can."""
    forbidden = {
        "write to /srv/open": "EROFS", "write to /etc/meterd": "EACCES", "read /home": "EACCES",
        "open a device": "EPERM", "namespace": "EPERM", "mount": "EPERM", "writable code": "EACCES",
        "packets": "EAFNOSUPPORT", "netlink": "EAFNOSUPPORT", "send to another machine": "EPERM",
        "personality": "EPERM", "set-user-ID": "EPERM", "real-time": "EPERM", "see process 1": "ENOENT",
        "set the clock": "EPERM",
    }
    allowed = {"write to /var/lib/meterd": "done", "write to /run/meterd": "done", "open /dev/null": "done",
               "send to this machine": "done", "ask for the state of the clock": "done",
               "bound its own memory": "done"}
    with Machine() as m:
        configure(m)
        for folder in ("/srv/open", "/home"):
            os.makedirs(m.path(folder), exist_ok=True)
            os.chmod(m.path(folder), 0o777)
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.py"), encoding="utf8") as f:
            m.write("/usr/lib/probe.py", f.read())
        unit = m.read("/usr/lib/systemd/system/meterd.service")
        unit = re.sub(r"ExecStart=.*", "ExecStart=/usr/bin/python3 /usr/lib/probe.py", unit)
        unit = re.sub(r"Type=notify", "Type=oneshot", unit)
        # the answer of the filter is to end the program; here it goes on to the next probe
        unit = re.sub(r"Restart=.*|WatchdogSec=.*", "SystemCallErrorNumber=EPERM", unit)
        m.write("/usr/lib/systemd/system/probe.service", unit)
        m.run("systemctl", "daemon-reload")
        m.run("systemctl", "start", "probe")
        found = json.loads(m.read("/var/lib/meterd/probe.json"))
        for name, expected in {**forbidden, **allowed}.items():
            assert found[name] == expected, f"{name}: {found[name]}, not {expected}"
        assert found["NoNewPrivs"] == "1" and found["Seccomp"] == "2" and found["uid"] != 0, found
        assert int(found["CapEff"], 16) == 0 and int(found["CapBnd"], 16) == 0, found
        # each of them is possible without the sandbox
        m.run("rm", "-rf", "/var/lib/meterd", "/run/meterd")
        m.run("mkdir", "-p", "/var/lib/meterd", "/run/meterd")
        m.run("python3", "/usr/lib/probe.py")
        outside = json.loads(m.read("/var/lib/meterd/probe.json"))
        free = [name for name in forbidden if outside[name] == forbidden[name]]
        assert not free, f"no test of the sandbox: {free}"


if __name__ == "__main__":
    sys.exit(tap.run()[0])
