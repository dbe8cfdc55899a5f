// SPDX-License-Identifier: GPL-2.0-or-later
#include "sources-json.h"

#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>

/* Is the value of this channel known? Voltages come first, then the inputs of the loads. */
static bool is_known(const struct installation *in, const struct reading *r, unsigned int channel)
{
	unsigned int k;

	if (channel < in->inputs.voltages)
		return channel < r->voltages && isfinite(r->voltage[channel].ln_v);
	channel -= in->inputs.voltages;
	for (k = 0; k < in->loads && k < r->loads; k++) {
		const struct load *l = &in->load[k];

		if (channel < l->first || channel >= l->first + load_inputs(l))
			continue;
		if (channel - l->first == l->elements)
			return isfinite(r->load[k].neutral_a);
		return isfinite(r->load[k].element[channel - l->first].i_a);
	}
	return false;
}

static struct json_object *device_json(const struct installation *in, const struct reading *r,
				       unsigned int device)
{
	struct json_object *o = json_object_new_object();
	const char *label = in->inputs.device[device].label;
	unsigned int channels = 0;
	unsigned int known = 0;
	unsigned int k;

	for (k = 0; k < in->inputs.channels; k++) {
		if (in->inputs.channel[k].device != device)
			continue;
		channels++;
		known += r && is_known(in, r, k);
	}
	json_object_object_add(o, "device", label ? json_object_new_string(label) : NULL);
	json_object_object_add(o, "channels", json_object_new_int64(channels));
	json_object_object_add(o, "known", json_object_new_int64(known));
	json_object_object_add(o, "state",
			       json_object_new_string(known == channels ? "measuring"
						      : known		? "partly"
									: "silent"));
	return o;
}

struct json_object *sources_json(const struct installation *in, const struct reading *r)
{
	struct json_object *list = json_object_new_array();
	unsigned int k;

	for (k = 0; k < in->inputs.devices; k++)
		json_object_array_add(list, device_json(in, r, k));
	return list;
}
