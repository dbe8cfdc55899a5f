/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io-wire - messages between meterd and the process that talks to input and output modules,
 * over a SOCK_SEQPACKET pair.
 */
#ifndef METERD_IO_WIRE_H
#define METERD_IO_WIRE_H

#include <stdint.h>

#include "io-plan.h"

#define IO_CAUSE_MAX 16
#define IO_UNKNOWN (-1)

/**
 * enum io_order - what a message is
 * @IO_LOOK: look at module @what; answered with struct io_module
 * @IO_BEAT: give the modules of the bits @what a heartbeat; answered when it is done
 * @IO_SWITCH: relay @what of the plan to @on; answered with the error
 * @IO_EDGE: of the process, unasked: contact @what of the plan is @on since @time_ns
 */
enum io_order {
	IO_LOOK,
	IO_BEAT,
	IO_SWITCH,
	IO_EDGE,
};

/**
 * struct io_module - what a look at a module found
 * @error: 0; -ENOENT: it is not there, -EEXIST: two have this label, -ETIMEDOUT: it does not
 *	answer, others: of a read
 * @input_error: 0, or what is wrong with an input while the module is well: -ENODEV, -EBUSY:
 *	somebody else has its line
 * @relay_error: 0, or -ENODEV: it has no such relays
 * @serial: printed serial number
 * @epoch: of the pulse counters
 * @pulses: counters of the inputs that are counted
 * @closed: of the inputs whose state is watched: 1, 0 or IO_UNKNOWN
 * @on: of the relays: 1, 0 or IO_UNKNOWN
 * @fail_safe: the relays are in their fail-safe states
 * @timeout_s: fail-safe time-out, 0: none
 * @cause: why the relays are as they are
 */
struct io_module {
	int32_t error;
	uint32_t epoch;
	uint64_t serial;
	int32_t input_error[IO_INPUTS];
	int32_t relay_error;
	uint64_t pulses[IO_INPUTS];
	int8_t closed[IO_INPUTS];
	int8_t on[IO_RELAYS];
	uint8_t fail_safe;
	uint32_t timeout_s;
	char cause[IO_CAUSE_MAX];
};

/**
 * struct io_message - a message; the answer repeats @order, @what and @number
 * @order: enum io_order
 * @what: see the order
 * @on: likewise
 * @number: of the question
 * @error: of the answer
 * @time_ns: CLOCK_MONOTONIC
 * @module: answer to IO_LOOK
 */
struct io_message {
	uint32_t order;
	uint32_t what;
	uint32_t on;
	uint32_t number;
	int32_t error;
	int64_t time_ns;
	struct io_module module;
};

/**
 * io_work() - the process: serve @socket until it is closed; does not return
 * @socket: its end of the pair
 * @plan: modules, contacts and relays
 * @dir: folder of the bus, NULL for the usual one
 */
_Noreturn void io_work(int socket, const struct io_plan *plan, const char *dir);

#endif
