/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crc16() of the kernel's library: reflected 0x8005, seed given. */
#ifndef SMAPPEE_SHIM_CRC16_H
#define SMAPPEE_SHIM_CRC16_H

#include <linux/types.h>

static inline u16 crc16(u16 crc, const u8 *bytes, size_t len)
{
	while (len--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = (u16)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
	}
	return crc;
}

#endif
