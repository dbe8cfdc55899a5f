// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request at a time, driven by the event loop through libcurl's multi interface:
 * curl says which sockets and which time it waits for, and is told when they come.
 */
#include "influx.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <zlib.h>

#include "log.h"
#include "store.h"

#define US_PER_MS 1000ULL
#define US_PER_S 1000000ULL
#define RETRY_MIN_US US_PER_S
#define RETRY_MAX_US (300 * US_PER_S)
#define TIMEOUT_S 30L
#define CONNECT_TIMEOUT_S 10L
#define LINE_MAX_BYTES 2048
#define ANSWER_MAX 512
#define SECRET_MAX 1024
/* Who refuses so many records one after the other refuses all: it is not the records. */
#define SUSPECTS_MAX STORE_BATCH_MAX

/**
 * struct suspect - a record that was refused alone
 * @record: which
 * @reason: the answer
 */
struct suspect {
	struct store_mark record;
	char reason[RECORD_TEXT_MAX];
};

/**
 * struct influx - the upstream
 * @multi: curl's side of the loop
 * @easy: the request
 * @busy: it is on its way
 * @fetching: an answer of the store is to come
 * @limit: records in the next request; halved while one is looked for that is refused
 * @last: the last record in the request
 * @records: in the request
 * @suspects: records that were refused alone since one was accepted
 * @suspect: them
 * @answer: begin of the body of the answer, for messages
 */
struct influx {
	sd_event *event;
	const struct influx_config *config;
	struct store *store;
	unsigned int upstream;
	char *gateway;
	char *url;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *head;
	sd_event_source *curl_timer;
	sd_event_source *retry_timer;
	uint64_t retry_us;
	bool waiting;
	bool busy;
	unsigned int limit;
	struct store_mark last;
	unsigned int records;
	unsigned int suspects;
	struct suspect suspect[SUSPECTS_MAX];
	char *plain;
	unsigned char *packed;
	size_t packed_size;
	char answer[ANSWER_MAX];
	size_t answer_length;
	char curl_error[CURL_ERROR_SIZE];
	bool told;
	struct influx_counters counters;
};

static void done(struct influx *i, CURLcode result);

/* From the first that is not acknowledged on, or behind those that were refused. */
static void fetch(struct influx *i)
{
	struct store_mark after = { 0 };

	if (i->suspects)
		after = i->suspect[i->suspects - 1].record;
	if (!i->busy && !i->waiting)
		store_fetch(i->store, i->upstream, after, i->limit);
}

static void on_wake(void *user)
{
	fetch(user);
}

/* What curl has finished meanwhile. */
static void look(struct influx *i)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(i->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			done(i, m->data.result);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct influx *i = user;
	int what = 0;
	int running;

	what |= events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0;
	what |= events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	what |= events & EPOLLERR ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(i->multi, fd, what, &running);
	look(i);
	return 0;
}

/* curl wants to know of @fd; its event source is kept with the socket in curl. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
	struct influx *i = user;
	sd_event_source *source = socket_user;
	uint32_t events = 0;

	events |= what & CURL_POLL_IN ? EPOLLIN : 0;
	events |= what & CURL_POLL_OUT ? EPOLLOUT : 0;
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(i->multi, fd, NULL);
		sd_event_source_disable_unref(source);
	} else if (source) {
		sd_event_source_set_io_events(source, events);
	} else if (sd_event_add_io(i->event, &source, fd, events, on_io, i) >= 0) {
		curl_multi_assign(i->multi, fd, source);
	}
	return 0;
}

static int on_curl_time(sd_event_source *source, uint64_t usec, void *user)
{
	struct influx *i = user;
	int running;

	curl_multi_socket_action(i->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look(i);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *user)
{
	struct influx *i = user;

	if (ms < 0)
		return sd_event_source_set_enabled(i->curl_timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	sd_event_source_set_time_relative(i->curl_timer, (uint64_t)ms * US_PER_MS);
	return sd_event_source_set_enabled(i->curl_timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static size_t on_answer(char *data, size_t size, size_t n, void *user)
{
	struct influx *i = user;
	size_t room = sizeof(i->answer) - 1 - i->answer_length;
	size_t take = size * n < room ? size * n : room;

	memcpy(i->answer + i->answer_length, data, take);
	i->answer_length += take;
	i->answer[i->answer_length] = '\0';
	return size * n;
}

/* Between half and all of the back-off, so that many gateways do not come back at once. */
static void retry_later(struct influx *i)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 0;
	i->waiting = true;
	i->counters.failures++;
	i->counters.good = false;
	sd_event_source_set_time_relative(i->retry_timer,
					  i->retry_us / 2 + random % (i->retry_us / 2));
	sd_event_source_set_enabled(i->retry_timer, SD_EVENT_ONESHOT);
	i->retry_us = i->retry_us * 2 > RETRY_MAX_US ? RETRY_MAX_US : i->retry_us * 2;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *user)
{
	struct influx *i = user;

	i->waiting = false;
	fetch(i);
	return 0;
}

