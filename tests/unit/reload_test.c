// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A new configuration: what it changes, what needs a restart, and changes of the file by
 * command, which leave it as it was when they are not possible.
 */
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "outputs.h"
#include "reload.h"

static const char format[] = "# the house\n"
			     "[gateway]\nname = house\nsettings = %s\n"
			     "[topology]\ntype = 1p\n"
			     "[load grid]\nrole = grid\ninputs = hub1/A ; clamp\nphases = L1\n"
			     "[mqtt]\n# the broker\nhost = 192.0.2.1\n";

/**
 * struct fixture - a configuration file
 * @dir: folder
 * @file: file
 * @text: what is in it
 * @settings: file of the values that were set
 * @config: in force
 * @commands: table
 * @r: the commands
 * @reloads: how often a reload was asked for
 * @now_us: time of the next command
 * @loop: event loop
 * @answered: an answer has come
 * @error: of it
 * @json: text of it
 */
struct fixture {
	char dir[64];
	char file[96];
	char text[512];
	char settings[96];
	struct config config;
	struct commands *commands;
	struct reload_commands r;
	unsigned int reloads;
	uint64_t now_us;
	sd_event *loop;
	bool answered;
	int error;
	char json[512];
};

/**
 * struct medium - what the process that writes shares with the test, in place of fsync()
 * @flushed: folders, files and errors in their order: "f", "d"
 * @hangs: it waits for @go
 * @go: as often as this was posted
 * @fails: errno of "f" or "d"
 */
static struct medium {
	char flushed[16];
	bool hangs;
	sem_t go;
	int fails[2];
} *medium;

int fsync(int fd)
{
	struct stat st;
	bool folder;

	assert_int_equal(fstat(fd, &st), 0);
	folder = S_ISDIR(st.st_mode);
	strcat(medium->flushed, folder ? "d" : "f");
	if (medium->hangs)
		sem_wait(&medium->go);
	errno = medium->fails[folder];
	return errno ? -1 : 0;
}

static void write_file(const char *path, const char *what)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(what, f);
	fclose(f);
}

static void read_file(const char *path, char *to, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(to, 1, size - 1, f);
	to[n] = '\0';
	fclose(f);
}

