// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The MQTT publisher against servers that only look like a broker.
 */
#include "mqtt-rig.h"

#include <sys/resource.h>

/**
 * struct impostor - a server that answers every connection with fixed bytes
 * @listener: its socket
 * @connection: last connection, -1 for none
 * @answer: what it says
 * @length: bytes of that
 */
struct impostor {
	int listener;
	int connection;
	const char *answer;
	size_t length;
};

static int on_impostor(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct impostor *i = data;

	if (i->connection >= 0)
		close(i->connection);
	i->connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (i->length)
		send(i->connection, i->answer, i->length, MSG_NOSIGNAL);
	return 0;
}

static const char connack[] = "\x20\x03\x00\x00\x00";

static void odd_answers_end_the_connection(void **state)
{
	static const struct {
		const char *answer;
		size_t length;
	} odd[] = {
		{ "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n"
		  "\r\nthis is not what you want",
		  98 },
		{ "\x00\x00\x00\x00", 4 },
		{ "\xff\xff\xff\xff\xff\xff\xff", 7 }, /* length that never ends */
		{ "\x20\x03\x00\xff\x00", 5 },	       /* reserved reason */
		{ "\x20\x00", 2 },		       /* CONNACK without content */
		{ "\x20\x03\x00\x00\x00\x20\x03\x00\x00\x00\x10\x00",
		  12 },					       /* twice, then CONNECT */
		{ "\x20\x03\x00\x00\x00\x30\x02\x00\x09", 9 }, /* PUBLISH, topic beyond its end */
		{ "\x20\x03\x00\x00\x00\x40\x01\x00", 8 },     /* PUBACK cut short */
	};
	struct fixture *f = *state;
	struct impostor i = { .connection = -1 };
	sd_event_source *source = NULL;
	unsigned int k, port;
	struct reading r = small_reading(1);
	struct mqtt *m;

	for (k = 0; k < sizeof(odd) / sizeof(odd[0]); k++) {
		port = 0;
		i.listener = listen_on(&port);
		i.answer = odd[k].answer;
		i.length = odd[k].length;
		assert_true(sd_event_add_io(f->loop, &source, i.listener, EPOLLIN, on_impostor,
					    &i) >= 0);
		m = open_publisher(f, "127.0.0.1", port);
		if (!turn_within(f->loop, is_waiting, m, 8000))
			fail_msg("answer %u is accepted, state %d", k, m->state);
		mqtt_publish(m, &r);
		assert_int_equal(m->live.published, 0);
		mqtt_close(m);
		source = sd_event_source_disable_unref(source);
		close(i.listener);
		close(i.connection);
		i.connection = -1;
	}
}

static void an_unexpected_puback_is_not_counted(void **state)
{
	static const char answer[] = "\x20\x03\x00\x00\x00\x40\x02\x12\x34";
	struct fixture *f = *state;
	struct impostor i = { .connection = -1, .answer = answer, .length = 9 };
	sd_event_source *source = NULL;
	unsigned int port = 0;
	struct mqtt *m;

	i.listener = listen_on(&port);
	sd_event_add_io(f->loop, &source, i.listener, EPOLLIN, on_impostor, &i);
	m = open_publisher(f, "127.0.0.1", port);
	turn_for(f->loop, 300);
	assert_int_equal(m->live.published, 0);
	mqtt_close(m);
	sd_event_source_disable_unref(source);
	close(i.listener);
	close(i.connection);
}

#define MANY 3000

/* Publish MANY great readings to a broker that accepts the connection and reads nothing. */
static struct mqtt *choke(struct fixture *f, struct impostor *i, sd_event_source **source,
			  uint64_t *longest)
{
	static struct load_reading loads[28];
	struct reading r = small_reading(1);
	unsigned int port = 0, k;
	uint64_t begin;
	struct mqtt *m;

	for (k = 0; k < 28; k++)
		loads[k] = *r.load;
	r.loads = 28;
	r.load = loads;
	i->listener = listen_on(&port);
	sd_event_add_io(f->loop, source, i->listener, EPOLLIN, on_impostor, i);
	m = open_publisher(f, "127.0.0.1", port);
	assert_true(turn_until(f->loop, is_connected, m));
	for (k = 0; k < MANY; k++) {
		begin = now_ms();
		mqtt_publish(m, &r);
		if (now_ms() - begin > *longest)
			*longest = now_ms() - begin;
		if (k % 100 == 0)
			sd_event_run(f->loop, 0);
	}
	return m;
}

static void a_broker_that_does_not_read_costs_readings_not_time(void **state)
{
	struct fixture *f = *state;
	struct impostor i = { .connection = -1, .answer = connack, .length = 5 };
	sd_event_source *source = NULL;
	uint64_t begin, longest = 0;
	struct mqtt *m = choke(f, &i, &source, &longest);

	if (longest > HUNG_MS)
		fail_msg("a reading took %d ms", (int)longest);
	assert_true(m->live.dropped > 0);
	assert_true(m->live.unsent <= UNSENT_MAX);
	assert_int_equal(m->live.published + m->live.dropped + m->live.unsent, MANY);
	begin = now_ms();
	mqtt_close(m);
	if (now_ms() - begin > HUNG_MS)
		fail_msg("closing took %d ms", (int)(now_ms() - begin));
	sd_event_source_disable_unref(source);
	close(i.listener);
	close(i.connection);
}

