// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of a Power Box that hold settings, as a regmap of each module: the box
 * has those of itself, a module behind it those of its inputs. What was read or
 * written is kept, as long as the box cannot have forgotten it; so no setting is
 * in two maps.
 *
 * Measurements are not in here: the bus reads them in large parts by its schedule,
 * and a map would ask for them one by one.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/regmap.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "smappee-powerbox.h"

/* A save takes some hundred ms; until it is over the box answers "busy". */
#define REGS_BUSY_MS		50
#define REGS_BUSY_TRIES		40
/* The longest that is written: the slot map. */
#define REGS_WRITE_MAX		SMAPPEE_PB_CHANNELS

/**
 * struct powerbox_regs - the settings of a module
 * @sdev: the module
 * @map: its registers
 * @lock: protects @renewals
 * @renewals: smappee_renewals() when @map was emptied last
 */
struct powerbox_regs {
	struct smappee_device *sdev;
	struct regmap *map;
	struct mutex lock;	/* renewals */
	unsigned int renewals;
};

static bool regs_is_head(unsigned int reg)
{
	return reg >= SMAPPEE_REG_IDENTITY &&
	       reg < SMAPPEE_REG_IDENTITY + SMAPPEE_REG_IDENTITY_COUNT;
}

static bool regs_in(unsigned int reg, unsigned int base, unsigned int count)
{
	return reg >= base && reg < base + count;
}

static bool regs_of_input(const struct smappee_device *sdev, unsigned int reg)
{
	unsigned int i;

	for (i = 0; i < sdev->slots; i++)
		if (sdev->input[i].channel != SMAPPEE_CHANNEL_NONE &&
		    (reg == SMAPPEE_PB_REG_PHASE + sdev->input[i].channel ||
		     reg == SMAPPEE_PB_REG_CT_TYPE + sdev->input[i].channel))
			return true;

	return false;
}

static bool regs_is_setting(struct device *dev, unsigned int reg)
{
	const struct smappee_device *sdev = to_smappee_device(dev);

	if (sdev->entry >= 0)
		return regs_of_input(sdev, reg);

	return reg == SMAPPEE_PB_REG_PHANTOM ||
	       regs_in(reg, SMAPPEE_PB_REG_SLOT_MAP, SMAPPEE_PB_CHANNELS) ||
	       regs_in(reg, SMAPPEE_PB_REG_METER_MASK,
		       SMAPPEE_PB_METERS * SMAPPEE_PB_METER_MASK_STRIDE);
}

static bool regs_is_command(unsigned int reg)
{
	return reg == SMAPPEE_PB_REG_SAVE ||
	       regs_in(reg, SMAPPEE_PB_REG_IDENTIFY, SMAPPEE_PB_SLOTS);
}

static bool regs_readable(struct device *dev, unsigned int reg)
{
	return regs_is_setting(dev, reg) || regs_is_head(reg);
}

static bool regs_writeable(struct device *dev, unsigned int reg)
{
	return regs_is_setting(dev, reg) || regs_is_command(reg);
}

/* What the box changes by itself, or does and forgets. */
static bool regs_volatile(struct device *dev, unsigned int reg)
{
	return regs_is_head(reg) || regs_is_command(reg);
}

/* The bus's registers, for as long as the box is busy and a bit more. */
static int regs_hw_read(void *context, const void *reg, size_t reg_size,
			void *val, size_t val_size)
{
	struct powerbox_regs *regs = context;
	unsigned int tries = REGS_BUSY_TRIES;
	u16 values[SMAPPEE_REGS_MAX];
	unsigned int i, n = val_size / sizeof(u16);
	int ret;

	if (n > ARRAY_SIZE(values))
		return -EINVAL;
	do {
		ret = smappee_read_registers(regs->sdev,
					     get_unaligned_be16(reg), n,
					     values);
		if (ret != -EBUSY)
			break;
		msleep(REGS_BUSY_MS);
	} while (--tries);
	for (i = 0; i < n && !ret; i++)
		put_unaligned_be16(values[i], val + i * sizeof(u16));

	return ret;
}