static void on_reload(void *user)
{
	struct fixture *f = user;

	f->reloads++;
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	strcpy(f->dir, "/tmp/reload-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/meterd.conf", f->dir);
	snprintf(f->settings, sizeof(f->settings), "%s/settings.conf", f->dir);
	snprintf(f->text, sizeof(f->text), format, f->settings);
	write_file(f->file, f->text);
	assert_int_equal(config_read(&f->config, f->file, NULL), 0);
	assert_true(sd_event_new(&f->loop) >= 0);
	f->r = (struct reload_commands){
		.event = f->loop, .config = &f->config, .reload = on_reload, .user = f
	};
	medium = mmap(NULL, sizeof(*medium), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_ptr_not_equal(medium, MAP_FAILED);
	sem_init(&medium->go, 1, 0);
	return commands_create(&f->commands, NULL, NULL) || reload_register(&f->r, f->commands);
}

static int stop(void **state)
{
	struct fixture *f = *state;

	reload_abandon(&f->r);
	commands_destroy(f->commands);
	config_free(&f->config);
	sd_event_unref(f->loop);
	munmap(medium, sizeof(*medium));
	unlink(f->file);
	unlink(f->settings);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* What another file would change. */
static int parts_of(struct fixture *f, const char *other, char *why, size_t size)
{
	struct config next;
	int parts;

	why[0] = '\0';
	write_file(f->file, other);
	assert_int_equal(config_read(&next, f->file, NULL), 0);
	parts = reload_parts(&f->config, &next, why, size);
	config_free(&next);
	return parts;
}

static void the_same_file_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char why[128];

	assert_int_equal(parts_of(f, f->text, why, sizeof(why)), 0);
}

static void ways_out_can_change(void **state)
{
	struct fixture *f = *state;
	char other[1024];
	char why[128];

	snprintf(other, sizeof(other), "%s[modbus]\nlisten = 127.0.0.1:1502\n[http]\n", f->text);
	assert_int_equal(parts_of(f, other, why, sizeof(why)), RELOAD_MODBUS | RELOAD_HTTP);
	snprintf(other, sizeof(other), "%sport = 1884\n", f->text);
	assert_int_equal(parts_of(f, other, why, sizeof(why)), RELOAD_MQTT);
}

static void what_is_measured_needs_a_restart(void **state)
{
	struct fixture *f = *state;
	char other[1024];
	char why[128];

	snprintf(other, sizeof(other), "%s[load pump]\ninputs = hub1/B\nphases = L1\n", f->text);
	assert_int_equal(parts_of(f, other, why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "[load]"));
	snprintf(other, sizeof(other), "%s[source]\nblock_ms = 40\n", f->text);
	assert_int_equal(parts_of(f, other, why, sizeof(why)), -EBUSY);
	assert_string_equal(why, "[source] block_ms differs, which needs a restart");
	/* the store's queues belong to the upstreams it was opened with */
	snprintf(other, sizeof(other), "%s[store]\n[influx]\nurl = http://127.0.0.1:8086\n",
		 f->text);
	assert_int_equal(parts_of(f, other, why, sizeof(why)), -EBUSY);
	assert_string_equal(why, "[influx] differs, which needs a restart");
}

static void on_answered(void *user, const struct command_reply *reply)
{
	struct fixture *f = user;
	char *line = command_reply_json(reply);

	snprintf(f->json, sizeof(f->json), "%s", line);
	free(line);
	f->error = reply->error;
	f->answered = true;
}

static bool has_answered(void *context)
{
	struct fixture *f = context;

	return f->answered;
}

/* Give a command; the answer may come later. */
static void ask(struct fixture *f, const char *name, const char *arguments)
{
	struct command_reply reply;

	f->answered = false;
	command_run(f->commands, "test", name, arguments, strlen(arguments), f->now_us += 2000000,
		    &reply);
	if (reply.later)
		command_await(reply.later, on_answered, f);
	else
		on_answered(f, &reply);
	command_reply_end(&reply);
}

static int command(struct fixture *f, const char *name, const char *arguments, char *json,
		   size_t size)
{
	ask(f, name, arguments);
	assert_true(turn_until(f->loop, has_answered, f));
	snprintf(json, size, "%s", f->json);
	return f->error;
}

static int set(struct fixture *f, const char *section, const char *key, const char *value,
	       char *json, size_t size)
{
	char arguments[256];

	snprintf(arguments, sizeof(arguments),
		 "{\"section\":\"%s\",\"key\":\"%s\",\"value\":\"%s\"}", section, key, value);
	return command(f, "config-set", arguments, json, size);
}

/* The configuration file is the administrator's; what is set by command is kept beside it, and
 * wins. */
static void a_value_is_set_and_the_file_stays(void **state)
{
	struct fixture *f = *state;
	char json[512];
	char after[1024];
	struct config next;
	struct stat st;

	assert_int_equal(set(f, "mqtt", "port", "1884", json, sizeof(json)), 0);
	assert_null(strstr(json, "restart"));
	assert_int_equal(f->reloads, 1);
	chmod(f->settings, 0640);
	assert_int_equal(set(f, "load grid", "role", "submeter", json, sizeof(json)), 0);
	assert_non_null(strstr(json, "[load] role differs, which needs a restart"));
	assert_int_equal(set(f, "mqtt", "port", "1885", json, sizeof(json)), 0);
	assert_int_equal(set(f, "mqtt", "user", "x", json, sizeof(json)), 0);
	read_file(f->file, after, sizeof(after));
	assert_string_equal(after, f->text);
	read_file(f->settings, after, sizeof(after));
	assert_string_equal(strchr(after, '\n'), "\n[mqtt]\nport = 1885\nuser = x\n"
						 "[load grid]\nrole = submeter\n");
	assert_int_equal(stat(f->settings, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(config_read(&next, f->file, NULL), 0);
	assert_int_equal(next.mqtt.port, 1885);
	assert_string_equal(next.mqtt.host, "192.0.2.1");
	assert_string_equal(next.load[0].role, "submeter");
	assert_int_equal(next.loads, 1);
	assert_int_equal(next.settings_given, 3);
	config_free(&next);
}

static void a_value_is_that_of_the_file_again(void **state)
{
	struct fixture *f = *state;
	char json[512];
	struct config next;

	assert_int_equal(set(f, "mqtt", "port", "1884", json, sizeof(json)), 0);
	assert_int_equal(command(f, "config-unset", "{\"section\":\"mqtt\",\"key\":\"port\"}", json,
				 sizeof(json)),
			 0);
	assert_int_equal(f->reloads, 2);
	assert_int_equal(config_read(&next, f->file, NULL), 0);
	assert_int_equal(next.mqtt.port, 1883);
	assert_int_equal(next.settings_given, 0);
	config_free(&next);
}

/* Settings change what the file has; they add no load and no way out, and choose no file. */
static void settings_that_do_not_fit_are_refused(void **state)
{
	static const char *const rows[] = {
		"[load pump]\nrole = grid\n",	   "[influx]\nurl = http://127.0.0.1:8086\n",
		"[http]\nlisten = 0.0.0.0:80\n",   "[mqtt]\npassword_file = /etc/shadow\n",
		"[button]\nprogram = /tmp/mine\n", "[mqtt]\nport = 0\n",
		"[light]\ndevice = /etc\n",	   "[source]\nuri = xml:/etc/passwd\n",
	};
	struct fixture *f = *state;
	struct config next;
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		write_file(f->settings, rows[k]);
		if (config_read(&next, f->file, NULL) != -EINVAL)
			fail_msg("%s is taken", rows[k]);
		config_free(&next);
	}
}

static void without_a_place_nothing_is_set(void **state)
{
	struct fixture *f = *state;
	char json[512];
	char text[512];

	snprintf(text, sizeof(text), format, "/proc/nothing/settings.conf");
	write_file(f->file, text);
	config_free(&f->config);
	assert_int_equal(config_read(&f->config, f->file, NULL), 0);
	assert_int_not_equal(set(f, "mqtt", "port", "1884", json, sizeof(json)), 0);
	assert_non_null(strstr(json, "/proc/nothing/settings.conf.new"));
	assert_int_equal(f->reloads, 0);
}

#define SET_PORT "{\"section\":\"mqtt\",\"key\":\"port\",\"value\":\"1884\"}"

static bool is_flushing(void *context)
{
	return medium->flushed[0];
}

/* The card stalls: the loop turns, nothing is answered, and no second setting is begun. */
static void a_medium_that_hangs_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	char json[512];
	char after[1024];

	medium->hangs = true;
	ask(f, "config-set", SET_PORT);
	assert_true(turn_until(f->loop, is_flushing, f));
	turn_for(f->loop, 50);
	assert_false(f->answered);
	assert_int_equal(f->reloads, 0);
	/* what needs no file is answered meanwhile */
	assert_int_equal(command(f, "config-get", "{\"section\":\"mqtt\"}", json, sizeof(json)), 0);
	assert_int_equal(command(f, "config-set", SET_PORT, json, sizeof(json)), -EBUSY);
	f->answered = false;
	sem_post(&medium->go);
	sem_post(&medium->go);
	assert_true(turn_until(f->loop, has_answered, f));
	assert_int_equal(f->error, 0);
	assert_int_equal(f->reloads, 1);
	read_file(f->settings, after, sizeof(after));
	assert_non_null(strstr(after, "port = 1884"));
}

/* What is answered "done" survives a power cut: the file first, then its name. */
static void a_setting_is_done_when_it_is_on_the_medium(void **state)
{
	struct fixture *f = *state;
	char json[512];

	assert_int_equal(command(f, "config-set", SET_PORT, json, sizeof(json)), 0);
	assert_string_equal(medium->flushed, "fd");
}

static void a_medium_that_takes_nothing_is_named(void **state)
{
	struct fixture *f = *state;
	char json[512];

	medium->fails[0] = ENOSPC;
	assert_int_equal(command(f, "config-set", SET_PORT, json, sizeof(json)), -ENOSPC);
	assert_non_null(strstr(json, "settings.conf.new: No space left on device"));
	assert_int_equal(access(f->settings, F_OK), -1);
	medium->fails[0] = 0;
	medium->fails[1] = EIO;
	assert_int_equal(command(f, "config-set", SET_PORT, json, sizeof(json)), -EIO);
	assert_non_null(strstr(json, "settings.conf: Input/output error; whether a power cut"));
	assert_int_equal(f->reloads, 0);
}

static void the_end_of_meterd_answers_what_is_waited_for(void **state)
{
	struct fixture *f = *state;
	char unfinished[128];

	medium->hangs = true;
	ask(f, "config-set", SET_PORT);
	assert_true(turn_until(f->loop, is_flushing, f));
	reload_abandon(&f->r);
	assert_true(f->answered);
	assert_int_equal(f->error, -ECANCELED);
	reload_abandon(&f->r);
	snprintf(unfinished, sizeof(unfinished), "%s.new", f->settings);
	assert_int_equal(unlink(unfinished), 0);
}

static void what_is_not_possible_changes_nothing(void **state)
{
	static const struct {
		const char *arguments;
		int error;
		const char *why;
	} rows[] = {
		{ "{\"section\":\"mqtt\",\"key\":\"port\",\"value\":\"0\"}", -EINVAL,
		  "[mqtt] port = 0: not a whole number from 1 to 65535" },
		{ "{\"section\":\"mqtt\",\"key\":\"prot\",\"value\":\"1\"}", -EINVAL, NULL },
		{ "{\"section\":\"load grid\",\"key\":\"phases\",\"value\":\"L3\"}", -EINVAL,
		  NULL },
		{ "{\"section\":\"load pump\",\"key\":\"role\",\"value\":\"grid\"}", -ENOENT,
		  NULL },
		{ "{\"section\":\"mqtt\",\"key\":\"port\",\"value\":\"1\\n[http]\"}", -EINVAL,
		  NULL },
		{ "{\"section\":\"mqtt\",\"key\":\"port = 1\\nx\",\"value\":\"1\"}", -EINVAL,
		  NULL },
		{ "{\"section\":\"http\",\"key\":\"token_file\",\"value\":\"/etc/passwd\"}", -EPERM,
		  NULL },
		{ "{\"section\":\"source\",\"key\":\"uri\",\"value\":\"xml:/x.xml\"}", -EPERM,
		  NULL },
		{ "{\"section\":\"source\",\"key\":\"uri\",\"value\":\"usb:\"}", -EPERM, NULL },
		{ "{\"section\":\"source\",\"key\":\"uri\",\"value\":\"serial:/dev/x\"}", -EPERM,
		  NULL },
		{ "{\"section\":\"source\",\"key\":\"uri\",\"value\":\"local:x\"}", -EPERM, NULL },
		{ "{\"section\":\"source\",\"key\":\"uri\",\"value\":\"ip:\"}", -EPERM, NULL },
		{ "{\"section\":\"source\",\"key\":\"uri\",\"value\":\"ip:a/../b\"}", -EPERM,
		  NULL },
		{ "{\"section\":\"store\",\"key\":\"file\",\"value\":\"/x\"}", -EPERM, NULL },
		{ "{\"section\":\"button\",\"key\":\"program\",\"value\":\"/x\"}", -EPERM, NULL },
		{ "{\"section\":\"influx\",\"key\":\"url\",\"value\":\"http://x\"}", -ENOENT,
		  NULL },
		{ "{\"section\":\"mqtt\",\"key\":\"topic\",\"value\":\"a ;b\"}", -EINVAL, NULL },
		{ "{\"section\":\"mqtt\",\"key\":\"topic\",\"value\":\";b\"}", -EINVAL, "comment" },
		{ "{\"section\":\"mqtt]\",\"key\":\"port\",\"value\":\"1\"}", -EINVAL, NULL },
	};
	struct fixture *f = *state;
	char after[1024];
	char json[512];
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		int error = command(f, "config-set", rows[k].arguments, json, sizeof(json));

		if (error != rows[k].error || (rows[k].why && !strstr(json, rows[k].why)))
			fail_msg("%s: %d, %s", rows[k].arguments, error, json);
		read_file(f->file, after, sizeof(after));
		assert_string_equal(after, f->text);
		assert_int_equal(access(f->settings, F_OK), -1);
	}
	assert_int_equal(f->reloads, 0);
}

