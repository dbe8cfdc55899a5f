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
 */
#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "headroom.h"
#include "log.h"
#include "lookup.h"
#include "mqtt-client.h"
#include "mqtt-live.h"
#include "mqtt-response.h"
#include "mqtt-tls.h"
#include "mqtt.h"

#define US_PER_MS 1000ULL
#define US_PER_S 1000000ULL

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

#define REASON_BYTES 96

/* What a call of the library may take: a packet of ours is MQTT_PACKET_MAX at most. */
#define READ_ROOM (1024 * 1024)

enum mqtt_state {
	STATE_WAITING,
	STATE_RESOLVING,
	STATE_CONNECTING,
	STATE_CONNECTED,
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
 * @found: addresses of @host
 * @next_address: the one to try next
 * @told: the reason last reported in the present absence of the broker; "": none
 * @accepted: set by the callback: CONNACK came and was positive
 * @refused: set by the callback: reason of a negative CONNACK, 0 for none
 * @disconnected: set by the callback: the library has closed the socket
 * @headroom: bound for the memory of a call of the library
 * @stop: why the connection is to be left, NULL: it is not
 * @old_version: the broker does not speak MQTT 5
 * @config: configuration
 * @tls: credentials, NULL: no TLS
 * @listener: other users of the connection
 * @listeners: how many
 * @retained: the message that is handed to the listeners was kept by the broker
 * @properties: its properties
 * @live: readings and status
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
	struct lookup_result found;
	unsigned int next_address;
	char told[REASON_BYTES];
	bool accepted;
	int refused;
	bool disconnected;
	struct headroom headroom;
	const char *stop;
	bool old_version;
	const struct mqtt_config *config;
	struct mqtt_tls *tls;
	const struct mqtt_listener *listener[MQTT_LISTENERS_MAX];
	unsigned int listeners;
	bool retained;
	const mosquitto_property *properties;
	struct mqtt_live live;
};

static void step(struct mqtt *m, int rc);
static int watch_socket(struct mqtt *m);

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
	m->stop = NULL;
}

static void tell_lost(struct mqtt *m)
{
	unsigned int k;

	for (k = 0; k < m->listeners; k++)
		if (m->listener[k]->lost)
			m->listener[k]->lost(m->listener[k]->user);
}

