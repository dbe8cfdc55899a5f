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

/* What is found, why it is not certain, and the positions of the CT that explain it. */
function finding(x) {
	const differs = placeName(x.configured) !== placeName(x.proposal);
	const reason = !x.reason ? '' : (x.verdict.endsWith('?') ? ' ' : ': ') + x.reason;
	let places = '';

	if (differs)
		places = (x.reason ? 'perhaps ' : 'should be ') + share(x.proposal, x.confidence);
	else if (x.reason && x.alternative)
		places = 'perhaps ' + share(x.proposal, x.confidence) + ' as configured';
	if (x.reason && x.alternative)
		places += ', or ' + share(x.alternative, x.alternative_confidence);
	return x.verdict + reason + (places ? '; ' + places : '');
}

/* The ways out, in the words of the command line. */
function hints(wrong) {
	const found = [];

	if (wrong.some((x) => x.verdict === 'reversed' || x.verdict.startsWith('wrong phase')))
		found.push('Turn or move the CT, or let "meterctl check --apply" correct the configuration.');
	if (wrong.some((x) => x.verdict.endsWith('?')))
		found.push('What ends in ? is a question: "meterctl check --resistive" answers it ' +
			'while heaters or lamps are the load.');
	return found;
}

/* The mains as they contradict their description; then inputs that are not in order. */
function showWiring(w) {
	const list = byId('wiring');
	const wrong = w.inputs.filter((x) => x.verdict !== 'in order' &&
		x.reason !== 'load too small' && x.reason !== 'seen for too short a time');

	topology = w.topology;
	setText(byId('wiring-note'), 'rotation ' + w.rotation + ', ' +
		w.inputs.filter((x) => x.verdict === 'in order').length + ' of ' + w.inputs.length +
		' inputs seen in order');
	const mains = (w.site && w.site.contradictions) || [];

	list.replaceChildren(...mains.map((text) => node('li', 'bad', text)),
		...wrong.sort((a, b) => urgency(a) - urgency(b)).map((x) => {
		const phi = x.phi_deg ? x.phi_deg[x.configured.phase] : null;
		const kind = ['bad', 'warn', ''][urgency(x)];
		const item = node('li', kind, x.input + ' (' + x.load + '): ' + finding(x));

		if (isNumber(phi))
			item.append(node('span', 'evidence', digits(x.i_a, 3) + '\u00a0A at ' +
				digits(phi, 0) + '\u00b0 to ' + x.configured.phase + ' for ' +
				duration(x.seconds)));
		return item;
	}), ...hints(wrong).map((text) => node('li', 'hint', text)));
}
