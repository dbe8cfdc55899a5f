// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program and the service manager: it says that it is ready and alive, and reloads its
 * configuration.
 */
#include "daemon-rig.h"

#include <signal.h>

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

/* Messages to the service manager until one says so, or it is quiet for so long. */
static bool notified(int notify, const char *text, unsigned int quiet_s)
{
	struct timeval patience = { .tv_sec = quiet_s };
	char message[256];
	ssize_t n;

	setsockopt(notify, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((n = recv(notify, message, sizeof(message) - 1, 0)) > 0) {
		message[n] = '\0';
		if (strstr(message, text))
			return true;
	}
	return false;
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
	assert_true(notified(notify, "READY=1", 60));
	/* the first block comes at once */
	assert_true(notified(notify, "WATCHDOG=1", 60));
	assert_false(notified(notify, "WATCHDOG=1", 1));
	kill(child, SIGHUP);
	assert_false(notified(notify, "WATCHDOG=1", 1));
	kill(child, SIGHUP);
	assert_true(notified(notify, "READY=1", 60));
	kill(child, SIGTERM);
	close(notify);
	assert_int_equal(finish(child), 0);
	close(output);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_service_manager_is_told),
		TEST(a_hung_sample_path_does_not_feed_the_watchdog),
		TEST(sighup_reloads_what_can_be_and_keeps_the_rest),
		TEST(sighup_while_it_waits_for_modules_reads_the_configuration),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
