// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page of meterd: readings come as server-sent events, modules and the
 * daemon's state are asked for every 5 s.
 *
 * Text from outside only ever becomes textContent. Age is measured with the
 * browser's monotonic clock from the arrival of a reading, so that a wrong wall
 * clock on either side cannot make an old value look new.
 */
'use strict';

const STALE_S = 4;		// readings come once a second
const REOPEN_S = 15;		// a stream that is silent for so long is opened anew
const POLL_MS = 5000;
const SPAN_S = 300;
const GAP_S = 5;		// a longer hole between readings is a hole in the line
const LINES = 8;		// colours in style.css
const NOTHING = '–';

const byId = (id) => document.getElementById(id);

/* ---- numbers ---------------------------------------------------------- */

/* 1234567.8 -> "1 234 567.8" with narrow spaces and a true minus sign. */
function digits(value, places) {
	const fixed = Math.abs(value).toFixed(places);
	const [whole, rest] = fixed.split('.');
	const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f');
	const sign = value < 0 && Number(fixed) !== 0 ? '\u2212' : '';

	return sign + grouped + (rest ? '.' + rest : '');
}

function isNumber(value) {
	return typeof value === 'number' && Number.isFinite(value);
}

function node(tag, className, text) {
	const n = document.createElement(tag);

	if (className)
		n.className = className;
	if (text !== undefined)
		n.textContent = text;
	return n;
}

/* Write a value and its unit into a cell; rewrites only what changed. */
function setValue(cell, value, places, unit) {
	const text = isNumber(value) ? digits(value, places) : NOTHING;

	if (cell.dataset.shown === text)
		return;
	cell.dataset.shown = text;
	cell.replaceChildren(text);
	if (unit && text !== NOTHING)
		cell.append(node('span', 'unit', '\u00a0' + unit));
}

function setText(n, text) {
	if (n.textContent !== text)
		n.textContent = text;
}

function duration(s) {
	if (s < 60)
		return Math.floor(s) + ' s';
	if (s < 3600)
		return Math.floor(s / 60) + ' min ' + Math.floor(s % 60) + ' s';
	if (s < 86400)
		return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min';
	return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h';
}

function clock(ms) {
	return new Date(ms).toLocaleTimeString([], { hour12: false });
}

/* ---- state ------------------------------------------------------------ */

let reading = null;		// last reading
let arrived = 0;		// performance.now() at its arrival
let streamUp = false;
let sourceAge = null;		// from the status, when no reading has come here

function age() {
	return (performance.now() - arrived) / 1000;
}

function showState() {
	let state = 'live';
	let text = 'connected';

	if (!reading) {
		state = sourceAge === null ? 'empty' : 'stale';
		text = !streamUp ? 'no connection to meterd' :
			sourceAge === null ? 'no data yet' :
			'stale: no reading for ' + duration(sourceAge);
	} else if (age() > STALE_S) {
		state = 'stale';
		text = 'stale since ' + clock(Date.now() - age() * 1000) + ' (' + duration(age()) + ')';
		if (!streamUp)
			text += ', no connection to meterd';
	} else if (!streamUp) {
		text = 'connection lost, trying again';
	}
	document.body.dataset.state = state;
	setText(byId('state-text'), text);
	setText(byId('loads-note'), !reading ? '' : state === 'stale' ?
		'old values: ' + duration(age()) + ' ago' : clock(Date.parse(reading.time)));
	setText(byId('chart-note'), state === 'stale' && reading ?
		'no new values for ' + duration(age()) : 'positive: import, negative: export');
}

/* ---- head ------------------------------------------------------------- */

function fact(list, name) {
	const box = node('div');
	const value = node('dd');

	box.append(node('dt', '', name), value);
	list.append(box);
	return value;
}

let facts = null;
let topology = '';		// from the wiring, when it is known

/* What the roles of the loads add up to. */
const TOTALS = [['grid_w', 'Grid'], ['production_w', 'Production'], ['storage_w', 'Storage'],
	['consumption_w', 'Consumption']];

