// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A value is found by its label: "A current" of the device "hub1", whatever the kernel
 * calls the attribute. The name in front of "label" is that in front of "raw" and
 * "scale", and is empty without names for metering.
 *
 * A libiio context is a picture of the devices at its time, so a search makes a new one.
 */
#include "register-meter.h"

#include <errno.h>
#include <iio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"
#include "load-sum.h"
#include "log.h"
#include "totals.h"

#define PERIOD_US 1000000ULL
#define NETWORK_TIMEOUT_MS 2000
#define ATTR_BYTES 48
#define MILLI 1e-3
/* readings until a missing device is looked for again */
#define SEARCH_READINGS 2

enum value {
	VALUE_ACTIVE,
	VALUE_REACTIVE,
	VALUE_APPARENT,
	VALUE_CURRENT,
	VALUE_IMPORT,
	VALUE_EXPORT,
	VALUES,
};

/* Behind the input's name in a label; the mean of a second is that of the others. */
static const char *const suffix[VALUES] = { " mean",	" reactive", " apparent",
					    " current", " import",   " export" };

/**
 * struct point - an attribute that holds a value
 * @channel: its channel; NULL: not there
 * @attr: its name
 * @scale: unit of the value, from IIO's unit
 */
struct point {
	const struct iio_channel *channel;
	char attr[ATTR_BYTES];
	double scale;
};

struct register_meter {
	const struct source_config *config;
	const struct installation *in;
	register_meter_publish *publish;
	void *user;
	sd_event_source *timer;
	struct iio_context *iio;
	bool reported[INPUT_DEVICES_MAX]; /* it was said that it is missing */
	bool found[INPUT_DEVICES_MAX];	  /* it was said that it is there */
	bool no_context;		  /* it was said that there is none */
	bool incomplete;		  /* a device is missing, or failed */
	unsigned int waited;		  /* readings since the last search */
	struct point voltage[READING_PHASES_MAX];
	struct point frequency;
	struct point input[INPUT_CHANNELS_MAX][VALUES];
	struct reading reading;
	struct load_reading load[LOADS_MAX];
};

/* Does attribute @name end with @end? Sets how many bytes come before it. */
static bool ends_with(const char *name, const char *end, size_t *before)
{
	size_t n = strlen(name);
	size_t e = strlen(end);

	if (n < e || strcmp(name + n - e, end))
		return false;
	*before = n - e;
	return true;
}

static double read_scale(const struct iio_channel *ch, const char *name, size_t before)
{
	char attr[ATTR_BYTES];
	double scale;

	snprintf(attr, sizeof(attr), "%.*sscale", (int)before, name);
	if (!iio_channel_attr_read_double(ch, attr, &scale) ||
	    !iio_channel_attr_read_double(ch, "scale", &scale))
		return scale;
	return NAN;
}

/* Is @name the label of a value called @label? Fills in the point. */
static bool take_point(const struct iio_channel *ch, const char *name, const char *label,
		       struct point *p)
{
	char text[64] = "";
	size_t before;

	if (!ends_with(name, "label", &before) || before + sizeof("scale") > ATTR_BYTES)
		return false;
	if (iio_channel_attr_read(ch, name, text, sizeof(text)) < 0)
		return false;
	text[sizeof(text) - 1] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, label))
		return false;
	p->channel = ch;
	p->scale = read_scale(ch, name, before);
	snprintf(p->attr, sizeof(p->attr), "%.*sraw", (int)before, name);
	return true;
}

static void find_point(const struct iio_device *dev, const char *label, struct point *p)
{
	unsigned int c;
	unsigned int a;

	p->channel = NULL;
	for (c = 0; c < iio_device_get_channels_count(dev); c++) {
		const struct iio_channel *ch = iio_device_get_channel(dev, c);

		for (a = 0; a < iio_channel_get_attrs_count(ch); a++)
			if (take_point(ch, iio_channel_get_attr(ch, a), label, p))
				return;
	}
}

