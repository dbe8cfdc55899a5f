// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads are made in the order of the file. Every mistake is told, with the line
 * of the load, the value and a way out.
 */
#include "installation.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formula.h"
#include "log.h"
#include "registers-file.h"

#define TOPOLOGY_DEFAULT "3p+n"
#define FACTOR_MAX 1000
#define TEXT_MAX 512
#define STRING(x) #x
#define TEXT_OF(x) STRING(x)

/**
 * struct use - who uses a channel
 * @name: its name in the configuration
 * @load: the load; NULL: [topology] voltages
 */
struct use {
	const char *name;
	const struct load_config *load;
};

/**
 * enum mark - state of a virtual load while the parts are followed
 * @MARK_NEW: not yet looked at
 * @MARK_OPEN: its parts are being followed
 * @MARK_DONE: its factors are complete
 */
enum mark {
	MARK_NEW,
	MARK_OPEN,
	MARK_DONE,
};

/**
 * struct builder - the state while the installation is made
 * @config: the configuration
 * @site: what is used where it says nothing
 * @in: what is made
 * @errors: errors found
 * @uses: entries in @use
 * @use: who uses which channel
 * @mark: of each load
 * @factor: how often load [b] counts in load [a]
 */
struct builder {
	const struct config *config;
	const struct site *site;
	struct installation *in;
	unsigned int errors;
	unsigned int uses;
	struct use use[INPUT_CHANNELS_MAX];
	enum mark mark[LOADS_MAX];
	int factor[LOADS_MAX][LOADS_MAX];
};

__attribute__((format(printf, 3, 4))) static void
refuse(struct builder *b, const struct load_config *load, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (load)
		log_error("%s:%u: [load %s] %s", b->config->file, load->line, load->name, text);
	else
		log_error("%s: %s", b->config->file, text);
	b->errors++;
}

/* The device of that label, added when it is new; -1 when there are too many. */
static int find_device(struct inputs *in, const char *label)
{
	unsigned int k;

	for (k = 0; k < in->devices; k++) {
		const char *other = in->device[k].label;

		if (label == other || (label && other && !strcmp(label, other)))
			return (int)k;
	}
	if (k == INPUT_DEVICES_MAX)
		return -1;
	in->device[k].label = label;
	in->devices++;
	return (int)k;
}

/* Add the channel "label/name" or "name". Return: NULL, or what is wrong. */
static const char *add_channel(struct installation *installation, const char *name)
{
	struct inputs *in = &installation->inputs;
	struct input_device *d;
	char *slash;
	char *text;
	int device;

	if (in->channels == INPUT_CHANNELS_MAX)
		return "too many inputs; " TEXT_OF(INPUT_CHANNELS_MAX) " channels can be used";
	text = strdup(name);
	if (!text)
		return "out of memory";
	installation->text[in->channels] = text;
	slash = strrchr(text, '/');
	if (slash)
		*slash = '\0';
	device = find_device(in, slash ? text : NULL);
	if (device < 0)
		return "too many devices; " TEXT_OF(INPUT_DEVICES_MAX) " can be used";
	d = &in->device[device];
	if (d->channels == INPUT_DEVICE_CHANNELS_MAX)
		return "too many channels of one device; " TEXT_OF(
			INPUT_DEVICE_CHANNELS_MAX) " can be used";
	in->channel[in->channels].name = slash ? slash + 1 : text;
	in->channel[in->channels].device = (unsigned int)device;
	in->channel[in->channels].within = d->channels;
	d->channel[d->channels++] = in->channels++;
	return NULL;
}

/* Add a channel for a load, or for the voltages; complain when it is used already. */
static void take_channel(struct builder *b, const struct load_config *c, const char *key,
			 const char *name)
{
	const char *wrong;
	unsigned int k;

	for (k = 0; k < b->uses; k++)
		if (!strcmp(b->use[k].name, name))
			break;
	if (k < b->uses && b->use[k].load)
		refuse(b, c,
		       "%s: %s is used twice (also in load \"%s\", line %u); remove one of them",
		       key, name, b->use[k].load->name, b->use[k].load->line);
	else if (k < b->uses)
		refuse(b, c,
		       "%s: %s is used twice (also in [topology] voltages); remove one of them",
		       key, name);
	else if (b->uses < INPUT_CHANNELS_MAX)
		b->use[b->uses++] = (struct use){ name, c };
	wrong = add_channel(b->in, name);
	if (wrong)
		refuse(b, c, "%s: %s: %s", key, name, wrong);
}

