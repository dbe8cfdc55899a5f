# SPDX-License-Identifier: GPL-2.0-or-later
"""Every overlay of the mains, with the simulated mains of the same name, and meterd with the
configuration that is shipped: it takes topology, names and nominal values from the device
tree, and each input is a load."""

import glob
import os
import time

from meter import Comparison, Meter, Segment
from stages import scenario
from vm import TOP, Failure, Gateway

# What the overlay says: topology, nominal voltage and frequency, conductors, transformers.
EXPECTED = {
    "mains-1p-230v": ("1p", 230, 50, ["L1"], None),
    "mains-2pn-240v": ("2p+n", 120, 60, ["L1", "L2"], None),
    "mains-3p-230v": ("3p", 230, 50, ["L1", "L2", "L3"], None),
    "mains-3pn-400v": ("3p+n", 230, 50, ["L1", "L2", "L3"], None),
    "mains-3pn-208v": ("3p+n", 120, 60, ["L1", "L2", "L3"], None),
    "mains-3pn-480v": ("3p+n", 277, 60, ["L1", "L2", "L3"], None),
    "mains-3pn-600v-pt": ("3p+n", 347, 60, ["L1", "L2", "L3"], 347 / 120),
    "mains-high-leg-240v": ("high-leg", 120, 60, ["L1", "L2", "L3"], None),
}
# A boot for each is two minutes; this one has all there is.
SHORT = ["mains-3pn-600v-pt"]
# Until the voltages have been looked at twice, at most.
CHECKED_S = 40


class Shipped(Meter):
    """meterd with packaging/meterd.conf, of which only the address of the page is changed."""

    def __init__(self, guest):
        super().__init__(guest, f"{TOP}/packaging/meterd.conf")
        with open(f"{TOP}/packaging/meterd.conf") as text:
            self.conf = text.read().replace("[http]", "[http]\nlisten = 0.0.0.0:8080")

    def settled(self):
        """The report of the mains when they have been looked at."""
        end = time.monotonic() + CHECKED_S
        while not self.get("/api/v1/site")["checked"] and time.monotonic() < end:
            next(self.readings())
        return self.get("/api/v1/site")


def known(tap, name, guest, segment, site):
    """What sysfs and meterd say is what the overlay says."""
    topology, volts, hertz, conductors, ratio = EXPECTED[name]
    said = (site["topology"], site["from"], site["nominal_v"], site["nominal_hz"], site["voltages"])
    tap.ok(said == (topology, "the device tree", volts, hertz, conductors),
           f"{name}: meterd takes topology, nominal values and names from the device tree", str(said))
    shown = guest.read(f"{segment.path}/mains_topology", f"{segment.path}/mains_voltage_uv",
                       f"{segment.path}/mains_frequency_hz", f"{segment.path}/mains_conductors").split("\n")[:4]
    tap.ok(shown == [topology, str(volts * 1000000), str(hertz), " ".join(conductors)],
           f"{name}: and sysfs shows them", str(shown))
    said = site["device_tree"]["transformer_ratio"]
    tap.ok((said is None) == (ratio is None) and abs((said or 0) - (ratio or 0)) < 1e-6,
           f"{name}: and the transformers", str(said))


def right(tap, name, gateway, segment, meter):
    """Each input is a load, and what is measured of it is the truth."""
    comparison = Comparison(gateway.guest, gateway.sims[0], segment)
    rows = meter.readings()
    for _ in range(4):
        reading, _ = next(rows)
        comparison.add(reading)
    names = [load["name"] for load in reading["loads"]]
    tap.ok(names == [f"9500104233 {c}" for c in "ABCD"], f"{name}: each input is a load", str(names))
    worst = max(((abs(comparison.error(load, key) if comparison.error(load, key) is not None else 1), key, load)
                 for load in names for key in ("P", "V", "I")), default=(1, "nothing", ""))
    tap.ok(worst[0] <= 0.0005, f"{name}: V, I and P of each are right within 0.05 %",
           f"worst {100 * worst[0]:.4f} % of {worst[1]} of \"{worst[2]}\"")


def topology(tap, name):
    with Gateway(f"check-{name}", [scenario(name)], tree=name) as gateway:
        guest = gateway.guest
        segment = Segment(guest, "A")
        segment.wait_modules(2)
        meter = Shipped(guest)
        meter.start(broker=False)
        next(meter.readings())
        right(tap, name, gateway, segment, meter)
        site = meter.settled()
        known(tap, name, guest, segment, site)
        tap.ok(site["checked"] and site["contradictions"] == [], f"{name}: and nothing contradicts it", str(site["contradictions"]))
        meter.stop()


def open_terminal(work):
    """Split phase on a voltage module with three terminals, one of them open."""
    os.makedirs(work, exist_ok=True)
    with open(scenario("mains-2pn-240v")) as text:
        changed = text.read().replace("type = voltage\n", "type = voltage\nterminals = 3\n")
    path = f"{work}/mains-2pn-240v.ini"
    with open(path, "w") as out:
        out.write(changed)
    return path


def contradicted(tap):
    """The overlay says three phases of 230 V; the house is split phase of 120 V."""
    with Gateway("check-contradicted", [open_terminal(f"{TOP}/build/vm/contradicted")],
                 tree="mains-3pn-400v") as gateway:
        guest = gateway.guest
        Segment(guest, "A").wait_modules(2)
        meter = Shipped(guest)
        meter.start(broker=False)
        next(meter.readings())
        site = meter.settled()
        words = " / ".join(site["contradictions"])
        tap.ok("voltage L3 is missing" in words and "look like 2p+n" in words,
               "a topology that contradicts the wiring is named", words or "nothing is")
        status = meter.get("/api/v1/status")["site"]
        wiring = meter.get("/api/v1/wiring")["site"]
        tap.ok(len(status["contradictions"]) == len(wiring["contradictions"]) == len(site["contradictions"]),
               "in the status and beside the wiring as well", str(len(status["contradictions"])))
        code, text = guest.run("meterctl check")
        tap.ok(code == 3 and "look like 2p+n" in text, "and by meterctl check", f"status {code}: {text[:160]}")
        for _ in range(3):
            reading, _ = next(meter.readings())
        tap.ok(reading["loads"][0]["p_w"] is not None, "and what can be measured is",
               str([load["p_w"] for load in reading["loads"]]))
        log = guest.check("cat /run/meterd.log")
        tap.ok(log.count("look like 2p+n") == 1, "the log says it once", f"{log.count('look like 2p+n')} times")
        meter.stop()


def topologies(tap, names=None):
    """Those of SHORT, and a contradiction."""
    overlays = sorted(os.path.basename(p)[:-5] for p in glob.glob(f"{TOP}/dts-overlays/mains-*.dtso"))
    tap.ok(overlays == sorted(EXPECTED), "there is a test of each overlay of the mains", str(overlays))
    for name in names or SHORT:
        try:
            topology(tap, name)
        except Failure as failure:
            tap.note(failure)
            tap.ok(False, f"{name} comes to its end", str(failure).splitlines()[0])
    contradicted(tap)


def mains(tap):
    """All of them."""
    topologies(tap, list(EXPECTED))
