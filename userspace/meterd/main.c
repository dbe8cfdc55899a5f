// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * meterd - the metering daemon: puts source, chain and outputs together and runs
 * the event loop.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "clock-state.h"
#include "command.h"
#include "config.h"
#include "discovery.h"
#include "http.h"
#include "identify-command.h"
#include "influx.h"
#include "installation.h"
#include "lamp.h"
#include "live.h"
#include "log.h"
#include "meter.h"
#include "metrics.h"
#include "modbus-map.h"
#include "mqtt-commands.h"
#include "mqtt-records.h"
#include "mqtt.h"
#include "quality-json.h"
#include "quality.h"
#include "recorder.h"
#include "register-meter.h"
#include "registers.h"
#include "reload.h"
#include "reset-button.h"
#include "snapshot.h"
#include "source.h"
#include "sources-json.h"
#include "store-json.h"
#include "store.h"
#include "tuned.h"
#include "vendor.h"
#include "version.h"
#include "wiring-json.h"
#include "wiring.h"

#define CONFIG_FILE "/etc/meterd/meterd.conf"
#define US_PER_S 1000000ULL

/**
 * struct options - the command line
 * @config: configuration file
 * @replay: replay this file and print the readings, or NULL
 * @check: only check the configuration
 */
struct options {
	const char *config;
	const char *replay;
	bool check;
};

/**
 * struct meterd - the program
 * @event: its loop
 * @config: configuration
 * @in: what it measures
 * @source: where scans come from
 * @register_meter: takes the place of source, join and chain for modules that measure
 *	by themselves
 * @align: the join
 * @registers: energy
 * @meter: the chain
 * @wiring: verdicts on the wiring, or NULL
 * @tuned: calibration and corrected wiring, or NULL
 * @quality: power quality, or NULL
 * @store: records, or NULL
 * @recorder: makes them, or NULL
 * @mqtt_records: records to the broker, or NULL
 * @discovery: for Home Assistant, or NULL
 * @vendor: the vendor's topics, or NULL
 * @influx: records to InfluxDB, or NULL
 * @identify: the command of that name, or NULL
 * @lamp: the gateway's light, or NULL
 * @button: its reset button, or NULL
 * @commands: what may be asked from outside
 * @reload: those about the configuration
 * @mqtt_commands: commands by MQTT, or NULL
 * @mqtt: publisher, or NULL
 * @http: local API, or NULL
 * @modbus: Modbus TCP, or NULL
 * @modbus_map: its registers
 * @save_timer: checkpoint of the registers
 * @print: print readings on standard output
 * @text: JSON of the last reading
 * @last: the last reading
 * @scale: V or A per unit of the samples
 * @rail: size of a sample at the rail
 * @sensor: CT type codes that the modules tell
 * @known: those that the elements know already
 * @began: the first reading was published
 */
struct meterd {
	sd_event *event;
	struct config config;
	struct installation in;
	struct source *source;
	struct register_meter *register_meter;
	struct align *align;
	struct registers *registers;
	struct meter *meter;
	struct wiring *wiring;
	struct tuned *tuned;
	struct quality *quality;
	struct store *store;
	struct recorder *recorder;
	struct mqtt_records *mqtt_records;
	struct discovery *discovery;
	struct vendor *vendor;
	struct influx *influx;
	struct identify *identify;
	struct lamp *lamp;
	struct reset_button *button;
	struct commands *commands;
	struct reload_commands reload;
	struct mqtt_commands *mqtt_commands;
	struct mqtt *mqtt;
	struct http *http;
	struct modbus_server *modbus;
	struct modbus_map modbus_map;
	sd_event_source *save_timer;
	bool print;
	struct live_buffer text;
	struct snapshot last;
	double scale[INPUT_CHANNELS_MAX];
	float rail[INPUT_CHANNELS_MAX];
	int sensor[INPUT_CHANNELS_MAX];
	int known[INPUT_CHANNELS_MAX];
	bool began;
};

static const char usage[] =
	"usage: meterd [--config FILE] [--check-config] [--replay FILE] [--version] [--help]\n"
	"\n"
	"  -c, --config FILE   configuration (" CONFIG_FILE ")\n"
	"  -n, --check-config  check the configuration and end\n"
	"  -r, --replay FILE   compute recorded waveforms with it, one reading per line, and end\n"
	"  -v, --verbose       more messages\n"
	"  -V, --version       print the version and end\n"
	"  -h, --help          print this and end\n"
	"\n"
	"See meterd(8).\n";

