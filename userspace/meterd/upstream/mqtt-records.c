// SPDX-License-Identifier: GPL-2.0-or-later
#include "mqtt-records.h"

#include <errno.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* On their way at a time: what libmosquitto sends without waiting for an answer. */
#define WINDOW 20
#define ACK_TICKS_MAX 30
#define REFUSED_TICKS 60
#define REASON_REFUSED 0x80

/**
 * struct flight - a record on its way
 * @mid: of the library
 * @record: which
 * @acked: the broker has it
 */
struct flight {
	int mid;
	struct store_mark record;
	bool acked;
};

struct mqtt_records {
	struct mqtt *mqtt;
	struct store *store;
	unsigned int upstream;
	char *topic;
	struct mqtt_listener listener;
	bool connected;
	struct flight flight[WINDOW];
	unsigned int flights;
	bool fetching;		/* an answer of the store is to come */
	bool stale;		/* it answers a question of the connection before */
	struct store_mark sent; /* last record handed to the library */
	unsigned int quiet;	/* seconds without an acknowledgement of what is on its way */
	unsigned int pause;	/* seconds to wait after a refusal */
	bool refused_told;
	char text[RECORD_JSON_MAX];
};

static void fetch(struct mqtt_records *r)
{
	if (!r->connected || r->pause || r->flights > WINDOW / 2 ||
	    store_fetch(r->store, r->upstream, r->sent, WINDOW - r->flights))
		return;
	r->fetching = true;
	r->stale = false;
}

static void on_wake(void *user)
{
	fetch(user);
}

static bool send_one(struct mqtt_records *r, const struct record *record)
{
	struct flight *f = &r->flight[r->flights];
	int length = record_json(record, store_id(r->store), r->text, sizeof(r->text));

	*f = (struct flight){ .record = store_mark(r->store, record->sequence) };
	if (length < 0 || mqtt_send(r->mqtt, r->topic, r->text, (size_t)length, 1, false, &f->mid))
		return false;
	r->flights++;
	r->sent = f->record;
	return true;
}

static void on_records(void *user, const struct record *records, unsigned int n)
{
	struct mqtt_records *r = user;
	unsigned int k;

	r->fetching = false;
	if (r->stale) {
		fetch(r);
		return;
	}
	if (!r->connected || r->pause)
		return;
	for (k = 0; k < n && r->flights < WINDOW; k++)
		if (!send_one(r, &records[k]))
			return;
}

static void forget(struct mqtt_records *r)
{
	r->stale = r->fetching;
	r->flights = 0;
	r->sent = (struct store_mark){ 0 };
	r->quiet = 0;
}

static void refuse(struct mqtt_records *r, int reason)
{
	if (!r->refused_told)
		log_error("mqtt: the broker refuses records on %s: %s; they are kept and tried "
			  "again every minute: let this user publish there",
			  r->topic, mosquitto_reason_string(reason));
	r->refused_told = true;
	r->pause = REFUSED_TICKS;
	forget(r);
}

static void on_acked(void *user, int mid, int reason)
{
	struct mqtt_records *r = user;
	unsigned int done = 0;
	unsigned int k;

	for (k = 0; k < r->flights && r->flight[k].mid != mid; k++)
		;
	if (k == r->flights)
		return;
	if (reason >= REASON_REFUSED) {
		refuse(r, reason);
		return;
	}
	r->refused_told = false;
	r->quiet = 0;
	r->flight[k].acked = true;
	while (done < r->flights && r->flight[done].acked)
		done++;
	if (!done)
		return;
	store_ack(r->store, r->upstream, r->flight[done - 1].record);
	r->flights -= done;
	memmove(r->flight, r->flight + done, r->flights * sizeof(*r->flight));
	fetch(r);
}

static void on_connected(void *user)
{
	struct mqtt_records *r = user;

	r->connected = true;
	r->pause = 0;
	forget(r);
	fetch(r);
}

static void on_lost(void *user)
{
	struct mqtt_records *r = user;

	r->connected = false;
	forget(r);
}

static void on_tick(void *user)
{
	struct mqtt_records *r = user;

	if (r->pause && !--r->pause)
		fetch(r);
	if (r->flights && ++r->quiet >= ACK_TICKS_MAX) {
		r->quiet = 0;
		mqtt_reconnect(r->mqtt, "records are not acknowledged");
	}
}

int mqtt_records_open(struct mqtt_records **out, struct mqtt *m, struct store *s,
		      unsigned int upstream, const char *topic, const char *gateway)
{
	static const struct store_upstream_ops ops = { on_wake, on_records };
	struct mqtt_records *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->mqtt = m;
	r->store = s;
	r->upstream = upstream;
	r->listener = (struct mqtt_listener){
		.connected = on_connected,
		.lost = on_lost,
		.acked = on_acked,
		.tick = on_tick,
		.user = r,
	};
	error = asprintf(&r->topic, "%s/%s/records", topic, gateway) < 0 ? -ENOMEM : 0;
	error = error ? error : mqtt_listen(m, &r->listener);
	if (error) {
		free(r);
		return error;
	}
	store_attach(s, upstream, &ops, r);
	*out = r;
	return 0;
}

void mqtt_records_close(struct mqtt_records *r)
{
	if (!r)
		return;
	store_attach(r->store, r->upstream, NULL, NULL);
	free(r->topic);
	free(r);
}
