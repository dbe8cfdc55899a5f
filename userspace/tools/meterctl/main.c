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

#define EXIT_USAGE 2

/**
 * struct command - a node of the command tree
 * @name: what is typed
 * @summary: one line for the list of commands
 * @help: what it prints and which options it knows
 * @run: does it
 * @arguments: most of them
 */
struct command {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(const struct command_options *o);
	unsigned int arguments;
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
	  "  --reference-a A  true current, A\n"
	  "  --reference-w W  true active power, W\n"
	  "  --capacitive     the load is capacitive, not inductive\n"
	  "  --undo           take the last change of the input back\n"
	  "  --tuning FILE    file to change; that of meterd if not given\n",
	  command_calibrate, 1 },
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
	  command_check, 0 },
	{ "sensors", "types of current sensors, and where their figures are from",
	  "usage: meterctl sensors [--json] [--socket PATH | --url URL]\n", command_sensors, 0 },
	{ "capture", "the waveforms of all channels into a file",
	  "usage: meterctl capture SECONDS [FILE] [--socket PATH | --url URL]\n"
	  "\n"
	  "Every scan of the next SECONDS, without loss, for 'meterd --replay FILE'. FILE is\n"
	  "capture.smcap if not given, - for standard output; one that exists is replaced\n"
	  "only when the capture is complete.\n",
	  command_capture, 2 },
	{ "identify", "let the LED of a module or of one of its inputs flash",
	  "usage: meterctl identify MODULE[/INPUT] [--count SECONDS] [--modules DIR]\n"
	  "\n"
	  "MODULE is a label, a serial number or a device of 'meterctl list'; INPUT a letter\n"
	  "of a CT module, or the number of an input. Three flashes a second for SECONDS, 30\n"
	  "if not given, or until it is interrupted; then the module has its LED again. The\n"
	  "inputs of a Power Box flash for as long as the box lets them.\n"
	  "Works without meterd, on this machine.\n",
	  command_identify, 1 },
	{ "input", "inputs: totals of pulses and states",
	  "usage: meterctl input [--json] [--socket PATH | --url URL]\n"
	  "\n"
	  "Sections [contact NAME] of meterd.conf(5).\n",
	  command_input, 0 },
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
	  command_list, 0 },
	{ "live", "power of every load, once a second",
	  "usage: meterctl live [--json] [--count N] [--socket PATH | --url URL]\n"
	  "\n"
	  "On a terminal: a table that redraws itself. q quits, the arrow keys scroll.\n"
	  "Values that are older than 4 s are marked as stale. Elsewhere: one line per\n"
	  "load and reading, or with --json one reading per line.\n"
	  "Positive power is import, positive Q1 is inductive.\n"
	  "\n"
	  "  --count N       end after N readings\n",
	  command_live, 0 },
	{ "output", "relays: their state, or switch one",
	  "usage: meterctl output [--json] [--socket PATH | --url URL]\n"
	  "       meterctl output NAME on|off|toggle [--token-file FILE]\n"
	  "\n"
	  "Sections [relay NAME] of meterd.conf(5). A relay stays as it is while what it needs\n"
	  "is measured; when meterd or the meter dies its module puts it into its fail-safe\n"
	  "state after TIME-OUT.\n"
	  "\n"
	  "  --token-file FILE  token of commands; /etc/meterd/token if not given\n",
	  command_output, 2 },
	{ "quality", "power quality: harmonics, flicker, events, EN 50160",
	  "usage: meterctl quality [--json] [--socket PATH | --url URL]\n"
	  "\n"
	  "The last intervals of 150/180 cycles, 10 min and 2 h, this week and the last one\n"
	  "against EN 50160, and the newest events. With --json also the spectra.\n"
	  "An interval is flagged when an event touched it or a part was not measured.\n",
	  command_quality, 0 },
	{ "status", "state of meterd itself: age of the last reading, MQTT",
	  "usage: meterctl status [--json] [--socket PATH | --url URL]\n", command_status, 0 },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char common_help[] =
	"\n"
	"options of all commands:\n"
	"  --socket PATH   unix socket of meterd, " CLIENT_SOCKET " if not given\n"
	"  --url URL       meterd on another machine, as http://HOST:PORT\n"
	"  --json          for programs\n"
	"  --help          this text\n"
	"  --version       version of meterctl\n";