/* Between which conductors the voltage of a slot is. */
function slotName(phase) {
	const delta = { L1: 'L1-L3', L2: 'L2-L3', L3: 'L1-L2' };

	if (phase === 'L12')
		return 'L1-L2';
	return topology === '3p' ? delta[phase] || phase : phase + '-N';
}

function buildFacts(r) {
	const list = byId('facts');

	list.replaceChildren();
	facts = { key: topology + r.voltages.length, volts: [] };
	facts.frequency = fact(list, 'Frequency');
	for (const v of r.voltages)
		facts.volts.push(fact(list, 'Voltage ' + slotName(v.phase)));
	facts.totals = TOTALS.map(([key, name]) => [key, fact(list, name)]);
	facts.lost = fact(list, 'Lost scans');
	facts.gaps = fact(list, 'Gaps');
	facts.repaired = fact(list, 'Repaired blocks');
}

function showFacts(r) {
	if (!facts || facts.key !== topology + r.voltages.length)
		buildFacts(r);
	for (const [key, value] of facts.totals) {
		const watts = r.totals ? r.totals[key] : null;

		value.parentElement.hidden = !isNumber(watts);
		setValue(value, watts, 0, 'W');
	}
	setValue(facts.frequency, r.frequency_hz, 3, 'Hz');
	r.voltages.forEach((v, i) => setValue(facts.volts[i], v.ln_v, 1, 'V'));
	setValue(facts.lost, r.lost_scans, 0);
	setValue(facts.gaps, r.gaps, 0);
	setValue(facts.repaired, r.repaired_blocks, 0);
	facts.lost.classList.toggle('bad', r.lost_scans > 0);
	facts.gaps.classList.toggle('bad', r.gaps > 0);
}

/* ---- table of the loads ----------------------------------------------- */

function cell(row, label, className) {
	const td = node('td', className);

	td.setAttribute('role', 'cell');
	if (label)
		td.dataset.label = label;
	row.append(td);
	return td;
}

function tableRow(body, className) {
	const row = node('tr', className);

	row.setAttribute('role', 'row');
	body.append(row);
	return row;
}

function rowHead(row, text, className) {
	const th = node('th', 'text ' + (className || ''), text);

	th.scope = 'row';
	th.setAttribute('role', 'rowheader');
	row.append(th);
	return th;
}

function buildElement(body, e) {
	const row = tableRow(body, 'element');

	rowHead(row, e.input);
	cell(row, 'Phase', 'text phase').textContent = known(e.phase);
	return {
		p: cell(row, 'P'), q: cell(row, 'Q1'), pf: cell(row, 'PF'),
		i: cell(row, 'I'), ll: cell(row, 'V L-L'), ln: cell(row, 'V L-N'),
	};
}

function register(name, value) {
	const n = node('span', '', name);

	n.append(value);
	return n;
}

function buildLoad(load) {
	const body = node('tbody');
	const row = tableRow(body, 'total');
	const head = rowHead(row, load.name);
	const cells = { body };

	body.setAttribute('role', 'rowgroup');
	head.append(node('span', 'role', load.role));
	cell(row, '', 'text empty');
	cells.p = cell(row, 'P');
	cells.q = cell(row, 'Q1');
	cells.pf = cell(row, 'PF');
	const energy = cell(row, '', 'wide energy');
	energy.colSpan = 3;
	cells.imported = node('b');
	cells.exported = node('b');
	energy.append(register('import', cells.imported), ' ', register('export', cells.exported));
	cells.elements = load.elements.map((e) => buildElement(body, e));
	return cells;
}

let rows = null;

function shape(r) {
	return JSON.stringify(r.loads.map((l) => [l.name, l.role,
		l.elements.map((e) => [e.input, e.phase])]));
}

function buildLoads(r, key) {
	const table = byId('loads');

	for (const body of [...table.tBodies])
		body.remove();
	rows = { key, loads: r.loads.map(buildLoad) };
	for (const load of rows.loads)
		table.append(load.body);
}

function lineToLine(r, phase) {
	const v = r.voltages.find((x) => x.phase === phase);

	return v ? v.ll_v : null;
}

function showPower(cells, x) {
	setValue(cells.p, x.p_w, 1, 'W');
	setValue(cells.q, x.q1_var, 1, 'var');
	setValue(cells.pf, x.pf, 3);
	if (x.below_range)
		cells.pf.textContent = 'below range';
}

