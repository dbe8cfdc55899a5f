# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of tests as TAP, to a file and to standard output."""

import os
import time

# A result that took longer has its seconds below it.
LONG_S = 1


class Tap:
    """Counts tests; a name is a sentence about behaviour."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.out = open(path, "w", encoding="utf-8")
        self.count = 0
        self.failed = 0
        self.before = time.monotonic()  # when the last result was there
        self._write("TAP version 13")

    def _write(self, line):
        print(line, file=self.out, flush=True)
        print(line, flush=True)

    def note(self, text):
        for line in str(text).splitlines():
            self._write(f"# {line}")

    def ok(self, good, name, detail=""):
        """One result; DETAIL holds the numbers and is shown in any case."""
        self.count += 1
        self.failed += not good
        self._write(f"{'ok' if good else 'not ok'} {self.count} - {name}" + (f": {detail}" if detail else ""))
        now = time.monotonic()
        if now - self.before >= LONG_S:
            self.note(f"{now - self.before:.1f} s")
        self.before = now
        return good

    def skip(self, name, why):
        self.count += 1
        self._write(f"ok {self.count} - {name} # SKIP {why}")

    def nested(self, text, good, name):
        """The output of a TAP program of its own, and its result."""
        for line in text.splitlines():
            self._write("    " + line)
        self.ok(good, name)

    def end(self):
        self._write(f"1..{self.count}")
        self.out.close()
        return 1 if self.failed or not self.count else 0
