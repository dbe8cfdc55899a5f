// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inputs and outputs on a tree of files like sysfs: totals, heartbeats, the command, and what
 * becomes of it when the process that asks dies. Lines of real chips are in the guest's tests.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "registers.h"
#include "terminals.h"

#define WAIT_US 10000000ULL
#define ROUNDS 3

static const struct contact_unit m3 = { .name = "m3" };
static const struct contact_unit kwh = { .name = "kWh", .wh = 1000 };

static char root[64];
static char path[96];
static struct io_plan plan = {
	.modules = 2,
	.module = { "meters", "relays" },
	.contacts = 2,
	.contact = { { .name = "gas",
		       .place = "meters/1",
		       .kind = CONTACT_GAS,
		       .unit = &m3,
		       .per_unit = 100,
		       .start = 1000,
		       .module = 0,
		       .input = 0,
		       .min_closed_ms = 20,
		       .min_open_ms = 30 },
		     { .name = "sub",
		       .place = "meters/4",
		       .kind = CONTACT_ELECTRICITY,
		       .unit = &kwh,
		       .per_unit = 1000,
		       .module = 0,
		       .input = 3,
		       .min_closed_ms = 10,
		       .min_open_ms = 10 } },
	.relays = 2,
	.relay = { { .name = "boiler",
		     .place = "relays/1",
		     .module = 1,
		     .relay = 0,
		     .needs = { true } },
		   { .name = "pump", .place = "relays/2", .module = 1, .relay = 1 } },
};

struct world {
	sd_event *event;
	struct installation in;
	struct registers *registers;
	struct commands *commands;
	struct terminals *terminals;
	unsigned int rounds;
	unsigned int changes;
	char events[4096];
	char told[256];
};

static struct world w;

static void put(const char *file, const char *text)
{
	char whole[128], next[136];
	FILE *f;

	/* all of it or nothing, as sysfs does */
	snprintf(whole, sizeof(whole), "%s/%s", root, file);
	snprintf(next, sizeof(next), "%s.new", whole);
	f = fopen(next, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(next, whole), 0);
}

