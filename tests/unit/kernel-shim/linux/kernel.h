/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's kernel.h, as far as pure code needs it. */
#ifndef SMAPPEE_SHIM_KERNEL_H
#define SMAPPEE_SHIM_KERNEL_H

#include_next <linux/kernel.h>
#include <linux/types.h>

#ifndef BIT
#define BIT(n) (1UL << (n))
#endif
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

#endif
