// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * page-server - meterd's own HTTP server and MQTT publisher, fed with the
 * readings of an invented house instead of a meter. For the browser test, and to
 * work on the page without hardware.
 *
 *   page-server [--listen ADDRESS:PORT] [--socket PATH] [--web DIR]
 *               [--modules DIR] [--mqtt HOST:PORT] [--interval MS] [--name TEXT]
 *
 * Prints "port N" when it serves, then obeys lines on standard input: "start",
 * "stop" (readings), "past N" (N readings at once, one second apart, up to now),
 * "unknown" and "known" (values of the second load, and the modules of inputs and
 * outputs), "quit" or end of file.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "io-reading.h"
#include "mqtt.h"
#include "totals.h"

#define NS_PER_S 1000000000LL
#define US_PER_MS 1000ULL
#define J_PER_WH 3600.0
#define RAD_PER_DEG (3.14159265358979323846 / 180)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/**
 * struct plan - an invented load
 * @name: its name
 * @role: its role
 * @elements: 1 or 3
 * @hub: hub of its inputs
 * @first: first input on that hub
 * @current_a: mean current
 * @swing_a: how much it moves
 * @period_s: and how fast
 * @angle_deg: of the current behind the voltage; more than 90 is export
 */
struct plan {
	const char *name;
	enum load_role role;
	unsigned int elements;
	unsigned int hub;
	unsigned int first;
	double current_a;
	double swing_a;
	double period_s;
	double angle_deg;
};

static const struct plan plans[] = {
	{ "grid", LOAD_GRID, 3, 1, 0, 14, 3, 150, 12 },
	{ "heat pump", LOAD_SUBMETER, 3, 2, 0, 10, 2.5, 90, 30 },
	{ "solar roof", LOAD_PRODUCTION, 3, 3, 0, 9, 3, 260, 178 },
	{ "wallbox", LOAD_SUBMETER, 3, 4, 0, 16, 0.2, 40, 2 },
	{ "kitchen", LOAD_SUBMETER, 1, 2, 3, 4, 3.5, 35, 8 },
};

static const char *const inputs[][4] = {
	{ "hub1/A", "hub1/B", "hub1/C", "hub1/D" },
	{ "hub2/A", "hub2/B", "hub2/C", "hub2/D" },
	{ "hub3/A", "hub3/B", "hub3/C", "hub3/D" },
	{ "solid1/A", "solid1/B", "solid1/C", "solid1/D" },
};

static const char *const phases[] = { "L1", "L2", "L3" };

/**
 * struct house - the invented house
 * @http: server
 * @mqtt: publisher, NULL without --mqtt
 * @loop: event loop
 * @timer: next reading
 * @interval_us: between readings
 * @sequence: number of the last reading
 * @load: its loads
 * @unknown: the second load has no values
 */
struct house {
	struct http *http;
	struct mqtt *mqtt;
	sd_event *loop;
	sd_event_source *timer;
	uint64_t interval_us;
	uint64_t sequence;
	struct load_reading load[COUNT(plans)];
	bool unknown;
};

static void set_element(struct element_reading *e, const struct plan *p, unsigned int i, double t)
{
	double turn = 6.283185307179586 * t / p->period_s + i;
	double angle = p->angle_deg * RAD_PER_DEG;

	e->input = inputs[p->hub - 1][p->first + i];
	e->phase = phases[(p->elements == 1 ? p->first : i) % 3];
	e->v_v = 230.4 + 0.8 * sin(t / 17 + i);
	e->i_a = p->current_a + p->swing_a * (sin(turn) + 0.12 * sin(turn * 7.3));
	e->s_va = e->v_v * e->i_a;
	e->p_w = e->s_va * cos(angle);
	e->q1_var = e->s_va * sin(angle);
	e->pf = cos(angle);
	/* the one of the kitchen is too much for its converter */
	e->saturated = p == &plans[COUNT(plans) - 1];
}

static void set_load(struct load_reading *l, const struct plan *p, double t)
{
	unsigned int i;

	l->role = p->role;
	l->elements = p->elements;
	l->p_w = 0;
	l->q1_var = 0;
	for (i = 0; i < p->elements; i++) {
		set_element(&l->element[i], p, i, t);
		l->p_w += l->element[i].p_w;
		l->q1_var += l->element[i].q1_var;
	}
	l->s_va = hypot(l->p_w, l->q1_var);
	l->pf = l->p_w / l->s_va;
	if (l->p_w > 0)
		l->import_j += l->p_w;
	else
		l->export_j -= l->p_w;
}

