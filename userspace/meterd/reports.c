// SPDX-License-Identifier: GPL-2.0-or-later
#include "reports.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"
#include "command.h"
#include "http.h"
#include "io-reading.h"
#include "meterd.h"
#include "metrics.h"
#include "mqtt.h"
#include "quality-json.h"
#include "quality.h"
#include "records-report.h"
#include "sensor.h"
#include "sources-json.h"
#include "store-json.h"
#include "store.h"
#include "terminals.h"
#include "wiring-json.h"
#include "wiring.h"

static char *metrics_report(void *user)
{
	struct meterd *d = user;
	uint64_t now = clock_us(CLOCK_MONOTONIC);
	struct store_counters store;
	struct mqtt_counters mqtt;
	struct metrics_input in = {
		.reading = snapshot_fresh(&d->last, now),
		.age_s = snapshot_age_s(&d->last, now),
		.store = d->store ? &store : NULL,
		.mqtt = d->mqtt ? &mqtt : NULL,
		.io = terminals_reading(d->terminals),
	};

	store_counters(d->store, &store);
	mqtt_counters(d->mqtt, &mqtt);
	return metrics_text(&in);
}

static struct json_object *command_report(void *user)
{
	struct meterd *d = user;

	return commands_json(d->commands);
}

static struct json_object *sources_report(void *user)
{
	struct meterd *d = user;

	return sources_json(&d->in, snapshot_fresh(&d->last, clock_us(CLOCK_MONOTONIC)));
}

static struct json_object *io_report(void *user)
{
	static const struct io_reading none;
	struct meterd *d = user;

	return io_reading_json(d->terminals ? terminals_reading(d->terminals) : &none);
}

static struct json_object *store_report(void *user)
{
	struct meterd *d = user;

	return store_json(d->store);
}

static struct json_object *quality_report(void *user)
{
	struct meterd *d = user;

	return quality_report_json(d->quality, &d->in, d->scale);
}

static struct json_object *quality_events(void *user)
{
	struct meterd *d = user;

	return quality_events_json(d->quality, &d->in);
}

/* That of ?event=NUMBER, or the newest one. */
static unsigned int quality_waveforms(void *user, struct http_later *later, char *why)
{
	const char *event = http_argument(later, "event");
	struct meterd *d = user;
	uint64_t number = 0;
	struct json_object *o;
	char *end = NULL;

	if (event) {
		number = isdigit((unsigned char)*event) ? strtoull(event, &end, 10) : 0;
		if (!number || *end) {
			snprintf(why, HTTP_WHY_MAX,
				 "event: \"%.32s\" is not the number of an event", event);
			return 400;
		}
		if (!quality_waveform(d->quality, number)) {
			snprintf(why, HTTP_WHY_MAX,
				 "event: %s has no waveform; /api/v1/quality/events has those that "
				 "do",
				 event);
			return 404;
		}
	}
	o = quality_waveform_json(d->quality, &d->in, d->scale, number);
	http_later_answer(
		later, 200,
		strdup(o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN) : "null"));
	json_object_put(o);
	return 0;
}

static struct json_object *wiring_report(void *user)
{
	struct meterd *d = user;

	struct json_object *o = wiring_json(d->wiring, &d->in, d->config.tuning);

	json_object_object_add(o, "site", site_report_json(&d->place, &d->in));
	return o;
}

static struct json_object *site_report(void *user)
{
	struct meterd *d = user;

	return site_report_json(&d->place, &d->in);
}

static struct json_object *sensor_report(void *user)
{
	return sensors_json();
}

static const struct http_report always[] = {
	{ .path = "/api/v1/commands",
	  .summary = "commands and their arguments",
	  .get = command_report },
	{ .path = "/api/v1/sources",
	  .summary = "what each input is, and whether it gives values",
	  .get = sources_report },
	{ .path = HTTP_SITE,
	  .summary = "the mains, and what contradicts their description",
	  .get = site_report },
	{ .path = "/api/v1/store",
	  .summary = "records, and what each upstream has of them",
	  .get = store_report },
	{ .path = "/api/v1/records",
	  .summary = "records: ?kind=1m|5m|event|input&load=&since=&until=&after=&limit=",
	  .ask = records_report },
	{ .path = "/api/v1/sensors",
	  .summary = "kinds of current sensors that are known",
	  .get = sensor_report },
	{ .path = "/api/v1/io",
	  .summary = "inputs, outputs and totals of the contacts",
	  .get = io_report },
	{ .path = "/metrics",
	  .summary = "for Prometheus",
	  .text = metrics_report,
	  .type = METRICS_TYPE },
};

static const struct http_report of_wiring[] = {
	{ .path = "/api/v1/wiring",
	  .summary = "a verdict on the wiring of each current input",
	  .get = wiring_report },
};

static const struct http_report of_quality[] = {
	{ .path = "/api/v1/quality",
	  .summary = "harmonics, flicker, intervals and the week",
	  .get = quality_report },
	{ .path = "/api/v1/quality/events",
	  .summary = "the newest events of the voltage",
	  .get = quality_events },
	{ .path = "/api/v1/quality/waveform",
	  .summary = "waveform of the newest event that has one, or of ?event=",
	  .ask = quality_waveforms },
};

static void provide(struct meterd *d, const struct http_report *report, size_t reports)
{
	size_t k;

	for (k = 0; k < reports; k++)
		http_provide(d->http, &report[k], d);
}

#define PROVIDE(d, reports) provide(d, reports, sizeof(reports) / sizeof((reports)[0]))

void reports_provide(struct meterd *d)
{
	PROVIDE(d, always);
	if (d->wiring)
		PROVIDE(d, of_wiring);
	if (d->quality)
		PROVIDE(d, of_quality);
}
