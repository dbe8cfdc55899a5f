// SPDX-License-Identifier: GPL-2.0
/*
 * CT hubs and solid-core CTs: the waveforms of the currents.
 */
#include <linux/module.h>
#include <linux/smappee/bus.h>

#include "compat.h"
#include "smappee-iio.h"

static int smappee_ct_probe(struct smappee_device *sdev)
{
	return smappee_iio_probe(sdev, "smappee-ct", SMAPPEE_KIND_CURRENT);
}

static const struct smappee_device_id smappee_ct_ids[] = {
	{ .type = SMAPPEE_TYPE_OPEN_CT_HUB },
	{ .type = SMAPPEE_TYPE_OPEN_SOLID_CORE },
	{ }
};
MODULE_ALIAS_SMAPPEE(SMAPPEE_TYPE_OPEN_CT_HUB);
MODULE_ALIAS_SMAPPEE(SMAPPEE_TYPE_OPEN_SOLID_CORE);

static struct smappee_driver smappee_ct_driver = {
	.driver = {
		.name = "smappee-ct",
	},
	.id_table = smappee_ct_ids,
	.probe = smappee_ct_probe,
};
module_smappee_driver(smappee_ct_driver);

MODULE_DESCRIPTION("Current modules of modular energy meters");
MODULE_AUTHOR("The open metering gateway developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
MODULE_IMPORT_NS(SMAPPEE_IIO_NS);
