// SPDX-License-Identifier: GPL-2.0
/*
 * Floating-point registers to thousandths.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>

#include "../../drivers/iio/smappee/smappee-f32.h"

struct f32_case {
	u32 bits;
	s32 milli;
	int ret;
};

static const struct f32_case f32_list[] = {
	{ 0x00000000, 0, 0 },
	{ 0x80000000, 0, 0 },			/* -0 */
	{ 0x3f800000, 1000, 0 },		/* 1 */
	{ 0xbf800000, -1000, 0 },
	{ 0x4247f9db, 49994, 0 },		/* 49.994, from the published dump */
	{ 0x43660000, 230000, 0 },		/* 230 */
	{ 0xc1060000, -8375, 0 },		/* -8.375 */
	{ 0x3b000000, 2, 0 },			/* 0.001953125 */
	{ 0x3a000000, 0, 0 },			/* 0.00048828125: less than a half */
	{ 0x3a030000, 0, 0 },			/* 0.00049972534 */
	{ 0x3a031300, 1, 0 },			/* 0.00050001144: more */
	{ 0xba031300, -1, 0 },
	{ 0x3b800000, 4, 0 },			/* 0.00390625 */
	{ 0x3f000000, 500, 0 },
	{ 0x3b440000, 3, 0 },			/* 0.00299072265625 */
	{ 0x3f808000, 1004, 0 },		/* 1.00390625 */
	{ 0x3f820000, 1016, 0 },		/* 1.015625: 1015.625 */
	{ 0x3f800831, 1000, 0 },
	{ 0x3dc80000, 98, 0 },			/* 0.09765625: 97.65625 */
	{ 0x41480000, 12500, 0 },		/* 12.5 */
	{ 0x3d800000, 63, 0 },			/* 0.0625: 62.5, away from zero */
	{ 0xbd800000, -63, 0 },
	{ 0x00000001, 0, 0 },			/* denormal */
	{ 0x807fffff, 0, 0 },
	{ 0x00800000, 0, 0 },			/* least normal number */
	{ 0x4a0311e3, 2147448750, 0 },		/* 2147448.75 */
	{ 0x4a0311ff, 2147455750, 0 },		/* 2147455.75 */
	{ 0x4a03126e, 2147483500, 0 },		/* the last one that fits */
	{ 0x4a03126f, S32_MAX, -ERANGE },	/* 2147483.75 */
	{ 0xca03126f, -S32_MAX, -ERANGE },
	{ 0x4b000000, S32_MAX, -ERANGE },
	{ 0x7f7fffff, S32_MAX, -ERANGE },	/* the greatest */
	{ 0x7f800000, S32_MAX, -ERANGE },	/* infinity */
	{ 0xff800000, -S32_MAX, -ERANGE },
	{ 0x7fc00000, 0, -ENODATA },		/* no number */
	{ 0x7f800001, 0, -ENODATA },
	{ 0xffffffff, 0, -ENODATA },
};

static void values_become_thousandths(struct kunit *test)
{
	for (int i = 0; i < ARRAY_SIZE(f32_list); i++) {
		const struct f32_case *want = &f32_list[i];
		const u16 regs[2] = { want->bits & 0xffff, want->bits >> 16 };
		s32 milli = 123;

		KUNIT_EXPECT_EQ_MSG(test, want->ret, smappee_f32_milli(regs, &milli), "%08x",
				    want->bits);
		KUNIT_EXPECT_EQ_MSG(test, want->milli, milli, "%08x", want->bits);
	}
}

/* Between neighbours of all sizes and both signs the result never falls. */
static void greater_values_have_greater_thousandths(struct kunit *test)
{
	s32 last = 0, milli;

	for (u32 bits = 0; bits < 0x7f800000; bits += 0x1357) {
		const u16 regs[2] = { bits & 0xffff, bits >> 16 };
		const u16 minus[2] = { bits & 0xffff, bits >> 16 | 0x8000 };
		s32 negative;

		smappee_f32_milli(regs, &milli);
		smappee_f32_milli(minus, &negative);
		if (milli < last || negative != -milli)
			KUNIT_FAIL(test, "%08x: %d after %d, negative %d", bits, milli, last,
				   negative);
		last = milli;
	}
	KUNIT_EXPECT_EQ(test, S32_MAX, last);
}

static struct kunit_case f32_cases[] = {
	KUNIT_CASE(values_become_thousandths),
	KUNIT_CASE(greater_values_have_greater_thousandths),
	{ }
};

static struct kunit_suite f32_suite = {
	.name = "smappee-f32",
	.test_cases = f32_cases,
};

kunit_test_suite(f32_suite);

MODULE_DESCRIPTION("Tests of floating-point registers without floating point");
MODULE_LICENSE("GPL");
