// SPDX-License-Identifier: GPL-2.0
/*
 * Enumeration: ask the units that the firmware description lists, then all
 * others of the scan range, who they are; compare with what is known; register
 * what is new and unregister what is no longer there. A module that is still
 * the same is left alone, whatever it is doing.
 *
 * All of it happens in one work item per segment, so nothing here runs twice at
 * a time and nothing is registered under a lock. Transactions have the lowest
 * priority: streams go on while a segment is scanned.
 *
 * On a segment of register modules there is a Power Box, and its device table
 * tells what is behind it. A read of the table is compared in the same way.
 *
 * Modules without an address, and those that share one, are search.c's business:
 * it ends in smappee_enumerate_unit() for the address that was assigned.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "enumerate.h"
#include "functions.h"
#include "internal.h"
#include "poll.h"
#include "problems.h"
#include "sampler.h"
#include "search.h"
#include "table.h"
#include "trace.h"

/* Measuring points of a gateway. */
#define ENUMERATE_INPUTS_MAX	28
/* Looks in a row without an answer, after which a module is silent. */
#define ENUMERATE_ABSENT	3
/* Bursts of unasked bytes between two looks that noise does not explain. */
#define ENUMERATE_BABBLE	10
/* A unit that is listed, or known, is asked more often than any other. */
#define ENUMERATE_TRIES_KNOWN	3
#define ENUMERATE_TRIES		2
/* While something that should be there is missing, look again this often. */
#define ENUMERATE_AGAIN_MS	5000
/* A module that verification could not reach is verified again after this. */
#define ENUMERATE_VERIFY_MS	500
/* An absent unit costs an answer timeout; leave the line to the streams. */
#define ENUMERATE_PAUSE_MS	40

/**
 * smappee_identity_parse() - check an identity block
 * @regs: the SMAPPEE_REG_IDENTITY_COUNT registers from SMAPPEE_REG_IDENTITY
 * @id: what they say
 *
 * Return: 0, or -EPROTO if that is not the identity of a module.
 */
int smappee_identity_parse(const u16 *regs, struct smappee_identity *id)
{
	id->type = regs[SMAPPEE_REG_TYPE - SMAPPEE_REG_IDENTITY];
	id->slots = regs[SMAPPEE_REG_SLOTS - SMAPPEE_REG_IDENTITY];
	id->serial = modbus_u32(&regs[SMAPPEE_REG_SERIAL -
				      SMAPPEE_REG_IDENTITY]);
	id->firmware_minor = regs[SMAPPEE_REG_FW_MINOR - SMAPPEE_REG_IDENTITY];
	id->firmware_major = regs[SMAPPEE_REG_FW_MAJOR - SMAPPEE_REG_IDENTITY];

	if (!id->type || id->type > 9999)
		return -EPROTO;
	if (!id->slots || id->slots > SMAPPEE_CHANNELS_MAX)
		return -EPROTO;
	if (!id->serial || id->serial > 999999)
		return -EPROTO;

	return 0;
}

/**
 * smappee_choose_format() - the sample format that costs the line least
 * @formats: BIT(SMAPPEE_FORMAT_*) that a module supports
 *
 * Return: SMAPPEE_FORMAT_*, 0 if there is none that we know.
 */
