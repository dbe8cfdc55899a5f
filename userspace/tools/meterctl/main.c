// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * meterctl - looks at meterd and at the modules on the bus.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "version.h"

/* What getopt_long() gives, beyond all characters. */
enum {
	OPTION_SOCKET = 256,
	OPTION_URL,
	OPTION_JSON,
	OPTION_COUNT,
	OPTION_MODULES,
	OPTION_TOKEN_FILE,
	OPTION_REFERENCE_A,
	OPTION_REFERENCE_W,
	OPTION_CAPACITIVE,
	OPTION_RESISTIVE,
	OPTION_APPLY,
	OPTION_UNDO,
	OPTION_TUNING,
	OPTION_CSV,
	OPTION_KIND,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_HELP,
	OPTION_VERSION,
};

#define BIT_OF(option) (1U << ((option) - OPTION_SOCKET))
#define ADDRESS (BIT_OF(OPTION_SOCKET) | BIT_OF(OPTION_URL))
#define JSON BIT_OF(OPTION_JSON)

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "url", required_argument, NULL, OPTION_URL },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "modules", required_argument, NULL, OPTION_MODULES },
	{ "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
	{ "reference-a", required_argument, NULL, OPTION_REFERENCE_A },
	{ "reference-w", required_argument, NULL, OPTION_REFERENCE_W },
	{ "capacitive", no_argument, NULL, OPTION_CAPACITIVE },
	{ "resistive", no_argument, NULL, OPTION_RESISTIVE },
	{ "apply", no_argument, NULL, OPTION_APPLY },
	{ "undo", no_argument, NULL, OPTION_UNDO },
	{ "tuning", required_argument, NULL, OPTION_TUNING },
	{ "csv", no_argument, NULL, OPTION_CSV },
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "until", required_argument, NULL, OPTION_UNTIL },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

/**
 * struct command - a node of the command tree
 * @name: what is typed
 * @summary: one line for the list of commands
 * @help: what it prints and which options it knows
 * @run: does it
 * @arguments: most of them
 * @options: BIT_OF() those that it knows, besides --help and --version
 */
struct command {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(const struct command_options *o);
	unsigned int arguments;
	unsigned int options;
};

