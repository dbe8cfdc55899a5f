// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Power quality: the last intervals, the newest events, and the voltages around the newest
 * one that has a waveform. Hidden where it is not computed.
 */
'use strict';

const EVENTS_SHOWN = 8;
const REPORT_MS = 60000;	// the report has the spectra of all inputs: it is large
const INTERVALS = [['150/180 cycles', null], ['10 min', 'pst'], ['2 h', 'plt']];

let reported = -Infinity;	// performance.now() when the report was last asked for
let wave = null;		// the waveform that is drawn
let shownEvents = '';
let wanted = null;		// number of the event whose waveform was asked for; null: the newest

function intervalRow(body, name, interval, phase, flicker) {
	const row = tableRow(body);

	rowHead(row, name + (interval.flagged ? ', flagged' : ''));
	cell(row, 'Phase', 'text').textContent = phase.phase;
	setValue(cell(row, 'U'), phase.rms_v, 2, 'V');
	setValue(cell(row, 'Lowest'), phase.min_v, 2, 'V');
	setValue(cell(row, 'Highest'), phase.max_v, 2, 'V');
	setValue(cell(row, 'THD'), phase.thd_percent, 2, '%');
	setValue(cell(row, 'Pst, Plt'), flicker ? phase[flicker] : null, 2);
	setValue(cell(row, 'u2'), interval.u2_percent, 2, '%');
}

function showReport(q) {
	const body = byId('intervals').tBodies[0];
	const hz = q.intervals['10 s'] ? q.intervals['10 s'].frequency_hz : null;

	body.replaceChildren();
	for (const [name, flicker] of INTERVALS) {
		const interval = q.intervals[name];

		for (const phase of interval ? interval.phases : [])
			intervalRow(body, name, interval, phase, flicker);
	}
	byId('intervals').hidden = !body.rows.length;
	setText(byId('quality-note'), (isNumber(hz) ? digits(hz, 3) + '\u00a0Hz in 10\u00a0s, ' : '') +
		'EN 50160 this week: ' + (q.week ? q.week.verdict : 'unknown'));
}

/* The time of an event whose waveform can be shown. */
function waveButton(e, at) {
	const button = node('button', 'link', at);

	button.type = 'button';
	button.title = 'show the voltages around it';
	button.setAttribute('aria-pressed', Boolean(wave && wave.event === e.number));
	button.addEventListener('click', () => {
		wanted = e.number;
		pollQuality();
	});
	return button;
}

function eventRow(body, e) {
	const row = tableRow(body);

	const at = new Date(e.time).toLocaleString([], { hour12: false });

	if (e.waveform)
		rowHead(row, '').append(waveButton(e, at));
	else
		rowHead(row, at);
	cell(row, 'Event', 'text').append(mark(e.finished ? 'warn' : 'bad',
		e.type + (e.finished ? '' : ', in progress') + (e.incomplete ? ', incomplete' : '')));
	cell(row, 'Phases', 'text').textContent = e.phases.join(' ');
	setValue(cell(row, e.type === 'transient' ? 'Deviation' : 'Extreme'),
		 e.type === 'transient' ? e.deviation_v : e.extreme_v, 1, 'V');
	setValue(cell(row, 'Of declared'), e.percent, 1, '%');
	setValue(cell(row, 'Duration'), e.duration_s, 3, 's');
}

/* Time along @width, volts along @height; 0 s is the begin of the event. */
function waveArea(c, width, height) {
	const most = Math.max(...wave.channels.flatMap((x) => x.v.map(Math.abs)), 1);
	const scans = wave.channels[0].v.length;
	const left = Math.ceil(c.measureText(digits(-most, 0)).width) + 16;

	return { most, scans, left, right: width - 12, top: 26, bottom: height - 24,
		 x: (k) => left + k / (scans - 1) * (width - 12 - left),
		 y: (v) => (height + 2) / 2 - v / most * (height - 50) / 2 };
}

