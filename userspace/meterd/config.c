// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inih splits the lines; everything that knows a name is the table below. The
 * reader given to inih counts lines and takes the section headers itself,
 * because inih tells of neither an empty section nor the line of a key.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define LOAD_PREFIX "load "
#define INPUT_PREFIX "input "
#define WAY_OUT_MAX 256

enum option_type {
	OPTION_TEXT,
	OPTION_LIST,
	OPTION_WHOLE,
	OPTION_REAL,
	OPTION_CHOICE,
};

/**
 * struct option - a key of a section
 * @section: name of the section; "load" for [load NAME], "input" for [input NAME]
 * @key: name of the key
 * @type: type of the value
 * @offset: of the value in struct config, struct load_config or struct input_config
 * @least: least value of a number
 * @most: most
 * @fallback: value when the key is not given; NULL: none
 * @choices: values of a choice, separated by "|"
 * @required: the key must be given when the section is
 */
struct option {
	const char *section;
	const char *key;
	enum option_type type;
	size_t offset;
	double least;
	double most;
	const char *fallback;
	const char *choices;
	bool required;
};

#define AT(member) offsetof(struct config, member)
#define LOAD_AT(member) offsetof(struct load_config, member)
#define INPUT_AT(member) offsetof(struct input_config, member)

static const struct option options[] = {
	{ "gateway", "name", OPTION_TEXT, AT(gateway), .fallback = "meterd" },
	{ "source", "uri", OPTION_TEXT, AT(source.uri), .fallback = "local:" },
	{ "source", "values", OPTION_CHOICE, AT(source.values), .fallback = "waveform",
	  .choices = "waveform|register" },
	{ "source", "replay", OPTION_TEXT, AT(source.replay), .required = false },
	{ "source", "repeat", OPTION_WHOLE, AT(source.repeat), 1, 1000000000, .fallback = "1" },
	{ "source", "speed", OPTION_REAL, AT(source.speed), 0, 1e6, .fallback = "0" },
	{ "source", "sampling_frequency", OPTION_REAL, AT(source.sampling_frequency), 600, 100000,
	  .fallback = "4000" },
	{ "source", "devices", OPTION_TEXT, AT(source.devices),
	  .fallback = "smappee-voltage, smappee-ct" },
	{ "source", "block_ms", OPTION_WHOLE, AT(source.block_ms), 10, 200, .fallback = "32" },
	{ "source", "wait_ms", OPTION_WHOLE, AT(source.wait_ms), 100, 5000, .fallback = "500" },
	{ "topology", "type", OPTION_CHOICE, AT(topology), .fallback = "3p+n",
	  .choices = "1p|2p+n|3p+n|3p|high-leg" },
	{ "topology", "voltages", OPTION_LIST, AT(voltages), .required = false },
	{ "topology", "voltage_ratio", OPTION_LIST, AT(voltage_ratio), .fallback = "1" },
	{ "topology", "pf_min_va", OPTION_REAL, AT(pf_min_va), 0, 1e6, .fallback = "5" },
	{ "topology", "tuning", OPTION_TEXT, AT(tuning),
	  .fallback = "/var/lib/meterd/tuning.json" },
	{ "load", "role", OPTION_CHOICE, LOAD_AT(role), .fallback = "submeter",
	  .choices = "grid|production|storage|submeter|virtual" },
	{ "load", "inputs", OPTION_LIST, LOAD_AT(inputs), .required = false },
	{ "load", "phases", OPTION_LIST, LOAD_AT(phases), .required = false },
	{ "load", "reversed", OPTION_LIST, LOAD_AT(reversed), .fallback = "no" },
	{ "load", "ratio", OPTION_LIST, LOAD_AT(ratio), .fallback = "1" },
	{ "load", "multiplier", OPTION_LIST, LOAD_AT(multiplier), .fallback = "1" },
	{ "load", "min_a", OPTION_LIST, LOAD_AT(min_a), .required = false },
	{ "load", "neutral", OPTION_TEXT, LOAD_AT(neutral), .required = false },
	{ "load", "formula", OPTION_TEXT, LOAD_AT(formula), .required = false },
	{ "input", "sensor", OPTION_TEXT, INPUT_AT(sensor), .fallback = "auto" },
	{ "input", "gain", OPTION_REAL, INPUT_AT(gain), 0.001, 1000, .fallback = "1" },
	{ "input", "tau_us", OPTION_REAL, INPUT_AT(tau_us), 0, 1e9, .fallback = "0" },
	{ "input", "delay_us", OPTION_REAL, INPUT_AT(delay_us), -1000, 1000, .fallback = "0" },
	{ "input", "integrate", OPTION_CHOICE, INPUT_AT(integrate), .fallback = "no",
	  .choices = "yes|no" },
	{ "registers", "file", OPTION_TEXT, AT(registers_file), .required = true },
	{ "registers", "interval_s", OPTION_WHOLE, AT(registers_interval_s), 1, 3600,
	  .fallback = "60" },
	{ "registers", "estimate_s", OPTION_WHOLE, AT(registers_estimate_s), 0, 3600,
	  .fallback = "300" },
	{ "quality", "enabled", OPTION_CHOICE, AT(quality.enabled), .fallback = "yes",
	  .choices = "yes|no" },
	{ "quality", "nominal_v", OPTION_REAL, AT(quality.nominal_v), 0, 1e6, .fallback = "0" },
	{ "quality", "nominal_hz", OPTION_REAL, AT(quality.nominal_hz), 0, 60, .fallback = "0" },
	{ "quality", "harmonics", OPTION_CHOICE, AT(quality.harmonics), .fallback = "yes",
	  .choices = "yes|no" },
	{ "quality", "flicker", OPTION_CHOICE, AT(quality.flicker), .fallback = "auto",
	  .choices = "auto|230|120|no" },
	{ "quality", "reference", OPTION_CHOICE, AT(quality.reference), .fallback = "declared",
	  .choices = "declared|sliding" },
	{ "quality", "dip_percent", OPTION_REAL, AT(quality.dip_percent), 50, 99,
	  .fallback = "90" },
	{ "quality", "swell_percent", OPTION_REAL, AT(quality.swell_percent), 101, 200,
	  .fallback = "110" },
	{ "quality", "interruption_percent", OPTION_REAL, AT(quality.interruption_percent), 1, 45,
	  .fallback = "5" },
	{ "quality", "hysteresis_percent", OPTION_REAL, AT(quality.hysteresis_percent), 0, 5,
	  .fallback = "2" },
	{ "quality", "transient_percent", OPTION_REAL, AT(quality.transient_percent), 2, 200,
	  .fallback = "10" },
	{ "quality", "state", OPTION_TEXT, AT(quality.state), .required = false },
	{ "store", "file", OPTION_TEXT, AT(store.file), .fallback = "/var/lib/meterd/records.db" },
	{ "store", "days_1m", OPTION_WHOLE, AT(store.days_1m), 1, 36500, .fallback = "35" },
	{ "store", "days_5m", OPTION_WHOLE, AT(store.days_5m), 1, 36500, .fallback = "400" },
	{ "store", "days_events", OPTION_WHOLE, AT(store.days_events), 1, 36500,
	  .fallback = "400" },
	{ "store", "size_mb", OPTION_WHOLE, AT(store.size_mb), 2, 1000000, .fallback = "600" },
	{ "mqtt", "host", OPTION_TEXT, AT(mqtt.host), .fallback = "127.0.0.1" },
	{ "mqtt", "port", OPTION_WHOLE, AT(mqtt.port), 1, 65535, .fallback = "1883" },
	{ "mqtt", "topic", OPTION_TEXT, AT(mqtt.topic), .fallback = "meterd" },
	{ "mqtt", "user", OPTION_TEXT, AT(mqtt.user), .required = false },
	{ "mqtt", "password_file", OPTION_TEXT, AT(mqtt.password_file), .required = false },
	{ "mqtt", "tls", OPTION_CHOICE, AT(mqtt.tls), .fallback = "no", .choices = "yes|no" },
	{ "mqtt", "ca_file", OPTION_TEXT, AT(mqtt.ca_file), .required = false },
	{ "mqtt", "cert_file", OPTION_TEXT, AT(mqtt.cert_file), .required = false },
	{ "mqtt", "key_file", OPTION_TEXT, AT(mqtt.key_file), .required = false },
	{ "mqtt", "discovery", OPTION_TEXT, AT(mqtt.discovery), .fallback = "homeassistant" },
	{ "mqtt", "vendor_uuid", OPTION_TEXT, AT(mqtt.vendor_uuid), .required = false },
	{ "mqtt", "commands", OPTION_CHOICE, AT(mqtt.commands), .fallback = "no",
	  .choices = "yes|no" },
	{ "mqtt", "vendor_serial", OPTION_TEXT, AT(mqtt.vendor_serial), .fallback = "5010000000" },
	{ "influx", "url", OPTION_TEXT, AT(influx.url), .required = true },
	{ "influx", "version", OPTION_WHOLE, AT(influx.version), 1, 2, .fallback = "2" },
	{ "influx", "database", OPTION_TEXT, AT(influx.database), .fallback = "meterd" },
	{ "influx", "org", OPTION_TEXT, AT(influx.org), .fallback = "meterd" },
	{ "influx", "bucket", OPTION_TEXT, AT(influx.bucket), .fallback = "meterd" },
	{ "influx", "token_file", OPTION_TEXT, AT(influx.token_file), .required = false },
	{ "influx", "user", OPTION_TEXT, AT(influx.user), .required = false },
	{ "influx", "password_file", OPTION_TEXT, AT(influx.password_file), .required = false },
	{ "influx", "ca_file", OPTION_TEXT, AT(influx.ca_file), .required = false },
	{ "modbus", "listen", OPTION_TEXT, AT(modbus.listen), .required = true },
	{ "modbus", "unit", OPTION_WHOLE, AT(modbus.unit), 1, 247, .fallback = "1" },
	{ "modbus", "load", OPTION_TEXT, AT(modbus.load), .required = false },
	{ "light", "device", OPTION_TEXT, AT(light.device), .required = true },
	{ "light", "network_file", OPTION_TEXT, AT(light.network_file),
	  .fallback = "/run/meterd/network" },
	{ "light", "interfaces", OPTION_TEXT, AT(light.interfaces), .fallback = "/sys/class/net" },
	{ "button", "device", OPTION_TEXT, AT(button.device), .required = true },
	{ "button", "code", OPTION_WHOLE, AT(button.code), 0, 767, .fallback = "0" },
	{ "button", "program", OPTION_TEXT, AT(button.program), .required = false },
	{ "http", "listen", OPTION_TEXT, AT(http.listen), .fallback = "127.0.0.1:8080" },
	{ "http", "socket", OPTION_TEXT, AT(http.socket), .fallback = "/run/meterd/meterd.sock" },
	{ "http", "token_file", OPTION_TEXT, AT(http.token_file), .required = false },
	{ "http", "web_dir", OPTION_TEXT, AT(http.web_dir), .fallback = "/usr/share/meterd/web" },
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

/**
 * struct reader - the state while a file is read
 * @config: what is filled in
 * @stream: the file
 * @line: number of the line being read
 * @section: name of the section, without the name of a load or input; NULL: unknown section
 * @heading: the section as it stands in the file
 * @base: what its keys fill in, NULL for the configuration itself
 * @seen: options given in the section
 * @sections: line of each section given, by its first option
 * @errors: errors found
 */
struct reader {
	struct config *config;
	FILE *stream;
	unsigned int line;
	const char *section;
	char heading[128];
	void *base;
	bool seen[OPTIONS];
	unsigned int sections[OPTIONS];
	unsigned int errors;
};

bool config_option(unsigned int index, struct config_option *option)
{
	if (index >= OPTIONS)
		return false;
	option->section = options[index].section;
	option->key = options[index].key;
	option->fallback = options[index].fallback;
	return true;
}

static const void *section_of(const struct config *c, const char *section, unsigned int item)
{
	if (!strcmp(section, "load"))
		return item < c->loads ? &c->load[item] : NULL;
	if (!strcmp(section, "input"))
		return item < c->inputs ? &c->input[item] : NULL;
	return item ? NULL : c;
}

static void list_text(const struct config_list *list, char *text, size_t size)
{
	size_t n = 0;
	unsigned int k;

	for (k = 0; k < list->count && n < size; k++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", k ? ", " : "", list->word[k]);
}

bool config_text(const struct config *c, unsigned int index, unsigned int item, char *text,
		 size_t size)
{
	const struct option *o = &options[index];
	const void *base = section_of(c, o->section, item);
	const void *value = base ? (const char *)base + o->offset : NULL;

	text[0] = '\0';
	if (!value)
		return false;
	if (o->type == OPTION_WHOLE)
		snprintf(text, size, "%u", *(const unsigned int *)value);
	else if (o->type == OPTION_REAL)
		snprintf(text, size, "%.10g", *(const double *)value);
	else if (o->type == OPTION_LIST)
		list_text(value, text, size);
	else if (*(char *const *)value)
		snprintf(text, size, "%s", *(char *const *)value);
	return true;
}

__attribute__((format(printf, 2, 3))) static void complain(struct reader *r, const char *format,
							   ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s:%u: %s", r->config->file, r->line, text);
	r->errors++;
}

static char *trimmed(const char *begin, size_t length)
{
	while (length && isspace((unsigned char)*begin)) {
		begin++;
		length--;
	}
	while (length && isspace((unsigned char)begin[length - 1]))
		length--;
	return strndup(begin, length);
}

static void list_free(struct config_list *list)
{
	unsigned int k;

	for (k = 0; k < list->count; k++)
		free(list->word[k]);
	free(list->word);
	*list = (struct config_list){ 0 };
}

/* Split at commas. Return: NULL, or what is wrong. */
static const char *list_set(struct config_list *list, const char *value)
{
	const char *next = value;

	list_free(list);
	for (;;) {
		size_t length = strcspn(next, ",");
		char **word = reallocarray(list->word, list->count + 1, sizeof(*word));

		if (!word)
			return "out of memory";
		list->word = word;
		word[list->count] = trimmed(next, length);
		if (!word[list->count])
			return "out of memory";
		list->count++;
		if (!word[list->count - 1][0])
			return "an entry of the list is empty; remove the comma";
		if (!next[length])
			return NULL;
		next += length + 1;
	}
}

static bool is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);
	const char *c = choices;

	while (c) {
		size_t n = strcspn(c, "|");

		if (n == length && !strncmp(c, value, n))
			return true;
		c = c[n] ? c + n + 1 : NULL;
	}
	return false;
}