static void samples_of_another_machine_can_be_chosen(void **state)
{
	static const char *const uris[] = { "ip:house.local", "ip:[2001:db8::7]:30431", "local:" };
	struct fixture *f = *state;
	char json[512];
	size_t k;

	for (k = 0; k < sizeof(uris) / sizeof(uris[0]); k++)
		if (set(f, "source", "uri", uris[k], json, sizeof(json)))
			fail_msg("%s: %s", uris[k], json);
	assert_int_equal(set(f, "source", "uri", "xml:/x", json, sizeof(json)), -EPERM);
	assert_non_null(
		strstr(json, "[source] uri: only local: and ip:HOST can be set by command"));
}

static void a_section_can_be_read(void **state)
{
	struct fixture *f = *state;
	char json[4096];

	assert_int_equal(command(f, "config-get", "{\"section\":\"mqtt\"}", json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"host\":\"192.0.2.1\",\"port\":\"1883\""));
	assert_int_equal(
		command(f, "config-get", "{\"section\":\"load grid\"}", json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"role\":\"grid\""));
	assert_int_equal(command(f, "config-get", "{\"section\":\"load\"}", json, sizeof(json)),
			 -ENOENT);
	assert_int_equal(command(f, "config-get", "{\"section\":\"nothing\"}", json, sizeof(json)),
			 -ENOENT);
}

