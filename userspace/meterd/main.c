// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * meterd - the metering daemon: puts source, chain and outputs together and runs
 * the event loop.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "aside.h"
#include "clock-state.h"
#include "command.h"
#include "http.h"
#include "io-config.h"
#include "log.h"
#include "memory.h"
#include "meter.h"
#include "meterd.h"
#include "modbus-map.h"
#include "panel.h"
#include "publishers.h"
#include "quality-json.h"
#include "quality.h"
#include "recorder.h"
#include "register-meter.h"
#include "registers.h"
#include "runtime-folder.h"
#include "source.h"
#include "store.h"
#include "terminals.h"
#include "tuned.h"
#include "version.h"
#include "wiring-json.h"
#include "wiring-registers.h"
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

static void on_reading(void *user, const struct reading *r)
{
	struct meterd *d = user;

	take_sensors(d);
	if (d->print && !live_json(&d->text, r))
		puts(d->text.text);
	snapshot_take(&d->last, r, clock_us(CLOCK_MONOTONIC));
	recorder_add(d->recorder, r);
	terminals_measured(d->terminals, r);
	if (r->origin == READING_REGISTER)
		wiring_add_registers(d->wiring, &d->in, r);
	publishers_publish(d, r);
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

static void on_io_changed(void *user, const struct io_reading *r)
{
	publishers_io(user, r);
}

static void on_io_round(void *user, const struct io_reading *r)
{
	struct meterd *d = user;

	io_recorder_add(&d->io_recorder, r, d->store, (int64_t)(clock_us(CLOCK_REALTIME) / 1000),
			(int64_t)(clock_us(CLOCK_MONOTONIC) / 1000), clock_synchronised());
}

static void on_io_event(void *user, const char *subject, const char *text)
{
	struct meterd *d = user;

	log_notice("%s: %s", subject, text);
	store_event(d->store, (int64_t)(clock_us(CLOCK_REALTIME) / 1000),
		    (int64_t)(clock_us(CLOCK_MONOTONIC) / 1000), 0, subject, text);
}

static void on_window(void *user, const struct meter_window *w)
{
	struct meterd *d = user;

	wiring_add(d->wiring, w);
	wiring_spectra(d->wiring, quality_harmonics(d->quality));
	site_report_add(&d->place, w);
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

static void save_week(void *user, struct aside_outcome *outcome)
{
	struct meterd *d = user;

	quality_save(d->quality);
}

static void on_week_saved(void *user, const struct aside_outcome *outcome)
{
	struct meterd *d = user;

	d->saving = NULL;
}

/* Nothing here waits for a medium; what is not done yet by the next time is not begun anew. */
static int on_save(sd_event_source *timer, uint64_t usec, void *user)
{
	struct meterd *d = user;

	registers_save(d->registers);
	if (quality_keeps(d->quality) && !d->saving)
		aside_start(&d->saving, d->event, "meterd-week", save_week, on_week_saved, d);
	/* by now everything has run once */
	if (!d->trimmed)
		memory_trim();
	d->trimmed = true;
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

/* From the begin on a SIGHUP is kept until somebody takes it. */
static void hold_reloads(void)
{
	sigset_t hangup;

	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	sigprocmask(SIG_BLOCK, &hangup, NULL);
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

/* Do the modules measure by themselves? */
static bool reads_registers(const struct meterd *d)
{
	return !d->config.source.replay && !strcmp(d->config.source.values, "register");
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
	if (!error)
		error = recorder_open(&d->recorder, d->store, &d->in,
				      reads_registers(d) ? NULL : d->registers);
	return error;
}

static int open_terminals(struct meterd *d)
{
	const struct terminals_config c = {
		.plan = &d->plan,
		.registers = d->registers,
		.dir = d->config.modules,
		.period_ms = 1000,
		.commands = d->commands,
		.changed = on_io_changed,
		.round = on_io_round,
		.event = on_io_event,
		.user = d,
	};

	return d->plan.modules ? terminals_open(&d->terminals, d->event, &c) : 0;
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
	aside_close(d->saving);
	panel_close(d);
	recorder_close(d->recorder);
	publishers_close(d);
	terminals_close(d->terminals);
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

	know_nothing(d);
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
	else if (!error)
		error = wiring_create(&d->wiring, &d->in);
	if (!error && !o->replay)
		error = open_store(d);
	if (!error)
		error = commands_create(&d->commands, on_command, d);
	if (!error && !o->replay)
		error = open_terminals(d);
	if (!error && !o->replay)
		error = publishers_open(d);
	if (!error && !o->replay)
		error = panel_open(d);
	if (!error)
		error = start_saving(d);
	if (!error)
		error = start_source(d);
	if (error)
		return error;
	sd_notify(0, "READY=1");
	log_fields(LOG_JOURNAL);
	error = sd_event_loop(d->event);
	log_fields(NULL);
	sd_notify(0, "STOPPING=1");
	return error;
}

static void tell_settings(const struct config *c)
{
	if (c->settings_given)
		log_notice("%u values of %s win over those of %s", c->settings_given, c->settings,
			   c->file);
}

/* SIGHUP before anything is measured: all of the configuration may change. */
static void read_anew(struct meterd *d)
{
	struct config next;

	if (config_read(&next, d->config.file, NULL)) {
		log_error("reload: %s has mistakes; the old configuration stays", d->config.file);
		config_free(&next);
		return;
	}
	config_free(&d->config);
	d->config = next;
	log_notice("reload: done, before the begin of measuring");
	tell_settings(&d->config);
}

static int configure(struct meterd *d, const struct options *o)
{
	int error = config_read(&d->config, o->config, NULL);

	if (!error)
		tell_settings(&d->config);
	if (!error && o->replay) {
		free(d->config.source.replay);
		d->config.source.replay = strdup(o->replay);
		d->print = true;
		error = d->config.source.replay ? 0 : -ENOMEM;
	}
	if (error)
		return error;
	while (!site_report_read(&d->place, "/sys", &d->config, !o->check))
		read_anew(d);
	error = installation_make(&d->in, &d->config, &d->place.site);
	if (!error)
		error = io_plan_make(&d->plan, &d->config, &d->in);
	if (!error)
		site_report_begin(&d->place, &d->in);
	return error;
}

int main(int argc, char **argv)
{
	struct meterd d = { 0 };
	struct options o;
	int status = parse_options(argc, argv, &o);
	int error;

	if (status >= 0)
		return status;
	hold_reloads();
	if (!o.check)
		runtime_folder_need();
	error = configure(&d, &o);
	if (!error && o.check && d.config.has_modbus)
		error = modbus_map_make(&(struct modbus_map){ 0 }, &d.config.modbus, &d.in,
					d.config.gateway, NULL);
	if (!error && o.check)
		printf("%s: good: %u loads, %u channels of %u devices\n", o.config, d.in.loads,
		       d.in.inputs.channels, d.in.inputs.devices);
	else if (!error)
		error = run(&d, &o);
	close_all(&d);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
