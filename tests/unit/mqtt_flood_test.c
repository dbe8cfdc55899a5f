// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whoever may publish on the topics that meterd listens to may do so without end, and the
 * broker need not take what meterd says to it: what waits there stays bounded. The connection
 * is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discovery.h"
#include "mqtt-commands.h"
#include "mqtt-response.h"

/* the connection */
struct mqtt {
	const struct mqtt_listener *listener;
	bool retained;
	unsigned int sent;
	int mid;
	unsigned int responses;
};

int mqtt_listen(struct mqtt *m, const struct mqtt_listener *listener)
{
	m->listener = listener;
	return 0;
}

int mqtt_subscribe(struct mqtt *m, const char *topic)
{
	return 0;
}

int mqtt_send(struct mqtt *m, const char *topic, const char *text, size_t length, int qos,
	      bool retain, int *mid)
{
	m->sent++;
	m->mid++;
	if (mid)
		*mid = m->mid;
	return 0;
}

bool mqtt_is_retained(const struct mqtt *m)
{
	return m->retained;
}

struct mqtt_return *mqtt_return_address(struct mqtt *m, const char *topic)
{
	return mqtt_return_make(NULL, "meterd/house/status", topic);
}

int mqtt_respond(struct mqtt *m, struct mqtt_return *to, const char *text)
{
	m->responses++;
	mqtt_return_free(to);
	return 0;
}

static void say_online(struct mqtt *m, unsigned int times)
{
	while (times--)
		m->listener->message(m->listener->user, "homeassistant/status", "online");
}

static void the_discovery_is_not_sent_before_the_last_one_is_there(void **state)
{
	const struct mqtt_config mqtt = { .topic = "meterd",
					  .discovery = "homeassistant",
					  .commands = "no" };
	const struct installation in = { 0 };
	const struct io_plan plan = { 0 };
	const struct discovery_config config = { &mqtt, &in, &plan, "house" };
	struct mqtt m = { 0 };
	struct discovery *d;
	unsigned int k;

	assert_int_equal(discovery_open(&d, &m, &config), 0);
	m.listener->connected(m.listener->user);
	assert_int_equal(m.sent, 1);
	/* the broker acknowledges nothing */
	for (k = 0; k < 100; k++) {
		say_online(&m, 1000);
		m.listener->tick(m.listener->user);
	}
	assert_int_equal(m.sent, 1);
	/* another message is acknowledged, and then that one */
	m.listener->acked(m.listener->user, 77, 0);
	m.listener->tick(m.listener->user);
	assert_int_equal(m.sent, 1);
	m.listener->acked(m.listener->user, 1, 0);
	m.listener->tick(m.listener->user);
	assert_int_equal(m.sent, 2);
	m.listener->acked(m.listener->user, 2, 0);
	m.listener->tick(m.listener->user);
	assert_int_equal(m.sent, 2);
	/* what is not "online" there, or somewhere else, asks for nothing */
	m.listener->message(m.listener->user, "homeassistant/status", "offline");
	m.listener->message(m.listener->user, "homeassistant/online", "online");
	m.listener->tick(m.listener->user);
	assert_int_equal(m.sent, 2);
	/* Home Assistant has started once more */
	say_online(&m, 1);
	m.listener->tick(m.listener->user);
	assert_int_equal(m.sent, 3);
	/* after a connection that was lost with it nobody will acknowledge it */
	m.listener->lost(m.listener->user);
	m.listener->connected(m.listener->user);
	assert_int_equal(m.sent, 4);
	m.listener->acked(m.listener->user, 4, 0);
	say_online(&m, 1);
	m.listener->tick(m.listener->user);
	assert_int_equal(m.sent, 5);
	discovery_close(d);
}

/* A broker that says of every message that it was retained. */
static void retained_commands_are_answered_as_slowly_as_others(void **state)
{
	struct mqtt_commands *x;
	struct commands *c;
	struct mqtt m = { .retained = true };
	unsigned int k;

	assert_int_equal(commands_create(&c, NULL, NULL), 0);
	assert_int_equal(mqtt_commands_open(&x, &m, c, "meterd", "house"), 0);
	for (k = 0; k < 10000; k++)
		m.listener->message(m.listener->user, "meterd/house/command", "{}");
	print_message("%u answers\n", m.responses);
	assert_in_range(m.responses, 1, 100);
	mqtt_commands_close(x);
	commands_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_discovery_is_not_sent_before_the_last_one_is_there),
		cmocka_unit_test(retained_commands_are_answered_as_slowly_as_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
