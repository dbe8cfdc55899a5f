/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crc32 - the check sum of Ethernet.
 */
#ifndef METERD_CRC32_H
#define METERD_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** crc32_ethernet() - CRC-32 (IEEE 802.3) of @bytes bytes */
uint32_t crc32_ethernet(const void *data, size_t bytes);

#endif
