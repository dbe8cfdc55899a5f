// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * meterctl: addresses, answers of servers that are not meterd, the event stream
 * in any pieces, and what is printed of names and numbers that mean no good.
 */
#include <errno.h>
#include <locale.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "events.h"
#include "table.h"

/* ---- addresses -------------------------------------------------------- */

static void an_address_is_understood(void **state)
{
	static const struct {
		const char *url;
		const char *host;
		const char *port;
	} good[] = {
		{ "http://127.0.0.1:8080", "127.0.0.1", "8080" },
		{ "http://127.0.0.1:8080/", "127.0.0.1", "8080" },
		{ "http://gateway.local", "gateway.local", "80" },
		{ "http://gateway.local/", "gateway.local", "80" },
		{ "HTTP://[::1]:8080", "::1", "8080" },
		{ "http://[fe80::1]", "fe80::1", "80" },
	};
	struct client_address a;
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(&a, 0xff, sizeof(a));
		if (!client_parse_url(&a, good[i].url))
			fail_msg("%s is refused", good[i].url);
		assert_null(a.socket);
		assert_string_equal(a.host, good[i].host);
		assert_string_equal(a.port, good[i].port);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"127.0.0.1:8080",
		"https://127.0.0.1",
		"ftp://x",
		"http://",
		"http://:80",
		"http://x:",
		"http://x:y",
		"http://x:80y",
		"http://x:123456789",
		"http://x/path",
		"http://[::1",
		"http://[::1]x",
		"http://[]:80",
		"http://x:80/api",
		"http:///",
	};
	struct client_address a;
	char longest[400] = "http://";
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (client_parse_url(&a, bad[i]))
			fail_msg("%s is accepted", bad[i]);
	memset(longest + 7, 'a', sizeof(longest) - 8);
	assert_false(client_parse_url(&a, longest));
}

/* ---- answers ---------------------------------------------------------- */

/**
 * struct server - a process that answers one connection
 * @pid: the process
 * @address: where
 */
struct server {
	pid_t pid;
	struct client_address address;
};

/* Answers with @pieces pieces of @answer, then hangs up. */
static struct server serve(const char *answer, size_t length, unsigned int pieces)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(a);
	struct server s = { 0 };
	char request[1024];
	size_t sent = 0, n;
	int fd;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
	strcpy(s.address.host, "127.0.0.1");
	snprintf(s.address.port, sizeof(s.address.port), "%u", ntohs(a.sin_port));
	s.pid = fork();
	if (s.pid) {
		close(listener);
		return s;
	}
	signal(SIGPIPE, SIG_IGN);
	fd = accept(listener, NULL, NULL);
	if (recv(fd, request, sizeof(request), 0) < 4 || strncmp(request, "GET /", 5))
		_exit(1);
	while (sent < length) {
		n = length / pieces + 1;
		if (n > length - sent)
			n = length - sent;
		if (send(fd, answer + sent, n, 0) < 0)
			break;
		sent += n;
		usleep(pieces > 1 ? 1000 : 0);
	}
	shutdown(fd, SHUT_WR);
	recv(fd, request, sizeof(request), 0);
	_exit(0);
}

static int ask(const char *answer, size_t length, unsigned int pieces, struct client_answer *out)
{
	struct server s = serve(answer, length, pieces);
	int ret = client_get(&s.address, "/api/v1/status", out);

	waitpid(s.pid, NULL, 0);
	return ret;
}

static void an_answer_is_read_in_any_pieces(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nA: b\r\n\r\n{\"a\":1}",
		"HTTP/1.0 200 OK\r\ncontent-length:7\r\n\r\n{\"a\":1}",
		"HTTP/1.1 200 OK\r\n\r\n{\"a\":1}",
	};
	static const unsigned int pieces[] = { 1, 3, 40 };
	struct client_answer a;
	unsigned int i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			assert_int_equal(ask(answers[i], strlen(answers[i]), pieces[j], &a), 0);
			assert_int_equal(a.status, 200);
			assert_int_equal(a.length, 7);
			assert_string_equal(a.body, "{\"a\":1}");
			client_done(&a);
		}
	}
}

