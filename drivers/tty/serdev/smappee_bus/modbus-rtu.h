/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Modbus RTU frames of a metering segment: requests, and what answer belongs to
 * a request. Pure functions on spans of bytes; nothing is locked, allocated or
 * logged, and nothing is kept between calls.
 *
 * The frames are in Documentation/driver-api/smappee/protocol.rst.
 */
#ifndef SMAPPEE_MODBUS_RTU_H
#define SMAPPEE_MODBUS_RTU_H

#include <linux/types.h>
#include <uapi/linux/smappee.h>

/* One write-registers frame is 9 bytes and the registers. */
#define MODBUS_WRITE_MAX	28

/**
 * struct modbus_request - a request frame and what its answer must look like
 * @frame: the bytes that go over the wire
 * @len: bytes in @frame
 * @unit: unit address asked, 1 to 247; 0 for discover
 * @function: function code, without the exception bit
 * @address: first register (read and write registers)
 * @count: registers (read and write registers)
 * @index: first scan wanted (read samples)
 * @scans: most scans wanted (read samples)
 */
struct modbus_request {
	u8 frame[9 + 2 * MODBUS_WRITE_MAX];
	u8 len;
	u8 unit;
	u8 function;
	u16 address;
	u16 count;
	u32 index;
	u16 scans;
};

int modbus_read_registers(struct modbus_request *rq, u8 unit, u16 address,
			  u16 count);
int modbus_write_registers(struct modbus_request *rq, u8 unit, u16 address,
			   u16 count, const u16 *values);
int modbus_read_samples(struct modbus_request *rq, u8 unit, u32 index,
			u16 scans);
int modbus_sync(struct modbus_request *rq, u8 unit);
int modbus_discover(struct modbus_request *rq, u8 operation, u8 unit, u8 bits,
		    u64 key);

int modbus_answer_length(const struct modbus_request *rq, const u8 *answer,
			 size_t len);
size_t modbus_answer_max(const struct modbus_request *rq);
int modbus_answer_check(const struct modbus_request *rq, const u8 *answer,
			size_t len);
void modbus_answer_registers(const struct modbus_request *rq,
			     const u8 *answer, u16 *values);
u8 modbus_frame_unit(const u8 *bytes, size_t len);
u64 modbus_answer_key(const u8 *answer);

/**
 * modbus_u32() - value of two registers, low word first
 * @regs: the two registers, CPU endian
 *
 * Return: the value.
 */
static inline u32 modbus_u32(const u16 *regs)
{
	return regs[0] | (u32)regs[1] << 16;
}

#endif