/* Return: -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'n' },
		{ "replay", required_argument, NULL, 'r' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	*o = (struct options){ .config = CONFIG_FILE };
	while ((c = getopt_long(argc, argv, "c:nr:vVh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'r':
			o->replay = optarg;
			break;
		case 'v':
			log_level(LOG_DEBUG);
			break;
		case 'V':
			puts("meterd " SMAPPEE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind == argc)
		return -1;
	log_error("%s: not an option; see meterd --help", argv[optind]);
	return EXIT_FAILURE;
}

static void on_process(void *user)
{
	struct meterd *d = user;

	meter_process(d->meter);
}

static void on_alive(void *user)
{
	sd_notify(0, "WATCHDOG=1");
}

static void on_end(void *user)
{
	struct meterd *d = user;

	quality_end(d->quality);
	sd_event_exit(d->event, 0);
}

/* What the modules tell of their sensors sets the ranges of the elements. */
static void take_sensors(struct meterd *d)
{
	unsigned int l;
	unsigned int k;

	for (l = 0; l < d->in.loads; l++) {
		struct load *load = &d->in.load[l];

		for (k = 0; k < load_inputs(load); k++) {
			unsigned int channel = d->in.inputs.voltages + load->first + k;

			if (d->sensor[channel] == d->known[channel])
				continue;
			d->known[channel] = d->sensor[channel];
			element_sensor(&load->element[k], d->known[channel]);
		}
	}
}

static uint64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static void on_reading(void *user, const struct reading *r)
{
	struct meterd *d = user;

	take_sensors(d);
	if (d->print && !live_json(&d->text, r))
		puts(d->text.text);
	snapshot_take(&d->last, r, clock_us(CLOCK_MONOTONIC));
	recorder_add(d->recorder, r);
	mqtt_publish(d->mqtt, r);
	vendor_publish(d->vendor, r);
	http_publish(d->http, r);
	sd_notify(0, "WATCHDOG=1");
	if (!d->began)
		log_info("measuring: %.3f Hz, %.1f V", r->frequency_hz, r->voltage[0].ln_v);
	d->began = true;
}

/* Only what is over is stored; the streams get begin and end. */
static void on_quality_event(void *user, const struct pq_event *e)
{
	struct meterd *d = user;
	char text[160];

	event_describe(e, d->in.topology->phase, text, sizeof(text));
	if (e->finished) {
		log_notice("%s: %s", event_type_name(e->type), text);
		store_event(d->store, e->utc_ns / 1000000, e->start_ns / 1000000, 0,
			    event_type_name(e->type), text);
	}
	http_event(d->http, "event", quality_event_json(e, d->in.topology));
}

/* A command from outside was answered. */
static void on_command(void *user, const char *text)
{
	struct meterd *d = user;

	log_notice("command: %s", text);
	store_event(d->store, (int64_t)(clock_us(CLOCK_REALTIME) / 1000),
		    (int64_t)(clock_us(CLOCK_MONOTONIC) / 1000), 0, "command", text);
}

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

static void on_window(void *user, const struct meter_window *w)
{
	struct meterd *d = user;

	wiring_add(d->wiring, w);
}

/* The tuning file has changed the elements. */
static void on_tuned(void *user)
{
	struct meterd *d = user;

	if (d->meter && meter_rewire(d->meter))
		log_error("chain: out of memory, the inputs stay as they were until a restart");
	if (d->wiring)
		wiring_reset(d->wiring);
}

static struct json_object *wiring_report(void *user)
{
	struct meterd *d = user;

	return wiring_json(d->wiring, &d->in, d->config.tuning, d->sensor);
}

static struct json_object *sensor_report(void *user)
{
	return sensors_json();
}

static void on_counters(void *user, struct meter_counters *counters)
{
	struct meterd *d = user;
	struct source_counters c;

	d->source->ops->counters(d->source, &c);
	counters->lost_scans = c.lost_scans;
	counters->repaired_blocks = c.repaired_blocks;
}

static int64_t on_utc(void *user, int64_t sample_ns)
{
	struct meterd *d = user;

	return d->source->ops->utc_ns(d->source, sample_ns);
}

