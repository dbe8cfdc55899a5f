// SPDX-License-Identifier: GPL-2.0
/*
 * Modbus RTU codec of a metering segment.
 *
 *	unit (1) | function (1) | body | CRC-16 (2, low byte first)
 *
 * The length of an answer follows from its head and from the request, never
 * from silence on the line. What the body of a sample block means is the
 * business of samples.c.
 */
#include <linux/crc16.h>
#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "discover.h"
#include "modbus-rtu.h"

#define MODBUS_CRC_SEED		0xffff
#define MODBUS_CRC_LEN		2
#define MODBUS_EXCEPTION_LEN	5
#define MODBUS_WRITE_ANSWER_LEN	8

static void modbus_begin(struct modbus_request *rq, u8 unit, u8 function)
{
	memset(rq, 0, sizeof(*rq));
	rq->unit = unit;
	rq->function = function;
	rq->frame[0] = unit;
	rq->frame[1] = function;
}

static void modbus_seal(struct modbus_request *rq, u8 len)
{
	put_unaligned_le16(crc16(MODBUS_CRC_SEED, rq->frame, len),
			   rq->frame + len);
	rq->len = len + MODBUS_CRC_LEN;
}

static int modbus_finish(struct modbus_request *rq, u8 len)
{
	if (rq->unit < SMAPPEE_UNIT_MIN || rq->unit > SMAPPEE_UNIT_MAX)
		return -EINVAL;
	modbus_seal(rq, len);

	return 0;
}

/**
 * modbus_read_registers() - build a request for registers
 * @rq: where to build it
 * @unit: unit address, 1 to 247
 * @address: first register
 * @count: registers, 1 to 125
 *
 * Return: 0, or -EINVAL if an argument is out of range.
 */
int modbus_read_registers(struct modbus_request *rq, u8 unit, u16 address,
			  u16 count)
{
	if (!count || count > SMAPPEE_REGS_MAX)
		return -EINVAL;

	modbus_begin(rq, unit, SMAPPEE_FC_READ_REGISTERS);
	rq->address = address;
	rq->count = count;
	put_unaligned_be16(address, rq->frame + 2);
	put_unaligned_be16(count, rq->frame + 4);

	return modbus_finish(rq, 6);
}

/**
 * modbus_write_registers() - build a request that writes registers
 * @rq: where to build it
 * @unit: unit address, 1 to 247
 * @address: first register
 * @count: registers, 1 to MODBUS_WRITE_MAX
 * @values: what to write, CPU endian
 *
 * Return: 0, or -EINVAL if an argument is out of range.
 */
int modbus_write_registers(struct modbus_request *rq, u8 unit, u16 address,
			   u16 count, const u16 *values)
{
	unsigned int i;

	if (!count || count > MODBUS_WRITE_MAX)
		return -EINVAL;

	modbus_begin(rq, unit, SMAPPEE_FC_WRITE_REGISTERS);
	rq->address = address;
	rq->count = count;
	put_unaligned_be16(address, rq->frame + 2);
	put_unaligned_be16(count, rq->frame + 4);
	rq->frame[6] = 2 * count;
	for (i = 0; i < count; i++)
		put_unaligned_be16(values[i], rq->frame + 7 + 2 * i);

	return modbus_finish(rq, 7 + 2 * count);
}

/**
 * modbus_read_samples() - build a request for scans
 * @rq: where to build it
 * @unit: unit address, 1 to 247
 * @index: first scan wanted
 * @scans: most scans wanted, 0 to 1024
 *
 * Return: 0, or -EINVAL if an argument is out of range.
 */
int modbus_read_samples(struct modbus_request *rq, u8 unit, u32 index,
			u16 scans)
{
	if (scans > SMAPPEE_SAMPLES_SCANS_MAX)
		return -EINVAL;

	modbus_begin(rq, unit, SMAPPEE_FC_READ_SAMPLES);
	rq->index = index;
	rq->scans = scans;
	put_unaligned_be32(index, rq->frame + SMAPPEE_SAMPLES_REQ_INDEX);
	put_unaligned_be16(scans, rq->frame + SMAPPEE_SAMPLES_REQ_SCANS);

	return modbus_finish(rq, SMAPPEE_SAMPLES_REQ_LEN - MODBUS_CRC_LEN);
}

