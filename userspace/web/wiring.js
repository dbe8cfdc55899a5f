// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the CTs are, as far as it can be told. */
'use strict';

let topology = '';		// when it is known

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
