/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A Power Box on the fake line, written from
 * Documentation/driver-api/smappee/power-box.rst.
 */
#ifndef SMAPPEE_KUNIT_FAKE_BOX_H
#define SMAPPEE_KUNIT_FAKE_BOX_H

#include <linux/types.h>
#include <uapi/linux/smappee.h>

struct fake_line;
struct fake_module;
struct kunit;
struct smappee_device;

#define BOX		SMAPPEE_PB_UNIT
#define BOX_SERIAL	29342

/**
 * struct fake_box - what makes a fake module a Power Box
 * @reg: all its registers; what means nothing is 0
 * @busy_ms: how long it is busy after a save
 * @busy_until_ns: CLOCK_MONOTONIC
 * @refuse: a register that it neither reads nor writes; 0 for none
 * @refuse_code: the exception that it answers then
 * @saves: how often it was told to save
 * @identified: how often each slot was told to flash
 */
struct fake_box {
	u16 reg[65536];
	unsigned int busy_ms;
	u64 busy_until_ns;
	u16 refuse;
	u8 refuse_code;
	unsigned int saves;
	unsigned int identified[SMAPPEE_PB_SLOTS];
};

/** fake_box_line() - a line of a register segment with a Power Box, not yet registered. */
struct fake_line *fake_box_line(struct kunit *test);

/** fake_box() - add a Power Box, firmware 1.76, slots mapped one to one. */
struct fake_module *fake_box(struct fake_line *line, u8 unit, u32 serial);

/** fake_box_entry() - fill an entry of its device table; type 0 empties it. */
void fake_box_entry(struct fake_line *line, unsigned int entry, u16 type, u32 serial, u16 slots,
		    u16 first_slot);

/** fake_box_set() - set a register of the first Power Box. */
void fake_box_set(struct fake_line *line, u16 address, u16 value);

/** fake_box_set32() - set two registers, low word first. */
void fake_box_set32(struct fake_line *line, u16 address, u32 value);

/** fake_box_get() - a register of the first Power Box. */
u16 fake_box_get(struct fake_line *line, u16 address);

/** fake_box_answer() - as fake_module_answer(). */
size_t fake_box_answer(struct fake_module *module, const u8 *request, size_t len, u8 *out);

/** box_entry() - device of an entry, -1 for the box, held until the test ends; or NULL. */
struct smappee_device *box_entry(struct fake_line *line, int entry);

/** box_scanned() - register the line and wait for the end of the first scan. */
void box_scanned(struct fake_line *line);

#endif
