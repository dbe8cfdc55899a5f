// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mqtt - one connection to one broker, driven by the daemon's event loop.
 *
 *   WAITING --timer--> RESOLVING --addresses--> CONNECTING --CONNACK--> CONNECTED
 *      ^                   |                        |                       |
 *      +-------------------+------- failure --------+-----------------------+
 *
 * The client of libmosquitto is made for each attempt and destroyed after it, so
 * nothing of a broken connection (half a packet, queued messages) reaches the
 * next one. The library's own callbacks only note what happened; step() acts on
 * it after the library has returned, because a client cannot be destroyed from
 * within its own callback.
 *
 * Names are resolved by getaddrinfo_a(), because getaddrinfo() would stop the
 * measurement for as long as a name server is silent.
 */
#include <errno.h>
#include <mosquitto.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "live.h"
#include "log.h"
#include "mqtt.h"

#define US_PER_MS 1000ULL
#define US_PER_S 1000000ULL

/* The broker declares us dead after 1.5 times this. */
#define KEEPALIVE_S 20
/* From connect() to CONNACK; a broker that takes longer is treated as absent. */
#define CONNECT_TIMEOUT_US (10 * US_PER_S)
#define RESOLVE_TIMEOUT_US (30 * US_PER_S)
#define RESOLVE_POLL_US (50 * US_PER_MS)
#define TICK_US US_PER_S
#define BACKOFF_MIN_US US_PER_S
#define BACKOFF_MAX_US (60 * US_PER_S)
/* A connection that held this long was a good one: the next back-off starts anew. */
#define STABLE_US (60 * US_PER_S)
#define CLOSE_TIMEOUT_US (500 * US_PER_MS)

/* Readings that may wait inside libmosquitto for a broker that reads slowly. */
#define UNSENT_MAX 4
#define ADDRESSES_MAX 8
#define TOPIC_MAX 256

#define STATUS_ONLINE "online"
#define STATUS_OFFLINE "offline"

enum mqtt_state {
	STATE_WAITING,
	STATE_RESOLVING,
	STATE_CONNECTING,
	STATE_CONNECTED,
};

/**
 * struct lookup - one request to getaddrinfo_a(); outlives its owner when the
 *	resolver cannot be stopped
 * @request: what glibc works on
 * @hints: TCP only
 * @host: name to look up, owned
 */
struct lookup {
	struct gaicb request;
	struct addrinfo hints;
	char host[];
};

/**
 * struct mqtt - the publisher
 * @event: loop, referenced
 * @timer: next retry, tick, or poll of the resolver, by @state
 * @io: socket of @client; NULL while there is none
 * @client: connection of libmosquitto; NULL while WAITING and RESOLVING
 * @lookup: running name lookup; NULL otherwise
 * @state: see the picture above
 * @state_since_us: CLOCK_MONOTONIC time at which @state began
 * @backoff_us: upper bound of the next wait
 * @host: broker as configured
 * @port: TCP port, 0 for a unix socket
 * @broker: "host:port" or path, for messages
 * @topic_live: topic of the readings
 * @topic_status: topic of "online" and "offline"
 * @address: numeric addresses of @host
 * @addresses: how many
 * @next_address: the one to try next
 * @down_told: the present absence of the broker was already reported
 * @accepted: set by the callback: CONNACK came and was positive
 * @refused: set by the callback: reason of a negative CONNACK, 0 for none
 * @disconnected: set by the callback: the library has closed the socket
 * @status_mid: message id of the status message, whose sending is not counted
 * @unsent: readings handed to the library and not yet written to the socket
 * @counters: for the status page
 * @json: text of the last reading
 */
struct mqtt {
	sd_event *event;
	sd_event_source *timer;
	sd_event_source *io;
	struct mosquitto *client;
	struct lookup *lookup;
	enum mqtt_state state;
	uint64_t state_since_us;
	uint64_t backoff_us;
	char *host;
	unsigned int port;
	char *broker;
	char *topic_live;
	char *topic_status;
	char address[ADDRESSES_MAX][NI_MAXHOST];
	unsigned int addresses;
	unsigned int next_address;
	bool down_told;
	bool accepted;
	int refused;
	bool disconnected;
	int status_mid;
	unsigned int unsent;
	struct mqtt_counters counters;
	struct live_buffer json;
};

static void step(struct mqtt *m, int rc);

