/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment - all modules on one pair: a request goes in, what comes onto the line
 * goes out. Knows nothing of sockets and of any clock but the time it is given.
 */
#ifndef SIM_SEGMENT_H
#define SIM_SEGMENT_H

#include "fault.h"
#include "hostile.h"
#include "module.h"
#include "scenario.h"

/* Garbage, the longest answer twice, and a frame that nobody asked for. */
#define SEGMENT_GARBAGE_MAX 32
#define SEGMENT_REPLY_MAX                                                                          \
	(SEGMENT_GARBAGE_MAX + 2 * SMAPPEE_FRAME_MAX_SAMPLES + SMAPPEE_FRAME_MAX_MODBUS)

/**
 * struct reply - what comes onto the line
 * @bytes: bytes, faults included
 * @len: how many; 0: silence
 * @edge_s: true time of the first edge, s
 */
struct reply {
	uint8_t bytes[SEGMENT_REPLY_MAX];
	size_t len;
	double edge_s;
};

/**
 * struct segment - the modules and their counters
 * @scenario: what it was made from; must outlive the segment
 * @faults: trouble on request
 * @hostile: what a hostile peer remembers
 * @modules: number of modules
 * @module: the modules
 * @requests: intact requests for a module that is there
 * @foreign: intact requests for units that are not
 * @damaged: frames whose CRC was wrong
 * @exceptions: exceptions answered
 * @clashes: requests that more than one module answered
 * @sample_bytes: data in answers to read samples, as modules gave them
 * @skew: stream of the small differences between their turnarounds
 * @said: what each of them says
 */
struct segment {
	const struct scenario *scenario;
	struct faults faults;
	struct hostile hostile;
	unsigned int modules;
	struct module module[SCENARIO_MODULES_MAX];
	uint64_t requests;
	uint64_t foreign;
	uint64_t damaged;
	uint64_t exceptions;
	uint64_t clashes;
	uint64_t sample_bytes;
	uint64_t skew;
	uint8_t said[SCENARIO_MODULES_MAX][SMAPPEE_FRAME_MAX_SAMPLES];
};

/**
 * segment_init() - make the modules of a scenario, started at true time 0
 *
 * Return: 0, -ENOMEM.
 */
int segment_init(struct segment *g, const struct scenario *s);

/** segment_free() - release the modules */
void segment_free(struct segment *g);

/** segment_reference() - the module that answers sync, NULL if none */
struct module *segment_reference(struct segment *g);

/** segment_unit() - the first module on the line with that address, NULL if none */
struct module *segment_unit(struct segment *g, uint8_t unit);

/**
 * segment_request() - a request has been on the line
 * @g: the segment
 * @request: its bytes; bit errors are made in place
 * @len: how many, at least 2
 * @end_s: true time of its last byte's end, s
 * @reply: gets what comes onto the line
 *
 * Followers have heard a sync answer when this returns.
 */
void segment_request(struct segment *g, uint8_t *request, size_t len, double end_s,
		     struct reply *reply);

/**
 * segment_fault() - ask for trouble at true time @t, s
 * @rule: what; silent and power take seconds, serial the number and memory the new
 *	epoch as its value. These, and restart, happen at once, the others with the
 *	traffic
 *
 * Return: 0; -ENOENT: no such unit; -ENOSPC: too many rules.
 */
int segment_fault(struct segment *g, const struct fault_rule *rule, double t);

/** segment_true_offset() - samples of @m minus those of the reference, s; NAN if unlocked */
double segment_true_offset(struct segment *g, struct module *m, double t);

#endif
