// SPDX-License-Identifier: GPL-2.0
/*
 * Lights of modular energy meters: the status LED of a module, and one LED per
 * input where it has them.
 *
 * A module knows best what its lights have to say, so that it controls them by
 * default: that is the trigger smappee-module. User space takes a LED over by
 * its brightness or by another trigger, and gives it back by that trigger. A
 * module that was unplugged or restarted has forgotten what it was told; while
 * something is taken over, a work looks after it and says it again. Nothing is
 * sent meanwhile to modules that control all their lights.
 */
#include <linux/auxiliary_bus.h>
#include <linux/cleanup.h>
#include <linux/leds.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/smappee/bus.h>
#include <linux/workqueue.h>

#include "compat.h"

/* How long a module that came back shows its own lights, at most. */
#define LEDS_KEEP_MS	2000

/* Periods of the blinking that a module does by itself, and how far one may be off. */
#define LEDS_PERIOD_SLOW_MS	3000
#define LEDS_PERIOD_ONE_MS	1000
#define LEDS_PERIOD_TWO_MS	500
#define LEDS_PERIOD_IDENTIFY_MS	333
#define LEDS_PERIOD_OFF_MS	17

struct smappee_leds;

/**
 * struct smappee_led - one LED
 * @cdev: its class device
 * @leds: the module's LEDs
 * @index: number of the LED in the module, 0 for the status LED
 */
struct smappee_led {
	struct led_classdev cdev;
	struct smappee_leds *leds;
	unsigned int index;
};

/**
 * struct smappee_leds - the LEDs of a module
 * @sdev: the module
 * @keep: tells a module that has forgotten it what its LEDs should do
 * @lock: protects @want and @leaving, and orders writes to the module
 * @want: SMAPPEE_LED_* of each LED
 * @leaving: the driver is being unbound; the module is told once, at the end
 * @count: number of LEDs
 * @led: the LEDs
 */
struct smappee_leds {
	struct smappee_device *sdev;
	struct delayed_work keep;
	struct mutex lock;	/* want, leaving, and what is written */
	u16 want[SMAPPEE_LEDS_MAX];
	bool leaving;
	unsigned int count;
	struct smappee_led led[SMAPPEE_LEDS_MAX];
};

static struct led_hw_trigger_type leds_trigger_type;

/*
 * The LED core looks whether a name is free, and takes it later: who registers one holds
 * this meanwhile, as modules are probed side by side.
 */
static DEFINE_MUTEX(leds_name_lock);

static struct smappee_led *to_smappee_led(struct led_classdev *cdev)
{
	return container_of(cdev, struct smappee_led, cdev);
}

static bool leds_taken(const struct smappee_leds *leds)
{
	unsigned int i;

	for (i = 0; i < leds->count; i++)
		if (leds->want[i] != SMAPPEE_LED_MODULE)
			return true;

	return false;
}

static void leds_keep_later(struct smappee_leds *leds)
{
	schedule_delayed_work(&leds->keep, msecs_to_jiffies(LEDS_KEEP_MS));
}

static void leds_keep(struct work_struct *work)
{
	struct smappee_leds *leds = container_of(to_delayed_work(work),
						 struct smappee_leds, keep);
	u16 is[SMAPPEE_LEDS_MAX];
	int ret;

	guard(mutex)(&leds->lock);
	if (leds->leaving)
		return;
	ret = smappee_read_registers(leds->sdev, SMAPPEE_REG_LED, leds->count,
				     is);
	if (!ret && memcmp(is, leds->want, leds->count * sizeof(*is)))
		ret = smappee_write_registers(leds->sdev, SMAPPEE_REG_LED,
					      leds->count, leds->want);
	/* Also what could not be given back is tried again. */
	if (ret != -ENODEV && (ret || leds_taken(leds)))
		leds_keep_later(leds);
}