static void find_frequency(struct register_meter *m)
{
	const struct iio_channel *ch = m->voltage[0].channel;
	size_t before;
	unsigned int a;

	m->frequency.channel = NULL;
	for (a = 0; ch && a < iio_channel_get_attrs_count(ch); a++) {
		const char *name = iio_channel_get_attr(ch, a);

		if (!ends_with(name, "frequency", &before) || strlen(name) >= ATTR_BYTES ||
		    strstr(name, "sampling"))
			continue;
		m->frequency.channel = ch;
		m->frequency.scale = 1.0;
		snprintf(m->frequency.attr, sizeof(m->frequency.attr), "%s", name);
	}
}

static double read_point(struct register_meter *m, const struct point *p)
{
	double value;
	int error;

	if (!p->channel)
		return NAN;
	error = iio_channel_attr_read_double(p->channel, p->attr, &value);
	if (!error)
		return value * p->scale;
	/* gone, not just without a number */
	if (error == -ENODEV || error == -ENXIO || error == -ENOENT)
		m->incomplete = true;
	return NAN;
}

static bool is_labelled(const struct iio_device *dev, const char *label)
{
	const char *name = iio_device_get_label(dev);

	return (name && !strcmp(name, label)) || !strcmp(iio_device_get_id(dev), label);
}

/* The device for place @d: by its label, or the first that has the voltages. */
static const struct iio_device *find_device(const struct register_meter *m, unsigned int d)
{
	const struct input_device *in = &m->in->inputs.device[d];
	unsigned int k;

	for (k = 0; k < iio_context_get_devices_count(m->iio); k++) {
		const struct iio_device *dev = iio_context_get_device(m->iio, k);
		struct point p;

		if (in->label && is_labelled(dev, in->label))
			return dev;
		if (in->label)
			continue;
		find_point(dev, m->in->inputs.channel[in->channel[0]].name, &p);
		if (p.channel)
			return dev;
	}
	return NULL;
}

static void take_channel(struct register_meter *m, const struct iio_device *dev,
			 unsigned int channel)
{
	const char *name = m->in->inputs.channel[channel].name;
	unsigned int voltages = m->in->inputs.voltages;
	char label[64];
	unsigned int v;

	if (channel < voltages) {
		find_point(dev, name, &m->voltage[channel]);
		return;
	}
	for (v = 0; v < VALUES; v++) {
		snprintf(label, sizeof(label), "%s%s", name, suffix[v]);
		find_point(dev, label, &m->input[channel - voltages][v]);
	}
	if (!m->input[channel - voltages][VALUE_ACTIVE].channel &&
	    !m->found[m->in->inputs.channel[channel].device])
		log_error("%s (%s): no value \"%s%s\"; correct the inputs of the load",
			  iio_device_get_label(dev), iio_device_get_id(dev), name,
			  suffix[VALUE_ACTIVE]);
}

static void take_device(struct register_meter *m, unsigned int d)
{
	const struct input_device *in = &m->in->inputs.device[d];
	const char *label = in->label ? in->label : "voltages";
	const struct iio_device *dev = find_device(m, d);
	unsigned int k;

	if (!dev) {
		m->incomplete = true;
		if (!m->reported[d])
			log_warning("%s: not there; its values are unknown until it is; looking "
				    "for it every 2 s",
				    label);
		m->reported[d] = true;
		m->found[d] = false;
		return;
	}
	m->reported[d] = false;
	for (k = 0; k < in->channels; k++)
		take_channel(m, dev, in->channel[k]);
	if (!m->found[d])
		log_info("%s: is %s (%s), read by its registers", label, iio_device_get_id(dev),
			 iio_device_get_name(dev));
	m->found[d] = true;
}

static void forget(struct register_meter *m)
{
	memset(m->voltage, 0, sizeof(m->voltage));
	memset(m->input, 0, sizeof(m->input));
	memset(&m->frequency, 0, sizeof(m->frequency));
	if (m->iio)
		iio_context_destroy(m->iio);
	m->iio = NULL;
}

static void search(struct register_meter *m)
{
	unsigned int d;

	forget(m);
	m->waited = 0;
	m->incomplete = false;
	m->iio = iio_create_context_from_uri(m->config->uri);
	if (!m->iio) {
		if (!m->no_context)
			log_warning("%s: no IIO context: %s; check [source] uri; looking again "
				    "every 2 s",
				    m->config->uri, strerror(errno));
		m->no_context = true;
		m->incomplete = true;
		return;
	}
	m->no_context = false;
	if (strncmp(m->config->uri, "local:", 6))
		iio_context_set_timeout(m->iio, NETWORK_TIMEOUT_MS);
	for (d = 0; d < m->in->inputs.devices; d++)
		take_device(m, d);
	find_frequency(m);
}