/**
 * modbus_sync() - build a sync request
 * @rq: where to build it
 * @unit: unit address of the reference module, 1 to 247
 *
 * Return: 0, or -EINVAL if @unit is out of range.
 */
int modbus_sync(struct modbus_request *rq, u8 unit)
{
	modbus_begin(rq, unit, SMAPPEE_FC_SYNC);

	return modbus_finish(rq, SMAPPEE_SYNC_REQ_LEN - MODBUS_CRC_LEN);
}

/**
 * modbus_discover() - build a discover request, to all modules
 * @rq: where to build it
 * @operation: SMAPPEE_DISCOVER_SEARCH, _ASSIGN or _RELEASE
 * @unit: what it means depends on the operation; 0 to 247
 * @bits: bits of the key that are compared, 0 to SMAPPEE_KEY_BITS, all of them
 *	  for _ASSIGN
 * @key: the key, of smappee_key(); bits that are not compared are not sent
 *
 * A release has no answer.
 *
 * Return: 0, or -EINVAL if an argument is out of range.
 */
int modbus_discover(struct modbus_request *rq, u8 operation, u8 unit, u8 bits,
		    u64 key)
{
	if (operation < SMAPPEE_DISCOVER_SEARCH ||
	    operation > SMAPPEE_DISCOVER_RELEASE ||
	    unit > SMAPPEE_UNIT_MAX || bits > SMAPPEE_KEY_BITS)
		return -EINVAL;
	if (operation == SMAPPEE_DISCOVER_ASSIGN && bits != SMAPPEE_KEY_BITS)
		return -EINVAL;

	key &= (1ULL << bits) - 1;
	modbus_begin(rq, SMAPPEE_UNIT_BROADCAST, SMAPPEE_FC_DISCOVER);
	rq->frame[SMAPPEE_DISCOVER_OPERATION] = operation;
	rq->frame[SMAPPEE_DISCOVER_UNIT] = unit;
	rq->frame[SMAPPEE_DISCOVER_BITS] = bits;
	put_unaligned_be16(key >> SMAPPEE_KEY_SERIAL_BITS,
			   rq->frame + SMAPPEE_DISCOVER_TYPE);
	put_unaligned_be32(key & ((1UL << SMAPPEE_KEY_SERIAL_BITS) - 1),
			   rq->frame + SMAPPEE_DISCOVER_SERIAL);
	modbus_seal(rq, SMAPPEE_DISCOVER_LEN - MODBUS_CRC_LEN);

	return 0;
}

/* Whoever is new answers from the address that it has, or from none. */
static bool modbus_from_any(const struct modbus_request *rq)
{
	return rq->frame[SMAPPEE_DISCOVER_OPERATION] ==
	       SMAPPEE_DISCOVER_SEARCH && !rq->frame[SMAPPEE_DISCOVER_UNIT];
}

static int modbus_discover_length(const struct modbus_request *rq,
				  const u8 *answer, size_t len)
{
	if (len >= 1 && (modbus_from_any(rq) ?
			 answer[0] > SMAPPEE_UNIT_MAX :
			 answer[0] != rq->frame[SMAPPEE_DISCOVER_UNIT]))
		return -EPROTO;
	if (len >= 2 && answer[1] != SMAPPEE_FC_DISCOVER)
		return -EPROTO;
	if (len < 3)
		return 0;
	if (answer[SMAPPEE_DISCOVER_OPERATION] !=
	    (rq->frame[SMAPPEE_DISCOVER_OPERATION] | SMAPPEE_DISCOVER_ANSWER))
		return -EPROTO;

	return SMAPPEE_DISCOVER_LEN;
}