function drawWaveAxes(c, a, style) {
	const begin = a.x(wave.before_s * wave.rate_hz);

	c.strokeStyle = style.getPropertyValue('--line');
	c.fillStyle = style.getPropertyValue('--quiet');
	c.textBaseline = 'middle';
	c.textAlign = 'left';
	c.fillText('u [V]', 8, 9);
	c.textAlign = 'right';
	for (const v of [-a.most, 0, a.most]) {
		c.beginPath();
		c.moveTo(a.left, a.y(v));
		c.lineTo(a.right, a.y(v));
		c.stroke();
		c.fillText(digits(v, 0), a.left - 8, a.y(v));
	}
	c.textBaseline = 'alphabetic';
	for (let ms = -100; ms <= 200; ms += 100) {
		const x = a.x((wave.before_s + ms / 1000) * wave.rate_hz);

		c.textAlign = x - 24 < a.left ? 'left' : x + 24 > a.right ? 'right' : 'center';
		if (x > a.left - 1 && x < a.right + 1)
			c.fillText(digits(ms, 0) + ' ms', x, a.bottom + 17);
	}
	c.strokeStyle = style.getPropertyValue('--quiet');
	c.setLineDash([3, 3]);
	c.beginPath();
	c.moveTo(begin, a.top);
	c.lineTo(begin, a.bottom);
	c.stroke();
	c.setLineDash([]);
}

function drawWave() {
	if (!wave)
		return;
	const style = getComputedStyle(document.body);
	const { c, width, height } = blank(byId('wave'), style);
	const a = waveArea(c, width, height);

	drawWaveAxes(c, a, style);
	c.lineWidth = 1.5;
	let left = a.right - wave.channels.reduce((sum, x) => sum + c.measureText(x.name).width + 12, -12);

	wave.channels.forEach((channel, number) => {
		c.strokeStyle = c.fillStyle = colour(style, number);
		c.textAlign = 'left';
		c.fillText(channel.name, left, 13);
		left += c.measureText(channel.name).width + 12;
		c.beginPath();
		channel.v.forEach((v, k) => k ? c.lineTo(a.x(k), a.y(v)) : c.moveTo(a.x(k), a.y(v)));
		c.stroke();
	});
}

/* The voltages around an event; the currents are in the API only. */
async function showWave(events) {
	const having = events.filter((e) => e.waveform);
	const e = having.find((x) => x.number === wanted) || having[0];

	if (!e) {
		wave = null;
	} else if (!wave || wave.event !== e.number) {
		wave = JSON.parse(await ask('/api/v1/quality/waveform?event=' + e.number));
		wave.channels = wave.channels.filter((x) => x.v && x.v.every(isNumber));
	}
	byId('wave-box').hidden = !wave;
	if (wave)
		byId('wave').setAttribute('aria-label', 'Voltages around ' + e.type + ', ' + e.time);
	drawWave();
}

async function pollQuality() {
	try {
		const text = await ask('/api/v1/quality/events');
		const events = JSON.parse(text);
		const body = byId('pq-events').tBodies[0];

		byId('quality').hidden = false;
		if (performance.now() - reported > REPORT_MS) {
			showReport(JSON.parse(await ask('/api/v1/quality')));
			reported = performance.now();
		}
		await showWave(events);
		if (shownEvents === text + wanted)
			return;
		shownEvents = text + wanted;
		body.replaceChildren();
		for (const e of events.slice(0, EVENTS_SHOWN))
			eventRow(body, e);
		byId('pq-events').hidden = !events.length;
		byId('pq-none').hidden = events.length > 0;
	} catch (error) {
		/* Switched off, or meterd is not there, which is said above. */
		byId('quality').hidden = !byId('pq-events').tBodies[0].rows.length;
	}
}

new ResizeObserver(drawWave).observe(byId('wave'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawWave);
