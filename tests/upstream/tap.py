# SPDX-License-Identifier: GPL-2.0-or-later
"""
Runs tests that wait most of their time: several at once, each in a process with a network
and mounts of its own, so that neither ports nor rules of a firewall meet. KTAP on standard
output, in order. JOBS says how many at once.
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    """A run that is cut off leaves nothing behind that measures on."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def isolate():
    os.unshare(os.CLONE_NEWNET | os.CLONE_NEWNS)
    subprocess.run(["mount", "--make-rprivate", "/"], check=False, capture_output=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Skip(Exception):
    """The test cannot run here; the text says why."""


class Job:
    """A running test."""

    def __init__(self, function, folder):
        self.name = function.__name__
        self.output = os.path.join(folder, self.name)
        self.began = time.monotonic()
        self.seconds = None
        self.pid = os.fork()
        if not self.pid:
            self.child(function)

    def child(self, function):
        out = os.open(self.output, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        status = 0
        try:
            die_with_parent()
            isolate()
            row = function()
            if row:
                print("# row " + json.dumps(row))
        except Skip as e:
            print(f"# skip {e}")
            status = 2
        except BaseException as e:  # pylint: disable=broad-except
            print("# " + traceback.format_exc().replace("\n", "\n# "))
            print(f"# error {e}".split("\n", maxsplit=1)[0])
            status = 1
        sys.stdout.flush()
        os._exit(status)

    def finish(self, status):
        self.seconds = time.monotonic() - self.began
        self.status = os.waitstatus_to_exitcode(status)

    def tell(self, number):
        with open(self.output, encoding="utf8", errors="replace") as f:
            lines = f.read().splitlines()
        for line in lines:
            if not line.startswith(("# row", "# skip")):
                print(line if line.startswith("#") else "# " + line)
        skip = next((x[7:] for x in lines if x.startswith("# skip ")), None)
        words = f"ok {number} {self.name} # " + (f"SKIP {skip}" if skip else f"{self.seconds:.1f} s")
        print(words if self.status in (0, 2) else "not " + words, flush=True)
        return [json.loads(x[6:]) for x in lines if x.startswith("# row ")]


TESTS = []


def test(function):
    """Decorates what run() runs."""
    TESTS.append(function)
    return function


def long_test(function):
    """The same for one that takes longer than the others, and begins before them."""
    TESTS.insert(0, function)
    return function


def run():
    """All tests, or those named as arguments. Gives (the exit status, the rows they returned)."""
    chosen = [t for t in TESTS if len(sys.argv) == 1 or t.__name__ in sys.argv[1:]]
    at_once = int(os.environ.get("JOBS", "6"))
    print(f"KTAP version 1\n1..{len(chosen)}", flush=True)
    rows, jobs, told = [], [], 0
    with tempfile.TemporaryDirectory(prefix="tests-") as folder:
        waiting = list(chosen)
        while told < len(chosen):
            while waiting and sum(j.seconds is None for j in jobs) < at_once:
                jobs.append(Job(waiting.pop(0), folder))
            pid, status = os.wait()
            for j in jobs:
                if j.pid == pid:
                    j.finish(status)
            while told < len(jobs) and jobs[told].seconds is not None:
                rows += jobs[told].tell(told + 1)
                told += 1
    return int(any(j.status not in (0, 2) for j in jobs)), rows
