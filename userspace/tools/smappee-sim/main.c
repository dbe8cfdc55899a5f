// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * smappee-sim - open metering modules, or a Power Box, in software, on one RS-485
 * segment that ends in a socket or a pseudo terminal. Here are the options and the loop that
 * waits for the host, for the time on the line and for the control socket.
 */
#include "control.h"
#include "host-link.h"
#include "scenario.h"
#include "server.h"
#include "version.h"
#include "wire.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define RETRY_NS 100000000

enum log_level { LOG_ERROR, LOG_INFO, LOG_DEBUG };

/**
 * struct options - the command line
 * @scenario: path of the scenario
 * @data: folder of recordings, NULL for the scenario's
 * @control: path of the control socket, NULL for none
 * @seed: overrides the scenario's
 * @seeded: if it was given
 * @log: what goes to standard error
 * @check: only read the scenario
 * @link: how to reach the host; path NULL if not given
 */
struct options {
	const char *scenario;
	const char *data;
	const char *control;
	uint64_t seed;
	bool seeded;
	enum log_level log;
	bool check;
	struct link link;
};

/**
 * struct sim - the running program
 * @blocked: the host's socket is full; wait for room instead of time
 * @retry_ns: when to try again to reach the host
 */
struct sim {
	struct options options;
	struct scenario scenario;
	struct segment segment;
	struct wire wire;
	struct control control;
	struct server server;
	bool blocked;
	int64_t retry_ns;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void usage(FILE *to)
{
	fputs("usage: smappee-sim --scenario FILE --connect unix:PATH [options]\n"
	      "       smappee-sim --scenario FILE --listen unix:PATH [options]\n"
	      "       smappee-sim --scenario FILE --pty LINK [options]\n"
	      "       smappee-sim --scenario FILE --check\n"
	      "\n"
	      "  --scenario FILE      modules, mains and loads (see smappee-sim(1))\n"
	      "  --data DIR           folder of recordings for scenarios with [replay]\n"
	      "  --connect unix:PATH  connect to the host's socket, retry until it is there\n"
	      "  --listen unix:PATH   let the host connect\n"
	      "  --pty LINK           make a pseudo terminal and a symbolic link to it\n"
	      "  --control PATH       control socket: status, truth, fault, clear, plug...\n"
	      "  --seed N             other noise, start phases and faults\n"
	      "  --log-level LEVEL    error, info (default) or debug\n"
	      "  --check              read the scenario, say what is in it, and end\n"
	      "  --help               this text\n"
	      "  --version            version of smappee-sim\n",
	      to);
}

static int bad_option(const char *what, const char *value, const char *way_out)
{
	fprintf(stderr, "smappee-sim: %s \"%s\": %s\n", what, value, way_out);
	return -EINVAL;
}

static int take_link(struct options *o, enum link_kind kind, const char *name, const char *value)
{
	if (o->link.path)
		return bad_option(name, value, "give one of --connect, --listen, --pty");
	o->link.kind = kind;
	o->link.path = value;
	if (kind == LINK_PTY)
		return 0;
	if (strncmp(value, "unix:", 5) || !value[5])
		return bad_option(name, value, "not an address; give unix:PATH");
	o->link.path = value + 5;
	return 0;
}

static int take_log_level(struct options *o, const char *value)
{
	static const char *const level[] = { "error", "info", "debug" };

	for (unsigned int i = 0; i < sizeof(level) / sizeof(level[0]); i++) {
		if (strcmp(level[i], value))
			continue;
		o->log = (enum log_level)i;
		return 0;
	}
	return bad_option("--log-level", value, "give error, info or debug");
}

static int take_seed(struct options *o, const char *value)
{
	char *end;

	errno = 0;
	o->seed = strtoull(value, &end, 0);
	o->seeded = true;
	if (errno || *value < '0' || *value > '9' || *end)
		return bad_option("--seed", value, "give a whole number from 0");
	return 0;
}

static int take_option(struct options *o, int option)
{
	switch (option) {
	case 's':
		o->scenario = optarg;
		return 0;
	case 'd':
		o->data = optarg;
		return 0;
	case 'c':
		return take_link(o, LINK_CONNECT, "--connect", optarg);
	case 'l':
		return take_link(o, LINK_LISTEN, "--listen", optarg);
	case 'p':
		return take_link(o, LINK_PTY, "--pty", optarg);
	case 'C':
		o->control = optarg;
		return 0;
	case 'S':
		return take_seed(o, optarg);
	case 'L':
		return take_log_level(o, optarg);
	case 'k':
		o->check = true;
		return 0;
	case 'h':
		usage(stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		puts("smappee-sim " SMAPPEE_VERSION);
		exit(EXIT_SUCCESS);
	default:
		usage(stderr);
		return -EINVAL;
	}
}

static int take_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "data", required_argument, NULL, 'd' },
		{ "connect", required_argument, NULL, 'c' },
		{ "listen", required_argument, NULL, 'l' },
		{ "pty", required_argument, NULL, 'p' },
		{ "control", required_argument, NULL, 'C' },
		{ "seed", required_argument, NULL, 'S' },
		{ "log-level", required_argument, NULL, 'L' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option, ret = 0;

	*o = (struct options){ .log = LOG_INFO };
	while (!ret && (option = getopt_long(argc, argv, "", known, NULL)) >= 0)
		ret = take_option(o, option);
	if (ret)
		return ret;
	if (optind < argc)
		return bad_option("argument", argv[optind], "not expected; see --help");
	if (!o->scenario)
		fputs("smappee-sim: --scenario FILE is missing; see --help\n", stderr);
	else if (!o->link.path && !o->check)
		fputs("smappee-sim: give one of --connect, --listen, --pty and --check; see "
		      "--help\n",
		      stderr);
	else
		return 0;
	return -EINVAL;
}

static int load_scenario(struct sim *sim)
{
	const struct options *o = &sim->options;
	char text[SCENARIO_ERROR_MAX];
	int ret = scenario_load(&sim->scenario, o->scenario, o->data, text);

	if (ret) {
		fprintf(stderr, "smappee-sim: %s\n", text);
		return ret;
	}
	if (o->seeded)
		sim->scenario.seed = o->seed;
	return 0;
}

static void describe(const struct scenario *s, FILE *to)
{
	unsigned int channels = 0;

	for (unsigned int i = 0; i < s->modules; i++)
		channels += s->module[i].channels;
	fprintf(to, "%u modules, %u channels, %u loads, %.4f Hz, %.0f bit/s\n", s->modules,
		channels, s->signal.loads, s->signal.frequency_hz, s->bit_rate);
}

static void say(const struct sim *sim, enum log_level level, const char *text)
{
	if (level <= sim->options.log)
		fprintf(stderr, "smappee-sim: %s: %s\n", sim->options.link.path, text);
}

static void host_came(struct sim *sim)
{
	sim->control.connected = true;
	sim->blocked = false;
	wire_reset(&sim->wire);
	say(sim, LOG_INFO, "the host is there");
}

static void host_went(struct sim *sim, int64_t t)
{
	link_lost(&sim->options.link);
	sim->control.connected = false;
	sim->blocked = false;
	sim->retry_ns = t + RETRY_NS;
	wire_reset(&sim->wire);
	say(sim, LOG_INFO, "the host is gone; waiting for it");
}

static void seek_host(struct sim *sim, int64_t t)
{
	struct link *l = &sim->options.link;

	if (link_retry(l)) {
		host_came(sim);
		return;
	}
	sim->retry_ns = t + RETRY_NS;
	if (!l->complained && l->kind == LINK_CONNECT)
		say(sim, LOG_INFO, "nobody listens there yet; trying until somebody does");
	l->complained = true;
}

static void hand_over(struct sim *sim, int64_t t)
{
	const uint8_t *bytes;
	size_t due = wire_due(&sim->wire, t, &bytes);
	ssize_t n;

	if (!due || sim->options.link.fd < 0)
		return;
	n = link_write(&sim->options.link, bytes, due);
	if (n < 0) {
		host_went(sim, t);
		return;
	}
	sim->blocked = (size_t)n < due;
	wire_handed(&sim->wire, (size_t)n);
}

/* One line per piece that came, for those who follow a conversation. */
static void trace(const struct sim *sim, const uint8_t *bytes, size_t len, int64_t t)
{
	char text[3 * 32 + 1] = "";

	for (size_t i = 0; i < len && i < 32; i++)
		snprintf(text + 3 * i, 4, " %02x", bytes[i]);
	fprintf(stderr, "smappee-sim: %.6f: %zu bytes:%s; %zu to answer\n",
		wire_time(&sim->wire, t), len, text, sim->wire.reply.len - sim->wire.sent);
}

static void hear_host(struct sim *sim, int64_t t)
{
	uint8_t bytes[4096];
	ssize_t n = link_read(&sim->options.link, bytes, sizeof(bytes));

	if (n < 0) {
		host_went(sim, t);
		return;
	}
	wire_receive(&sim->wire, bytes, (size_t)n, t);
	if (n && sim->options.log >= LOG_DEBUG)
		trace(sim, bytes, (size_t)n, t);
}

/* When something is to be done although no descriptor is ready. */
static int64_t next_time(const struct sim *sim)
{
	if (sim->options.link.fd < 0)
		return sim->options.link.kind == LINK_CONNECT ? sim->retry_ns : WIRE_NEVER;
	return sim->blocked ? WIRE_NEVER : wire_next(&sim->wire);
}

static int wait_for(const struct sim *sim, struct pollfd *fds, nfds_t count, const sigset_t *mask)
{
	int64_t next = next_time(sim), left;
	struct timespec ts;

	if (next == WIRE_NEVER)
		return ppoll(fds, count, NULL, mask);
	left = next - now();
	if (left < 0)
		left = 0;
	ts = (struct timespec){ left / 1000000000, left % 1000000000 };
	return ppoll(fds, count, &ts, mask);
}

static int loop(struct sim *sim, const sigset_t *mask)
{
	struct pollfd fds[2 + SERVER_FDS];
	struct link *l = &sim->options.link;

	while (!stop) {
		int64_t t;

		fds[0] = (struct pollfd){ .fd = l->fd, .events = POLLIN };
		if (sim->blocked)
			fds[0].events |= POLLOUT;
		fds[1] = (struct pollfd){ .fd = l->listener, .events = POLLIN };
		server_poll(&sim->server, fds + 2);
		if (wait_for(sim, fds, 2 + SERVER_FDS, mask) < 0 && errno != EINTR)
			return -errno;
		if (stop)
			break;
		t = now();
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			hear_host(sim, t);
		hand_over(sim, t);
		server_serve(&sim->server, fds + 2, t);
		if (fds[1].revents || (l->fd < 0 && l->kind == LINK_CONNECT && t >= sim->retry_ns))
			seek_host(sim, t);
	}
	return 0;
}

static void catch_signals(sigset_t *mask)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int run(struct sim *sim)
{
	struct options *o = &sim->options;
	sigset_t mask;
	int ret;

	catch_signals(&mask);
	/* The line's times are in microseconds; the default slack is 50 of them. */
	prctl(PR_SET_TIMERSLACK, 1000UL);
	wire_init(&sim->wire, &sim->segment, now());
	sim->control.wire = &sim->wire;
	ret = server_open(&sim->server, o->control, &sim->control);
	if (ret) {
		fprintf(stderr, "smappee-sim: control socket %s: %s\n", o->control, strerror(-ret));
		return ret;
	}
	ret = link_open(&o->link);
	if (ret) {
		fprintf(stderr, "smappee-sim: %s: %s\n", o->link.path, strerror(-ret));
	} else {
		if (o->link.kind == LINK_PTY)
			host_came(sim);
		ret = loop(sim, &mask);
	}
	link_close(&o->link);
	server_close(&sim->server);
	return ret;
}

int main(int argc, char **argv)
{
	static struct sim sim;
	int ret = take_options(&sim.options, argc, argv);

	if (ret)
		return 2;
	ret = load_scenario(&sim);
	if (!ret && sim.options.check)
		describe(&sim.scenario, stdout);
	else if (!ret) {
		ret = segment_init(&sim.segment, &sim.scenario);
		if (sim.options.log >= LOG_INFO)
			describe(&sim.scenario, stderr);
		if (!ret)
			ret = run(&sim);
		segment_free(&sim.segment);
	}
	scenario_free(&sim.scenario);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