static void what_is_not_http_is_an_error(void **state)
{
	static const char *const answers[] = {
		"",
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/1.1\r\n\r\n",
		"HTTP/1.1 xyz\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 -20 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\":1}",
	};
	struct client_answer a;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		ret = ask(answers[i], strlen(answers[i]), 1, &a);
		if (ret != -EPROTO)
			fail_msg("\"%s\" gives %d", answers[i], ret);
		assert_null(a.body);
	}
}

static void an_endless_answer_is_given_up(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	size_t length = 8 << 20;
	char *answer = malloc(length);
	struct client_answer a;

	memset(answer, 'x', length);
	memcpy(answer, head, sizeof(head) - 1);
	assert_int_equal(ask(answer, length, 1, &a), -EMSGSIZE);
	/* The same without an end of its head. */
	memset(answer, 'x', length);
	assert_int_equal(ask(answer, length, 1, &a), -EPROTO);
	free(answer);
}

static void nobody_there_is_an_error(void **state)
{
	struct client_address a = { .socket = "/nonexistent/meterd.sock" };
	struct client_answer answer;

	assert_int_equal(client_get(&a, "/", &answer), -ENOENT);
	a.socket = "/dev/null";
	assert_int_equal(client_get(&a, "/", &answer), -ECONNREFUSED);
	a.socket = NULL;
	strcpy(a.host, "127.0.0.1");
	strcpy(a.port, "1");
	assert_int_equal(client_get(&a, "/", &answer), -ECONNREFUSED);
	strcpy(a.host, "no-such-host.invalid");
	assert_int_equal(client_get(&a, "/", &answer), -EADDRNOTAVAIL);
}

/* ---- events ----------------------------------------------------------- */

/**
 * struct text - lines that were handed over, each with "|" at its end
 * @bytes: them
 */
struct text {
	char bytes[65536];
};

static void keep(void *context, const char *line)
{
	struct text *t = context;

	strncat(t->bytes, line, sizeof(t->bytes) - strlen(t->bytes) - 1);
	strncat(t->bytes, "|", sizeof(t->bytes) - strlen(t->bytes) - 1);
}

static void keep_event(void *context, const char *name, const char *data)
{
	struct text *t = context;

	strncat(t->bytes, name, sizeof(t->bytes) - strlen(t->bytes) - 1);
	strncat(t->bytes, "=", sizeof(t->bytes) - strlen(t->bytes) - 1);
	keep(t, data);
}

static void events_are_found_in_any_pieces(void **state)
{
	static const char stream[] = ": alive\n\nevent: live\ndata: one\n\n"
				     "event: other\ndata: no\n\ndata: nameless\n\n"
				     "event:live\ndata:two\n\n: x\n\nevent: live\n\n"
				     "event: live\nid: 7\ndata: three\n\nevent: live\ndata: cut";
	struct events e = { 0 };
	struct text t;
	size_t piece, at, n;

	for (piece = 1; piece <= sizeof(stream); piece++) {
		t.bytes[0] = '\0';
		for (at = 0; at < sizeof(stream) - 1; at += n) {
			n = sizeof(stream) - 1 - at < piece ? sizeof(stream) - 1 - at : piece;
			assert_int_equal(events_feed(&e, stream + at, n, keep_event, &t), 0);
		}
		if (strcmp(t.bytes, "live=one|other=no|live=two|live=three|"))
			fail_msg("in pieces of %zu: %s", piece, t.bytes);
		events_free(&e);
	}
}

static void a_line_without_end_is_an_error(void **state)
{
	static char noise[65536];
	struct events e = { 0 };
	struct text t = { "" };
	int i, ret = 0;

	memset(noise, 'x', sizeof(noise));
	for (i = 0; i < 100 && !ret; i++)
		ret = events_feed(&e, noise, sizeof(noise), keep_event, &t);
	assert_int_equal(ret, -EMSGSIZE);
	assert_true(e.size <= 2 * EVENTS_LINE_MAX);
	events_free(&e);
}