static void tell(struct influx *i, const char *why, const char *way_out)
{
	if (!i->told)
		log_warning("influx: %s: %s; records are kept and sent later%s", i->config->url,
			    why, way_out);
	i->told = true;
}

/* It takes others, so it was these records that it did not take. */
static void leave_out_suspects(struct influx *i)
{
	unsigned int k;

	for (k = 0; k < i->suspects; k++) {
		const struct suspect *s = &i->suspect[k];

		log_error("influx: %s: record %llu is refused: %s; it is left out, and noted in "
			  "the store",
			  i->config->url, (unsigned long long)s->record.sequence, s->reason);
		i->counters.refused++;
		store_refuse(i->store, i->upstream, s->record, s->reason);
	}
	i->suspects = 0;
}

static void accepted(struct influx *i)
{
	if (i->told)
		log_notice("influx: %s: records are accepted again", i->config->url);
	i->told = false;
	i->retry_us = RETRY_MIN_US;
	i->counters.good = true;
	i->counters.sent += i->records;
	leave_out_suspects(i);
	store_ack(i->store, i->upstream, i->last);
	i->limit = i->limit * 2 > STORE_BATCH_MAX ? STORE_BATCH_MAX : i->limit * 2;
	fetch(i);
}

/* Halve until one record is left, and see whether it takes the next one: it may refuse all. */
static void refused(struct influx *i, long status)
{
	struct suspect *s = &i->suspect[i->suspects];
	char why[RECORD_TEXT_MAX + 64];

	i->answer[strcspn(i->answer, "\r\n")] = '\0';
	if (i->records > 1) {
		i->limit = i->records / 2;
		fetch(i);
		return;
	}
	s->record = i->last;
	snprintf(s->reason, sizeof(s->reason), "%ld %.120s", status, i->answer);
	if (++i->suspects < SUSPECTS_MAX) {
		fetch(i);
		return;
	}
	i->suspects = 0;
	snprintf(why, sizeof(why), "refuses every record: %s (is it InfluxDB?)", s->reason);
	tell(i, why, "; check url in [influx]");
	retry_later(i);
}

static const char *way_to_server(CURLcode result)
{
	return result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_CONNECT ||
			       result == CURLE_OPERATION_TIMEDOUT
		       ? "; check url in [influx], that the server runs, and that IPAddressAllow= "
			 "of the unit has its address"
		       : "";
}

static void done(struct influx *i, CURLcode result)
{
	char why[ANSWER_MAX + 64];
	long status = 0;

	curl_multi_remove_handle(i->multi, i->easy);
	i->busy = false;
	curl_easy_getinfo(i->easy, CURLINFO_RESPONSE_CODE, &status);
	if (result) {
		tell(i, i->curl_error[0] ? i->curl_error : curl_easy_strerror(result),
		     way_to_server(result));
		retry_later(i);
	} else if (status >= 200 && status < 300 && !i->answer_length) {
		accepted(i);
	} else if (status == 400 || status == 413 || status == 422) {
		refused(i, status);
	} else {
		snprintf(why, sizeof(why), "answers %ld %s%s", status, i->answer,
			 status == 401 || status == 403 ? " (user or token?)"
			 : status == 404		? " (url, database or bucket?)"
			 : status < 300			? " (is it InfluxDB? That says nothing)"
							: "");
		tell(i, why, "");
		retry_later(i);
	}
}

