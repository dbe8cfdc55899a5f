// SPDX-License-Identifier: GPL-2.0
/*
 * Input modules of modular energy meters: inputs as GPIO lines, their edges as
 * interrupts, and pulse counters.
 *
 * The module debounces, counts and remembers its last edges; this driver asks it,
 * often while somebody waits for edges, once a second otherwise. An edge
 * becomes an interrupt when it is read: its time stamp in the GPIO character device
 * is late by up to one poll and an answer. When the contact really moved, to a
 * millisecond, is in inN_edge_time_ns. Pulses do not depend on edges.
 */
#include <linux/bits.h>
#include <linux/gpio/driver.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/math.h>
#include <linux/module.h>
#include <linux/pinctrl/pinconf-generic.h>
#include <linux/property.h>

#include "compat.h"
#include "smappee-input.h"

/* GPIO */

static int input_get_direction(struct gpio_chip *gc, unsigned int offset)
{
	return GPIO_LINE_DIRECTION_IN;
}

static int input_direction_input(struct gpio_chip *gc, unsigned int offset)
{
	return 0;
}

static int input_get_multiple(struct gpio_chip *gc, unsigned long *mask,
			      unsigned long *bits)
{
	struct smappee_inputs *in = gpiochip_get_data(gc);
	u16 levels;
	int ret;

	if (READ_ONCE(in->delivering) == current) {
		*bits = READ_ONCE(in->levels) & *mask;
		return 0;
	}
	ret = smappee_read_registers(in->sdev, SMAPPEE_REG_INPUT_LEVELS, 1,
				     &levels);
	if (ret)
		return ret;
	*bits = levels & *mask;

	return 0;
}

static int input_get(struct gpio_chip *gc, unsigned int offset)
{
	unsigned long mask = BIT(offset), bits;
	int ret = input_get_multiple(gc, &mask, &bits);

	return ret ?: !!bits;
}

static int input_set_config(struct gpio_chip *gc, unsigned int offset,
			    unsigned long config)
{
	struct smappee_inputs *in = gpiochip_get_data(gc);
	unsigned int ms;
	int ret;

	if (pinconf_to_config_param(config) != PIN_CONFIG_INPUT_DEBOUNCE)
		return -ENOTSUPP;
	ms = DIV_ROUND_UP(pinconf_to_config_argument(config), USEC_PER_MSEC);
	if (ms > SMAPPEE_INPUT_DEBOUNCE_MAX)
		return -ENOTSUPP;
	ret = smappee_input_set_debounce(in, offset, SMAPPEE_REG_INPUT_CLOSED,
					 ms);

	return ret ?: smappee_input_set_debounce(in, offset,
						 SMAPPEE_REG_INPUT_OPEN, ms);
}

/* Interrupts */

static void input_irq_mask(struct irq_data *d)
{
	struct gpio_chip *gc = irq_data_get_irq_chip_data(d);
	struct smappee_inputs *in = gpiochip_get_data(gc);

	clear_bit(irqd_to_hwirq(d), &in->enabling);
	clear_bit(irqd_to_hwirq(d), &in->enabled);
	gpiochip_disable_irq(gc, irqd_to_hwirq(d));
}

static void input_irq_unmask(struct irq_data *d)
{
	struct gpio_chip *gc = irq_data_get_irq_chip_data(d);
	struct smappee_inputs *in = gpiochip_get_data(gc);

	gpiochip_enable_irq(gc, irqd_to_hwirq(d));
	set_bit(irqd_to_hwirq(d), &in->enabling);
}

static int input_irq_set_type(struct irq_data *d, unsigned int type)
{
	struct gpio_chip *gc = irq_data_get_irq_chip_data(d);
	struct smappee_inputs *in = gpiochip_get_data(gc);

	if (type & ~IRQ_TYPE_EDGE_BOTH)
		return -EINVAL;
	assign_bit(irqd_to_hwirq(d), &in->rising, type & IRQ_TYPE_EDGE_RISING);
	assign_bit(irqd_to_hwirq(d), &in->falling,
		   type & IRQ_TYPE_EDGE_FALLING);

	return 0;
}

static void input_irq_bus_lock(struct irq_data *d)
{
	/* Bits are atomic; only the end of a change is of interest. */
}

/*
 * Begin to deliver what happens from now on. Edges that the module still remembers
 * from before were not meant for who asks now.
 */