function showLoads(r) {
	const key = shape(r);

	if (!rows || rows.key !== key)
		buildLoads(r, key);
	r.loads.forEach((load, i) => {
		const cells = rows.loads[i];

		showPower(cells, load);
		setValue(cells.imported, isNumber(load.import_wh) ? load.import_wh / 1000 : null, 3, 'kWh');
		setValue(cells.exported, isNumber(load.export_wh) ? load.export_wh / 1000 : null, 3, 'kWh');
		load.elements.forEach((e, j) => {
			showPower(cells.elements[j], e);
			setValue(cells.elements[j].i, e.i_a, 3, 'A');
			setValue(cells.elements[j].ll, lineToLine(r, e.phase), 1, 'V');
			setValue(cells.elements[j].ln, e.v_v, 1, 'V');
		});
	});
}

/* ---- chart ------------------------------------------------------------ */

/* One line per load name: points of [time in ms, watts or null]. */
const lines = new Map();
let hover = null;		// pointer position in the canvas, CSS pixels

function line(name) {
	let l = lines.get(name);

	if (!l) {
		l = { name, number: lines.size, points: [], shown: lines.size < LINES };
		lines.set(name, l);
		buildLegend(l);
	}
	return l;
}

function dashes(number) {
	return [[], [7, 4], [2, 3]][Math.floor(number / LINES) % 3];
}

function colour(style, number) {
	return style.getPropertyValue('--line-' + (number % LINES + 1)).trim();
}

function buildLegend(l) {
	const item = node('li');
	const button = node('button');
	const mark = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const stroke = document.createElementNS('http://www.w3.org/2000/svg', 'path');

	mark.setAttribute('width', '22');
	mark.setAttribute('height', '10');
	mark.setAttribute('aria-hidden', 'true');
	stroke.setAttribute('d', 'M1 5H21');
	stroke.style.stroke = 'var(--line-' + (l.number % LINES + 1) + ')';
	stroke.setAttribute('stroke-width', '3');
	stroke.setAttribute('stroke-dasharray', dashes(l.number).join(' ') || 'none');
	mark.append(stroke);
	button.type = 'button';
	button.title = 'show or hide in the chart';
	button.setAttribute('aria-pressed', l.shown);
	button.addEventListener('click', () => {
		l.shown = !l.shown;
		button.setAttribute('aria-pressed', l.shown);
		draw();
	});
	l.value = node('span', 'value', NOTHING);
	button.append(mark, node('span', 'name', l.name), l.value);
	item.append(button);
	byId('legend').append(item);
}

function remember(time, name, watts) {
	const l = line(name);
	let last = l.points[l.points.length - 1];

	if (last && time <= last[0]) {
		if (last[0] - time < GAP_S * 1000)
			return;
		/* The gateway's clock was set back: what is drawn lies in its future. */
		l.points.length = 0;
		last = undefined;
	}
	if (last && time - last[0] > GAP_S * 1000)
		l.points.push([last[0] + 1, null]);
	l.points.push([time, isNumber(watts) ? watts : null]);
}

function forget(before) {
	for (const l of lines.values()) {
		let n = 0;

		while (n < l.points.length && l.points[n][0] < before)
			n++;
		if (n > 1)
			l.points.splice(0, n - 1);
	}
}