static void on_scans(void *user, const struct align_run *run)
{
	struct meterd *d = user;

	if (http_capturing(d->http))
		http_scans(d->http, run, on_utc(d, run->time_ns[0]) - run->time_ns[0]);
}

/* A replay has a clock of its own. */
static bool on_clock_known(void *user)
{
	const struct meterd *d = user;

	return d->config.source.replay || clock_synchronised();
}

static void on_bridged(void *user, const struct reading *r, double seconds)
{
	struct meterd *d = user;
	char text[160];

	if (seconds > 0)
		snprintf(text, sizeof(text),
			 "%.1f s without meterd are booked as estimated, with the last known power",
			 seconds);
	else
		snprintf(text, sizeof(text),
			 "more than %u s without meterd: no energy is booked for them, [registers] "
			 "estimate_s",
			 d->config.registers_estimate_s);
	log_notice("energy: %s", text);
	store_event(d->store, r->utc_ns / 1000000, r->end_ns / 1000000, RECORD_HOLE, "energy",
		    text);
}

static int on_save(sd_event_source *timer, uint64_t usec, void *user)
{
	struct meterd *d = user;

	registers_save(d->registers);
	quality_save(d->quality);
	sd_event_source_set_time_relative(timer, d->config.registers_interval_s * US_PER_S);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* The power fails: what is in the registers goes to the medium now. */
static int on_power_fail(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	struct meterd *d = user;

	log_warning("power fails: registers are saved");
	registers_save_now(d->registers);
	return 0;
}

static int open_loop(struct meterd *d)
{
	sigset_t signals;
	int error;

	/* a peer that goes away is an error of the call that writes to it */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGPWR);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	error = sd_event_default(&d->event);
	if (error >= 0)
		error = sd_event_add_signal(d->event, NULL, SIGTERM, NULL, NULL);
	if (error >= 0)
		error = sd_event_add_signal(d->event, NULL, SIGINT, NULL, NULL);
	if (error >= 0)
		error = sd_event_add_signal(d->event, NULL, SIGPWR, on_power_fail, d);
	if (error < 0)
		log_error("event loop: %s", strerror(-error));
	return error < 0 ? error : 0;
}

static int open_source(struct meterd *d)
{
	const struct source_config *c = &d->config.source;

	if (c->replay)
		return source_replay_open(&d->source, c, &d->in.inputs);
	return source_iio_open(&d->source, c, &d->in.inputs);
}

/* A replay of the command line does not touch the state of the house. */
static int open_quality(struct meterd *d)
{
	struct quality_config c;
	int error;

	if (!quality_configure(&c, &d->config.quality, &d->in))
		return 0;
	c.rate_hz = d->source->rate_hz;
	c.state = d->print ? NULL : c.state;
	c.utc_ns = on_utc;
	c.event = on_quality_event;
	c.user = d;
	error = quality_create(&d->quality, &c);
	if (error != -EINVAL)
		return error;
	log_warning("power quality is off: it needs a sampling rate of 400 Hz, not %g Hz",
		    c.rate_hz);
	return 0;
}

static void know_nothing(struct meterd *d)
{
	unsigned int k;

	for (k = 0; k < INPUT_CHANNELS_MAX; k++) {
		d->rail[k] = INFINITY;
		d->sensor[k] = SENSOR_UNKNOWN;
		d->known[k] = SENSOR_UNKNOWN;
	}
}

static int open_chain(struct meterd *d)
{
	struct meter_config c = {
		.in = &d->in,
		.rate_hz = d->source->rate_hz,
		.scale = d->scale,
		.rail = d->rail,
		.counters = on_counters,
		.utc_ns = on_utc,
		.scans = on_scans,
		.clock_known = on_clock_known,
		.bridge_s = d->config.registers_estimate_s,
		.bridged = on_bridged,
		.publish = on_reading,
		.window = on_window,
		.user = d,
	};
	int error;

	know_nothing(d);
	error = align_create(&d->align, &d->in.inputs, c.rate_hz,
			     d->config.source.wait_ms * 1000000LL);
	if (!error) {
		c.align = d->align;
		c.registers = d->registers;
		error = open_quality(d);
	}
	if (!error) {
		c.quality = d->quality;
		error = meter_create(&d->meter, &c);
	}
	if (!error) {
		error = wiring_create(&d->wiring, &d->in);
	}
	if (error)
		log_error("chain for %u channels at %g Hz: %s", d->in.inputs.channels, c.rate_hz,
			  strerror(-error));
	return error;
}

