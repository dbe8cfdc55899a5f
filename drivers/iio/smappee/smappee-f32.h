/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Floating-point registers without floating point.
 */
#ifndef SMAPPEE_F32_H
#define SMAPPEE_F32_H

#include <linux/types.h>

int smappee_f32_milli(const u16 *regs, s32 *milli);

#endif