u8 smappee_choose_format(u16 formats)
{
	static const u8 wanted[] = {
		SMAPPEE_FORMAT_S16_PACKED,
		SMAPPEE_FORMAT_S16,
		SMAPPEE_FORMAT_S24_PACKED,
		SMAPPEE_FORMAT_S24,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (formats & BIT(wanted[i]))
			return wanted[i];

	return 0;
}

/**
 * smappee_enumerate_find() - the module at a unit
 * @segment: the segment
 * @unit: unit address
 * @entry: entry in the device table of a Power Box, -1 for all other modules
 *
 * Context: the enumeration work; nothing else removes modules.
 * Return: the module, or NULL.
 */
struct smappee_module *smappee_enumerate_find(struct smappee_segment *segment,
					      u8 unit, s8 entry)
{
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		if (module->sdev.unit == unit && module->sdev.entry == entry)
			return module;

	return NULL;
}

/**
 * smappee_enumerate_find_serial() - the module with a serial number
 * @segment: the segment
 * @type: type code
 * @serial: serial number
 *
 * Context: the enumeration work.
 * Return: the module, or NULL; not one behind a Power Box.
 */
struct smappee_module *
smappee_enumerate_find_serial(struct smappee_segment *segment, u16 type,
			      u32 serial)
{
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		if (module->sdev.type == type &&
		    module->sdev.serial == serial && module->sdev.entry < 0)
			return module;

	return NULL;
}

static int enumerate_identify(struct smappee_segment *segment, u8 unit,
			      unsigned int tries, struct smappee_identity *id)
{
	u16 regs[SMAPPEE_REG_IDENTITY_COUNT];
	int ret;

	ret = smappee_line_read_registers(&segment->line, SMAPPEE_HOUSEKEEPING,
					  unit, SMAPPEE_REG_IDENTITY,
					  ARRAY_SIZE(regs), regs, tries, NULL);
	if (ret)
		return ret;
	if (segment->registers)
		return smappee_box_parse(regs, id);
	/* Whatever else it says, it does not belong here. */
	if (regs[0] == SMAPPEE_TYPE_POWER_BOX) {
		smappee_box_parse(regs, id);
		return -ENODEV;
	}

	return smappee_identity_parse(regs, id);
}

static int enumerate_channels(struct smappee_module *module)
{
	u16 regs[SMAPPEE_CHANNELS_MAX * SMAPPEE_REG_CHANNEL_STRIDE];
	struct smappee_device *sdev = &module->sdev;
	unsigned int i;
	int ret;

	ret = smappee_line_read_registers(&module->segment->line,
					  SMAPPEE_HOUSEKEEPING, sdev->unit,
					  SMAPPEE_REG_CHANNEL,
					  sdev->channels *
					  SMAPPEE_REG_CHANNEL_STRIDE,
					  regs, ENUMERATE_TRIES_KNOWN,
					  &module->count);
	if (ret)
		return ret;

	for (i = 0; i < sdev->channels; i++) {
		const u16 *r = regs + i * SMAPPEE_REG_CHANNEL_STRIDE;

		sdev->channel[i].kind = r[SMAPPEE_CHANNEL_KIND];
		sdev->channel[i].sensor = r[SMAPPEE_CHANNEL_SENSOR];
		sdev->channel[i].scale = modbus_u32(r + SMAPPEE_CHANNEL_SCALE);
		if (sdev->channel[i].kind > SMAPPEE_KIND_CURRENT)
			return -EPROTO;
		if (sdev->channel[i].kind && !sdev->channel[i].scale)
			return -EPROTO;
	}

	return 0;
}

/* Read what a waveform module can do. Other modules have no such block. */
static int enumerate_describe(struct smappee_module *module)
{
	u16 regs[SMAPPEE_REG_WAVEFORM_COUNT];
	struct smappee_device *sdev = &module->sdev;
	u16 channels;
	int ret;

	ret = smappee_line_read_registers(&module->segment->line,
					  SMAPPEE_HOUSEKEEPING, sdev->unit,
					  SMAPPEE_REG_WAVEFORM,
					  ARRAY_SIZE(regs), regs,
					  ENUMERATE_TRIES_KNOWN,
					  &module->count);
	if (ret == -ENXIO)
		return 0;
	if (ret)
		return ret;

	if (regs[SMAPPEE_REG_PROTOCOL - SMAPPEE_REG_WAVEFORM] !=
	    SMAPPEE_PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	channels = regs[SMAPPEE_REG_CHANNELS - SMAPPEE_REG_WAVEFORM];
	sdev->rates = regs[SMAPPEE_REG_RATES - SMAPPEE_REG_WAVEFORM];
	sdev->format = smappee_choose_format(regs[SMAPPEE_REG_FORMATS -
						  SMAPPEE_REG_WAVEFORM]);
	if (!channels || channels > SMAPPEE_CHANNELS_MAX || !sdev->format)
		return -EPROTO;
	sdev->channels = channels;

	return enumerate_channels(module);
}

/*
 * The firmware node of a module, with a reference, or NULL: the one with its serial
 * number, else the one with its address that has no other serial number.
 */
static struct fwnode_handle *enumerate_fwnode(struct device *parent,
					      unsigned int address,
					      const char *serial)
{
	struct fwnode_handle *found = NULL;
	struct fwnode_handle *child;
	const char *text;
	u32 reg;

	device_for_each_child_node(parent, child) {
		if (!fwnode_property_read_string(child, "serial-number",
						 &text)) {
			if (strcmp(text, serial))
				continue;
			fwnode_handle_put(found);
			return child;
		}
		if (!found && !fwnode_property_read_u32(child, "reg", &reg) &&
		    reg == address)
			found = fwnode_handle_get(child);
	}

	return found;
}

/**
 * smappee_enumerate_named_unit() - the unit that the firmware description has for
 *				    a serial number
 * @segment: the segment
 * @type: type code
 * @serial: serial number
 *
 * Return: unit address, 0 if the serial number is in no node.
 */
u8 smappee_enumerate_named_unit(struct smappee_segment *segment, u16 type,
				u32 serial)
{
	char wanted[SMAPPEE_SERIAL_LEN];
	struct fwnode_handle *child;
	const char *text;
	u32 reg;

	snprintf(wanted, sizeof(wanted), "%04u%06u", type, serial);
	device_for_each_child_node(segment->dev, child) {
		if (fwnode_property_read_string(child, "serial-number",
						&text) ||
		    strcmp(text, wanted) ||
		    fwnode_property_read_u32(child, "reg", &reg))
			continue;
		fwnode_handle_put(child);
		return reg;
	}

	return 0;
}

static int enumerate_label(struct smappee_module *module)
{
	struct smappee_device *sdev = &module->sdev;
	const char *label;

	if (device_property_read_string(&sdev->dev, "label", &label))
		label = module->serial_text;
	sdev->label = kstrdup_const(label, GFP_KERNEL);

	return sdev->label ? 0 : -ENOMEM;
}

static void enumerate_insert(struct smappee_segment *segment,
			     struct smappee_module *module)
{
	struct smappee_module *other;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(other, &segment->modules, node)
		if (other->sdev.unit > module->sdev.unit ||
		    (other->sdev.unit == module->sdev.unit &&
		     other->sdev.entry > module->sdev.entry))
			break;
	/* Before the first that is greater; at the end if there is none. */
	list_add_tail(&module->node, &other->node);
}

static void enumerate_take_out(struct smappee_segment *segment,
			       struct smappee_module *module)
{
	guard(mutex)(&segment->list_lock);
	list_del_init(&module->node);
	if (segment->reference == module)
		segment->reference = NULL;
}

static struct smappee_module *
enumerate_alloc(struct smappee_segment *segment, struct smappee_module *box,
		u8 unit, s8 entry, const struct smappee_identity *id)
{
	struct smappee_module *module;
	struct smappee_device *sdev;

	module = kzalloc(sizeof(*module), GFP_KERNEL);
	if (!module)
		return NULL;

	module->segment = smappee_segment_get(segment);
	INIT_LIST_HEAD(&module->node);
	module->flags = BIT(SMAPPEE_MODULE_CONFIGURE);
	snprintf(module->serial_text, sizeof(module->serial_text), "%04u%06u",
		 id->type, id->serial);

	sdev = &module->sdev;
	sdev->unit = unit;
	sdev->entry = entry;
	sdev->type = id->type;
	sdev->slots = id->slots;
	sdev->serial = id->serial;
	sdev->firmware_major = id->firmware_major;
	sdev->firmware_minor = id->firmware_minor;
	sdev->dev.parent = segment->dev;
	if (box) {
		get_device(&box->sdev.dev);
		module->box = box;
		sdev->dev.parent = &box->sdev.dev;
	}
	sdev->dev.bus = &smappee_bus_type;
	sdev->dev.type = &smappee_module_type;
	device_initialize(&sdev->dev);
	device_set_node(&sdev->dev, enumerate_fwnode(sdev->dev.parent,
						     box ? entry : unit,
						     module->serial_text));

	return module;
}

/* Put a module on the list and on the bus. Its reference goes if that fails. */
static void enumerate_trace(const struct smappee_module *module, u8 what)
{
	trace_smappee_enumerate(module->segment->line.id, module->sdev.unit,
				module->sdev.type, module->sdev.serial, what);
}

static int enumerate_register(struct smappee_module *module)
{
	struct smappee_segment *segment = module->segment;
	int ret;

	ret = enumerate_label(module);
	if (ret)
		goto put;
	enumerate_insert(segment, module);
	ret = device_add(&module->sdev.dev);
	if (!ret) {
		enumerate_trace(module, SMAPPEE_ENUMERATE_ADDED);
		if (!segment->registers)
			smappee_functions_add(module);
		return 0;
	}

	set_bit(SMAPPEE_MODULE_GONE, &module->flags);
	enumerate_take_out(segment, module);
put:
	put_device(&module->sdev.dev);
	return ret;
}

/* Measuring points of all modules, and of one that is to be added. */
static unsigned int enumerate_inputs(struct smappee_segment *segment,
				     const struct smappee_device *sdev)
{
	const struct smappee_module *module;
	unsigned int inputs = 0;
	unsigned int i;

	for (i = 0; i < sdev->channels; i++)
		inputs += sdev->channel[i].kind == SMAPPEE_KIND_CURRENT;
	/* Whatever has none does no harm. */
	if (!inputs)
		return 0;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		for (i = 0; i < module->sdev.channels; i++)
			inputs += module->sdev.channel[i].kind ==
				  SMAPPEE_KIND_CURRENT;

	return inputs;
}

static int enumerate_limit(struct smappee_module *module)
{
	struct smappee_segment *segment = module->segment;
	unsigned int inputs = enumerate_inputs(segment, &module->sdev);

	if (inputs <= ENUMERATE_INPUTS_MAX)
		return 0;
	smappee_problem_set(segment, SMAPPEE_PROBLEM_TOO_MANY_INPUTS,
			    module->sdev.unit,
			    "unit %u (%s) is not used: with it there are %u CT inputs, and a gateway has %u; remove a module and rescan",
			    module->sdev.unit, module->serial_text, inputs,
			    ENUMERATE_INPUTS_MAX);

	return -ENOSPC;
}

static int enumerate_add(struct smappee_segment *segment, u8 unit,
			 const struct smappee_identity *id)
{
	struct smappee_module *module;
	struct smappee_device *sdev;
	int ret;

	module = enumerate_alloc(segment, NULL, unit, -1, id);
	if (!module)
		return -ENOMEM;
	sdev = &module->sdev;

	ret = dev_set_name(&sdev->dev, "%u-%03u", segment->line.id, unit);
	if (ret)
		goto put;
	if (segment->registers) {
		module->poller = smappee_poller_new();
		ret = module->poller ? 0 : -ENOMEM;
	} else {
		ret = enumerate_describe(module);
	}
	if (ret) {
		/* A listed unit is looked at again and again: say it once. */
		if (!test_and_set_bit(unit, segment->warned))
			dev_warn(segment->dev,
				 "unit %u (%s): not usable: its description cannot be read: %pe\n",
				 unit, module->serial_text, ERR_PTR(ret));
		goto put;
	}
	ret = enumerate_limit(module);
	if (ret)
		goto put;

	ret = enumerate_register(module);
	if (ret)
		return ret;
	smappee_problem_clear(segment, SMAPPEE_PROBLEM_TOO_MANY_INPUTS, unit);
	dev_info(&sdev->dev, "%s, firmware %u.%u, %u channels, label \"%s\"\n",
		 module->serial_text, sdev->firmware_major,
		 sdev->firmware_minor, sdev->channels ?: sdev->slots,
		 sdev->label);
	clear_bit(unit, segment->warned);
	smappee_sampler_kick(segment);

	return 0;

put:
	put_device(&sdev->dev);
	return ret;
}

static void enumerate_remove_one(struct smappee_segment *segment,
				 struct smappee_module *module, const char *why)
{
	dev_info(&module->sdev.dev, "%s removed: %s\n", module->serial_text,
		 why);
	enumerate_trace(module, SMAPPEE_ENUMERATE_REMOVED);
	set_bit(SMAPPEE_MODULE_GONE, &module->flags);
	enumerate_take_out(segment, module);
	smappee_functions_remove(module);
	device_unregister(&module->sdev.dev);
}

/* Some module behind a Power Box, or NULL. */
static struct smappee_module *enumerate_behind(struct smappee_module *box)
{
	struct smappee_module *module;

	guard(mutex)(&box->segment->list_lock);
	list_for_each_entry(module, &box->segment->modules, node)
		if (module->box == box)
			return module;

	return NULL;
}

static void enumerate_remove(struct smappee_segment *segment,
			     struct smappee_module *module, const char *why)
{
	struct smappee_module *behind;

	while ((behind = enumerate_behind(module)))
		enumerate_remove_one(segment, behind, why);
	enumerate_remove_one(segment, module, why);
}

static bool enumerate_same(const struct smappee_module *module,
			   const struct smappee_identity *id)
{
	const struct smappee_device *sdev = &module->sdev;

	return sdev->type == id->type && sdev->serial == id->serial &&
	       sdev->slots == id->slots &&
	       sdev->firmware_major == id->firmware_major &&
	       sdev->firmware_minor == id->firmware_minor;
}

static int enumerate_add_entry(struct smappee_module *box, s8 entry,
			       const struct smappee_entry *said)
{
	struct smappee_segment *segment = box->segment;
	struct smappee_module *module;
	struct smappee_device *sdev;
	int ret;

	module = enumerate_alloc(segment, box, box->sdev.unit, entry,
				 &said->id);
	if (!module)
		return -ENOMEM;
	sdev = &module->sdev;
	memcpy(sdev->input, said->input, sizeof(sdev->input));

	ret = dev_set_name(&sdev->dev, "%s.%d", dev_name(&box->sdev.dev),
			   entry);
	if (ret) {
		put_device(&sdev->dev);
		return ret;
	}
	ret = enumerate_register(module);
	if (ret)
		return ret;
	dev_info(&sdev->dev, "%s, firmware %u.%u, %u inputs, label \"%s\"\n",
		 module->serial_text, sdev->firmware_major,
		 sdev->firmware_minor, sdev->slots, sdev->label);

	return 0;
}

/* What does this entry of the device table say now? */
static int enumerate_entry(struct smappee_module *box, s8 entry,
			   const struct smappee_entry *said)
{
	struct smappee_module *module = smappee_enumerate_find(box->segment,
						       box->sdev.unit, entry);

	if (module && said->id.type && enumerate_same(module, &said->id) &&
	    !memcmp(module->sdev.input, said->input, sizeof(said->input)))
		return 0;
	if (module)
		enumerate_remove(box->segment, module,
				 said->id.type ? "its entry has changed" :
						 "its entry is empty");
	if (!said->id.type)
		return 0;

	return enumerate_add_entry(box, entry, said);
}

/* Make the list of modules say what the device table of a Power Box says. */
static int enumerate_table(struct smappee_module *box)
{
	struct smappee_entry *entries;
	unsigned int i;
	int ret;

	entries = kcalloc(SMAPPEE_PB_ENTRIES, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	ret = smappee_table_read(box, entries);
	for (i = 0; i < SMAPPEE_PB_ENTRIES && !ret; i++)
		ret = enumerate_entry(box, i, &entries[i]);
	kfree(entries);
	/* It is not known what is behind it, so this has to be done again. */
	if (ret)
		set_bit(SMAPPEE_MODULE_VERIFY, &box->flags);

	return ret;
}

/* Say why we do not take the module that answers. */
static void enumerate_refuse(struct smappee_segment *segment, u8 unit,
			     const struct smappee_identity *id, int why)
{
	if (!test_and_set_bit(unit, segment->refused))
		trace_smappee_enumerate(segment->line.id, unit, id->type,
					id->serial, SMAPPEE_ENUMERATE_REFUSED);
	if (why == -EPROTONOSUPPORT)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_FIRMWARE, unit,
				    "unit %u (%04u%06u): firmware %u.%u is too old, its registers are others; update it to %u.%u or later",
				    unit, id->type, id->serial,
				    id->firmware_major, id->firmware_minor,
				    SMAPPEE_PB_FW_MAJOR_MIN,
				    SMAPPEE_PB_FW_MINOR_MIN);
	else if (segment->registers)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT, unit,
				    "unit %u (%04u%06u) is no Power Box; on this segment nothing else is supported",
				    unit, id->type, id->serial);
	else
		smappee_problem_set(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT, unit,
				    "unit %u (%04u%06u) is a Power Box; connect it to a segment of register modules",
				    unit, id->type, id->serial);
}

/* What was wrong with the module at a unit no longer is. */
static void enumerate_accept(struct smappee_segment *segment, u8 unit)
{
	clear_bit(unit, segment->refused);
	smappee_problem_clear(segment, SMAPPEE_PROBLEM_FIRMWARE, unit);
	smappee_problem_clear(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT, unit);
}

/*
 * The same serial number is known at another unit. Either the module has been
 * given another address, or it answers at two.
 */
static int enumerate_moved(struct smappee_segment *segment, u8 unit,
			   const struct smappee_identity *id)
{
	struct smappee_module *module;
	struct smappee_identity there;

	module = smappee_enumerate_find_serial(segment, id->type, id->serial);
	if (!module || module->sdev.unit == unit)
		return 0;
	if (!enumerate_identify(segment, module->sdev.unit,
				ENUMERATE_TRIES_KNOWN, &there) &&
	    enumerate_same(module, &there)) {
		smappee_problem_set(segment, SMAPPEE_PROBLEM_BABBLING,
				    module->sdev.unit,
				    "unit %u (%s) answers for unit %u, too; replace it",
				    module->sdev.unit, module->serial_text,
				    unit);
		return -EEXIST;
	}
	enumerate_remove(segment, module, "it has another address now");

	return 0;
}

/**
 * smappee_enumerate_unit() - who is at this unit? Make the list of modules say so
 * @segment: the segment
 * @unit: unit address
 * @tries: how often to ask
 * @drop_silent: remove a silent module that does not answer now either
 *
 * Context: the enumeration work.
 * Return: 0 if there is a module that is registered, -ETIMEDOUT if nobody answers,
 * or why who answers is not registered.
 */
int smappee_enumerate_unit(struct smappee_segment *segment, u8 unit,
			   unsigned int tries, bool drop_silent)
{
	struct smappee_module *module = smappee_enumerate_find(segment, unit, -1);
	struct smappee_identity id;
	int ret;

	ret = enumerate_identify(segment, unit, tries, &id);
	if (ret == -ENODEV || ret == -EPROTONOSUPPORT) {
		enumerate_refuse(segment, unit, &id, ret);
		if (module)
			enumerate_remove(segment, module,
					 "another module answers for it");
		return ret;
	}
	if (ret == -ETIMEDOUT && drop_silent) {
		clear_bit(unit, segment->heard);
		enumerate_accept(segment, unit);
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_TOO_MANY_INPUTS,
				      unit);
		if (module && test_bit(SMAPPEE_MODULE_SILENT, &module->flags))
			enumerate_remove(segment, module, "it does not answer");
	}
	if (ret) {
		if (!module && ret != -ETIMEDOUT && ret != -ESHUTDOWN)
			set_bit(unit, segment->heard);
		return ret;
	}

	enumerate_accept(segment, unit);
	if (module && enumerate_same(module, &id)) {
		atomic_inc(&module->renewals);
		if (test_and_clear_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
			smappee_sampler_kick(segment);
		return segment->registers ? enumerate_table(module) : 0;
	}
	if (module)
		enumerate_remove(segment, module, "another module answers for it");

	ret = enumerate_moved(segment, unit, &id);
	if (ret)
		return ret;
	ret = enumerate_add(segment, unit, &id);
	assign_bit(unit, segment->heard, ret);
	if (ret || !segment->registers)
		return ret;

	return enumerate_table(smappee_enumerate_find(segment, unit, -1));
}

/**
 * smappee_enumerate_verify() - are modules that restarted or came back the same?
 * @segment: the segment
 *
 * Context: the enumeration work.
 * Return: all that had to be looked at are registered.
 */
bool smappee_enumerate_verify(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1) = {};
	struct smappee_module *module;
	bool all = true;
	unsigned int unit;

	scoped_guard(mutex, &segment->list_lock)
		list_for_each_entry(module, &segment->modules, node)
			if (test_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
				set_bit(module->sdev.unit, units);

	for_each_set_bit(unit, units, SMAPPEE_UNIT_MAX + 1)
		if (smappee_enumerate_unit(segment, unit, 1, false))
			all = false;

	return all;
}

/* Modules whose answers are damaged again and again: are they alone? */
static void enumerate_crowds(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1) = {};
	struct smappee_module *module;
	unsigned int unit;

	scoped_guard(mutex, &segment->list_lock)
		list_for_each_entry(module, &segment->modules, node)
			if (test_and_clear_bit(SMAPPEE_MODULE_CROWDED,
					       &module->flags))
				set_bit(module->sdev.unit, units);

	for_each_set_bit(unit, units, SMAPPEE_UNIT_MAX + 1)
		smappee_search_unit(segment, unit);
}

