// SPDX-License-Identifier: GPL-2.0
/*
 * The Power Box of the fake line: its registers, what may be written, and busy
 * after a save.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/unaligned.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "fake-box.h"
#include "fake-line.h"

static size_t box_exception(u8 *out, const u8 *request, u8 code)
{
	out[0] = request[0];
	out[1] = request[1] | SMAPPEE_FC_EXCEPTION;
	out[2] = code;
	return fake_seal(out, 3);
}

static size_t box_read(const struct fake_box *box, const u8 *request, u8 *out)
{
	u16 first = get_unaligned_be16(request + 2);
	u16 count = get_unaligned_be16(request + 4);

	if (!count || count > SMAPPEE_REGS_MAX)
		return box_exception(out, request, SMAPPEE_EX_ILLEGAL_VALUE);
	if (box->refuse && box->refuse >= first && box->refuse < first + count)
		return box_exception(out, request, box->refuse_code);
	out[0] = request[0];
	out[1] = request[1];
	out[2] = 2 * count;
	for (unsigned int i = 0; i < count; i++)
		put_unaligned_be16(box->reg[first + i], out + 3 + 2 * i);
	return fake_seal(out, 3 + 2 * count);
}

static bool box_in(u16 reg, u16 base)
{
	return reg >= base && reg < base + SMAPPEE_PB_CHANNELS;
}

static bool box_is_mask(u16 reg)
{
	return reg >= SMAPPEE_PB_REG_METER_MASK &&
	       reg < SMAPPEE_PB_REG_METER_MASK +
		     SMAPPEE_PB_METERS * SMAPPEE_PB_METER_MASK_STRIDE;
}

static u8 box_write_one(struct fake_box *box, u16 reg, u16 value)
{
	if (reg == SMAPPEE_PB_REG_SAVE) {
		if (value != 1)
			return SMAPPEE_EX_ILLEGAL_VALUE;
		box->saves++;
		box->busy_until_ns = ktime_get_ns() + box->busy_ms * NSEC_PER_MSEC;
		return 0;
	}
	if (box_in(reg, SMAPPEE_PB_REG_IDENTIFY)) {
		box->identified[reg - SMAPPEE_PB_REG_IDENTIFY]++;
		return 0;
	}
	if (box->refuse && reg == box->refuse)
		return box->refuse_code;
	if (reg == SMAPPEE_PB_REG_PHANTOM) {
		if (value > SMAPPEE_PB_PHANTOM_STAR)
			return SMAPPEE_EX_ILLEGAL_VALUE;
	} else if (!box_is_mask(reg) && !box_in(reg, SMAPPEE_PB_REG_PHASE) &&
		   !box_in(reg, SMAPPEE_PB_REG_CT_TYPE) &&
		   !box_in(reg, SMAPPEE_PB_REG_SLOT_MAP)) {
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	}
	box->reg[reg] = value;
	return 0;
}

static size_t box_write(struct fake_box *box, const u8 *request, size_t len, u8 *out)
{
	u16 first = get_unaligned_be16(request + 2);
	u16 count = get_unaligned_be16(request + 4);
	u8 code;

	if (!count || request[6] != 2 * count || len != 9 + 2 * count)
		return box_exception(out, request, SMAPPEE_EX_ILLEGAL_VALUE);
	for (unsigned int i = 0; i < count; i++) {
		code = box_write_one(box, first + i, get_unaligned_be16(request + 7 + 2 * i));
		if (code)
			return box_exception(out, request, code);
	}
	memcpy(out, request, 6);
	return fake_seal(out, 6);
}

size_t fake_box_answer(struct fake_module *module, const u8 *request, size_t len, u8 *out)
{
	struct fake_box *box = module->box;

	switch (request[1]) {
	case SMAPPEE_FC_READ_REGISTERS:
	case SMAPPEE_FC_WRITE_REGISTERS:
		break;
	default:
		return box_exception(out, request, SMAPPEE_EX_ILLEGAL_FUNCTION);
	}
	if (ktime_get_ns() < box->busy_until_ns)
		return box_exception(out, request, SMAPPEE_EX_BUSY);
	if (request[1] == SMAPPEE_FC_READ_REGISTERS)
		return box_read(box, request, out);
	return box_write(box, request, len, out);
}

static void box_free(void *box)
{
	kvfree(box);
}

static struct fake_box *first_box(struct fake_line *line)
{
	for (int i = 0; i < FAKE_MODULES_MAX; i++) {
		if (line->module[i].box)
			return line->module[i].box;
	}
	return NULL;
}

void fake_box_set(struct fake_line *line, u16 address, u16 value)
{
	spin_lock(&line->lock);
	first_box(line)->reg[address] = value;
	spin_unlock(&line->lock);
}

void fake_box_set32(struct fake_line *line, u16 address, u32 value)
{
	spin_lock(&line->lock);
	first_box(line)->reg[address] = lower_16_bits(value);
	first_box(line)->reg[address + 1] = upper_16_bits(value);
	spin_unlock(&line->lock);
}

u16 fake_box_get(struct fake_line *line, u16 address)
{
	return READ_ONCE(first_box(line)->reg[address]);
}

static void box_head(struct fake_line *line, u16 address, u16 type, u16 slots, u32 serial)
{
	fake_box_set(line, address + SMAPPEE_PB_ENTRY_TYPE, type);
	fake_box_set(line, address + SMAPPEE_PB_ENTRY_SLOTS, slots);
	fake_box_set32(line, address + SMAPPEE_PB_ENTRY_SERIAL, serial);
	fake_box_set(line, address + SMAPPEE_PB_ENTRY_FW_MINOR, 76);
	fake_box_set(line, address + SMAPPEE_PB_ENTRY_FW_MAJOR, 1);
}

void fake_box_entry(struct fake_line *line, unsigned int entry, u16 type, u32 serial, u16 slots,
		    u16 first_slot)
{
	u16 base = SMAPPEE_PB_REG_TABLE + entry * SMAPPEE_PB_ENTRY_STRIDE;

	box_head(line, base, type, slots, serial);
	for (u16 i = 0; i < slots; i++)
		fake_box_set(line, base + SMAPPEE_PB_ENTRY_SLOT + i + (i >= SMAPPEE_PB_ENTRY_GAP),
			     first_slot + i);
}

struct fake_module *fake_box(struct fake_line *line, u8 unit, u32 serial)
{
	struct fake_box *box = kvzalloc(sizeof(*box), GFP_KERNEL);
	struct fake_module *module;

	KUNIT_ASSERT_NOT_NULL(line->test, box);
	KUNIT_ASSERT_EQ(line->test, 0, kunit_add_action_or_reset(line->test, box_free, box));
	/* Of what a hub has, a box has the unit only. */
	module = fake_hub(line, unit, serial);
	module->box = box;
	box->busy_ms = 200;
	box_head(line, SMAPPEE_REG_IDENTITY, SMAPPEE_TYPE_POWER_BOX, 0, serial);
	for (u16 channel = 0; channel < SMAPPEE_PB_CHANNELS; channel++)
		fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + channel, channel);
	return module;
}

