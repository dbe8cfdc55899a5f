/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collision - what a receiver makes of several who talk at the same time on one
 * pair: a bit that any of them drives low is low.
 */
#ifndef SIM_COLLISION_H
#define SIM_COLLISION_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct voice - one who talks
 * @bytes: what
 * @len: how many bytes
 * @begin: when its first edge is, in bits of the line
 */
struct voice {
	const uint8_t *bytes;
	size_t len;
	size_t begin;
};

/**
 * collision_mix() - all voices as one receiver hears them, 8N1
 * @voice: the voices
 * @voices: how many
 * @out: gets the bytes
 * @room: how many fit
 *
 * A character whose stop bit is missing is given as it was sampled; the next one
 * begins when the line has been idle. Return: bytes received.
 */
size_t collision_mix(const struct voice *voice, unsigned int voices, uint8_t *out, size_t room);

#endif