/* Modules that are not sampled and have no driver are asked by nobody else. */
static void enumerate_ping(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1) = {};
	struct smappee_module *module;
	unsigned int unit;
	int ret;

	scoped_guard(mutex, &segment->list_lock)
		list_for_each_entry(module, &segment->modules, node)
			if (!module->sdev.channels &&
			    !READ_ONCE(module->sdev.dev.driver))
				set_bit(module->sdev.unit, units);

	for_each_set_bit(unit, units, SMAPPEE_UNIT_MAX + 1) {
		ret = smappee_enumerate_unit(segment, unit, 1, false);
		module = smappee_enumerate_find(segment, unit, -1);
		if (!module || ret == -ESHUTDOWN)
			continue;
		if (ret != -ETIMEDOUT) {
			module->absent = 0;
			smappee_module_set_silent(module, false);
		} else if (++module->absent >= ENUMERATE_ABSENT) {
			smappee_module_set_silent(module, true);
		}
	}
}

/* Does something send that nobody has asked? Twice in a row is no accident. */
static void enumerate_babble(struct smappee_segment *segment)
{
	unsigned int strays;
	u8 unit;

	strays = smappee_line_strays(&segment->line, &unit);
	if (strays < ENUMERATE_BABBLE) {
		if (segment->babbles)
			smappee_problem_clear(segment,
					      SMAPPEE_PROBLEM_BABBLING, -1);
		segment->babbles = 0;
		return;
	}
	if (++segment->babbles < 2)
		return;
	if (unit)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_BABBLING, unit,
				    "unit %u sends without having been asked; replace it",
				    unit);
	else if (segment->babbles == 2)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_BABBLING, 0,
				    "something sends without having been asked; unplug modules until this ends");
}

