// SPDX-License-Identifier: GPL-2.0-or-later
#include "modbus-tcp.h"

#include <errno.h>
#include <string.h>

/* transaction, protocol, length, unit */
#define HEAD 7
#define AT_PROTOCOL 2
#define AT_LENGTH 4
#define AT_UNIT 6
#define BEFORE_UNIT 6

#define READ_HOLDING 3
#define READ_INPUT 4
#define READ_REQUEST_BYTES 5

#define EXCEPTION_FLAG 0x80
#define ILLEGAL_FUNCTION 1
#define ILLEGAL_VALUE 3

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put_be16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Return: bytes of the answer's data unit, at @pdu. */
static size_t read_registers(uint8_t unit, const uint8_t *request, size_t length, modbus_read *read,
			     void *user, uint8_t *pdu, int *exception)
{
	uint16_t value[MODBUS_READ_MAX];
	uint16_t count;
	uint16_t k;

	*exception = ILLEGAL_VALUE;
	if (length != READ_REQUEST_BYTES)
		return 0;
	count = be16(request + 3);
	if (!count || count > MODBUS_READ_MAX)
		return 0;
	*exception = read(user, unit, be16(request + 1), count, value);
	if (*exception)
		return 0;
	pdu[0] = request[0];
	pdu[1] = (uint8_t)(2 * count);
	for (k = 0; k < count; k++)
		put_be16(pdu + 2 + 2 * k, value[k]);
	return 2 + 2 * (size_t)count;
}

int modbus_tcp_answer(const uint8_t *in, size_t length, modbus_read *read, void *user, uint8_t *out,
		      size_t *out_length)
{
	int exception = ILLEGAL_FUNCTION;
	const uint8_t *request = in + HEAD;
	size_t after;
	size_t n = 0;

	*out_length = 0;
	if (length > AT_PROTOCOL + 1 && be16(in + AT_PROTOCOL))
		return -EPROTO;
	if (length < BEFORE_UNIT)
		return 0;
	after = be16(in + AT_LENGTH);
	/* a unit and a function code at least */
	if (after < 2 || BEFORE_UNIT + after > MODBUS_TCP_MAX)
		return -EPROTO;
	if (length < BEFORE_UNIT + after)
		return 0;

	if (request[0] == READ_HOLDING || request[0] == READ_INPUT)
		n = read_registers(in[AT_UNIT], request, after - 1, read, user, out + HEAD,
				   &exception);
	if (!n) {
		out[HEAD] = request[0] | EXCEPTION_FLAG;
		out[HEAD + 1] = (uint8_t)exception;
		n = 2;
	}
	memcpy(out, in, HEAD);
	put_be16(out + AT_LENGTH, (uint16_t)(n + 1));
	*out_length = HEAD + n;
	return (int)(BEFORE_UNIT + after);
}