/* ---- tables ----------------------------------------------------------- */

static void keep_line(void *context, enum table_style style, const char *line)
{
	keep(context, line);
}

static void shown(struct text *t, const char *json,
		  void (*table)(struct json_object *o, table_emit emit, void *context))
{
	struct json_object *o = json_tokener_parse(json);

	assert_non_null(o);
	t->bytes[0] = '\0';
	table(o, keep_line, t);
	json_object_put(o);
}

static void has(const struct text *t, const char *part)
{
	if (!strstr(t->bytes, part))
		fail_msg("no \"%s\" in \"%s\"", part, t->bytes);
}

static const char reading[] =
	"{\"time\":\"2026-11-20T18:00:00.123Z\",\"frequency_hz\":50.01,\"lost_scans\":3,\"gaps\":1,"
	"\"repaired_blocks\":9,\"voltages\":[{\"phase\":\"L1\",\"ln_v\":230.14,\"ll_v\":398.42}],"
	"\"loads\":[{\"name\":\"heat pump\",\"p_w\":-1234.56,\"q1_var\":78.9,\"pf\":-0.998,"
	"\"import_wh\":1234567.8,\"export_wh\":0,\"elements\":[{\"input\":\"hub1/"
	"A\",\"phase\":\"L1\","
	"\"v_v\":230.14,\"i_a\":5.4321,\"p_w\":-1234.56,\"q1_var\":78.9,\"pf\":null}]}]}";

static void a_reading_is_shown_with_its_units(void **state)
{
	struct text t;

	shown(&t, reading, table_live);
	has(&t, "50.010 Hz  L1 230.1 V  lost 3  gaps 1  repaired 9|");
	has(&t, "P [W] Q1 [var]      PF    I [A] L-L [V] L-N [V]|");
	has(&t, "heat pump                      -1234.6     78.9  -0.998 kWh +1234.568 -0.000|");
	has(&t,
	    "  hub1/A             L1        -1234.6     78.9       -    5.432   398.4   230.1|");
	shown(&t, reading, table_log);
	has(&t,
	    "2026-11-20T18:00:00.123Z  heat pump                    -1234.6 W       78.9 var  PF "
	    "-0.998  import 1234.568 kWh  export 0.000 kWh|");
}

static void totals_and_a_load_below_its_range_are_shown(void **state)
{
	struct text t;

	shown(&t,
	      "{\"totals\":{\"grid_w\":-1000.04,\"production_w\":4000,\"storage_w\":null,"
	      "\"consumption_w\":2999.96},\"loads\":[{\"name\":\"lamp\",\"p_w\":0.4,"
	      "\"pf\":null,\"below_range\":true,\"elements\":[{\"input\":\"hub1/A\",\"p_w\":1.5,"
	      "\"q1_var\":2.5,\"pf\":0.5,\"saturated\":true}]}]}",
	      table_live);
	has(&t, "|grid -1000.0 W  production 4000.0 W  consumption 3000.0 W|");
	has(&t, "0.4        - < range");
	has(&t, "1.5      2.5  > rail");
}

