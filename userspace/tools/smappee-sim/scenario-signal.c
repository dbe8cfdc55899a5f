// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mains and loads of a draft to waves; inputs that do not exist or are used twice
 * are found here.
 */
#include "field.h"
#include "io.h"
#include "scenario-draft.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static bool input_exists(const struct draft *d, const char *input)
{
	for (unsigned int i = 0; i < d->modules; i++) {
		const struct scenario_module *m = &d->module[i].m;

		for (unsigned int c = 0; c < m->channels; c++) {
			char name[SIGNAL_NAME_MAX + 8], channel[4];

			if (draft_is_voltage(m) || io_is(m->type))
				continue;
			scenario_channel_name(m, c, channel);
			snprintf(name, sizeof(name), "%s/%s", m->name, channel);
			if (!strcmp(name, input))
				return true;
		}
	}
	return false;
}

static const struct map *find_map(const struct draft *d, const char *to)
{
	for (unsigned int i = 0; i < d->maps; i++)
		if (!strcmp(d->map[i].to, to))
			return &d->map[i];
	return NULL;
}

static int make_harmonics(const struct harmonics *h, double peak, double turn, double sign,
			  struct wave *w)
{
	int ret = 0;

	for (unsigned int i = 0; i < h->count && !ret; i++)
		ret = wave_add(w, h->order[i], peak * h->ratio[i] * sign,
			       h->order[i] * turn + h->angle[i]);
	return ret;
}

static int make_replayed(struct draft *d, const struct map *m, struct wave *w)
{
	int ret = replay_wave(&d->replay, m->column, (unsigned int)d->replay_cycles,
			      WAVE_BANDWIDTH * 8000, w);

	if (ret == -ENOENT)
		return draft_fail(d, m->line, "[replay] %s = %s: %s has no such column", m->to,
				  m->column, d->replay_file);
	return ret;
}

/* Voltage of a conductor of the mains, before transformers. */
static int make_conductor(struct draft *d, unsigned int p, struct wave *w)
{
	const struct signal *s = &d->s->signal;
	double peak = M_SQRT2 * d->voltage_v[d->voltage_count == 1 ? 0 : p] * s->kind->part[p];
	double turn = s->kind->turn_deg[p] / 180 * M_PI;
	const char name[] = { 'L', (char)('1' + p), '\0' };
	const struct map *m = find_map(d, name);
	int ret;

	if (d->replay_file[0]) {
		if (!m)
			return draft_fail(d, d->replay_line, "[replay]: voltage.%s is missing",
					  name);
		return make_replayed(d, m, w);
	}
	w->base_hz = s->frequency_hz;
	w->fundamental = 1;
	ret = wave_add(w, 1, peak, turn);
	return ret ? ret : make_harmonics(&d->mains, peak, turn, 1, w);
}

static int make_mains(struct draft *d)
{
	struct signal *s = &d->s->signal;
	const struct mains_kind *kind = s->kind;
	int ret = 0;

	if (!d->replay_file[0] && d->voltage_count != 1 && d->voltage_count != kind->terminals)
		return draft_fail(d, d->voltage_line ? d->voltage_line : d->line,
				  "[mains] voltage_v: %u values for %u phases; give 1 or %u",
				  d->voltage_count, kind->terminals, kind->terminals);
	for (unsigned int p = 0; p < kind->terminals && !ret; p++) {
		struct wave conductor = { 0 };

		ret = make_conductor(d, p, &conductor);
		if (!ret)
			ret = wave_add_delayed(&s->terminal[p], &conductor, 1 / s->transformer, 0);
		for (unsigned int k = 0; k < kind->slots && !ret; k++)
			if (kind->matrix[k][p] != 0)
				ret = wave_add_delayed(&s->mains[k], &conductor, kind->matrix[k][p],
						       0);
		wave_free(&conductor);
	}
	return ret;
}

static int check_load(struct draft *d, struct load_draft *l)
{
	if (!l->input_count)
		return draft_fail(d, l->line, "[load %s]: inputs is missing", l->name);
	if (l->phase_count != l->input_count)
		return draft_fail(d, l->phases_line ? l->phases_line : l->line,
				  "[load %s] phases: %u phases for %u inputs; give one each",
				  l->name, l->phase_count, l->input_count);
	if (l->current_count > 1 && l->current_count != l->input_count)
		return draft_fail(d, l->line, "[load %s] current_a: %u values for %u inputs",
				  l->name, l->current_count, l->input_count);
	if (l->pf_count > 1 && l->pf_count != l->input_count)
		return draft_fail(d, l->line, "[load %s] pf: %u values for %u inputs", l->name,
				  l->pf_count, l->input_count);
	if (!l->current_count && !l->steps.steps && !d->replay_file[0])
		return draft_fail(d, l->line, "[load %s]: current_a is missing", l->name);
	if (l->current_count && l->steps.steps && l->current_a[0] == 0)
		return draft_fail(d, l->line,
				  "[load %s] current_a: 0 for the first input gives the steps "
				  "no measure",
				  l->name);
	return 0;
}