static const char *nth(const struct config_list *list, unsigned int k)
{
	return list->word[list->count == 1 ? 0 : k];
}

/* A list has one entry for all, or one for each. */
static bool is_fitting(struct builder *b, const struct load_config *c, const char *key,
		       const struct config_list *list, unsigned int n)
{
	if (list->count == 1 || list->count == n)
		return true;
	refuse(b, c, "%s: %u given for %u inputs; give one, or one per input", key, list->count, n);
	return false;
}

static double number_of(struct builder *b, const struct load_config *c, const char *key,
			const char *text, double least, double most)
{
	char *end;
	double x = strtod(text, &end);

	if (end != text && !*end && x >= least && x <= most)
		return x;
	refuse(b, c, "%s: %s: not a number from %.10g to %.10g; write one", key, text, least, most);
	return 1.0;
}

/*
 * The scale has the ratio of transformers that the device tree knows in it. One that is
 * configured wins, 1 says nothing.
 */
static double voltage_ratio(struct builder *b, const char *text)
{
	double ratio = number_of(b, NULL, "[topology] voltage_ratio", text, 1e-3, 1e5);

	return ratio == 1.0 ? ratio : ratio / b->site->ratio;
}

/* Name of a voltage channel: the conductor's, else that of its terminal. */
static const char *voltage_name(const struct builder *b, unsigned int k)
{
	if (b->config->voltages.count)
		return b->config->voltages.word[k];
	return k < b->site->conductors ? b->site->conductor[k] : b->in->topology->phase[k];
}

static void build_voltages(struct builder *b)
{
	const struct topology *t = b->in->topology;
	const struct config_list *list = &b->config->voltages;
	const struct config_list *ratio = &b->config->voltage_ratio;
	unsigned int k;

	if (list->count && list->count != t->voltages) {
		refuse(b, NULL,
		       "[topology] voltages: %u given, topology %s has %u; give one per voltage, "
		       "or none for L1, L2, L3 of the voltage module",
		       list->count, t->name, t->voltages);
		return;
	}
	if (ratio->count != 1 && ratio->count != t->voltages) {
		refuse(b, NULL,
		       "[topology] voltage_ratio: %u given, topology %s has %u voltages; give one, "
		       "or one per voltage",
		       ratio->count, t->name, t->voltages);
		return;
	}
	for (k = 0; k < t->voltages; k++) {
		take_channel(b, NULL, "[topology] voltages", voltage_name(b, k));
		b->in->voltage_ratio[k] = voltage_ratio(b, nth(ratio, k));
	}
	b->in->inputs.voltages = b->in->inputs.channels;
}

static void take_input(struct builder *b, const struct load_config *c, const char *key,
		       const char *input)
{
	if (!strchr(input, '/') || input[0] == '/' || input[strlen(input) - 1] == '/')
		refuse(b, c, "%s: %s: not LABEL/CHANNEL; write for example hub1/A", key, input);
	if (strlen(input) >= RECORD_NAME_BYTES)
		refuse(b, c, "%s: %s: longer than %d bytes; shorten the label of the module", key,
		       input, RECORD_NAME_BYTES - 1);
	take_channel(b, c, key, input);
}

/* The names of the slots, for messages. */
static const char *slot_names(const struct topology *t, char *text, size_t bytes)
{
	size_t used = 0;
	unsigned int k;

	text[0] = '\0';
	for (k = 0; k < t->slots && used < bytes; k++)
		used += (size_t)snprintf(text + used, bytes - used, "%s%s", k ? ", " : "",
					 t->phase[k]);
	return text;
}

static const struct input_config *find_input(const struct config *config, const char *name)
{
	unsigned int k;

	for (k = 0; k < config->inputs; k++)
		if (!strcmp(config->input[k].name, name))
			return &config->input[k];
	return NULL;
}

