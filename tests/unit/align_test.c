// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The join: missing, repeated and late scans, devices that start at different times,
 * die and come back.
 */
#include "chain.h"

#define PERIOD 250000
#define WAIT 500000000

struct fixture {
	struct inputs in;
	struct align *a;
	int64_t next; /* stamp that the next joined scan must have */
	uint64_t joined;
	unsigned int gaps;
	uint64_t present;
};

static void setup(struct fixture *f, unsigned int devices)
{
	unsigned int d;

	memset(f, 0, sizeof(*f));
	f->in.devices = devices;
	for (d = 0; d < devices; d++)
		chain_channel(&f->in, d, "A");
	f->in.voltages = 1;
	assert_int_equal(align_create(&f->a, &f->in, 4000.0, WAIT), 0);
	f->next = -1;
}

/* Push @n scans of @device from number @first on; the value is the number. */
static void push(struct fixture *f, unsigned int device, int64_t first, unsigned int n)
{
	struct align_space space;
	unsigned int k;

	while (n) {
		unsigned int room = align_space(f->a, device, &space);

		assert_true(room > 0);
		for (k = 0; k < room && k < n; k++) {
			space.time_ns[k] = (first + k) * PERIOD;
			space.channel[0][k] = (float)(first + k);
		}
		align_commit(f->a, device, k);
		first += k;
		n -= k;
	}
}

/* Take all runs: stamps rise, values are those of the stamp on every device. */
static void drain(struct fixture *f)
{
	struct align_run run;
	unsigned int d;
	unsigned int k;

	while (align_next(f->a, &run)) {
		for (k = 0; k < run.scans; k++) {
			int64_t number = run.time_ns[k] / PERIOD;

			assert_true(run.time_ns[k] > f->next);
			if (k)
				assert_int_equal(run.time_ns[k] - run.time_ns[k - 1], PERIOD);
			for (d = 0; d < f->in.devices; d++)
				if (device_set_has(&run.present, d))
					assert_true(run.channel[d][k] == (float)number);
				else
					assert_null(run.channel[d]);
			f->next = run.time_ns[k];
		}
		f->gaps += run.gap;
		f->present = run.present.word[0];
		f->joined += run.scans;
		align_release(f->a, run.scans);
	}
	assert_int_equal(align_counters(f->a)->joined, f->joined);
	assert_int_equal(align_counters(f->a)->gaps, f->gaps);
}

static void stamps_are_joined_whatever_the_block_sizes(void **state)
{
	uint64_t seed = random_seed();
	struct fixture f;
	int64_t at[3] = { 0 };
	int64_t least;
	unsigned int k;

	setup(&f, 3);
	for (k = 0; k < 3000; k++) {
		unsigned int d = (unsigned int)(3 * random_part(&seed)) % 3;
		unsigned int n = 1 + (unsigned int)(200 * random_part(&seed));

		if (at[d] > at[(d + 1) % 3] + 800 || at[d] > at[(d + 2) % 3] + 800)
			continue;
		push(&f, d, at[d], n);
		at[d] += n;
		drain(&f);
	}
	least = at[0] < at[1] ? at[0] : at[1];
	least = least < at[2] ? least : at[2];
	assert_int_equal(f.joined, least);
	assert_int_equal(f.gaps, 0);
	align_destroy(f.a);
}

static void different_starts_are_no_gap(void **state)
{
	struct fixture f;

	setup(&f, 3);
	push(&f, 0, 0, 400);
	push(&f, 1, 37, 363);
	drain(&f);
	assert_int_equal(f.joined, 0);
	push(&f, 2, 111, 289);
	drain(&f);
	assert_int_equal(f.joined, 289);
	assert_int_equal(f.gaps, 0);
	align_destroy(f.a);
}

static void missing_scans_of_one_device_are_one_gap(void **state)
{
	struct fixture f;

	setup(&f, 2);
	push(&f, 0, 0, 400);
	push(&f, 1, 0, 100);
	push(&f, 1, 137, 263);
	drain(&f);
	assert_int_equal(f.joined, 363);
	assert_int_equal(f.gaps, 1);
	assert_int_equal(align_counters(f.a)->missing, 37);
	align_destroy(f.a);
}

static void missing_scans_of_all_devices_are_one_gap(void **state)
{
	struct fixture f;
	unsigned int d;

	setup(&f, 2);
	for (d = 0; d < 2; d++) {
		push(&f, d, 0, 100);
		push(&f, d, 101, 100);
	}
	drain(&f);
	assert_int_equal(f.joined, 200);
	assert_int_equal(f.gaps, 1);
	assert_int_equal(align_counters(f.a)->missing, 1);
	align_destroy(f.a);
}

