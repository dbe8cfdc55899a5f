/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the Power Box driver share.
 */
#ifndef SMAPPEE_POWERBOX_H
#define SMAPPEE_POWERBOX_H

#include <linux/iio/iio.h>
#include <linux/smappee/bus.h>
#include <linux/sysfs.h>
#include <linux/types.h>

#include "iio-metering.h"

/* CT inputs of a module; letters are printed at them. */
#define POWERBOX_INPUTS_MAX	8
/* Values of a CT input. */
#define POWERBOX_VALUES		7
/* What a scan may hold: all values of all inputs. */
#define POWERBOX_SCAN_MAX	(POWERBOX_INPUTS_MAX * POWERBOX_VALUES)

/* smappee-powerbox-regs.c */
struct powerbox_regs;

struct powerbox_regs *powerbox_regs_new(struct smappee_device *sdev);
int powerbox_read(struct powerbox_regs *regs, u16 address, unsigned int n,
		  u16 *values);
int powerbox_write(struct powerbox_regs *regs, u16 address, unsigned int n,
		   const u16 *values);
int powerbox_wait(struct powerbox_regs *regs);

/* smappee-powerbox-channels.c */
#define POWERBOX_NO_REGISTER	0x10000UL	/* no register holds this value */

int powerbox_channels(struct smappee_device *sdev, struct iio_dev *indio_dev);
int powerbox_label(struct smappee_device *sdev,
		   const struct iio_dev *indio_dev,
		   const struct iio_chan_spec *chan, char *label);

/* smappee-powerbox-settings.c */
extern const struct attribute_group *powerbox_groups[];
extern const struct iio_chan_spec_ext_info powerbox_meter_info[];

#endif