/* Set a number. Return: false when it is not one or out of its bounds. */
static bool number_set(const struct option *o, void *target, const char *value)
{
	char *end;
	double x = strtod(value, &end);

	if (end == value || *end || !isfinite(x) || x < o->least || x > o->most)
		return false;
	if (o->type == OPTION_REAL) {
		*(double *)target = x;
		return true;
	}
	if (x != floor(x))
		return false;
	*(unsigned int *)target = (unsigned int)x;
	return true;
}

/* Set one option from its text; writes what is wrong into @wrong. */
static bool option_set(const struct option *o, void *base, const char *value, char *wrong)
{
	void *target = (char *)base + o->offset;
	const char *text;

	wrong[0] = '\0';
	if (o->type == OPTION_WHOLE || o->type == OPTION_REAL) {
		if (number_set(o, target, value))
			return true;
		snprintf(wrong, WAY_OUT_MAX, "not a %s from %.10g to %.10g; write one%s%s",
			 o->type == OPTION_WHOLE ? "whole number" : "number", o->least, o->most,
			 o->fallback ? ", the default is " : "", o->fallback ? o->fallback : "");
		return false;
	}
	if (!value[0]) {
		snprintf(wrong, WAY_OUT_MAX, "no value; write one, or remove the key");
		return false;
	}
	if (o->type == OPTION_LIST) {
		text = list_set(target, value);
		snprintf(wrong, WAY_OUT_MAX, "%s", text ? text : "");
		return !text;
	}
	if (o->type == OPTION_CHOICE && !is_choice(o->choices, value)) {
		snprintf(wrong, WAY_OUT_MAX, "not one of %s", o->choices);
		return false;
	}
	free(*(char **)target);
	*(char **)target = strdup(value);
	return *(char **)target;
}

