/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module says about itself.
 */
#ifndef SMAPPEE_DESCRIBE_H
#define SMAPPEE_DESCRIBE_H

#include <linux/types.h>

struct smappee_segment;
struct smappee_module;

/**
 * struct smappee_identity - identity block of a module
 * @type: type code
 * @slots: measuring slots
 * @serial: serial number, 1 to 999999
 * @firmware_major: firmware
 * @firmware_minor: firmware
 */
struct smappee_identity {
	u16 type;
	u16 slots;
	u32 serial;
	u16 firmware_major;
	u16 firmware_minor;
};

int smappee_identity_parse(const u16 *regs, struct smappee_identity *id);
u8 smappee_choose_format(u16 formats);
int smappee_identify(struct smappee_segment *segment, u8 unit,
		     unsigned int tries, struct smappee_identity *id);
int smappee_describe(struct smappee_module *module);

#endif
