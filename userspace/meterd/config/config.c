// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inih splits the lines; everything that knows a name is the table of config-options.c. The
 * reader given to inih counts lines and takes the section headers itself,
 * because inih tells of neither an empty section nor the line of a key.
 */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-named.h"
#include "config-options.h"
#include "log.h"

/**
 * struct reader - the state while a file is read
 * @config: what is filled in
 * @path: name of the file
 * @over: its values win over those that are there
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
	const char *path;
	bool over;
	FILE *stream;
	unsigned int line;
	const char *section;
	char heading[128];
	void *base;
	bool seen[OPTIONS_MAX];
	unsigned int sections[OPTIONS_MAX];
	unsigned int errors;
};

__attribute__((format(printf, 2, 3))) static void complain(struct reader *r, const char *format,
							   ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s:%u: %s", r->path, r->line, text);
	r->errors++;
}

/* The section ends: all that it must have is there? */
static void section_end(struct reader *r)
{
	unsigned int k;

	for (k = 0; r->section && config_options[k].section; k++) {
		const struct option *o = &config_options[k];

		if (!strcmp(o->section, r->section) && o->required && !r->over && !r->seen[k])
			complain(r, "[%s]: key \"%s\" is missing; see meterd.conf(5)", r->heading,
				 o->key);
	}
	r->section = NULL;
	r->base = NULL;
	memset(r->seen, 0, sizeof(r->seen));
}

static void begin_another(struct reader *r, const struct config_named *n, const char *name)
{
	if (strlen(name) > LOAD_NAME_MAX) {
		complain(
			r,
			"[%s]: the name is %zu bytes long; a name has at most %d bytes; shorten it",
			r->heading, strlen(name), LOAD_NAME_MAX);
		return;
	}
	if (config_named_items(r->config, n) == n->most) {
		complain(r, "[%s]: more than %u of these sections", r->heading, n->most);
		return;
	}
	r->base = config_named_add(r->config, n, name, r->line);
	if (!r->base)
		complain(r, "[%s]: out of memory", r->heading);
}

static void begin_named(struct reader *r, const struct config_named *n, const char *name)
{
	unsigned int line;
	void *found = config_named_find(r->config, n, name, &line);

	if (r->over && !found) {
		complain(r, "[%s]: there is no such section in %s; remove it here", r->heading,
			 r->config->file);
		return;
	}
	if (found && !r->over) {
		complain(r,
			 "[%s]: there is a %s of this name in line %u; give it another name, or "
			 "put its keys there",
			 r->heading, n->section, line);
		return;
	}
	r->base = found;
	if (!found)
		begin_another(r, n, name);
	if (r->base)
		r->section = n->section;
}

/* Sections that say by being there that something is done. */
static bool *switch_of(struct config *c, const char *section)
{
	const struct {
		const char *section;
		bool *on;
	} rows[] = {
		{ "store", &c->has_store },   { "mqtt", &c->has_mqtt },
		{ "influx", &c->has_influx }, { "modbus", &c->has_modbus },
		{ "http", &c->has_http },
	};
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		if (!strcmp(rows[k].section, section))
			return rows[k].on;
	return NULL;
}

bool config_has(const struct config *config, const char *section)
{
	struct config *c = (struct config *)config;
	const bool *on = switch_of(c, section);
	const char *name;
	const struct config_named *n = config_named_heading(section, &name);

	if (n)
		return config_named_find(c, n, name, NULL);
	return !on || *on;
}

/* The row of a key, NULL: the first of its section; of one that does not exist, the end of the
 * table. */
static unsigned int find_option(const char *section, const char *key)
{
	unsigned int k;

	for (k = 0; config_options[k].section; k++)
		if (!strcmp(config_options[k].section, section) &&
		    (!key || !strcmp(config_options[k].key, key)))
			break;
	return k;
}

const char *config_commanded(const char *section, const char *key, const char *value)
{
	const char *name;
	const struct config_named *n = config_named_heading(section, &name);
	unsigned int k = find_option(n ? n->section : section, key);

	return config_options[k].section ? option_commanded(&config_options[k], value) : NULL;
}

