/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * influx - an upstream of the store: records as InfluxDB line protocol over HTTP or HTTPS.
 *
 * POST URL/write?db=... (version 1) or URL/api/v2/write?org=...&bucket=... (version 2), many
 * records at a time, compressed. They leave the queue when the answer is 2xx. A batch
 * that is refused as malformed (400, 413, 422) is halved until the record is found; this
 * one is noted in the store as refused, and the others go on. All else (no
 * connection, 401, 404, 429, 5xx) is tried again, after 1 s at first and up to 5 min.
 *
 * The time of a point has the sequence number as its last 6 digits of nanoseconds, so
 * that two records of one minute (after a step of the clock) do not replace each other, and
 * one that is sent twice replaces itself.
 */
#ifndef METERD_INFLUX_H
#define METERD_INFLUX_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct record;
struct store;
struct influx;

/**
 * struct influx_config - section [influx]
 * @url: "http://HOST:8086" or "https://..."; no path
 * @version: 1 or 2
 * @database: version 1
 * @org: version 2
 * @bucket: version 2
 * @token_file: version 2: file with the token, or NULL
 * @user: version 1: name, or NULL
 * @password_file: version 1: file with the password, or NULL
 * @ca_file: authorities to trust, NULL: those of the system
 */
struct influx_config {
	char *url;
	unsigned int version;
	char *database;
	char *org;
	char *bucket;
	char *token_file;
	char *user;
	char *password_file;
	char *ca_file;
};

/**
 * struct influx_counters - for status pages
 * @good: the last request was answered with 2xx
 * @sent: records acknowledged
 * @refused: records refused for good
 * @failures: requests that have to be repeated
 */
struct influx_counters {
	bool good;
	uint64_t sent;
	uint64_t refused;
	uint64_t failures;
};

/**
 * influx_line() - a record as a line with its newline
 * @r: the record
 * @gateway: name of the gateway, a tag
 * @store: identity of the store, a field
 * @text: where to put it
 * @size: its bytes
 *
 * Return: length, 0 when the record has nothing to send, or -ENOBUFS.
 */
int influx_line(const struct record *r, const char *gateway, const char *store, char *text,
		size_t size);

/**
 * influx_open() - begin; @upstream is its number in the store; @config must outlive it
 *
 * Return: 0, or -errno after printing what is wrong.
 */
int influx_open(struct influx **i, sd_event *event, const struct influx_config *config,
		struct store *s, unsigned int upstream, const char *gateway);

/** influx_counters() - NULL @i gives zeros */
void influx_counters(const struct influx *i, struct influx_counters *c);

/** influx_close() - before store_close(); NULL is allowed */
void influx_close(struct influx *i);

#endif