/* gzip; Return: bytes, 0 when it fails. */
static size_t pack(struct influx *i, size_t length)
{
	z_stream z = { .next_in = (unsigned char *)i->plain,
		       .avail_in = (uInt)length,
		       .next_out = i->packed,
		       .avail_out = (uInt)i->packed_size };
	size_t bytes = 0;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY))
		return 0;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END)
		bytes = z.total_out;
	deflateEnd(&z);
	return bytes;
}

static void post(struct influx *i, size_t length)
{
	size_t bytes = pack(i, length);

	i->answer_length = 0;
	i->answer[0] = '\0';
	i->curl_error[0] = '\0';
	curl_easy_setopt(i->easy, CURLOPT_POSTFIELDS, (char *)i->packed);
	curl_easy_setopt(i->easy, CURLOPT_POSTFIELDSIZE, (long)bytes);
	if (!bytes || curl_multi_add_handle(i->multi, i->easy)) {
		tell(i, "the request cannot be made", "");
		retry_later(i);
		return;
	}
	i->busy = true;
}

static void on_records(void *user, const struct record *r, unsigned int n)
{
	struct influx *i = user;
	size_t length = 0;
	unsigned int k;

	if (i->busy || i->waiting || !n)
		return;
	n = n < i->limit ? n : i->limit;
	for (k = 0; k < n; k++) {
		int bytes = influx_line(&r[k], i->gateway, store_id(i->store), i->plain + length,
					LINE_MAX_BYTES);

		length += bytes > 0 ? (size_t)bytes : 0;
	}
	i->records = n;
	i->last = store_mark(i->store, r[n - 1].sequence);
	post(i, length);
}

/* The first line of a file; false after printing why there is none. */
static bool read_secret(const char *path, char *secret, size_t size)
{
	FILE *f = fopen(path, "re");
	bool good = f && fgets(secret, (int)size, f);

	if (!good)
		log_error("[influx] %s: %s", path, f ? "is empty" : strerror(errno));
	if (f)
		fclose(f);
	secret[good ? strcspn(secret, "\r\n") : 0] = '\0';
	return good;
}

static int make_url(struct influx *i)
{
	const struct influx_config *c = i->config;
	char *a = curl_easy_escape(i->easy, c->version == 1 ? c->database : c->org, 0);
	char *b = curl_easy_escape(i->easy, c->bucket, 0);
	int n = -1;

	if (a && b && c->version == 1)
		n = asprintf(&i->url, "%s/write?db=%s&precision=ns", c->url, a);
	else if (a && b)
		n = asprintf(&i->url, "%s/api/v2/write?org=%s&bucket=%s&precision=ns", c->url, a,
			     b);
	curl_free(a);
	curl_free(b);
	if (n < 0)
		i->url = NULL;
	return n < 0 ? -ENOMEM : 0;
}

