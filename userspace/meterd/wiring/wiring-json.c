// SPDX-License-Identifier: GPL-2.0-or-later
/* See wiring-json.h. What is not known is null. */
#include "wiring-json.h"

#include <math.h>
#include <stdio.h>

/* a position that is less likely is not worth a word */
#define OTHER_LEAST 0.01

static void put(struct json_object *o, const char *key, double x, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, x);
	json_object_object_add(o, key, isfinite(x) ? json_object_new_double_s(x, text) : NULL);
}

static void put_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static void put_flag(struct json_object *o, const char *key, bool flag)
{
	json_object_object_add(o, key, json_object_new_boolean(flag));
}

static struct json_object *place(const struct installation *in, unsigned int slot, bool reversed)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "phase", in->topology->phase[slot]);
	put_flag(o, "reversed", reversed);
	return o;
}

static struct json_object *result_json(const struct installation *in, const struct load *load,
				       const struct wiring_result *r)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "verdict", wiring_verdict_name(r->verdict));
	put_text(o, "reason", r->reason ? wiring_reason_name(r->reason) : NULL);
	json_object_object_add(o, "proposal", place(in, r->slot, r->reversed));
	put(o, "confidence", r->confidence, 4);
	json_object_object_add(o, "alternative",
			       r->other_confidence >= OTHER_LEAST
				       ? place(in, r->other_slot, r->other_reversed)
				       : NULL);
	put(o, "alternative_confidence", r->other_confidence, 4);
	put(o, "pf", r->pf, 3);
	put_flag(o, "reads_half", r->half);
	put_text(o, "swapped_with", r->swapped < 0 ? NULL : load->element[r->swapped].input);
	return o;
}

static struct json_object *model_json(const struct load_element *e)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "type", e->type->name);
	put_flag(o, "rogowski", e->type->rogowski);
	put_flag(o, "integrate", e->integrate);
	put(o, "gain", e->model.gain, 6);
	put(o, "tau_us", isfinite(e->model.tau_s) ? e->model.tau_s * 1e6 : 0.0, 1);
	put(o, "delay_us", e->model.delay_s * 1e6, 3);
	put(o, "min_a", e->min_a, 3);
	put(o, "max_a", e->type->max_a.value, 1);
	return o;
}

static struct json_object *input_json(const struct wiring *w, const struct installation *in,
				      unsigned int l, unsigned int k)
{
	const struct load *load = &in->load[l];
	const struct load_element *e = &load->element[k];
	struct json_object *o;
	struct json_object *angles = json_object_new_object();
	struct wiring_result resistive;
	struct wiring_result r;
	unsigned int s;

	wiring_result(w, l, k, false, &r);
	wiring_result(w, l, k, true, &resistive);
	o = result_json(in, load, &r);
	put_text(o, "input", e->input);
	put_text(o, "load", load->name);
	json_object_object_add(o, "configured", place(in, e->slot, e->sign < 0.0));
	put(o, "seconds", r.seconds, 1);
	put(o, "i_a", r.i_a, 3);
	for (s = 0; s < in->topology->slots; s++)
		put(angles, in->topology->phase[s], r.phi_deg[s], 1);
	json_object_object_add(o, "phi_deg", angles);
	json_object_object_add(o, "if_resistive", result_json(in, load, &resistive));
	put(o, "coil_misfit", r.coil_misfit, 2);
	json_object_object_add(o, "sensor", model_json(e));
	return o;
}

struct json_object *wiring_json(const struct wiring *w, const struct installation *in,
				const char *tuning)
{
	struct json_object *o = json_object_new_object();
	struct json_object *inputs = json_object_new_array();
	unsigned int l;
	unsigned int k;

	put_text(o, "topology", in->topology->name);
	put_text(o, "rotation", wiring_rotation_name(wiring_rotation(w)));
	put_text(o, "tuning", tuning);
	put_text(o, "origin", wiring_assumes(w) ? "register" : "waveform");
	for (l = 0; l < in->loads; l++)
		for (k = 0; k < in->load[l].elements; k++)
			json_object_array_add(inputs, input_json(w, in, l, k));
	json_object_object_add(o, "inputs", inputs);
	return o;
}

static void put_figure(struct json_object *o, const char *key, const struct sensor_figure *f)
{
	struct json_object *figure = json_object_new_object();

	put(figure, "value", f->value, 3);
	put_flag(figure, "estimated", f->estimated);
	put_text(figure, "source", f->source);
	json_object_object_add(o, key, figure);
}

struct json_object *sensors_json(void)
{
	struct json_object *list = json_object_new_array();
	const struct sensor *s;
	unsigned int k;

	for (k = 0; (s = sensor_row(k)); k++) {
		struct json_object *o = json_object_new_object();

		put_text(o, "name", s->name);
		json_object_object_add(o, "code",
				       s->code < 0 ? NULL : json_object_new_int(s->code));
		put_flag(o, "rogowski", s->rogowski);
		put(o, "rating_a", s->rating_a, 0);
		put_figure(o, "ratio", &s->ratio);
		put_figure(o, "lead_deg", &s->lead_deg);
		put_figure(o, "delay_us", &s->delay_us);
		put_figure(o, "min_a", &s->min_a);
		put_figure(o, "max_a", &s->max_a);
		json_object_array_add(list, o);
	}
	return list;
}
