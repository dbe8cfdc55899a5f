/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pack - the four data layouts of a read-samples answer (protocol.rst, "Sample
 * formats").
 */
#ifndef SIM_PACK_H
#define SIM_PACK_H

#include <stddef.h>
#include <stdint.h>

/**
 * pack_scans() - encode scans in one of the four formats
 * @out: where the data go
 * @room: bytes there
 * @format: SMAPPEE_FORMAT_*
 * @channels: channels per scan, 1 to 8
 * @codes: channel after channel, each @stride long; in the range of the format
 * @stride: distance of two channels in @codes
 * @scans: scans to encode, 0 to 1024
 *
 * The order of the differences is chosen per channel, the shortest wins and of
 * equals the lowest.
 *
 * Return: bytes used, or 0 when they do not fit into @room (no scans also need
 * 0 bytes).
 */
size_t pack_scans(uint8_t *out, size_t room, uint8_t format, unsigned int channels,
		  const int32_t *codes, size_t stride, unsigned int scans);

/**
 * pack_fitting() - encode as many of the scans as fit
 * @scans: in: scans wanted; out: scans encoded
 *
 * Others as pack_scans(). Return: bytes used.
 */
size_t pack_fitting(uint8_t *out, size_t room, uint8_t format, unsigned int channels,
		    const int32_t *codes, size_t stride, unsigned int *scans);

#endif