static void what_a_lost_connection_held_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct impostor i = { .connection = -1, .answer = connack, .length = 5 };
	sd_event_source *source = NULL;
	uint64_t longest = 0;
	struct mqtt *m = choke(f, &i, &source, &longest);

	assert_true(m->live.unsent > 0);
	sd_event_source_disable_unref(source);
	close(i.listener);
	close(i.connection);
	assert_true(turn_until(f->loop, is_waiting, m));
	assert_int_equal(m->live.unsent, 0);
	assert_int_equal(m->live.published + m->live.dropped, MANY);
	mqtt_close(m);
}

static bool is_connecting(void *context)
{
	return ((struct mqtt *)context)->state == STATE_CONNECTING;
}

static void a_broker_that_never_answers_is_given_up(void **state)
{
	struct fixture *f = *state;
	unsigned int port = 0;
	int fd = listen_on(&port);
	struct mqtt *m = open_publisher(f, "127.0.0.1", port);

	assert_true(turn_until(f->loop, is_connecting, m));
	m->state_since_us -= CONNECT_TIMEOUT_US;
	assert_true(turn_within(f->loop, is_waiting, m, 8000));
	mqtt_close(m);
	close(fd);
}

static void a_huge_packet_does_not_take_the_memory(void **state)
{
	/* A PUBLISH of 256 MB, announced but not sent. */
	static const char answer[] = "\x20\x03\x00\x00\x00\x30\xff\xff\xff\x7f\x00\x01x";
	struct fixture *f = *state;
	struct impostor i = { .connection = -1, .answer = answer, .length = sizeof(answer) - 1 };
	sd_event_source *source = NULL;
	struct rusage before, after;
	unsigned int port = 0;
	struct mqtt *m;

	getrusage(RUSAGE_SELF, &before);
	i.listener = listen_on(&port);
	sd_event_add_io(f->loop, &source, i.listener, EPOLLIN, on_impostor, &i);
	m = open_publisher(f, "127.0.0.1", port);
	turn_for(f->loop, 300);
	getrusage(RUSAGE_SELF, &after);
	if (after.ru_maxrss - before.ru_maxrss > 65536)
		fail_msg("%ld kB more", after.ru_maxrss - before.ru_maxrss);
	mqtt_close(m);
	sd_event_source_disable_unref(source);
	close(i.listener);
	close(i.connection);
}

/* As a command that reads a long configuration does. */
static void on_greedy(void *user, const char *topic, const char *text)
{
	bool *got = user;
	char *much = malloc(8 * READ_ROOM);

	*got = much;
	free(much);
}

static bool is_told(void *context)
{
	return *(bool *)context;
}

static void a_command_may_take_memory(void **state)
{
	/* CONNACK, and a PUBLISH of "a" on the topic x */
	static const char answer[] = "\x20\x03\x00\x00\x00\x30\x05\x00\x01x\x00"
				     "a";
	struct fixture *f = *state;
	struct impostor i = { .connection = -1, .answer = answer, .length = sizeof(answer) - 1 };
	bool got = false;
	struct mqtt_listener greedy = { .message = on_greedy, .user = &got };
	sd_event_source *source = NULL;
	unsigned int port = 0;
	struct mqtt *m;

	i.listener = listen_on(&port);
	sd_event_add_io(f->loop, &source, i.listener, EPOLLIN, on_impostor, &i);
	m = open_publisher(f, "127.0.0.1", port);
	assert_int_equal(mqtt_listen(m, &greedy), 0);
	assert_true(turn_until(f->loop, is_told, &got));
	mqtt_close(m);
	sd_event_source_disable_unref(source);
	close(i.listener);
	close(i.connection);
}

static void a_name_that_does_not_resolve_blocks_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = now_ms();
	struct mqtt *m = open_publisher(f, "no-such-host.invalid", 1883);
	struct reading r = small_reading(1);
	uint64_t longest = 0, step;
	int i;

	for (i = 0; i < 20; i++) {
		step = now_ms();
		mqtt_publish(m, &r);
		sd_event_run(f->loop, 10000);
		if (now_ms() - step > longest)
			longest = now_ms() - step;
	}
	if (longest > HUNG_MS)
		fail_msg("the loop stood still for %d ms", (int)longest);
	assert_int_equal(m->live.dropped, 20);
	begin = now_ms();
	mqtt_close(m);
	assert_true(now_ms() - begin < 4000);
}

int main(void)
{
#define BROKER_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		BROKER_TEST(odd_answers_end_the_connection),
		BROKER_TEST(an_unexpected_puback_is_not_counted),
		BROKER_TEST(a_broker_that_does_not_read_costs_readings_not_time),
		BROKER_TEST(what_a_lost_connection_held_is_dropped),
		BROKER_TEST(a_broker_that_never_answers_is_given_up),
		BROKER_TEST(a_huge_packet_does_not_take_the_memory),
		BROKER_TEST(a_command_may_take_memory),
		BROKER_TEST(a_name_that_does_not_resolve_blocks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
