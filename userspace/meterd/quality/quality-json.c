// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asked for by people, so objects may be built; numbers have the digits that mean
 * something.
 */
#include "quality-json.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL

static struct json_object *number(double x, int digits)
{
	char text[64];

	if (!isfinite(x) || fabs(x) > 1e15)
		return NULL;
	snprintf(text, sizeof(text), "%.*f", digits, x);
	return json_object_new_double_s(x, text);
}

static void put(struct json_object *o, const char *key, double x, int digits)
{
	json_object_object_add(o, key, number(x, digits));
}

static void put_time(struct json_object *o, const char *key, int64_t utc_ns)
{
	time_t seconds = (time_t)(utc_ns / NS_PER_S);
	char text[40];
	struct tm tm;
	size_t n;

	if (utc_ns < 0 || !gmtime_r(&seconds, &tm)) {
		json_object_object_add(o, key, NULL);
		return;
	}
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(utc_ns % NS_PER_S / NS_PER_MS));
	json_object_object_add(o, key, json_object_new_string(text));
}

static void put_count(struct json_object *o, const char *key, int64_t n)
{
	json_object_object_add(o, key, json_object_new_int64(n));
}

static void put_flag(struct json_object *o, const char *key, bool flag)
{
	json_object_object_add(o, key, json_object_new_boolean(flag));
}

/* ---- events ----------------------------------------------------------- */

struct json_object *quality_event_json(const struct pq_event *e, const struct topology *t)
{
	struct json_object *o = json_object_new_object();
	struct json_object *phases = json_object_new_array();
	unsigned int k;

	put_count(o, "number", (int64_t)e->number);
	json_object_object_add(o, "type", json_object_new_string(event_type_name(e->type)));
	put_time(o, "time", e->utc_ns);
	put_flag(o, "finished", e->finished);
	put(o, "duration_s", (double)(e->end_ns - e->start_ns) / NS_PER_S, 4);
	put(o, e->type == EVENT_TRANSIENT ? "deviation_v" : "extreme_v", e->extreme_v, 2);
	put(o, "reference_v", e->reference_v, 2);
	put(o, "percent", 100.0 * e->extreme_v / e->reference_v, 2);
	for (k = 0; k < t->slots; k++)
		if (e->phases & (1U << k))
			json_object_array_add(phases, json_object_new_string(t->phase[k]));
	json_object_object_add(o, "phases", phases);
	put_flag(o, "interrupted", e->interrupted);
	put_flag(o, "incomplete", e->incomplete);
	return o;
}

struct json_object *quality_events_json(const struct quality *q, const struct installation *in)
{
	struct json_object *list = json_object_new_array();
	uint64_t n;

	for (n = quality_event_count(q); n && quality_event(q, n); n--) {
		struct json_object *o = quality_event_json(quality_event(q, n), in->topology);

		put_flag(o, "waveform", quality_waveform(q, n));
		json_object_array_add(list, o);
	}
	return list;
}

/* ---- spectra ---------------------------------------------------------- */

/* What there is of each order from 1 on, in units of @scale. */
static struct json_object *orders_json(const float *of, unsigned int orders, double scale)
{
	struct json_object *list = json_object_new_array();
	unsigned int h;

	for (h = 1; h <= orders; h++)
		json_object_array_add(list, number(of[h] * scale, 4));
	return list;
}

static struct json_object *spectrum_json(const char *name, char unit, const struct spectrum *s,
					 unsigned int orders, double scale)
{
	const struct {
		const char *key;
		const float *of;
	} rows[] = { { "rms", s->subgroup }, { "group", s->group }, { "inter", s->inter } };
	struct json_object *o = json_object_new_object();
	char key[16];
	size_t k;

	json_object_object_add(o, "name", json_object_new_string(name));
	put(o, "thd_percent", 100.0 * harmonics_thd(s, orders), 3);
	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		snprintf(key, sizeof(key), "%s_%c", rows[k].key, unit);
		json_object_object_add(o, key, orders_json(rows[k].of, orders, fabs(scale)));
	}
	return o;
}

/* Active power of the orders 2 and up: negative when the load is a source of harmonics. */
static double harmonic_power(const struct spectrum *v, const struct spectrum *i,
			     unsigned int orders, double gain)
{
	double sum = 0.0;
	unsigned int h;

	for (h = 2; h <= orders; h++)
		sum += harmonics_power(v, i, h) * gain;
	return sum;
}

