# SPDX-License-Identifier: GPL-2.0-or-later
"""
The medium of records and registers: full, frozen, read-only, damaged.
"""
import contextlib
import os
import signal
import subprocess
import time

import tap
from bench import all_arrived, wait
from outage_rig import grown, house, live_goes_on, row
from tap import test

@test
def medium_full():
    def prepare(h):
        h.medium = h.path("medium")
        os.mkdir(h.medium)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", h.medium], check=True)
    with house(prepare) as (h, _, l):
        fill = h.on_medium("fill")
        with open(fill, "wb") as f, contextlib.suppress(OSError):
            while True:
                f.write(b"x" * 4096)
                f.flush()
        wait(lambda: "cannot be written" in h.log(), 60, "meterd says that the medium is full")
        with live_goes_on(l, 2):
            wait(lambda: "records wait" in h.log() or l.live > 200, 60, "it goes on")
            time.sleep(3)
        stored = len(h.stored())
        os.remove(fill)
        wait(lambda: "can be written again" in h.log(), 70, "it goes on by itself")
        wait(lambda: len(h.stored()) > stored + 5, 20, "what waited is stored")
        wait(lambda: all_arrived(h, l), 30, "and arrives")
        return row("medium full", h, l, 0, "records wait in memory", limit=0)


@test
def medium_hangs():
    """A file system that lets nobody write, as one on a card that does not answer any more."""
    def prepare(h):
        h.medium = h.path("medium")
        os.mkdir(h.medium)
        subprocess.run(["truncate", "-s", "24M", h.path("image")], check=True)
        subprocess.run(["mkfs.ext4", "-q", h.path("image")], check=True)
        if subprocess.run(["mount", "-o", "loop", h.path("image"), h.medium], check=False).returncode:
            raise tap.Skip("no loop device here")
        # without systemd: meterd finds a place in memory for notes of the registers by itself
        assert "RUNTIME_DIRECTORY" not in os.environ

    def registers(h):
        return f"interval_s = 1\n[quality]\nstate = {h.on_medium('week')}\n"
    with house(prepare, registers=registers) as (h, _, l):
        wait(lambda: os.path.exists(h.on_medium("week")), 30, "the state of the week is written")
        subprocess.run(["fsfreeze", "-f", h.medium], check=True)
        try:
            with live_goes_on(l, 2):
                wait(lambda: "has not taken the last checkpoint yet" in h.log(), 60, "meterd says that it hangs")
                time.sleep(3)
        finally:
            subprocess.run(["fsfreeze", "-u", h.medium], check=True)
        wait(lambda: "the medium answers again" in h.log(), 60, "it goes on by itself")
        grown(h)
        wait(lambda: all_arrived(h, l), 30, "what waited arrives")
        return row("medium hangs", h, l, 0, "records wait in memory, checkpoints in a process", limit=0)


@test
def medium_read_only():
    """The file system gives up (as ext4 does at an error), is repaired and comes back."""
    def mount(h):
        if subprocess.run(["mount", "-o", "loop", h.path("image"), h.medium], check=False).returncode:
            raise tap.Skip("no loop device here")

    def prepare(h):
        h.medium = h.path("medium")
        os.mkdir(h.medium)
        subprocess.run(["truncate", "-s", "24M", h.path("image")], check=True)
        subprocess.run(["mkfs.ext4", "-q", h.path("image")], check=True)
        mount(h)
    with house(prepare, registers="interval_s = 2\n") as (h, _, l):
        subprocess.run(["mount", "-o", "remount,abort", h.medium], check=False, capture_output=True)
        wait(lambda: h.log().count("cannot be written") >= 2, 60, "meterd says that the medium is read-only")
        with live_goes_on(l, 2):
            time.sleep(3)
        subprocess.run(["umount", "-l", h.medium], check=True)
        wait(lambda: not subprocess.run(["losetup", "-j", h.path("image")], check=True,
                                        capture_output=True).stdout, 90, "the old file system is let go")
        subprocess.run(["e2fsck", "-fy", h.path("image")], check=False, capture_output=True)
        mount(h)
        wait(lambda: h.log().count("can be written again") >= 2, 90, "it goes on by itself")
        grown(h, 5)
        wait(lambda: all_arrived(h, l), 30, "the records arrive")
        result = row("medium becomes read-only, is repaired and mounted again", h, l, 0,
                     "records wait in memory; meterd goes on without a restart", limit=0)
        return result


@test
def database_damaged():
    """Of what is on the medium a quarter is overwritten; nothing waits there to be sent."""
    with house(speed=300) as (h, b, l):
        grown(h, 250)
        h.stop()
        # a second takes minutes now: no interval ends, and the killed process does not end one either
        h.speed = 0.01
        h.configure(b.section())
        h.start()
        wait(lambda: all_arrived(h, l), 60, "all arrive")
        last = dict(l.registers)
        child = h.store_pid()
        h.stop(signal.SIGKILL)
        wait(lambda: not os.path.exists(f"/proc/{child}"), 20, "the store's process closes the file")
        before = h.stored()
        assert before <= set(l.records), before - set(l.records)
        path = h.on_medium("records.db")
        size = os.path.getsize(path)
        # all of it is in the file by now; it would heal what it still has
        os.remove(f"{path}-wal")
        with open(path, "r+b") as f:
            f.seek(size * 3 // 4 // 1024 * 1024)
            f.write(os.urandom(size - f.tell()))
        live = l.live
        h.speed = 300
        h.configure(b.section())
        h.start()
        wait(lambda: l.live > live, 20, "live values")
        wait(lambda: "was damaged" in h.log(), 30, "the damage is told")
        wait(lambda: len(l.records) > len(before) + 5, 60, "new records arrive")
        h.stop()
        assert not l.falls and all(l.registers[k] >= v for k, v in last.items()), l.falls[:3]
        assert l.unlike == 0, f"{l.unlike} records came twice with other content"
        kept = before & h.stored()
        assert len(kept) > len(before) // 4, f"{len(kept)} of {len(before)}"
        return {"outage": "database damaged (a quarter of it overwritten)", "records": len(l.records),
                "lost": 0, "twice": l.duplicates, "live": "2 s after the start",
                "remark": f"of {len(before)} records on the medium {len(kept)} can be read; all were upstream"}
