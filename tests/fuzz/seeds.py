#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds - the worked answers of protocol.rst, and small recordings, as seeds of the fuzz targets.

    tests/fuzz/seeds.py FOLDER      writes FOLDER/TARGET/* for each of them
"""

import pathlib
import struct
import sys
import zlib

PAGE = pathlib.Path(__file__).parents[2] / "Documentation/driver-api/smappee/protocol.rst"
# what the first byte of an input of answer_fuzz must be (its request_for())
REQUEST = {0x03: 0, 0x10: 1, 0x41: 2, 0x43: 3}
# of a discover answer: by its operation, and whether it names a unit
DISCOVER = {(0x81, False): 0x83, (0x81, True): 0xB7, (0x82, True): 0xC3}


def frames():
    name, data = None, b""
    for line in PAGE.read_text().split("Worked frames\n", 1)[1].splitlines():
        if line.startswith("    # "):
            if data:
                yield name, data
            name, data = line.split()[1], b""
        elif line.startswith("    ") and name:
            data += bytes.fromhex(line)
    yield name, data


CSV = b"# sample rate: 4000 Hz\n# channel L1: unit V scale 0.5 offset 1\nL1,A\n1,2\n-3,4e2\n"
COMTRADE = (b"x,y,%d\n3,2A,1D\n1,U1,A,,kV,0.1,0,0,-9,9,2,1,S\n2,I1,A,,A,1,0,0,-9,9,1,1,P\n1,t,,,0\n50\n1\n4000,9\n"
            b"01/01/2026,00:00:00\n01/01/2026,00:00:00\n%s\n1\n\0")


def frame(payload):
    return struct.pack("<II", len(payload), zlib.crc32(payload)) + payload


def recordings():
    yield b"\0" + CSV
    yield b"\1" + COMTRADE % (1999, b"ASCII") + b"1,0,1,2,0\n2,250,-1,,1\n"
    for year, kind, size in ((1991, b"BINARY", 2), (2013, b"BINARY32", 4), (2013, b"FLOAT32", 4)):
        yield b"\1" + COMTRADE % (year, kind) + bytes(range((8 + 2 * size + 2) * 3))
    json = b'{"version":1,"rate_hz":4000,"channels":[{"name":"L1","scale":0.01},{"name":"A","scale":null}]}'
    head = b"SMAPCAP\n" + struct.pack("<II", len(json), zlib.crc32(json)) + json
    scans = b"S\0" + struct.pack("<Hqq", 2, 1000, 5) + b"\3" + b"\xff" + struct.pack("<q", 251000)
    scans += b"\0" + b"\x01" + b"\xff" + struct.pack("<ff", 0.5, 1e9)
    for choice in (b"\2", b"\3"):
        yield choice + head + frame(scans) + frame(b"Ewhy")


# what comes from outside, by target
OUTSIDE = {
    "command_fuzz": (b'\0{"command":"output","name":"boiler","state":"on","seconds":60}', b'\1{"name":"a"}', b"\1"),
    "modbus_fuzz": (bytes.fromhex("1234000000060103 9c400002"), bytes.fromhex("000100000006 01 04 9c40 007d 0002000000060110 9c400001")),
    "config_fuzz": (
        b"[gateway]\nname = a\n[topology]\ntype = 3p+n\n[load grid]\nrole = grid\n"
        b"inputs = hub1/A, hub1/B, hub1/C\nphases = L1, L2, L3\nreversed = no\n[load rest]\nrole = virtual\n"
        b"formula = grid - grid\n[contact gas]\ninput = meters/1\nkind = gas\nunit = m3\npulses_per_unit = 100\nstart = 1.5\n"
        b"[contact door]\ninput = meters/2\nkind = state\nmin_open_ms = 30\n[relay boiler]\noutput = relays/2\nneeds = grid, rest\n[mqtt]\nport = 1884\n[modbus]\nlisten = [::1]:502\n",
    ),
    "http_fuzz": (
        b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n",
        b"POST /api/v1/commands/reload HTTP/1.1\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
}


def main(folder):
    (folder / "recording_fuzz").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(recordings()):
        (folder / "recording_fuzz" / f"{number:02}").write_bytes(seed)
    for target in ("answer_fuzz", "samples_fuzz"):
        (folder / target).mkdir(parents=True, exist_ok=True)
    for target, seeds in OUTSIDE.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / target / f"{number:02}").write_bytes(seed)
    for number, (name, data) in enumerate(frames()):
        if "request" in name:
            continue
        function = data[1] & 0x7F
        if function == 0x42:
            head = DISCOVER[data[2], data[3] != 0]
        else:
            head = {0x03: 36, 0x41: 254}.get(function, REQUEST[function])
        (folder / "answer_fuzz" / f"{number:02}-{name}").write_bytes(bytes([head]) + data)
        if function == 0x41 and data[2] in (3, 4):
            scans = int.from_bytes(data[10:12], "big")
            head = bytes([data[2] & 1, data[3] - 1, scans // 4])
            (folder / "samples_fuzz" / f"{number:02}-{name}").write_bytes(head + data[16:-6])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
