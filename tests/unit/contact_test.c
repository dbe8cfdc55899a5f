// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pulses: out of a counter of 32 bits that wraps, over missed looks and restarts of
 * everything, with the registers in their file.
 */
#include "chain.h"

#include <inttypes.h>
#include <unistd.h>

#include "contact.h"
#include "registers.h"

#define SERIAL 9700100901

static char folder[64];
static char path[96];

/* A module: it counts whether or not anybody looks. */
struct module {
	uint64_t serial;
	uint32_t counter;
	uint32_t epoch;
};

static enum contact_news look(struct registers *r, unsigned int record, struct contact_flow *flow,
			      const struct module *m, double at_s)
{
	struct contact_look l = { .place = contact_place(m->serial, 2),
				  .epoch = m->epoch,
				  .pulses = m->counter,
				  .at_us = (uint64_t)(at_s * 1e6) };
	struct pulse_register p;
	enum contact_news news;

	registers_pulses(r, record, &p);
	news = contact_count(&p, flow, &l);
	registers_set_pulses(r, record, &p);
	return news;
}

static int64_t pulses(struct registers *r, unsigned int record)
{
	struct pulse_register p;

	registers_pulses(r, record, &p);
	return p.pulses;
}

static struct registers *reopen(struct registers *r, const struct installation *in,
				unsigned int *record)
{
	int found;

	registers_close(r);
	assert_int_equal(registers_open(&r, in, path), 0);
	found = registers_contact(r, "gas");
	assert_true(found >= 0);
	*record = (unsigned int)found;
	return r;
}

/*
 * A file as it was at any earlier note or checkpoint: a process that was killed, or a
 * power cut, leaves such a one.
 */