/* What the section [input NAME] says of the sensor, if there is one. */
static void build_sensor(struct builder *b, const struct load_config *c, struct load_element *e)
{
	const struct input_config *input = find_input(b->config, e->input);

	e->model = SENSOR_IDEAL;
	if (input && strcmp(input->sensor, "auto")) {
		e->sensor = sensor_find(input->sensor);
		if (!e->sensor)
			refuse(b, c,
			       "[input %s] sensor = %s: no such type; `meterctl sensors` lists "
			       "them, "
			       "or write auto",
			       input->name, input->sensor);
	}
	if (input) {
		e->model.gain = input->gain;
		e->model.tau_s = input->tau_us > 0.0 ? input->tau_us * 1e-6 : INFINITY;
		e->model.delay_s = input->delay_us * 1e-6;
		e->integrate = !strcmp(input->integrate, "yes");
	}
	element_sensor(e, SENSOR_UNKNOWN);
}

/* Sections of inputs that no load uses are mistyped, most likely. */
static void look_for_strays(struct builder *b)
{
	unsigned int k;
	unsigned int u;

	for (k = 0; k < b->config->inputs; k++) {
		for (u = 0; u < b->uses; u++)
			if (!strcmp(b->use[u].name, b->config->input[k].name))
				break;
		if (u < b->uses)
			continue;
		log_error("%s:%u: [input %s]: no load uses this input; remove the section, or "
			  "correct its name",
			  b->config->file, b->config->input[k].line, b->config->input[k].name);
		b->errors++;
	}
}

static void build_element(struct builder *b, const struct load_config *c, unsigned int k,
			  struct load_element *e)
{
	const char *phase = nth(&c->phases, k);
	const char *reversed = nth(&c->reversed, k);
	int slot = topology_slot(b->in->topology, phase);
	char names[64];

	e->input = c->inputs.word[k];
	if (slot < 0)
		refuse(b, c, "phases: %s: topology %s has no such phase; it has %s", phase,
		       b->in->topology->name, slot_names(b->in->topology, names, sizeof(names)));
	if (strcmp(reversed, "yes") && strcmp(reversed, "no"))
		refuse(b, c, "reversed: %s: not yes or no", reversed);
	e->slot = slot < 0 ? 0 : (unsigned int)slot;
	e->sign = strcmp(reversed, "yes") ? 1.0 : -1.0;
	e->ratio = number_of(b, c, "ratio", nth(&c->ratio, k), 1e-6, 1e6);
	e->multiplier = number_of(b, c, "multiplier", nth(&c->multiplier, k), 1e-3, 1e3);
	e->min_given = c->min_a.count;
	if (e->min_given)
		e->min_a = number_of(b, c, "min_a", nth(&c->min_a, k), 0.0, 1e5);
	take_input(b, c, "inputs", e->input);
	build_sensor(b, c, e);
}

static void build_neutral(struct builder *b, const struct load_config *c, struct load *load)
{
	struct load_element *e = &load->element[load->elements];

	if (!b->in->topology->neutral) {
		refuse(b, c, "neutral: %s: topology %s has no neutral; remove the key", c->neutral,
		       b->in->topology->name);
		return;
	}
	*e = (struct load_element){ .input = c->neutral, .sign = 1.0, .min_given = true };
	e->ratio = number_of(b, c, "ratio", nth(&c->ratio, 0), 1e-6, 1e6);
	load->has_neutral = true;
	take_input(b, c, "neutral", e->input);
	build_sensor(b, c, e);
}

static enum load_role role_of(const char *name)
{
	static const char *const names[] = { "grid", "production", "storage", "submeter",
					     "virtual" };
	unsigned int k;

	for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (!strcmp(name, names[k]))
			return (enum load_role)k;
	return LOAD_SUBMETER;
}

/* Does the section have the keys that its role needs, and no others? */
static bool has_keys(struct builder *b, const struct load_config *c, bool is_virtual)
{
	unsigned int before = b->errors;

	if (is_virtual && !c->formula)
		refuse(b, c,
		       "key \"formula\" is missing: a virtual load is a sum of others; write "
		       "for example formula = grid - solar");
	if (is_virtual && (c->inputs.count || c->phases.count || c->neutral))
		refuse(b, c,
		       "role = virtual: a virtual load has no inputs, phases or neutral; "
		       "remove them, or give it another role");
	if (!is_virtual && c->formula)
		refuse(b, c,
		       "formula: only a load with role = virtual has one; give it this role, "
		       "or remove the key");
	if (!is_virtual && !c->inputs.count)
		refuse(b, c, "key \"inputs\" is missing; see meterd.conf(5)");
	if (!is_virtual && !c->phases.count)
		refuse(b, c, "key \"phases\" is missing; see meterd.conf(5)");
	return b->errors == before;
}