static int log_in(struct influx *i)
{
	const struct influx_config *c = i->config;
	char secret[SECRET_MAX] = "";
	char line[SECRET_MAX + 32];

	if (c->version == 2 && c->token_file) {
		if (!read_secret(c->token_file, secret, sizeof(secret)))
			return -EINVAL;
		snprintf(line, sizeof(line), "Authorization: Token %s", secret);
		i->head = curl_slist_append(i->head, line);
	} else if (c->version == 1 && c->user) {
		if (c->password_file && !read_secret(c->password_file, secret, sizeof(secret)))
			return -EINVAL;
		curl_easy_setopt(i->easy, CURLOPT_USERNAME, c->user);
		curl_easy_setopt(i->easy, CURLOPT_PASSWORD, secret);
	}
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int set_up_curl(struct influx *i)
{
	int error;

	i->multi = curl_multi_init();
	i->easy = curl_easy_init();
	if (!i->multi || !i->easy)
		return -ENOMEM;
	i->head = curl_slist_append(NULL, "Content-Encoding: gzip");
	i->head = curl_slist_append(i->head, "Content-Type: text/plain; charset=utf-8");
	i->head = curl_slist_append(i->head, "Expect:");
	error = log_in(i);
	error = error ? error : make_url(i);
	if (error)
		return error;
	curl_easy_setopt(i->easy, CURLOPT_URL, i->url);
	curl_easy_setopt(i->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(i->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(i->easy, CURLOPT_HTTPHEADER, i->head);
	curl_easy_setopt(i->easy, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(i->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(i->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(i->easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(i->easy, CURLOPT_WRITEDATA, i);
	curl_easy_setopt(i->easy, CURLOPT_ERRORBUFFER, i->curl_error);
	if (i->config->ca_file)
		curl_easy_setopt(i->easy, CURLOPT_CAINFO, i->config->ca_file);
	curl_multi_setopt(i->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(i->multi, CURLMOPT_SOCKETDATA, i);
	curl_multi_setopt(i->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(i->multi, CURLMOPT_TIMERDATA, i);
	return 0;
}

static int check(const struct influx_config *c)
{
	if (c->version == 1 ? c->database != NULL : c->org && c->bucket)
		return 0;
	log_error("[influx] version = %u: %s", c->version,
		  c->version == 1 ? "needs database" : "needs org and bucket");
	return -EINVAL;
}

static int set_up(struct influx *i)
{
	int error;

	i->packed_size = compressBound(STORE_BATCH_MAX * LINE_MAX_BYTES) + 64;
	i->plain = malloc(STORE_BATCH_MAX * LINE_MAX_BYTES);
	i->packed = malloc(i->packed_size);
	if (!i->plain || !i->packed || !i->gateway)
		return -ENOMEM;
	error = sd_event_add_time_relative(i->event, &i->curl_timer, CLOCK_MONOTONIC, 0, 0,
					   on_curl_time, i);
	if (error >= 0)
		error = sd_event_source_set_enabled(i->curl_timer, SD_EVENT_OFF);
	if (error >= 0)
		error = sd_event_add_time_relative(i->event, &i->retry_timer, CLOCK_MONOTONIC, 0, 0,
						   on_retry, i);
	return error < 0 ? error : set_up_curl(i);
}

int influx_open(struct influx **out, sd_event *event, const struct influx_config *config,
		struct store *s, unsigned int upstream, const char *gateway)
{
	static const struct store_upstream_ops ops = { on_wake, on_records };
	struct influx *i;
	int error = check(config);

	if (error)
		return error;
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	i->event = sd_event_ref(event);
	i->config = config;
	i->store = s;
	i->upstream = upstream;
	i->gateway = strdup(gateway);
	i->retry_us = RETRY_MIN_US;
	i->limit = STORE_BATCH_MAX;
	i->waiting = true; /* until the loop runs */
	error = set_up(i);
	if (error) {
		influx_close(i);
		return error;
	}
	store_attach(s, upstream, &ops, i);
	*out = i;
	return 0;
}

void influx_counters(const struct influx *i, struct influx_counters *c)
{
	*c = i ? i->counters : (struct influx_counters){ 0 };
}

void influx_close(struct influx *i)
{
	if (!i)
		return;
	if (i->store)
		store_attach(i->store, i->upstream, NULL, NULL);
	if (i->busy)
		curl_multi_remove_handle(i->multi, i->easy);
	if (i->easy)
		curl_easy_cleanup(i->easy);
	if (i->multi)
		curl_multi_cleanup(i->multi);
	curl_slist_free_all(i->head);
	sd_event_source_disable_unref(i->curl_timer);
	sd_event_source_disable_unref(i->retry_timer);
	sd_event_unref(i->event);
	free(i->gateway);
	free(i->url);
	free(i->plain);
	free(i->packed);
	free(i);
	curl_global_cleanup();
}