static void what_is_watched_fits_80_cells(void **state)
{
	static const char wide[] =
		"{\"frequency_hz\":50.01,\"lost_scans\":1234,\"gaps\":12,\"repaired_blocks\":1234,"
		"\"voltages\":[{\"phase\":\"L1\",\"ln_v\":230.14,\"ll_v\":398.42},"
		"{\"phase\":\"L2\",\"ln_v\":230.14},{\"phase\":\"L3\",\"ln_v\":230.14}],"
		"\"totals\":{\"grid_w\":-10000.4,\"production_w\":14000,\"consumption_w\":12999.9,"
		"\"self_consumption_w\":4000},"
		"\"loads\":[{\"name\":\"a name that is much longer than its column\","
		"\"p_w\":-123456.7,\"q1_var\":-12345.6,\"pf\":-0.998,\"import_wh\":99999999,"
		"\"export_wh\":9999999,\"elements\":[{\"input\":\"a label that is too long/A\","
		"\"phase\":\"L1-L2\",\"v_v\":1230.14,\"i_a\":1234.567,\"p_w\":-123456.7,"
		"\"q1_var\":-12345.6,\"pf\":-0.998}]}],"
		"\"io\":{\"inputs\":[{\"name\":\"a name that is much longer than its column\","
		"\"input\":\"a label too long/1\",\"kind\":\"electricity\",\"unit\":\"kWh\","
		"\"total\":12345678.901,\"flow_per_h\":123.456,\"power_w\":123456,"
		"\"problem\":\"two modules have this label; give the serial number\"}],"
		"\"outputs\":[{\"name\":\"a name that is much longer than its column\","
		"\"output\":\"a label too long/2\",\"state\":\"on\",\"cause\":\"fail-safe\","
		"\"heartbeat\":true,\"fail_safe\":true,\"fail_safe_timeout_s\":65535,"
		"\"problem\":\"the module does not answer\"}]}}";
	struct text t;
	const char *line, *end;

	shown(&t, wide, table_live);
	has(&t, "-123456.7");
	has(&t, "  fail-safe  ");
	has(&t, "|  the module does not answer|");
	for (line = t.bytes; (end = strchr(line, '|')); line = end + 1)
		if (end - line > 80)
			fail_msg("%d cells: %.*s", (int)(end - line), (int)(end - line), line);
}

static void what_rounds_to_nothing_has_no_sign(void **state)
{
	struct text t;

	shown(&t,
	      "{\"loads\":[{\"name\":\"lamp\",\"p_w\":-0.04,\"pf\":-0.0004,\"elements\":[{"
	      "\"input\":\"hub1/A\",\"p_w\":-0.06,\"q1_var\":-0.0,\"pf\":-0.0006}]}]}",
	      table_live);
	assert_null(strstr(t.bytes, "-0.0 "));
	assert_null(strstr(t.bytes, "-0.000"));
	has(&t, "-0.1");
	has(&t, "-0.001");
}

static void names_cannot_steer_the_terminal(void **state)
{
	struct text t;
	const char *p;

	shown(&t,
	      "{\"loads\":[{\"name\":\"\\u001b]0;x\\u0007\\r\\n\\u009b2J\\u202epump\",\"elements\":"
	      "[]}]}",
	      table_live);
	for (p = t.bytes; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			fail_msg("byte %02x in the output", *p);
	assert_null(strstr(t.bytes, "\xc2\x9b"));
	has(&t, "?]0;x?");
}

static void columns_stay_aligned_in_any_script(void **state)
{
	static const char *const names[] = { "pump", "W\\u00e4rme", "\\u6f22\\u5b57",
					     "a name that is much longer than its column is" };
	char json[512];
	struct text t;
	unsigned int i;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	for (i = 0; i < 4; i++) {
		snprintf(json, sizeof(json),
			 "[{\"device\":\"0-002\",\"label\":\"%s\",\"type\":9500}]", names[i]);
		shown(&t, json, table_modules);
		has(&t, i == 0	 ? "0-002     pump               9500  -"
			: i == 1 ? "0-002     W\xc3\xa4rme              9500  -"
			: i == 2 ? "0-002     \xe6\xbc\xa2\xe5\xad\x97               9500  -"
				 : "0-002     a name that is m   9500  -");
	}
}

static void what_is_missing_or_odd_is_a_dash(void **state)
{
	static const char *const odd[] = {
		"{}",
		"[]",
		"null",
		"7",
		"{\"loads\":{}}",
		"{\"loads\":[7,null,[],{}]}",
		"{\"loads\":[{\"elements\":[1,null,{\"phase\":[]}]}],\"voltages\":\"x\"}",
		"{\"voltages\":[{\"phase\":7,\"ln_v\":\"230\"}],\"frequency_hz\":\"fast\"}",
	};
	struct json_object *o;
	struct text t;
	unsigned int i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		o = json_tokener_parse(odd[i]);
		t.bytes[0] = '\0';
		table_live(o, keep_line, &t);
		has(&t, "- Hz");
		table_log(o, keep_line, &t);
		table_modules(o, keep_line, &t);
		table_status(o, keep_line, &t);
		table_quality(o, o, keep_line, &t);
		json_object_put(o);
	}
}

