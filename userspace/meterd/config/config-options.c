// SPDX-License-Identifier: GPL-2.0-or-later
#include "config-options.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-named.h"
#include "words.h"

#define AT(member) offsetof(struct config, member)
#define LOAD_AT(member) offsetof(struct load_config, member)
#define INPUT_AT(member) offsetof(struct input_config, member)
#define CONTACT_AT(member) offsetof(struct contact_config, member)
#define RELAY_AT(member) offsetof(struct relay_config, member)

const struct option config_options[] = {
	{ "gateway", "name", OPTION_TEXT, AT(gateway), .fallback = "meterd" },
	{ "gateway", "settings", OPTION_FILE, AT(settings),
	  .fallback = "/var/lib/meterd/settings.conf" },
	{ "gateway", "modules", OPTION_FILE, AT(modules), .fallback = "/sys/bus/smappee/devices" },
	{ "source", "uri", OPTION_URI, AT(source.uri), .fallback = "local:" },
	{ "source", "values", OPTION_CHOICE, AT(source.values), .fallback = "waveform",
	  .choices = "waveform|register" },
	{ "source", "replay", OPTION_FILE, AT(source.replay), .required = false },
	{ "source", "repeat", OPTION_WHOLE, AT(source.repeat), 1, 1000000000, .fallback = "1" },
	{ "source", "speed", OPTION_REAL, AT(source.speed), 0, 1e6, .fallback = "0" },
	{ "source", "clock", OPTION_CHOICE, AT(source.clock), .fallback = "recording",
	  .choices = "recording|system" },
	{ "source", "sampling_frequency", OPTION_REAL, AT(source.sampling_frequency), 600, 100000,
	  .fallback = "4000" },
	{ "source", "devices", OPTION_TEXT, AT(source.devices),
	  .fallback = "smappee-voltage, smappee-ct" },
	{ "source", "block_ms", OPTION_WHOLE, AT(source.block_ms), 10, 200, .fallback = "32" },
	{ "source", "wait_ms", OPTION_WHOLE, AT(source.wait_ms), 100, 5000, .fallback = "500" },
	{ "topology", "type", OPTION_CHOICE, AT(topology), .required = false,
	  .choices = "1p|2p+n|3p+n|3p|high-leg" },
	{ "topology", "voltages", OPTION_LIST, AT(voltages), .required = false },
	{ "topology", "voltage_ratio", OPTION_LIST, AT(voltage_ratio), .fallback = "1" },
	{ "topology", "pf_min_va", OPTION_REAL, AT(pf_min_va), 0, 1e6, .fallback = "5" },
	{ "topology", "tuning", OPTION_FILE, AT(tuning),
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
	{ "contact", "input", OPTION_TEXT, CONTACT_AT(input), .required = true },
	{ "contact", "kind", OPTION_CHOICE, CONTACT_AT(kind), .required = true,
	  .choices = "gas|water|heat|electricity|state" },
	{ "contact", "unit", OPTION_CHOICE, CONTACT_AT(unit), .required = false,
	  .choices = "m3|ft3|l|gal|Wh|kWh|MWh|MJ|GJ" },
	{ "contact", "pulses_per_unit", OPTION_REAL, CONTACT_AT(pulses_per_unit), 1e-6, 1e6,
	  .required = false },
	{ "contact", "start", OPTION_REAL, CONTACT_AT(start), -1e12, 1e12, .fallback = "0" },
	{ "contact", "min_closed_ms", OPTION_WHOLE, CONTACT_AT(min_closed_ms), 0, 10000,
	  .fallback = "10" },
	{ "contact", "min_open_ms", OPTION_WHOLE, CONTACT_AT(min_open_ms), 0, 10000,
	  .fallback = "10" },
	{ "relay", "output", OPTION_TEXT, RELAY_AT(output), .required = true },
	{ "relay", "needs", OPTION_LIST, RELAY_AT(needs), .required = false },
	{ "registers", "file", OPTION_FILE, AT(registers_file), .required = true },
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
	{ "quality", "state", OPTION_FILE, AT(quality.state), .required = false },
	{ "store", "file", OPTION_FILE, AT(store.file), .fallback = "/var/lib/meterd/records.db" },
	{ "store", "days_1m", OPTION_WHOLE, AT(store.days_1m), 1, 36500, .fallback = "35" },
	{ "store", "days_5m", OPTION_WHOLE, AT(store.days_5m), 1, 36500, .fallback = "400" },
	{ "store", "days_events", OPTION_WHOLE, AT(store.days_events), 1, 36500,
	  .fallback = "400" },
	{ "store", "size_mb", OPTION_WHOLE, AT(store.size_mb), 2, 1000000, .fallback = "600" },
	{ "mqtt", "host", OPTION_TEXT, AT(mqtt.host), .fallback = "127.0.0.1" },
	{ "mqtt", "port", OPTION_WHOLE, AT(mqtt.port), 1, 65535, .fallback = "1883" },
	{ "mqtt", "topic", OPTION_TEXT, AT(mqtt.topic), .fallback = "meterd", .form = FORM_TOPIC },
	{ "mqtt", "user", OPTION_TEXT, AT(mqtt.user), .required = false },
	{ "mqtt", "password_file", OPTION_FILE, AT(mqtt.password_file), .required = false },
	{ "mqtt", "tls", OPTION_CHOICE, AT(mqtt.tls), .fallback = "no", .choices = "yes|no" },
	{ "mqtt", "ca_file", OPTION_FILE, AT(mqtt.ca_file), .required = false },
	{ "mqtt", "cert_file", OPTION_FILE, AT(mqtt.cert_file), .required = false },
	{ "mqtt", "key_file", OPTION_FILE, AT(mqtt.key_file), .required = false },
	{ "mqtt", "discovery", OPTION_TEXT, AT(mqtt.discovery), .fallback = "homeassistant",
	  .form = FORM_TOPIC },
	{ "mqtt", "vendor_uuid", OPTION_TEXT, AT(mqtt.vendor_uuid), .required = false,
	  .form = FORM_LEVEL },
	{ "mqtt", "commands", OPTION_CHOICE, AT(mqtt.commands), .fallback = "no",
	  .choices = "yes|no" },
	{ "mqtt", "vendor_serial", OPTION_TEXT, AT(mqtt.vendor_serial), .fallback = "5010000000" },
	{ "influx", "url", OPTION_TEXT, AT(influx.url), .required = true, .form = FORM_URL },
	{ "influx", "version", OPTION_WHOLE, AT(influx.version), 1, 2, .fallback = "2" },
	{ "influx", "database", OPTION_TEXT, AT(influx.database), .fallback = "meterd" },
	{ "influx", "org", OPTION_TEXT, AT(influx.org), .fallback = "meterd" },
	{ "influx", "bucket", OPTION_TEXT, AT(influx.bucket), .fallback = "meterd" },
	{ "influx", "token_file", OPTION_FILE, AT(influx.token_file), .required = false },
	{ "influx", "user", OPTION_TEXT, AT(influx.user), .required = false },
	{ "influx", "password_file", OPTION_FILE, AT(influx.password_file), .required = false },
	{ "influx", "ca_file", OPTION_FILE, AT(influx.ca_file), .required = false },
	{ "modbus", "listen", OPTION_TEXT, AT(modbus.listen), .required = true,
	  .form = FORM_LISTEN },
	{ "modbus", "unit", OPTION_WHOLE, AT(modbus.unit), 1, 247, .fallback = "1" },
	{ "modbus", "load", OPTION_TEXT, AT(modbus.load), .required = false },
	{ "modbus", "power_box", OPTION_CHOICE, AT(modbus.power_box), .fallback = "no",
	  .choices = "yes|no" },
	{ "light", "device", OPTION_FILE, AT(light.device), .required = true },
	{ "light", "network_file", OPTION_FILE, AT(light.network_file),
	  .fallback = "/run/meterd/network" },
	{ "light", "interfaces", OPTION_FILE, AT(light.interfaces), .fallback = "/sys/class/net" },
	{ "button", "device", OPTION_FILE, AT(button.device), .required = true },
	{ "button", "code", OPTION_WHOLE, AT(button.code), 0, 767, .fallback = "0" },
	{ "button", "program", OPTION_FILE, AT(button.program), .required = false },
	{ "http", "listen", OPTION_TEXT, AT(http.listen), .fallback = "127.0.0.1:8080",
	  .form = FORM_LISTEN },
	{ "http", "socket", OPTION_FILE, AT(http.socket), .fallback = "/run/meterd/meterd.sock" },
	{ "http", "token_file", OPTION_FILE, AT(http.token_file), .required = false },
	{ "http", "web_dir", OPTION_FILE, AT(http.web_dir), .fallback = "/usr/share/meterd/web" },
	{ 0 },
};

#define OPTIONS (sizeof(config_options) / sizeof(config_options[0]) - 1)
_Static_assert(OPTIONS <= OPTIONS_MAX, "OPTIONS_MAX is too small");

bool config_option(unsigned int index, struct config_option *option)
{
	if (index >= OPTIONS)
		return false;
	option->section = config_options[index].section;
	option->key = config_options[index].key;
	option->fallback = config_options[index].fallback;
	return true;
}

static const void *section_of(const struct config *c, const char *section, unsigned int item)
{
	const struct config_named *n = config_named(section);

	if (n)
		return config_named_item(c, n, item);
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
	const struct option *o = &config_options[index];
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

char *option_word(const char *begin, size_t length)
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
		word[list->count] = option_word(next, length);
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

bool option_set(const struct option *o, void *base, const char *value, char *wrong)
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
	if (o->type == OPTION_CHOICE && !words_have(o->choices, "|", value)) {
		snprintf(wrong, WAY_OUT_MAX, "not one of %s", o->choices);
		return false;
	}
	text = value_form_wrong(o->form, value);
	if (text) {
		snprintf(wrong, WAY_OUT_MAX, "%s", text);
		return false;
	}
	free(*(char **)target);
	*(char **)target = strdup(value);
	return *(char **)target;
}

/* "ip:HOST" as libiio has it: a name or an address, perhaps with a port. */
static bool is_machine(const char *uri)
{
	static const char host[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789.-_:[]%";
	const char *name = uri + strlen("ip:");

	return !strncmp(uri, "ip:", strlen("ip:")) && *name && !name[strspn(name, host)];
}

const char *option_commanded(const struct option *o, const char *value)
{
	if (o->type == OPTION_FILE)
		return "files are chosen on the machine itself";
	if (o->type == OPTION_URI && value && strcmp(value, "local:") && !is_machine(value))
		return "only local: and ip:HOST can be set by command; others are chosen on the "
		       "machine itself";
	return NULL;
}

/* "" stands for all sections that there is one of. */
static bool is_of(const struct option *o, const char *section)
{
	return *section ? !strcmp(o->section, section) : !config_named(o->section);
}

void options_default(const char *section, void *base)
{
	char wrong[WAY_OUT_MAX];
	unsigned int k;

	for (k = 0; k < OPTIONS; k++)
		if (is_of(&config_options[k], section) && config_options[k].fallback)
			option_set(&config_options[k], base, config_options[k].fallback, wrong);
}

void options_free(const char *section, void *base)
{
	unsigned int k;

	for (k = 0; k < OPTIONS; k++) {
		const struct option *o = &config_options[k];
		void *target = (char *)base + o->offset;

		if (!is_of(o, section))
			continue;
		if (o->type == OPTION_LIST)
			list_free(target);
		else if (o->type != OPTION_WHOLE && o->type != OPTION_REAL)
			free(*(char **)target);
	}
}