static const struct command commands[] = {
	{ "calibrate", "gain and phase of an input beside a reference meter",
	  "usage: meterctl calibrate INPUT [--reference-a A] [--reference-w W] [--capacitive]\n"
	  "                          [--undo] [--tuning FILE] [--socket PATH | --url URL]\n"
	  "\n"
	  "1. Put a steady load on the input, a heater for the gain and the phase.\n"
	  "2. Give what a reference meter shows: its current, its power, or both; with one of\n"
	  "   them the load is taken as resistive. 10 s are measured.\n"
	  "3. Again with other loads: all points of the input are fitted together.\n"
	  "\n"
	  "Without a reference it leads through the points and asks for each.\n"
	  "\n"
	  "  --reference-a A  true current, A\n"
	  "  --reference-w W  true active power, W\n"
	  "  --capacitive     the load is capacitive, not inductive\n"
	  "  --undo           take the last change of the input back\n"
	  "  --tuning FILE    file to change; that of meterd if not given\n",
	  command_calibrate, 1,
	  ADDRESS | BIT_OF(OPTION_REFERENCE_A) | BIT_OF(OPTION_REFERENCE_W) |
		  BIT_OF(OPTION_CAPACITIVE) | BIT_OF(OPTION_UNDO) | BIT_OF(OPTION_TUNING) },
	{ "check", "wiring: reversed CTs, wrong phases, missing voltages",
	  "usage: meterctl check [--resistive] [--apply] [--json] [--tuning FILE]\n"
	  "                      [--socket PATH | --url URL]\n"
	  "\n"
	  "A verdict takes 10 s of a steady load. In three phases a reversed CT can look like a\n"
	  "motor on another phase: switch heaters on and say --resistive, then all is told.\n"
	  "Exit status 3: something is wrong and was not corrected.\n"
	  "\n"
	  "  --resistive     the loads that are on are heaters and lamps\n"
	  "  --apply         write the corrected phases and directions; meterd uses them at once\n"
	  "  --tuning FILE   file to change; that of meterd if not given\n",
	  command_check, 0,
	  ADDRESS | JSON | BIT_OF(OPTION_RESISTIVE) | BIT_OF(OPTION_APPLY) |
		  BIT_OF(OPTION_TUNING) },
	{ "sensors", "types of current sensors, and where their figures are from",
	  "usage: meterctl sensors [--json] [--socket PATH | --url URL]\n", command_sensors, 0,
	  ADDRESS | JSON },
	{ "capture", "the waveforms of all channels into a file",
	  "usage: meterctl capture SECONDS [FILE] [--socket PATH | --url URL]\n"
	  "\n"
	  "Every scan of the next SECONDS, without loss, for 'meterd --replay FILE'. FILE is\n"
	  "capture.smcap if not given, - for standard output; one that exists is replaced\n"
	  "only when the capture is complete.\n",
	  command_capture, 2, ADDRESS },
	{ "identify", "let the LED of a module or of one of its inputs flash",
	  "usage: meterctl identify MODULE[/INPUT] [--count SECONDS] [--modules DIR]\n"
	  "\n"
	  "MODULE is a label, a serial number or a device of 'meterctl list'; INPUT a letter\n"
	  "of a CT module, or the number of an input. Three flashes a second for SECONDS, 30\n"
	  "if not given, or until it is interrupted; then the module has its LED again. The\n"
	  "inputs of a Power Box flash for as long as the box lets them.\n"
	  "Works without meterd, on this machine.\n",
	  command_identify, 1, BIT_OF(OPTION_COUNT) | BIT_OF(OPTION_MODULES) },
	{ "input", "inputs: totals of pulses and states",
	  "usage: meterctl input [--json] [--socket PATH | --url URL]\n"
	  "\n"
	  "Sections [contact NAME] of meterd.conf(5).\n",
	  command_input, 0, ADDRESS | JSON },
	{ "list", "modules on the bus: type, serial number, firmware, state",
	  "usage: meterctl list [--json] [--socket PATH | --url URL | --modules DIR]\n"
	  "\n"
	  "One line per module. SYNC says whether the module samples at the same\n"
	  "instants as the reference, OFFSET by how much it is off, LOST how many scans\n"
	  "are gone for good, REPAIRED how many blocks came only when asked for again.\n"
	  "When meterd does not run here, the modules are read from sysfs.\n"
	  "\n"
	  "  --modules DIR   read sysfs without asking meterd; DIR is usually\n"
	  "                  /sys/bus/smappee/devices\n",
	  command_list, 0, ADDRESS | JSON | BIT_OF(OPTION_MODULES) },
	{ "live", "power of every load, once a second",
	  "usage: meterctl live [--json] [--count N] [--socket PATH | --url URL]\n"
	  "\n"
	  "On a terminal: a table that redraws itself. q quits, the arrow keys scroll.\n"
	  "Values that are older than 4 s are marked as stale. Elsewhere: one line per\n"
	  "load and reading, or with --json one reading per line.\n"
	  "Positive power is import, positive Q1 is inductive.\n"
	  "\n"
	  "  --count N       end after N readings\n",
	  command_live, 0, ADDRESS | JSON | BIT_OF(OPTION_COUNT) },
	{ "output", "relays: their state, or switch one",
	  "usage: meterctl output [--json] [--socket PATH | --url URL]\n"
	  "       meterctl output NAME on|off|toggle [--token-file FILE]\n"
	  "\n"
	  "Sections [relay NAME] of meterd.conf(5). A relay stays as it is while what it needs\n"
	  "is measured; when meterd or the meter dies its module puts it into its fail-safe\n"
	  "state after TIME-OUT.\n"
	  "\n"
	  "  --token-file FILE  token of commands; /etc/meterd/token if not given\n",
	  command_output, 2, ADDRESS | JSON | BIT_OF(OPTION_TOKEN_FILE) },
	{ "quality", "power quality: harmonics, flicker, events, EN 50160",
	  "usage: meterctl quality [--json] [--socket PATH | --url URL]\n"
	  "\n"
	  "The last intervals of 150/180 cycles, 10 min and 2 h, this week and the last one\n"
	  "against EN 50160, and the newest events. With --json also the spectra.\n"
	  "An interval is flagged when an event touched it or a part was not measured.\n",
	  command_quality, 0, ADDRESS | JSON },
	{ "records", "energy, power and events that meterd has stored",
	  "usage: meterctl records [LOAD] [--kind KIND] [--since TIME] [--until TIME]\n"
	  "                        [--csv | --json] [--socket PATH | --url URL]\n"
	  "\n"
	  "Records of all loads or of LOAD, oldest first, with the UTC of their begin.\n"
	  "\n"
	  "  --kind KIND     5m (intervals of five minutes, if not given), 1m, event, input\n"
	  "  --since TIME    90s, 30m, 2h, 7d ago (1h if not given), 2026-11-29, 2026-11-29T18:00\n"
	  "  --until TIME    before that time\n"
	  "  --csv           for spreadsheets; with --json one record per line\n",
	  command_records, 1,
	  ADDRESS | JSON | BIT_OF(OPTION_CSV) | BIT_OF(OPTION_KIND) | BIT_OF(OPTION_SINCE) |
		  BIT_OF(OPTION_UNTIL) },
	{ "status", "state of meterd itself: age of the last reading, MQTT",
	  "usage: meterctl status [--json] [--socket PATH | --url URL]\n", command_status, 0,
	  ADDRESS | JSON },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Options that mean the same everywhere; a command is shown those that it knows. */
static const struct {
	unsigned int option;
	const char *help;
} common_help[] = {
	{ BIT_OF(OPTION_SOCKET),
	  "  --socket PATH   unix socket of meterd, " CLIENT_SOCKET " if not given\n" },
	{ BIT_OF(OPTION_URL),
	  "  --url URL       meterd on another machine, as http://HOST:PORT\n" },
	{ JSON, "  --json          for programs\n" },
	{ 0, "  --help          this text\n"
	     "  --version       version of meterctl\n" },
};

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void print_help(FILE *f, const struct command *c)
{
	size_t i;

	if (c) {
		fputs(c->help, f);
	} else {
		fputs("usage: meterctl COMMAND [OPTION...]\n\ncommands:\n", f);
		for (i = 0; i < COMMANDS; i++)
			fprintf(f, "  %-15s %s\n", commands[i].name, commands[i].summary);
		fprintf(f, "  %-15s %s\n", "help COMMAND", "more about a command");
	}
	fprintf(f, "\noptions of %s:\n", c ? "other commands, too" : "most commands");
	for (i = 0; i < sizeof(common_help) / sizeof(common_help[0]); i++)
		if (!c || (c->options & common_help[i].option) == common_help[i].option)
			fputs(common_help[i].help, f);
}

static int parse_count(struct command_options *o, const char *text)
{
	char *end;

	errno = 0;
	o->count = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || !o->count)
		return command_usage("--count", text, "must be a whole number from 1");
	return 0;
}