static uint64_t now_us(const struct mqtt *m)
{
	uint64_t now = 0;

	sd_event_now(m->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void enter(struct mqtt *m, enum mqtt_state state, uint64_t timer_us)
{
	m->state = state;
	m->state_since_us = now_us(m);
	sd_event_source_set_time_relative(m->timer, timer_us);
	sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
}

static uint64_t random_below(uint64_t limit)
{
	uint64_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = limit / 2;
	return limit ? r % limit : 0;
}

/* Wait between half and all of the back-off, so that many gateways do not come back at once. */
static void back_off(struct mqtt *m)
{
	uint64_t wait = m->backoff_us / 2 + random_below(m->backoff_us / 2);

	m->backoff_us = m->backoff_us * 2 > BACKOFF_MAX_US ? BACKOFF_MAX_US : m->backoff_us * 2;
	enter(m, STATE_WAITING, wait);
}

static void destroy_client(struct mqtt *m)
{
	m->io = sd_event_source_disable_unref(m->io);
	if (m->client)
		mosquitto_destroy(m->client);
	m->client = NULL;
	m->counters.dropped += m->unsent;
	m->unsent = 0;
	m->counters.connected = false;
}

/* The attempt or the connection is over: report it once, and try the next address or wait. */
static void fail(struct mqtt *m, const char *why)
{
	bool was_connected = m->state == STATE_CONNECTED;
	bool held = was_connected && now_us(m) - m->state_since_us >= STABLE_US;

	destroy_client(m);
	if (was_connected) {
		log_warning("mqtt: broker %s: connection lost (%s); readings are dropped until it "
			    "is back",
			    m->broker, why);
		m->down_told = true;
	} else if (!m->down_told && m->next_address >= m->addresses) {
		log_warning("mqtt: broker %s: no connection (%s); readings are dropped, will go on "
			    "trying; check host and port in [mqtt], and that the broker runs",
			    m->broker, why);
		m->down_told = true;
	}
	if (held)
		m->backoff_us = BACKOFF_MIN_US;
	if (!was_connected && m->next_address < m->addresses)
		enter(m, STATE_WAITING, 0);
	else
		back_off(m);
}

static void on_connect(struct mosquitto *client, void *data, int reason)
{
	struct mqtt *m = data;

	if (reason)
		m->refused = reason;
	else
		m->accepted = true;
}

static void on_disconnect(struct mosquitto *client, void *data, int reason)
{
	struct mqtt *m = data;

	m->disconnected = true;
}

static void on_publish(struct mosquitto *client, void *data, int mid)
{
	struct mqtt *m = data;

	if (mid == m->status_mid) {
		m->status_mid = 0;
	} else if (m->unsent) {
		m->unsent--;
		m->counters.published++;
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct mqtt *m = data;
	int rc = MOSQ_ERR_SUCCESS;

	errno = 0;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		rc = mosquitto_loop_read(m->client, 1);
	if (rc == MOSQ_ERR_SUCCESS && (events & EPOLLOUT))
		rc = mosquitto_loop_write(m->client, 1);
	step(m, rc);
	return 0;
}

static struct mosquitto *new_client(struct mqtt *m)
{
	struct mosquitto *client;
	uint32_t unique = random_below(UINT32_MAX);
	char id[24];

	/* Two gateways of the same name must not push each other out. */
	snprintf(id, sizeof(id), "meterd-%08x", unique);
	client = mosquitto_new(id, true, m);
	if (!client)
		return NULL;
	mosquitto_connect_callback_set(client, on_connect);
	mosquitto_disconnect_callback_set(client, on_disconnect);
	mosquitto_publish_callback_set(client, on_publish);
	if (mosquitto_will_set(client, m->topic_status, strlen(STATUS_OFFLINE), STATUS_OFFLINE, 1,
			       true)) {
		mosquitto_destroy(client);
		return NULL;
	}
	return client;
}

static void connect_address(struct mqtt *m, const char *address)
{
	int rc;

	m->accepted = false;
	m->refused = 0;
	m->disconnected = false;
	m->status_mid = 0;
	m->client = new_client(m);
	if (!m->client) {
		fail(m, "out of memory");
		return;
	}
	enter(m, STATE_CONNECTING, TICK_US);
	errno = 0;
	rc = mosquitto_connect_async(m->client, address, m->port, KEEPALIVE_S);
	if (rc) {
		fail(m, rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
		return;
	}
	rc = sd_event_add_io(m->event, &m->io, mosquitto_socket(m->client), EPOLLIN | EPOLLOUT,
			     on_io, m);
	if (rc < 0)
		fail(m, strerror(-rc));
}

static void keep_addresses(struct mqtt *m, const struct addrinfo *list)
{
	m->addresses = 0;
	for (; list && m->addresses < ADDRESSES_MAX; list = list->ai_next)
		if (!getnameinfo(list->ai_addr, list->ai_addrlen, m->address[m->addresses],
				 sizeof(m->address[0]), NULL, 0, NI_NUMERICHOST))
			m->addresses++;
	m->next_address = 0;
}

static void start_lookup(struct mqtt *m)
{
	struct lookup *l = calloc(1, sizeof(*l) + strlen(m->host) + 1);
	struct gaicb *list[1];
	int rc;

	if (!l) {
		fail(m, "out of memory");
		return;
	}
	strcpy(l->host, m->host);
	l->hints.ai_socktype = SOCK_STREAM;
	l->request.ar_name = l->host;
	l->request.ar_request = &l->hints;
	list[0] = &l->request;
	rc = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	if (rc) {
		free(l);
		fail(m, gai_strerror(rc));
		return;
	}
	m->lookup = l;
	enter(m, STATE_RESOLVING, RESOLVE_POLL_US);
}

static void free_lookup(struct mqtt *m)
{
	/* A lookup that runs cannot be stopped; its memory then stays with the resolver. */
	if (m->lookup && gai_cancel(&m->lookup->request) != EAI_NOTCANCELED) {
		if (m->lookup->request.ar_result)
			freeaddrinfo(m->lookup->request.ar_result);
		free(m->lookup);
	}
	m->lookup = NULL;
}

static void poll_lookup(struct mqtt *m)
{
	int rc = gai_error(&m->lookup->request);

	if (rc == EAI_INPROGRESS && now_us(m) - m->state_since_us < RESOLVE_TIMEOUT_US) {
		sd_event_source_set_time_relative(m->timer, RESOLVE_POLL_US);
		sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
		return;
	}
	if (!rc)
		keep_addresses(m, m->lookup->request.ar_result);
	free_lookup(m);
	if (rc == EAI_INPROGRESS)
		fail(m, "the name server does not answer");
	else if (rc)
		fail(m, gai_strerror(rc));
	else if (!m->addresses)
		fail(m, "the name has no address");
	else
		connect_address(m, m->address[m->next_address++]);
}

/* Next attempt: another address of the same name, or from the start. */
static void attempt(struct mqtt *m)
{
	if (!m->port)
		connect_address(m, m->host);
	else if (m->next_address < m->addresses)
		connect_address(m, m->address[m->next_address++]);
	else
		start_lookup(m);
}

static void announce(struct mqtt *m)
{
	int rc;

	log_notice("mqtt: broker %s: connected", m->broker);
	enter(m, STATE_CONNECTED, TICK_US);
	m->counters.connected = true;
	m->down_told = false;
	rc = mosquitto_publish(m->client, &m->status_mid, m->topic_status, strlen(STATUS_ONLINE),
			       STATUS_ONLINE, 0, true);
	if (rc)
		step(m, rc);
}

static int watch_socket(struct mqtt *m)
{
	uint32_t events = EPOLLIN;

	if (mosquitto_want_write(m->client))
		events |= EPOLLOUT;
	return sd_event_source_set_io_events(m->io, events);
}

/* What the library said and noted since it was called last. */
static void step(struct mqtt *m, int rc)
{
	const char *why = rc == MOSQ_ERR_ERRNO && errno ? strerror(errno) : mosquitto_strerror(rc);

	if (m->refused)
		fail(m, mosquitto_connack_string(m->refused));
	else if (m->disconnected || rc || mosquitto_socket(m->client) < 0)
		fail(m, rc ? why : "closed by the broker");
	else if (m->accepted && m->state == STATE_CONNECTING)
		announce(m);
	if (m->client && m->io)
		watch_socket(m);
}

static void tick(struct mqtt *m)
{
	if (m->state == STATE_CONNECTING && now_us(m) - m->state_since_us >= CONNECT_TIMEOUT_US) {
		fail(m, "no answer within 10 s");
		return;
	}
	sd_event_source_set_time_relative(m->timer, TICK_US);
	sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
	errno = 0;
	step(m, mosquitto_loop_misc(m->client));
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct mqtt *m = data;

	switch (m->state) {
	case STATE_WAITING:
		attempt(m);
		break;
	case STATE_RESOLVING:
		poll_lookup(m);
		break;
	case STATE_CONNECTING:
	case STATE_CONNECTED:
		tick(m);
		break;
	}
	return 0;
}

static int check_topic(const char *topic, const char *gateway)
{
	if (!topic || !*topic || strlen(topic) > TOPIC_MAX || topic[0] == '$' ||
	    mosquitto_pub_topic_check(topic) || mosquitto_validate_utf8(topic, strlen(topic))) {
		log_error("[mqtt] topic = \"%s\": not a topic to publish on; use 1 to %d "
			  "characters without + and # and not starting with $, such as meterd",
			  topic ? topic : "", TOPIC_MAX);
		return -EINVAL;
	}
	if (!gateway || !*gateway || strlen(gateway) > TOPIC_MAX || strpbrk(gateway, "+#/") ||
	    mosquitto_validate_utf8(gateway, strlen(gateway))) {
		log_error("[gateway] name = \"%s\": cannot be a part of an MQTT topic; use 1 to %d "
			  "characters without +, # and /",
			  gateway ? gateway : "", TOPIC_MAX);
		return -EINVAL;
	}
	return 0;
}

static int check_broker(const struct mqtt_config *config)
{
	if (!config->host || !*config->host) {
		log_error("[mqtt] host is empty; give the broker's name or address, such as "
			  "127.0.0.1, or the path of its unix socket");
		return -EINVAL;
	}
	if (config->host[0] != '/' && (config->port < 1 || config->port > UINT16_MAX)) {
		log_error("[mqtt] port = %u: must be 1 to 65535; usually 1883", config->port);
		return -EINVAL;
	}
	return 0;
}

static int copy_config(struct mqtt *m, const struct mqtt_config *config, const char *gateway)
{
	bool unix_socket = config->host[0] == '/';

	m->port = unix_socket ? 0 : config->port;
	m->host = strdup(config->host);
	if (!m->host)
		return -ENOMEM;
	if (asprintf(&m->topic_live, "%s/%s/live", config->topic, gateway) < 0) {
		m->topic_live = NULL;
		return -ENOMEM;
	}
	if (asprintf(&m->topic_status, "%s/%s/status", config->topic, gateway) < 0) {
		m->topic_status = NULL;
		return -ENOMEM;
	}
	if ((unix_socket ? asprintf(&m->broker, "%s", config->host)
			 : asprintf(&m->broker, "%s:%u", config->host, config->port)) < 0) {
		m->broker = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void free_mqtt(struct mqtt *m)
{
	destroy_client(m);
	free_lookup(m);
	sd_event_source_disable_unref(m->timer);
	sd_event_unref(m->event);
	live_free(&m->json);
	free(m->host);
	free(m->broker);
	free(m->topic_live);
	free(m->topic_status);
	free(m);
	mosquitto_lib_cleanup();
}

int mqtt_open(struct mqtt **out, sd_event *event, const struct mqtt_config *config,
	      const char *gateway)
{
	struct mqtt *m;
	int ret;

	*out = NULL;
	ret = check_broker(config);
	if (!ret)
		ret = check_topic(config->topic, gateway);
	if (ret)
		return ret;

	m = calloc(1, sizeof(*m));
	if (!m)
		goto no_memory;
	mosquitto_lib_init();
	m->event = sd_event_ref(event);
	m->backoff_us = BACKOFF_MIN_US;
	ret = copy_config(m, config, gateway);
	if (!ret)
		ret = sd_event_add_time_relative(event, &m->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
						 m);
	if (ret >= 0) {
		*out = m;
		return 0;
	}
	free_mqtt(m);
	if (ret != -ENOMEM) {
		log_error("mqtt: cannot set a timer: %s", strerror(-ret));
		return ret;
	}
no_memory:
	log_error("mqtt: out of memory");
	return -ENOMEM;
}

void mqtt_publish(struct mqtt *m, const struct reading *r)
{
	int rc;

	if (!m)
		return;
	if (m->state != STATE_CONNECTED || m->unsent >= UNSENT_MAX || live_json(&m->json, r)) {
		m->counters.dropped++;
		return;
	}
	errno = 0;
	m->unsent++;
	rc = mosquitto_publish(m->client, NULL, m->topic_live, m->json.length, m->json.text, 0,
			       false);
	step(m, rc);
}

void mqtt_counters(const struct mqtt *m, struct mqtt_counters *c)
{
	*c = m ? m->counters : (struct mqtt_counters){ 0 };
}

/* Outside of the loop, since it may have ended: write what is left, for a bounded time. */
static void say_goodbye(struct mqtt *m)
{
	uint64_t spent = 0;
	struct pollfd p;

	if (mosquitto_publish(m->client, &m->status_mid, m->topic_status, strlen(STATUS_OFFLINE),
			      STATUS_OFFLINE, 0, true))
		return;
	mosquitto_disconnect(m->client);
	while (mosquitto_socket(m->client) >= 0 && mosquitto_want_write(m->client) &&
	       spent < CLOSE_TIMEOUT_US) {
		p.fd = mosquitto_socket(m->client);
		p.events = POLLOUT;
		spent += 50 * US_PER_MS;
		if (poll(&p, 1, 50) > 0 && mosquitto_loop_write(m->client, 1))
			return;
	}
}

void mqtt_close(struct mqtt *m)
{
	if (!m)
		return;
	m->io = sd_event_source_disable_unref(m->io);
	if (m->state == STATE_CONNECTED)
		say_goodbye(m);
	free_mqtt(m);
}
