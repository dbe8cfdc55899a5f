// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The search for modules, against sets of modules that answer as the page says:
 * all that match at once, sometimes one of them loud enough to drown the others,
 * sometimes not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../drivers/tty/serdev/smappee_bus/discover.h"
#include "support/waveform.h"

#define MODULES_MAX 64

/**
 * struct crowd - modules on a line
 * @count: how many
 * @key: their keys
 * @placed: it has an address by now and is no longer new
 * @stubborn: it takes no address
 * @lost: part of the answers that are lost
 * @damaged: part of the answers that are damaged
 * @drowned: part of the collisions of which one clean answer is left
 * @babbles: something answers whatever is asked
 * @seed: of the dice
 */
struct crowd {
	unsigned int count;
	u64 key[MODULES_MAX];
	bool placed[MODULES_MAX];
	bool stubborn[MODULES_MAX];
	double lost;
	double damaged;
	double drowned;
	bool babbles;
	uint64_t seed;
};

static void ask(struct crowd *c, struct smappee_discover *d)
{
	u64 mask = (1ULL << d->bits) - 1;
	unsigned int match = 0, one = 0;

	assert_int_equal(d->key & ~mask, 0);
	for (unsigned int i = 0; i < c->count; i++) {
		if (c->placed[i] || ((c->key[i] ^ d->key) & mask))
			continue;
		match++;
		if (random_part(&c->seed) * match < 1)
			one = i;
	}
	if (c->babbles || (match && random_part(&c->seed) < c->damaged)) {
		smappee_discover_collision(d);
	} else if (!match || random_part(&c->seed) < c->lost) {
		smappee_discover_silence(d);
	} else if (match > 1 && random_part(&c->seed) >= c->drowned) {
		smappee_discover_collision(d);
	} else {
		c->placed[one] = !c->stubborn[one];
		smappee_discover_answer(d, c->key[one]);
	}
}

static void search(struct crowd *c, struct smappee_discover *d)
{
	smappee_discover_begin(d);
	while (smappee_discover_next(d))
		ask(c, d);
}

static unsigned int missing(const struct crowd *c)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < c->count; i++)
		n += !c->placed[i];
	return n;
}

static void an_empty_line_costs_one_question(void **state)
{
	struct crowd c = { .seed = 1 };
	struct smappee_discover d;

	search(&c, &d);
	assert_int_equal(d.questions, 1);
	assert_int_equal(d.found, 0);
	assert_false(d.hopeless);
}

static void one_module_costs_two_questions(void **state)
{
	struct crowd c = { .count = 1, .key = { smappee_key(9500, 104233) }, .seed = 1 };
	struct smappee_discover d;

	search(&c, &d);
	assert_int_equal(missing(&c), 0);
	assert_int_equal(d.questions, 2);
}

/* Any numbers, consecutive ones, and such that differ only in their types. */
static void all_of_any_crowd_are_found(void **state)
{
	const uint64_t seed = random_seed();

	for (unsigned int round = 0; round < 300; round++) {
		struct crowd c = { .count = 1 + round % 32, .seed = seed + round };
		u32 first = 1 + (u32)(random_part(&c.seed) * 900000);
		struct smappee_discover d;

		c.drowned = round % 5 * 0.25;
		for (unsigned int i = 0; i < c.count; i++) {
			if (round % 3 == 0)
				c.key[i] = smappee_key(9500, first + i);
			else if (round % 3 == 1)
				c.key[i] = smappee_key((u16)(9400 + 100 * i), first);
			else
				c.key[i] = smappee_key(
					9500,
					1 + (u32)(random_part(&c.seed) * 900000) / 32 * 32 + i);
		}
		search(&c, &d);
		if (missing(&c))
			fail_msg("round %u: %u of %u not found", round, missing(&c), c.count);
		assert_false(d.hopeless);
		assert_int_equal(d.found, c.count);
	}
}

static void eighteen_modules_made_together_cost_few_questions(void **state)
{
	struct crowd c = { .count = 18, .seed = 1 };
	struct smappee_discover d;

	for (unsigned int i = 0; i < c.count; i++)
		c.key[i] = smappee_key(i < 8 ? 9500 : 9700, 104233 + i);
	search(&c, &d);
	assert_int_equal(missing(&c), 0);
	print_message("18 modules: %u questions\n", d.questions);
	assert_true(d.questions <= 90);
}

/* A bad line hides nobody for ever: the next search finds who was missed. */
static void noise_costs_searches_and_no_module(void **state)
{
	const uint64_t seed = random_seed();

	for (unsigned int round = 0; round < 200; round++) {
		struct crowd c = { .count = 18, .seed = seed + round };
		struct smappee_discover d;
		unsigned int searches = 0;

		c.lost = c.damaged = 0.05;
		c.drowned = 0.1;
		for (unsigned int i = 0; i < c.count; i++)
			c.key[i] = smappee_key(9500, 1000 + 77 * i);
		do {
			search(&c, &d);
			assert_false(d.hopeless);
		} while (missing(&c) && ++searches < 20);
		assert_int_equal(missing(&c), 0);
	}
}

static void a_module_that_takes_no_address_hides_no_other(void **state)
{
	struct crowd c = { .count = 8, .seed = 5, .drowned = 1 };
	struct smappee_discover d;

	for (unsigned int i = 0; i < c.count; i++)
		c.key[i] = smappee_key(9500, 2000 + i);
	c.stubborn[3] = true;
	search(&c, &d);
	assert_int_equal(missing(&c), 1);
	assert_false(c.placed[3]);
}

static void what_answers_everything_ends_the_search(void **state)
{
	struct crowd c = { .babbles = true, .seed = 1 };
	struct smappee_discover d;

	search(&c, &d);
	assert_true(d.hopeless);
	assert_true(d.questions < 100);
}

static void two_modules_with_the_same_number_hide_no_other(void **state)
{
	struct crowd c = { .count = 4, .seed = 1 };
	struct smappee_discover d;

	c.key[0] = c.key[1] = smappee_key(9500, 104233);
	c.key[2] = smappee_key(9500, 104232);
	c.key[3] = smappee_key(9800, 104233);
	search(&c, &d);
	assert_int_equal(missing(&c), 2);
	assert_int_equal(d.stuck, 1);
	assert_false(d.hopeless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_line_costs_one_question),
		cmocka_unit_test(one_module_costs_two_questions),
		cmocka_unit_test(all_of_any_crowd_are_found),
		cmocka_unit_test(eighteen_modules_made_together_cost_few_questions),
		cmocka_unit_test(noise_costs_searches_and_no_module),
		cmocka_unit_test(a_module_that_takes_no_address_hides_no_other),
		cmocka_unit_test(what_answers_everything_ends_the_search),
		cmocka_unit_test(two_modules_with_the_same_number_hide_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
