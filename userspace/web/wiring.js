// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the CTs are, as far as it can be told. */
'use strict';

let topology = '';		// when it is known

function placeName(p) {
	return p.phase + (p.reversed ? ' reversed' : '');
}

function share(place, confidence) {
	return placeName(place) + ', ' + (100 * confidence).toFixed(1) + '\u00a0%';
}

/* What is certain comes first, then questions. */
function urgency(x) {
	return x.verdict.endsWith('?') ? 1 : x.reason ? 2 : 0;
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
	list.replaceChildren(...wrong.sort((a, b) => urgency(a) - urgency(b)).map((x) => {
		const differs = placeName(x.configured) !== placeName(x.proposal);
		const phi = x.phi_deg ? x.phi_deg[x.configured.phase] : null;
		const kind = ['bad', 'warn', ''][urgency(x)];
		const text = x.verdict + (x.reason ? ', ' + x.reason : '') + (differs ? '; ' +
			(x.reason ? 'perhaps ' : 'should be ') + share(x.proposal, x.confidence) : '') +
			(x.reason && x.alternative ? ', or ' +
			share(x.alternative, x.alternative_confidence) : '');
		const item = node('li', kind, x.input + ' (' + x.load + '): ' + text);

		if (isNumber(phi))
			item.append(node('span', 'evidence', digits(x.i_a, 3) + '\u00a0A at ' +
				digits(phi, 0) + '\u00b0 to ' + x.configured.phase + ' for ' +
				duration(x.seconds)));
		return item;
	}));
}