/* A module that does not answer now is told later. */
static int led_tell(struct smappee_led *led, u16 what)
{
	struct smappee_leds *leds = led->leds;
	int ret;

	guard(mutex)(&leds->lock);
	if (leds->leaving)
		return 0;
	/* Nobody has to tell a module to do as it likes. */
	if (what == SMAPPEE_LED_MODULE && leds->want[led->index] == what)
		return 0;
	leds->want[led->index] = what;
	ret = smappee_write_registers(leds->sdev, SMAPPEE_REG_LED + led->index,
				      1, &what);
	if (ret == -ENODEV)
		return ret;
	if (ret || leds_taken(leds))
		leds_keep_later(leds);

	return 0;
}

static int led_set(struct led_classdev *cdev, enum led_brightness brightness)
{
	return led_tell(to_smappee_led(cdev),
			brightness ? SMAPPEE_LED_ON : SMAPPEE_LED_OFF);
}

static bool led_near(unsigned long period, unsigned long wanted)
{
	return period >= wanted - LEDS_PERIOD_OFF_MS &&
	       period <= wanted + LEDS_PERIOD_OFF_MS;
}

/* The module's own pulses; other ones are made by the core, write by write. */
static int led_blink(struct led_classdev *cdev, unsigned long *on,
		     unsigned long *off)
{
	unsigned long period = *on + *off;
	u16 what;

	if (!*on && !*off)
		period = LEDS_PERIOD_ONE_MS;
	else if (!*on || !*off)
		return -EINVAL;

	if (led_near(period, LEDS_PERIOD_SLOW_MS))
		what = SMAPPEE_LED_SLOW;
	else if (led_near(period, LEDS_PERIOD_ONE_MS))
		what = SMAPPEE_LED_ONE;
	else if (led_near(period, LEDS_PERIOD_TWO_MS))
		what = SMAPPEE_LED_TWO;
	else if (led_near(period, LEDS_PERIOD_IDENTIFY_MS))
		what = SMAPPEE_LED_IDENTIFY;
	else
		return -EINVAL;
	if (!*on) {
		*on = period / 2;
		*off = period - *on;
	}

	return led_tell(to_smappee_led(cdev), what);
}

static int leds_module_activate(struct led_classdev *cdev)
{
	return led_tell(to_smappee_led(cdev), SMAPPEE_LED_MODULE);
}

static int leds_identify_activate(struct led_classdev *cdev)
{
	return led_tell(to_smappee_led(cdev), SMAPPEE_LED_IDENTIFY);
}

static int leds_problem_activate(struct led_classdev *cdev)
{
	return led_tell(to_smappee_led(cdev), SMAPPEE_LED_TWO);
}

/* The core darkens a LED whose trigger goes: it is user space's then. */
static struct led_trigger leds_module_trigger = {
	.name = "smappee-module",
	.activate = leds_module_activate,
	.trigger_type = &leds_trigger_type,
};

static struct led_trigger leds_identify_trigger = {
	.name = "smappee-identify",
	.activate = leds_identify_activate,
	.trigger_type = &leds_trigger_type,
};

static struct led_trigger leds_problem_trigger = {
	.name = "smappee-problem",
	.activate = leds_problem_activate,
	.trigger_type = &leds_trigger_type,
};

/*
 * Unique by the serial number: a module keeps its names wherever it is plugged in. Where
 * two segments have the same serial number, the LED core adds "_1".
 */
static const char *led_name(struct device *dev, const struct smappee_device *sdev,
			    unsigned int index)
{
	if (!index)
		return devm_kasprintf(dev, GFP_KERNEL, "%04u%06u::status",
				      sdev->type, sdev->serial);
	if (sdev->type == SMAPPEE_TYPE_OPEN_INPUT)
		return devm_kasprintf(dev, GFP_KERNEL, "%04u%06u::input-%u",
				      sdev->type, sdev->serial, index);

	return devm_kasprintf(dev, GFP_KERNEL, "%04u%06u::input-%c",
			      sdev->type, sdev->serial, 'a' + index - 1);
}

