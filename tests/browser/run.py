#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The web page in a headless Chromium, as TAP.

    run.py                  against page-server (meterd's HTTP server, invented readings)
    URL=http://... run.py   against a running meterd: only the tests that need
                            no control of its readings

PAGE_SERVER names another page-server, SHOTS a folder for screenshots.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.environ.get("PAGE_SERVER", os.path.join(TOP, "build/userspace/native/page-server"))
MARKUP = '<img src=x onerror="document.title=\'hacked\'"><b>pump</b>'
FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
         "--disable-background-networking --disable-component-update --disable-sync "
         "--hide-scrollbars --disable-dev-shm-usage").split()
MODULES = {
    "0-001": {"unit": 1, "type": 9400, "label": "voltage", "serial_number": "9400100001",
              "firmware": "1.2", "state": "streaming", "sync_state": "reference",
              "sync_offset_ns": 0, "lost_scans": 0, "repaired_blocks": 0},
    "0-002": {"unit": 2, "type": 9500, "label": "hub1", "serial_number": "9500104233",
              "firmware": "1.7", "state": "streaming", "sync_state": "locked",
              "sync_offset_ns": 12, "lost_scans": 0, "repaired_blocks": 3},
    "0-003": {"unit": 3, "type": 9600, "label": "solid1", "serial_number": "9600104290",
              "firmware": "2.0", "state": "silent", "sync_state": "free-running",
              "sync_offset_ns": -51240, "lost_scans": 412, "repaired_blocks": 17},
}


class House:
    """page-server with three invented modules."""

    def __init__(self, folder, *options):
        modules = os.path.join(folder, "modules")
        for device, attributes in MODULES.items():
            os.makedirs(os.path.join(modules, device))
            for name, value in attributes.items():
                with open(os.path.join(modules, device, name), "w") as f:
                    f.write(f"{value}\n")
        self.process = subprocess.Popen(
            [SERVER, "--web", os.path.join(TOP, "userspace/web"), "--modules", modules,
             "--name", MARKUP, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().split()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def close(self):
        self.say("quit")
        status = self.process.wait(60)
        assert status == 0, f"page-server ended with status {status}"


class Page:
    """A browser with the page in it."""

    def __init__(self, folder, url):
        options = Options()
        options.binary_location = shutil.which("chromium")
        for flag in FLAGS:
            options.add_argument(flag)
        options.add_argument(f"--user-data-dir={folder}/profile")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options,
                                       service=Service(shutil.which("chromedriver")))
        self.url = url
        self.size(1280, 1000)

    def size(self, width, height, scale=1):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": scale,
            "mobile": width < 800})

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": name}]})

    def open(self):
        self.driver.get(self.url)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def state(self):
        return self.js("return document.body.dataset.state")

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0])?.textContent", selector)

    def until(self, condition, what, seconds=60):
        """Wait for it; a browser on a busy machine takes its time, and only who fails waits that long."""
        WebDriverWait(self.driver, seconds, poll_frequency=.1).until(
            lambda driver: condition(), f"not within {seconds} s: {what}")

    def until_state(self, state, seconds=60):
        self.until(lambda: self.state() == state, f"state {state}", seconds)

    def rows(self, table):
        return self.js("""return [...document.querySelectorAll(arguments[0] + ' tbody tr')]
            .map(r => [...r.cells].map(c => c.textContent))""", table)

    def shot(self, name):
        folder = os.environ.get("SHOTS")
        if not folder:
            return
        os.makedirs(folder, exist_ok=True)
        width = self.js("return innerWidth")
        self.size(width, self.js("return document.documentElement.scrollHeight"),
                  2 if width < 800 else 1)
        time.sleep(.3)  # the compositor tells nobody when it has painted
        self.driver.save_screenshot(os.path.join(folder, name + ".png"))


def no_data_yet_is_said(page, house):
    """before the first reading the page says that there is none"""
    page.open()
    page.until(lambda: page.text("#state-text") == "no data yet", "no data yet")
    assert page.state() == "empty", page.state()
    assert page.rows("#loads") == [], page.rows("#loads")


def readings_appear(page, house):
    """the state becomes live with the first reading"""
    if house:
        house.say("past 200")
        house.say("start")
    else:
        page.open()
    page.until_state("live")
    # 200 readings at once are more than a stream holds: the browser may have to come back.
    page.until(lambda: page.text("#state-text") == "connected", "connected")


