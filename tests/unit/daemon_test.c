// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program as a whole, run beside this test: options, notification, the end by
 * SIGTERM, and registers that go on where they were.
 */
#include "chain.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "recording.h"
#include "registers.h"

static char program[PATH_MAX];
static char folder[] = "/tmp/meterd-daemon-XXXXXX";
static char conf[128];
static char csv[128];
static char energy[128];

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Two seconds of 230 V and 10 A at power factor 1. */
static void write_recording(void)
{
	FILE *f = fopen(csv, "w");
	unsigned int k;

	assert_non_null(f);
	fputs("# sample rate: 4000 Hz\nL1,A\n", f);
	for (k = 0; k < 8000; k++)
		fprintf(f, "%.3f,%.4f\n", 230 * M_SQRT2 * sin(2 * M_PI * k / 80),
			10 * M_SQRT2 * sin(2 * M_PI * k / 80));
	fclose(f);
}

static void write_conf(unsigned int repeat)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "[source]\nreplay = %s\nrepeat = %u\n[topology]\ntype = 1p\n[load boiler]\n"
		 "inputs = hub1/A\nphases = L1\n[registers]\nfile = %s\n",
		 csv, repeat, energy);
	write_text(conf, text);
}

/* Start the program; its standard output and error come through *output. */
static pid_t start(int *output, const char *option, const char *value)
{
	int tube[2];
	pid_t child;

	assert_int_equal(pipe(tube), 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(tube[1], STDOUT_FILENO);
		dup2(tube[1], STDERR_FILENO);
		close(tube[0]);
		execl(program, program, "--config", conf, option, value, (char *)NULL);
		_exit(127);
	}
	close(tube[1]);
	*output = tube[0];
	return child;
}

