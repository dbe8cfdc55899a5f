// SPDX-License-Identifier: GPL-2.0-or-later
#include "reports.h"

#include "clock-state.h"
#include "command.h"
#include "http.h"
#include "io-reading.h"
#include "meterd.h"
#include "metrics.h"
#include "mqtt.h"
#include "quality-json.h"
#include "quality.h"
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

static struct json_object *quality_waveforms(void *user)
{
	struct meterd *d = user;

	return quality_waveform_json(d->quality, &d->in, d->scale);
}

static struct json_object *wiring_report(void *user)
{
	struct meterd *d = user;

	struct json_object *o = wiring_json(d->wiring, &d->in, d->config.tuning, d->sensor);

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

void reports_provide(struct meterd *d)
{
	http_provide(d->http, "/api/v1/commands", command_report, d);
	http_provide(d->http, "/api/v1/sources", sources_report, d);
	http_provide(d->http, HTTP_SITE, site_report, d);
	http_provide(d->http, "/api/v1/store", store_report, d);
	http_provide_text(d->http, "/metrics", METRICS_TYPE, metrics_report, d);
	http_provide(d->http, "/api/v1/sensors", sensor_report, d);
	http_provide(d->http, "/api/v1/io", io_report, d);
	if (d->wiring)
		http_provide(d->http, "/api/v1/wiring", wiring_report, d);
	if (d->quality) {
		http_provide(d->http, "/api/v1/quality", quality_report, d);
		http_provide(d->http, "/api/v1/quality/events", quality_events, d);
		http_provide(d->http, "/api/v1/quality/waveform", quality_waveforms, d);
	}
}