static void repeated_scans_are_dropped(void **state)
{
	struct fixture f;

	setup(&f, 2);
	push(&f, 0, 0, 200);
	push(&f, 1, 0, 200);
	drain(&f);
	push(&f, 1, 120, 80);
	push(&f, 1, 200, 100);
	push(&f, 0, 200, 100);
	drain(&f);
	assert_int_equal(f.joined, 300);
	assert_int_equal(f.gaps, 0);
	assert_int_equal(align_counters(f.a)->stale, 80);
	align_destroy(f.a);
}

static void a_late_device_is_waited_for(void **state)
{
	struct fixture f;

	setup(&f, 2);
	push(&f, 0, 0, 1500);
	drain(&f);
	assert_int_equal(f.joined, 0);
	push(&f, 1, 0, 1500);
	drain(&f);
	assert_int_equal(f.joined, 1500);
	assert_int_equal(f.present, 3);
	align_destroy(f.a);
}

static void a_dead_device_is_left_out_and_joined_again(void **state)
{
	struct fixture f;
	int64_t k;

	setup(&f, 3);
	for (k = 0; k < 8000; k += 100) {
		push(&f, 0, k, 100);
		push(&f, 1, k, 100);
		if (k < 2000 || k >= 6000)
			push(&f, 2, k, 100);
		drain(&f);
		if (k == 1900)
			assert_int_equal(f.present, 7);
		if (k == 5900)
			assert_int_equal(f.present, 3);
	}
	/* nothing of the others was lost */
	assert_int_equal(f.joined, 8000);
	assert_int_equal(f.gaps, 0);
	assert_int_equal(f.present, 7);
	align_destroy(f.a);
}

static void a_device_whose_blocks_come_last_is_joined_again(void **state)
{
	struct fixture f;
	int64_t k;

	setup(&f, 3);
	for (k = 0; k < 8000; k += 100) {
		push(&f, 0, k, 100);
		drain(&f);
		push(&f, 1, k, 100);
		drain(&f);
		/* one block later than the others */
		if (k > 100 && (k <= 2000 || k > 6000))
			push(&f, 2, k - 100, 100);
		drain(&f);
	}
	/* the first block was before its start, the last has not come yet */
	assert_int_equal(f.joined, 7800);
	assert_int_equal(f.gaps, 0);
	assert_int_equal(f.present, 7);
	align_destroy(f.a);
}

static void stamps_from_the_future_stop_nobody(void **state)
{
	struct fixture f;
	int64_t k;

	setup(&f, 2);
	for (k = 0; k < 8000; k += 100) {
		push(&f, 0, k, 100);
		if (k < 2000)
			push(&f, 1, k, 100);
		else if (k == 2000)
			push(&f, 1, 100000000, 10);
		drain(&f);
	}
	assert_int_equal(f.joined, 8000);
	assert_int_equal(f.present, 1);
	align_destroy(f.a);
}

static void a_device_that_is_gone_is_not_waited_for(void **state)
{
	struct fixture f;

	setup(&f, 2);
	align_forget(f.a, 1);
	push(&f, 0, 0, 100);
	drain(&f);
	assert_int_equal(f.joined, 100);
	align_expect(f.a, 1);
	push(&f, 0, 100, 100);
	drain(&f);
	assert_int_equal(f.joined, 100);
	push(&f, 1, 150, 50);
	drain(&f);
	assert_int_equal(f.joined, 200);
	assert_int_equal(f.gaps, 0);
	assert_int_equal(f.next, 199 * PERIOD);
	assert_int_equal(f.present, 3);
	align_destroy(f.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps_are_joined_whatever_the_block_sizes),
		cmocka_unit_test(different_starts_are_no_gap),
		cmocka_unit_test(missing_scans_of_one_device_are_one_gap),
		cmocka_unit_test(missing_scans_of_all_devices_are_one_gap),
		cmocka_unit_test(repeated_scans_are_dropped),
		cmocka_unit_test(a_late_device_is_waited_for),
		cmocka_unit_test(a_dead_device_is_left_out_and_joined_again),
		cmocka_unit_test(a_device_whose_blocks_come_last_is_joined_again),
		cmocka_unit_test(stamps_from_the_future_stop_nobody),
		cmocka_unit_test(a_device_that_is_gone_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