/*
 * Voltage of a slot. Without the wave shapes only a slot that is one of the voltages is
 * known, not a difference of two.
 */
static double slot_v(const struct installation *in, const double *volts, unsigned int slot)
{
	const double *row = in->topology->matrix[slot];
	int only = -1;
	unsigned int k;

	for (k = 0; k < in->topology->voltages; k++) {
		if (row[k] == 0.0)
			continue;
		if (only >= 0)
			return NAN;
		only = (int)k;
	}
	return only < 0 ? NAN : volts[only] * fabs(row[only]);
}

static void read_voltages(struct register_meter *m)
{
	const struct topology *t = m->in->topology;
	double volts[READING_PHASES_MAX] = { 0 };
	unsigned int k;

	for (k = 0; k < t->voltages; k++)
		volts[k] = read_point(m, &m->voltage[k]) * MILLI * m->in->voltage_ratio[k];
	m->reading.voltages = t->slots;
	for (k = 0; k < t->slots; k++)
		m->reading.voltage[k] = (struct voltage_reading){
			.phase = t->phase[k],
			.ln_v = slot_v(m->in, volts, k),
			.ll_v = NAN,
			.v1_v = NAN,
			.angle_deg = NAN,
			.thd_v = NAN,
		};
	m->reading.frequency_hz = read_point(m, &m->frequency);
}

static void no_energy(struct energy_reading *e)
{
	unsigned int k;

	*e = (struct energy_reading){ NAN, NAN, NAN, NAN, NAN, NAN, 0.0, { 0 } };
	for (k = 0; k < READING_QUADRANTS; k++)
		e->reactive_vars[k] = NAN;
}

static void read_energy(struct register_meter *m, const struct load_element *le,
			const struct point *p, struct energy_reading *e)
{
	double scale = le->ratio * le->multiplier;
	double import = read_point(m, &p[VALUE_IMPORT]) * scale;
	double export = read_point(m, &p[VALUE_EXPORT]) * scale;

	no_energy(e);
	e->import_j = le->sign > 0.0 ? import : export;
	e->export_j = le->sign > 0.0 ? export : import;
	e->net_j = e->import_j - e->export_j;
	e->phases_import_j = e->import_j;
	e->phases_export_j = e->export_j;
	e->absolute_j = e->import_j + e->export_j;
}

static void read_element(struct register_meter *m, const struct load_element *le, unsigned int k,
			 struct element_reading *r)
{
	const struct point *p = m->input[k];
	double scale = le->ratio * MILLI;
	double power = scale * le->multiplier;

	*r = (struct element_reading){ .input = le->input };
	r->phase = m->in->topology->phase[le->slot];
	r->v_v = m->reading.voltage[le->slot].ln_v;
	r->i_a = read_point(m, &p[VALUE_CURRENT]) * scale;
	r->p_w = read_point(m, &p[VALUE_ACTIVE]) * power * le->sign;
	r->q1_var = read_point(m, &p[VALUE_REACTIVE]) * power * le->sign;
	r->s_va = read_point(m, &p[VALUE_APPARENT]) * power;
	if (isnan(r->s_va))
		r->s_va = r->v_v * r->i_a * le->multiplier;
	r->below_range = r->i_a < le->min_a;
	r->pf = load_power_factor(m->in, r->p_w, r->s_va, r->below_range);
	r->n_var = r->s_va * r->s_va >= r->p_w * r->p_w ? sqrt(r->s_va * r->s_va - r->p_w * r->p_w)
							: NAN;
	r->v1_v = NAN;
	r->i1_a = NAN;
	r->p1_w = NAN;
	r->dpf = NAN;
	r->phi_deg = NAN;
	r->thd_v = NAN;
	r->thd_i = NAN;
	read_energy(m, le, p, &r->energy);
}

static void add_energy(struct energy_reading *to, const struct energy_reading *e, double factor)
{
	to->net_j += factor * e->net_j;
	to->import_j += factor * e->import_j;
	to->export_j += factor * e->export_j;
	to->phases_import_j += factor * e->phases_import_j;
	to->phases_export_j += factor * e->phases_export_j;
	to->absolute_j += factor * e->absolute_j;
}