static int led_register(struct device *dev, struct smappee_leds *leds,
			unsigned int index)
{
	struct smappee_led *led = &leds->led[index];

	led->leds = leds;
	led->index = index;
	led->cdev.name = led_name(dev, leds->sdev, index);
	if (!led->cdev.name)
		return -ENOMEM;
	led->cdev.max_brightness = 1;
	led->cdev.flags = LED_HW_PLUGGABLE;
	led->cdev.brightness_set_blocking = led_set;
	led->cdev.blink_set = led_blink;
	led->cdev.default_trigger = leds_module_trigger.name;
	led->cdev.trigger_type = &leds_trigger_type;

	guard(mutex)(&leds_name_lock);
	return devm_led_classdev_register(dev, &led->cdev);
}

/* Last of all, when no LED can be set any more. */
static void leds_give_back(void *data)
{
	static const u16 module[SMAPPEE_LEDS_MAX] = { SMAPPEE_LED_MODULE };
	struct smappee_leds *leds = data;

	cancel_delayed_work_sync(&leds->keep);
	if (leds_taken(leds))
		smappee_write_registers(leds->sdev, SMAPPEE_REG_LED,
					leds->count, module);
}

static int leds_probe(struct auxiliary_device *adev,
		      const struct auxiliary_device_id *id)
{
	struct smappee_device *sdev = to_smappee_device(adev->dev.parent);
	struct device *dev = &adev->dev;
	struct smappee_leds *leds;
	unsigned int i;
	u16 count;
	int ret;

	ret = smappee_read_registers(sdev, SMAPPEE_REG_LEDS, 1, &count);
	/* A module may have no lights. */
	if (ret == -ENXIO || ret == -ENODEV)
		return -ENODEV;
	if (ret)
		return dev_err_probe(dev, ret, "number of LEDs cannot be read\n");
	if (!count || count > SMAPPEE_LEDS_MAX)
		return dev_err_probe(dev, -EPROTO, "%u LEDs, 1 to %u can be\n",
				     count, SMAPPEE_LEDS_MAX);

	leds = devm_kzalloc(dev, sizeof(*leds), GFP_KERNEL);
	if (!leds)
		return -ENOMEM;
	leds->sdev = sdev;
	leds->count = count;
	mutex_init(&leds->lock);
	INIT_DELAYED_WORK(&leds->keep, leds_keep);
	auxiliary_set_drvdata(adev, leds);

	ret = devm_add_action_or_reset(dev, leds_give_back, leds);
	/* Somebody before us may have left a light behind. */
	if (!ret)
		schedule_delayed_work(&leds->keep, 0);
	for (i = 0; i < count && !ret; i++)
		ret = led_register(dev, leds, i);

	return ret;
}

static void leds_remove(struct auxiliary_device *adev)
{
	struct smappee_leds *leds = auxiliary_get_drvdata(adev);

	guard(mutex)(&leds->lock);
	leds->leaving = true;
}

static const struct auxiliary_device_id leds_ids[] = {
	{ .name = "smappee_bus.leds" },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, leds_ids);

static struct auxiliary_driver leds_driver = {
	.name = "smappee-leds",
	.driver = {
		.probe_type = PROBE_PREFER_ASYNCHRONOUS,
	},
	.id_table = leds_ids,
	.probe = leds_probe,
	.remove = leds_remove,
};

static int __init leds_init(void)
{
	int ret;

	ret = led_trigger_register(&leds_module_trigger);
	if (ret)
		return ret;
	ret = led_trigger_register(&leds_identify_trigger);
	if (ret)
		goto drop_module;
	ret = led_trigger_register(&leds_problem_trigger);
	if (ret)
		goto drop_identify;
	ret = auxiliary_driver_register(&leds_driver);
	if (ret)
		goto drop_problem;

	return 0;

drop_problem:
	led_trigger_unregister(&leds_problem_trigger);
drop_identify:
	led_trigger_unregister(&leds_identify_trigger);
drop_module:
	led_trigger_unregister(&leds_module_trigger);
	return ret;
}
module_init(leds_init);

static void __exit leds_exit(void)
{
	auxiliary_driver_unregister(&leds_driver);
	led_trigger_unregister(&leds_problem_trigger);
	led_trigger_unregister(&leds_identify_trigger);
	led_trigger_unregister(&leds_module_trigger);
}
module_exit(leds_exit);

MODULE_DESCRIPTION("Lights of modular energy meters");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