static int parse_reference(const char *option, double *x, const char *text)
{
	char *end;

	*x = strtod(text, &end);
	if (end != text && !*end && *x > 0.0 && *x <= 1e6)
		return 0;
	return command_usage(option, text, "must be a number above 0, at most 1000000");
}

/* Return: 0 to go on, -1 for help, -2 for version, else the exit status. */
static int parse_option(struct command_options *o, int option, const char *value)
{
	switch (option) {
	case OPTION_SOCKET:
		if (!*value)
			return command_usage("--socket", value, "must be the path of a socket");
		o->address.socket = value;
		o->address_given = true;
		return 0;
	case OPTION_URL:
		o->address_given = true;
		if (client_parse_url(&o->address, value))
			return 0;
		return command_usage("--url", value,
				     "must be http://HOST:PORT, with a port from 1 to 65535 and "
				     "without a path");
	case OPTION_JSON:
		o->json = true;
		return 0;
	case OPTION_COUNT:
		return parse_count(o, value);
	case OPTION_MODULES:
		o->modules_dir = value;
		return 0;
	case OPTION_TOKEN_FILE:
		o->token_file = value;
		return 0;
	case OPTION_REFERENCE_A:
		return parse_reference("--reference-a", &o->reference_a, value);
	case OPTION_REFERENCE_W:
		return parse_reference("--reference-w", &o->reference_w, value);
	case OPTION_CAPACITIVE:
		o->capacitive = true;
		return 0;
	case OPTION_RESISTIVE:
		o->resistive = true;
		return 0;
	case OPTION_APPLY:
		o->apply = true;
		return 0;
	case OPTION_UNDO:
		o->undo = true;
		return 0;
	case OPTION_TUNING:
		o->tuning = value;
		return 0;
	case OPTION_CSV:
		o->csv = true;
		return 0;
	case OPTION_KIND:
		o->kind = value;
		return 0;
	case OPTION_SINCE:
		o->since = value;
		return 0;
	case OPTION_UNTIL:
		o->until = value;
		return 0;
	case 'h':
	case OPTION_HELP:
		return -1;
	case 'V':
	case OPTION_VERSION:
		return -2;
	}
	fputs("meterctl: see 'meterctl --help'\n", stderr);
	return EXIT_USAGE;
}

