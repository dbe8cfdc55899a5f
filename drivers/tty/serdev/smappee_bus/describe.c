// SPDX-License-Identifier: GPL-2.0
/*
 * What a module says about itself: its identity block, and what it can sample.
 */
#include <linux/bits.h>
#include <linux/kernel.h>

#include "describe.h"
#include "internal.h"
#include "table.h"

/* A module that is there is asked for its description so often. */
#define DESCRIBE_TRIES	3

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
 * smappee_identify() - who is at this unit?
 * @segment: the segment
 * @unit: unit address
 * @tries: how often to ask
 * @id: gets its identity; if it does not belong on this segment, too
 *
 * Return: 0; -ENODEV for a Power Box on a segment of open modules, or the reverse;
 * -EPROTONOSUPPORT for one whose firmware is too old; -EPROTO if what came is the
 * identity of no module; errors of the line.
 */
int smappee_identify(struct smappee_segment *segment, u8 unit,
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

static int describe_channels(struct smappee_module *module)
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
					  regs, DESCRIBE_TRIES,
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

/**
 * smappee_describe() - read what a waveform module can do
 * @module: the module; its channels, rates and format are filled
 *
 * Other modules have no such block, and stay as they are.
 *
 * Return: 0; -EPROTONOSUPPORT for another version of the protocol; -EPROTO for what
 * cannot be; errors of the line.
 */
int smappee_describe(struct smappee_module *module)
{
	u16 regs[SMAPPEE_REG_WAVEFORM_COUNT];
	struct smappee_device *sdev = &module->sdev;
	u16 channels;
	int ret;

	ret = smappee_line_read_registers(&module->segment->line,
					  SMAPPEE_HOUSEKEEPING, sdev->unit,
					  SMAPPEE_REG_WAVEFORM,
					  ARRAY_SIZE(regs), regs,
					  DESCRIBE_TRIES,
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

	return describe_channels(module);
}