static bool enumerate_stopping(struct smappee_segment *segment)
{
	return READ_ONCE(segment->line.stopping);
}

/* Ask all units; the listed ones first. */
static void enumerate_scan(struct smappee_segment *segment, bool drop_silent)
{
	unsigned int unit;

	if (drop_silent) {
		/* What is still wrong is said again. */
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_DUPLICATE_SERIAL,
				      -1);
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT,
				      -1);
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_NO_ADDRESS, -1);
	}
	for_each_set_bit(unit, segment->named, SMAPPEE_UNIT_MAX + 1) {
		if (enumerate_stopping(segment))
			return;
		smappee_enumerate_unit(segment, unit, ENUMERATE_TRIES_KNOWN,
				       drop_silent);
	}
	if (segment->registers && !test_bit(SMAPPEE_PB_UNIT, segment->named))
		smappee_enumerate_unit(segment, SMAPPEE_PB_UNIT,
				       ENUMERATE_TRIES_KNOWN, drop_silent);
	/*
	 * An open module on a segment of register modules shows up as well, but
	 * there a question takes as long as a poll.
	 */
	if (!segment->registers || !READ_ONCE(segment->streams))
		smappee_search_new(segment);
	/* A Power Box on a segment of open modules can only be there. */
	if (!segment->registers && !test_bit(SMAPPEE_PB_UNIT, segment->named))
		smappee_enumerate_unit(segment, SMAPPEE_PB_UNIT, 1,
				       drop_silent);
	for (unit = SMAPPEE_UNIT_MIN;
	     unit <= SMAPPEE_UNIT_SCAN_MAX && !segment->registers; unit++) {
		if (enumerate_stopping(segment))
			return;
		if (test_bit(unit, segment->named))
			continue;
		if (smappee_enumerate_unit(segment, unit, ENUMERATE_TRIES,
					   drop_silent) == -ETIMEDOUT &&
		    READ_ONCE(segment->streams))
			msleep(ENUMERATE_PAUSE_MS);
		smappee_enumerate_verify(segment);
	}
	segment->scanned = true;
	segment->look_at = jiffies + msecs_to_jiffies(ENUMERATE_AGAIN_MS);
}