static void a_bad_file_is_not_reloaded(void **state)
{
	struct fixture *f = *state;
	char json[512];

	write_file(f->file, "[mqtt]\nport = 0\n");
	assert_int_equal(command(f, "reload", "", json, sizeof(json)), -EINVAL);
	assert_non_null(strstr(json, "meterd.conf:2: [mqtt] port = 0: not a whole number"));
	assert_int_equal(f->reloads, 0);
	write_file(f->file, f->text);
	assert_int_equal(command(f, "reload", "", json, sizeof(json)), 0);
	assert_int_equal(f->reloads, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_file_changes_nothing),
		TEST(ways_out_can_change),
		TEST(what_is_measured_needs_a_restart),
		TEST(a_value_is_set_and_the_file_stays),
		TEST(a_value_is_that_of_the_file_again),
		TEST(settings_that_do_not_fit_are_refused),
		TEST(without_a_place_nothing_is_set),
		TEST(a_medium_that_hangs_is_not_waited_for),
		TEST(a_setting_is_done_when_it_is_on_the_medium),
		TEST(a_medium_that_takes_nothing_is_named),
		TEST(the_end_of_meterd_answers_what_is_waited_for),
		TEST(what_is_not_possible_changes_nothing),
		TEST(samples_of_another_machine_can_be_chosen),
		TEST(a_section_can_be_read),
		TEST(a_bad_file_is_not_reloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
