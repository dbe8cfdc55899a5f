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
#include <linux/irqdomain.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pinctrl/pinconf-generic.h>
#include <linux/property.h>
#include <linux/smappee/bus.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "smappee-pulse.h"

/* While somebody waits for edges, and while nobody does. */
#define INPUT_POLL_MS		25
#define INPUT_IDLE_MS		1000
/* A module that misses answers is asked less often, down to this. */
#define INPUT_SILENT_MS		1000
/* Levels, edges and counters in one read. */
#define INPUT_REGS_MAX							\
	(SMAPPEE_REG_INPUT_COUNT - SMAPPEE_REG_INPUT + 2 * SMAPPEE_INPUTS_MAX)
/* Edges that fit in one read. */
#define INPUT_EDGES_MAX		(SMAPPEE_REGS_MAX / SMAPPEE_EDGE_STRIDE)
/* A reader of a counter does not give up at the first damaged answer. */
#define INPUT_TRIES		5

/**
 * struct smappee_inputs - an input module
 * @sdev: the module
 * @gc: its lines
 * @names: names of the lines
 * @poll: asks the module
 * @kick_lock: protects @stopped, and @poll against being queued after it is set
 * @stopped: @poll is not to be queued any more
 * @enabled: interrupts that are not masked, atomic bits
 * @enabling: those that are to be @enabled, atomic bits
 * @rising: those that want a closing, atomic bits
 * @falling: those that want an opening, atomic bits
 * @delivering: the task that is calling interrupt handlers, else NULL
 * @follow_lock: edges are taken in one after the other; held over handlers, which
 *		 therefore must not request an interrupt of this chip
 * @lock: protects all that follows; inside of @follow_lock; held over transactions,
 *	  not over handlers
 * @known: @boot, @edges and @levels are known
 * @boot: boot counter of the module
 * @edges: number of the next edge
 * @levels: as the edges up to there have left them
 * @misses: polls in a row without an answer
 * @lost_edges: edges that were overwritten before they were read
 * @edge_ns: time of the last edge by input, CLOCK_MONOTONIC, 0: none yet
 * @pulse: pulse counters, by input
 */
struct smappee_inputs {
	struct smappee_device *sdev;
	struct gpio_chip gc;
	const char *names[SMAPPEE_INPUTS_MAX];
	struct delayed_work poll;
	spinlock_t kick_lock;	/* stopped */
	bool stopped;
	unsigned long enabled;
	unsigned long enabling;
	unsigned long rising;
	unsigned long falling;
	struct task_struct *delivering;

	struct mutex follow_lock;	/* order of edges */
	struct mutex lock;	/* all below */
	bool known;
	u16 boot;
	u32 edges;
	unsigned long levels;
	unsigned int misses;
	u64 lost_edges;
	s64 edge_ns[SMAPPEE_INPUTS_MAX];
	struct smappee_pulse pulse[SMAPPEE_INPUTS_MAX];
};

/**
 * struct input_look - what one read of a module says
 * @regs: its registers from SMAPPEE_REG_INPUT
 * @time_ns: when it answered, CLOCK_MONOTONIC
 */
struct input_look {
	u16 regs[INPUT_REGS_MAX];
	s64 time_ns;
};

static u16 look_u16(const struct input_look *look, u16 address)
{
	return look->regs[address - SMAPPEE_REG_INPUT];
}

static u32 look_u32(const struct input_look *look, u16 address)
{
	const u16 *regs = &look->regs[address - SMAPPEE_REG_INPUT];

	return regs[0] | (u32)regs[1] << 16;
}

static void input_kick(struct smappee_inputs *in, unsigned int ms)
{
	unsigned long flags;

	spin_lock_irqsave(&in->kick_lock, flags);
	if (!in->stopped)
		mod_delayed_work(system_wq, &in->poll, msecs_to_jiffies(ms));
	spin_unlock_irqrestore(&in->kick_lock, flags);
}