static int finish(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Read until the end, or until @text came. Returns whether it did. */
static bool wait_for(int output, const char *text, char *all, size_t bytes)
{
	size_t n = 0;
	ssize_t got;

	memset(all, 0, bytes);
	while ((got = read(output, all + n, bytes - 1 - n)) > 0) {
		n += (size_t)got;
		if (strstr(all, text))
			return true;
		if (n > bytes / 2) {
			memmove(all, all + n - 256, 256);
			n = 256;
			memset(all + n, 0, bytes - n);
		}
	}
	return false;
}

static double restored_j(void)
{
	static struct load loads[] = {
		{ .name = "boiler", .elements = 1, .element = { { .input = "hub1/A" } } }
	};
	static struct installation in = { .loads = 1, .load = loads };
	struct registers *r;
	double j;

	assert_int_equal(registers_open(&r, &in, energy), 0);
	j = registers_import_j(r, 0);
	registers_close(r);
	return j;
}

static int setup(void **state)
{
	if (access(program, X_OK)) {
		print_message("%s is not built: skipped\n", program);
		skip();
	}
	unlink(energy);
	write_recording();
	return 0;
}

static void a_replay_prints_one_line_per_reading_and_touches_no_registers(void **state)
{
	static char all[65536];
	unsigned int lines = 0;
	char *c;
	int output;
	pid_t child;

	write_conf(1);
	child = start(&output, "--replay", csv);
	assert_false(wait_for(output, "no such text", all, sizeof(all)));
	close(output);
	assert_int_equal(finish(child), 0);
	for (c = all; (c = strstr(c, "{\"time\":\"1970-01-01T00:00:0")); c++)
		lines++;
	assert_int_equal(lines, 1);
	assert_non_null(strstr(all, "\"frequency_hz\":50.00"));
	assert_true(access(energy, F_OK) != 0);
}

static void a_good_configuration_is_good_and_a_bad_one_is_not(void **state)
{
	char all[4096];
	int output;
	pid_t child;

	write_conf(1);
	child = start(&output, "--check-config", NULL);
	assert_true(wait_for(output, "good: 1 loads", all, sizeof(all)));
	assert_int_equal(finish(child), 0);
	close(output);
	write_conf(0);
	child = start(&output, "--check-config", NULL);
	assert_true(wait_for(output, ":3: [source] repeat = 0", all, sizeof(all)));
	assert_int_equal(finish(child), 1);
	close(output);
}

static void sigterm_saves_the_registers_and_the_next_start_goes_on(void **state)
{
	static char all[65536];
	double first;
	double second;
	int output;
	pid_t child;

	write_conf(1000000);
	child = start(&output, NULL, NULL);
	if (!wait_for(output, "measuring", all, sizeof(all)))
		fail_msg("%s", all);
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
	first = restored_j();
	/* a reading is 1 s of 2300 W */
	assert_true(first >= 2299.0);

	child = start(&output, NULL, NULL);
	if (!wait_for(output, "measuring", all, sizeof(all)))
		fail_msg("%s", all);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(output);
	second = restored_j();
	assert_true(second >= first + 2299.0);
}

static void the_service_manager_is_told(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ready = false;
	bool watchdog = false;
	char message[256];
	int output;
	pid_t child;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
	assert_int_equal(bind(notify, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	write_conf(1000000);
	child = start(&output, NULL, NULL);
	unsetenv("NOTIFY_SOCKET");
	while (!watchdog) {
		ssize_t n = recv(notify, message, sizeof(message) - 1, 0);

		assert_true(n > 0);
		message[n] = '\0';
		ready = ready || strstr(message, "READY=1");
		watchdog = strstr(message, "WATCHDOG=1");
	}
	assert_true(ready);
	kill(child, SIGTERM);
	/* nobody reads any more: the program must not wait for us to */
	close(notify);
	assert_int_equal(finish(child), 0);
	close(output);
}

/* Messages to the service manager until it is quiet for a second; which of them said so. */
static bool notified(int notify, const char *text)
{
	struct timeval patience = { .tv_sec = 1 };
	char message[256];
	bool said = false;
	ssize_t n;

	setsockopt(notify, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((n = recv(notify, message, sizeof(message) - 1, 0)) > 0) {
		message[n] = '\0';
		said = said || strstr(message, text);
	}
	return said;
}

/* A replay at a millionth of its speed is a source that hangs, while the loop does not. */
static void a_hung_sample_path_does_not_feed_the_watchdog(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[1024];
	int output;
	pid_t child;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify2", folder);
	assert_int_equal(bind(notify, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	snprintf(text, sizeof(text),
		 "[source]\nreplay = %s\nspeed = 0.000001\n[topology]\ntype = 1p\n"
		 "[load boiler]\ninputs = hub1/A\nphases = L1\n",
		 csv);
	write_text(conf, text);
	child = start(&output, NULL, NULL);
	unsetenv("NOTIFY_SOCKET");
	assert_true(notified(notify, "READY=1"));
	kill(child, SIGHUP);
	assert_false(notified(notify, "WATCHDOG=1"));
	kill(child, SIGHUP);
	assert_true(notified(notify, "READY=1"));
	kill(child, SIGTERM);
	close(notify);
	assert_int_equal(finish(child), 0);
	close(output);
}

static void add_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void sighup_reloads_what_can_be_and_keeps_the_rest(void **state)
{
	static char all[65536];
	int output;
	pid_t child;

	write_conf(1000000);
	child = start(&output, NULL, NULL);
	assert_true(wait_for(output, "measuring", all, sizeof(all)));
	kill(child, SIGHUP);
	assert_true(wait_for(output, "reload: nothing differs", all, sizeof(all)));
	add_text(conf, "[modbus]\nlisten = 127.0.0.1:0\nload = boiler\n");
	kill(child, SIGHUP);
	assert_true(wait_for(output, "reload: done", all, sizeof(all)));
	/* the load is not there: the old one goes on */
	add_text(conf, "unit = 7\n[gateway]\nname = other\n");
	kill(child, SIGHUP);
	assert_true(wait_for(output, "[gateway] name differs, which needs a restart; the old", all,
			     sizeof(all)));
	add_text(conf, "nme = 7\n");
	kill(child, SIGHUP);
	assert_true(
		wait_for(output, "has mistakes; the old configuration stays", all, sizeof(all)));
	write_conf(1000000);
	add_text(conf, "[modbus]\nlisten = 127.0.0.1:0\nload = pump\n");
	kill(child, SIGHUP);
	assert_true(wait_for(output, "the old one stays", all, sizeof(all)));
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

/* A machine without a bus: who does not say what is measured waits for modules. */
static void sighup_while_it_waits_for_modules_reads_the_configuration(void **state)
{
	static char all[65536];
	int output;
	pid_t child;

	if (!access("/sys/bus/smappee/devices", F_OK))
		skip();
	write_text(conf, "[source]\nuri = local:\n");
	child = start(&output, NULL, NULL);
	assert_true(wait_for(output, "waiting for a voltage module", all, sizeof(all)));
	write_text(conf, "[mqtt]\nport = 0\n");
	kill(child, SIGHUP);
	assert_true(wait_for(output, "the old configuration stays", all, sizeof(all)));
	write_conf(1000000);
	kill(child, SIGHUP);
	assert_true(wait_for(output, "measuring: ", all, sizeof(all)));
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

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

static int run_meterctl(const char *socket, const char *seconds, const char *file)
{
	char meterctl[PATH_MAX + 16];
	char path[PATH_MAX];
	pid_t child = fork();

	strcpy(path, program);
	snprintf(meterctl, sizeof(meterctl), "%s/meterctl", dirname(path));
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(meterctl, meterctl, "capture", seconds, file, "--socket", socket,
		      (char *)NULL);
		_exit(127);
	}
	return finish(child);
}

static void meterctl_captures_what_meterd_measures(void **state)
{
	static char all[65536];
	char text[1024];
	char socket[128];
	char file[128];
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
	assert_int_equal(run_meterctl(socket, "3.5", file), 0);
	assert_is_recorded(file, 3.5);
	assert_int_equal(run_meterctl(socket, "0", file), 2);
	unlink(file);
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

/* The body of the answer to GET @path, for free(). */
static char *ask(const char *socket_path, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = 30 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t size = 65536, n = 0;
	char *all = calloc(1, size);
	ssize_t got;
	char *body;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	dprintf(fd, "GET %s HTTP/1.0\r\n\r\n", path);
	while ((got = read(fd, all + n, size - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	body = strstr(all, "\r\n\r\n");
	if (!body)
		fail_msg("%s is not answered", path);
	memmove(all, body + 4, strlen(body + 4) + 1);
	return all;
}

static void read_page(char *page, size_t size)
{
	static const char *const places[] = { "Documentation/admin-guide/api.rst",
					      "../Documentation/admin-guide/api.rst",
					      "/src/Documentation/admin-guide/api.rst" };
	FILE *f = NULL;
	unsigned int k;

	for (k = 0; !f && k < 3; k++)
		f = fopen(places[k], "r");
	assert_non_null(f);
	page[fread(page, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* A table begins in the first column with these methods and paths, and with no others. */
static unsigned int rows_of(const char *page)
{
	const char *at = page;
	unsigned int n = 0;

	while ((at = strstr(at + 1, "\n``")))
		n += !strncmp(at, "\n``GET /", 8) || !strncmp(at, "\n``POST /", 9);
	return n - (strstr(page, "\n``GET /api/v1`` gives") ? 1 : 0) -
	       (strstr(page, "\n``GET /`` is") ? 1 : 0);
}

static void the_page_of_the_api_has_every_path_and_no_other(void **state)
{
	static char all[65536], page[65536];
	char text[1024], row[128], socket_path[64];
	struct json_object *list;
	size_t k;
	int output;
	char *answer;
	pid_t child;

	snprintf(socket_path, sizeof(socket_path), "%s/api", folder);
	write_conf(1000000);
	snprintf(text, sizeof(text), "[http]\nlisten = 127.0.0.1:0\nsocket = %s\n", socket_path);
	add_text(conf, text);
	child = start(&output, NULL, NULL);
	assert_true(wait_for(output, "measuring", all, sizeof(all)));
	answer = ask(socket_path, "/api/v1");
	list = json_tokener_parse(answer);
	free(answer);
	read_page(page, sizeof(page));
	assert_true(json_object_is_type(list, json_type_array));
	for (k = 0; k < json_object_array_length(list); k++) {
		struct json_object *o = json_object_array_get_idx(list, k);

		snprintf(row, sizeof(row), "\n``%s %s``  ",
			 json_object_get_string(json_object_object_get(o, "method")),
			 json_object_get_string(json_object_object_get(o, "path")));
		if (!strstr(page, row))
			fail_msg("api.rst has no row \"%s\"", row + 1);
	}
	assert_int_equal(rows_of(page), k);
	json_object_put(list);
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

static bool is_there(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	there = !connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return there;
}

/* Number of the present reading, 0 while there is none. */
static unsigned long reading_number(const char *socket_path)
{
	char *answer = ask(socket_path, "/api/v1/live");
	const char *at = strstr(answer, "\"sequence\":");
	unsigned long n = at ? strtoul(at + strlen("\"sequence\":"), NULL, 10) : 0;

	free(answer);
	return n;
}

static void wait_for_reading(const char *socket_path, unsigned long after)
{
	const struct timespec pause = { 0, 10000000 };
	unsigned int k;

	for (k = 0; k < 3000; k++, nanosleep(&pause, NULL))
		if (is_there(socket_path) && reading_number(socket_path) > after)
			return;
	fail_msg("no reading after number %lu", after);
}

static void fill_up(int tube)
{
	int flags = fcntl(tube, F_GETFL);
	static const char line[] = "full\n";

	fcntl(tube, F_SETFL, flags | O_NONBLOCK);
	while (write(tube, line, strlen(line)) > 0)
		;
	fcntl(tube, F_SETFL, flags);
}

/* Who reads the messages has stopped: measuring goes on. */
static void a_full_pipe_of_messages_holds_nothing_up(void **state)
{
	static char all[65536];
	char text[1024], socket_path[64];
	unsigned long before;
	unsigned int k;
	int tube[2];
	pid_t child;

	snprintf(socket_path, sizeof(socket_path), "%s/full", folder);
	write_conf(1000000);
	snprintf(text, sizeof(text), "[http]\nlisten = 127.0.0.1:0\nsocket = %s\n", socket_path);
	add_text(conf, text);
	assert_int_equal(pipe(tube), 0);
	fill_up(tube[1]);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(tube[1], STDERR_FILENO);
		close(tube[0]);
		execl(program, program, "--config", conf, (char *)NULL);
		_exit(127);
	}
	close(tube[1]);
	wait_for_reading(socket_path, 0);
	for (k = 0; k < 3; k++) {
		before = reading_number(socket_path);
		kill(child, SIGHUP);
		wait_for_reading(socket_path, before);
	}
	fcntl(tube[0], F_SETFL, O_NONBLOCK);
	while (read(tube[0], all, sizeof(all)) > 0)
		;
	fcntl(tube[0], F_SETFL, 0);
	kill(child, SIGHUP);
	assert_true(wait_for(tube[0], "messages were dropped, since nobody took them", all,
			     sizeof(all)));
	assert_true(strstr(all, "reload: nothing differs") ||
		    wait_for(tube[0], "reload: nothing differs", all, sizeof(all)));
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(tube[0]);
}

/* What "meterctl @words" prints, both outputs. Return: its exit status. */
static int meterctl_says(const char *socket, const char *words, char *text, size_t size)
{
	char command[PATH_MAX + 256];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "'%.*s/meterctl' %s --socket '%s' 2>&1",
		 (int)(strlen(program) - strlen("/meterd")), program, words, socket);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	return WEXITSTATUS(pclose(f));
}

static void says(const char *socket, const char *words, int status, const char *wanted)
{
	char text[4096];
	int found = meterctl_says(socket, words, text, sizeof(text));

	if (found != status || !strstr(text, wanted))
		fail_msg("meterctl %s: status %d, \"%s\"; wanted %d, \"%s\"", words, found, text,
			 status, wanted);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_replay_prints_one_line_per_reading_and_touches_no_registers, setup),
		cmocka_unit_test_setup(a_good_configuration_is_good_and_a_bad_one_is_not, setup),
		cmocka_unit_test_setup(sigterm_saves_the_registers_and_the_next_start_goes_on,
				       setup),
		cmocka_unit_test_setup(the_service_manager_is_told, setup),
		cmocka_unit_test_setup(a_hung_sample_path_does_not_feed_the_watchdog, setup),
		cmocka_unit_test_setup(sighup_reloads_what_can_be_and_keeps_the_rest, setup),
		cmocka_unit_test_setup(sighup_while_it_waits_for_modules_reads_the_configuration,
				       setup),
		cmocka_unit_test_setup(the_page_of_the_api_has_every_path_and_no_other, setup),
		cmocka_unit_test_setup(a_full_pipe_of_messages_holds_nothing_up, setup),
		cmocka_unit_test_setup(meterctl_captures_what_meterd_measures, setup),
		cmocka_unit_test_setup(meterctl_shows_inputs_and_says_why_a_relay_is_not_switched,
				       setup),
	};
	char self[PATH_MAX] = "";
	char command[64];
	int failed;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || !mkdtemp(folder))
		return 1;
	snprintf(program, sizeof(program), "%s/../meterd", dirname(self));
	snprintf(conf, sizeof(conf), "%s/conf", folder);
	snprintf(csv, sizeof(csv), "%s/csv", folder);
	snprintf(energy, sizeof(energy), "%s/registers", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) || failed;
}
