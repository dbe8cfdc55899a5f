// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page of meterd: readings come as server-sent events, modules and the
 * daemon's state are asked for every 5 s.
 * The other scripts show what comes; this one begins and asks.
 *
 * Age is measured with the browser's monotonic clock from the arrival of a
 * reading, so that a wrong wall clock on either side cannot make an old value
 * look new.
 */
'use strict';

const STALE_S = 4;		// readings come once a second
const REOPEN_S = 15;		// a stream that is silent for so long is opened anew
const POLL_MS = 5000;

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

/* ---- what is asked for ------------------------------------------------ */

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
	await pollQuality();
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