/* Steps are in ampere of the first input; the wave holds current_a. */
static void make_profile(const struct load_draft *l, struct profile *out)
{
	*out = l->steps;
	for (unsigned int i = 0; i < out->steps && l->current_count; i++)
		out->value[i] /= l->current_a[0];
}

static int check_input(struct draft *d, const struct load_draft *l, const char *input)
{
	const struct signal *s = &d->s->signal;

	if (!input_exists(d, input))
		return draft_fail(d, l->inputs_line,
				  "[load %s] inputs: no input %s; a CT hub has A to D, a "
				  "solid core A to C, for example hub1/A",
				  l->name, input);
	for (unsigned int i = 0; i < s->loads; i++)
		for (unsigned int e = 0; e < s->load[i].elements; e++)
			if (!strcmp(s->load[i].element[e].input, input))
				return draft_fail(
					d, l->inputs_line,
					"[load %s] inputs: %s is used twice (also in load %s); "
					"remove one of them",
					l->name, input, s->load[i].name);
	return 0;
}

static int make_current(struct draft *d, const struct load_draft *l, unsigned int e,
			struct element *out)
{
	double rms = !l->current_count ? 1 : l->current_a[l->current_count == 1 ? 0 : e];
	double peak = M_SQRT2 * fabs(rms), sign = rms < 0 ? -1 : 1, lag = 0;
	double turn = mains_turn(d->s->signal.kind, out->phase);
	struct wave *w = &out->wave;
	int ret;

	if (l->pf_count)
		field_power_factor(l->pf[l->pf_count == 1 ? 0 : e], &lag);
	w->base_hz = d->s->signal.frequency_hz;
	w->fundamental = 1;
	ret = wave_add(w, 1, peak * sign, turn - lag);
	if (!ret)
		ret = make_harmonics(&l->harmonics, peak, turn, sign, w);
	return ret;
}

/* The slot of that name; as many as there are if there is none. */
static unsigned int find_slot(const struct mains_kind *kind, const char *name)
{
	unsigned int k = 0;

	while (k < kind->slots && strcmp(kind->slot[k], name) != 0)
		k++;
	return k;
}

static int make_element(struct draft *d, const struct load_draft *l, unsigned int e,
			struct load *load)
{
	const struct mains_kind *kind = d->s->signal.kind;
	struct element *out = &load->element[e];
	const struct map *m = find_map(d, l->inputs[e]);
	int ret = check_input(d, l, l->inputs[e]);

	if (ret)
		return ret;
	out->phase = find_slot(kind, l->phases[e]);
	if (out->phase == kind->slots)
		return draft_fail(d, l->phases_line,
				  "[load %s] phases: no phase %s; this topology has %s%s%s%s%s",
				  l->name, l->phases[e], kind->slot[0], kind->slots > 1 ? ", " : "",
				  kind->slots > 1 ? kind->slot[1] : "", kind->slots > 2 ? ", " : "",
				  kind->slots > 2 ? kind->slot[2] : "");
	if (d->replay_file[0] && !m)
		return draft_fail(d, l->inputs_line, "[load %s] inputs: [replay] has no current.%s",
				  l->name, l->inputs[e]);
	ret = m ? make_replayed(d, m, &out->wave) : make_current(d, l, e, out);
	if (ret)
		return ret;
	snprintf(out->input, sizeof(out->input), "%s", l->inputs[e]);
	load->elements = e + 1;
	return 0;
}

static int make_loads(struct draft *d)
{
	struct signal *s = &d->s->signal;

	for (unsigned int i = 0; i < d->loads; i++) {
		struct load_draft *l = &d->load[i];
		struct load *out = &s->load[s->loads];
		int ret = check_load(d, l);

		if (ret)
			return ret;
		snprintf(out->name, sizeof(out->name), "%s", l->name);
		out->reversed = l->reversed;
		make_profile(l, &out->profile);
		/* Counted from the start, so that its own inputs are compared too. */
		s->loads++;
		for (unsigned int e = 0; e < l->input_count; e++) {
			ret = make_element(d, l, e, out);
			if (ret)
				return ret;
		}
	}
	return 0;
}

int draft_load_replay(struct draft *d, const char *data)
{
	const char *slash = strrchr(d->path, '/');
	int dir = slash ? (int)(slash - d->path) : 1;
	char path[1024];
	int ret;

	if (!d->replay_file[0])
		return d->maps ? draft_fail(d, d->map[0].line, "[replay]: file is missing") : 0;
	if (!d->replay_cycles)
		return draft_fail(d, d->replay_line, "[replay]: cycles is missing");
	if (d->replay_file[0] == '/')
		snprintf(path, sizeof(path), "%s", d->replay_file);
	else if (data)
		snprintf(path, sizeof(path), "%s/%s", data, d->replay_file);
	else
		snprintf(path, sizeof(path), "%.*s/%s", dir, slash ? d->path : ".", d->replay_file);
	ret = replay_load(&d->replay, path, d->error, SCENARIO_ERROR_MAX);
	if (!ret)
		d->s->signal.frequency_hz =
			d->replay.rate_hz * (double)d->replay_cycles / (double)d->replay.scans;
	return ret;
}

int draft_make_signal(struct draft *d)
{
	int ret = make_mains(d);

	return ret ? ret : make_loads(d);
}
