/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame - bytes of the wire protocol: check sums, number fields, and how long
 * a request is. Layouts are those of protocol.rst.
 */
#ifndef SIM_FRAME_H
#define SIM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What frame_request_length() says when the function is not known. */
#define FRAME_LENGTH_UNKNOWN SIZE_MAX

/** frame_crc32() - CRC-32 of Ethernet of @len bytes, as zlib's crc32() */
uint32_t frame_crc32(const uint8_t *bytes, size_t len);

/** frame_put16() - store @value big-endian */
void frame_put16(uint8_t *at, uint16_t value);

/** frame_put32() - store @value big-endian */
void frame_put32(uint8_t *at, uint32_t value);

/** frame_get16() - big-endian value at @at */
uint16_t frame_get16(const uint8_t *at);

/** frame_get32() - big-endian value at @at */
uint32_t frame_get32(const uint8_t *at);

/**
 * frame_seal() - append the CRC-16, low byte first
 * @frame: frame without CRC, room for two bytes more
 * @len: its length
 *
 * Return: length with the CRC.
 */
size_t frame_seal(uint8_t *frame, size_t len);

/**
 * frame_intact() - is the CRC-16 at the end right?
 * @frame: whole frame
 * @len: its length; fewer than 4 bytes are never intact
 */
bool frame_intact(const uint8_t *frame, size_t len);

/**
 * frame_request_length() - length that the head of a request announces
 * @head: bytes received so far
 * @len: how many, at least 1
 *
 * Return: whole length with CRC; 0 when more bytes are needed to tell;
 * FRAME_LENGTH_UNKNOWN when the function is none of ours.
 */
size_t frame_request_length(const uint8_t *head, size_t len);

/**
 * frame_exception() - write an exception answer
 * @out: room for 5 bytes
 * @unit: address of the module
 * @function: function code of the request
 * @code: SMAPPEE_EX_*
 *
 * Return: 5.
 */
size_t frame_exception(uint8_t *out, uint8_t unit, uint8_t function, uint8_t code);

/**
 * frame_sync_answer() - write an answer to sync
 * @out: room for SMAPPEE_SYNC_LEN bytes
 * @unit: address of the reference
 * @seq: sequence number of this answer
 * @boot: boot counter of the reference
 * @index: sample index at the edge of the answer before
 * @phase: 2^-32 of a period at that edge
 * @rate: nominal sampling rate, Hz
 *
 * Return: SMAPPEE_SYNC_LEN.
 */
size_t frame_sync_answer(uint8_t *out, uint8_t unit, uint8_t seq, uint8_t boot, uint32_t index,
			 uint32_t phase, uint16_t rate);

/**
 * frame_discover_answer() - write an answer to discover
 * @out: room for SMAPPEE_DISCOVER_LEN bytes
 * @from: address of the module, 0 if it has none
 * @request: what it answers
 * @type: type code of the module
 * @serial: its serial number
 *
 * Return: SMAPPEE_DISCOVER_LEN.
 */
size_t frame_discover_answer(uint8_t *out, uint8_t from, const uint8_t *request, uint16_t type,
			     uint32_t serial);

/**
 * frame_registers_answer() - write the answer to read registers
 * @out: room for 5 + 2 * @count bytes
 * @unit: address of the module
 * @values: @count registers, 1 to 125
 *
 * Return: length of the answer.
 */
size_t frame_registers_answer(uint8_t *out, uint8_t unit, const uint16_t *values,
			      unsigned int count);

/**
 * frame_written_answer() - write the answer to write registers
 * @out: room for 8 bytes
 * @unit: address of the module
 * @address: first register
 * @count: how many were written
 *
 * Return: 8.
 */
size_t frame_written_answer(uint8_t *out, uint8_t unit, uint16_t address, uint16_t count);

#endif