/* Sections that there can be more than one of. */
static bool is_named(const char *section)
{
	return !strcmp(section, "load") || !strcmp(section, "input");
}

static void section_defaults(struct reader *r, const char *section, void *base)
{
	char wrong[WAY_OUT_MAX];
	unsigned int k;

	for (k = 0; k < OPTIONS; k++)
		if (!strcmp(options[k].section, section) && options[k].fallback)
			option_set(&options[k], base, options[k].fallback, wrong);
}

/* The section ends: all that it must have is there? */
static void section_end(struct reader *r)
{
	unsigned int k;

	for (k = 0; r->section && k < OPTIONS; k++) {
		const struct option *o = &options[k];

		if (!strcmp(o->section, r->section) && o->required && !r->seen[k])
			complain(r, "[%s]: key \"%s\" is missing; see meterd.conf(5)", r->heading,
				 o->key);
	}
	r->section = NULL;
	r->base = NULL;
	memset(r->seen, 0, sizeof(r->seen));
}

static void begin_load(struct reader *r, const char *name)
{
	struct config *c = r->config;
	struct load_config *load;
	unsigned int k;

	if (strlen(name) > LOAD_NAME_MAX) {
		complain(
			r,
			"[%s]: the name is %zu bytes long; a name has at most %d bytes; shorten it",
			r->heading, strlen(name), LOAD_NAME_MAX);
		return;
	}
	for (k = 0; k < c->loads; k++) {
		if (strcmp(c->load[k].name, name))
			continue;
		complain(r, "[%s]: there is a load of this name in line %u; give it another name",
			 r->heading, c->load[k].line);
		return;
	}
	if (c->loads == LOADS_MAX) {
		complain(r, "[%s]: more than %d loads", r->heading, LOADS_MAX);
		return;
	}
	load = reallocarray(c->load, c->loads + 1, sizeof(*load));
	if (!load) {
		complain(r, "[%s]: out of memory", r->heading);
		return;
	}
	c->load = load;
	load += c->loads++;
	*load = (struct load_config){ .line = r->line, .name = strdup(name) };
	section_defaults(r, "load", load);
	r->section = "load";
	r->base = load;
}