/* A step of 1, 2 or 5 times a power of ten that gives about @count of them. */
function niceStep(range, count) {
	const raw = range / count;
	const power = 10 ** Math.floor(Math.log10(raw));
	const lead = raw / power;

	return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

function extent() {
	let min = 0, max = 0;

	for (const l of lines.values()) {
		if (!l.shown)
			continue;
		for (const [, w] of l.points) {
			if (w !== null) {
				min = Math.min(min, w);
				max = Math.max(max, w);
			}
		}
	}
	if (max - min < 10)
		max = min + 10;
	return [min, max];
}

function plotArea(canvas, context, height) {
	const [min, max] = extent();
	const step = niceStep(max - min, Math.max(2, Math.floor(height / 44)));
	const low = Math.floor(min / step) * step;
	const high = Math.ceil(max / step) * step;
	const kilo = Math.max(-low, high) >= 2000;
	const places = kilo ? Math.max(0, -Math.floor(Math.log10(step / 1000) + 1e-9)) : 0;
	const label = (w) => digits(kilo ? w / 1000 : w, places);
	const widest = Math.max(context.measureText(label(low)).width,
				context.measureText(label(high)).width);

	return { step, low, high, label, unit: kilo ? 'kW' : 'W',
		 left: Math.ceil(widest) + 16, top: 26, right: canvas.clientWidth - 12,
		 bottom: height - 24 };
}

function drawGrid(c, a, style, now) {
	const quiet = style.getPropertyValue('--quiet');
	const y = (w) => a.bottom - (w - a.low) / (a.high - a.low) * (a.bottom - a.top);

	c.fillStyle = quiet;
	c.textBaseline = 'middle';
	c.textAlign = 'left';
	c.fillText('P [' + a.unit + ']', 8, 9);
	c.textAlign = 'right';
	for (let n = 0, w = a.low; w <= a.high + a.step / 2; n++, w = a.low + n * a.step) {
		const line = Math.round(y(w)) + .5;
		const zero = Math.abs(w) < a.step / 2;

		c.strokeStyle = zero ? quiet : style.getPropertyValue('--line');
		c.lineWidth = 1;
		c.beginPath();
		c.moveTo(a.left, line);
		c.lineTo(a.right, line);
		c.stroke();
		c.fillText(a.label(zero ? 0 : w), a.left - 8, line);
	}
	c.textBaseline = 'alphabetic';
	const wide = a.right - a.left > 400;
	for (let minute = -5; minute <= 0; minute++) {
		c.textAlign = minute === -5 ? 'left' : minute === 0 ? 'right' : 'center';
		c.fillText(minute === 0 ? 'now' : '\u2212' + -minute +
			   (wide || minute === -5 ? ' min' : ''),
			   a.right + minute * 60 / SPAN_S * (a.right - a.left), a.bottom + 17);
	}
}

function drawLine(c, a, l, now) {
	let pen = false;

	c.beginPath();
	for (const [t, w] of l.points) {
		if (w === null) {
			pen = false;
			continue;
		}
		const x = a.right - (now - t) / 1000 / SPAN_S * (a.right - a.left);
		const y = a.bottom - (w - a.low) / (a.high - a.low) * (a.bottom - a.top);

		if (pen)
			c.lineTo(x, y);
		else
			c.moveTo(x, y);
		pen = true;
	}
	c.stroke();
}

function drawLines(c, a, style, now) {
	c.save();
	c.beginPath();
	c.rect(a.left, a.top - 4, a.right - a.left + 2, a.bottom - a.top + 8);
	c.clip();
	c.globalAlpha = document.body.dataset.state === 'stale' ? .45 : 1;
	c.lineWidth = 2;
	c.lineJoin = 'round';
	for (const l of lines.values()) {
		if (!l.shown)
			continue;
		c.strokeStyle = colour(style, l.number);
		c.setLineDash(dashes(l.number));
		drawLine(c, a, l, now);
	}
	c.restore();
}

/* The power of a load at a time, null where its line has a hole. */
function powerAt(l, time) {
	let best = null;

	for (const [t, w] of l.points)
		if (Math.abs(t - time) <= GAP_S * 500 &&
		    (!best || Math.abs(t - time) < Math.abs(best[0] - time)))
			best = [t, w];
	return best ? best[1] : null;
}

function drawHover(c, a, style, now) {
	if (hover === null || hover < a.left || hover > a.right)
		return null;
	const back = (a.right - hover) / (a.right - a.left) * SPAN_S;
	const text = clock(now - back * 1000);

	c.strokeStyle = style.getPropertyValue('--quiet');
	c.lineWidth = 1;
	c.beginPath();
	c.moveTo(Math.round(hover) + .5, a.top);
	c.lineTo(Math.round(hover) + .5, a.bottom);
	c.stroke();
	c.fillStyle = style.getPropertyValue('--text');
	c.textBaseline = 'middle';
	c.textAlign = hover > (a.left + a.right) / 2 ? 'right' : 'left';
	c.fillText(text, hover, 9);
	return now - back * 1000;
}

function showLegend(time) {
	for (const l of lines.values()) {
		const last = l.points[l.points.length - 1];

		setValue(l.value, time === null ? last && last[1] : powerAt(l, time), 1, 'W');
	}
}

function describe(canvas) {
	const text = [...lines.values()].filter((l) => l.shown)
		.map((l) => l.name + ' ' + l.value.textContent).join(', ');

	canvas.setAttribute('aria-label', 'Power of the last 5 minutes. Now: ' + (text || 'no data'));
}

function draw() {
	const canvas = byId('chart');
	const style = getComputedStyle(document.body);
	const scale = window.devicePixelRatio || 1;
	const width = canvas.clientWidth, height = canvas.clientHeight;
	const c = canvas.getContext('2d');

	/* Time on the gateway's clock, which goes on while no reading comes. */
	const now = reading ? Date.parse(reading.time) + age() * 1000 : Date.now();

	if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
		canvas.width = Math.round(width * scale);
		canvas.height = Math.round(height * scale);
	}
	c.setTransform(scale, 0, 0, scale, 0, 0);
	c.clearRect(0, 0, width, height);
	c.font = '12px ' + style.fontFamily;
	forget(now - SPAN_S * 1000);

	const area = plotArea(canvas, c, height);
	drawGrid(c, area, style, now);
	drawLines(c, area, style, now);
	showLegend(drawHover(c, area, style, now));
	describe(canvas);
}