static void begin_energy(struct energy_reading *e)
{
	no_energy(e);
	e->net_j = 0.0;
	e->import_j = 0.0;
	e->export_j = 0.0;
	e->phases_import_j = 0.0;
	e->phases_export_j = 0.0;
	e->absolute_j = 0.0;
}

static void read_load(struct register_meter *m, unsigned int l)
{
	const struct load *load = &m->in->load[l];
	struct load_reading *r = &m->load[l];
	unsigned int k;

	begin_energy(&r->energy);
	for (k = 0; k < load->elements; k++) {
		read_element(m, &load->element[k], load->first + k, &r->element[k]);
		add_energy(&r->energy, &r->element[k].energy, 1.0);
	}
	load_sum_elements(r);
	r->s_va = load->elements == 1 ? r->element[0].s_va : hypot(r->p_w, r->q1_var);
	r->n_var = load->elements == 1 ? r->element[0].n_var : NAN;
	r->se_va = NAN;
	r->neutral_a = NAN;
	if (load->has_neutral)
		r->neutral_a =
			read_point(m, &m->input[load->first + load->elements][VALUE_CURRENT]) *
			MILLI * load->element[load->elements].ratio;
	load_sum_factors(m->in, r);
	r->import_j = r->energy.import_j;
	r->export_j = r->energy.export_j;
}

static void sum_virtual(struct register_meter *m, unsigned int l)
{
	const struct load *load = &m->in->load[l];
	struct load_reading *r = &m->load[l];
	double net = 0.0;
	unsigned int k;

	load_sum_virtual(m->in, m->load, l);
	for (k = 0; k < load->terms; k++)
		net += load->term[k].factor * m->load[load->term[k].load].energy.net_j;
	no_energy(&r->energy);
	r->energy.net_j = net;
	r->import_j = NAN;
	r->export_j = NAN;
}

static void read_all(struct register_meter *m)
{
	struct reading *r = &m->reading;
	unsigned int l;

	read_voltages(m);
	for (l = 0; l < m->in->loads; l++) {
		m->load[l].name = m->in->load[l].name;
		m->load[l].role = m->in->load[l].role;
		m->load[l].elements = m->in->load[l].elements;
		if (m->in->load[l].elements)
			read_load(m, l);
	}
	for (l = 0; l < m->in->loads; l++)
		if (!m->in->load[l].elements)
			sum_virtual(m, l);
	r->start_ns = r->end_ns;
	r->end_ns = clock_ns(CLOCK_MONOTONIC);
	if (!r->sequence++)
		r->start_ns = r->end_ns;
	r->utc_ns = clock_ns(CLOCK_REALTIME);
	r->loads = m->in->loads;
	r->load = m->load;
	r->origin = READING_REGISTER;
	r->u2_percent = NAN;
	r->u0_percent = NAN;
	r->totals = totals_of(m->load, m->in->loads);
}

static int on_timer(sd_event_source *timer, uint64_t usec, void *user)
{
	struct register_meter *m = user;

	if (m->incomplete && ++m->waited >= SEARCH_READINGS)
		search(m);
	read_all(m);
	m->publish(m->user, &m->reading);
	sd_event_source_set_time_relative(timer, PERIOD_US);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

int register_meter_open(struct register_meter **out, sd_event *event,
			const struct source_config *config, const struct installation *in,
			register_meter_publish *publish, void *user)
{
	struct register_meter *m = calloc(1, sizeof(*m));
	int error;

	if (!m)
		return -ENOMEM;
	m->config = config;
	m->in = in;
	m->publish = publish;
	m->user = user;
	search(m);
	error = sd_event_add_time_relative(event, &m->timer, CLOCK_MONOTONIC, PERIOD_US, 1000,
					   on_timer, m);
	if (error < 0) {
		log_error("timer of the register modules: %s", strerror(-error));
		register_meter_close(m);
		return error;
	}
	*out = m;
	return 0;
}

void register_meter_close(struct register_meter *m)
{
	if (!m)
		return;
	sd_event_source_unref(m->timer);
	forget(m);
	free(m);
}