static void put_currents(struct json_object *list, const struct harmonics_result *r,
			 const struct installation *in, const double *scale)
{
	unsigned int slots = in->topology->slots;
	unsigned int l;
	unsigned int k;

	for (l = 0; l < in->loads; l++) {
		const struct load *load = &in->load[l];

		for (k = 0; k < load->elements; k++) {
			const struct load_element *e = &load->element[k];
			const struct spectrum *s = &r->spectrum[slots + load->first + k];
			double gain =
				element_gain(e) * scale[in->inputs.voltages + load->first + k];
			struct json_object *o = spectrum_json(e->input, 'a', s, r->orders, gain);

			json_object_object_add(o, "load", json_object_new_string(load->name));
			put(o, "k_factor", harmonics_k_factor(s, r->orders), 3);
			put(o, "harmonic_w",
			    harmonic_power(&r->spectrum[e->slot], s, r->orders,
					   gain * e->multiplier),
			    3);
			json_object_array_add(list, o);
		}
	}
}

static struct json_object *harmonics_json(const struct quality *q, const struct installation *in,
					  const double *scale)
{
	const struct harmonics_result *r = quality_harmonics(q);
	struct json_object *voltages;
	struct json_object *currents;
	struct json_object *o;
	unsigned int k;

	if (!r)
		return NULL;
	o = json_object_new_object();
	voltages = json_object_new_array();
	currents = json_object_new_array();
	put_count(o, "orders", r->orders);
	for (k = 0; k < in->topology->slots; k++)
		json_object_array_add(voltages, spectrum_json(in->topology->phase[k], 'v',
							      &r->spectrum[k], r->orders, 1.0));
	put_currents(currents, r, in, scale);
	json_object_object_add(o, "voltages", voltages);
	json_object_object_add(o, "currents", currents);
	return o;
}

/* ---- intervals -------------------------------------------------------- */

static struct json_object *interval_json(const struct aggregate_value *v, const struct topology *t)
{
	struct json_object *o = json_object_new_object();
	struct json_object *phases;
	unsigned int k;

	put_time(o, "start", v->start_utc_ns);
	put_time(o, "end", v->end_utc_ns);
	put_flag(o, "flagged", v->flagged);
	put(o, "covered", v->covered, 4);
	put(o, "frequency_hz", v->frequency_hz, 4);
	if (v->kind == AGGREGATE_10S)
		return o;
	put_count(o, "windows", v->windows);
	put_count(o, "flagged_windows", v->flagged_windows);
	put(o, "u2_percent", v->u2_percent, 3);
	put(o, "u0_percent", v->u0_percent, 3);
	phases = json_object_new_array();
	for (k = 0; k < t->slots; k++) {
		struct json_object *p = json_object_new_object();

		json_object_object_add(p, "phase", json_object_new_string(t->phase[k]));
		put(p, "rms_v", v->rms_v[k], 3);
		put(p, "min_v", v->min_v[k], 3);
		put(p, "max_v", v->max_v[k], 3);
		put(p, "thd_percent", 100.0 * v->thd[k], 3);
		if (v->kind == AGGREGATE_10MIN)
			put(p, "pst", v->flicker[k], 3);
		if (v->kind == AGGREGATE_2H)
			put(p, "plt", v->flicker[k], 3);
		json_object_object_add(p, "rms_h_v", orders_json(v->harmonic[k], v->orders, 1.0));
		json_object_array_add(phases, p);
	}
	json_object_object_add(o, "phases", phases);
	return o;
}

static struct json_object *intervals_json(const struct quality *q, const struct topology *t)
{
	struct json_object *o = json_object_new_object();
	unsigned int k;

	for (k = 0; k < AGGREGATE_KINDS; k++) {
		const struct aggregate_value *v = quality_last(q, (enum aggregate_kind)k);

		json_object_object_add(o, aggregate_name((enum aggregate_kind)k),
				       v ? interval_json(v, t) : NULL);
	}
	return o;
}

/* ---- EN 50160 --------------------------------------------------------- */

static const char *verdict_name(enum en50160_verdict v)
{
	static const char *const name[] = { "unknown", "kept", "missed" };

	return name[v];
}

static struct json_object *week_json(const struct en50160_week *w)
{
	static const char *const count[EN50160_COUNTS] = { "dips", "swells", "short_interruptions",
							   "long_interruptions", "transients" };
	struct json_object *o;
	struct json_object *items;
	unsigned int k;

