/* SPDX-License-Identifier: GPL-2.0-or-later */
/* min(), max() and clamp() without the kernel's type checks. */
#ifndef SMAPPEE_SHIM_MINMAX_H
#define SMAPPEE_SHIM_MINMAX_H

#define min(a, b)                                                                                  \
	({                                                                                         \
		__auto_type min_a = (a);                                                           \
		__auto_type min_b = (b);                                                           \
		min_a < min_b ? min_a : min_b;                                                     \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__auto_type max_a = (a);                                                           \
		__auto_type max_b = (b);                                                           \
		max_a > max_b ? max_a : max_b;                                                     \
	})
#define min_t(type, a, b)                                                                          \
	({                                                                                         \
		type min_t_a = (a);                                                                \
		type min_t_b = (b);                                                                \
		min_t_a < min_t_b ? min_t_a : min_t_b;                                             \
	})
#define max_t(type, a, b)                                                                          \
	({                                                                                         \
		type max_t_a = (a);                                                                \
		type max_t_b = (b);                                                                \
		max_t_a > max_t_b ? max_t_a : max_t_b;                                             \
	})
#define clamp(value, low, high)                                                                    \
	({                                                                                         \
		__auto_type clamp_v = (value);                                                     \
		__auto_type clamp_l = (low);                                                       \
		__auto_type clamp_h = (high);                                                      \
		clamp_v<clamp_l ? clamp_l : clamp_v> clamp_h ? clamp_h : clamp_v;                  \
	})

#endif