def table_has_values_with_units(page, house):
    """one row per input with P, Q1, PF, I and both voltages, in their units"""
    page.until(lambda: page.rows("#loads"), "rows")
    elements = [r for r in page.rows("#loads") if len(r) == 8]
    totals = [r for r in page.rows("#loads") if len(r) == 6]
    assert elements and totals, page.rows("#loads")
    if house:
        assert len(elements) == 13 and len(totals) == 5, (len(elements), len(totals))
        assert [e[4] for e in elements].index("saturated") == 12, elements[12]
    for name, phase, p, q, pf, i, ll, ln in elements:
        assert "/" in name and phase in ("L1", "L2", "L3"), (name, phase)
        for value, unit in ((p, "W"), (q, "var"), (i, "A"), (ll, "V"), (ln, "V")):
            assert value == "–" or value.endswith("\u00a0" + unit), (name, value, unit)
    for total in totals:
        assert "import" in total[5] and "export" in total[5] and "kWh" in total[5], total


def values_are_those_of_the_api(page, house):
    """the shown numbers are those that /api/v1/live gives"""
    wrong = page.js("""
        const done = arguments;
        const r = reading;
        const rows = [...document.querySelectorAll('#loads tr.element')];
        const value = (c) => Number(c.textContent.replace('\\u2212', '-').replace(/\\u202f/g, '')
            .replace(/\\u00a0.*/, ''));
        const bad = [];
        let n = 0;
        for (const load of r.loads) {
            for (const e of load.elements) {
                const c = rows[n++].cells;
                const v = r.voltages.find((x) => x.phase === e.phase);
                [[2, e.p_w, .05], [3, e.q1_var, .05], [4, e.pf, .0005], [5, e.i_a, .0005],
                 [6, v.ll_v, .05], [7, e.v_v, .05]].forEach(([k, is, half]) => {
                    if (is !== null && Math.abs(value(c[k]) - is) > half * 1.001)
                        bad.push([e.input, k, is, c[k].textContent]);
                });
            }
        }
        return { bad, n, rows: rows.length };""")
    assert not wrong["bad"], wrong["bad"]
    assert wrong["n"] == wrong["rows"] > 0, wrong


def chart_draws_a_line_per_load(page, house):
    """the canvas has pixels in the colour of every load that is shown"""
    script = """
        const canvas = document.getElementById('chart');
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const style = getComputedStyle(document.body);
        return [...lines.values()].filter((l) => l.shown).map((l) => {
            const hex = colour(style, l.number);
            const rgb = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
            let n = 0;
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 200 && rgb.every((x, k) => Math.abs(x - data[i + k]) < 24))
                    n++;
            return [l.name, n];
        });"""
    assert page.js(script), "no lines"
    # a line grows by some pixels with each reading
    need = 50 if house else 1
    page.until(lambda: all(n >= need for _, n in page.js(script)), f"{need} pixels of each line: {page.js(script)}")


def chart_begins_with_the_past(page, house):
    """a page that was just opened shows minutes that are already over"""
    page.open()
    page.until_state("live")
    oldest = page.js("return Math.min(...[...lines.values()].map((l) => l.points[0][0]))")
    newest = page.js("return Date.parse(reading.time)")
    assert newest - oldest > 190_000, (newest - oldest) / 1000


def a_load_can_be_hidden(page, house):
    """its button takes a load out of the chart, and back"""
    button = page.driver.find_element(By.CSS_SELECTOR, "#legend button")
    before = page.js("return [...lines.values()].filter((l) => l.shown).length")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.js("return [...lines.values()].filter((l) => l.shown).length") == before - 1
    button.click()
    assert button.get_attribute("aria-pressed") == "true"


def values_change(page, house):
    """a second reading replaces the first"""
    first = page.js("return reading.sequence")
    page.until(lambda: page.js("return reading.sequence") >= first + 2, "two more readings")


def markup_is_text(page, house):
    """a load's name with markup is shown as text and runs nothing"""
    names = page.js("return [...document.querySelectorAll('#loads tr.total th')]"
                    ".map((t) => t.firstChild.textContent)")
    assert MARKUP in names, names
    assert MARKUP in page.js("return [...document.querySelectorAll('.legend .name')]"
                             ".map((t) => t.textContent)")
    assert page.js("return document.images.length") == 0
    assert "hacked" not in page.driver.title, page.driver.title


