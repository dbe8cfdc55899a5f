/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record - what is stored and sent upstream: the summary of one load over one
 * interval, or an event.
 *
 * Values are scaled whole numbers, since those are small in the database and do not
 * change on their way through it. RECORD_UNKNOWN is a value that is not known.
 */
#ifndef METERD_RECORD_H
#define METERD_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "load.h"

/* bytes of the text of an event, with its NUL */
#define RECORD_TEXT_MAX 160
#define RECORD_UNKNOWN INT32_MIN

/**
 * enum record_kind - what a record is
 * @RECORD_1M: a load over a minute
 * @RECORD_5M: a load over five minutes
 * @RECORD_EVENT: something happened
 * @RECORD_INPUT: what a pulse input has counted, every five minutes
 */
enum record_kind {
	RECORD_1M,
	RECORD_5M,
	RECORD_EVENT,
	RECORD_INPUT,
	RECORD_KINDS,
};

/**
 * enum record_flag - what to know about a record before it is used
 * @RECORD_INCOMPLETE: the load was not measured all the time
 * @RECORD_CLOCK_UNSYNC: the clock was not synchronised: utc may be wrong, uptime is not
 * @RECORD_CLOCK_STEP: the clock was set during the interval
 * @RECORD_HOLE: there is energy of a time without samples in it
 * @RECORD_RESTART: meterd was started during the interval; what came before is
 *	counted in the energy but not in the means
 */
enum record_flag {
	RECORD_INCOMPLETE = 1 << 0,
	RECORD_CLOCK_UNSYNC = 1 << 1,
	RECORD_CLOCK_STEP = 1 << 2,
	RECORD_HOLE = 1 << 3,
	RECORD_RESTART = 1 << 4,
};

#define RECORD_FLAGS 5

/**
 * enum record_quantity - what is summarised; of a load of several inputs, V, I and
 *	THD have the mean of the inputs, the least and the greatest of any of them
 * @RECORD_P: active power, 0.01 W
 * @RECORD_V: RMS voltage, mV
 * @RECORD_I: RMS current, mA
 * @RECORD_PF: power factor, 0.0001
 * @RECORD_THD_V: total harmonic distortion of the voltage, 0.01 %
 * @RECORD_THD_I: total harmonic distortion of the current, 0.01 %
 */
enum record_quantity {
	RECORD_P,
	RECORD_V,
	RECORD_I,
	RECORD_PF,
	RECORD_THD_V,
	RECORD_THD_I,
	RECORD_QUANTITIES,
};

enum record_statistic {
	RECORD_MEAN,
	RECORD_MIN,
	RECORD_MAX,
	RECORD_STATISTICS,
};

/**
 * struct record - one record; plain data, it is sent between processes as it is
 * @sequence: its number, unique and growing in one store; 0: none yet
 * @utc_ms: begin of the interval, on a UTC mark, time of the event, or the UTC mark at which
 *	an input was read; ms since 1970
 * @uptime_ms: the samples' clock at the end of what was measured, ms
 * @kind: enum record_kind
 * @flags: enum record_flag
 * @covered_ms: how long the load was measured
 * @role: enum load_role; of an input enum contact_kind
 * @import_uwh: imported energy in the interval, uWh
 * @export_uwh: exported energy, uWh
 * @import_total_uwh: import register at the end
 * @export_total_uwh: export register at the end
 * @value: by quantity and statistic
 * @pulses: of an input: counted since it was configured
 * @total_e6: of an input: what its meter shows, in millionths of the unit
 * @name: of the load or input, or of what the event is about
 * @text: of the event, JSON or plain; of an input its unit
 */
struct record {
	uint64_t sequence;
	int64_t utc_ms;
	int64_t uptime_ms;
	uint32_t kind;
	uint32_t flags;
	uint32_t covered_ms;
	uint32_t role;
	int64_t import_uwh;
	int64_t export_uwh;
	int64_t import_total_uwh;
	int64_t export_total_uwh;
	int64_t pulses;
	int64_t total_e6;
	int32_t value[RECORD_QUANTITIES][RECORD_STATISTICS];
	char name[LOAD_NAME_MAX + 1];
	char text[RECORD_TEXT_MAX];
};

/**
 * struct record_quantity_row - how a quantity is called and scaled
 * @key: "p_w"
 * @scale: units per step of the whole number
 * @digits: after the point
 */
struct record_quantity_row {
	const char *key;
	double scale;
	int digits;
};

extern const struct record_quantity_row record_quantities[RECORD_QUANTITIES];

/** record_seconds() - length of the interval of that kind, 0 for others */
unsigned int record_seconds(uint32_t kind);

/** record_scaled() - the whole number of a value of that quantity; RECORD_UNKNOWN when not finite
 */
int32_t record_scaled(enum record_quantity quantity, double value);

/**
 * record_json() - the record as one line of JSON
 * @r: the record
 * @store: identity of the store, which makes the sequence number unique
 * @text: where to put it
 * @size: its bytes; RECORD_JSON_MAX is always enough
 *
 * Return: length, or -ENOBUFS.
 */
int record_json(const struct record *r, const char *store, char *text, size_t size);

#define RECORD_JSON_MAX 4096

/** uwh_of_j() - whole uWh of a register given in J */
int64_t uwh_of_j(double joules);

#endif