/* What a command does not know is an error, since whoever gives it expects something of it. */
static int check_options(const struct command *c, unsigned int given)
{
	const struct option *o;

	for (o = long_options; o->name; o++) {
		if (!(given & BIT_OF(o->val) & ~c->options))
			continue;
		fprintf(stderr, "meterctl: --%s: not an option of '%s'; see 'meterctl help %s'\n",
			o->name, c->name, c->name);
		return EXIT_USAGE;
	}
	if (__builtin_popcount(given & (ADDRESS | BIT_OF(OPTION_MODULES))) > 1) {
		fputs("meterctl: --socket, --url and --modules are three places to ask: give one\n",
		      stderr);
		return EXIT_USAGE;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct command_options o = { .address = { .socket = CLIENT_SOCKET } };
	const struct command *c;
	unsigned int given = 0;
	const char *name;
	bool help = false;
	int option, ret;

	/* Only characters: numbers are written and read with a point. */
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (argc > 0)
		argv[0] = "meterctl"; /* what getopt_long() complains as */
	while ((option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		ret = parse_option(&o, option, optarg);
		if (ret > 0)
			return ret;
		if (ret == -2) {
			puts("meterctl " SMAPPEE_VERSION);
			return EXIT_SUCCESS;
		}
		if (ret == -1)
			help = true;
		else
			given |= BIT_OF(option);
	}
	name = optind < argc ? argv[optind++] : NULL;
	if (name && !strcmp(name, "help")) {
		help = true;
		name = optind < argc ? argv[optind++] : NULL;
	}
	c = name ? find(name) : NULL;
	if (name && !c)
		return command_usage("command", name, "not known; see 'meterctl --help'");
	while (c && o.arguments < c->arguments && optind < argc)
		o.argument[o.arguments++] = argv[optind++];
	if (optind < argc)
		return command_usage("argument", argv[optind],
				     "one too many; see 'meterctl --help'");
	if (!c || help) {
		print_help(help ? stdout : stderr, c);
		return help ? EXIT_SUCCESS : EXIT_USAGE;
	}
	ret = check_options(c, given);
	return ret ? ret : c->run(&o);
}