/* Ask the module for all but its edges, and count. */
static int input_look(struct smappee_inputs *in, struct input_look *look)
{
	struct smappee_device *sdev = in->sdev;
	struct smappee_reading reading;
	unsigned int i;
	int ret, all = 0;

	lockdep_assert_held(&in->lock);

	ret = smappee_watch_registers(sdev, SMAPPEE_REG_INPUT,
				      SMAPPEE_REG_INPUT_COUNT -
				      SMAPPEE_REG_INPUT + 2 * sdev->slots,
				      look->regs, &look->time_ns);
	if (!ret)
		ret = smappee_watch_boot(sdev, look_u16(look,
							SMAPPEE_REG_INPUT_BOOT));
	if (ret)
		return ret;

	reading.epoch = look_u16(look, SMAPPEE_REG_INPUT_EPOCH);
	reading.time_ms = div_s64(look->time_ns, NSEC_PER_MSEC);
	for (i = 0; i < sdev->slots; i++) {
		reading.count = look_u32(look, SMAPPEE_REG_INPUT_COUNT + 2 * i);
		ret = smappee_pulse_update(&in->pulse[i], &reading);
		if (ret)
			all = ret;
	}

	return all;
}

/* Look, and do not give up at the first damaged answer. */
static int input_refresh(struct smappee_inputs *in, struct input_look *look)
{
	int ret, tries;

	for (tries = 0; tries < INPUT_TRIES; tries++) {
		ret = input_look(in, look);
		if (ret != -EAGAIN && ret != -ETIMEDOUT && ret != -EBADMSG &&
		    ret != -EPROTO)
			break;
	}

	return ret;
}

/* Call whoever waits for this. The line reads as this edge left it meanwhile. */
static void input_deliver(struct smappee_inputs *in, unsigned int input,
			  bool closed)
{
	unsigned long *wanted = closed ? &in->rising : &in->falling;
	unsigned int irq;

	WRITE_ONCE(in->levels, closed ? in->levels | BIT(input) :
					in->levels & ~BIT(input));
	if (!test_bit(input, &in->enabled) || !test_bit(input, wanted))
		return;
	irq = irq_find_mapping(in->gc.irq.domain, input);
	if (!irq)
		return;

	/* Handlers may read lines and attributes. */
	WRITE_ONCE(in->delivering, current);
	mutex_unlock(&in->lock);
	handle_nested_irq(irq);
	mutex_lock(&in->lock);
	WRITE_ONCE(in->delivering, NULL);
}

/* One edge out of the module's memory. */
static void input_edge(struct smappee_inputs *in, const struct input_look *look,
		       u32 number, const u16 *regs)
{
	u16 what = regs[SMAPPEE_EDGE_WHAT];
	unsigned int input = what & SMAPPEE_EDGE_INPUT;
	u32 time_ms = regs[SMAPPEE_EDGE_TIME] |
		      (u32)regs[SMAPPEE_EDGE_TIME + 1] << 16;
	u32 ago_ms = look_u32(look, SMAPPEE_REG_INPUT_CLOCK) - time_ms;

	if (regs[SMAPPEE_EDGE_NUMBER] != (u16)number ||
	    input >= in->sdev->slots) {
		in->lost_edges++;
		return;
	}
	in->edge_ns[input] = look->time_ns - (s64)ago_ms * NSEC_PER_MSEC;
	input_deliver(in, input, what & SMAPPEE_EDGE_CLOSED);
}

/* Read the edges up to @end; they lie in a ring, so in up to two pieces. */
static int input_edges(struct smappee_inputs *in, const struct input_look *look,
		       u32 end)
{
	u16 regs[INPUT_EDGES_MAX * SMAPPEE_EDGE_STRIDE];
	unsigned int slot, n, i;
	int ret;

	if (end - in->edges > SMAPPEE_EDGES) {
		in->lost_edges += end - in->edges - SMAPPEE_EDGES;
		in->edges = end - SMAPPEE_EDGES;
	}
	while (in->edges != end) {
		slot = in->edges % SMAPPEE_EDGES;
		n = min3(end - in->edges, SMAPPEE_EDGES - slot,
			 (u32)INPUT_EDGES_MAX);
		ret = smappee_watch_registers(in->sdev, SMAPPEE_REG_INPUT_EDGE +
					      slot * SMAPPEE_EDGE_STRIDE,
					      n * SMAPPEE_EDGE_STRIDE, regs,
					      NULL);
		if (ret)
			return ret;
		for (i = 0; i < n; i++)
			input_edge(in, look, in->edges++,
				   &regs[i * SMAPPEE_EDGE_STRIDE]);
	}

	return 0;
}

