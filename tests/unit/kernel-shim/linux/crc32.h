/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crc32_le() of the kernel's library: that of Ethernet, not inverted. */
#ifndef SMAPPEE_SHIM_CRC32_H
#define SMAPPEE_SHIM_CRC32_H

#include <linux/types.h>

static inline u32 crc32_le(u32 crc, const u8 *bytes, size_t len)
{
	while (len--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return crc;
}

#endif