/*
 * Units that are listed, or where something answers, and that have no module.
 * Returns whether something is missing still.
 */
static bool enumerate_missing(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1);
	bool missing = false;
	unsigned int unit;
	int ret;

	bitmap_or(units, segment->named, segment->heard, SMAPPEE_UNIT_MAX + 1);
	for_each_set_bit(unit, units, SMAPPEE_UNIT_MAX + 1) {
		if (enumerate_stopping(segment))
			return false;
		if (smappee_enumerate_find(segment, unit, -1))
			continue;
		ret = smappee_enumerate_unit(segment, unit, 1, false);
		if (ret)
			missing = true;
		/* Two modules that nobody knows yet, with one address. */
		if ((ret == -EBADMSG || ret == -EPROTO) && !segment->registers)
			smappee_search_unit(segment, unit);
	}

	return missing;
}

/* What has to be looked for now and then. */
static void enumerate_look(struct smappee_segment *segment)
{
	segment->look_at = jiffies + msecs_to_jiffies(ENUMERATE_AGAIN_MS);
	if (segment->registers)
		return;
	smappee_search_new(segment);
	enumerate_ping(segment);
	enumerate_babble(segment);
}

static void enumerate_work(struct work_struct *work)
{
	struct smappee_segment *segment =
		container_of(to_delayed_work(work), struct smappee_segment,
			     enumerate);
	bool drop_silent = xchg(&segment->rescan, false);
	unsigned int again_ms = 0;

	if (xchg(&segment->release, false))
		smappee_search_release(segment);
	enumerate_crowds(segment);
	if (drop_silent || !segment->scanned)
		enumerate_scan(segment, drop_silent);
	else if (time_after_eq(jiffies, segment->look_at))
		enumerate_look(segment);
	if (!smappee_segment_modules(segment)) {
		/* Nobody at home: the whole line may not be powered yet. */
		segment->scanned = false;
		again_ms = ENUMERATE_AGAIN_MS;
	} else if (enumerate_missing(segment) || !segment->registers) {
		again_ms = ENUMERATE_AGAIN_MS;
	}
	if (!smappee_enumerate_verify(segment))
		again_ms = ENUMERATE_VERIFY_MS;

	if (again_ms && !enumerate_stopping(segment))
		queue_delayed_work(segment->queue, &segment->enumerate,
				   msecs_to_jiffies(again_ms));
}