static void forget_load(struct load_reading *l)
{
	unsigned int i;

	l->p_w = l->q1_var = l->s_va = l->pf = NAN;
	for (i = 0; i < l->elements; i++) {
		l->element[i].i_a = l->element[i].p_w = l->element[i].q1_var = NAN;
		l->element[i].s_va = l->element[i].pf = NAN;
	}
}

/* Inputs and outputs of the house; the name of the second is that of the second load. */
static struct json_object *io_json(const struct house *h)
{
	static const char silent[] = "the module does not answer";
	static const struct contact_unit m3 = { .name = "m3" };
	static const struct contact_unit kwh = { .name = "kWh", .wh = 1000 };
	static struct contact contact[] = {
		{ .name = "gas", .place = "meters/1", .kind = CONTACT_GAS, .unit = &m3 },
		{ .place = "meters/2", .kind = CONTACT_ELECTRICITY, .unit = &kwh },
		{ .name = "garage door", .place = "meters/3", .kind = CONTACT_STATE },
	};
	static const struct relay relay[] = {
		{ .name = "boiler", .place = "relays/1" },
		{ .name = "wallbox", .place = "relays/2" },
	};
	struct io_reading r = { .contacts = COUNT(contact), .relays = COUNT(relay) };

	contact[1].name = h->load[1].name;
	r.contact[0] = (struct contact_reading){ .contact = &contact[0],
						 .total = 12345.67 + 0.01 * h->sequence,
						 .pulses = (int64_t)h->sequence,
						 .flow_per_h = 1.2,
						 .power_w = NAN };
	r.contact[1] = (struct contact_reading){ .contact = &contact[1],
						 .problem = h->unknown ? silent : NULL,
						 .total = 812.345,
						 .pulses = 812345,
						 .flow_per_h = h->unknown ? NAN : 0.75,
						 .power_w = h->unknown ? NAN : 750 };
	r.contact[2] = (struct contact_reading){ .contact = &contact[2],
						 .total = NAN,
						 .closed = h->sequence % 2,
						 .since_ms = 1795197600000 };
	r.relay[0] = (struct relay_reading){ .relay = &relay[0],
					     .on = h->unknown ? -1 : 1,
					     .problem = h->unknown ? silent : NULL,
					     .since_ms = h->unknown ? 0 : 1795197600000,
					     .timeout_s = 30,
					     .beating = true,
					     .cause = "host" };
	r.relay[1] = (struct relay_reading){ .relay = &relay[1],
					     .since_ms = 1795197600000,
					     .fail_safe = true,
					     .timeout_s = 60,
					     .cause = "fail-safe" };
	return io_reading_json(&r);
}

static struct json_object *io(void *user)
{
	return io_json(user);
}

static void publish(struct house *h, int64_t utc_ns)
{
	struct reading r = { .windows = 5, .voltages = 3, .loads = COUNT(plans), .load = h->load };
	double t = utc_ns / 1e9;
	unsigned int i;

	for (i = 0; i < COUNT(plans); i++)
		set_load(&h->load[i], &plans[i], t);
	if (h->unknown)
		forget_load(&h->load[1]);
	for (i = 0; i < 3; i++) {
		r.voltage[i].phase = phases[i];
		r.voltage[i].ln_v = h->load[0].element[i].v_v;
		r.voltage[i].ll_v = r.voltage[i].ln_v * sqrt(3);
	}
	r.totals = totals_of(h->load, COUNT(plans));
	r.sequence = ++h->sequence;
	r.utc_ns = utc_ns;
	r.end_ns = utc_ns;
	r.start_ns = utc_ns - NS_PER_S;
	r.frequency_hz = 50.01 + 0.01 * sin(t / 11);
	r.repaired_blocks = h->sequence / 40;
	http_publish(h->http, &r);
	http_event(h->http, "io", io_json(h));
	mqtt_publish(h->mqtt, &r);
}

static int64_t utc_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct house *h = data;

	publish(h, utc_ns());
	sd_event_source_set_time_relative(source, h->interval_us);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void obey(struct house *h, const char *line)
{
	int n;

	if (!strcmp(line, "start")) {
		sd_event_source_set_time_relative(h->timer, 0);
		sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
	} else if (!strcmp(line, "stop")) {
		sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	} else if (!strcmp(line, "unknown") || !strcmp(line, "known")) {
		h->unknown = *line == 'u';
	} else if (sscanf(line, "past %d", &n) == 1) {
		while (n-- > 0)
			publish(h, utc_ns() - n * NS_PER_S);
	} else if (!strcmp(line, "quit")) {
		sd_event_exit(h->loop, 0);
	} else {
		fprintf(stderr, "page-server: %s: unknown command\n", line);
	}
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct house *h = data;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *line, *rest = text;

	if (n <= 0)
		return sd_event_exit(h->loop, 0);
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (*line)
			obey(h, line);
	return 0;
}

