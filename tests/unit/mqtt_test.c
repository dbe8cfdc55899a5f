// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The MQTT publisher against a real broker, mosquitto on a unix socket and on a loopback port
 * of its own.
 */
#include "mqtt-rig.h"

#include <sys/un.h>

#include "support/overhear.h"

#define BROKER "/usr/sbin/mosquitto"

static bool answers(void *context)
{
	struct fixture *f = context;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool ok;

	strcpy(a.sun_path, f->socket);
	ok = !connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return ok;
}

static void need_broker(void)
{
	if (!access(BROKER, X_OK))
		return;
	print_message("SKIP: " BROKER " is missing; install mosquitto\n");
	skip();
}

static void start_broker(struct fixture *f, const char *extra)
{
	char path[128];
	FILE *c;

	need_broker();
	snprintf(path, sizeof(path), "%s/mosquitto.conf", f->dir);
	c = fopen(path, "w");
	assert_non_null(c);
	fprintf(c, "user root\nallow_anonymous true\n%s\nlistener 0 %s\nlistener %u 127.0.0.1\n",
		extra, f->socket, f->port);
	fclose(c);
	f->broker = fork();
	if (!f->broker) {
		freopen("/dev/null", "w", stderr);
		execl(BROKER, BROKER, "-c", path, NULL);
		_exit(127);
	}
	if (!turn_until(f->loop, answers, f))
		fail_msg("the broker does not start");
}

/**
 * struct subscriber - an independent client of the broker
 * @client: its connection
 * @status: last status message
 * @retained: that message was retained
 * @live: readings so far
 * @last: last reading
 * @subscribed: the broker has confirmed
 */
struct subscriber {
	struct mosquitto *client;
	char status[32];
	bool retained;
	int live;
	char *last;
	bool subscribed;
};

static void on_heard(struct mosquitto *client, void *data, const struct mosquitto_message *msg)
{
	struct subscriber *s = data;

	if (!strcmp(msg->topic, "meterd/house/status")) {
		snprintf(s->status, sizeof(s->status), "%.*s", msg->payloadlen,
			 (const char *)msg->payload);
		s->retained = msg->retain;
	} else if (!strcmp(msg->topic, "meterd/house/live")) {
		s->live++;
		free(s->last);
		s->last = strndup(msg->payload, msg->payloadlen);
		assert_false(msg->retain);
	} else {
		fail_msg("unexpected topic %s", msg->topic);
	}
}

static void on_subscribe(struct mosquitto *client, void *data, int mid, int n, const int *qos)
{
	((struct subscriber *)data)->subscribed = true;
}

static bool heard(struct subscriber *s)
{
	mosquitto_loop(s->client, 0, 1);
	return true;
}

static bool is_subscribed(void *context)
{
	return heard(context) && ((struct subscriber *)context)->subscribed;
}

static bool is_online(void *context)
{
	return heard(context) && !strcmp(((struct subscriber *)context)->status, "online");
}

static bool is_stale_told(void *context)
{
	return heard(context) && !strcmp(((struct subscriber *)context)->status, "stale");
}

static bool is_offline(void *context)
{
	return heard(context) && !strcmp(((struct subscriber *)context)->status, "offline");
}

static bool has_three(void *context)
{
	return heard(context) && ((struct subscriber *)context)->live >= 3;
}

static void subscribe(struct subscriber *s, struct fixture *f)
{
	memset(s, 0, sizeof(*s));
	mosquitto_lib_init();
	s->client = mosquitto_new(NULL, true, s);
	mosquitto_message_callback_set(s->client, on_heard);
	mosquitto_subscribe_callback_set(s->client, on_subscribe);
	assert_int_equal(mosquitto_connect(s->client, f->socket, 0, 60), MOSQ_ERR_SUCCESS);
	mosquitto_subscribe(s->client, NULL, "meterd/#", 1);
	assert_true(turn_until(f->loop, is_subscribed, s));
}

static void unsubscribe(struct subscriber *s)
{
	mosquitto_destroy(s->client);
	free(s->last);
	mosquitto_lib_cleanup();
}

static bool is_published(void *context)
{
	const struct mqtt *m = context;

	return m->live.published && !m->live.unsent;
}