/* What changed, in the order in which it did. */
static int input_follow(struct smappee_inputs *in, const struct input_look *look)
{
	lockdep_assert_held(&in->follow_lock);

	u16 boot = look_u16(look, SMAPPEE_REG_INPUT_BOOT);
	u16 levels = look_u16(look, SMAPPEE_REG_INPUT_LEVELS);
	u32 end = look_u32(look, SMAPPEE_REG_INPUT_EDGES);
	unsigned int i;
	int ret;

	if (!in->known) {
		in->boot = boot;
		in->edges = end;
		WRITE_ONCE(in->levels, levels);
		in->known = true;
	}
	/* A restarted module numbers its edges anew. */
	if (boot != in->boot) {
		in->boot = boot;
		in->edges = 0;
	}
	ret = input_edges(in, look, end);
	if (ret)
		return ret;

	/* What edges that are lost, or a restart, have left behind. */
	for (i = 0; i < in->sdev->slots; i++)
		if ((levels ^ in->levels) & BIT(i))
			input_deliver(in, i, levels & BIT(i));

	return 0;
}

static void input_poll(struct work_struct *work)
{
	struct smappee_inputs *in = container_of(to_delayed_work(work),
						 struct smappee_inputs, poll);
	struct input_look look;
	unsigned int ms;
	int ret;

	mutex_lock(&in->follow_lock);
	mutex_lock(&in->lock);
	ret = input_look(in, &look);
	if (!ret)
		ret = input_follow(in, &look);
	in->misses = ret ? in->misses + 1 : 0;
	ms = READ_ONCE(in->enabled) || ret ? INPUT_POLL_MS : INPUT_IDLE_MS;
	if (ret == -ETIMEDOUT || ret == -EIO)
		ms = min(INPUT_SILENT_MS, ms << min(in->misses, 6u));
	mutex_unlock(&in->lock);
	mutex_unlock(&in->follow_lock);

	if (ret != -ENODEV && ret != -ESHUTDOWN)
		input_kick(in, ms);
}

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

static int input_set_debounce(struct smappee_inputs *in, unsigned int input,
			      u16 address, unsigned int ms)
{
	u16 value = ms;

	if (ms > SMAPPEE_INPUT_DEBOUNCE_MAX)
		return -EINVAL;

	return smappee_write_registers(in->sdev, address + input, 1, &value);
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
	ret = input_set_debounce(in, offset, SMAPPEE_REG_INPUT_CLOSED, ms);

	return ret ?: input_set_debounce(in, offset, SMAPPEE_REG_INPUT_OPEN,
					 ms);
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
	struct input_look look;
	unsigned int i;

	if (READ_ONCE(in->delivering) != current) {
		guard(mutex)(&in->follow_lock);
		guard(mutex)(&in->lock);
		/* If it does not answer, what it says later is what happens. */
		if (!input_refresh(in, &look))
			input_follow(in, &look);
	}
	for (i = 0; i < in->sdev->slots; i++)
		if (test_and_clear_bit(i, &in->enabling))
			set_bit(i, &in->enabled);
	input_kick(in, INPUT_POLL_MS);
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

/* Attributes */

struct input_attribute {
	struct device_attribute attr;
	unsigned int input;
	u16 address;
};

#define to_input_attribute(a) container_of(a, struct input_attribute, attr)

static ssize_t input_count_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);
	unsigned int input = to_input_attribute(attr)->input;
	struct input_look look;
	int ret;

	guard(mutex)(&in->lock);
	ret = input_refresh(in, &look);
	if (ret)
		return ret;

	return sysfs_emit(buf, "%llu\n", in->pulse[input].count);
}

static ssize_t pulse_epoch_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);
	struct input_look look;
	int ret;

	guard(mutex)(&in->lock);
	ret = input_refresh(in, &look);
	if (ret)
		return ret;

	return sysfs_emit(buf, "%u\n", in->pulse[0].last.epoch);
}
static DEVICE_ATTR_RO(pulse_epoch);

static ssize_t lost_edges_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);

	guard(mutex)(&in->lock);

	return sysfs_emit(buf, "%llu\n", in->lost_edges);
}
static DEVICE_ATTR_RO(lost_edges);

static ssize_t input_edge_time_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);

	guard(mutex)(&in->lock);

	return sysfs_emit(buf, "%lld\n",
			  in->edge_ns[to_input_attribute(attr)->input]);
}

static ssize_t input_debounce_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	struct input_attribute *a = to_input_attribute(attr);
	struct smappee_inputs *in = dev_get_drvdata(dev);
	u16 ms;
	int ret;

	ret = smappee_read_registers(in->sdev, a->address + a->input, 1, &ms);

	return ret ?: sysfs_emit(buf, "%u\n", ms);
}

