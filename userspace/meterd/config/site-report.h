/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site-report - what is known of the place and what contradicts it: told once in the log,
 * and to whoever asks.
 */
#ifndef METERD_SITE_REPORT_H
#define METERD_SITE_REPORT_H

#include <json-c/json.h>

#include "site-check.h"
#include "site.h"

struct config;
struct installation;

/**
 * struct site_report - all of it
 * @site: what is known before anything is measured
 * @configured: contradictions between it and the configuration
 * @check: those between the topology and what is measured
 */
struct site_report {
	struct site site;
	struct site_notes configured;
	struct site_check check;
};

/**
 * site_report_read() - look what there is, wait for what the configuration leaves open, and
 *	log what contradicts the configuration
 * @r: filled in
 * @sysfs: "/sys"
 * @config: the configuration
 * @wait: wait (site.h); else what is not there now is not known
 *
 * Return: false: SIGHUP ended the wait.
 */
bool site_report_read(struct site_report *r, const char *sysfs, const struct config *config,
		      bool wait);

/** site_report_begin() - the installation is made, and outlives @r */
void site_report_begin(struct site_report *r, const struct installation *in);

/** site_report_add() - see a window; logs contradictions that come and go */
void site_report_add(struct site_report *r, const struct meter_window *window);

/** site_report_json() - for GET /api/v1/site, for the status and for the wiring */
struct json_object *site_report_json(const struct site_report *r, const struct installation *in);

#endif