static const char *text_of(const char *file)
{
	static char text[64];
	char whole[128];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/%s", root, file);
	f = fopen(whole, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void on_changed(void *user, const struct io_reading *r)
{
	w.changes++;
}

static void on_round(void *user, const struct io_reading *r)
{
	w.rounds++;
}

static void on_event(void *user, const char *subject, const char *text)
{
	size_t n = strlen(w.events);

	snprintf(w.events + n, sizeof(w.events) - n, "%s: %s\n", subject, text);
}

static void on_told(void *user, const char *text)
{
	snprintf(w.told, sizeof(w.told), "%s", text);
}

static void open_world(void)
{
	const struct terminals_config c = { .plan = &plan,
					    .dir = root,
					    .period_ms = 50,
					    .changed = on_changed,
					    .round = on_round,
					    .event = on_event };
	struct terminals_config mine = c;

	memset(&w, 0, sizeof(w));
	assert_true(sd_event_new(&w.event) >= 0);
	assert_int_equal(registers_open(&w.registers, &w.in, path), 0);
	assert_int_equal(commands_create(&w.commands, on_told, NULL), 0);
	mine.registers = w.registers;
	mine.commands = w.commands;
	assert_int_equal(terminals_open(&w.terminals, w.event, &mine), 0);
}

static void close_world(void)
{
	terminals_close(w.terminals);
	commands_destroy(w.commands);
	registers_close(w.registers);
	sd_event_unref(w.event);
}

static uint64_t now_us(void)
{
	uint64_t now;

	sd_event_now(w.event, CLOCK_MONOTONIC, &now);
	return now;
}

static const struct io_reading *now(void)
{
	return terminals_reading(w.terminals);
}

/* Until @rounds more rounds are over, or @over says so. */
static bool run(bool (*over)(void), unsigned int rounds)
{
	unsigned int end = w.rounds + rounds;
	uint64_t begin = now_us();

	while (over ? !over() : w.rounds < end) {
		sd_event_run(w.event, 100000);
		if (now_us() - begin > WAIT_US)
			return false;
	}
	return true;
}

static bool is_known(void)
{
	return !now()->contact[0].problem && !now()->relay[0].problem;
}

static bool meters_are_gone(void)
{
	return now()->contact[0].problem;
}

static void known(void)
{
	if (!run(is_known, 0))
		fail_msg("nothing known after 10 s: %s, %s", now()->contact[0].problem,
			 now()->relay[0].problem);
}

static double total(unsigned int k)
{
	return now()->contact[k].total;
}

static void totals_follow_the_counters(void **state)
{
	open_world();
	known();
	/* what the module had counted before is not the meter's */
	assert_true(fabs(total(0) - 1000) < 1e-9);
	put("0-009/in1_pulses", "4294967299\n");
	put("0-009/in4_pulses", "77\n");
	assert_true(run(NULL, ROUNDS));
	assert_true(fabs(total(0) - 1000.05) < 1e-9);
	assert_int_equal(now()->contact[0].pulses, 5);
	assert_true(fabs(total(1) - 0.007) < 1e-9);
	assert_true(w.changes > 0);
	/* the configuration is the module's */
	assert_string_equal(text_of("0-009/in1_min_closed_ms"), "20");
	assert_string_equal(text_of("0-009/in1_min_open_ms"), "30");
	close_world();
}

static void a_meterd_that_is_killed_loses_no_pulse(void **state)
{
	pid_t child = fork();
	int status;

	if (!child) {
		open_world();
		known();
		put("0-009/in1_pulses", "100\n");
		run(NULL, ROUNDS);
		put("0-009/in1_pulses", "107\n");
		/* before or after it was looked at: both must be right */
		kill(getpid(), SIGKILL);
	}
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	put("0-009/in1_pulses", "110\n");
	open_world();
	/* restored before anything is looked at */
	assert_true(total(0) > 1000.05);
	known();
	/* 4294967299 is 3 in the module's 32 bits; 5 pulses were counted then */
	assert_int_equal(now()->contact[0].pulses, 5 + 110 - 3);
	close_world();
}

static void a_module_that_is_gone_is_a_problem_and_no_zero(void **state)
{
	char from[128], to[128];

	open_world();
	known();
	snprintf(from, sizeof(from), "%s/0-009", root);
	snprintf(to, sizeof(to), "%s.gone", root);
	assert_int_equal(rename(from, to), 0);
	assert_true(run(meters_are_gone, 0));
	assert_string_equal(now()->contact[0].problem, "no such module");
	assert_true(total(0) > 1000);
	assert_true(isnan(now()->contact[0].flow_per_h));
	assert_non_null(strstr(w.events, "input: gas: no such module"));
	/* the other module is not disturbed */
	assert_null(now()->relay[0].problem);
	assert_int_equal(rename(to, from), 0);
	known();
	assert_non_null(strstr(w.events, "input: gas: in order"));
	close_world();
}

static void another_module_goes_on_counting(void **state)
{
	int64_t before;

	open_world();
	known();
	before = now()->contact[0].pulses;
	put("0-009/serial_number", "9700100777\n");
	put("0-009/in1_pulses", "50000\n");
	assert_true(run(NULL, ROUNDS));
	assert_int_equal(now()->contact[0].pulses, before);
	assert_non_null(strstr(w.events, "gas: another module or input"));
	put("0-009/in1_pulses", "50002\n");
	assert_true(run(NULL, ROUNDS));
	assert_int_equal(now()->contact[0].pulses, before + 2);
	put("0-009/pulse_epoch", "9\n");
	put("0-009/in1_pulses", "1\n");
	assert_true(run(NULL, ROUNDS));
	assert_int_equal(now()->contact[0].pulses, before + 3);
	assert_non_null(strstr(w.events, "lost its memory"));
	close_world();
}

static bool beaten(void)
{
	return !strcmp(text_of("0-010/heartbeat"), "1");
}

static bool told_quiet(void)
{
	return strstr(w.events, "boiler: what it needs is not measured");
}

static void a_heartbeat_needs_what_the_relays_need(void **state)
{
	struct load_reading load[2] = { { .p_w = 100 }, { .p_w = NAN } };
	struct reading r = { .loads = 2, .load = load, .frequency_hz = 50 };

	open_world();
	known();
	put("0-010/heartbeat", "0");
	/* no reading, no heartbeat */
	assert_true(run(NULL, ROUNDS));
	assert_false(beaten());
	/* one, in which the load is not measured */
	load[0].p_w = NAN;
	terminals_measured(w.terminals, &r);
	assert_true(run(NULL, ROUNDS));
	assert_false(beaten());
	assert_false(now()->relay[0].beating);
	/* or the mains are not there */
	load[0].p_w = 100;
	r.frequency_hz = NAN;
	terminals_measured(w.terminals, &r);
	assert_true(run(NULL, ROUNDS));
	assert_false(beaten());
	/* now it is; the other load is nobody's business */
	r.frequency_hz = 50;
	terminals_measured(w.terminals, &r);
	assert_true(run(beaten, 0));
	/* one reading is one heartbeat */
	put("0-010/heartbeat", "0");
	assert_true(run(NULL, ROUNDS));
	assert_false(beaten());
	assert_true(run(told_quiet, 0));
	assert_false(beaten());
	close_world();
}

static bool told_refused(void)
{
	return strstr(w.events, "does not take its heartbeat, so its relays fall back: Is a dir");
}

static void a_heartbeat_that_is_refused_is_an_event(void **state)
{
	struct load_reading load = { .p_w = 100 };
	struct reading r = { .loads = 1, .load = &load, .frequency_hz = 50 };
	char file[128];

	open_world();
	known();
	snprintf(file, sizeof(file), "%s/0-010/heartbeat", root);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0755), 0);
	/* a silent module is told as such */
	put("0-010/state", "silent\n");
	terminals_measured(w.terminals, &r);
	assert_true(run(NULL, ROUNDS));
	assert_false(told_refused());
	put("0-010/state", "idle\n");
	terminals_measured(w.terminals, &r);
	assert_true(run(told_refused, 0));
	assert_int_equal(rmdir(file), 0);
	put("0-010/heartbeat", "0");
	terminals_measured(w.terminals, &r);
	assert_true(run(beaten, 0));
	close_world();
}

