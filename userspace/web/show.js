// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers, text and the cells that show them.
 *
 * Text from outside only ever becomes textContent.
 */
'use strict';

const NOTHING = '–';

const byId = (id) => document.getElementById(id);

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

/* Words in the place of a value. */
function setNote(cell, text) {
	delete cell.dataset.shown;
	setText(cell, text);
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

/* A state as a word with a dot in its colour. */
function mark(kind, text) {
	const m = node('span', 'mark ' + kind);

	m.append(node('span', 'dot'), text);
	m.firstChild.setAttribute('aria-hidden', 'true');
	return m;
}

function known(value) {
	return value === null || value === undefined ? NOTHING : String(value);
}

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
