/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * float4 - four floats in a vector register, on x86-64 and Arm alike.
 *
 * Sums of many products are made in lanes that are written down here and in the loops
 * that use them, not in those that a compiler finds: the order of the additions, and so
 * every bit of the result, is the same at every level of optimisation and with the
 * sanitizers. -ffp-contract=off sees to the same for the multiplications.
 */
#ifndef METERD_FLOAT4_H
#define METERD_FLOAT4_H

#include <stdint.h>
#include <string.h>

#define FLOAT4_LANES 4

/* for steps of a loop whose operands must stay in registers */
#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef float float4 __attribute__((vector_size(16)));
typedef int32_t int4 __attribute__((vector_size(16)));
typedef double double2 __attribute__((vector_size(16)));
typedef double double4 __attribute__((vector_size(32)));

/** float4_load() - four floats from memory, which need not be aligned */
static inline float4 float4_load(const float *x)
{
	float4 v;

	memcpy(&v, x, sizeof(v));
	return v;
}

/** float4_store() - four floats to memory, which need not be aligned */
static inline void float4_store(float *x, float4 v)
{
	memcpy(x, &v, sizeof(v));
}

/** float4_only() - @v where @mask has all bits set, 0.0 where it has none, whatever is in @v */
static inline float4 float4_only(float4 v, int4 mask)
{
	return (float4)((int4)v & mask);
}

/** float4_sum() - sum of the lanes, in double */
static inline double float4_sum(float4 v)
{
	const union {
		double4 all;
		double2 half[2];
	} wide = { __builtin_convertvector(v, double4) };
	double2 sum = wide.half[0] + wide.half[1];

	return sum[0] + sum[1];
}

#endif