static int ask(const char *arguments, char *text, size_t size)
{
	struct command_reply reply;
	int error;

	command_run(w.commands, "test", "output", arguments, strlen(arguments), now_us(), &reply);
	snprintf(text, size, "%s", reply.text);
	error = reply.error;
	command_reply_end(&reply);
	return error;
}

static void a_command_is_checked_answered_and_told(void **state)
{
	char text[256];

	open_world();
	known();
	assert_int_equal(now()->relay[0].on, 1);
	assert_int_equal(now()->relay[1].on, 0);
	assert_int_equal(ask("{\"name\":\"sauna\",\"state\":\"on\"}", text, sizeof(text)), -ENOENT);
	assert_non_null(strstr(text, "no [relay sauna]"));
	assert_non_null(strstr(w.told, "sauna"));
	assert_non_null(strstr(w.told, "test"));
	assert_int_equal(ask("{\"name\":\"pump\",\"state\":\"maybe\"}", text, sizeof(text)),
			 -EINVAL);
	assert_int_equal(ask("{\"name\":\"pump\"}", text, sizeof(text)), -EINVAL);
	assert_int_equal(ask("{\"name\":3,\"state\":\"on\"}", text, sizeof(text)), -EINVAL);
	/* the tree has no chip: the module cannot do it, and that is said */
	assert_int_equal(ask("{\"name\":\"pump\",\"state\":\"on\"}", text, sizeof(text)), -ENODEV);
	assert_non_null(strstr(text, "pump: relays/2: the module has no such relay"));
	put("0-010/state", "silent\n");
	assert_int_equal(ask("{\"name\":\"pump\",\"state\":\"on\"}", text, sizeof(text)),
			 -ETIMEDOUT);
	assert_non_null(strstr(text, "does not answer"));
	put("0-010/state", "idle\n");
	close_world();
}

#define LED "0-010/smappee_bus.leds.3/leds/9800100902::status/trigger"

static bool relay_is_missing(void)
{
	return now()->relay[0].problem;
}

static void a_module_that_does_not_fit_shows_it(void **state)
{
	char from[128], to[136];

	snprintf(from, sizeof(from), "%s/0-010/relay1_state", root);
	snprintf(to, sizeof(to), "%s.gone", from);
	open_world();
	known();
	assert_string_equal(text_of(LED), "none [smappee-module]");
	assert_int_equal(rename(from, to), 0);
	assert_true(run(relay_is_missing, 0));
	assert_string_equal(now()->relay[0].problem, "the module has no such relay");
	assert_memory_equal(text_of(LED), "smappee-problem", 15);
	/* as sysfs shows it */
	put(LED, "none smappee-module [smappee-problem]\n");
	assert_int_equal(rename(to, from), 0);
	known();
	assert_memory_equal(text_of(LED), "smappee-module", 14);
	put(LED, "none [smappee-module]\n");
	close_world();
}

static bool problem_is_shown(void)
{
	return !strncmp(text_of(LED), "smappee-problem", 15);
}

