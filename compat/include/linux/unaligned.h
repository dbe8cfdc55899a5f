/* SPDX-License-Identifier: GPL-2.0 */
/* Kernels before 6.12 have it elsewhere; see compat/features.mk. */
#include <asm/unaligned.h>
