// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of a module that are not its driver's: auxiliary devices under it. A
 * module has one driver, by its type; what modules of all types have in common
 * is for a driver of its own.
 */
#include <linux/auxiliary_bus.h>
#include <linux/slab.h>

#include "functions.h"
#include "internal.h"

static void functions_release(struct device *dev)
{
	kfree(to_auxiliary_dev(dev));
}

/**
 * smappee_functions_add() - add the functions of a module
 * @module: an open module that has been registered
 *
 * The module is of use without them, so what goes wrong is only logged.
 */
void smappee_functions_add(struct smappee_module *module)
{
	struct device *dev = &module->sdev.dev;
	struct auxiliary_device *leds;
	int ret = -ENOMEM;

	leds = kzalloc(sizeof(*leds), GFP_KERNEL);
	if (!leds)
		goto warn;
	leds->name = "leds";
	/* unique like the module's own name */
	leds->id = module->segment->line.id << 8 | module->sdev.unit;
	leds->dev.parent = dev;
	leds->dev.release = functions_release;
	ret = auxiliary_device_init(leds);
	if (ret) {
		kfree(leds);
		goto warn;
	}
	ret = auxiliary_device_add(leds);
	if (ret) {
		auxiliary_device_uninit(leds);
		goto warn;
	}
	module->leds = leds;

	return;

warn:
	dev_warn(dev, "no LEDs: %pe\n", ERR_PTR(ret));
}

/**
 * smappee_functions_remove() - remove the functions of a module
 * @module: the module, before it is unregistered
 */
void smappee_functions_remove(struct smappee_module *module)
{
	if (!module->leds)
		return;
	auxiliary_device_delete(module->leds);
	auxiliary_device_uninit(module->leds);
	module->leds = NULL;
}