static void a_module_that_does_not_fit_goes_on_to_identify(void **state)
{
	char from[128], to[136];

	snprintf(from, sizeof(from), "%s/0-010/relay1_state", root);
	snprintf(to, sizeof(to), "%s.gone", from);
	put(LED, "none smappee-module [smappee-identify]\n");
	assert_int_equal(rename(from, to), 0);
	open_world();
	assert_true(run(relay_is_missing, 0));
	assert_true(run(NULL, ROUNDS));
	assert_string_equal(text_of(LED), "none smappee-module [smappee-identify]");
	/* it ends, as "meterctl identify" ends it */
	put(LED, "none [smappee-module] smappee-identify\n");
	assert_true(run(problem_is_shown, 0));
	assert_int_equal(rename(to, from), 0);
	known();
	put(LED, "none [smappee-module]\n");
	close_world();
}

static void a_relay_that_falls_back_is_an_event(void **state)
{
	open_world();
	known();
	put("0-010/fail_safe", "1\n");
	put("0-010/relay1_state", "0\n");
	put("0-010/last_change", "fail-safe\n");
	assert_true(run(NULL, ROUNDS));
	assert_true(now()->relay[0].fail_safe);
	assert_int_equal(now()->relay[0].on, 0);
	assert_string_equal(now()->relay[0].cause, "fail-safe");
	assert_non_null(strstr(w.events, "boiler: is off (fail-safe)"));
	assert_non_null(strstr(w.events, "boiler: is in its fail-safe state, off: no heartbeat for "
					 "30 s"));
	put("0-010/fail_safe", "0\n");
	put("0-010/relay1_state", "1\n");
	put("0-010/last_change", "host\n");
	close_world();
}

static pid_t child_of_mine(void)
{
	char file[64];
	int pid = 0;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/self/task/%d/children", getpid());
	f = fopen(file, "r");
	assert_non_null(f);
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid;
}

static bool other_child(void)
{
	static pid_t before;
	pid_t pid = child_of_mine();

	if (!before)
		before = pid;
	return pid && pid != before && is_known();
}

static void a_process_that_dies_is_replaced(void **state)
{
	open_world();
	known();
	assert_false(other_child());
	kill(child_of_mine(), SIGKILL);
	assert_true(run(meters_are_gone, 0));
	assert_int_equal(now()->relay[0].on, -1);
	if (!run(other_child, 0))
		fail_msg("no other process after 10 s");
	close_world();
}

static const char tree[] =
	"cd %s && mkdir 0-009 0-010 && cd 0-009 && echo meters > label && "
	"echo 9700100901 > serial_number && echo idle > state && echo 3 > pulse_epoch && "
	"for i in 1 2 3 4; do echo 10 > in${i}_min_closed_ms; echo 10 > in${i}_min_open_ms; "
	"echo 70 > in${i}_pulses; done; echo 4294967294 > in1_pulses; cd ../0-010 && "
	"echo relays > label && echo 9800100902 > serial_number && echo idle > state && "
	"mkdir -p smappee_bus.leds.3/leds/9800100902::status && echo 'none [smappee-module]' > "
	"smappee_bus.leds.3/leds/9800100902::status/trigger && "
	"echo 0 > heartbeat && echo 1 > relay1_state && echo 0 > relay2_state && "
	"echo 0 > fail_safe && echo 30 > fail_safe_timeout_sec && echo host > last_change";

static int make_tree(void **state)
{
	char command[1024];

	strcpy(root, "/tmp/terminals-test-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s.registers", root);
	snprintf(command, sizeof(command), tree, root);
	return system(command);
}

static int remove_tree(void **state)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s %s.registers", root, root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_follow_the_counters),
		cmocka_unit_test(a_meterd_that_is_killed_loses_no_pulse),
		cmocka_unit_test(a_module_that_is_gone_is_a_problem_and_no_zero),
		cmocka_unit_test(another_module_goes_on_counting),
		cmocka_unit_test(a_heartbeat_needs_what_the_relays_need),
		cmocka_unit_test(a_heartbeat_that_is_refused_is_an_event),
		cmocka_unit_test(a_command_is_checked_answered_and_told),
		cmocka_unit_test(a_module_that_does_not_fit_shows_it),
		cmocka_unit_test(a_module_that_does_not_fit_goes_on_to_identify),
		cmocka_unit_test(a_relay_that_falls_back_is_an_event),
		cmocka_unit_test(a_process_that_dies_is_replaced),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