def unknown_values_are_no_numbers(page, house):
    """a load without values shows a dash, and its line has a hole"""
    house.say("unknown")
    page.until(lambda: page.js("return reading.loads[1].p_w") is None, "unknown values")
    row = [r for r in page.rows("#loads") if len(r) == 6][1]
    assert row[2] == "–" and row[4] == "–", row
    assert page.js("return [...lines.values()][1].points.at(-1)[1]") is None
    house.say("known")
    page.until(lambda: page.js("return reading.loads[1].p_w") is not None, "known values")


def modules_are_listed(page, house):
    """every module with type, serial number, state and counters"""
    page.until(lambda: page.text("#modules-note"), "answer about modules")
    if not house:
        return
    rows = page.rows("#modules")
    assert len(rows) == len(MODULES), rows
    assert rows[1] == ["hub1", "open CT hub (9500)", "0-002", "9500104233", "1.7", "streaming",
                       "locked", "12\u00a0ns", "0", "3"], rows[1]
    assert rows[2][5] == "silent" and rows[2][8] == "412", rows[2]


def inputs_and_outputs_are_live(page, house):
    """totals, states and relays, as the stream tells them; what is not known has its reason"""
    if not house:
        page.until(lambda: page.text("#io-note"), "answer about inputs")
        return
    page.until(lambda: page.rows("#inputs"), "inputs")
    total = page.rows("#inputs")[0][4]
    assert total.endswith("\u00a0m\u00b3"), total
    page.until(lambda: page.rows("#inputs")[0][4] != total, "another total")
    page.until(lambda: {"open", "closed"} >= {page.rows("#inputs")[2][3]}, "a door that moves")
    inputs, outputs = page.rows("#inputs"), page.rows("#outputs")
    assert inputs[0][:4] == ["gas", "meters/1", "gas", ""], inputs[0]
    assert inputs[1][0] == MARKUP and inputs[1][4:] == ["812.345\u00a0kWh", "0.750\u00a0kWh/h", "750\u00a0W"], inputs[1]
    assert outputs[0][:3] == ["boiler", "relays/1", "on"] and outputs[0][5:] == ["yes", "30\u00a0s"], outputs[0]
    assert outputs[1][2] == "off, fail-safe" and outputs[1][5] == "no", outputs[1]
    house.say("unknown")
    page.until(lambda: "does not answer" in page.rows("#outputs")[0][2], "a module that is gone")
    row = page.rows("#inputs")[1]
    assert row[3] == "the module does not answer" and row[5] == row[6] == "\u2013", row
    assert page.rows("#outputs")[0][3] == "\u2013"
    house.say("known")
    page.until(lambda: page.rows("#outputs")[0][2] == "on", "known again")


def wiring_is_told_with_its_evidence(page, house):
    """a reversed CT is named, a question is one, and what was seen stands beside it"""
    page.until(lambda: page.js("return document.querySelectorAll('#wiring li').length") == 6, "what was found")
    mains, said, asked, unsure, correct, answer = page.js(
        "return [...document.querySelectorAll('#wiring li')].map((l) => l.textContent)")
    assert mains.startswith("voltage L3 is missing"), mains
    assert said == "hub1/B (heat pump): reversed; should be L2 reversed, 98.0\u00a0%", said
    assert asked.startswith("hub1/C (heat pump): reversed? most likely; perhaps L3 reversed, 99.9\u00a0%, or L1, "), asked
    assert "5.100\u00a0A at 180\u00b0 to L3 for 1 min 3 s" in asked, asked
    assert unsure == "hub1/D (boiler): cannot tell yet: two positions explain it; perhaps L1, 73.0\u00a0% as configured, " \
        "or L1 reversed, 25.9\u00a0%", unsure
    assert "--apply" in correct and "--resistive" in answer, (correct, answer)
    assert "1 of 4 inputs" in page.text("#wiring-note"), page.text("#wiring-note")


