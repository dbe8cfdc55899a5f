// SPDX-License-Identifier: GPL-2.0
/*
 * Voltage modules: mains voltages against the module's reference terminal.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/smappee/bus.h>

#include "compat.h"
#include "smappee-iio.h"

static const char *const smappee_voltage_labels[] = { "L1", "L2", "L3" };

static const struct smappee_iio_info smappee_voltage_info = {
	.name = "smappee-voltage",
	.type = IIO_VOLTAGE,
	.kind = SMAPPEE_KIND_VOLTAGE,
	.labels = smappee_voltage_labels,
	.n_labels = ARRAY_SIZE(smappee_voltage_labels),
};

static int smappee_voltage_probe(struct smappee_device *sdev)
{
	return smappee_iio_probe(sdev, &smappee_voltage_info);
}

static const struct smappee_device_id smappee_voltage_ids[] = {
	{ SMAPPEE_TYPE_OPEN_VOLTAGE },
	{ }
};
MODULE_ALIAS_SMAPPEE(9400);
static_assert(SMAPPEE_TYPE_OPEN_VOLTAGE == 9400);

static struct smappee_driver smappee_voltage_driver = {
	.driver = {
		.name = "smappee-voltage",
	},
	.id_table = smappee_voltage_ids,
	.probe = smappee_voltage_probe,
};
module_smappee_driver(smappee_voltage_driver);

MODULE_DESCRIPTION("Voltage modules of modular energy meters");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
MODULE_IMPORT_NS(SMAPPEE_IIO_NS);