static void publish_three_and_leave(struct fixture *f, const char *host, unsigned int port)
{
	struct mqtt_counters c;
	struct subscriber s;
	struct reading r;
	struct mqtt *m;
	int i;

	start_broker(f, "");
	subscribe(&s, f);
	m = open_publisher(f, host, port);
	assert_true(turn_until(f->loop, is_connected, m));
	assert_true(turn_until(f->loop, is_stale_told, &s));
	for (i = 1; i <= 3; i++) {
		r = small_reading(i);
		mqtt_publish(m, &r);
	}
	assert_true(turn_until(f->loop, has_three, &s));
	assert_int_equal(s.live, 3);
	assert_non_null(strstr(s.last, "\"sequence\":3,"));
	mqtt_counters(m, &c);
	assert_true(c.connected);
	assert_int_equal(c.published, 3);
	assert_int_equal(c.dropped, 0);
	unsubscribe(&s);

	/* Who comes later finds the state. */
	subscribe(&s, f);
	assert_true(turn_until(f->loop, is_online, &s));
	assert_true(s.retained);
	assert_int_equal(s.live, 0);
	mqtt_close(m);
	assert_true(turn_until(f->loop, is_offline, &s));
	unsubscribe(&s);
}

static void readings_arrive_by_tcp(void **state)
{
	struct fixture *f = *state;

	publish_three_and_leave(f, "127.0.0.1", f->port);
}

static void readings_arrive_by_name(void **state)
{
	struct fixture *f = *state;

	publish_three_and_leave(f, "localhost", f->port);
}

static void readings_arrive_by_unix_socket(void **state)
{
	struct fixture *f = *state;

	publish_three_and_leave(f, f->socket, 0);
}