def power_quality_is_shown_with_a_waveform(page, house):
    """intervals, events, newest first, and the voltages around the newest in their colours"""
    page.until(lambda: page.rows("#pq-events"), "events")
    dip, transient = page.rows("#pq-events")
    assert dip[1:] == ["dip", "L2", "92.3\u00a0V", "40.1\u00a0%", "0.104\u00a0s"], dip
    assert transient[1] == "transient" and transient[3] == "133.2\u00a0V", transient
    first = page.rows("#intervals")[0]
    assert first[:3] == ["150/180 cycles, flagged", "L1", "231.12\u00a0V"], first
    assert page.text("#quality-note") == "50.012\u00a0Hz in 10\u00a0s, EN 50160 this week: kept", \
        page.text("#quality-note")
    script = """
        const canvas = document.getElementById('wave');
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const style = getComputedStyle(document.body);
        return [0, 1, 2].map((number) => {
            const hex = colour(style, number);
            const rgb = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
            let n = 0;
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 200 && rgb.every((x, k) => Math.abs(x - data[i + k]) < 24))
                    n++;
            return n;
        });"""
    # two voltages, and no current among them
    page.until(lambda: min(page.js(script)[:2]) > 500, "two voltages")
    assert page.js(script)[2] == 0, page.js(script)
    page.driver.find_elements(By.CSS_SELECTOR, "#pq-events button")[1].click()
    page.until(lambda: page.js(script)[2] > 500, "the three voltages of the other event")
    page.until(lambda: page.js("return document.querySelectorAll('#pq-events [aria-pressed=true]').length") == 1, "one shown")


def headers_name_their_columns(page, house):
    """every column has a header cell with a scope, every row has one too"""
    for table in ("#loads", "#modules", "#inputs", "#outputs"):
        cells = page.js("return [...document.querySelectorAll(arguments[0] + ' thead th')]"
                        ".map((t) => [t.scope, t.textContent.trim()])", table)
        assert all(scope == "col" and text for scope, text in cells), cells
        missing = page.js("return [...document.querySelectorAll(arguments[0] + ' tbody tr')]"
                          ".filter((r) => r.cells[0].scope !== 'row').length", table)
        assert missing == 0, (table, missing)


CONTRAST = """
    const luminance = (c) => {
        const [r, g, b] = c.map((x) => x / 255)
            .map((x) => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
    const background = (n) => {
        for (; n; n = n.parentElement) {
            const c = rgba(getComputedStyle(n).backgroundColor);
            if (c.length < 4 || c[3] > 0)
                return c.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const bad = [];
    for (const n of document.querySelectorAll('h1, h2, p, th, td, dt, dd, span, b, button')) {
        if (!n.textContent.trim() || !n.getClientRects().length)
            continue;
        const a = luminance(rgba(getComputedStyle(n).color).slice(0, 3));
        const b = luminance(background(n));
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5)
            bad.push([n.tagName, n.className, n.textContent.slice(0, 20), ratio.toFixed(2)]);
    }
    return bad;
"""


def contrast_is_enough(page, house):
    """text has a contrast of at least 4.5 in both colour schemes"""
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        bad = page.js(CONTRAST)
        assert not bad, (scheme, bad)
        page.shot(f"desktop-{scheme}")
    page.scheme("light")


def nothing_is_cut_off(page, house):
    """a long name wraps, it does not push the last columns out of their section"""
    for width in (320, 768, 1280):
        page.size(width, 800)
        page.until(lambda: page.js("return innerWidth") == width, f"width {width}")
        cut = page.js("""return [...document.querySelectorAll('section')].filter((s) =>
                s.scrollWidth > s.clientWidth).map((s) => s.getAttribute('aria-labelledby'))""")
        assert not cut, ("cut off at the right", width, cut)
    page.size(1280, 1000)


def a_phone_needs_no_horizontal_scroll(page, house):
    """at 320, 360 and 390 pixels nothing is wider than the page"""
    for width in (320, 360, 390):
        page.size(width, 800)
        page.until(lambda: page.js("return innerWidth") == width, f"width {width}")
        wide = page.js("""return [...document.querySelectorAll('body *')].filter((n) => {
                const r = n.getBoundingClientRect();
                return r.width && (r.right > innerWidth + .5 || r.left < -.5) &&
                    getComputedStyle(n).clipPath === 'none' && !n.closest('thead, .hidden');
            }).map((n) => n.tagName + '.' + n.className).slice(0, 5)""")
        assert not wide, (width, wide)
        scroll = page.js("return document.documentElement.scrollWidth")
        assert scroll <= width, (width, scroll)
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        page.shot(f"phone-{scheme}")
    page.scheme("light")
    page.size(1280, 1000)


