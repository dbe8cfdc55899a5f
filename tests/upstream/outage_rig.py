# SPDX-License-Identifier: GPL-2.0-or-later
"""
What outages have in common: a house that measures, how long live values were away, and what
is told of it.
"""
import contextlib
import os
import threading
import time

from bench import Broker, House, Listener, all_arrived, check_none_lost, wait

LONG = "LONG" in os.environ
KEEPING = "allow_anonymous true\npersistence true\nautosave_interval 1\nautosave_on_changes true"
# Longest time until live values are back, s: the greatest pause between two attempts.
BACK_S = 61


@contextlib.contextmanager
def house(prepare=None, extra=KEEPING, registers="", port=None, **kw):
    """A house that measures, its broker and a listener; records have arrived."""
    with House(**kw) as h:
        b = Broker(h, extra)
        b.start()
        l = Listener(b)
        if prepare:
            prepare(h)
        section = b.section()
        if port:
            section = section.replace(str(b.port), str(port))
        h.configure(section, registers=registers(h) if callable(registers) else registers)
        h.start()
        wait(lambda: all_arrived(h, l, 10), 30, "records arrive")
        yield h, b, l


def grown(h, more=20):
    """Wait until @more records were stored."""
    before = len(h.stored())
    wait(lambda: len(h.stored()) >= before + more, 60, f"{more} more records are stored")


class Lateness:
    """
    How late this machine wakes who sleeps, as long as this is open: the worst, s. What a test is told
    passes three programs, meterd, the broker and this one, and each of them may find it as late.
    """

    STEP_S = 0.01

    def __init__(self):
        self.worst = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    @property
    def allowed(self):
        return 4 * self.worst

    def run(self):
        while not self.over.is_set():
            before = time.monotonic()
            time.sleep(self.STEP_S)
            self.worst = max(self.worst, time.monotonic() - before - self.STEP_S)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@contextlib.contextmanager
def live_goes_on(l, limit):
    """Live values meanwhile are at most @limit s apart."""
    l.pause = 0
    with Lateness() as late:
        yield
        now = time.monotonic()
        pause = max(l.pause, now - l.last_live[0])
    assert pause < limit + late.allowed, \
        f"live values paused for {pause:.2f} s, while this machine was at most {late.worst:.2f} s late"


def back(l, limit=BACK_S):
    """Wait for live values; the time it took."""
    began, live = time.monotonic(), l.live
    with Lateness() as late:
        wait(lambda: l.live > live, limit, "live values are back")
    took = time.monotonic() - began
    assert took <= limit + late.allowed, f"live values were away for {took:.1f} s, this machine at most {late.worst:.2f} s"
    return took


def row(outage, h, l, live, remark="", limit=BACK_S):
    check_none_lost(h, l)
    return {"outage": outage, "records": len(l.records), "lost": 0, "twice": l.duplicates,
            "live": f"{live:.1f} s (at most {limit} s)" if limit else "never away", "remark": remark}