/**
 * smappee_enumerate_init() - prepare the enumeration of a segment
 * @segment: the segment
 *
 * Return: 0; -EINVAL if the firmware description lists a unit that cannot be;
 * -ENOMEM.
 */
int smappee_enumerate_init(struct smappee_segment *segment)
{
	struct fwnode_handle *child;
	u32 reg;

	INIT_DELAYED_WORK(&segment->enumerate, enumerate_work);
	device_for_each_child_node(segment->dev, child) {
		if (fwnode_property_read_u32(child, "reg", &reg) ||
		    reg < SMAPPEE_UNIT_MIN || reg > SMAPPEE_UNIT_MAX) {
			dev_err(segment->dev,
				"%pfwP: reg is not a unit address, %u to %u\n",
				child, SMAPPEE_UNIT_MIN, SMAPPEE_UNIT_MAX);
			fwnode_handle_put(child);
			return -EINVAL;
		}
		set_bit(reg, segment->named);
	}

	segment->queue = alloc_ordered_workqueue("smappee%u", 0,
						 segment->line.id);

	return segment->queue ? 0 : -ENOMEM;
}

/**
 * smappee_enumerate_start() - begin to look for modules
 * @segment: the segment
 */
void smappee_enumerate_start(struct smappee_segment *segment)
{
	queue_delayed_work(segment->queue, &segment->enumerate, 0);
}