def silence_is_shown_as_stale(page, house):
    """when readings stop, values grey out and say how old they are"""
    house.say("stop")
    live = page.js("return getComputedStyle(document.querySelector('tr.element td:nth-child(3)')).color")
    page.until_state("stale")
    page.until(lambda: "stale since" in page.text("#state-text"), "stale since")
    old = page.js("return getComputedStyle(document.querySelector('tr.element td:nth-child(3)')).color")
    assert old != live, (old, live)
    first = page.text("#loads-note")
    assert first.startswith("old values:"), first
    page.until(lambda: page.text("#loads-note") != first, "a growing age")
    bad = page.js(CONTRAST)
    assert not bad, bad
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        page.shot(f"desktop-{scheme}-stale")
    page.scheme("light")


def a_page_opened_in_silence_is_not_live(page, house):
    """a page that is opened while readings are missing shows no numbers"""
    page.open()
    page.until(lambda: (page.text("#state-text") or "").startswith("stale: no reading for"),
               "stale without values")
    assert page.rows("#loads") == [], page.rows("#loads")


def readings_come_back(page, house):
    """with the next reading the page is live again"""
    house.say("start")
    page.until_state("live")
    page.until(lambda: page.rows("#loads"), "rows")


def a_restart_of_the_daemon_is_survived(page, house):
    """the page says that meterd is gone, and is live again when it is back"""
    options = ["--listen", f"127.0.0.1:{house.port}"]
    house.close()
    page.until(lambda: "no connection to meterd" in page.text("#state-text"), "no connection")
    with tempfile.TemporaryDirectory() as folder:
        house.process = None
        again = House(folder, *options)
        house.process = again.process
        house.say("start")
        page.until_state("live")


def nothing_was_complained_about(page, house):
    """the browser's console has no error except of the lost connection"""
    log = [e for e in page.driver.get_log("browser")
           if e["level"] == "SEVERE" and "ERR_CONNECTION" not in e["message"]
           and "ERR_INCOMPLETE_CHUNKED" not in e["message"]
           and "ERR_NETWORK" not in e["message"]]
    assert not log, log


# (test, needs control of the readings)
TESTS = [
    (no_data_yet_is_said, True),
    (readings_appear, False),
    (table_has_values_with_units, False),
    (values_are_those_of_the_api, False),
    (chart_draws_a_line_per_load, False),
    (chart_begins_with_the_past, True),
    (a_load_can_be_hidden, False),
    (values_change, False),
    (markup_is_text, True),
    (unknown_values_are_no_numbers, True),
    (modules_are_listed, False),
    (inputs_and_outputs_are_live, False),
    (wiring_is_told_with_its_evidence, True),
    (power_quality_is_shown_with_a_waveform, True),
    (headers_name_their_columns, False),
    (contrast_is_enough, False),
    (nothing_is_cut_off, False),
    (a_phone_needs_no_horizontal_scroll, False),
    (silence_is_shown_as_stale, True),
    (a_page_opened_in_silence_is_not_live, True),
    (readings_come_back, True),
    (a_restart_of_the_daemon_is_survived, True),
    (nothing_was_complained_about, False),
]


def run(number, test, page, house):
    try:
        test(page, house)
    except Exception as error:  # any failure is a failed test, never the end of the run
        print(f"not ok {number} {test.__name__}")
        for line in traceback.format_exception_only(error):
            print("# " + "\n# ".join(line.strip().splitlines()))
        where = traceback.extract_tb(error.__traceback__)[1]
        print(f"# at {os.path.basename(where.filename)}:{where.lineno}", flush=True)
        return False
    print(f"ok {number} {test.__name__}", flush=True)
    return True


def main():
    url = os.environ.get("URL")
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            print(f"1..0 # SKIP {program} is missing; install chromium and chromium-driver")
            return 0
    if not url and not os.access(SERVER, os.X_OK):
        print(f"Bail out! {SERVER} is missing; build it: make userspace-native")
        return 1
    print("TAP version 13")
    print(f"1..{len(TESTS)}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        house = None if url else House(folder)
        page = Page(folder, url or house.url)
        try:
            for number, (test, needs_house) in enumerate(TESTS, 1):
                if needs_house and not house:
                    print(f"ok {number} {test.__name__} # SKIP needs control of the readings")
                elif not run(number, test, page, house):
                    failed += 1
        finally:
            page.driver.quit()
            if house:
                house.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
