/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which modules are on a segment.
 */
#ifndef SMAPPEE_ENUMERATE_H
#define SMAPPEE_ENUMERATE_H

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

/* For search.c, in the enumeration work. */
struct smappee_module *smappee_enumerate_find(struct smappee_segment *segment,
					      u8 unit, s8 entry);
struct smappee_module *
smappee_enumerate_find_serial(struct smappee_segment *segment, u16 type,
			      u32 serial);
u8 smappee_enumerate_named_unit(struct smappee_segment *segment, u16 type,
				u32 serial);
int smappee_enumerate_unit(struct smappee_segment *segment, u8 unit,
			   unsigned int tries, bool drop_silent);
bool smappee_enumerate_verify(struct smappee_segment *segment);

int smappee_enumerate_init(struct smappee_segment *segment);
void smappee_enumerate_start(struct smappee_segment *segment);
void smappee_enumerate_pause(struct smappee_segment *segment);
void smappee_enumerate_now(struct smappee_segment *segment);
void smappee_enumerate_again(struct smappee_segment *segment);
void smappee_enumerate_crowded(struct smappee_module *module);
void smappee_enumerate_release(struct smappee_segment *segment);
void smappee_enumerate_rescan(struct smappee_segment *segment);
void smappee_enumerate_exit(struct smappee_segment *segment);

#endif