/* "HOST:PORT" in place; a path stays whole. */
static void split(char *text, struct mqtt_config *config)
{
	char *colon = strrchr(text, ':');

	config->host = text;
	if (*text != '/' && colon) {
		*colon = '\0';
		config->port = atoi(colon + 1);
	}
}

static const struct option options[] = {
	{ "listen", required_argument, NULL, 'l' },   { "socket", required_argument, NULL, 's' },
	{ "web", required_argument, NULL, 'w' },      { "modules", required_argument, NULL, 'm' },
	{ "interval", required_argument, NULL, 'i' }, { "name", required_argument, NULL, 'n' },
	{ "mqtt", required_argument, NULL, 'q' },     { 0 },
};

static int parse(struct house *h, int argc, char **argv, struct http_config *http,
		 struct mqtt_config *mqtt)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			http->listen = optarg;
			break;
		case 's':
			http->socket = optarg;
			break;
		case 'w':
			http->web_dir = optarg;
			break;
		case 'm':
			http->modules_dir = optarg;
			break;
		case 'i':
			h->interval_us = atoi(optarg) * US_PER_MS;
			break;
		case 'n':
			h->load[1].name = optarg;
			break;
		case 'q':
			split(optarg, mqtt);
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

/* One input in order, one that is not, one that perhaps is not, one of which nothing is known. */
static struct json_object *wiring(void *user)
{
	static const char text[] =
		"{\"topology\":\"3p+n\",\"rotation\":\"L1 L2 L3\",\"site\":{\"contradictions\":["
		"\"voltage L3 is missing (0.0 V): the device tree says 3p+n; is its terminal "
		"connected, or is the topology another one?\"]},\"inputs\":["
		"{\"input\":\"hub1/A\",\"load\":\"heat pump\",\"verdict\":\"in "
		"order\",\"reason\":null,"
		"\"confidence\":0.99,\"configured\":{\"phase\":\"L1\",\"reversed\":false},"
		"\"proposal\":{\"phase\":\"L1\",\"reversed\":false}},"
		"{\"input\":\"hub1/B\",\"load\":\"heat "
		"pump\",\"verdict\":\"reversed\",\"reason\":null,"
		"\"confidence\":0.98,\"configured\":{\"phase\":\"L2\",\"reversed\":false},"
		"\"proposal\":{\"phase\":\"L2\",\"reversed\":true}},"
		"{\"input\":\"hub1/C\",\"load\":\"heat pump\",\"verdict\":\"reversed?\","
		"\"reason\":\"most likely\",\"confidence\":0.9991,\"i_a\":5.1,\"seconds\":63,"
		"\"phi_deg\":{\"L1\":60,\"L2\":-60,\"L3\":179.6},"
		"\"configured\":{\"phase\":\"L3\",\"reversed\":false},"
		"\"proposal\":{\"phase\":\"L3\",\"reversed\":true},"
		"\"alternative\":{\"phase\":\"L1\",\"reversed\":false},"
		"\"alternative_confidence\":0.0008},"
		"{\"input\":\"hub1/D\",\"load\":\"boiler\",\"verdict\":\"cannot tell yet\","
		"\"reason\":\"two positions explain it\",\"confidence\":0.73,"
		"\"configured\":{\"phase\":\"L1\",\"reversed\":false},"
		"\"proposal\":{\"phase\":\"L1\",\"reversed\":false},"
		"\"alternative\":{\"phase\":\"L1\",\"reversed\":true},"
		"\"alternative_confidence\":0.259}]}";

	return json_tokener_parse(text);
}

/* A report with an interval of 150 cycles and the verdict of the week. */
static struct json_object *quality(void *user)
{
	static const char text[] =
		"{\"intervals\":{\"10 s\":{\"frequency_hz\":50.0123},\"10 min\":null,\"2 h\":null,"
		"\"150/180 cycles\":{\"flagged\":true,\"u2_percent\":0.63,\"phases\":["
		"{\"phase\":\"L1\",\"rms_v\":231.123,\"min_v\":229.5,\"max_v\":232.4,"
		"\"thd_percent\":2.345},"
		"{\"phase\":\"L2\",\"rms_v\":230.1,\"min_v\":92.3,\"max_v\":231.0,"
		"\"thd_percent\":2.1}]}},\"week\":{\"verdict\":\"kept\"}}";

	return json_tokener_parse(text);
}