enum {
	OPTION_SOCKET = 1000,
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
	OPTION_HELP,
	OPTION_VERSION,
};

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
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
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
	fputs(common_help, f);
}

static int usage_error(const char *what, const char *value, const char *way)
{
	fprintf(stderr, "meterctl: %s \"%s\": %s\n", what, value, way);
	return EXIT_USAGE;
}

static int parse_count(struct command_options *o, const char *text)
{
	char *end;

	errno = 0;
	o->count = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || !o->count)
		return usage_error("--count", text, "must be a whole number from 1");
	return 0;
}

static int parse_reference(const char *option, double *x, const char *text)
{
	char *end;

	*x = strtod(text, &end);
	if (end != text && !*end && *x > 0.0 && *x <= 1e6)
		return 0;
	return usage_error(option, text, "must be a number above 0, at most 1000000");
}

/* Return: 0 to go on, -1 for help, -2 for version, else the exit status. */
static int parse_option(struct command_options *o, int option, const char *value)
{
	switch (option) {
	case OPTION_SOCKET:
		o->address.socket = value;
		o->address_given = true;
		return 0;
	case OPTION_URL:
		o->address_given = true;
		if (client_parse_url(&o->address, value))
			return 0;
		return usage_error("--url", value, "must be http://HOST:PORT, without a path");
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
	case OPTION_HELP:
		return -1;
	case OPTION_VERSION:
		return -2;
	}
	fputs("meterctl: see 'meterctl --help'\n", stderr);
	return EXIT_USAGE;
}

static int run(const struct command *c, const struct command_options *o)
{
	if (o->count && c->run != command_live && c->run != command_identify)
		return usage_error("--count", c->name,
				   "only 'meterctl live' and 'meterctl identify' count");
	if (o->modules_dir && c->run != command_list && c->run != command_identify)
		return usage_error("--modules", c->name,
				   "only 'meterctl list' and 'meterctl identify' read sysfs");
	if (c->run == command_identify && !o->arguments)
		return usage_error("argument", "MODULE[/INPUT]", "is missing, as in hub2/B");
	if (c->run == command_output && o->arguments == 1)
		return usage_error("argument", o->argument[0], "is followed by on, off or toggle");
	return c->run(o);
}

int main(int argc, char **argv)
{
	struct command_options o = { .address = { .socket = CLIENT_SOCKET } };
	const struct command *c;
	const char *name;
	bool help = false;
	int option, ret;

	/* Only characters: numbers are written and read with a point. */
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		ret = parse_option(&o, option, optarg);
		if (ret > 0)
			return ret;
		if (ret == -2) {
			puts("meterctl " SMAPPEE_VERSION);
			return EXIT_SUCCESS;
		}
		help |= ret == -1;
	}
	name = optind < argc ? argv[optind++] : NULL;
	if (name && !strcmp(name, "help")) {
		help = true;
		name = optind < argc ? argv[optind++] : NULL;
	}
	c = name ? find(name) : NULL;
	if (name && !c)
		return usage_error("command", name, "not known; see 'meterctl --help'");
	while (c && o.arguments < c->arguments && optind < argc)
		o.argument[o.arguments++] = argv[optind++];
	if (optind < argc)
		return usage_error("argument", argv[optind], "too many; see 'meterctl --help'");
	if (!c || help) {
		print_help(help ? stdout : stderr, c);
		return help ? EXIT_SUCCESS : EXIT_USAGE;
	}
	return run(c, &o);
}