/**
 * smappee_enumerate_pause() - look for no modules until the next start
 * @segment: the segment, whose line is paused
 *
 * All units will be asked again, as after a probe; nobody is dropped.
 */
void smappee_enumerate_pause(struct smappee_segment *segment)
{
	cancel_delayed_work_sync(&segment->enumerate);
	segment->scanned = false;
}

/**
 * smappee_enumerate_now() - a module wants to be verified
 * @segment: the segment
 */
void smappee_enumerate_now(struct smappee_segment *segment)
{
	mod_delayed_work(segment->queue, &segment->enumerate, 0);
}

/**
 * smappee_enumerate_crowded() - the answers of a module are damaged again and again
 * @module: the module; another one may have the same address
 */
void smappee_enumerate_crowded(struct smappee_module *module)
{
	if (!test_and_set_bit(SMAPPEE_MODULE_CROWDED, &module->flags))
		smappee_enumerate_now(module->segment);
}

/**
 * smappee_enumerate_release() - let all modules forget their addresses, and find
 *				 them anew
 * @segment: the segment, of open modules
 *
 * Those that are registered get the addresses that they had. Waits for the end.
 */
void smappee_enumerate_release(struct smappee_segment *segment)
{
	WRITE_ONCE(segment->release, true);
	smappee_enumerate_rescan(segment);
}

/**
 * smappee_enumerate_again() - look at all units again
 * @segment: the segment
 *
 * Modules that are silent, and do not answer now either, are removed.
 */
void smappee_enumerate_again(struct smappee_segment *segment)
{
	WRITE_ONCE(segment->rescan, true);
	mod_delayed_work(segment->queue, &segment->enumerate, 0);
}

/**
 * smappee_enumerate_rescan() - look at all units again, and wait for the end
 * @segment: the segment
 */
void smappee_enumerate_rescan(struct smappee_segment *segment)
{
	smappee_enumerate_again(segment);
	flush_delayed_work(&segment->enumerate);
}

/**
 * smappee_enumerate_exit() - remove all modules
 * @segment: the segment, whose line has been stopped
 */
void smappee_enumerate_exit(struct smappee_segment *segment)
{
	struct smappee_module *module, *next;

	cancel_delayed_work_sync(&segment->enumerate);
	destroy_workqueue(segment->queue);

	/* The work is gone, so nobody else changes the list. */
	list_for_each_entry_safe_reverse(module, next, &segment->modules, node)
		enumerate_remove_one(segment, module, "its segment is going away");
}