static ssize_t input_debounce_store(struct device *dev,
				    struct device_attribute *attr,
				    const char *buf, size_t len)
{
	struct input_attribute *a = to_input_attribute(attr);
	struct smappee_inputs *in = dev_get_drvdata(dev);
	unsigned int ms;
	int ret;

	ret = kstrtouint(buf, 10, &ms);
	if (!ret)
		ret = input_set_debounce(in, a->input, a->address, ms);

	return ret ?: len;
}

#define INPUT_ATTR(_name, _input, _mode, _show, _store, _address)	\
	static struct input_attribute input_attr_##_name = {		\
		.attr = __ATTR(_name, _mode, _show, _store),		\
		.input = _input,					\
		.address = _address,					\
	}

#define INPUT_ATTR_PULSES(n)						\
	INPUT_ATTR(in##n##_pulses, (n) - 1, 0444, input_count_show, NULL, 0)
#define INPUT_ATTR_EDGE_TIME(n)						\
	INPUT_ATTR(in##n##_edge_time_ns, (n) - 1, 0444,			\
		   input_edge_time_show, NULL, 0)
#define INPUT_ATTR_DEBOUNCE(n, _name, _address)				\
	INPUT_ATTR(in##n##_##_name, (n) - 1, 0644, input_debounce_show,	\
		   input_debounce_store, _address)

INPUT_ATTR_PULSES(1);
INPUT_ATTR_EDGE_TIME(1);
INPUT_ATTR_DEBOUNCE(1, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(1, min_open_ms, SMAPPEE_REG_INPUT_OPEN);
INPUT_ATTR_PULSES(2);
INPUT_ATTR_EDGE_TIME(2);
INPUT_ATTR_DEBOUNCE(2, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(2, min_open_ms, SMAPPEE_REG_INPUT_OPEN);
INPUT_ATTR_PULSES(3);
INPUT_ATTR_EDGE_TIME(3);
INPUT_ATTR_DEBOUNCE(3, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(3, min_open_ms, SMAPPEE_REG_INPUT_OPEN);
INPUT_ATTR_PULSES(4);
INPUT_ATTR_EDGE_TIME(4);
INPUT_ATTR_DEBOUNCE(4, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(4, min_open_ms, SMAPPEE_REG_INPUT_OPEN);

static struct attribute *smappee_input_attrs[] = {
	&input_attr_in1_pulses.attr.attr,
	&input_attr_in1_edge_time_ns.attr.attr,
	&input_attr_in1_min_closed_ms.attr.attr,
	&input_attr_in1_min_open_ms.attr.attr,
	&input_attr_in2_pulses.attr.attr,
	&input_attr_in2_edge_time_ns.attr.attr,
	&input_attr_in2_min_closed_ms.attr.attr,
	&input_attr_in2_min_open_ms.attr.attr,
	&input_attr_in3_pulses.attr.attr,
	&input_attr_in3_edge_time_ns.attr.attr,
	&input_attr_in3_min_closed_ms.attr.attr,
	&input_attr_in3_min_open_ms.attr.attr,
	&input_attr_in4_pulses.attr.attr,
	&input_attr_in4_edge_time_ns.attr.attr,
	&input_attr_in4_min_closed_ms.attr.attr,
	&input_attr_in4_min_open_ms.attr.attr,
	&dev_attr_pulse_epoch.attr,
	&dev_attr_lost_edges.attr,
	NULL
};
ATTRIBUTE_GROUPS(smappee_input);

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

	if (sdev->slots > 4)
		return dev_err_probe(dev, -EINVAL,
				     "%u inputs, 1 to 4 are supported\n",
				     sdev->slots);
	in = devm_kzalloc(dev, sizeof(*in), GFP_KERNEL);
	if (!in)
		return -ENOMEM;
	in->sdev = sdev;
	mutex_init(&in->follow_lock);
	mutex_init(&in->lock);
	spin_lock_init(&in->kick_lock);
	INIT_DELAYED_WORK(&in->poll, input_poll);
	dev_set_drvdata(dev, in);

	ret = input_add_chip(in);
	if (ret)
		return dev_err_probe(dev, ret, "no GPIO lines\n");
	input_kick(in, 0);

	return 0;
}

static void input_remove(struct smappee_device *sdev)
{
	struct smappee_inputs *in = dev_get_drvdata(&sdev->dev);

	/* Nothing is delivered any more when the lines go. */
	scoped_guard(spinlock_irqsave, &in->kick_lock)
		in->stopped = true;
	cancel_delayed_work_sync(&in->poll);
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