static int open_store(struct meterd *d)
{
	const char *names[STORE_UPSTREAMS_MAX];
	unsigned int n = 0;
	int error;

	if (!d->config.has_store)
		return 0;
	if (d->config.has_mqtt)
		names[n++] = "mqtt";
	if (d->config.has_influx)
		names[n++] = "influx";
	error = store_open(&d->store, d->event, &d->config.store, names, n);
	return error ? error : recorder_open(&d->recorder, d->store, &d->in, d->registers);
}

static int open_modbus(struct meterd *d)
{
	const struct modbus_config *c = &d->config.modbus;
	int error = modbus_map_make(&d->modbus_map, c, &d->in, d->config.gateway, &d->last);

	return error ? error
		     : modbus_server_open(&d->modbus, d->event, c->listen, modbus_map_read,
					  &d->modbus_map);
}

/* For the light: does it measure, and are all who are to get the records there? */
static void ask_state(void *user, struct light_inputs *in)
{
	struct meterd *d = user;
	struct mqtt_counters mqtt;
	struct influx_counters influx;

	mqtt_counters(d->mqtt, &mqtt);
	influx_counters(d->influx, &influx);
	in->measuring = d->began;
	in->upstream = (!d->mqtt || mqtt.connected) && (!d->influx || influx.good);
}

static void on_button_held(void *user, enum button_meaning meaning)
{
	struct meterd *d = user;
	enum light_reset reset = LIGHT_RESET_TO_FACTORY;

	if (meaning == BUTTON_NOTHING)
		reset = LIGHT_RESET_NONE;
	else if (meaning == BUTTON_NETWORK)
		reset = LIGHT_RESET_OF_NETWORK;
	lamp_reset(d->lamp, reset);
}

/* What somebody in front of the gateway sees and presses. */
static int open_panel(struct meterd *d)
{
	const struct config *c = &d->config;
	int error = 0;

	if (c->light.device)
		error = lamp_open(&d->lamp, d->event, &c->light, ask_state, d);
	if (!error && c->button.device)
		error = reset_button_open(&d->button, d->event, &c->button, on_button_held, d);
	if (!error)
		error = identify_open(&d->identify, d->event, d->commands, NULL);
	return error;
}

static int open_mqtt(struct meterd *d)
{
	const struct config *c = &d->config;
	int error = mqtt_open(&d->mqtt, d->event, &c->mqtt, c->gateway);

	if (!error && strcmp(c->mqtt.discovery, "no"))
		error = discovery_open(&d->discovery, d->mqtt, &c->mqtt, &d->in, c->gateway);
	if (!error && c->mqtt.vendor_uuid)
		error = vendor_open(&d->vendor, d->mqtt, &c->mqtt, &d->in);
	if (!error && d->store)
		error = mqtt_records_open(&d->mqtt_records, d->mqtt, d->store, 0, c->mqtt.topic,
					  c->gateway);
	if (!error && !strcmp(c->mqtt.commands, "yes"))
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
	mqtt_records_close(d->mqtt_records);
	mqtt_commands_close(d->mqtt_commands);
	d->mqtt = NULL;
	d->discovery = NULL;
	d->vendor = NULL;
	d->mqtt_records = NULL;
	d->mqtt_commands = NULL;
}