static void great_numbers_do_not_overflow_a_line(void **state)
{
	struct text t;

	shown(&t,
	      "{\"loads\":[{\"name\":\"x\",\"p_w\":1e308,\"q1_var\":-1e308,\"import_wh\":1e308,"
	      "\"export_wh\":1e308,\"pf\":1e308}]}",
	      table_live);
	has(&t, "x");
}

static void quality_shows_intervals_week_and_events(void **state)
{
	struct json_object *report = json_tokener_parse(
		"{\"harmonics\":{\"orders\":36},\"intervals\":{\"10 s\":{\"frequency_hz\":50.012},"
		"\"10 min\":{\"flagged\":true,\"u2_percent\":0.5,\"phases\":[{\"phase\":\"L1\","
		"\"rms_v\":231.4,\"thd_percent\":2.5,\"pst\":0.75}]}},"
		"\"week\":{\"start\":\"2026-11-16\",\"verdict\":\"missed\",\"items\":[{\"item\":"
		"\"THD\",\"verdict\":\"missed\",\"kept_percent\":90.5,\"intervals\":1008}]}}");
	struct json_object *events = json_tokener_parse(
		"[{\"type\":\"dip\",\"extreme_v\":92,\"percent\":40,\"duration_s\":0.11,"
		"\"finished\":true}]");
	struct text t = { 0 };

	table_quality(report, events, keep_line, &t);
	has(&t, "50.012 Hz");
	has(&t, "order 36");
	has(&t, "231.40");
	has(&t, "0.75");
	has(&t, "flagged");
	has(&t, "90.50 % of 1008");
	has(&t, "92.00 V");
	has(&t, "0.1100 s");
	json_object_put(report);
	json_object_put(events);
}

static void status_tells_the_state_of_mqtt(void **state)
{
	struct text t;

	shown(&t,
	      "{\"gateway\":\"house\",\"version\":\"1\",\"uptime_s\":12.3,\"source_age_s\":null,"
	      "\"first_reading_s\":4.25,\"mqtt\":{\"connected\":false,\"published\":5,\"dropped\":"
	      "2}}",
	      table_status);
	has(&t, "gateway                   house|");
	has(&t, "running for               12 s|");
	has(&t, "last reading              -|");
	has(&t, "mqtt                      not connected|mqtt published            5|");
	shown(&t, "{\"mqtt\":null}", table_status);
	has(&t, "mqtt                      off|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_understood),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(an_answer_is_read_in_any_pieces),
		cmocka_unit_test(what_is_not_http_is_an_error),
		cmocka_unit_test(an_endless_answer_is_given_up),
		cmocka_unit_test(nobody_there_is_an_error),
		cmocka_unit_test(events_are_found_in_any_pieces),
		cmocka_unit_test(a_line_without_end_is_an_error),
		cmocka_unit_test(a_reading_is_shown_with_its_units),
		cmocka_unit_test(totals_and_a_load_below_its_range_are_shown),
		cmocka_unit_test(what_is_watched_fits_80_cells),
		cmocka_unit_test(what_rounds_to_nothing_has_no_sign),
		cmocka_unit_test(names_cannot_steer_the_terminal),
		cmocka_unit_test(columns_stay_aligned_in_any_script),
		cmocka_unit_test(what_is_missing_or_odd_is_a_dash),
		cmocka_unit_test(great_numbers_do_not_overflow_a_line),
		cmocka_unit_test(quality_shows_intervals_week_and_events),
		cmocka_unit_test(status_tells_the_state_of_mqtt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
