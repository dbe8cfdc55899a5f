// SPDX-License-Identifier: GPL-2.0-or-later
/* Totals of inputs as records: when they are made, and their way through the database. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "influx.h"
#include "io-recorder.h"
#include "store.h"

#define MARK_MS 1795197600000 /* on a mark of five minutes */
#define TAKEN_MAX 64

static char folder[64];
static char path[96];
static struct record taken[TAKEN_MAX];
static unsigned int takes;

/* in the place of the store's own, which has its test */
void store_put(struct store *s, const struct record *r, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < n && takes < TAKEN_MAX; k++)
		taken[takes++] = r[k];
}

static const struct contact_unit m3 = { .name = "m3", .m3 = 1 };
static const struct contact gas = { .name = "gas \"new\"", .kind = CONTACT_GAS, .unit = &m3 };
static const struct contact water = { .name = "water", .kind = CONTACT_WATER, .unit = &m3 };
static const struct contact door = { .name = "door", .kind = CONTACT_STATE };

static struct io_reading reading(double total)
{
	return (struct io_reading){
		.contacts = 3,
		.contact = { { .contact = &gas, .total = total, .pulses = 4321 },
			     { .contact = &water, .total = 7, .problem = "no such module" },
			     { .contact = &door, .total = NAN, .closed = 1 } },
	};
}

static void there_is_one_per_mark_and_pulse_input(void **state)
{
	struct io_recorder r = { 0 };
	struct io_reading now = reading(1234.56);
	int64_t ms;

	takes = 0;
	for (ms = -2000; ms < 900000; ms += 1000)
		io_recorder_add(&r, &now, NULL, MARK_MS + ms, ms + 5000, ms > 400000);
	assert_int_equal(takes, 3);
	assert_true(taken[0].utc_ms == MARK_MS && taken[1].utc_ms == MARK_MS + 300000);
	assert_int_equal(taken[0].kind, RECORD_INPUT);
	assert_int_equal(taken[0].flags, RECORD_CLOCK_UNSYNC);
	assert_int_equal(taken[2].flags, 0);
	assert_string_equal(taken[0].name, "gas \"new\"");
	assert_true(taken[0].total_e6 == 1234560000 && taken[0].pulses == 4321);
}

static void the_clock_may_go_back(void **state)
{
	struct io_recorder r = { 0 };
	struct io_reading now = reading(-0.000001);

	takes = 0;
	io_recorder_add(&r, &now, NULL, MARK_MS + 10, 0, true);
	io_recorder_add(&r, &now, NULL, MARK_MS - 10, 0, true);
	io_recorder_add(&r, &now, NULL, MARK_MS + 5, 0, true);
	assert_int_equal(takes, 2);
	assert_true(taken[0].total_e6 == -1);
}

static struct record record(uint64_t sequence)
{
	struct record r = { .sequence = sequence,
			    .kind = RECORD_INPUT,
			    .utc_ms = MARK_MS,
			    .uptime_ms = 77,
			    .flags = RECORD_CLOCK_UNSYNC,
			    .role = CONTACT_GAS,
			    .pulses = INT64_MAX / 3,
			    .total_e6 = -1234560000,
			    .name = "gas \"new\"",
			    .text = "m3" };
	return r;
}

static struct database *open_database(void)
{
	static const char *const names[] = { "mqtt" };
	static const struct store_config config = {
		.file = path, .days_1m = 35, .days_5m = 400, .days_events = 400, .size_mb = 10
	};
	struct database *db;

	assert_int_equal(database_open(&db, &config, names, 1), 0);
	return db;
}

static void has_records(struct database *db, uint64_t first, int n)
{
	struct record r[4], wanted = record(first);

	assert_int_equal(database_read(db, first - 1, r, 4), n);
	if (!n)
		return;
	assert_memory_equal(&r[0], &wanted, sizeof(wanted));
}

static void it_is_in_the_database_as_it_was(void **state)
{
	struct database *db = open_database();
	struct record r[2] = { record(1), record(2) };

	assert_int_equal(database_append(db, r, 2), 0);
	database_close(db);
	db = open_database();
	assert_true(database_state(db)->last == 2 && database_state(db)->records == 2);
	has_records(db, 1, 2);
	database_close(db);
}

static void it_is_sent_with_its_unit(void **state)
{
	struct record r = record(9);
	char text[RECORD_JSON_MAX];

	assert_true(record_json(&r, "0a1b", text, sizeof(text)) > 0);
	assert_string_equal(
		text,
		"{\"kind\":\"input\",\"sequence\":9,\"store\":\"0a1b\",\"time\":"
		"\"2026-11-20T18:00:00.000Z\",\"uptime_s\":0.077,\"flags\":[\"clock_"
		"unsynchronised\"],\"input\":\"gas \\\"new\\\"\",\"what\":\"gas\",\"unit\":\"m3\","
		"\"pulses\":3074457345618258602,\"total\":-1234.560000}");
	assert_true(influx_line(&r, "house", "0a1b", text, sizeof(text)) > 0);
	assert_string_equal(text, "meterd_input,gateway=house,input=gas\\ \"new\",kind=gas,unit=m3 "
				  "sequence=9i,store=\"0a1b\",flags=2i,uptime_s=0.077,"
				  "pulses=3074457345618258602i,total=-1234.560000 "
				  "1795197600000000009\n");
}

static int make_folder(void **state)
{
	strcpy(folder, "/tmp/io-recorder-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/records.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_one_per_mark_and_pulse_input),
		cmocka_unit_test(the_clock_may_go_back),
		cmocka_unit_test(it_is_in_the_database_as_it_was),
		cmocka_unit_test(it_is_sent_with_its_unit),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
