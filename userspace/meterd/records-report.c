// SPDX-License-Identifier: GPL-2.0-or-later
#include "records-report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "meterd.h"
#include "store.h"

#define OK 200
#define BAD_REQUEST 400
#define UNAVAILABLE 503
/* 9999-12-31, s */
#define TIME_MAX 253402300799LL

/**
 * struct report - an answer that is made
 * @store: whose records
 * @later: waits for it
 */
struct report {
	struct store *store;
	struct http_later *later;
};

/* Return: false when the argument is there and is not a number of @least to @most. */
static bool take_number(const struct http_later *later, const char *name, int64_t least,
			int64_t most, int64_t *value, char *why)
{
	const char *text = http_argument(later, name);
	char *end;

	if (!text)
		return true;
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (end != text && !*end && !errno && *value >= least && *value <= most)
		return true;
	snprintf(why, HTTP_WHY_MAX,
		 "%s is \"%.40s\"; it must be a whole number from %" PRId64 " to %" PRId64, name,
		 text, least, most);
	return false;
}

static bool take_kind(const struct http_later *later, struct record_query *q, char *why)
{
	static const char *const kinds[RECORD_KINDS] = { "1m", "5m", "event", "input" };
	const char *text = http_argument(later, "kind");
	unsigned int k;

	q->kinds = 1U << RECORD_5M;
	if (!text)
		return true;
	for (k = 0; k < RECORD_KINDS; k++)
		if (!strcmp(text, kinds[k])) {
			q->kinds = 1U << k;
			return true;
		}
	snprintf(why, HTTP_WHY_MAX, "kind is \"%.40s\"; there are 1m, 5m, event and input", text);
	return false;
}

static bool take_load(const struct http_later *later, struct record_query *q, char *why)
{
	const char *text = http_argument(later, "load");

	if (text && strlen(text) > LOAD_NAME_MAX) {
		snprintf(why, HTTP_WHY_MAX, "load is longer than %d characters", LOAD_NAME_MAX);
		return false;
	}
	snprintf(q->load, sizeof(q->load), "%s", text ? text : "");
	return true;
}

static bool take_query(const struct http_later *later, struct record_query *q, char *why)
{
	int64_t since_s = 0, until_s = TIME_MAX, after = 0, limit = STORE_BATCH_MAX;

	memset(q, 0, sizeof(*q));
	if (!take_kind(later, q, why) || !take_load(later, q, why) ||
	    !take_number(later, "since", 0, TIME_MAX, &since_s, why) ||
	    !take_number(later, "until", 0, TIME_MAX, &until_s, why) ||
	    !take_number(later, "after", 0, INT64_MAX, &after, why) ||
	    !take_number(later, "limit", 1, STORE_BATCH_MAX, &limit, why))
		return false;
	q->since_ms = since_s * 1000;
	q->until_ms = until_s * 1000;
	q->after = (uint64_t)after;
	q->max = (uint32_t)limit;
	return true;
}

/* {"store":"...","records":[...],"next":N}; NULL when memory is short. */
static char *answer_text(const char *id, const struct record *r, unsigned int n, uint64_t next)
{
	size_t size = 128 + (size_t)n * (RECORD_JSON_MAX + 1);
	char *text = malloc(size);
	size_t at;
	unsigned int k;
	int length;

	if (!text)
		return NULL;
	at = (size_t)snprintf(text, size, "{\"store\":\"%s\",\"records\":[", id);
	for (k = 0; k < n; k++) {
		if (k)
			text[at++] = ',';
		length = record_json(&r[k], id, text + at, RECORD_JSON_MAX);
		at += length > 0 ? (size_t)length : 0;
	}
	if (next)
		snprintf(text + at, size - at, "],\"next\":%" PRIu64 "}", next);
	else
		snprintf(text + at, size - at, "],\"next\":null}");
	return text;
}

static void on_found(void *user, int error, const struct record *r, unsigned int n, uint64_t next)
{
	struct report *p = user;

	if (error)
		http_later_answer(p->later, UNAVAILABLE,
				  strdup("{\"error\":\"the store cannot be read now; see "
					 "/api/v1/store and the log of meterd\"}"));
	else
		http_later_answer(p->later, OK, answer_text(store_id(p->store), r, n, next));
	free(p);
}

unsigned int records_report(void *user, struct http_later *later, char *why)
{
	const struct meterd *d = user;
	struct record_query q;
	struct report *p;
	int error;

	if (!take_query(later, &q, why))
		return BAD_REQUEST;
	p = malloc(sizeof(*p));
	if (p)
		*p = (struct report){ d->store, later };
	error = p ? store_look(d->store, &q, on_found, p) : -ENOMEM;
	if (!error)
		return 0;
	free(p);
	snprintf(why, HTTP_WHY_MAX, "%s",
		 error == -EBUSY    ? "others read records just now; ask again in a second"
		 : error == -ENOMEM ? "out of memory"
		 : d->store	    ? "the store is not open; see the log of meterd"
				    : "no records are kept; set [store] file in meterd.conf");
	return UNAVAILABLE;
}
