/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IIO drivers of waveform modules have in common.
 */
#ifndef SMAPPEE_IIO_H
#define SMAPPEE_IIO_H

#include <linux/iio/types.h>
#include <linux/types.h>

struct smappee_device;

/**
 * struct smappee_iio_info - a kind of waveform module
 * @name: name of the IIO device
 * @type: IIO type of its channels
 * @kind: SMAPPEE_KIND_* that its inputs must be
 * @labels: labels of its inputs
 * @n_labels: how many inputs such a module can have
 */
struct smappee_iio_info {
	const char *name;
	enum iio_chan_type type;
	u16 kind;
	const char *const *labels;
	unsigned int n_labels;
};

int smappee_iio_probe(struct smappee_device *sdev,
		      const struct smappee_iio_info *info);

#endif
