/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload - what a new configuration changes, and changes by command.
 *
 * The ways out, [mqtt], [influx], [modbus] and [http], can change while meterd measures.
 * All else is what is measured or stored, and needs a restart: a reload that would change
 * it changes nothing.
 */
#ifndef METERD_RELOAD_H
#define METERD_RELOAD_H

#include <systemd/sd-event.h>

#include "command.h"
#include "config.h"

/**
 * enum reload_part - what can change while meterd runs
 */
enum reload_part {
	RELOAD_MQTT = 1 << 0,
	RELOAD_INFLUX = 1 << 1,
	RELOAD_MODBUS = 1 << 2,
	RELOAD_HTTP = 1 << 3,
	RELOAD_ALL = (1 << 4) - 1,
};

struct reload_work;
struct site;

/**
 * reload_parts() - what differs
 * @now: the configuration in force
 * @next: another one
 * @why: when it needs a restart: which key does
 * @size: its bytes
 *
 * Return: parts to open anew, 0: nothing differs, or -EBUSY: it needs a restart.
 */
int reload_parts(const struct config *now, const struct config *next, char *why, size_t size);

/** reload_exchange() - give @now these parts of @next, and @next those of @now */
void reload_exchange(struct config *now, struct config *next, int parts);

/**
 * struct reload_commands - the commands "config-get", "config-set", "config-unset" and "reload"
 * @event: loop in which they are answered
 * @config: the configuration in force
 * @site: what is used where it says nothing
 * @reload: to be done soon, not within the command
 * @user: its argument
 * @work: the command that reads or writes files now, in a process of its own; reload.c only
 */
struct reload_commands {
	sd_event *event;
	const struct config *config;
	const struct site *site;
	void (*reload)(void *user);
	void *user;
	struct reload_work *work;
};

/** reload_register() - add the commands; @r must outlive @c. 0 or -errno */
int reload_register(struct reload_commands *r, struct commands *c);

/** reload_abandon() - the command in progress, if any, is answered with an error */
void reload_abandon(struct reload_commands *r);

/**
 * reload_check() - would meterd start with this file?
 * @path: configuration
 * @settings: values over it, NULL: those that it names
 * @site: what is used where it says nothing; NULL: nothing
 *
 * Return: 0, or -errno after printing what is wrong.
 */
int reload_check(const char *path, const char *settings, const struct site *site);

/**
 * config_edit() - write settings with another value
 * @from: file that is read; it need not be there
 * @to: file that is written
 * @section: section, "load grid"; it is added when it is not there
 * @key: key; it gets a line at the end of its section when it has none
 * @value: value, without line ends; NULL: the key's line goes
 *
 * Comments and all other lines stay as they are. What is written is on its medium.
 *
 * Return: 0 or -errno.
 */
int config_edit(const char *from, const char *to, const char *section, const char *key,
		const char *value);

/** config_edit_done() - @to takes the place of @from, also on the medium. 0 or -errno */
int config_edit_done(const char *to, const char *from);

#endif
