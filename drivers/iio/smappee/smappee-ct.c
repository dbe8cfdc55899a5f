// SPDX-License-Identifier: GPL-2.0
/*
 * Current modules: CT hubs and solid-core three-phase CTs.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/smappee/bus.h>

#include "compat.h"
#include "smappee-iio.h"

static const char *const smappee_ct_labels[] = { "A", "B", "C", "D" };

static const struct smappee_iio_info smappee_ct_info = {
	.name = "smappee-ct",
	.type = IIO_CURRENT,
	.kind = SMAPPEE_KIND_CURRENT,
	.labels = smappee_ct_labels,
	.n_labels = ARRAY_SIZE(smappee_ct_labels),
};

static int smappee_ct_probe(struct smappee_device *sdev)
{
	return smappee_iio_probe(sdev, &smappee_ct_info);
}

static const struct smappee_device_id smappee_ct_ids[] = {
	{ SMAPPEE_TYPE_OPEN_CT_HUB },
	{ SMAPPEE_TYPE_OPEN_SOLID_CORE },
	{ }
};
MODULE_ALIAS_SMAPPEE(9500);
MODULE_ALIAS_SMAPPEE(9600);
static_assert(SMAPPEE_TYPE_OPEN_CT_HUB == 9500);
static_assert(SMAPPEE_TYPE_OPEN_SOLID_CORE == 9600);

static struct smappee_driver smappee_ct_driver = {
	.driver = {
		.name = "smappee-ct",
	},
	.id_table = smappee_ct_ids,
	.probe = smappee_ct_probe,
};
module_smappee_driver(smappee_ct_driver);

MODULE_DESCRIPTION("Current modules of modular energy meters");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
MODULE_IMPORT_NS(SMAPPEE_IIO_NS);
