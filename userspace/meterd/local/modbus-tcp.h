/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modbus-tcp - requests and answers of Modbus TCP as bytes; reads only.
 *
 * Function codes 3 and 4 read the same registers. All others are answered with exception 1,
 * a unit that is not there with 11, a register that is not there with 2, a count that is
 * not possible with 3. What is no Modbus TCP at all ends the connection.
 */
#ifndef METERD_MODBUS_TCP_H
#define METERD_MODBUS_TCP_H

#include <stddef.h>
#include <stdint.h>

/* A request or an answer: a head of 7 bytes and at most 253 of it. */
#define MODBUS_TCP_MAX 260
#define MODBUS_READ_MAX 125

/**
 * modbus_read - read registers
 * @user: of modbus_tcp_answer()
 * @unit: unit address
 * @address: first register
 * @count: how many, 1 to MODBUS_READ_MAX
 * @out: to be filled in
 *
 * Return: 0, or the exception: 2: not all of them are there, 11: there is no such unit.
 */
typedef int modbus_read(void *user, uint8_t unit, uint16_t address, uint16_t count, uint16_t *out);

/**
 * modbus_tcp_answer() - answer the first request of what came
 * @in: what came
 * @length: its bytes
 * @read: reads registers
 * @user: its first argument
 * @out: the answer, MODBUS_TCP_MAX bytes of room
 * @out_length: its bytes
 *
 * Return: bytes that the request takes of @in; 0: it is not complete, nothing is answered;
 * -EPROTO: this is no Modbus TCP.
 */
int modbus_tcp_answer(const uint8_t *in, size_t length, modbus_read *read, void *user, uint8_t *out,
		      size_t *out_length);

#endif