static void build_load(struct builder *b, const struct load_config *c, struct load *load)
{
	const struct topology *t = b->in->topology;
	unsigned int n = c->inputs.count;
	unsigned int k;

	load->name = c->name;
	load->role = role_of(c->role);
	load->first = b->in->inputs.channels - b->in->inputs.voltages;
	if (!has_keys(b, c, load->role == LOAD_VIRTUAL) || load->role == LOAD_VIRTUAL)
		return;
	if (n > READING_ELEMENTS_MAX) {
		refuse(b, c, "inputs: %u given; a load has 1 to %d", n, READING_ELEMENTS_MAX);
		return;
	}
	if (t->three_phase && !t->neutral && n > 2) {
		refuse(b, c,
		       "inputs: %u given; without neutral a three-phase load has two, on L1 and "
		       "L2, and a single-phase load one; make a load of each, and a virtual load "
		       "of their sum",
		       n);
		return;
	}
	if (!is_fitting(b, c, "phases", &c->phases, n) ||
	    !is_fitting(b, c, "reversed", &c->reversed, n) ||
	    !is_fitting(b, c, "ratio", &c->ratio, n) ||
	    !is_fitting(b, c, "multiplier", &c->multiplier, n) ||
	    (c->min_a.count && !is_fitting(b, c, "min_a", &c->min_a, n)))
		return;
	load->elements = n;
	for (k = 0; k < n; k++)
		build_element(b, c, k, &load->element[k]);
	if (c->neutral)
		build_neutral(b, c, load);
}

/*
 * Without loads in the configuration each input is one. Its slot is that of its number, as
 * modules of three phases are wired; "meterctl check" finds the others.
 */
static void build_found(struct builder *b)
{
	const struct topology *t = b->in->topology;
	unsigned int slots = t->neutral ? t->voltages : t->slots;
	unsigned int k;

	for (k = 0; k < b->site->inputs && k < LOADS_MAX; k++) {
		const struct site_input *input = &b->site->input[k];
		struct load *load = &b->in->load[k];
		struct load_element *e = &load->element[0];

		load->name = input->load;
		load->role = LOAD_SUBMETER;
		load->first = b->in->inputs.channels - b->in->inputs.voltages;
		load->elements = 1;
		*e = (struct load_element){ .input = input->name,
					    .slot = input->number % slots,
					    .sign = 1.0,
					    .ratio = 1.0,
					    .multiplier = 1.0 };
		take_input(b, NULL, "inputs", e->input);
		build_sensor(b, NULL, e);
		b->in->loads = k + 1;
	}
}

static int find_load(const struct installation *in, const char *name)
{
	unsigned int k;

	for (k = 0; k < in->loads; k++)
		if (!strcmp(in->load[k].name, name))
			return (int)k;
	return -1;
}

static void follow(struct builder *b, unsigned int l);

static void add_term(struct builder *b, unsigned int l, const struct formula_term *term)
{
	const struct load_config *c = &b->config->load[l];
	int part = find_load(b->in, term->name);
	unsigned int k;

	if (part < 0) {
		refuse(b, c,
		       "formula: %s: there is no load \"%s\"; a sign between two names has blanks "
		       "around it",
		       c->formula, term->name);
		return;
	}
	follow(b, (unsigned int)part);
	if (b->mark[part] == MARK_OPEN) {
		refuse(b, c,
		       "formula: %s: load \"%s\" is a part of itself by way of \"%s\"; "
		       "change one of their formulas",
		       c->formula, c->name, term->name);
		return;
	}
	for (k = 0; k < b->in->loads; k++) {
		b->factor[l][k] += term->sign * b->factor[part][k];
		if (abs(b->factor[l][k]) <= FACTOR_MAX)
			continue;
		refuse(b, c, "formula: %s: load \"%s\" counts more than %d times", c->formula,
		       b->in->load[k].name, FACTOR_MAX);
		b->factor[l][k] = 0;
	}
}