static void begin_input(struct reader *r, const char *name)
{
	struct config *c = r->config;
	struct input_config *input;
	unsigned int k;

	for (k = 0; k < c->inputs; k++) {
		if (strcmp(c->input[k].name, name))
			continue;
		complain(r, "[%s]: this section began in line %u already; put its keys there",
			 r->heading, c->input[k].line);
		return;
	}
	if (c->inputs == INPUT_CHANNELS_MAX) {
		complain(r, "[%s]: more than %d inputs", r->heading, INPUT_CHANNELS_MAX);
		return;
	}
	input = reallocarray(c->input, c->inputs + 1, sizeof(*input));
	if (!input) {
		complain(r, "[%s]: out of memory", r->heading);
		return;
	}
	c->input = input;
	input += c->inputs++;
	*input = (struct input_config){ .line = r->line, .name = strdup(name) };
	section_defaults(r, "input", input);
	r->section = "input";
	r->base = input;
}

/* Is it [load NAME] or [input NAME]? Then it has begun. */
static bool begin_named(struct reader *r, const char *heading, const char *prefix,
			void (*begin)(struct reader *r, const char *name))
{
	size_t n = strlen(prefix);
	char *name;

	if (strncmp(heading, prefix, n))
		return false;
	name = trimmed(heading + n, strlen(heading) - n);
	begin(r, name ? name : "");
	free(name);
	return true;
}

