// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inputs and outputs: what meters show, contacts and relays. Hidden where there are none. The
 * page only shows: relays are switched by commands, which need a token.
 */
'use strict';

const UNITS = { m3: 'm\u00b3', ft3: 'ft\u00b3' };
/* Names beside words: those of contacts and relays, and of what is wrong. */
const CLOSED_STATES = { closed: 'good', open: '' };
const RELAY_STATES = { on: 'good', off: '' };

function unitName(unit) {
	return UNITS[unit] || unit;
}

/* What is there, or what is wrong. */
function stateCell(row, x, states) {
	const c = cell(row, 'State', 'text');

	if (x.problem)
		c.append(mark('bad', x.problem));
	else if (x.fail_safe)
		c.append(mark('warn', x.state + ', fail-safe'));
	else if (x.state)
		c.append(mark(states[x.state] || '', x.state));
	else if (x.kind === 'state' || states === RELAY_STATES)
		c.append(NOTHING);
}

function inputRow(body, x) {
	const row = tableRow(body);
	const counted = x.kind !== 'state';

	rowHead(row, x.name);
	cell(row, 'At', 'text').textContent = known(x.input);
	cell(row, 'Kind', 'text').textContent = known(x.kind);
	stateCell(row, x, CLOSED_STATES);
	for (const [label, value, places, unit] of [
		['Total', x.total, 3, unitName(x.unit)],
		['Flow', x.flow_per_h, 3, unitName(x.unit) + '/h'],
		['Power', x.power_w, 0, 'W']]) {
		const shown = counted && (label !== 'Power' || 'power_w' in x);
		const c = cell(row, label, shown ? '' : 'empty');

		if (shown)
			setValue(c, value, places, unit);
	}
}

function outputRow(body, x) {
	const row = tableRow(body);

	rowHead(row, x.name);
	cell(row, 'At', 'text').textContent = known(x.output);
	stateCell(row, x, RELAY_STATES);
	cell(row, 'Since', 'text').textContent = x.since_ms ? clock(x.since_ms) : NOTHING;
	cell(row, 'By', 'text').textContent = known(x.cause);
	cell(row, 'Heartbeat', 'text').append(mark(x.heartbeat ? 'good' : 'bad', x.heartbeat ? 'yes' : 'no'));
	if (x.fail_safe_timeout_s)
		setValue(cell(row, 'Time-out'), x.fail_safe_timeout_s, 0, 's');
	else
		cell(row, 'Time-out').append(x.problem ? NOTHING : mark('warn', 'none'));
}

function showRows(id, list, show) {
	const body = byId(id).tBodies[0];

	body.replaceChildren();
	for (const x of list)
		show(body, x);
	byId(id).hidden = !list.length;
}

let ioText = '';

function showIo(text) {
	const io = JSON.parse(text);

	byId('io').hidden = !io.inputs.length && !io.outputs.length;
	setText(byId('io-note'), io.inputs.length + ' inputs, ' + io.outputs.length + ' outputs');
	if (text === ioText)
		return;
	ioText = text;
	showRows('inputs', io.inputs, inputRow);
	showRows('outputs', io.outputs, outputRow);
}
