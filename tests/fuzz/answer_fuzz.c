/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: an answer of a module, as the kernel takes it apart. The first
 * byte chooses the request; the rest are the bytes of the line. The checksums
 * are made right in every other run, so that what lies behind them is reached.
 */
#include <linux/crc16.h>
#include <linux/crc32.h>
#include <linux/unaligned.h>

#include <stdlib.h>
#include <string.h>

#include "discover.h"
#include "modbus-rtu.h"
#include "samples.h"

#define STRIDE (SMAPPEE_CHANNELS_MAX * sizeof(s32))

int LLVMFuzzerTestOneInput(const u8 *input, size_t size);

static void request_for(struct modbus_request *rq, u8 choice, u8 unit)
{
	u16 values[MODBUS_WRITE_MAX] = { 0 };

	switch (choice % 4) {
	case 0:
		modbus_read_registers(rq, unit, 0x1620, 1 + choice % 20);
		break;
	case 1:
		modbus_write_registers(rq, unit, 0x1701, 1 + choice % MODBUS_WRITE_MAX, values);
		break;
	case 2:
		modbus_read_samples(rq, unit, 1000, choice * 5);
		break;
	default:
		if (!(choice & 0x80))
			modbus_sync(rq, unit);
		else if (choice & 0x40)
			modbus_discover(rq, SMAPPEE_DISCOVER_ASSIGN, unit, SMAPPEE_KEY_BITS,
					smappee_key(9500, 104233));
		else
			modbus_discover(rq, SMAPPEE_DISCOVER_SEARCH, choice & 0x20 ? unit : 0,
					choice >> 2 & 7, smappee_key(9500, 104233));
	}
}

static void make_checksums_right(u8 *frame, size_t len)
{
	if (len >= SMAPPEE_SAMPLES_DATA + SMAPPEE_SAMPLES_TAIL &&
	    frame[1] == SMAPPEE_FC_READ_SAMPLES)
		put_unaligned_be32(crc32_le(~0u, frame, len - SMAPPEE_SAMPLES_TAIL) ^ ~0u,
				   frame + len - SMAPPEE_SAMPLES_TAIL);
	if (len >= 2)
		put_unaligned_le16(crc16(0xffff, frame, len - 2), frame + len - 2);
}

static void take_apart(const struct modbus_request *rq, const u8 *frame, size_t len)
{
	struct smappee_samples samples;
	struct smappee_sync sync;
	u16 regs[SMAPPEE_REGS_MAX];

	if (modbus_answer_check(rq, frame, len))
		return;
	if (len > modbus_answer_max(rq))
		abort();
	switch (rq->function) {
	case SMAPPEE_FC_READ_REGISTERS:
		modbus_answer_registers(rq, frame, regs);
		break;
	case SMAPPEE_FC_READ_SAMPLES:
		if (!smappee_samples_parse(frame, len, &samples)) {
			void *out = malloc(samples.scans * STRIDE + 1);

			smappee_samples_unpack(&samples, out, STRIDE);
			free(out);
		}
		break;
	case SMAPPEE_FC_SYNC:
		smappee_sync_parse(frame, len, &sync);
		break;
	case SMAPPEE_FC_DISCOVER:
		if (modbus_answer_key(frame) >> SMAPPEE_KEY_BITS)
			abort();
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *input, size_t size)
{
	struct modbus_request rq;
	u8 *frame;
	int length;

	if (size < 3 || !input[1] || input[1] > SMAPPEE_UNIT_MAX)
		return 0;
	request_for(&rq, input[0], input[1]);
	/* exactly as long as it is, so that a byte too far is seen */
	size--;
	frame = malloc(size);
	memcpy(frame, input + 1, size);
	/* the head decides; what follows is much the same */
	for (size_t have = 0; have <= size; have += have < 64 ? 1 : 61) {
		length = modbus_answer_length(&rq, frame, have);
		if (length > SMAPPEE_FRAME_MAX_SAMPLES)
			abort();
	}
	take_apart(&rq, frame, size);
	make_checksums_right(frame, size);
	take_apart(&rq, frame, size);
	free(frame);
	return 0;
}