/* ---- modules and foot ------------------------------------------------- */

function mark(kind, text) {
	const m = node('span', 'mark ' + kind);

	m.append(node('span', 'dot'), text);
	m.firstChild.setAttribute('aria-hidden', 'true');
	return m;
}

function known(value) {
	return value === null || value === undefined ? NOTHING : String(value);
}

const STATES = { streaming: 'good', idle: 'warn', silent: 'bad' };
const SYNC_STATES = { locked: 'good', reference: 'good', locking: 'warn', 'free-running': 'bad' };

function moduleRow(body, m) {
	const row = tableRow(body);

	rowHead(row, known(m.label));
	cell(row, 'Model', 'text').textContent = known(m.model) + (m.type === null ? '' : ' (' + m.type + ')');
	cell(row, 'Device', 'text').textContent = known(m.device);
	cell(row, 'Serial number', 'text').textContent = known(m.serial_number);
	cell(row, 'Firmware', 'text').textContent = known(m.firmware);
	cell(row, 'State', 'text').append(m.state === null ? NOTHING : mark(STATES[m.state] || '', m.state));
	cell(row, 'Synchronisation', 'text').append(m.sync_state === null ? NOTHING :
		mark(SYNC_STATES[m.sync_state] || '', m.sync_state));
	setValue(cell(row, 'Offset'), m.sync_offset_ns, 0, 'ns');
	setValue(cell(row, 'Lost scans'), m.lost_scans, 0);
	setValue(cell(row, 'Repaired blocks'), m.repaired_blocks, 0);
}

let modulesText = '';

function showModules(text) {
	if (text === modulesText)
		return;
	modulesText = text;
	const list = JSON.parse(text);
	const body = byId('modules').tBodies[0];

	body.replaceChildren();
	for (const m of list)
		moduleRow(body, m);
	byId('modules').hidden = !list.length;
	setText(byId('modules-note'), list.length ? String(list.length) :
		'none on the bus of this machine');
}

function footItem(text) {
	byId('foot').append(node('span', '', text));
}

function showStatus(s) {
	setText(byId('gateway'), s.gateway);
	document.title = s.gateway + ' – meterd';
	sourceAge = s.source_age_s;
	byId('foot').replaceChildren();
	footItem('meterd ' + s.version);
	footItem('running for ' + duration(s.uptime_s));
	if (isNumber(s.first_reading_s))
		footItem('first reading after ' + s.first_reading_s.toFixed(1) + ' s');
	footItem(!s.mqtt ? 'MQTT off' : 'MQTT ' +
		 (s.mqtt.connected ? 'connected' : 'not connected') + ', ' +
		 digits(s.mqtt.published, 0) + ' sent, ' + digits(s.mqtt.dropped, 0) + ' dropped');
}