/* Is that a module, and one that was asked? */
static int modbus_discover_check(const struct modbus_request *rq,
				 const u8 *answer)
{
	u16 type = get_unaligned_be16(answer + SMAPPEE_DISCOVER_TYPE);
	u32 serial = get_unaligned_be32(answer + SMAPPEE_DISCOVER_SERIAL);
	u8 bits = rq->frame[SMAPPEE_DISCOVER_BITS];

	if (answer[SMAPPEE_DISCOVER_UNIT] != rq->frame[SMAPPEE_DISCOVER_UNIT] ||
	    answer[SMAPPEE_DISCOVER_BITS] != bits ||
	    answer[SMAPPEE_DISCOVER_RESERVED])
		return -EPROTO;
	if (!type || type > SMAPPEE_TYPE_MAX ||
	    !serial || serial > SMAPPEE_SERIAL_MAX)
		return -EPROTO;
	if ((modbus_answer_key(answer) ^ modbus_answer_key(rq->frame)) &
	    ((1ULL << bits) - 1))
		return -EPROTO;

	return 0;
}

/**
 * modbus_answer_key() - who is it, in a discover answer
 * @answer: the frame, after modbus_answer_check() said 0
 *
 * Return: key of the module; its unit address is the first byte of @answer.
 */
u64 modbus_answer_key(const u8 *answer)
{
	return smappee_key(get_unaligned_be16(answer + SMAPPEE_DISCOVER_TYPE),
			   get_unaligned_be32(answer + SMAPPEE_DISCOVER_SERIAL));
}

static int modbus_samples_length(const struct modbus_request *rq,
				 const u8 *answer, size_t len)
{
	u16 bytes;

	if (len < SMAPPEE_SAMPLES_DATA)
		return 0;

	bytes = get_unaligned_be16(answer + SMAPPEE_SAMPLES_BYTES);
	if (bytes > SMAPPEE_SAMPLES_DATA_MAX)
		return -EPROTO;
	/* A damaged count must not make us wait for bytes that never come. */
	if (get_unaligned_be16(answer + SMAPPEE_SAMPLES_SCANS) > rq->scans)
		return -EPROTO;

	return SMAPPEE_SAMPLES_DATA + bytes + SMAPPEE_SAMPLES_TAIL;
}

/**
 * modbus_answer_length() - how long will this answer be
 * @rq: the request it answers
 * @answer: the bytes that have arrived
 * @len: how many of them
 *
 * Return: bytes of the whole frame, CRC included, once its head tells; 0 if
 * more bytes are needed to know; -EPROTO if this cannot be an answer to @rq.
 */
int modbus_answer_length(const struct modbus_request *rq, const u8 *answer,
			 size_t len)
{
	if (rq->function == SMAPPEE_FC_DISCOVER)
		return modbus_discover_length(rq, answer, len);
	if (len >= 1 && answer[0] != rq->unit)
		return -EPROTO;
	if (len < 2)
		return 0;
	if (answer[1] == (rq->function | SMAPPEE_FC_EXCEPTION))
		return MODBUS_EXCEPTION_LEN;
	if (answer[1] != rq->function)
		return -EPROTO;

	switch (rq->function) {
	case SMAPPEE_FC_READ_REGISTERS:
		if (len < 3)
			return 0;
		if (answer[2] != 2 * rq->count)
			return -EPROTO;
		return 3 + answer[2] + MODBUS_CRC_LEN;
	case SMAPPEE_FC_WRITE_REGISTERS:
		return MODBUS_WRITE_ANSWER_LEN;
	case SMAPPEE_FC_READ_SAMPLES:
		return modbus_samples_length(rq, answer, len);
	case SMAPPEE_FC_SYNC:
		return SMAPPEE_SYNC_LEN;
	default:
		return -EPROTO;
	}
}

/**
 * modbus_answer_max() - the longest answer that a request can have
 * @rq: the request
 *
 * Return: bytes, CRC included.
 */
