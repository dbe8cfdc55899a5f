/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Input and output modules on the fake line, written from
 * Documentation/driver-api/smappee/protocol.rst.
 */
#ifndef SMAPPEE_KUNIT_FAKE_IO_H
#define SMAPPEE_KUNIT_FAKE_IO_H

#include <linux/types.h>
#include <uapi/linux/smappee.h>

struct fake_line;
struct fake_module;

#define INPUTS		9	/* unit of the input module */
#define OUTPUTS		10	/* unit of the output module */

#define FAKE_IO_FIRST	SMAPPEE_REG_INPUT
#define FAKE_IO_END	(SMAPPEE_REG_OUTPUT + SMAPPEE_REG_OUTPUT_COUNT)

/**
 * struct fake_io - what makes a fake module an input or output module
 * @reg: all its registers
 * @beat_ns: when the fail-safe time began, CLOCK_MONOTONIC
 * @beats: heartbeats
 * @switches: writes that switch
 */
struct fake_io {
	u16 reg[FAKE_IO_END - FAKE_IO_FIRST];
	u64 beat_ns;
	unsigned int beats;
	unsigned int switches;
};

/** fake_input() - add an input module, all four inputs open. */
struct fake_module *fake_input(struct fake_line *line, u8 unit, u32 serial);

/** fake_output() - add an output module, both relays off, no time-out. */
struct fake_module *fake_output(struct fake_line *line, u8 unit, u32 serial);

/** fake_io_reg() - a register of a module, to look at and to set. */
u16 *fake_io_reg(struct fake_module *module, u16 address);

/** fake_input_edge() - an input closes or opens now. */
void fake_input_edge(struct fake_line *line, struct fake_module *module, unsigned int input,
		     bool closed);

/** fake_input_pulses() - an input has counted @pulses more, without edges. */
void fake_input_pulses(struct fake_line *line, struct fake_module *module, unsigned int input,
		       u32 pulses);

/** fake_io_restart() - as after a short power cut; counters are kept. */
void fake_io_restart(struct fake_line *line, struct fake_module *module);

/** fake_io_register() - value of a register; false: there is none. */
bool fake_io_register(const struct fake_module *module, u16 address, u16 *value);

/** fake_io_write() - write a register; 0 or an exception. */
u8 fake_io_write(struct fake_module *module, u16 address, u16 value);

#endif
