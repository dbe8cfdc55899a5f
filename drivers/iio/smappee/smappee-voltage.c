// SPDX-License-Identifier: GPL-2.0
/*
 * Voltage modules: the waveforms of the mains voltages to neutral.
 */
#include <linux/module.h>
#include <linux/smappee/bus.h>

#include "compat.h"
#include "smappee-iio.h"

static int smappee_voltage_probe(struct smappee_device *sdev)
{
	return smappee_iio_probe(sdev, "smappee-voltage", SMAPPEE_KIND_VOLTAGE);
}

static const struct smappee_device_id smappee_voltage_ids[] = {
	{ .type = SMAPPEE_TYPE_OPEN_VOLTAGE },
	{ }
};
MODULE_ALIAS_SMAPPEE(SMAPPEE_TYPE_OPEN_VOLTAGE);

static struct smappee_driver smappee_voltage_driver = {
	.driver = {
		.name = "smappee-voltage",
	},
	.id_table = smappee_voltage_ids,
	.probe = smappee_voltage_probe,
};
module_smappee_driver(smappee_voltage_driver);

MODULE_DESCRIPTION("Voltage modules of modular energy meters");
MODULE_AUTHOR("The open metering gateway developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
MODULE_IMPORT_NS(SMAPPEE_IIO_NS);
