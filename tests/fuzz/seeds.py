#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds - the worked answers of protocol.rst as seeds of the fuzz targets.

    tests/fuzz/seeds.py FOLDER      writes FOLDER/answer_fuzz/* and FOLDER/samples_fuzz/*
"""

import pathlib
import sys

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


def main(folder):
    for target in ("answer_fuzz", "samples_fuzz"):
        (folder / target).mkdir(parents=True, exist_ok=True)
    for number, (name, frame) in enumerate(frames()):
        if "request" in name:
            continue
        function = frame[1] & 0x7F
        if function == 0x42:
            head = DISCOVER[frame[2], frame[3] != 0]
        else:
            head = {0x03: 36, 0x41: 254}.get(function, REQUEST[function])
        (folder / "answer_fuzz" / f"{number:02}-{name}").write_bytes(bytes([head]) + frame)
        if function == 0x41 and frame[2] in (3, 4):
            scans = int.from_bytes(frame[10:12], "big")
            head = bytes([frame[2] & 1, frame[3] - 1, scans // 4])
            (folder / "samples_fuzz" / f"{number:02}-{name}").write_bytes(head + frame[16:-6])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
