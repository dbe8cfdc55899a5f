/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IIO drivers of waveform modules have in common: all of it but the
 * name and the kind of channel.
 */
#ifndef SMAPPEE_IIO_H
#define SMAPPEE_IIO_H

#include <linux/types.h>

struct smappee_device;

int smappee_iio_probe(struct smappee_device *sdev, const char *name, u16 kind);

#endif