static int regs_hw_write(void *context, const void *data, size_t size)
{
	struct powerbox_regs *regs = context;
	unsigned int tries = REGS_BUSY_TRIES;
	unsigned int i, n = size / sizeof(u16) - 1;
	u16 values[REGS_WRITE_MAX];
	int ret;

	if (!n || n > ARRAY_SIZE(values))
		return -EINVAL;
	for (i = 0; i < n; i++)
		values[i] = get_unaligned_be16(data + (i + 1) * sizeof(u16));
	do {
		ret = smappee_write_registers(regs->sdev,
					      get_unaligned_be16(data), n,
					      values);
		if (ret != -EBUSY)
			break;
		msleep(REGS_BUSY_MS);
	} while (--tries);

	return ret;
}

static const struct regmap_bus regs_bus = {
	.read = regs_hw_read,
	.write = regs_hw_write,
	.reg_format_endian_default = REGMAP_ENDIAN_BIG,
	.val_format_endian_default = REGMAP_ENDIAN_BIG,
	.max_raw_read = SMAPPEE_REGS_MAX * sizeof(u16),
};

static const struct regmap_config regs_config = {
	.reg_bits = 16,
	.val_bits = 16,
	.max_register = SMAPPEE_PB_REG_SAVE,
	.readable_reg = regs_readable,
	.writeable_reg = regs_writeable,
	.volatile_reg = regs_volatile,
	/* Few registers, far from each other. */
	.cache_type = REGCACHE_RBTREE,
};

/**
 * powerbox_regs_new() - the settings of a module
 * @sdev: the module
 *
 * Return: they, freed with the driver's other resources, or an ERR_PTR().
 */
struct powerbox_regs *powerbox_regs_new(struct smappee_device *sdev)
{
	struct powerbox_regs *regs;

	regs = devm_kzalloc(&sdev->dev, sizeof(*regs), GFP_KERNEL);
	if (!regs)
		return ERR_PTR(-ENOMEM);
	regs->sdev = sdev;
	mutex_init(&regs->lock);
	regs->renewals = smappee_renewals(sdev);
	regs->map = devm_regmap_init(&sdev->dev, &regs_bus, regs, &regs_config);
	if (IS_ERR(regs->map))
		return ERR_CAST(regs->map);

	return regs;
}

/* The box may have restarted with other settings: keep none of them. */
static int regs_renew(struct powerbox_regs *regs)
{
	unsigned int renewals = smappee_renewals(regs->sdev);

	guard(mutex)(&regs->lock);
	if (renewals == regs->renewals)
		return 0;
	regs->renewals = renewals;

	return regcache_drop_region(regs->map, 0, SMAPPEE_PB_REG_SAVE);
}

/**
 * powerbox_read() - read settings
 * @regs: of a module
 * @address: first register
 * @n: how many
 * @values: room for them
 *
 * Context: may sleep; waits for a busy box for two seconds.
 * Return: 0, -EBUSY the box is busy for longer, -EIO it is no register of this
 * module, or an error of smappee_read_registers().
 */
int powerbox_read(struct powerbox_regs *regs, u16 address, unsigned int n,
		  u16 *values)
{
	int ret;

	ret = regs_renew(regs);

	return ret ?: regmap_bulk_read(regs->map, address, values, n);
}

/**
 * powerbox_write() - write settings, or a command
 * @regs: of a module
 * @address: first register
 * @n: how many, 1 to 28
 * @values: what to write
 *
 * Context: may sleep; waits for a busy box for two seconds.
 * Return: 0, or an error as of powerbox_read(). What was refused is not kept.
 */
int powerbox_write(struct powerbox_regs *regs, u16 address, unsigned int n,
		   const u16 *values)
{
	int ret;

	ret = regs_renew(regs);
	if (ret)
		return ret;
	ret = regmap_bulk_write(regs->map, address, values, n);
	/* Whatever it is now: the box knows. */
	if (ret)
		regcache_drop_region(regs->map, address, address + n - 1);

	return ret;
}

/**
 * powerbox_wait() - wait for the end of a save
 * @regs: of the Power Box
 *
 * Return: 0 if it talks again, or an error as of powerbox_read().
 */
int powerbox_wait(struct powerbox_regs *regs)
{
	unsigned int type;

	return regmap_read(regs->map, SMAPPEE_REG_TYPE, &type);
}
