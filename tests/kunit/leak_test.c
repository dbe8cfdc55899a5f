// SPDX-License-Identifier: GPL-2.0
/*
 * Leaks: the last suite. All segments and modules of the suites before are gone;
 * kmemleak's thread gets the time for two scans, and writes what it finds to the
 * log, where scripts/kunit --leak looks for it.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/slab.h>

/* kmemleak scans after a minute, and then every 600 s. */
#define LEAK_SCANS_S	1260
/* A case may last for 300 s. */
#define LEAK_CASE_S	180

static const int leak_waits[LEAK_SCANS_S / LEAK_CASE_S] = { 0 };

static void leak_name(const int *wait, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%td",
		 LEAK_CASE_S * (wait - leak_waits + 1));
}

KUNIT_ARRAY_PARAM(leak, leak_waits, leak_name);

static void kmemleak_gets_the_time_for_two_scans(struct kunit *test)
{
	ktime_t begin = ktime_get();

	ssleep(LEAK_CASE_S);
	KUNIT_EXPECT_GE(test, ktime_to_ns(ktime_sub(ktime_get(), begin)),
			LEAK_CASE_S * NSEC_PER_SEC);
}

static struct kunit_case leak_cases[] = {
	KUNIT_CASE_PARAM(kmemleak_gets_the_time_for_two_scans, leak_gen_params),
	{ }
};

static struct kunit_suite leak_suite = {
	.name = "smappee-leak",
	.test_cases = leak_cases,
};

kunit_test_suite(leak_suite);

MODULE_LICENSE("GPL");
