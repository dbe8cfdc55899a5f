// SPDX-License-Identifier: GPL-2.0-or-later
/* The power of the last minutes, a line per load. */
'use strict';

const SPAN_S = 300;
const GAP_S = 5;		// a longer hole between readings is a hole in the line
const LINES = 8;		// colours in style.css

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

/* An empty canvas as large as its box, in its pixels. */
function blank(canvas, style) {
	const scale = window.devicePixelRatio || 1;
	const width = canvas.clientWidth, height = canvas.clientHeight;
	const c = canvas.getContext('2d');

	if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
		canvas.width = Math.round(width * scale);
		canvas.height = Math.round(height * scale);
	}
	c.setTransform(scale, 0, 0, scale, 0, 0);
	c.clearRect(0, 0, width, height);
	c.font = '12px ' + style.fontFamily;
	return { c, width, height };
}

function draw() {
	const canvas = byId('chart');
	const style = getComputedStyle(document.body);
	const { c, height } = blank(canvas, style);

	/* Time on the gateway's clock, which goes on while no reading comes. */
	const now = reading ? Date.parse(reading.time) + age() * 1000 : Date.now();

	forget(now - SPAN_S * 1000);

	const area = plotArea(canvas, c, height);
	drawGrid(c, area, style, now);
	drawLines(c, area, style, now);
	showLegend(drawHover(c, area, style, now));
	describe(canvas);
}
