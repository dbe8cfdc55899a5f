// SPDX-License-Identifier: GPL-2.0-or-later
#include "reload.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aside.h"
#include "installation.h"
#include "io-config.h"
#include "log.h"

#define VALUE_MAX 2048
#define SET_MAX 512

static const struct {
	const char *section;
	int part;
} parts[] = {
	{ "mqtt", RELOAD_MQTT },
	{ "influx", RELOAD_INFLUX },
	{ "modbus", RELOAD_MODBUS },
	{ "http", RELOAD_HTTP },
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static int part_of(const char *section)
{
	size_t k;

	for (k = 0; k < PARTS; k++)
		if (!strcmp(parts[k].section, section))
			return parts[k].part;
	return 0;
}

static int fixed(char *why, size_t size, const char *section, const char *key)
{
	snprintf(why, size, "[%s]%s%s differs, which needs a restart", section, *key ? " " : "",
		 key);
	return -EBUSY;
}

/* Return: the part that differs, 0: none, -EBUSY: needs a restart. */
static int compare(const struct config *now, const struct config *next, unsigned int index,
		   const struct config_option *o, char *why, size_t size)
{
	char a[VALUE_MAX], b[VALUE_MAX];
	unsigned int item;

	for (item = 0;; item++) {
		bool here = config_text(now, index, item, a, sizeof(a));
		bool there = config_text(next, index, item, b, sizeof(b));

		if (!here && !there)
			return 0;
		if (here == there && !strcmp(a, b) &&
		    !strcmp(config_item_name(now, o->section, item),
			    config_item_name(next, o->section, item)))
			continue;
		return part_of(o->section) ? part_of(o->section)
					   : fixed(why, size, o->section, o->key);
	}
}

/* A section that comes or goes. The queues of the store are those of its upstreams. */
static int compare_sections(const struct config *now, const struct config *next, char *why,
			    size_t size)
{
	int changed = 0;

	if (now->has_mqtt != next->has_mqtt)
		return fixed(why, size, "mqtt", "");
	if (now->has_influx != next->has_influx)
		return fixed(why, size, "influx", "");
	if (now->has_store != next->has_store)
		return fixed(why, size, "store", "");
	if (now->has_modbus != next->has_modbus)
		changed |= RELOAD_MODBUS;
	if (now->has_http != next->has_http)
		changed |= RELOAD_HTTP;
	return changed;
}

int reload_parts(const struct config *now, const struct config *next, char *why, size_t size)
{
	int changed = compare_sections(now, next, why, size);
	struct config_option o;
	unsigned int k;
	int part;

	for (k = 0; changed >= 0 && config_option(k, &o); k++) {
		part = compare(now, next, k, &o, why, size);
		changed = part < 0 ? part : changed | part;
	}
	return changed;
}

#define EXCHANGE(a, b)                                                                             \
	do {                                                                                       \
		__typeof__(a) old = (a);                                                           \
		(a) = (b);                                                                         \
		(b) = old;                                                                         \
	} while (0)

void reload_exchange(struct config *now, struct config *next, int which)
{
	if (which & RELOAD_MQTT)
		EXCHANGE(now->mqtt, next->mqtt);
	if (which & RELOAD_INFLUX)
		EXCHANGE(now->influx, next->influx);
	if (which & RELOAD_MODBUS) {
		EXCHANGE(now->modbus, next->modbus);
		EXCHANGE(now->has_modbus, next->has_modbus);
	}
	if (which & RELOAD_HTTP) {
		EXCHANGE(now->http, next->http);
		EXCHANGE(now->has_http, next->has_http);
	}
}

int reload_check(const char *path, const char *settings, const struct site *site)
{
	struct config config = { 0 };
	struct installation in = { 0 };
	struct io_plan plan;
	int ret = config_read(&config, path, settings);

	if (!ret)
		ret = installation_make(&in, &config, site);
	if (!ret)
		ret = io_plan_make(&plan, &config, &in);
	installation_free(&in);
	config_free(&config);
	return ret;
}

/* ---- commands ---------------------------------------------------------- */

static struct json_object *section_json(const struct config *c, const char *section,
					unsigned int item)
{
	struct json_object *o = json_object_new_object();
	struct config_option option;
	char text[VALUE_MAX];
	unsigned int k;

	for (k = 0; config_option(k, &option); k++)
		if (!strcmp(option.section, section) && config_text(c, k, item, text, sizeof(text)))
			json_object_object_add(o, option.key,
					       text[0] ? json_object_new_string(text) : NULL);
	return o;
}

/* "load grid" is a section "load" with a number. Return: whether it is there. */
static bool find_section(const struct config *c, const char *name, const char **section,
			 unsigned int *item)
{
	struct config_option o;
	unsigned int k;

	*item = 0;
	for (k = 0; config_option(k, &o); k++) {
		size_t n = strlen(o.section);
		const char *of = config_item_name(c, o.section, *item);

		*section = o.section;
		if (!*of && !strcmp(o.section, name))
			return true;
		if (strncmp(name, o.section, n) || name[n] != ' ')
			continue;
		for (; *(of = config_item_name(c, o.section, *item)); ++*item)
			if (!strcmp(of, name + n + 1))
				return true;
		return false;
	}
	return false;
}

static void run_get(void *user, struct json_object *arguments, struct command_reply *reply)
{
	struct reload_commands *r = user;
	const char *name = command_text(arguments, "section");
	const char *section;
	unsigned int item;

	if (!find_section(r->config, name, &section, &item))
		command_fail(reply, -ENOENT, "there is no section [%s]; see meterd.conf(5)", name);
	else
		reply->result = section_json(r->config, section, item);
}

static bool is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/**
 * struct reload_work - a command that reads and writes files
 * @commands: whose
 * @call: to be answered
 * @aside: the process that does it
 * @section: of config-set and config-unset; NULL: of reload
 * @key: likewise
 * @value: of config-set
 */
struct reload_work {
	struct reload_commands *commands;
	struct command_call *call;
	struct aside *aside;
	char *section;
	char *key;
	char *value;
};

__attribute__((format(printf, 3, 4))) static void fail(struct aside_outcome *o, int error,
						       const char *format, ...)
{
	va_list args;

	o->error = error;
	va_start(args, format);
	vsnprintf(o->text, sizeof(o->text), format, args);
	va_end(args);
}

/* The values that are in force only after a restart are told as such. */
static void tell_restart(const struct reload_commands *r, struct aside_outcome *o)
{
	struct config next;

	if (!config_read(&next, r->config->file, NULL))
		reload_parts(r->config, &next, o->text, sizeof(o->text));
	config_free(&next);
}

static void edit(const struct reload_work *w, const char *to, struct aside_outcome *o)
{
	const struct config *c = w->commands->config;
	char why[ASIDE_TEXT_MAX - 32];
	int ret = config_edit(c->settings, to, w->section, w->key, w->value);

	if (ret) {
		fail(o, ret, "%s: %s; see [gateway] settings in meterd.conf(5)", to,
		     strerror(-ret));
		return;
	}
	log_keep(why, sizeof(why));
	if (reload_check(c->file, to, w->commands->site)) {
		fail(o, -EINVAL, "nothing was changed: %s", why);
	} else {
		ret = config_edit_done(to, c->settings);
		if (ret)
			fail(o, ret,
			     "%s: %s; whether a power cut leaves the value there is not known",
			     c->settings, strerror(-ret));
		else
			tell_restart(w->commands, o);
	}
	unlink(to);
}

/* In a process of its own: a medium may keep it waiting. */
static void do_work(void *user, struct aside_outcome *o)
{
	const struct reload_work *w = user;
	const struct config *c = w->commands->config;
	char why[ASIDE_TEXT_MAX - 48];
	char *to;

	if (!w->section) {
		log_keep(why, sizeof(why));
		if (reload_check(c->file, NULL, w->commands->site))
			fail(o, -EINVAL, "the old configuration stays: %s", why);
		return;
	}
	if (asprintf(&to, "%s.new", c->settings) < 0) {
		fail(o, -ENOMEM, "out of memory");
		return;
	}
	edit(w, to, o);
	free(to);
}

static void work_free(struct reload_work *w)
{
	free(w->section);
	free(w->key);
	free(w->value);
	free(w);
}

static void on_work_done(void *user, const struct aside_outcome *o)
{
	struct reload_work *w = user;
	struct reload_commands *r = w->commands;
	struct command_reply reply = { .error = o->error };

	snprintf(reply.text, sizeof(reply.text), "%s",
		 o->error && !o->text[0] ? "the process that writes the settings has ended"
					 : o->text);
	r->work = NULL;
	command_end(w->call, &reply);
	work_free(w);
	if (!reply.error)
		r->reload(r->user);
}

static char *copy_of(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* One at a time: each begins with what the one before has left. */
static void start_work(struct reload_commands *r, struct json_object *arguments,
		       struct command_reply *reply)
{
	struct reload_work *w;
	int ret;

	if (r->work) {
		command_fail(
			reply, -EBUSY,
			"a setting is being written, or the configuration read; try again when "
			"that is answered");
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		command_fail(reply, -ENOMEM, "out of memory");
		return;
	}
	w->commands = r;
	w->section = copy_of(command_text(arguments, "section"));
	w->key = copy_of(command_text(arguments, "key"));
	w->value = copy_of(command_text(arguments, "value"));
	w->call = command_later(reply);
	ret = w->call ? aside_start(&w->aside, r->event, "meterd-settings", do_work, on_work_done,
				    w)
		      : -ENOMEM;
	if (!ret) {
		r->work = w;
		return;
	}
	work_free(w);
	command_fail(reply, ret, "no process for it: %s", strerror(-ret));
}

void reload_abandon(struct reload_commands *r)
{
	struct reload_work *w = r->work;
	struct command_reply reply = { 0 };

	if (!w)
		return;
	command_fail(&reply, -ECANCELED, "meterd ends; whether the value is set is not known");
	r->work = NULL;
	aside_close(w->aside);
	command_end(w->call, &reply);
	work_free(w);
}

/* "config-set", and without a value "config-unset" */
static void run_set(void *user, struct json_object *arguments, struct command_reply *reply)
{
	struct reload_commands *r = user;
	const char *section = command_text(arguments, "section");
	const char *key = command_text(arguments, "key");
	const char *value = command_text(arguments, "value");
	const char *refused = config_commanded(section, key, value);

	if (refused)
		command_fail(reply, -EPERM, "[%s] %s: %s, in %s", section, key, refused,
			     r->config->file);
	else if (!is_line(key) || (value && !is_line(value)) || !is_line(section) ||
		 strpbrk(key, "=:[]#; ") || strpbrk(section, "[]"))
		command_fail(reply, -EINVAL, "section, key and value are one line each");
	else if (value && (value[0] == ';' || strstr(value, " ;")))
		command_fail(
			reply, -EINVAL,
			"value: what follows \";\" at its begin or after a blank is a comment in "
			"a configuration; leave it out");
	else if (!config_has(r->config, section))
		command_fail(reply, -ENOENT, "there is no section [%s] in %s; add it there",
			     section, r->config->file);
	else
		start_work(r, arguments, reply);
}

static void run_reload(void *user, struct json_object *arguments, struct command_reply *reply)
{
	start_work(user, arguments, reply);
}

static const struct command_row rows[] = {
	{ .name = "config-get",
	  .summary = "values of a section of the configuration",
	  .field = { { "section", COMMAND_TEXT, .most = 96 } },
	  .run = run_get },
	{ .name = "config-set",
	  .summary = "set a value, which then wins over the configuration file, and read all anew",
	  .field = { { "section", COMMAND_TEXT, .most = 96 },
		     { "key", COMMAND_TEXT, .most = 64 },
		     { "value", COMMAND_TEXT, .most = SET_MAX } },
	  .run = run_set },
	{ .name = "config-unset",
	  .summary = "let the value of the configuration file be in force again",
	  .field = { { "section", COMMAND_TEXT, .most = 96 }, { "key", COMMAND_TEXT, .most = 64 } },
	  .run = run_set },
	{ .name = "reload", .summary = "read the configuration anew", .run = run_reload },
};

int reload_register(struct reload_commands *r, struct commands *c)
{
	size_t k;
	int ret = 0;

	for (k = 0; !ret && k < sizeof(rows) / sizeof(rows[0]); k++)
		ret = command_register(c, &rows[k], r);
	return ret;
}
