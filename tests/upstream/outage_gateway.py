# SPDX-License-Identifier: GPL-2.0-or-later
"""
The gateway itself: meterd is killed, the power fails, the source is silent.
"""
import os
import random
import signal
import struct
import time

from bench import Broker, House, Listener, all_arrived, wait
from outage_rig import LONG, Lateness, back, house, row
from tap import test

@test
def meterd_killed():
    kills = 200 if LONG else 25
    seed = int(os.environ.get("SEED", time.time_ns() % 100000))
    print(f"# SEED={seed}")
    chance = random.Random(seed)
    with house() as (h, _, l):
        slowest = 0
        for _ in range(kills):
            time.sleep(chance.uniform(0, 0.6))
            h.stop(signal.SIGKILL)
            h.start()
            if chance.random() < 0.5:
                slowest = max(slowest, back(l, 10))
        slowest = max(slowest, back(l, 10))
        wait(lambda: all_arrived(h, l), 30, "the backlog arrives")
        return row(f"meterd killed (SIGKILL), {kills} times", h, l, slowest, f"seed {seed}", limit=10)


def slots(path):
    """Sequence numbers of checkpoints and notes of a registers file."""
    with open(path, "rb") as f:
        data = f.read()
    numbers = [struct.unpack_from("<IIQ", data, k * 131072)[2] if len(data) >= k * 131072 + 16 else 0
               for k in range(4)]
    return numbers[:2], numbers[2:]


@test
def power_fail_signal():
    """SIGPWR: what is counted goes to the medium now, not with the next checkpoint."""
    with House(speed=1) as h:
        h.configure(registers="interval_s = 3600\n")
        os.mkdir(h.path("run"))
        h.start(env={**os.environ, "RUNTIME_DIRECTORY": h.path("run")})

        def notes_of():
            names = os.listdir(h.path("run"))
            return slots(os.path.join(h.path("run"), names[0]))[1] if names else [0]

        wait(lambda: os.path.exists(h.path("registers")) and max(notes_of()) > 3, 30, "notes are written")
        checkpoints, notes = slots(h.path("registers"))[0], notes_of()
        assert max(checkpoints) < max(notes), "there is no younger note than the checkpoint"
        h.meterd.send_signal(signal.SIGPWR)
        wait(lambda: max(slots(h.path("registers"))[0]) > max(notes), 5, "the checkpoint is written")
        assert "power fails" in h.log()
        time.sleep(1.5)
        assert h.meterd.poll() is None, "it goes on, the power may come back"


@test
def source_goes_silent():
    """No reading for 4 s: the status says stale, and one reading of nulls replaces the last values."""
    with House(speed=0.1) as h:
        b = Broker(h)
        b.start()
        l = Listener(b)
        h.configure(b.section())
        with Lateness() as late:
            h.start()
            wait(lambda: "online" in l.status, 60, "a reading")
            at = l.status.index("online")
            wait(lambda: len(l.status) > at + 1, 10, "the status changes")
        assert l.status[at + 1] == "stale", l.status
        seconds = l.status_at[at + 1] - l.status_at[at]
        # either of the two may have come late
        assert 3.5 - late.allowed <= seconds <= 6.5 + late.allowed, \
            f"stale after {seconds:.1f} s, while this machine was at most {late.worst:.2f} s late"
        wait(lambda: l.last_live[1]["loads"][0]["p_w"] is None, 2, "a reading of nulls")
        assert all(x[k] is None for x in l.last_live[1]["loads"] for k in ("p_w", "import_wh", "pf"))
        wait(lambda: l.status[-1] == "online", 30, "the next reading makes it online")
        return {"outage": "source silent", "records": 0, "lost": 0, "twice": 0, "live": "with the next reading",
                "remark": f"stale after {seconds:.1f} s"}