static void begin_section(struct reader *r, const char *name)
{
	unsigned int k;

	section_end(r);
	snprintf(r->heading, sizeof(r->heading), "%s", name);
	if (begin_named(r, name, LOAD_PREFIX, begin_load) ||
	    begin_named(r, name, INPUT_PREFIX, begin_input))
		return;
	for (k = 0; k < OPTIONS; k++)
		if (!strcmp(options[k].section, name) && !is_named(name))
			break;
	if (k == OPTIONS) {
		complain(r,
			 "[%s]: no such section; there are gateway, source, topology, load NAME, "
			 "input NAME, "
			 "registers, quality, store, mqtt, influx, modbus, light, button, http",
			 name);
		return;
	}
	if (r->sections[k]) {
		complain(r, "[%s]: this section began in line %u already; put its keys there", name,
			 r->sections[k]);
		return;
	}
	r->sections[k] = r->line;
	r->section = options[k].section;
	r->config->has_store |= !strcmp(name, "store");
	r->config->has_mqtt |= !strcmp(name, "mqtt");
	r->config->has_influx |= !strcmp(name, "influx");
	r->config->has_modbus |= !strcmp(name, "modbus");
	r->config->has_http |= !strcmp(name, "http");
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	char wrong[WAY_OUT_MAX];
	unsigned int k;

	if (!r->section) {
		/* the section was complained of */
		if (!r->heading[0])
			complain(r, "%s = %s: outside of a section; put [SECTION] before it", key,
				 value);
		return 1;
	}
	for (k = 0; k < OPTIONS; k++)
		if (!strcmp(options[k].section, r->section) && !strcmp(options[k].key, key))
			break;
	if (k == OPTIONS) {
		complain(r, "[%s] %s = %s: no such key; see meterd.conf(5)", r->heading, key,
			 value);
		return 1;
	}
	if (r->seen[k]) {
		complain(r, "[%s] %s = %s: given a second time; remove one of them", r->heading,
			 key, value);
		return 1;
	}
	r->seen[k] = true;
	if (!option_set(&options[k], r->base ? r->base : r->config, value, wrong))
		complain(r, "[%s] %s = %s: %s", r->heading, key, value,
			 wrong[0] ? wrong : "out of memory");
	return 1;
}