static int open_http(struct meterd *d)
{
	int error = http_open(&d->http, d->event, &d->config.http, d->config.gateway);

	if (error)
		return error;
	http_watch_mqtt(d->http, d->mqtt);
	http_take_commands(d->http, d->commands);
	http_provide(d->http, "/api/v1/commands", command_report, d);
	http_provide(d->http, "/api/v1/sources", sources_report, d);
	http_provide(d->http, "/api/v1/store", store_report, d);
	http_provide_text(d->http, "/metrics", METRICS_TYPE, metrics_report, d);
	http_provide(d->http, "/api/v1/sensors", sensor_report, d);
	if (d->wiring)
		http_provide(d->http, "/api/v1/wiring", wiring_report, d);
	if (d->quality) {
		http_provide(d->http, "/api/v1/quality", quality_report, d);
		http_provide(d->http, "/api/v1/quality/events", quality_events, d);
		http_provide(d->http, "/api/v1/quality/waveform", quality_waveforms, d);
	}
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

static int open_outputs(struct meterd *d)
{
	int error;

	d->reload = (struct reload_commands){ .config = &d->config, .reload = reload_soon };
	error = reload_register(&d->reload, d->commands);
	return error ? error : open_parts(d, RELOAD_ALL);
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
	int error = reload_check(d->config.file);

	if (!error)
		error = config_read(&next, d->config.file);
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

/* Do the modules measure by themselves? */
static bool reads_registers(const struct meterd *d)
{
	return !d->config.source.replay && !strcmp(d->config.source.values, "register");
}

static int start_source(struct meterd *d)
{
	struct source_sink sink = {
		.align = d->align,
		.scale = d->scale,
		.rail = d->rail,
		.sensor = d->sensor,
		.process = on_process,
		.alive = on_alive,
		.end = on_end,
		.user = d,
	};

	if (reads_registers(d))
		return register_meter_open(&d->register_meter, d->event, &d->config.source, &d->in,
					   on_reading, d);
	return d->source->ops->start(d->source, d->event, &sink);
}

static int start_saving(struct meterd *d)
{
	int error = sd_event_add_time_relative(d->event, &d->save_timer, CLOCK_MONOTONIC,
					       d->config.registers_interval_s * US_PER_S, 100000,
					       on_save, d);

	return error < 0 ? error : 0;
}

static void close_all(struct meterd *d)
{
	register_meter_close(d->register_meter);
	if (d->source)
		d->source->ops->close(d->source);
	sd_event_source_unref(d->save_timer);
	identify_close(d->identify);
	reset_button_close(d->button);
	lamp_close(d->lamp);
	recorder_close(d->recorder);
	close_parts(d, RELOAD_ALL);
	store_close(d->store);
	tuned_close(d->tuned);
	meter_destroy(d->meter);
	wiring_destroy(d->wiring);
	quality_destroy(d->quality);
	align_destroy(d->align);
	registers_close(d->registers);
	installation_free(&d->in);
	config_free(&d->config);
	live_free(&d->text);
	snapshot_free(&d->last);
	commands_destroy(d->commands);
	sd_event_unref(d->event);
}

/*
 * The registers are restored before anything can publish. A replay given on the
 * command line must not touch the registers or the outputs of the house.
 */
static int run(struct meterd *d, const struct options *o)
{
	int error;

	error = open_loop(d);
	if (!error && !reads_registers(d))
		error = open_source(d);
	if (!error)
		error = registers_open(&d->registers, &d->in,
				       o->replay ? NULL : d->config.registers_file);
	if (!error)
		error = registers_flush_aside(d->registers, d->event);
	if (!error && !reads_registers(d))
		error = tuned_open(&d->tuned, o->replay ? NULL : d->event, d->config.tuning, &d->in,
				   on_tuned, d);
	if (!error && !reads_registers(d))
		error = open_chain(d);
	if (!error && !o->replay)
		error = open_store(d);
	if (!error)
		error = commands_create(&d->commands, on_command, d);
	if (!error && !o->replay)
		error = open_outputs(d);
	if (!error && sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d) < 0)
		error = -EIO;
	if (!error && !o->replay)
		error = open_panel(d);
	if (!error)
		error = start_saving(d);
	if (!error)
		error = start_source(d);
	if (error)
		return error;
	sd_notify(0, "READY=1");
	error = sd_event_loop(d->event);
	sd_notify(0, "STOPPING=1");
	return error;
}

static int configure(struct meterd *d, const struct options *o)
{
	int error = config_read(&d->config, o->config);

	if (!error)
		error = installation_make(&d->in, &d->config);
	if (error || !o->replay)
		return error;
	free(d->config.source.replay);
	d->config.source.replay = strdup(o->replay);
	d->print = true;
	return d->config.source.replay ? 0 : -ENOMEM;
}

int main(int argc, char **argv)
{
	struct meterd d = { 0 };
	struct options o;
	int status = parse_options(argc, argv, &o);
	int error;

	if (status >= 0)
		return status;
	error = configure(&d, &o);
	if (!error && o.check)
		printf("%s: good: %u loads, %u channels of %u devices\n", o.config, d.in.loads,
		       d.in.inputs.channels, d.in.inputs.devices);
	else if (!error)
		error = run(&d, &o);
	close_all(&d);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