static void copy(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void a_million_pulses_are_a_million(void **state)
{
	struct installation in = { 0 };
	struct contact_flow flow = { .per_s = NAN };
	struct module m = { SERIAL, UINT32_MAX - 300000, 7 };
	struct registers *r = NULL;
	unsigned int record, restarts = 0, cuts = 0, missed = 0;
	uint64_t made = 0;
	char old[112];
	unsigned int k;

	snprintf(old, sizeof(old), "%s.old", path);
	r = reopen(r, &in, &record);
	assert_int_equal(look(r, record, &flow, &m, 0), CONTACT_BEGUN);
	srandom(4);
	for (k = 1; made < 1000000; k++) {
		uint32_t came = (uint32_t)random() % 40;

		came = came > 1000000 - made ? (uint32_t)(1000000 - made) : came;
		m.counter += came;
		made += came;
		if (random() % 3 == 0) {
			missed++;
			continue;
		}
		look(r, record, &flow, &m, k);
		if (random() % 200 == 0) {
			r = reopen(r, &in, &record);
			restarts++;
		}
		if (random() % 500 == 0) {
			assert_int_equal(registers_save_now(r), 0);
			copy(path, old);
		}
		if (!access(old, F_OK) && random() % 2000 == 0) {
			registers_close(r);
			r = NULL;
			copy(old, path);
			r = reopen(r, &in, &record);
			cuts++;
		}
	}
	look(r, record, &flow, &m, k);
	if (pulses(r, record) != 1000000)
		fail_msg("%" PRId64 " pulses of 1000000", pulses(r, record));
	if (restarts < 50 || cuts < 5 || missed < 5000)
		fail_msg("%u restarts, %u power cuts, %u missed looks", restarts, cuts, missed);
	assert_true(m.counter < 1000000); /* it has wrapped */
	registers_close(r);
	unlink(old);
	unlink(path);
}

static void a_driver_that_counts_in_64_bits_and_begins_again_changes_nothing(void **state)
{
	struct pulse_register p = { 0 };
	struct contact_flow flow = { .per_s = NAN };
	struct contact_look l = { .place = 1, .epoch = 1, .pulses = 0x1fffffff0 };

	assert_int_equal(contact_count(&p, &flow, &l), CONTACT_BEGUN);
	l.pulses += 0x20;
	assert_int_equal(contact_count(&p, &flow, &l), CONTACT_PULSES);
	assert_int_equal(p.pulses, 0x20);
	/* bound anew: only the module's own 32 bits are left */
	l.pulses = 0x15;
	contact_count(&p, &flow, &l);
	assert_int_equal(p.pulses, 0x25);
	assert_int_equal(contact_count(&p, &flow, &l), CONTACT_NOTHING);
}

static void a_module_that_forgot_goes_on_from_zero(void **state)
{
	struct pulse_register p = { .pulses = 500, .place = 9, .counter = 480, .epoch = 3 };
	struct contact_flow flow = { .per_s = NAN };
	struct contact_look l = { .place = 9, .epoch = 4, .pulses = 6 };

	assert_int_equal(contact_count(&p, &flow, &l), CONTACT_FORGOT);
	assert_int_equal(p.pulses, 506);
	l.pulses = 10;
	assert_int_equal(contact_count(&p, &flow, &l), CONTACT_PULSES);
	assert_int_equal(p.pulses, 510);
}

static void another_module_begins_where_it_is(void **state)
{
	struct pulse_register p = { .pulses = 500, .place = 9, .counter = 480, .epoch = 3 };
	struct contact_flow flow = { .per_s = NAN };
	struct contact_look l = { .place = 10, .epoch = 3, .pulses = 70000 };

	assert_int_equal(contact_count(&p, &flow, &l), CONTACT_MOVED);
	assert_int_equal(p.pulses, 500);
	l.pulses = 70001;
	contact_count(&p, &flow, &l);
	assert_int_equal(p.pulses, 501);
}

static void follow(struct pulse_register *p, struct contact_flow *flow, uint64_t counter, double s)
{
	struct contact_look l = {
		.place = 1, .epoch = 1, .pulses = counter, .at_us = (uint64_t)(s * 1e6) + 1
	};

	contact_count(p, flow, &l);
}

static void the_flow_is_that_of_the_pulses_and_ends_with_them(void **state)
{
	struct pulse_register p = { 0 };
	struct contact_flow flow = { .per_s = NAN };
	unsigned int s;

	follow(&p, &flow, 0, 0);
	assert_true(isnan(flow.per_s));
	/* a pulse every 4 s from 100 s on */
	for (s = 1; s < 200; s++)
		follow(&p, &flow, s < 100 ? 0 : (s - 96) / 4, s);
	assert_double_equal(flow.per_s, 0.25, 0.03);
	/* none any more: it can be at most one in the time since */
	follow(&p, &flow, 25, 300);
	assert_double_equal(flow.per_s, 1.0 / 100, 0.002);
	follow(&p, &flow, 25, 300 + 2 * CONTACT_STILL_S);
	assert_true(flow.per_s == 0);
}

static void contacts_and_loads_of_one_name_do_not_meet(void **state)
{
	struct installation in = { 0 };
	struct pulse_register p = { .pulses = INT64_MAX / 4,
				    .place = contact_place(UINT32_MAX * UINT64_C(2), 3),
				    .counter = UINT32_MAX,
				    .epoch = UINT32_MAX };
	struct pulse_register back;
	struct registers *r;
	struct load load = { .name = "gas" };
	unsigned int record;
	int found;

	in.load = &load;
	in.loads = 1;
	assert_int_equal(registers_open(&r, &in, path), 0);
	found = registers_contact(r, "gas");
	assert_true(found >= 0);
	registers_set_pulses(r, (unsigned int)found, &p);
	r = reopen(r, &in, &record);
	registers_pulses(r, record, &back);
	assert_true(back.pulses == p.pulses && back.place == p.place && back.counter == p.counter &&
		    back.epoch == p.epoch);
	assert_double_equal(registers_import_j(r, 0), 0, 0);
	registers_close(r);
	unlink(path);
}

static int make_folder(void **state)
{
	strcpy(folder, "/tmp/contact-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/registers", folder);
	return 0;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_pulses_are_a_million),
		cmocka_unit_test(a_driver_that_counts_in_64_bits_and_begins_again_changes_nothing),
		cmocka_unit_test(a_module_that_forgot_goes_on_from_zero),
		cmocka_unit_test(another_module_begins_where_it_is),
		cmocka_unit_test(the_flow_is_that_of_the_pulses_and_ends_with_them),
		cmocka_unit_test(contacts_and_loads_of_one_name_do_not_meet),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
