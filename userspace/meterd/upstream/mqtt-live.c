// SPDX-License-Identifier: GPL-2.0-or-later
#include "mqtt-live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"

#define US_PER_S 1000000ULL

/* Without a reading for this long, what was published is not the present any more. */
#define STALE_US (4 * US_PER_S)
/*
 * The status is said again this often: the will of a connection that was left reaches
 * the broker's clients when it notices, which may be after the next one has said "online".
 */
#define STATUS_US (30 * US_PER_S)

static uint64_t now_us(const struct mqtt_live *l)
{
	uint64_t now = 0;

	sd_event_now(l->event, CLOCK_MONOTONIC, &now);
	return now;
}

static bool is_stale(const struct mqtt_live *l)
{
	return !l->fed_us || now_us(l) - l->fed_us >= STALE_US;
}

static void say_status(struct mqtt_live *l)
{
	const char *status = is_stale(l) ? STATUS_STALE : STATUS_ONLINE;

	if (l->status && !strcmp(l->status, status) && now_us(l) - l->status_us < STATUS_US)
		return;
	if (mqtt_send(l->mqtt, l->topic_status, status, strlen(status), 1, true, NULL))
		return;
	l->status = status;
	l->status_us = now_us(l);
}

static int send_reading(struct mqtt_live *l, const struct reading *r)
{
	unsigned int k;

	for (k = 0; k < UNSENT_MAX && l->mid[k]; k++)
		;
	if (k == UNSENT_MAX || live_json(&l->json, r))
		return -ENOBUFS;
	if (mqtt_send(l->mqtt, l->topic, l->json.text, l->json.length, 0, false, &l->mid[k]))
		return -ENOTCONN;
	l->unsent++;
	return 0;
}

static void on_connected(void *user)
{
	say_status(user);
}

static void on_lost(void *user)
{
	struct mqtt_live *l = user;

	l->dropped += l->unsent;
	l->unsent = 0;
	memset(l->mid, 0, sizeof(l->mid));
	l->status = NULL;
}

static void on_acked(void *user, int mid, int reason)
{
	struct mqtt_live *l = user;
	unsigned int k;

	for (k = 0; k < UNSENT_MAX; k++) {
		if (l->mid[k] != mid || !mid)
			continue;
		l->mid[k] = 0;
		l->unsent--;
		l->published++;
	}
}

/* Readings have ended: say so once, with a reading in which nothing is known. */
static void on_tick(void *user)
{
	struct mqtt_live *l = user;
	bool was_online = l->status && !strcmp(l->status, STATUS_ONLINE);

	if (was_online && is_stale(l) && l->blank_load) {
		l->blank.utc_ns = (int64_t)clock_us(CLOCK_REALTIME) * 1000;
		send_reading(l, &l->blank);
	}
	say_status(l);
}

/* Keep the shape of a reading, for the one that says that nothing is known. */
static void remember(struct mqtt_live *l, const struct reading *r)
{
	if (!l->blank_load || l->blank.loads != r->loads) {
		free(l->blank_load);
		l->blank_load = calloc(r->loads ? r->loads : 1, sizeof(*l->blank_load));
	}
	if (l->blank_load)
		reading_blank(&l->blank, l->blank_load, r);
	l->fed_us = now_us(l);
}

void mqtt_live_publish(struct mqtt_live *l, const struct reading *r)
{
	remember(l, r);
	if (!mqtt_is_connected(l->mqtt) || send_reading(l, r))
		l->dropped++;
	else
		say_status(l);
}

int mqtt_live_open(struct mqtt_live *l, struct mqtt *m, sd_event *event, const char *topic,
		   const char *gateway)
{
	l->mqtt = m;
	l->event = event;
	l->listener = (struct mqtt_listener){
		.connected = on_connected,
		.lost = on_lost,
		.acked = on_acked,
		.tick = on_tick,
		.user = l,
	};
	if (asprintf(&l->topic, "%s/%s/live", topic, gateway) < 0) {
		l->topic = NULL;
		return -ENOMEM;
	}
	if (asprintf(&l->topic_status, "%s/%s/status", topic, gateway) < 0) {
		l->topic_status = NULL;
		return -ENOMEM;
	}
	return mqtt_listen(m, &l->listener);
}

void mqtt_live_close(struct mqtt_live *l)
{
	live_free(&l->json);
	free(l->topic);
	free(l->topic_status);
	free(l->blank_load);
}
