/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel integer types, so that the kernel's pure code builds in user space. */
#ifndef SMAPPEE_SHIM_TYPES_H
#define SMAPPEE_SHIM_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
/* as the kernel has them on all architectures */
typedef unsigned long long u64;
typedef long long s64;

#define U32_MAX UINT32_MAX
#define S64_MIN INT64_MIN
#define S64_MAX INT64_MAX

#endif