/* Give inih a line, without the indentation that it takes for a continuation. */
static char *next_line(char *to, int bytes, void *user)
{
	struct reader *r = user;
	char *end;
	size_t skip;

	if (!fgets(to, bytes, r->stream))
		return NULL;
	r->line++;
	if (!strchr(to, '\n') && !feof(r->stream)) {
		int c;

		complain(r, "longer than %d characters; shorten it", bytes - 2);
		do {
			c = getc(r->stream);
		} while (c != '\n' && c != EOF);
		strcpy(to, "\n");
	}
	skip = strspn(to, " \t");
	memmove(to, to + skip, strlen(to + skip) + 1);
	end = to[0] == '[' ? strchr(to, ']') : NULL;
	if (end) {
		char *name = trimmed(to + 1, (size_t)(end - to - 1));

		begin_section(r, name ? name : "");
		free(name);
		strcpy(to, "\n");
	} else if (to[0] && !strchr("\r\n;#", to[0]) && !strpbrk(to, "=:")) {
		to[strcspn(to, "\r\n")] = '\0';
		complain(r, "\"%s\": neither [SECTION] nor KEY = VALUE; comments begin with #", to);
		strcpy(to, "\n");
	}
	return to;
}

static void all_defaults(struct reader *r)
{
	char wrong[WAY_OUT_MAX];
	unsigned int k;

	for (k = 0; k < OPTIONS; k++)
		if (!is_named(options[k].section) && options[k].fallback)
			option_set(&options[k], r->config, options[k].fallback, wrong);
}

int config_read(struct config *config, const char *path)
{
	struct reader r = { .config = config };

	memset(config, 0, sizeof(*config));
	config->file = strdup(path);
	r.stream = fopen(path, "re");
	if (!config->file || !r.stream) {
		int error = -errno;

		log_error("%s: %s; give another file with --config", path, strerror(errno));
		if (r.stream)
			fclose(r.stream);
		return error;
	}
	all_defaults(&r);
	ini_parse_stream(next_line, &r, on_key, &r);
	section_end(&r);
	if (ferror(r.stream)) {
		complain(&r, "cannot be read: %s", strerror(errno));
	}
	fclose(r.stream);
	return r.errors ? -EINVAL : 0;
}

static void free_options(const char *section, void *base)
{
	unsigned int k;

	for (k = 0; k < OPTIONS; k++) {
		void *target = (char *)base + options[k].offset;
		if (is_named(options[k].section) ? strcmp(section, options[k].section) != 0
						 : section[0] != '\0')
			continue;
		if (options[k].type == OPTION_LIST)
			list_free(target);
		if (options[k].type == OPTION_TEXT || options[k].type == OPTION_CHOICE)
			free(*(char **)target);
	}
}

void config_free(struct config *config)
{
	unsigned int k;

	for (k = 0; k < config->loads; k++) {
		free_options("load", &config->load[k]);
		free(config->load[k].name);
	}
	free(config->load);
	for (k = 0; k < config->inputs; k++) {
		free_options("input", &config->input[k]);
		free(config->input[k].name);
	}
	free(config->input);
	free_options("", config);
	free(config->file);
	memset(config, 0, sizeof(*config));
}
