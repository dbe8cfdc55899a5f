/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The search for modules by their keys: which question comes next. Pure; the
 * caller asks on the line and says what came. Nothing is locked or allocated.
 *
 * The rules are in Documentation/driver-api/smappee/protocol.rst, "Discover".
 */
#ifndef SMAPPEE_DISCOVER_H
#define SMAPPEE_DISCOVER_H

#include <linux/types.h>
#include <uapi/linux/smappee.h>

/**
 * struct smappee_discover - a search that is under way
 * @key: lowest bits of the keys that are asked for now, the others 0
 * @bits: how many of them, 0 to SMAPPEE_KEY_BITS
 * @repeat: how often this question has been asked again, for a reason below
 * @last: key of the last clean answer, 0 for none
 * @questions: asked so far
 * @found: clean answers so far
 * @collisions: questions to which something came that is no clean answer
 * @stuck: whole keys for which something answers that is never clean
 * @over: there is nothing more to ask
 * @hopeless: given up: something answers whatever is asked
 */
struct smappee_discover {
	u64 key;
	u8 bits;
	u8 repeat;
	u64 last;
	unsigned int questions;
	unsigned int found;
	unsigned int collisions;
	unsigned int stuck;
	bool over;
	bool hopeless;
};

void smappee_discover_begin(struct smappee_discover *d);
bool smappee_discover_next(struct smappee_discover *d);
void smappee_discover_silence(struct smappee_discover *d);
void smappee_discover_collision(struct smappee_discover *d);
void smappee_discover_answer(struct smappee_discover *d, u64 key);

/**
 * smappee_key() - key of a module
 * @type: type code, 1 to SMAPPEE_TYPE_MAX
 * @serial: serial number, 1 to SMAPPEE_SERIAL_MAX
 *
 * Return: the key, SMAPPEE_KEY_BITS bits.
 */
static inline u64 smappee_key(u16 type, u32 serial)
{
	return (u64)type << SMAPPEE_KEY_SERIAL_BITS | serial;
}

#endif