static void input_enable(struct smappee_inputs *in)
{
	struct smappee_input_look look;
	unsigned int i;

	if (READ_ONCE(in->delivering) != current) {
		guard(mutex)(&in->follow_lock);
		guard(mutex)(&in->lock);
		/* If it does not answer, what it says later is what happens. */
		if (!smappee_input_refresh(in, &look))
			smappee_input_follow(in, &look);
	}
	for (i = 0; i < in->sdev->slots; i++)
		if (test_and_clear_bit(i, &in->enabling))
			set_bit(i, &in->enabled);
	smappee_input_kick(in, INPUT_POLL_MS);
}

static void input_irq_bus_sync_unlock(struct irq_data *d)
{
	struct gpio_chip *gc = irq_data_get_irq_chip_data(d);
	struct smappee_inputs *in = gpiochip_get_data(gc);

	if (READ_ONCE(in->enabling))
		input_enable(in);
}

static const struct irq_chip input_irq_chip = {
	.name = "smappee-input",
	.irq_mask = input_irq_mask,
	.irq_unmask = input_irq_unmask,
	.irq_set_type = input_irq_set_type,
	.irq_bus_lock = input_irq_bus_lock,
	.irq_bus_sync_unlock = input_irq_bus_sync_unlock,
	.flags = IRQCHIP_IMMUTABLE,
	GPIOCHIP_IRQ_RESOURCE_HELPERS,
};

/* Probe */

static int input_names(struct smappee_inputs *in)
{
	struct device *dev = &in->sdev->dev;
	unsigned int i;

	for (i = 0; i < in->sdev->slots; i++) {
		in->names[i] = devm_kasprintf(dev, GFP_KERNEL, "%s:in%u",
					      in->sdev->label, i + 1);
		if (!in->names[i])
			return -ENOMEM;
	}
	/* Names from the firmware description go before these. */
	if (!device_property_present(dev, "gpio-line-names"))
		in->gc.names = in->names;

	return 0;
}

static int input_add_chip(struct smappee_inputs *in)
{
	struct device *dev = &in->sdev->dev;
	struct gpio_chip *gc = &in->gc;
	struct gpio_irq_chip *girq = &gc->irq;
	int ret;

	gc->label = dev_name(dev);
	gc->parent = dev;
	gc->owner = THIS_MODULE;
	gc->base = -1;
	gc->ngpio = in->sdev->slots;
	gc->can_sleep = true;
	gc->get_direction = input_get_direction;
	gc->direction_input = input_direction_input;
	gc->get = input_get;
	gc->get_multiple = input_get_multiple;
	gc->set_config = input_set_config;
	ret = input_names(in);
	if (ret)
		return ret;

	gpio_irq_chip_set_chip(girq, &input_irq_chip);
	girq->handler = handle_simple_irq;
	girq->default_type = IRQ_TYPE_NONE;
	girq->threaded = true;

	return devm_gpiochip_add_data(dev, gc, in);
}

static int input_probe(struct smappee_device *sdev)
{
	struct device *dev = &sdev->dev;
	struct smappee_inputs *in;
	int ret;

	if (sdev->slots > INPUT_LINES)
		return dev_err_probe(dev, -EINVAL,
				     "%u inputs, 1 to %u are supported\n",
				     sdev->slots, INPUT_LINES);
	in = devm_kzalloc(dev, sizeof(*in), GFP_KERNEL);
	if (!in)
		return -ENOMEM;
	in->sdev = sdev;
	smappee_input_init(in);
	dev_set_drvdata(dev, in);

	ret = input_add_chip(in);
	if (ret)
		return dev_err_probe(dev, ret, "no GPIO lines\n");
	smappee_input_kick(in, 0);

	return 0;
}

static void input_remove(struct smappee_device *sdev)
{
	struct smappee_inputs *in = dev_get_drvdata(&sdev->dev);

	/* Nothing is delivered any more when the lines go. */
	smappee_input_stop(in);
}

static const struct smappee_device_id input_ids[] = {
	{ SMAPPEE_TYPE_OPEN_INPUT },
	{ }
};
MODULE_ALIAS_SMAPPEE(9700);

static struct smappee_driver input_driver = {
	.driver = {
		.name = "smappee-input",
		.dev_groups = smappee_input_groups,
	},
	.id_table = input_ids,
	.probe = input_probe,
	.remove = input_remove,
};
module_smappee_driver(input_driver);

MODULE_DESCRIPTION("Input modules of modular energy meters");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