static void box_line_down(void *data)
{
	struct fake_line *line = data;

	if (line->added)
		fake_line_remove(line);
}

struct fake_line *fake_box_line(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	line->compatible = "smappee,register-segment";
	line->baud = SMAPPEE_PB_BIT_RATE;
	line->segment.cell = cpu_to_be32(line->baud);
	line->turnaround_us = 3000;
	fake_box(line, BOX, BOX_SERIAL);
	/* The box goes after the line. */
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, box_line_down, line));
	return line;
}

static void box_put(void *dev)
{
	put_device(dev);
}

struct smappee_device *box_entry(struct fake_line *line, int entry)
{
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));
	struct smappee_device *found = NULL;
	struct smappee_module *module;

	mutex_lock(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node) {
		if (module->sdev.entry == entry)
			found = &module->sdev;
	}
	if (found)
		get_device(&found->dev);
	mutex_unlock(&segment->list_lock);
	if (found)
		KUNIT_ASSERT_EQ(line->test, 0,
				kunit_add_action_or_reset(line->test, box_put, &found->dev));
	return found;
}

static bool box_scan_is_over(struct fake_line *line)
{
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));

	return segment && READ_ONCE(segment->scanned);
}

void box_scanned(struct fake_line *line)
{
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(line->test, fake_line_wait(line, box_scan_is_over(line), 30000));
	async_synchronize_full();
}