	if (!w->start_utc_s)
		return NULL;
	o = json_object_new_object();
	items = json_object_new_array();
	put_time(o, "start", w->start_utc_s * NS_PER_S);
	json_object_object_add(o, "verdict",
			       json_object_new_string(verdict_name(en50160_verdict(w))));
	put_count(o, "flagged_intervals", w->flagged);
	for (k = 0; k < EN50160_COUNTS; k++)
		put_count(o, count[k], w->count[k]);
	for (k = 0; k < EN50160_ITEMS; k++) {
		const struct en50160_tally *t = &w->tally[k];
		enum en50160_item item = (enum en50160_item)k;
		struct json_object *i;

		if (!t->intervals)
			continue;
		i = json_object_new_object();
		json_object_object_add(i, "item", json_object_new_string(en50160_item_name(item)));
		json_object_object_add(
			i, "verdict",
			json_object_new_string(verdict_name(en50160_item_verdict(w, item))));
		put(i, "kept_percent", 100.0 * t->kept / t->intervals, 2);
		put(i, "required_percent", 100.0 * en50160_required(item), 1);
		put(i, "worst", t->worst, 3);
		put(i, "limit", en50160_limit(item), 1);
		put_count(i, "intervals", t->intervals);
		json_object_array_add(items, i);
	}
	json_object_object_add(o, "items", items);
	return o;
}

struct json_object *quality_report_json(const struct quality *q, const struct installation *in,
					const double *scale)
{
	struct json_object *o = json_object_new_object();
	struct json_object *declared = json_object_new_object();
	struct json_object *pinst = json_object_new_object();
	double hz = quality_mains_hz(q);
	unsigned int k;

	for (k = 0; k < in->topology->slots; k++) {
		double v = quality_declared_v(q, k);

		put(declared, in->topology->phase[k], v > 0.0 ? v : NAN, 2);
		put(pinst, in->topology->phase[k], quality_pinst(q, k), 3);
	}
	json_object_object_add(o, "declared_v", declared);
	put(o, "declared_hz", hz > 0.0 ? hz : NAN, 0);
	json_object_object_add(o, "pinst", pinst);
	put_count(o, "events", (int64_t)quality_event_count(q));
	json_object_object_add(o, "harmonics", harmonics_json(q, in, scale));
	json_object_object_add(o, "intervals", intervals_json(q, in->topology));
	json_object_object_add(o, "week", week_json(&quality_week(q)->week));
	json_object_object_add(o, "last_week", week_json(&quality_week(q)->last));
	return o;
}

/* ---- waveform --------------------------------------------------------- */

static void put_channel(struct json_object *o, const char *name, const char *unit, const float *x,
			unsigned int scans, double gain)
{
	struct json_object *list = json_object_new_array();
	struct json_object *c = json_object_new_object();
	unsigned int k;

	for (k = 0; k < scans; k++)
		json_object_array_add(list, number(x[k] * gain, 3));
	json_object_object_add(c, "name", json_object_new_string(name));
	json_object_object_add(c, unit, list);
	json_object_array_add(o, c);
}

/* Name and gain of the current input of a number. */
static const char *input_of(const struct installation *in, unsigned int input, const double *scale,
			    double *gain)
{
	unsigned int l;

	for (l = 0; l < in->loads; l++) {
		const struct load *load = &in->load[l];
		const struct load_element *e;

		if (input < load->first || input >= load->first + load_inputs(load))
			continue;
		e = &load->element[input - load->first];
		*gain = element_gain(e) * scale[in->inputs.voltages + input];
		return e->input;
	}
	*gain = NAN;
	return "";
}

struct json_object *quality_waveform_json(const struct quality *q, const struct installation *in,
					  const double *scale, uint64_t number)
{
	const struct capture_piece *p = number ? quality_waveform(q, number) : NULL;
	struct json_object *channels;
	struct json_object *o;
	uint64_t n;
	unsigned int k;

	for (n = quality_event_count(q); !number && n && !p && quality_event(q, n); n--)
		p = quality_waveform(q, n);
	if (!p || !quality_event(q, p->event))
		return NULL;
	o = json_object_new_object();
	channels = json_object_new_array();
	put_count(o, "event", (int64_t)p->event);
	put(o, "before_s", (double)(quality_event(q, p->event)->start_ns - p->start_ns) / NS_PER_S,
	    6);
	put(o, "rate_hz", p->rate_hz, 6);
	for (k = 0; k < p->channels; k++) {
		unsigned int slots = in->topology->slots;
		double gain = 1.0;
		const char *name =
			k < slots ? in->topology->phase[k]
				  : input_of(in, quality_captured(q) + k - slots, scale, &gain);

		put_channel(channels, name, k < slots ? "v" : "a", p->x[k], p->scans, gain);
	}
	json_object_object_add(o, "channels", channels);
	return o;
}
