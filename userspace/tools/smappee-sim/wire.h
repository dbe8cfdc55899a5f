/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire - the time that bytes take: puts requests together, lets them and their
 * replies last as long as on a half-duplex line of the segment's bit rate, and
 * says when which bytes of a reply may be handed over. Moves no bytes itself.
 */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "segment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_NEVER INT64_MAX

/**
 * struct wire - the line of one segment
 * @segment: who is on it
 * @epoch_ns: clock at the segment's true time 0
 * @byte_ns: time of one byte, start and stop bit included
 * @chunk: bytes of a reply that are handed over together
 * @request: request so far
 * @request_len: its bytes
 * @first_ns: when its first byte came
 * @last_ns: when its last byte came
 * @deaf: damaged bytes came; ignore all until the line has been quiet
 * @echo: what the host sent and hears again, if its transceiver does that
 * @echo_len: bytes of it
 * @echo_ns: when the last of them has been on the line
 * @reply: what is being sent
 * @edge_ns: its first edge
 * @sent: bytes of it handed over
 * @bytes_in: bytes from the host
 * @bytes_out: bytes to the host
 * @collisions: bytes from the host while a reply was on the line, lost
 * @busy_ns: time with bytes on the line
 */
struct wire {
	struct segment *segment;
	int64_t epoch_ns;
	double byte_ns;
	size_t chunk;
	uint8_t request[SMAPPEE_FRAME_MAX_MODBUS + 16];
	size_t request_len;
	int64_t first_ns;
	int64_t last_ns;
	bool deaf;
	uint8_t echo[SMAPPEE_FRAME_MAX_MODBUS + 16];
	size_t echo_len;
	int64_t echo_ns;
	struct reply reply;
	int64_t edge_ns;
	size_t sent;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t collisions;
	double busy_ns;
};

/** wire_init() - a quiet line; the segment's true time 0 is @epoch_ns */
void wire_init(struct wire *w, struct segment *g, int64_t epoch_ns);

/** wire_reset() - the host went away: forget what is under way */
void wire_reset(struct wire *w);

/** wire_receive() - @len bytes came from the host at @now_ns */
void wire_receive(struct wire *w, const uint8_t *bytes, size_t len, int64_t now_ns);

/**
 * wire_due() - bytes that the host may have by now
 * @bytes: gets their place
 *
 * Return: how many, 0 for none.
 */
size_t wire_due(const struct wire *w, int64_t now_ns, const uint8_t **bytes);

/** wire_handed() - @len bytes of those due were handed over */
void wire_handed(struct wire *w, size_t len);

/** wire_next() - when to ask wire_due() again, WIRE_NEVER if nothing is under way */
int64_t wire_next(const struct wire *w);

/** wire_time() - true time of the segment at @now_ns, s */
double wire_time(const struct wire *w, int64_t now_ns);

#endif
