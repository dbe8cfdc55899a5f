// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * meterctl with a running meterd.
 */
#include "daemon-rig.h"

#include <signal.h>

#include "recording.h"

/* Values of the recording that a capture shows, by the time stamps of its scans. */
static void assert_is_recorded(const char *path, double seconds)
{
	struct recording *rec;
	uint64_t scans = 0;
	unsigned int k;

	assert_int_equal(recording_open(&rec, path), 0);
	assert_int_equal(rec->channels, 2);
	assert_string_equal(rec->channel[1].name, "hub1/A");
	assert_true(rec->rate_hz == 4000.0);
	while (recording_read(rec, RECORDING_BLOCK) > 0) {
		for (k = 0; k < rec->scans; k++) {
			/* the recording is 100 whole cycles */
			double turns = (double)(rec->time_ns[k] % 20000000) / 20e6;

			assert_double_equal(rec->channel[0].x[k],
					    230 * M_SQRT2 * sin(2 * M_PI * turns), 0.001);
			assert_double_equal(rec->channel[1].x[k],
					    10 * M_SQRT2 * sin(2 * M_PI * turns), 0.001);
		}
		scans += rec->scans;
	}
	recording_close(rec);
	assert_int_equal(scans, llround(seconds * 4000));
}

/* Run "meterctl @words": it ends with this status, and prints this among other things. */
static void says(const char *socket, const char *words, int status, const char *wanted)
{
	char meterctl[PATH_MAX];
	char command[PATH_MAX + 256];
	char text[4096];
	int found;

	assert_true(program_find(meterctl, sizeof(meterctl), "meterctl"));
	snprintf(command, sizeof(command), "'%s' %s --socket '%s' 2>&1", meterctl, words, socket);
	found = program_says(command, text, sizeof(text));
	if (found != status || !strstr(text, wanted))
		fail_msg("meterctl %s: status %d, \"%s\"; wanted %d, \"%s\"", words, found, text,
			 status, wanted);
}

static void meterctl_captures_what_meterd_measures(void **state)
{
	static char all[65536];
	char text[1024];
	char socket[128];
	char file[128];
	char words[256];
	int output;
	pid_t child;

	snprintf(socket, sizeof(socket), "%s/s", folder);
	snprintf(file, sizeof(file), "%s/house.smcap", folder);
	snprintf(text, sizeof(text),
		 "[source]\nreplay = %s\nrepeat = 1000\nspeed = 10\n[topology]\ntype = 1p\n"
		 "[load boiler]\ninputs = hub1/A\nphases = L1\n[registers]\nfile = %s\n"
		 "[http]\nlisten = 127.0.0.1:0\nsocket = %s\n",
		 csv, energy, socket);
	write_text(conf, text);
	child = start(&output, NULL, NULL);
	if (!wait_for(output, "measuring", all, sizeof(all)))
		fail_msg("%s", all);
	snprintf(words, sizeof(words), "capture 3.5 '%s'", file);
	says(socket, words, 0, "");
	assert_is_recorded(file, 3.5);
	snprintf(words, sizeof(words), "capture 0 '%s'", file);
	says(socket, words, 2, "capture \"0\": must be seconds");
	unlink(file);
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

static void make_modules(void)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "mkdir -p %s/m/0-009 %s/m/0-010 && cd %s/m/0-009 && echo meters > label && "
		 "echo 9700100901 > serial_number && echo idle > state && echo 1 > pulse_epoch && "
		 "for w in pulses min_closed_ms min_open_ms; do echo 10 > in1_$w; done && "
		 "cd ../0-010 && echo relays > label && echo 9800100902 > serial_number && "
		 "echo silent > state",
		 folder, folder, folder);
	assert_int_equal(system(command), 0);
}

static void meterctl_shows_inputs_and_says_why_a_relay_is_not_switched(void **state)
{
	static char all[65536];
	char text[1024], socket[128], words[256];
	int output;
	pid_t child;

	make_modules();
	snprintf(socket, sizeof(socket), "%s/s", folder);
	snprintf(words, sizeof(words), "%s/token", folder);
	write_text(words, "0123456789abcdef\n");
	snprintf(text, sizeof(text),
		 "[gateway]\nmodules = %s/m\n[source]\nreplay = %s\nrepeat = 1000\nspeed = 10\n"
		 "[topology]\ntype = 1p\n[load boiler]\ninputs = hub1/A\nphases = L1\n"
		 "[contact gas]\ninput = meters/1\nkind = gas\npulses_per_unit = 100\n"
		 "start = 77\n[relay heater]\noutput = relays/1\n[quality]\nenabled = no\n"
		 "[registers]\nfile = %s\n[http]\nlisten = 127.0.0.1:0\nsocket = %s\n"
		 "token_file = %s/token\n",
		 folder, csv, energy, socket, folder);
	write_text(conf, text);
	child = start(&output, NULL, NULL);
	if (!wait_for(output, "measuring", all, sizeof(all)) ||
	    !wait_for(output, "what it needs is measured", all, sizeof(all)))
		fail_msg("%s", all);
	says(socket, "input", 0, "gas                  meters/1        gas");
	says(socket, "input --json", 0, "\"total\": 77.0");
	says(socket, "output", 0, "heater               relays/1        -");
	says(socket, "output", 0, "the module does not answer");
	says(socket, "live --count 1", 0, "meters/1");
	says(socket, "quality", 1, "it is off in its configuration");
	snprintf(words, sizeof(words), "output heater on --token-file %s/token", folder);
	says(socket, words, 1, "heater: relays/1: the module does not answer");
	snprintf(words, sizeof(words), "output sauna on --token-file %s/token", folder);
	says(socket, words, 1, "there is no [relay sauna]");
	snprintf(words, sizeof(words), "output heater up --token-file %s/token", folder);
	says(socket, words, 2, "\"up\": must be on, off or toggle");
	snprintf(words, sizeof(words), "output heater on --token-file %s/conf", folder);
	says(socket, words, 1, "Authorization");
	says(socket, "output heater on --token-file /nonexistent", 1, "--token-file");
	says(socket, "output heater", 2, "on, off or toggle");
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

static void meterctl_says_that_there_are_no_inputs_and_relays(void **state)
{
	static char all[65536];
	char text[1024], socket[128];
	int output;
	pid_t child;

	snprintf(socket, sizeof(socket), "%s/n", folder);
	snprintf(text, sizeof(text), "%s/token", folder);
	write_text(text, "0123456789abcdef\n");
	write_conf(1000000);
	snprintf(text, sizeof(text),
		 "[http]\nlisten = 127.0.0.1:0\nsocket = %s\ntoken_file = %s/token\n", socket,
		 folder);
	add_text(conf, text);
	child = start(&output, NULL, NULL);
	assert_true(wait_for(output, "measuring", all, sizeof(all)));
	says(socket, "input", 0, "no inputs; each needs a section [contact NAME]");
	says(socket, "input --json", 0, "[]");
	says(socket, "output", 0, "no outputs; each needs a section [relay NAME]");
	snprintf(text, sizeof(text), "output sauna on --token-file %s/token", folder);
	says(socket, text, 1, "see GET /api/v1/commands");
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(meterctl_captures_what_meterd_measures),
		TEST(meterctl_shows_inputs_and_says_why_a_relay_is_not_switched),
		TEST(meterctl_says_that_there_are_no_inputs_and_relays),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
