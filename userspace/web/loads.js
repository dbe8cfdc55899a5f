// SPDX-License-Identifier: GPL-2.0-or-later
/* What is measured: the head of the page, and the table of the loads. */
'use strict';

function fact(list, name) {
	const box = node('div');
	const value = node('dd');

	box.append(node('dt', '', name), value);
	list.append(box);
	return value;
}

let facts = null;

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
	facts.lost.classList.toggle('bad', r.lost_scans > 0);
	facts.gaps.classList.toggle('bad', r.gaps > 0);
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
	if (x.below_range || x.saturated)
		setNote(cells.pf, x.saturated ? 'saturated' : 'below range');
	else
		setValue(cells.pf, x.pf, 3);
	cells.pf.classList.toggle('bad', Boolean(x.saturated));
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