size_t modbus_answer_max(const struct modbus_request *rq)
{
	switch (rq->function) {
	case SMAPPEE_FC_READ_REGISTERS:
		return 3 + 2 * rq->count + MODBUS_CRC_LEN;
	case SMAPPEE_FC_READ_SAMPLES:
		return SMAPPEE_FRAME_MAX_SAMPLES;
	case SMAPPEE_FC_SYNC:
		return SMAPPEE_SYNC_LEN;
	case SMAPPEE_FC_DISCOVER:
		return SMAPPEE_DISCOVER_LEN;
	default:
		return MODBUS_WRITE_ANSWER_LEN;
	}
}

static int modbus_exception(u8 code)
{
	switch (code) {
	case SMAPPEE_EX_ILLEGAL_FUNCTION:
		return -EOPNOTSUPP;
	case SMAPPEE_EX_ILLEGAL_ADDRESS:
		return -ENXIO;
	case SMAPPEE_EX_ILLEGAL_VALUE:
		return -EINVAL;
	case SMAPPEE_EX_BUSY:
		return -EBUSY;
	default:
		return -EREMOTEIO;
	}
}

/**
 * modbus_answer_check() - is this whole frame a good answer
 * @rq: the request it answers
 * @answer: the frame
 * @len: its length, exactly
 *
 * Return: 0 if it is. -EPROTO: not an answer to @rq, or not of that length.
 * -EBADMSG: damaged (a CRC is wrong). Or the exception that the module
 * answered: -EOPNOTSUPP no such function, -ENXIO no such register, -EINVAL
 * value or count refused, -EBUSY not now, -EREMOTEIO all others.
 */
int modbus_answer_check(const struct modbus_request *rq, const u8 *answer,
			size_t len)
{
	int want = modbus_answer_length(rq, answer, len);
	size_t body;

	if (want < 0)
		return want;
	if (!want || len != want)
		return -EPROTO;

	body = len - MODBUS_CRC_LEN;
	if (crc16(MODBUS_CRC_SEED, answer, body) !=
	    get_unaligned_le16(answer + body))
		return -EBADMSG;

	if (answer[1] & SMAPPEE_FC_EXCEPTION)
		return modbus_exception(answer[2]);

	switch (rq->function) {
	case SMAPPEE_FC_READ_SAMPLES:
		body = len - SMAPPEE_SAMPLES_TAIL;
		if ((crc32_le(~0, answer, body) ^ ~0U) !=
		    get_unaligned_be32(answer + body))
			return -EBADMSG;
		break;
	case SMAPPEE_FC_WRITE_REGISTERS:
		if (memcmp(answer + 2, rq->frame + 2, 4))
			return -EPROTO;
		break;
	case SMAPPEE_FC_DISCOVER:
		return modbus_discover_check(rq, answer);
	}

	return 0;
}

/**
 * modbus_frame_unit() - whose frame is that, if it is one
 * @bytes: bytes that nobody has asked for
 * @len: how many
 *
 * Return: unit address of a frame with a right CRC at the beginning of @bytes, 0
 * if there is none.
 */
u8 modbus_frame_unit(const u8 *bytes, size_t len)
{
	u16 crc = MODBUS_CRC_SEED;
	size_t body;

	for (body = 0; body + MODBUS_CRC_LEN <= len; body++) {
		if (body >= SMAPPEE_FRAME_MIN - MODBUS_CRC_LEN + 1 &&
		    crc == get_unaligned_le16(bytes + body))
			return bytes[0] <= SMAPPEE_UNIT_MAX ? bytes[0] : 0;
		crc = crc16(crc, bytes + body, 1);
	}

	return 0;
}

/**
 * modbus_answer_registers() - take the registers out of a checked answer
 * @rq: the read-registers request
 * @answer: the frame, after modbus_answer_check() said 0
 * @values: room for @rq->count registers, CPU endian
 */
void modbus_answer_registers(const struct modbus_request *rq,
			     const u8 *answer, u16 *values)
{
	unsigned int i;

	for (i = 0; i < rq->count; i++)
		values[i] = get_unaligned_be16(answer + 3 + 2 * i);
}