static struct json_object *events(void *user)
{
	static const char text[] =
		"[{\"number\":2,\"type\":\"dip\",\"time\":\"2026-11-20T18:00:00.123Z\","
		"\"finished\":true,\"duration_s\":0.1042,\"extreme_v\":92.31,\"percent\":40.13,"
		"\"phases\":[\"L2\"],\"incomplete\":false,\"waveform\":true},"
		"{\"number\":1,\"type\":\"transient\",\"time\":\"2026-11-20T17:00:00.5Z\","
		"\"finished\":true,\"duration_s\":0.0005,\"deviation_v\":133.2,\"percent\":22.2,"
		"\"phases\":[\"L3\"],\"incomplete\":false,\"waveform\":true}]";

	return json_tokener_parse(text);
}

/* Two voltages, the second of which has a dip, and a current; a third one with event 1. */
static unsigned int waveform(void *user, struct http_later *later, char *why)
{
	const char *event = http_argument(later, "event");
	unsigned int voltages = event && *event == '1' ? 3 : 2;
	struct json_object *o = json_tokener_parse("{\"before_s\":0.1,\"rate_hz\":4000}");
	struct json_object *channels = json_object_new_array();
	unsigned int c;
	unsigned int k;

	for (c = 0; c < 3; c++) {
		static const char *const names[] = { "L1", "L2", "hub1/A" };
		struct json_object *channel = json_object_new_object();
		struct json_object *list = json_object_new_array();

		for (k = 0; k < 1200; k++)
			json_object_array_add(
				list, json_object_new_double(
					      (c == 1 && k > 400 && k < 800 ? 130 : 325) *
					      sin((k / 80.0 - c / 3.0) * 360 * RAD_PER_DEG)));
		json_object_object_add(channel, "name", json_object_new_string(names[c]));
		json_object_object_add(channel, c < voltages ? "v" : "a", list);
		json_object_array_add(channels, channel);
	}
	json_object_object_add(o, "event", json_object_new_int(event ? atoi(event) : 2));
	json_object_object_add(o, "channels", channels);
	http_later_answer(later, 200, strdup(json_object_to_json_string(o)));
	json_object_put(o);
	return 0;
}

static const struct http_report reports[] = {
	{ .path = "/api/v1/wiring", .summary = "invented verdicts", .get = wiring },
	{ .path = "/api/v1/quality", .summary = "invented intervals", .get = quality },
	{ .path = "/api/v1/quality/events", .summary = "invented events", .get = events },
	{ .path = "/api/v1/quality/waveform", .summary = "an invented dip", .ask = waveform },
	{ .path = "/api/v1/io", .summary = "invented inputs and outputs", .get = io },
};

int main(int argc, char **argv)
{
	static struct house h = { .interval_us = 1000 * US_PER_MS };
	struct http_config http = { .listen = "127.0.0.1:0" };
	struct mqtt_config mqtt = { .topic = "meterd", .port = 1883 };
	unsigned int i;
	int ret;

	for (i = 0; i < COUNT(plans); i++) {
		h.load[i].name = plans[i].name;
		h.load[i].import_j =
			plans[i].angle_deg < 90 ? (812.3 + 431.7 * i) * 1000 * J_PER_WH : 0;
		h.load[i].export_j = plans[i].angle_deg > 90 ? 1632.4 * 1000 * J_PER_WH : 0;
	}
	ret = parse(&h, argc, argv, &http, &mqtt);
	if (ret || sd_event_default(&h.loop) < 0)
		return EXIT_FAILURE;
	ret = http_open(&h.http, h.loop, &http, "demo-house");
	if (!ret && mqtt.host)
		ret = mqtt_open(&h.mqtt, h.loop, &mqtt, "demo-house");
	http_watch_mqtt(h.http, h.mqtt);
	for (i = 0; i < COUNT(reports); i++)
		http_provide(h.http, &reports[i], &h);
	if (!ret)
		ret = sd_event_add_time_relative(h.loop, &h.timer, CLOCK_MONOTONIC, 0, 0, on_timer,
						 &h);
	if (ret >= 0) {
		sd_event_source_set_enabled(h.timer, SD_EVENT_OFF);
		ret = sd_event_add_io(h.loop, NULL, STDIN_FILENO, EPOLLIN, on_input, &h);
	}
	if (ret >= 0) {
		printf("port %u\n", http_port(h.http));
		fflush(stdout);
		ret = sd_event_loop(h.loop);
	}
	sd_event_source_unref(h.timer);
	http_close(h.http);
	mqtt_close(h.mqtt);
	sd_event_unref(h.loop);
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