/* The attempt or the connection is over: report it once, and try the next address or wait. */
static void fail(struct mqtt *m, const char *why)
{
	bool was_connected = m->state == STATE_CONNECTED;
	bool held = was_connected && now_us(m) - m->state_since_us >= STABLE_US;

	destroy_client(m);
	if (was_connected) {
		tell_lost(m);
		log_warning("mqtt: broker %s: connection lost (%s); readings are dropped until it "
			    "is back",
			    m->broker, why);
		snprintf(m->told, sizeof(m->told), "%s", why);
	} else if (m->next_address >= m->found.addresses &&
		   strncmp(m->told, why, sizeof(m->told) - 1)) {
		log_warning("mqtt: broker %s: no connection (%s); readings are dropped, will go on "
			    "trying; check host and port in [mqtt], and that the broker runs%s",
			    m->broker, why,
			    m->port ? ", and that IPAddressAllow= of the unit has its address"
				    : "");
		snprintf(m->told, sizeof(m->told), "%s", why);
	}
	if (held)
		m->backoff_us = BACKOFF_MIN_US;
	if (!was_connected && m->next_address < m->found.addresses)
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

static void on_publish(struct mosquitto *client, void *data, int mid, int reason,
		       const mosquitto_property *properties)
{
	struct mqtt *m = data;
	unsigned int k;

	for (k = 0; k < m->listeners; k++)
		if (m->listener[k]->acked)
			m->listener[k]->acked(m->listener[k]->user, mid, reason);
}

static void on_message(struct mosquitto *client, void *data, const struct mosquitto_message *msg,
		       const mosquitto_property *properties)
{
	struct mqtt *m = data;
	unsigned int k;
	char *text;

	if (msg->payloadlen < 0 || msg->payloadlen > MQTT_PACKET_MAX)
		return;
	text = strndup(msg->payload ? msg->payload : "", (size_t)msg->payloadlen);
	m->retained = msg->retain;
	m->properties = properties;
	/* the bound is the packet's, not that of what it asks for */
	headroom_lift(&m->headroom);
	for (k = 0; text && k < m->listeners; k++)
		if (m->listener[k]->message)
			m->listener[k]->message(m->listener[k]->user, msg->topic, text);
	headroom_limit(&m->headroom, READ_ROOM);
	m->properties = NULL;
	free(text);
}

/*
 * libmosquitto makes room for any packet, whatever maximum was told to the broker, as soon as it
 * has its length; 256 MB are possible.
 */
static int read_bounded(struct mqtt *m)
{
	int rc;

	headroom_limit(&m->headroom, READ_ROOM);
	rc = mosquitto_loop_read(m->client, 1);
	headroom_lift(&m->headroom);
	if (rc == MOSQ_ERR_NOMEM)
		m->stop = "it sends a packet of more than 64 kB";
	return rc;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct mqtt *m = data;
	int rc = MOSQ_ERR_SUCCESS;

	errno = 0;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		rc = read_bounded(m);
	if (rc == MOSQ_ERR_SUCCESS && !m->stop && (events & EPOLLOUT))
		rc = mosquitto_loop_write(m->client, 1);
	step(m, rc);
	return 0;
}

static const char *reason_of(const struct mqtt *m, int rc)
{
	if (m->tls && mqtt_tls_error(m->tls))
		return mqtt_tls_error(m->tls);
	return rc == MOSQ_ERR_ERRNO && errno ? strerror(errno) : mosquitto_strerror(rc);
}

static void connect_address(struct mqtt *m, const char *address)
{
	int rc;

	m->accepted = false;
	m->refused = 0;
	m->disconnected = false;
	m->client = mqtt_client_new(m->config, m->live.topic_status, m->old_version, m);
	if (!m->client) {
		fail(m, "out of memory");
		return;
	}
	mosquitto_connect_callback_set(m->client, on_connect);
	mosquitto_disconnect_callback_set(m->client, on_disconnect);
	mosquitto_publish_v5_callback_set(m->client, on_publish);
	mosquitto_message_v5_callback_set(m->client, on_message);
	if (m->tls && mqtt_tls_use(m->tls, m->client)) {
		fail(m, mqtt_tls_error(m->tls));
		return;
	}
	enter(m, STATE_CONNECTING, TICK_US);
	errno = 0;
	rc = mosquitto_connect_async(m->client, address, m->port, MQTT_KEEPALIVE_S);
	if (rc) {
		fail(m, reason_of(m, rc));
		return;
	}
	rc = sd_event_add_io(m->event, &m->io, mosquitto_socket(m->client), EPOLLIN | EPOLLOUT,
			     on_io, m);
	if (rc < 0)
		fail(m, strerror(-rc));
}

static void start_lookup(struct mqtt *m)
{
	int rc = lookup_start(&m->lookup, m->host);

	if (rc)
		fail(m, gai_strerror(rc));
	else
		enter(m, STATE_RESOLVING, RESOLVE_POLL_US);
}

static void end_lookup(struct mqtt *m)
{
	lookup_end(m->lookup);
	m->lookup = NULL;
}

static void poll_lookup(struct mqtt *m)
{
	int rc = lookup_poll(m->lookup, &m->found);

	if (rc == EAI_INPROGRESS && now_us(m) - m->state_since_us < RESOLVE_TIMEOUT_US) {
		sd_event_source_set_time_relative(m->timer, RESOLVE_POLL_US);
		sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
		return;
	}
	end_lookup(m);
	m->next_address = 0;
	if (rc == EAI_INPROGRESS)
		fail(m, "the name server does not answer");
	else if (rc)
		fail(m, gai_strerror(rc));
	else if (!m->found.addresses)
		fail(m, "the name has no address");
	else
		connect_address(m, m->found.address[m->next_address++]);
}

/* Next attempt: another address of the same name, or from the start. */
static void attempt(struct mqtt *m)
{
	if (!m->port)
		connect_address(m, m->host);
	else if (m->next_address < m->found.addresses)
		connect_address(m, m->found.address[m->next_address++]);
	else
		start_lookup(m);
}

static void announce(struct mqtt *m)
{
	unsigned int k;

	log_notice("mqtt: broker %s: connected", m->broker);
	enter(m, STATE_CONNECTED, TICK_US);
	m->told[0] = '\0';
	for (k = 0; k < m->listeners; k++)
		if (m->listener[k]->connected)
			m->listener[k]->connected(m->listener[k]->user);
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
	const char *why = reason_of(m, rc);

	if (m->refused) {
		bool version = m->refused == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION ||
			       m->refused == CONNACK_REFUSED_PROTOCOL_VERSION;

		why = m->old_version || version ? mosquitto_connack_string(m->refused)
						: mosquitto_reason_string(m->refused);
		m->old_version |= version;
		fail(m, why);
	} else if (m->stop) {
		fail(m, m->stop);
	} else if (m->disconnected || rc || mosquitto_socket(m->client) < 0)
		fail(m, rc ? why : "closed by the broker");
	else if (m->accepted && m->state == STATE_CONNECTING)
		announce(m);
	if (m->client && m->io)
		watch_socket(m);
}

static void tell_tick(struct mqtt *m)
{
	unsigned int k;

	for (k = 0; k < m->listeners; k++)
		if (m->listener[k]->tick)
			m->listener[k]->tick(m->listener[k]->user);
}

static void tick(struct mqtt *m)
{
	if (m->state == STATE_CONNECTING && now_us(m) - m->state_since_us >= CONNECT_TIMEOUT_US) {
		fail(m, "no answer within 10 s");
		return;
	}
	sd_event_source_set_time_relative(m->timer, TICK_US);
	sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
	if (m->state == STATE_CONNECTED)
		tell_tick(m);
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
	if (!topic || !*topic || strlen(topic) > MQTT_TOPIC_MAX || topic[0] == '$' ||
	    mosquitto_pub_topic_check(topic) || mosquitto_validate_utf8(topic, strlen(topic))) {
		log_error("[mqtt] topic = \"%s\": not a topic to publish on; use 1 to %d "
			  "characters without + and # and not starting with $, such as meterd",
			  topic ? topic : "", MQTT_TOPIC_MAX);
		return -EINVAL;
	}
	if (!gateway || !*gateway || strlen(gateway) > MQTT_TOPIC_MAX || strpbrk(gateway, "+#/") ||
	    mosquitto_validate_utf8(gateway, strlen(gateway))) {
		log_error("[gateway] name = \"%s\": cannot be a part of an MQTT topic; use 1 to %d "
			  "characters without +, # and /",
			  gateway ? gateway : "", MQTT_TOPIC_MAX);
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

static int copy_config(struct mqtt *m, const struct mqtt_config *config)
{
	bool unix_socket = config->host[0] == '/';

	m->port = unix_socket ? 0 : config->port;
	m->host = strdup(config->host);
	if (!m->host)
		return -ENOMEM;
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
	end_lookup(m);
	headroom_close(&m->headroom);
	sd_event_source_disable_unref(m->timer);
	sd_event_unref(m->event);
	mqtt_live_close(&m->live);
	free(m->host);
	free(m->broker);
	mqtt_tls_destroy(m->tls);
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
	headroom_open(&m->headroom);
	m->event = sd_event_ref(event);
	m->backoff_us = BACKOFF_MIN_US;
	m->config = config;
	ret = copy_config(m, config);
	if (!ret)
		ret = mqtt_live_open(&m->live, m, event, config->topic, gateway);
	if (!ret && config->tls && !strcmp(config->tls, "yes"))
		ret = mqtt_tls_create(&m->tls, config);
	if (!ret)
		ret = sd_event_add_time_relative(event, &m->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
						 m);
	if (ret >= 0) {
		*out = m;
		return 0;
	}
	free_mqtt(m);
	if (ret == -EINVAL)
		return ret;
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
	if (!m)
		return;
	mqtt_live_publish(&m->live, r);
	if (mqtt_is_connected(m))
		step(m, MOSQ_ERR_SUCCESS);
}

bool mqtt_is_connected(const struct mqtt *m)
{
	return m->state == STATE_CONNECTED;
}

int mqtt_listen(struct mqtt *m, const struct mqtt_listener *listener)
{
	if (m->listeners == MQTT_LISTENERS_MAX)
		return -ENOSPC;
	m->listener[m->listeners++] = listener;
	return 0;
}

/* Acts on nothing: it may be called from within the library. */
void mqtt_reconnect(struct mqtt *m, const char *why)
{
	if (!m->client || m->state != STATE_CONNECTED)
		return;
	m->stop = why;
	sd_event_source_set_time_relative(m->timer, 0);
}

static int checked(struct mqtt *m, int rc)
{
	if (rc)
		mqtt_reconnect(m, rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
	if (m->io)
		watch_socket(m);
	return rc ? -ENOTCONN : 0;
}

int mqtt_send(struct mqtt *m, const char *topic, const char *text, size_t length, int qos,
	      bool retain, int *mid)
{
	if (!m || m->state != STATE_CONNECTED || length > INT32_MAX)
		return -ENOTCONN;
	errno = 0;
	return checked(m, mosquitto_publish(m->client, mid, topic, (int)length, text, qos, retain));
}

bool mqtt_is_retained(const struct mqtt *m)
{
	return m->retained;
}

struct mqtt_return *mqtt_return_address(struct mqtt *m, const char *topic)
{
	return mqtt_return_make(m->properties, m->live.topic_status, topic);
}

int mqtt_respond(struct mqtt *m, struct mqtt_return *to, const char *text)
{
	int rc;

	if (m->state != STATE_CONNECTED) {
		mqtt_return_free(to);
		return -ENOTCONN;
	}
	errno = 0;
	rc = mosquitto_publish_v5(m->client, NULL, to->topic, (int)strlen(text), text, 1, false,
				  to->properties);
	mqtt_return_free(to);
	return checked(m, rc);
}

int mqtt_subscribe(struct mqtt *m, const char *topic)
{
	if (m->state != STATE_CONNECTED)
		return -ENOTCONN;
	return checked(m, mosquitto_subscribe(m->client, NULL, topic, 1));
}

void mqtt_counters(const struct mqtt *m, struct mqtt_counters *c)
{
	*c = (struct mqtt_counters){ 0 };
	if (m)
		*c = (struct mqtt_counters){
			.connected = mqtt_is_connected(m),
			.published = m->live.published,
			.dropped = m->live.dropped,
		};
}

/* Outside of the loop, since it may have ended: write what is left, for a bounded time. */
static void say_goodbye(struct mqtt *m)
{
	uint64_t spent = 0;
	struct pollfd p;

	if (mosquitto_publish(m->client, NULL, m->live.topic_status, strlen(STATUS_OFFLINE),
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
