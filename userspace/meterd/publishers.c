// SPDX-License-Identifier: GPL-2.0-or-later
#include "publishers.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "clock-state.h"
#include "discovery.h"
#include "http.h"
#include "influx.h"
#include "io-reading.h"
#include "log.h"
#include "meterd.h"
#include "mqtt-commands.h"
#include "mqtt-io.h"
#include "mqtt-records.h"
#include "mqtt.h"
#include "reports.h"
#include "source.h"
#include "terminals.h"
#include "vendor-plugs.h"
#include "vendor.h"

static int open_modbus(struct meterd *d)
{
	const struct modbus_config *c = &d->config.modbus;
	int error = modbus_map_make(&d->modbus_map, c, &d->in, d->config.gateway, &d->last);

	return error ? error
		     : modbus_server_open(&d->modbus, d->event, c->listen, modbus_map_read,
					  &d->modbus_map);
}

static int open_mqtt(struct meterd *d)
{
	const struct config *c = &d->config;
	const struct discovery_config about = {
		.mqtt = &c->mqtt, .in = &d->in, .plan = &d->plan, .gateway = c->gateway
	};
	bool commands = !strcmp(c->mqtt.commands, "yes");
	int error = mqtt_open(&d->mqtt, d->event, &c->mqtt, c->gateway);

	if (!error && strcmp(c->mqtt.discovery, "no"))
		error = discovery_open(&d->discovery, d->mqtt, &about);
	if (!error && c->mqtt.vendor_uuid)
		error = vendor_open(&d->vendor, d->mqtt, &c->mqtt, &d->in);
	if (!error && c->mqtt.vendor_uuid)
		error = vendor_plugs_open(&d->vendor_plugs, d->mqtt, c->mqtt.vendor_uuid,
					  terminals_reading(d->terminals),
					  commands ? d->commands : NULL);
	if (!error && d->store)
		error = mqtt_records_open(&d->mqtt_records, d->mqtt, d->store, 0, c->mqtt.topic,
					  c->gateway);
	if (!error && d->terminals)
		error = mqtt_io_open(&d->mqtt_io, d->mqtt, terminals_reading(d->terminals),
				     c->mqtt.topic, c->gateway);
	if (!error && commands)
		error = mqtt_commands_open(&d->mqtt_commands, d->mqtt, d->commands, c->mqtt.topic,
					   c->gateway);
	http_watch_mqtt(d->http, d->mqtt);
	return error;
}

static void close_mqtt(struct meterd *d)
{
	http_watch_mqtt(d->http, NULL);
	mqtt_close(d->mqtt);
	discovery_close(d->discovery);
	vendor_close(d->vendor);
	vendor_plugs_close(d->vendor_plugs);
	mqtt_records_close(d->mqtt_records);
	mqtt_io_close(d->mqtt_io);
	mqtt_commands_close(d->mqtt_commands);
	d->mqtt = NULL;
	d->discovery = NULL;
	d->vendor = NULL;
	d->vendor_plugs = NULL;
	d->mqtt_records = NULL;
	d->mqtt_io = NULL;
	d->mqtt_commands = NULL;
}

static int open_http(struct meterd *d)
{
	struct http_config c = d->config.http;
	int error;

	c.modules_dir = d->config.modules;
	error = http_open(&d->http, d->event, &c, d->config.gateway);

	if (error)
		return error;
	http_watch_mqtt(d->http, d->mqtt);
	http_take_commands(d->http, d->commands);
	reports_provide(d);
	if (!d->source)
		return 0;
	return http_captures(d->http, &(struct tap_config){ .inputs = &d->in.inputs,
							    .scale = d->scale,
							    .rail = d->rail,
							    .sensor = d->sensor,
							    .rate_hz = d->source->rate_hz });
}

/* The ways out among @parts, as far as they are configured. */
static int open_parts(struct meterd *d, int parts)
{
	const struct config *c = &d->config;
	int error = 0;

	if (parts & RELOAD_MQTT && c->has_mqtt)
		error = open_mqtt(d);
	if (!error && parts & RELOAD_INFLUX && c->has_influx && d->store)
		error = influx_open(&d->influx, d->event, &c->influx, d->store, c->has_mqtt,
				    c->gateway);
	if (!error && parts & RELOAD_MODBUS && c->has_modbus)
		error = open_modbus(d);
	if (!error && parts & RELOAD_HTTP && c->has_http)
		error = open_http(d);
	return error;
}

static void close_parts(struct meterd *d, int parts)
{
	if (parts & RELOAD_HTTP) {
		http_close(d->http);
		d->http = NULL;
	}
	if (parts & RELOAD_MODBUS) {
		modbus_server_close(d->modbus);
		d->modbus = NULL;
	}
	if (parts & RELOAD_MQTT)
		close_mqtt(d);
	if (parts & RELOAD_INFLUX) {
		influx_close(d->influx);
		d->influx = NULL;
	}
}

/* After the command was answered. */
static void reload_soon(void *user)
{
	kill(getpid(), SIGHUP);
}

/* Open the parts anew; with the old configuration when the new one is not possible. */
static int reopen(struct meterd *d, struct config *next, int parts)
{
	int error;

	close_parts(d, parts);
	reload_exchange(&d->config, next, parts);
	error = open_parts(d, parts);
	if (!error)
		return 0;
	close_parts(d, parts);
	reload_exchange(&d->config, next, parts);
	if (open_parts(d, parts))
		log_error("reload: the old configuration does not work any more, either; mend it "
			  "and reload again");
	return error;
}

static int reload(struct meterd *d)
{
	struct config next = { 0 };
	char why[256];
	int parts;
	int error = reload_check(d->config.file, NULL, &d->place.site);

	if (!error)
		error = config_read(&next, d->config.file, NULL);
	if (error) {
		log_error("reload: %s has mistakes; the old configuration stays", d->config.file);
	} else {
		parts = reload_parts(&d->config, &next, why, sizeof(why));
		error = parts < 0 ? parts : reopen(d, &next, parts);
		if (parts < 0)
			log_error("reload: %s; the old configuration stays", why);
		else if (error)
			log_error("reload: the new configuration is not possible; the old one "
				  "stays");
		else
			log_notice("reload: %s", parts ? "done" : "nothing differs");
	}
	config_free(&next);
	return error;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	struct meterd *d = user;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_us(CLOCK_MONOTONIC));
	sd_notifyf(0, "READY=1\nSTATUS=%s",
		   reload(d) ? "Measuring, with the configuration from before the reload"
			     : "Measuring");
	return 0;
}

int publishers_open(struct meterd *d)
{
	int error;

	d->reload = (struct reload_commands){ .event = d->event,
					      .config = &d->config,
					      .site = &d->place.site,
					      .reload = reload_soon };
	error = reload_register(&d->reload, d->commands);
	if (!error)
		error = open_parts(d, RELOAD_ALL);
	if (!error && sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d) < 0)
		error = -EIO;
	return error;
}

void publishers_publish(struct meterd *d, const struct reading *r)
{
	mqtt_publish(d->mqtt, r);
	vendor_publish(d->vendor, r);
	http_publish(d->http, r);
}

void publishers_io(struct meterd *d, const struct io_reading *r)
{
	mqtt_io_publish(d->mqtt_io);
	vendor_plugs_publish(d->vendor_plugs);
	http_event(d->http, "io", io_reading_json(r));
}

void publishers_close(struct meterd *d)
{
	reload_abandon(&d->reload);
	close_parts(d, RELOAD_ALL);
}
