// SPDX-License-Identifier: GPL-2.0
/*
 * Identity and device table of a Power Box, see
 * Documentation/driver-api/smappee/power-box.rst.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "internal.h"
#include "table.h"

/* Entries in one read: not longer on the line than powers are. */
#define TABLE_ENTRIES_READ	2
#define TABLE_TRIES		3

static_assert(SMAPPEE_PB_ENTRY_SLOT + SMAPPEE_PB_ENTRY_SLOTS_MAX <
	      SMAPPEE_PB_ENTRY_STRIDE);

static void table_head(const u16 *regs, struct smappee_identity *id)
{
	id->type = regs[SMAPPEE_PB_ENTRY_TYPE];
	id->slots = regs[SMAPPEE_PB_ENTRY_SLOTS];
	id->serial = modbus_u32(&regs[SMAPPEE_PB_ENTRY_SERIAL]);
	id->firmware_minor = regs[SMAPPEE_PB_ENTRY_FW_MINOR];
	id->firmware_major = regs[SMAPPEE_PB_ENTRY_FW_MAJOR];
}

static bool table_head_good(const struct smappee_identity *id)
{
	return id->type && id->type <= 9999 && id->serial &&
	       id->serial <= 999999;
}

/**
 * smappee_box_parse() - check the identity block of a Power Box
 * @regs: the SMAPPEE_REG_IDENTITY_COUNT registers from SMAPPEE_REG_IDENTITY
 * @id: what they say, if they are an identity; its slots are the voltages
 *
 * Return: 0. -EPROTO if that is no identity, -ENODEV if it is that of another
 * type of module, -EPROTONOSUPPORT if the firmware is too old.
 */
int smappee_box_parse(const u16 *regs, struct smappee_identity *id)
{
	table_head(regs, id);
	id->slots = SMAPPEE_PB_PHASES;
	if (!table_head_good(id))
		return -EPROTO;
	if (id->type != SMAPPEE_TYPE_POWER_BOX)
		return -ENODEV;
	if (id->firmware_major < SMAPPEE_PB_FW_MAJOR_MIN ||
	    (id->firmware_major == SMAPPEE_PB_FW_MAJOR_MIN &&
	     id->firmware_minor < SMAPPEE_PB_FW_MINOR_MIN))
		return -EPROTONOSUPPORT;

	return 0;
}

static u8 table_channel(const u16 *slot_map, u16 slot)
{
	unsigned int channel;

	for (channel = 0; channel < SMAPPEE_PB_CHANNELS; channel++)
		if (slot_map[channel] == slot)
			return channel;

	return SMAPPEE_CHANNEL_NONE;
}

/*
 * Check an entry of the device table, SMAPPEE_PB_ENTRY_STRIDE registers, with the
 * SMAPPEE_PB_CHANNELS registers of the slot map. 0, also if the entry is empty;
 * -EPROTO if that cannot be right.
 */
static int entry_parse(const u16 *regs, const u16 *slot_map,
		       struct smappee_entry *entry)
{
	unsigned int i;
	u16 slot;

	memset(entry, 0, sizeof(*entry));
	table_head(regs, &entry->id);
	if (!entry->id.type)
		return 0;
	if (!table_head_good(&entry->id) || !entry->id.slots ||
	    entry->id.slots > SMAPPEE_PB_ENTRY_SLOTS_MAX)
		goto wrong;

	for (i = 0; i < entry->id.slots; i++) {
		slot = regs[SMAPPEE_PB_ENTRY_SLOT + i +
			    (i >= SMAPPEE_PB_ENTRY_GAP)];
		if (slot >= SMAPPEE_PB_SLOTS)
			goto wrong;
		entry->input[i].slot = slot;
		entry->input[i].channel = table_channel(slot_map, slot);
	}

	return 0;

wrong:
	entry->id.type = 0;
	return -EPROTO;
}

static int table_regs(struct smappee_module *box, u16 address, u16 n, u16 *regs)
{
	return smappee_line_read_registers(&box->segment->line,
					   SMAPPEE_HOUSEKEEPING, box->sdev.unit,
					   address, n, regs, TABLE_TRIES,
					   &box->count);
}

static void table_parse(struct smappee_module *box, unsigned int n,
			const u16 *regs, const u16 *slot_map,
			struct smappee_entry *entry)
{
	if (entry_parse(regs, slot_map, entry))
		dev_warn(box->segment->dev,
			 "unit %u: entry %u of the device table cannot be right: type %u, %u slots; ignored\n",
			 box->sdev.unit, n, regs[SMAPPEE_PB_ENTRY_TYPE],
			 regs[SMAPPEE_PB_ENTRY_SLOTS]);
}

/**
 * smappee_table_read() - read the device table of a Power Box
 * @box: the Power Box
 * @entries: room for SMAPPEE_PB_ENTRIES
 *
 * Return: 0, or an error of smappee_line_read_registers().
 */
int smappee_table_read(struct smappee_module *box,
		       struct smappee_entry *entries)
{
	u16 regs[TABLE_ENTRIES_READ * SMAPPEE_PB_ENTRY_STRIDE];
	u16 slot_map[SMAPPEE_PB_CHANNELS];
	unsigned int first, n, i;
	int ret;

	ret = table_regs(box, SMAPPEE_PB_REG_SLOT_MAP, ARRAY_SIZE(slot_map),
			 slot_map);
	if (ret)
		return ret;

	for (first = 0; first < SMAPPEE_PB_ENTRIES; first += n) {
		n = min(SMAPPEE_PB_ENTRIES - first, TABLE_ENTRIES_READ);
		ret = table_regs(box, SMAPPEE_PB_REG_TABLE +
				 first * SMAPPEE_PB_ENTRY_STRIDE,
				 n * SMAPPEE_PB_ENTRY_STRIDE, regs);
		if (ret)
			return ret;
		for (i = 0; i < n; i++)
			table_parse(box, first + i,
				    regs + i * SMAPPEE_PB_ENTRY_STRIDE,
				    slot_map, &entries[first + i]);
	}

	return 0;
}
