// SPDX-License-Identifier: GPL-2.0
/*
 * IEEE 754 singles in two Modbus registers, low word first, to integers:
 *
 *	register 1			register 0
 *	s eeeeeeee mmmmmmm		mmmmmmmmmmmmmmmm
 *
 * The value is (2^23 + m) * 2^(e - 150), with e = 0 below all that matters here
 * and e = 255 for what is no number. Pure: also built in user space.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/limits.h>

#include "smappee-f32.h"

#define F32_EXPONENT_MAX	255
/* The exponent at which the mantissa is the value. */
#define F32_EXPONENT_ONE	150
/* 2^24 * 1000 is less than 2^34: shifted by more, less than a half is left. */
#define F32_SHIFT_MAX		35

/**
 * smappee_f32_milli() - a floating-point value in thousandths of its unit
 * @regs: two registers, low word first
 * @milli: thousandths, rounded to the nearest, halves away from zero; values
 *	   beyond are -S32_MAX or S32_MAX, what is no number is 0
 *
 * Return: 0, -ERANGE if @milli cannot hold it (infinities, too), -ENODATA if it
 * is no number.
 */
int smappee_f32_milli(const u16 *regs, s32 *milli)
{
	u32 bits = regs[0] | (u32)regs[1] << 16;
	unsigned int exponent = bits >> 23 & 0xff;
	u32 mantissa = bits & (BIT(23) - 1);
	bool negative = bits >> 31;
	u64 value = 0;
	int ret = 0;

	*milli = 0;
	if (exponent == F32_EXPONENT_MAX && mantissa)
		return -ENODATA;

	/* With an exponent of 0 it is less than 2^-126. */
	if (exponent)
		value = (u64)(mantissa | BIT(23)) * 1000;
	if (exponent >= F32_EXPONENT_ONE) {
		/* At least 2^23 * 1000, which is too much already. */
		value = S32_MAX;
		ret = -ERANGE;
	} else if (F32_EXPONENT_ONE - exponent > F32_SHIFT_MAX) {
		value = 0;
	} else {
		value += 1ULL << (F32_EXPONENT_ONE - exponent - 1);
		value >>= F32_EXPONENT_ONE - exponent;
	}
	if (value > S32_MAX) {
		value = S32_MAX;
		ret = -ERANGE;
	}
	*milli = negative ? -(s32)value : (s32)value;

	return ret;
}
