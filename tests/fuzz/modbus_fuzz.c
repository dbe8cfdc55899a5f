/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: bytes that a client of the Modbus TCP server sends. All requests are
 * answered as long as there are any; an answer is a whole one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "modbus-tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static int read_registers(void *user, uint8_t unit, uint16_t address, uint16_t count, uint16_t *out)
{
	if (!count || count > MODBUS_READ_MAX)
		abort();
	if (unit != 1)
		return 11;
	if (address < 40000 || address + count > 40198)
		return 2;
	memset(out, 0x5a, count * sizeof(*out));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	uint8_t *out = malloc(MODBUS_TCP_MAX);
	size_t length;
	int taken;

	while (out && size) {
		/* a copy of its own size: what is read beyond it is noticed */
		size_t n = size < MODBUS_TCP_MAX ? size : MODBUS_TCP_MAX;
		uint8_t *in = malloc(n);

		memcpy(in, input, n);
		taken = modbus_tcp_answer(in, n, read_registers, NULL, out, &length);
		if (taken > 0 && (length < 9 || length > MODBUS_TCP_MAX || out[5] + 6U != length ||
				  memcmp(in, out, 4) || in[6] != out[6]))
			abort();
		free(in);
		if (taken <= 0)
			break;
		input += taken;
		size -= (size_t)taken;
	}
	free(out);
	return 0;
}
