// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The folder is watched, as the file is replaced as a whole. What the configuration says
 * is kept, so that what disappears from the file is as it was.
 */
#include "tuned.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "lib/calibration.h"
#include "lib/tuning.h"
#include "log.h"
#include "strip.h"

struct tuned {
	const char *path;
	char *name; /* without its folder */
	struct installation *in;
	struct load_element configured[INPUT_CHANNELS_MAX];
	tuned_changed *changed;
	void *user;
	sd_event_source *watch;
};

/* A number of the object; false when it is there and out of its bounds. */
static bool take_number(struct json_object *o, const char *key, double least, double most,
			double *x)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		return true;
	if (!json_object_is_type(value, json_type_double) &&
	    !json_object_is_type(value, json_type_int))
		return false;
	*x = json_object_get_double(value);
	return *x >= least && *x <= most;
}

static bool take_wiring(const struct installation *in, struct json_object *o,
			struct load_element *e)
{
	struct json_object *value;
	int slot;

	if (json_object_object_get_ex(o, "phase", &value)) {
		slot = json_object_is_type(value, json_type_string)
			       ? topology_slot(in->topology, json_object_get_string(value))
			       : -1;
		if (slot < 0)
			return false;
		e->slot = (unsigned int)slot;
	}
	if (json_object_object_get_ex(o, "reversed", &value)) {
		if (!json_object_is_type(value, json_type_boolean))
			return false;
		e->sign = json_object_get_boolean(value) ? -1.0 : 1.0;
	}
	return true;
}

static bool take_input(const struct installation *in, struct json_object *o, struct load_element *e)
{
	double tau_us = isfinite(e->model.tau_s) ? e->model.tau_s * 1e6 : 0.0;
	double delay_us = e->model.delay_s * 1e6;
	struct load_element fresh = *e;

	if (!take_number(o, "gain", 1e-3, 1e3, &fresh.model.gain) ||
	    !take_number(o, "tau_us", 0.0, 1e6 * CALIBRATION_TAU_MAX_S, &tau_us) ||
	    !take_number(o, "delay_us", -1e6 * STRIP_DELAY_MAX_S, 1e6 * STRIP_DELAY_MAX_S,
			 &delay_us) ||
	    !take_wiring(in, o, &fresh))
		return false;
	fresh.model.tau_s = tau_us > 0.0 ? tau_us * 1e-6 : INFINITY;
	fresh.model.delay_s = delay_us * 1e-6;
	*e = fresh;
	return true;
}

/* Call for each current input: the element and its number. */
#define FOR_EACH_INPUT(in, l, k)                                                                   \
	for ((l) = 0; (l) < (in)->loads; (l)++)                                                    \
		for ((k) = 0; (k) < load_inputs(&(in)->load[l]); (k)++)

/* Return: 0 or -errno after printing the error. */
static int apply(struct tuned *t)
{
	struct json_object *tuning;
	unsigned int l;
	unsigned int k;
	int error = tuning_read(t->path, &tuning);

	if (error) {
		log_error("%s: %s; the inputs stay as they are; repair it, or copy %s.bak back",
			  t->path, error == -EINVAL ? "not a tuning file" : strerror(-error),
			  t->path);
		return error;
	}
	FOR_EACH_INPUT(t->in, l, k)
	{
		struct load_element *e = &t->in->load[l].element[k];
		struct json_object *o = tuning_input(tuning, e->input);
		const struct load_element was = *e;

		*e = t->configured[t->in->load[l].first + k];
		/* the type of the sensor may have come since */
		e->min_a = was.min_a;
		e->type = was.type;
		if (!o)
			continue;
		if (take_input(t->in, o, e))
			log_info("%s: %s: gain %.6g, tau %.6g us, delay %.4g us, phase %s%s",
				 t->path, e->input, e->model.gain,
				 isfinite(e->model.tau_s) ? e->model.tau_s * 1e6 : 0.0,
				 e->model.delay_s * 1e6, t->in->topology->phase[e->slot],
				 e->sign < 0.0 ? ", reversed" : "");
		else
			log_error("%s: %s: a value is not of its kind or out of its bounds; the "
				  "input is as configured; undo or calibrate it again",
				  t->path, e->input);
	}
	json_object_put(tuning);
	return 0;
}

static int on_change(sd_event_source *s, const struct inotify_event *e, void *user)
{
	struct tuned *t = user;

	if (!e->len || strcmp(e->name, t->name))
		return 0;
	log_notice("%s has changed", t->path);
	if (!apply(t) && t->changed)
		t->changed(t->user);
	return 0;
}

static int watch(struct tuned *t, sd_event *event)
{
	char *copy = strdup(t->path);
	int error;

	if (!copy)
		return -ENOMEM;
	error = sd_event_add_inotify(event, &t->watch, dirname(copy),
				     IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE, on_change, t);
	if (error < 0)
		log_debug("%s: its folder is not watched (%s)", t->path, strerror(-error));
	free(copy);
	return 0;
}

int tuned_open(struct tuned **out, sd_event *event, const char *path, struct installation *in,
	       tuned_changed *changed, void *user)
{
	struct tuned *t = calloc(1, sizeof(*t));
	const char *slash = strrchr(path, '/');
	unsigned int l;
	unsigned int k;

	if (!t)
		return -ENOMEM;
	t->path = path;
	t->in = in;
	t->changed = changed;
	t->user = user;
	t->name = strdup(slash ? slash + 1 : path);
	if (!t->name) {
		free(t);
		return -ENOMEM;
	}
	FOR_EACH_INPUT(in, l, k)
	t->configured[in->load[l].first + k] = in->load[l].element[k];
	apply(t);
	*out = t;
	return event ? watch(t, event) : 0;
}

void tuned_close(struct tuned *t)
{
	if (!t)
		return;
	sd_event_source_unref(t->watch);
	free(t->name);
	free(t);
}
