// SPDX-License-Identifier: GPL-2.0-or-later
/* Modules of the bus, and the state of meterd in the foot of the page. */
'use strict';

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