static void the_will_says_offline_when_the_daemon_dies(void **state)
{
	struct fixture *f = *state;
	struct reading r;
	struct subscriber s;
	struct mqtt *m;
	pid_t child;
	int go[2];
	char c;

	start_broker(f, "");
	assert_int_equal(pipe(go), 0);
	child = fork();
	if (!child) {
		struct fixture own = *f;

		sd_event_new(&own.loop);
		m = open_publisher(&own, f->socket, 0);
		if (!turn_until(own.loop, is_connected, m))
			_exit(1);
		r = small_reading(1);
		mqtt_publish(m, &r);
		if (!turn_until(own.loop, is_published, m))
			_exit(1);
		if (write(go[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(go[0], &c, 1), 1);
	close(go[0]);
	close(go[1]);
	subscribe(&s, f);
	assert_true(turn_until(f->loop, is_online, &s));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(turn_until(f->loop, is_offline, &s));
	unsubscribe(&s);
}

static void a_broker_that_is_absent_at_start_is_found_later(void **state)
{
	struct fixture *f = *state;
	struct mqtt_counters c;
	struct reading r = small_reading(1);
	struct mqtt *m;

	need_broker();
	m = open_publisher(f, "127.0.0.1", f->port);
	assert_true(turn_until(f->loop, is_waiting, m));
	mqtt_publish(m, &r);
	mqtt_counters(m, &c);
	assert_false(c.connected);
	assert_int_equal(c.published, 0);
	assert_int_equal(c.dropped, 1);

	start_broker(f, "");
	assert_true(turn_until(f->loop, is_connected, m));
	mqtt_publish(m, &r);
	assert_true(turn_until(f->loop, is_published, m));
	mqtt_counters(m, &c);
	assert_true(c.connected);
	assert_int_equal(c.published, 1);
	assert_int_equal(c.dropped, 1);
	mqtt_close(m);
}

static void a_broker_that_goes_and_comes_is_followed(void **state)
{
	static const int signals[] = { SIGTERM, SIGKILL };
	struct fixture *f = *state;
	struct mqtt_counters c;
	struct reading r = small_reading(1);
	struct mqtt *m;
	unsigned int i;

	start_broker(f, "");
	m = open_publisher(f, "127.0.0.1", f->port);
	assert_true(turn_until(f->loop, is_connected, m));
	for (i = 0; i < 2; i++) {
		stop_broker(f, signals[i]);
		assert_true(turn_until(f->loop, is_waiting, m));
		mqtt_counters(m, &c);
		assert_false(c.connected);
		mqtt_publish(m, &r);
		start_broker(f, "");
		retry_now(m);
		assert_true(turn_until(f->loop, is_connected, m));
		mqtt_publish(m, &r);
		assert_true(turn_until(f->loop, is_published, m));
	}
	mqtt_counters(m, &c);
	assert_int_equal(c.published, 2);
	assert_int_equal(c.dropped, 2);
	mqtt_close(m);
}

/* What was printed on stderr while @during ran, as the number of lines. */
static int lines_printed(struct fixture *f, void (*during)(struct fixture *f, struct mqtt *m),
			 struct mqtt *m)
{
	char said[4096];
	const char *at;
	int n = 0;

	overhear();
	during(f, m);
	overheard(said, sizeof(said));
	for (at = said; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

static void ten_attempts(struct fixture *f, struct mqtt *m)
{
	struct reading r = small_reading(1);
	int i;

	for (i = 0; i < 10; i++) {
		mqtt_publish(m, &r);
		retry_now(m);
		turn_for(f->loop, 20);
	}
}

static void an_absent_broker_is_reported_once(void **state)
{
	struct fixture *f = *state;
	struct mqtt_counters c;
	struct mqtt *m = open_publisher(f, "127.0.0.1", f->port);
	int n = lines_printed(f, ten_attempts, m);

	if (n != 1)
		fail_msg("%d lines for one absent broker", n);
	mqtt_counters(m, &c);
	assert_int_equal(c.dropped, 10);
	mqtt_close(m);
}

static void a_refusal_is_reported_and_tried_again(void **state)
{
	struct fixture *f = *state;
	char extra[128];
	struct mqtt *m;

	snprintf(extra, sizeof(extra), "allow_anonymous false");
	start_broker(f, extra);
	m = open_publisher(f, "127.0.0.1", f->port);
	assert_true(turn_until(f->loop, is_waiting, m));
	assert_int_equal(lines_printed(f, ten_attempts, m), 0);
	assert_false(mqtt_is_connected(m));
	mqtt_close(m);
}

static void the_back_off_grows_to_a_minute(void **state)
{
	struct fixture *f = *state;
	struct mqtt *m = open_publisher(f, "127.0.0.1", f->port);
	uint64_t now, at, wait, limit = BACKOFF_MIN_US;
	int i;

	for (i = 0; i < 10; i++) {
		assert_true(turn_until(f->loop, is_waiting, m));
		sd_event_now(f->loop, CLOCK_MONOTONIC, &now);
		sd_event_source_get_time(m->timer, &at);
		wait = at - m->state_since_us;
		if (wait > limit || wait < limit / 2 - 20000)
			fail_msg("attempt %d: waits %llu us, limit %llu us", i,
				 (unsigned long long)wait, (unsigned long long)limit);
		limit = limit * 2 > BACKOFF_MAX_US ? BACKOFF_MAX_US : limit * 2;
		/* Without waiting for it. */
		m->told[0] = '\0';
		sd_event_source_set_time_relative(m->timer, 0);
	}
	mqtt_close(m);
}

static void impossible_configurations_are_refused(void **state)
{
	static const struct {
		struct mqtt_config config;
		const char *gateway;
	} bad[] = {
		{ { .host = NULL, .port = 1883, .topic = "meterd" }, "house" },
		{ { .host = "", .port = 1883, .topic = "meterd" }, "house" },
		{ { .host = "127.0.0.1", .port = 0, .topic = "meterd" }, "house" },
		{ { .host = "127.0.0.1", .port = 65536, .topic = "meterd" }, "house" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = NULL }, "house" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "" }, "house" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "meterd/#" }, "house" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "a/+/b" }, "house" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "$SYS" }, "house" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "\xff" }, "house" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "meterd" }, "" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "meterd" }, "a/b" },
		{ { .host = "127.0.0.1", .port = 1883, .topic = "meterd" }, "#" },
	};
	struct fixture *f = *state;
	struct mqtt *m;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mqtt_open(&m, f->loop, &bad[i].config, bad[i].gateway) != -EINVAL || m)
			fail_msg("configuration %u was accepted", i);
}

static void no_publisher_is_no_error(void **state)
{
	struct reading r = small_reading(1);
	struct mqtt_counters c;

	mqtt_publish(NULL, &r);
	mqtt_counters(NULL, &c);
	assert_int_equal(c.dropped, 0);
	mqtt_close(NULL);
}

int main(void)
{
#define BROKER_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		BROKER_TEST(readings_arrive_by_tcp),
		BROKER_TEST(readings_arrive_by_name),
		BROKER_TEST(readings_arrive_by_unix_socket),
		BROKER_TEST(the_will_says_offline_when_the_daemon_dies),
		BROKER_TEST(a_broker_that_is_absent_at_start_is_found_later),
		BROKER_TEST(a_broker_that_goes_and_comes_is_followed),
		BROKER_TEST(an_absent_broker_is_reported_once),
		BROKER_TEST(a_refusal_is_reported_and_tried_again),
		BROKER_TEST(the_back_off_grows_to_a_minute),
		BROKER_TEST(impossible_configurations_are_refused),
		cmocka_unit_test(no_publisher_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
