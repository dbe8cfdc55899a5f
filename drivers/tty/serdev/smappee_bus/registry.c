// SPDX-License-Identifier: GPL-2.0
/*
 * The modules of a segment: found by unit or serial number, made into devices,
 * and taken away. Only the enumeration work changes the list, so nothing is
 * registered under a lock; the list's lock is for those who look.
 */
#include <linux/jiffies.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "describe.h"
#include "functions.h"
#include "internal.h"
#include "poll.h"
#include "problems.h"
#include "registry.h"
#include "sampler.h"
#include "table.h"
#include "trace.h"

/* Measuring points of a gateway. */
#define REGISTRY_INPUTS_MAX	28

/**
 * smappee_registry_find() - the module at a unit
 * @segment: the segment
 * @unit: unit address
 * @entry: entry in the device table of a Power Box, -1 for all other modules
 *
 * Context: the enumeration work; nothing else removes modules.
 * Return: the module, or NULL.
 */
struct smappee_module *smappee_registry_find(struct smappee_segment *segment,
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
 * smappee_registry_find_serial() - the module with a serial number
 * @segment: the segment
 * @type: type code
 * @serial: serial number
 *
 * Context: the enumeration work.
 * Return: the module, or NULL; not one behind a Power Box.
 */
struct smappee_module *
smappee_registry_find_serial(struct smappee_segment *segment, u16 type,
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

/*
 * The firmware node of a module, with a reference, or NULL: the one with its serial
 * number, else the one with its address that has no other serial number.
 */
static struct fwnode_handle *registry_fwnode(struct device *parent,
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
 * smappee_registry_named_unit() - the unit that the firmware description has for
 *				    a serial number
 * @segment: the segment
 * @type: type code
 * @serial: serial number
 *
 * Return: unit address, 0 if the serial number is in no node.
 */
u8 smappee_registry_named_unit(struct smappee_segment *segment, u16 type,
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

static int registry_label(struct smappee_module *module)
{
	struct smappee_device *sdev = &module->sdev;
	const char *label;

	if (device_property_read_string(&sdev->dev, "label", &label))
		label = module->serial_text;
	sdev->label = kstrdup_const(label, GFP_KERNEL);

	return sdev->label ? 0 : -ENOMEM;
}

static void registry_insert(struct smappee_segment *segment,
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

static void registry_take_out(struct smappee_segment *segment,
			      struct smappee_module *module)
{
	guard(mutex)(&segment->list_lock);
	list_del_init(&module->node);
	if (segment->reference == module)
		segment->reference = NULL;
}

static struct smappee_module *
registry_alloc(struct smappee_segment *segment, struct smappee_module *box,
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
	module->verify_at = jiffies;
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
	device_set_node(&sdev->dev, registry_fwnode(sdev->dev.parent,
						    box ? entry : unit,
						    module->serial_text));

	return module;
}

static void registry_trace(const struct smappee_module *module, u8 what)
{
	trace_smappee_enumerate(module->segment->line.id, module->sdev.unit,
				module->sdev.type, module->sdev.serial, what);
}

/* Put a module on the list and on the bus. Its reference goes if that fails. */
static int registry_enlist(struct smappee_module *module)
{
	struct smappee_segment *segment = module->segment;
	int ret;

	ret = registry_label(module);
	if (ret)
		goto put;
	registry_insert(segment, module);
	ret = device_add(&module->sdev.dev);
	if (!ret) {
		registry_trace(module, SMAPPEE_ENUMERATE_ADDED);
		if (!segment->registers)
			smappee_functions_add(module);
		return 0;
	}

	set_bit(SMAPPEE_MODULE_GONE, &module->flags);
	registry_take_out(segment, module);
put:
	put_device(&module->sdev.dev);
	return ret;
}

/* Measuring points of all modules, and of one that is to be added. */
static unsigned int registry_inputs(struct smappee_segment *segment,
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

static int registry_limit(struct smappee_module *module)
{
	struct smappee_segment *segment = module->segment;
	unsigned int inputs = registry_inputs(segment, &module->sdev);

	if (inputs <= REGISTRY_INPUTS_MAX)
		return 0;
	smappee_problem_set(segment, SMAPPEE_PROBLEM_TOO_MANY_INPUTS,
			    module->sdev.unit,
			    "unit %u (%s) is not used: with it there are %u CT inputs, and a gateway has %u; remove a module and rescan",
			    module->sdev.unit, module->serial_text, inputs,
			    REGISTRY_INPUTS_MAX);

	return -ENOSPC;
}

/**
 * smappee_registry_add() - register the module that is at a unit
 * @segment: the segment
 * @unit: unit address, at which none is registered
 * @id: who it is
 *
 * Context: the enumeration work.
 * Return: 0; -ENOSPC if it has more inputs than a gateway has left; -ENOMEM; why its
 * description cannot be read.
 */
int smappee_registry_add(struct smappee_segment *segment, u8 unit,
			 const struct smappee_identity *id)
{
	struct smappee_module *module;
	struct smappee_device *sdev;
	int ret;

	module = registry_alloc(segment, NULL, unit, -1, id);
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
		ret = smappee_describe(module);
	}
	if (ret) {
		/* A listed unit is looked at again and again: say it once. */
		if (!test_and_set_bit(unit, segment->warned))
			dev_warn(segment->dev,
				 "unit %u (%s): not usable: its description cannot be read: %pe\n",
				 unit, module->serial_text, ERR_PTR(ret));
		goto put;
	}
	ret = registry_limit(module);
	if (ret)
		goto put;

	ret = registry_enlist(module);
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

static void registry_remove_one(struct smappee_segment *segment,
				struct smappee_module *module, const char *why)
{
	dev_info(&module->sdev.dev, "%s removed: %s\n", module->serial_text,
		 why);
	registry_trace(module, SMAPPEE_ENUMERATE_REMOVED);
	set_bit(SMAPPEE_MODULE_GONE, &module->flags);
	registry_take_out(segment, module);
	smappee_functions_remove(module);
	device_unregister(&module->sdev.dev);
}

/* Some module behind a Power Box, or NULL. */
static struct smappee_module *registry_behind(struct smappee_module *box)
{
	struct smappee_module *module;

	guard(mutex)(&box->segment->list_lock);
	list_for_each_entry(module, &box->segment->modules, node)
		if (module->box == box)
			return module;

	return NULL;
}

/**
 * smappee_registry_remove() - unregister a module, and those behind it
 * @segment: the segment
 * @module: the module
 * @why: in words, for the log
 *
 * Context: the enumeration work, or after its end.
 */
void smappee_registry_remove(struct smappee_segment *segment,
			     struct smappee_module *module, const char *why)
{
	struct smappee_module *behind;

	while ((behind = registry_behind(module)))
		registry_remove_one(segment, behind, why);
	registry_remove_one(segment, module, why);
}

/**
 * smappee_registry_same() - is it the module that is registered?
 * @module: the module
 * @id: who answers
 *
 * Return: whether type, serial number, slots and firmware are the same.
 */
bool smappee_registry_same(const struct smappee_module *module,
			   const struct smappee_identity *id)
{
	const struct smappee_device *sdev = &module->sdev;

	return sdev->type == id->type && sdev->serial == id->serial &&
	       sdev->slots == id->slots &&
	       sdev->firmware_major == id->firmware_major &&
	       sdev->firmware_minor == id->firmware_minor;
}

static int registry_add_entry(struct smappee_module *box, s8 entry,
			      const struct smappee_entry *said)
{
	struct smappee_segment *segment = box->segment;
	struct smappee_module *module;
	struct smappee_device *sdev;
	int ret;

	module = registry_alloc(segment, box, box->sdev.unit, entry,
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
	ret = registry_enlist(module);
	if (ret)
		return ret;
	dev_info(&sdev->dev, "%s, firmware %u.%u, %u inputs, label \"%s\"\n",
		 module->serial_text, sdev->firmware_major,
		 sdev->firmware_minor, sdev->slots, sdev->label);

	return 0;
}

/* What does this entry of the device table say now? */
static int registry_entry(struct smappee_module *box, s8 entry,
			  const struct smappee_entry *said)
{
	struct smappee_module *module;

	module = smappee_registry_find(box->segment, box->sdev.unit, entry);
	if (module && said->id.type &&
	    smappee_registry_same(module, &said->id) &&
	    !memcmp(module->sdev.input, said->input, sizeof(said->input)))
		return 0;
	if (module)
		smappee_registry_remove(box->segment, module,
					said->id.type ?
					"its entry has changed" :
					"its entry is empty");
	if (!said->id.type)
		return 0;

	return registry_add_entry(box, entry, said);
}

/**
 * smappee_registry_table() - make the list of modules say what the device table of a
 *			      Power Box says
 * @box: the Power Box
 *
 * Context: the enumeration work.
 * Return: 0; -ENOMEM; why the table cannot be read, it is then read again.
 */
int smappee_registry_table(struct smappee_module *box)
{
	struct smappee_entry *entries;
	unsigned int i;
	int ret;

	entries = kcalloc(SMAPPEE_PB_ENTRIES, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	ret = smappee_table_read(box, entries);
	for (i = 0; i < SMAPPEE_PB_ENTRIES && !ret; i++)
		ret = registry_entry(box, i, &entries[i]);
	kfree(entries);
	/* It is not known what is behind it, so this has to be done again. */
	if (ret)
		set_bit(SMAPPEE_MODULE_VERIFY, &box->flags);

	return ret;
}

/**
 * smappee_registry_clear() - unregister all modules
 * @segment: the segment, whose enumeration has ended
 * @why: in words, for the log
 */
void smappee_registry_clear(struct smappee_segment *segment, const char *why)
{
	struct smappee_module *module, *next;

	list_for_each_entry_safe_reverse(module, next, &segment->modules, node)
		registry_remove_one(segment, module, why);
}
