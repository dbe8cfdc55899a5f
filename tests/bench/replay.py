#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed of a replay and memory of a running meterd, of 31 channels at 4 kHz.

    replay.py METERD METERCTL

The recording is made here: COMTRADE, 16 bit, three voltages and 28 loads. First the program
computes it as fast as it can, then a meterd with everything on (records, MQTT to a broker,
InfluxDB that is not there, SunSpec, HTTP with a client that reads the stream, power quality,
wiring, a capture) takes it in real time, for two minutes. Memory is what it shares with nobody,
Private_Clean and Private_Dirty of smaps_rollup, of all its processes together. The clean part is
code of libraries that no other program of the machine runs at that moment. Prints JSON lines.
"""

import glob
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import time

RATE = 4000
CYCLE = 80
LOADS = 28
SECONDS = 20
SPEED_SECONDS = 1200
STEADY_S = 110
GOAL_MB = 8.0
UNITS = {"V": 0.015, "A": 0.003}

SETTINGS = """[gateway]
name = bench
settings = {folder}/settings
modules = {folder}
[topology]
type = 3p+n
tuning = {folder}/tuning
[quality]
enabled = yes
nominal_v = 230
nominal_hz = 50
state = {folder}/quality
"""

OUTPUTS = """[registers]
file = {folder}/registers
[store]
file = {folder}/store.db
[mqtt]
host = 127.0.0.1
port = {broker}
discovery = homeassistant
[influx]
url = http://127.0.0.1:9
[modbus]
listen = 127.0.0.1:0
[http]
listen = 127.0.0.1:{port}
socket = {folder}/sock
"""


def names():
    return ["L1", "L2", "L3"] + [f"hub{k // 4 + 1}/{'ABCD'[k % 4]}" for k in range(LOADS)]


def recording(folder):
    """NAME.cfg and NAME.dat of SECONDS seconds. Return: path of the .cfg."""
    base, scans = f"{folder}/house", SECONDS * RATE
    with open(f"{base}.cfg", "w", encoding="utf-8") as cfg:
        cfg.write(f"bench,1,1999\r\n{3 + LOADS},{3 + LOADS}A,0D\r\n")
        for k, name in enumerate(names()):
            unit = "V" if k < 3 else "A"
            cfg.write(f"{k + 1},{name},,,{unit},{UNITS[unit]},0,0,-32767,32767,1,1,P\r\n")
        cfg.write(f"50\r\n1\r\n{RATE},{scans}\r\n01/01/2026,00:00:00.000000\r\n"
                  "01/01/2026,00:00:00.000000\r\nBINARY\r\n1\r\n")
    rows = []
    for at in range(CYCLE):
        turn = 2 * math.pi * at / CYCLE
        v = [325.3 * math.cos(turn - 2 * math.pi * k / 3) / UNITS["V"] for k in range(3)]
        i = [(2 + k) * (math.cos(turn - 2 * math.pi * k / 3 - math.pi / 6) + 0.2 * math.cos(3 * turn))
             / UNITS["A"] for k in range(LOADS)]
        rows.append(struct.pack(f"<{3 + LOADS}h", *(round(x) for x in v + i)))
    with open(f"{base}.dat", "wb") as dat:
        for n in range(scans):
            dat.write(struct.pack("<II", n + 1, n * 1000000 // RATE) + rows[n % CYCLE])
    return f"{base}.cfg"


def configuration(folder, name, *parts):
    path = f"{folder}/{name}.conf"
    loads = "".join(f"[load load {k + 1}]\nrole = {'submeter' if k else 'grid'}\ninputs = {n}\nphases = L{k % 3 + 1}\n"
                    for k, n in enumerate(names()[3:]))
    with open(path, "w", encoding="utf-8") as conf:
        conf.write("".join(parts) + loads)
    return path


def figure(name, value, unit, against, ratio):
    print(json.dumps({"name": name, "value": value, "unit": unit, "against": against, "ratio": ratio}), flush=True)


def speed(meterd, folder, file):
    """Seconds of recording per second of one processor, readings printed and power quality on."""
    path = configuration(folder, "speed", SETTINGS.format(folder=folder),
                         f"[source]\nrepeat = {SPEED_SECONDS // SECONDS}\n")
    before = os.times()
    done = subprocess.run([meterd, "--config", path, "--replay", file], stdout=subprocess.PIPE, check=True)
    after = os.times()
    took = after.children_user + after.children_system - before.children_user - before.children_system
    readings = done.stdout.count(b"\n")
    if readings < 0.9 * SPEED_SECONDS:
        raise SystemExit(f"replay: only {readings} readings of {SPEED_SECONDS} s")
    figure("replay speed, 31 channels at 4 kHz, everything computed", SPEED_SECONDS / took, "s/s", 1, SPEED_SECONDS / took)


def family(pid):
    """PID and all that come from it."""
    found = [pid]
    for child in open(f"/proc/{pid}/task/{pid}/children", encoding="ascii").read().split():
        found += family(int(child))
    return found


def private_kb(pid, what):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
        return sum(int(line.split()[1]) for line in text if line.startswith(what))


def memory(meterd, meterctl, folder, file):
    port = 20000 + os.getpid() % 10000
    broker = port + 10000
    with open(f"{folder}/mosquitto.conf", "w", encoding="utf-8") as conf:
        conf.write(f"listener {broker} 127.0.0.1\nallow_anonymous true\n")
    path = configuration(folder, "memory", SETTINGS.format(folder=folder),
                         OUTPUTS.format(folder=folder, broker=broker, port=port),
                         f"[source]\nreplay = {file}\nrepeat = 1000\nspeed = 1\nclock = system\n")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen(["mosquitto", "-c", f"{folder}/mosquitto.conf"], **quiet)]
    try:
        with open(f"{folder}/meterd.log", "wb") as log:
            daemon = subprocess.Popen([meterd, "--config", path], stdout=log, stderr=log)
        started.append(daemon)
        end = time.monotonic() + STEADY_S
        time.sleep(5)
        started.append(subprocess.Popen(["curl", "-sN", f"http://127.0.0.1:{port}/api/v1/events"], **quiet))
        started.append(subprocess.Popen([meterctl, "--socket", f"{folder}/sock", "capture", str(STEADY_S * 2),
                                         f"{folder}/out.smcap"], **quiet))
        while time.monotonic() < end:
            if daemon.poll() is not None:
                sys.stderr.write(open(f"{folder}/meterd.log", encoding="utf-8").read())
                raise SystemExit("replay: meterd ended")
            time.sleep(1)
        dirty = sum(private_kb(pid, "Private_Dirty") for pid in family(daemon.pid)) / 1024
        clean = sum(private_kb(pid, "Private_Clean") for pid in family(daemon.pid)) / 1024
        # the capture has another name until it is complete
        captured = sum(os.path.getsize(f) for f in glob.glob(f"{folder}/*out.smcap*"))
        ended = [process.args[0] for process in started if process.poll() is not None]
        if captured < 1e6 or ended:
            raise SystemExit(f"replay: while memory was measured {captured} bytes were captured, ended: {ended}")
        figure("memory of meterd, 31 channels, everything on: nobody shares it", dirty + clean, "MB", GOAL_MB,
               (dirty + clean) / GOAL_MB)
        figure("the same without code that is in its file too", dirty, "MB", GOAL_MB, dirty / GOAL_MB)
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: replay.py METERD METERCTL")
    with tempfile.TemporaryDirectory() as folder:
        file = recording(folder)
        speed(sys.argv[1], folder, file)
        memory(sys.argv[1], sys.argv[2], folder, file)


if __name__ == "__main__":
    main()