/* ---- wiring ----------------------------------------------------------- */

function placeName(p) {
	return p.phase + (p.reversed ? ' reversed' : '');
}

/* Inputs that are not in order, each with what would be. */
function showWiring(w) {
	const list = byId('wiring');
	const wrong = w.inputs.filter((x) => x.verdict !== 'in order' &&
		x.reason !== 'load too small' && x.reason !== 'seen for too short a time');

	topology = w.topology;
	setText(byId('wiring-note'), 'rotation ' + w.rotation + ', ' +
		w.inputs.filter((x) => x.verdict === 'in order').length + ' of ' + w.inputs.length +
		' inputs seen in order');
	list.replaceChildren(...wrong.map((x) => {
		const differs = placeName(x.configured) !== placeName(x.proposal);

		return node('li', x.reason ? '' : 'bad', x.input + ' (' + x.load + '): ' + x.verdict +
			(x.reason ? ', ' + x.reason : '') + (differs ? '; ' +
			(x.reason ? 'perhaps ' : 'should be ') + placeName(x.proposal) +
			', ' + (100 * x.confidence).toFixed(1) + ' %' : ''));
	}));
}

async function ask(path) {
	const r = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(POLL_MS) });

	if (!r.ok)
		throw new Error(path + ': ' + r.status);
	return r.text();
}

async function poll() {
	try {
		showStatus(JSON.parse(await ask('/api/v1/status')));
		showModules(await ask('/api/v1/modules'));
	} catch (error) {
		setText(byId('modules-note'), 'not up to date: no answer from meterd');
		modulesText = '';
	}
	try {
		showIo(await ask('/api/v1/io'));
	} catch (error) {
		setText(byId('io-note'), 'not up to date: no answer from meterd');
	}
	try {
		showWiring(JSON.parse(await ask('/api/v1/wiring')));
	} catch (error) {
		/* Modules that measure by themselves show no angles. */
		setText(byId('wiring-note'), 'not known');
		byId('wiring').replaceChildren();
	}
	showState();
	setTimeout(poll, POLL_MS);
}

/* ---- stream ----------------------------------------------------------- */

let stream = null;
let opened = 0;

function take(text) {
	const r = JSON.parse(text);
	const time = Date.parse(r.time);

	reading = r;
	arrived = performance.now();
	streamUp = true;
	for (const load of r.loads)
		remember(time, load.name, load.p_w);
	showState();
	showFacts(r);
	showLoads(r);
	draw();
}

function open() {
	if (stream)
		stream.close();
	opened = performance.now();
	stream = new EventSource('/api/v1/events');
	stream.addEventListener('open', () => {
		streamUp = true;
		showState();
	});
	stream.addEventListener('error', () => {
		streamUp = false;
		showState();
	});
	stream.addEventListener('live', (event) => take(event.data));
	stream.addEventListener('io', (event) => showIo(event.data));
}

/* The lines of the minutes before the page was opened. */
async function recall() {
	try {
		const h = JSON.parse(await ask('/api/v1/history'));

		for (const [time, ...watts] of h.readings)
			h.loads.forEach((name, i) => remember(time, name, watts[i]));
	} catch (error) {
		/* The chart begins empty, then. */
	}
}

function tick() {
	const silent = (performance.now() - Math.max(opened, reading ? arrived : 0)) / 1000;

	/* The browser gives up after some answers, and does not see a dead link. */
	if (silent > REOPEN_S || (stream.readyState === EventSource.CLOSED && silent > 2))
		open();
	showState();
	if (!reading || age() > 1.5)
		draw();
}

function watchChart() {
	const canvas = byId('chart');

	canvas.addEventListener('pointermove', (event) => {
		hover = event.offsetX;
		draw();
	});
	canvas.addEventListener('pointerleave', () => {
		hover = null;
		draw();
	});
	new ResizeObserver(draw).observe(canvas);
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
}

watchChart();
recall().then(() => {
	draw();
	open();
	poll();
	setInterval(tick, 1000);
});
