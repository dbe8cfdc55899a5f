# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that boot from nothing but an initrd: what tests/vm/small/init.c says on their
console in TAP, and the kernel's log after it."""

import concurrent.futures
import os
import re
import shutil
import socket
import threading

from stages import scenario
from vm import ALARMS, Failure, Simulator, claim, connect, reap, spawn, tail

# What the kernel puts before the lines of its log.
STAMP = re.compile(r"^\[ *\d+\.\d+\] ")


class Console:
    """The lines of a machine's console, as they come, until its plan."""

    def __init__(self, path, process, log):
        self.link = connect(path, process, 10)
        self.log = log
        self.lines = []
        self.end = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with open(self.log, "wb") as log:
            try:
                for line in self.link.makefile("rb"):
                    log.write(line)
                    log.flush()
                    self.lines.append(STAMP.sub("", line.decode(errors="replace").strip()))
                    if re.match(r"1\.\.\d+$", self.lines[-1]):
                        break
            except OSError:
                pass
        self.end.set()

    def close(self):
        try:
            self.link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.link.close()


def boot(name, arguments, modules, limit_s):
    """Boot QEMU with ARGUMENTS, in which {work} is the folder of the run; the segment's port is
    its socket uart0, on which the scenario MODULES is, the console its socket console. Return
    the lines of the console."""
    lock, work = claim(name)
    shutil.rmtree(work, ignore_errors=True)
    machine = sim = console = None
    try:
        os.makedirs(work)
        machine = spawn([a.format(work=work) for a in arguments], f"{work}/qemu.log")
        console = Console(f"{work}/console", machine, f"{work}/console.log")
        sim = Simulator(scenario(modules), work, 0)
        if not console.end.wait(limit_s):
            raise Failure(f"{name}: no end in {limit_s} s; {work}/console.log ends with:\n"
                          + tail(f"{work}/console.log") + tail(f"{work}/qemu.log"))
        return console.lines
    finally:
        if sim:
            sim.close()
        if console:
            console.close()
        reap(machine)
        lock.close()


def judge(tap, name, lines):
    """The lines of the console as tests of TAP."""
    plan, before = None, tap.count
    for line in lines:
        result = re.match(r"(not )?ok \d+ - ([^:]*): (.*)", line)
        plan = plan or re.match(r"1\.\.(\d+)$", line)
        if result:
            tap.ok(not result[1], f"{name}: {result[2]}", result[3])
        elif line.startswith("# "):
            tap.note(line[2:])
        elif ALARMS.search(line):
            tap.ok(False, f"{name}: the kernel has nothing to complain about", line)
    tap.ok(plan and tap.count - before == int(plan[1]),
           f"{name}: all tests came to their end, and nothing else was said",
           f"{tap.count - before} of {plan[1] if plan else 'unknown'}")


def run(tap, machines, limit_s):
    """Boot MACHINES, {name: (arguments, modules)}, all at once, and judge one after the other."""
    with concurrent.futures.ThreadPoolExecutor(len(machines)) as pool:
        booted = {name: pool.submit(boot, name, *machine, limit_s) for name, machine in machines.items()}
    for name, lines in booted.items():
        try:
            judge(tap, name, lines.result())
        except Failure as failure:
            tap.note(failure)
            tap.ok(False, f"{name} comes to its end", str(failure).splitlines()[0])


def console_and_port():
    """The segment on the first port, the console on the second."""
    return ["-chardev", "socket,id=uart0,path={work}/uart0,server=on,wait=off",
            "-chardev", "socket,id=console,path={work}/console,server=on,wait=off",
            "-serial", "chardev:uart0", "-serial", "chardev:console"]