static void begin_section(struct reader *r, const char *name)
{
	const char *of;
	const struct config_named *n = config_named_heading(name, &of);
	bool *on = switch_of(r->config, name);
	unsigned int k;

	section_end(r);
	snprintf(r->heading, sizeof(r->heading), "%s", name);
	if (n) {
		begin_named(r, n, of);
		return;
	}
	for (k = 0; config_options[k].section; k++)
		if (!strcmp(config_options[k].section, name) && !config_named(name))
			break;
	if (!config_options[k].section) {
		complain(r,
			 "[%s]: no such section; there are gateway, source, topology, load NAME, "
			 "input NAME, contact NAME, relay NAME, registers, quality, store, mqtt, "
			 "influx, modbus, light, button, http",
			 name);
		return;
	}
	if (r->sections[k]) {
		complain(r, "[%s]: this section began in line %u already; put its keys there", name,
			 r->sections[k]);
		return;
	}
	r->sections[k] = r->line;
	if (r->over && on && !*on) {
		complain(r, "[%s]: there is no such section in %s; remove it here", name,
			 r->config->file);
		return;
	}
	r->section = config_options[k].section;
	if (on)
		*on = true;
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	char wrong[WAY_OUT_MAX];
	const char *refused;
	unsigned int k;

	if (!r->section) {
		/* the section was complained of */
		if (!r->heading[0])
			complain(r, "%s = %s: outside of a section; put [SECTION] before it", key,
				 value);
		return 1;
	}
	k = find_option(r->section, key);
	if (!config_options[k].section) {
		complain(r, "[%s] %s = %s: no such key; see meterd.conf(5)", r->heading, key,
			 value);
		return 1;
	}
	if (r->seen[k]) {
		complain(r, "[%s] %s = %s: given a second time; remove one of them", r->heading,
			 key, value);
		return 1;
	}
	refused = r->over ? option_commanded(&config_options[k], value) : NULL;
	if (refused) {
		complain(r, "[%s] %s = %s: %s, in %s; remove the line here", r->heading, key, value,
			 refused, r->config->file);
		return 1;
	}
	r->seen[k] = true;
	r->config->settings_given += r->over;
	if (!option_set(&config_options[k], r->base ? r->base : r->config, value, wrong))
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
		char *name = option_word(to + 1, (size_t)(end - to - 1));

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

static int read_file(struct reader *r)
{
	r->stream = fopen(r->path, "re");
	if (!r->stream)
		return -errno;
	ini_parse_stream(next_line, r, on_key, r);
	section_end(r);
	if (ferror(r->stream))
		complain(r, "cannot be read: %s", strerror(errno));
	fclose(r->stream);
	return r->errors ? -EINVAL : 0;
}

/* What only holds of several keys together, where their section is. */
static void check_whole(struct reader *r)
{
	const struct config *c = r->config;
	const struct {
		const char *section;
		bool wrong;
		const char *text;
	} rules[] = {
		{ "source", !strcmp(c->source.clock, "system") && c->source.speed != 1.0,
		  "clock = system: the recording must pass as time does; write speed = 1" },
		{ "quality",
		  c->quality.nominal_hz != 0.0 && c->quality.nominal_hz != 50.0 &&
			  c->quality.nominal_hz != 60.0,
		  "nominal_hz: must be 50 or 60, or 0 for what is measured" },
		{ "gateway", c->has_mqtt && strpbrk(c->gateway, "+#/"),
		  "name: cannot be a part of an MQTT topic; use no +, # and /" },
		{ "mqtt",
		  strcmp(c->mqtt.tls, "yes") &&
			  (c->mqtt.ca_file || c->mqtt.cert_file || c->mqtt.key_file),
		  "ca_file, cert_file and key_file are for tls = yes; write it, or remove them" },
		{ "mqtt", !c->mqtt.cert_file != !c->mqtt.key_file,
		  "cert_file and key_file belong together; give both, or none" },
		{ "influx", c->has_influx && !c->has_store,
		  "what is sent are the records of [store]; add such a section" },
	};
	size_t k;

	for (k = 0; k < sizeof(rules) / sizeof(rules[0]); k++) {
		if (!rules[k].wrong)
			continue;
		r->line = r->sections[find_option(rules[k].section, NULL)];
		complain(r, "[%s] %s", rules[k].section, rules[k].text);
	}
}

int config_read(struct config *config, const char *path, const char *settings)
{
	struct reader file = { .config = config, .path = path };
	struct reader over = { .config = config, .over = true };
	int error;

	memset(config, 0, sizeof(*config));
	config->file = strdup(path);
	options_default("", config);
	if (!config->file || !config->settings)
		return -ENOMEM;
	error = read_file(&file);
	if (error && !file.errors)
		log_error("%s: %s; give another file with --config", path, strerror(-error));
	if (error)
		return error;
	over.path = settings ? settings : config->settings;
	error = read_file(&over);
	if (error && error != -ENOENT) {
		if (!over.errors)
			log_error("%s: %s; see [gateway] settings in meterd.conf(5)", over.path,
				  strerror(-error));
		return error;
	}
	check_whole(&file);
	return file.errors ? -EINVAL : 0;
}

void config_free(struct config *config)
{
	config_named_free(config);
	options_free("", config);
	free(config->file);
	memset(config, 0, sizeof(*config));
}
