/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads and stores in a given byte order, at any address. */
#ifndef SMAPPEE_SHIM_UNALIGNED_H
#define SMAPPEE_SHIM_UNALIGNED_H

#include <linux/types.h>

static inline u16 get_unaligned_be16(const void *place)
{
	const u8 *p = place;

	return (u16)(p[0] << 8 | p[1]);
}

static inline u16 get_unaligned_le16(const void *place)
{
	const u8 *p = place;

	return (u16)(p[1] << 8 | p[0]);
}

static inline u32 get_unaligned_be32(const void *place)
{
	const u8 *p = place;

	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static inline void put_unaligned_be16(u16 value, void *place)
{
	u8 *p = place;

	p[0] = (u8)(value >> 8);
	p[1] = (u8)value;
}

static inline void put_unaligned_le16(u16 value, void *place)
{
	u8 *p = place;

	p[0] = (u8)value;
	p[1] = (u8)(value >> 8);
}

static inline void put_unaligned_be32(u32 value, void *place)
{
	put_unaligned_be16((u16)(value >> 16), place);
	put_unaligned_be16((u16)value, (u8 *)place + 2);
}

#endif