/* Complete the factors of a load; those of its parts before it. */
static void follow(struct builder *b, unsigned int l)
{
	const char *at = b->config->load[l].formula;
	struct formula_term term;
	bool first = true;
	int more;

	if (b->mark[l] != MARK_NEW)
		return;
	b->mark[l] = MARK_OPEN;
	if (b->in->load[l].role != LOAD_VIRTUAL)
		b->factor[l][l] = 1;
	while (b->in->load[l].role == LOAD_VIRTUAL && at) {
		more = formula_next(&at, first, &term);
		first = false;
		if (more > 0) {
			add_term(b, l, &term);
			continue;
		}
		if (more < 0)
			refuse(b, &b->config->load[l],
			       "formula: %s: not NAME + NAME - NAME; write names of loads with "
			       "signs between them",
			       b->config->load[l].formula);
		break;
	}
	b->mark[l] = MARK_DONE;
}

static int store_terms(struct builder *b, unsigned int l)
{
	struct load *load = &b->in->load[l];
	unsigned int k;

	if (load->role != LOAD_VIRTUAL)
		return 0;
	load->term = calloc(b->in->loads, sizeof(*load->term));
	if (!load->term)
		return -ENOMEM;
	for (k = 0; k < b->in->loads; k++)
		if (b->factor[l][k])
			load->term[load->terms++] = (struct load_term){ k, b->factor[l][k] };
	return 0;
}

static int build_virtual(struct builder *b)
{
	unsigned int l;
	int error = 0;

	for (l = 0; l < b->in->loads; l++)
		follow(b, l);
	for (l = 0; !error && l < b->in->loads; l++)
		error = store_terms(b, l);
	return error;
}

static int build(struct builder *b)
{
	const struct config *c = b->config;
	unsigned int k;

	build_voltages(b);
	for (k = 0; k < c->loads; k++)
		build_load(b, &c->load[k], &b->in->load[k]);
	b->in->loads = c->loads;
	if (!c->loads)
		build_found(b);
	look_for_strays(b);
	if (!b->in->inputs.channels || b->in->inputs.channels == b->in->inputs.voltages)
		if (!b->errors)
			refuse(b, NULL,
			       "no load, and no CT module is there; add a section [load NAME] with "
			       "inputs and phases, or connect one");
	if (!b->errors && c->loads && build_virtual(b))
		return -ENOMEM;
	return b->errors ? -EINVAL : 0;
}

/* The configuration, else the device tree, else what is most common. */
static void choose_topology(struct installation *in, const struct config *config,
			    const struct site *site)
{
	const struct topology *described = topology_find(site->topology);

	in->topology_from = "the configuration";
	in->topology = config->topology ? topology_find(config->topology) : described;
	if (!config->topology)
		in->topology_from = described ? "the device tree" : "the default";
	if (!in->topology)
		in->topology = topology_find(TOPOLOGY_DEFAULT);
	/* the nominal voltage is that of the first slot, which a topology may change */
	in->nominal_v = config->quality.nominal_v;
	if (!in->nominal_v && (!described || described->neutral == in->topology->neutral))
		in->nominal_v = site->nominal_v;
	in->nominal_hz = config->quality.nominal_hz ? config->quality.nominal_hz : site->nominal_hz;
}

int installation_make(struct installation *in, const struct config *config, const struct site *site)
{
	static const struct site nothing = { .ratio = 1.0 };
	struct builder *b = calloc(1, sizeof(*b));
	unsigned int loads = config->loads;
	int error = -ENOMEM;

	if (!site)
		site = &nothing;
	if (!loads)
		loads = site->inputs < LOADS_MAX ? site->inputs : LOADS_MAX;
	memset(in, 0, sizeof(*in));
	choose_topology(in, config, site);
	in->pf_min_va = config->pf_min_va;
	in->load = calloc(loads ? loads : 1, sizeof(*in->load));
	if (b && in->load) {
		b->config = config;
		b->site = site;
		b->in = in;
		error = build(b);
	}
	free(b);
	return error;
}

void installation_free(struct installation *in)
{
	unsigned int k;

	for (k = 0; k < INPUT_CHANNELS_MAX; k++)
		free(in->text[k]);
	for (k = 0; k < in->loads; k++)
		free(in->load[k].term);
	free(in->load);
	memset(in, 0, sizeof(*in));
}
