// SPDX-License-Identifier: GPL-2.0
/*
 * Input and output modules as users of GPIO lines and sysfs see them.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/gpio/consumer.h>
#include <linux/gpio/machine.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/slab.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-io.h"

#define LINES	4

#ifndef GPIO_LINES_OUTLIVE_CHIPS
#define GPIO_LINES_OUTLIVE_CHIPS	true
#endif

/**
 * struct rig - a line with one module, and a user of its GPIO lines
 * @line: the line
 * @module: the fake module
 * @dev: its device
 * @user: the user
 * @table: what the user's lines are
 * @gpio: the lines, NULL where not taken
 * @irq: their interrupts, 0 where not taken
 * @edges: interrupts that came
 * @input: which line each was of
 * @level: how that line read in the handler
 */
struct rig {
	struct fake_line *line;
	struct fake_module *module;
	struct device *dev;
	struct device *user;
	struct gpiod_lookup_table *table;
	struct gpio_desc *gpio[LINES];
	int irq[LINES];
	unsigned int edges;
	unsigned int input[64];
	int level[64];
};

static bool bound(struct fake_line *line, u8 unit)
{
	struct smappee_device *sdev;

	async_synchronize_full();
	sdev = bench_module(line, unit);
	return sdev && device_is_bound(&sdev->dev);
}

static void drop_irq(struct rig *rig, unsigned int i)
{
	if (rig->irq[i])
		free_irq(rig->irq[i], rig);
	rig->irq[i] = 0;
}

static void drop_lines(struct rig *rig)
{
	for (unsigned int i = 0; i < LINES; i++) {
		drop_irq(rig, i);
		if (rig->gpio[i])
			gpiod_put(rig->gpio[i]);
		rig->gpio[i] = NULL;
	}
}

static void rig_down(void *data)
{
	struct rig *rig = data;

	drop_lines(rig);
	gpiod_remove_lookup_table(rig->table);
	root_device_unregister(rig->user);
	if (rig->line->added)
		fake_line_remove(rig->line);
}

/* Register the line with its module, and be somebody who may ask for its GPIO lines. */
static struct rig *rig_up(struct kunit *test, struct fake_line *line, struct fake_module *module)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	const char *chip;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->line = line;
	rig->module = module;
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bound(line, module->unit), 30000));
	rig->dev = &bench_module(line, module->unit)->dev;
	rig->user = root_device_register("gpio-user");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->user);
	rig->table = kunit_kzalloc(test, struct_size(rig->table, table, LINES + 1), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig->table);
	rig->table->dev_id = dev_name(rig->user);
	chip = kunit_kstrdup(test, dev_name(rig->dev), GFP_KERNEL);
	for (unsigned int i = 0; i < LINES; i++)
		rig->table->table[i] = (struct gpiod_lookup)
			GPIO_LOOKUP_IDX(chip, i, "io", i, GPIO_ACTIVE_HIGH);
	gpiod_add_lookup_table(rig->table);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, rig_down, rig));
	return rig;
}

static struct rig *inputs(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	return rig_up(test, line, fake_input(line, INPUTS, 100));
}

static struct rig *outputs(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	return rig_up(test, line, fake_output(line, OUTPUTS, 100));
}

static struct gpio_desc *take(struct kunit *test, struct rig *rig, unsigned int i,
			      enum gpiod_flags flags)
{
	rig->gpio[i] = gpiod_get_index(rig->user, "io", i, flags);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->gpio[i]);
	return rig->gpio[i];
}

static irqreturn_t on_edge(int irq, void *data)
{
	struct rig *rig = data;

	for (unsigned int i = 0; i < LINES; i++) {
		if (rig->irq[i] != irq || rig->edges == ARRAY_SIZE(rig->level))
			continue;
		rig->input[rig->edges] = i;
		rig->level[rig->edges] = gpiod_get_value_cansleep(rig->gpio[i]);
		rig->edges++;
	}
	return IRQ_HANDLED;
}

static void take_irq(struct kunit *test, struct rig *rig, unsigned int i, unsigned long type)
{
	struct gpio_desc *gpio = take(test, rig, i, GPIOD_IN);

	rig->irq[i] = gpiod_to_irq(gpio);
	KUNIT_ASSERT_GT(test, rig->irq[i], 0);
	KUNIT_ASSERT_EQ(test, 0, request_threaded_irq(rig->irq[i], NULL, on_edge,
						      type | IRQF_ONESHOT, "edge", rig));
}

static s64 pulses(struct kunit *test, struct rig *rig, const char *name)
{
	return bench_number(test, rig->dev, name);
}

static bool is_silent(struct kunit *test, struct rig *rig)
{
	return !strcmp("silent", bench_show(test, rig->dev, "state"));
}

static bool is_replaced(struct rig *rig)
{
	return bound(rig->line, INPUTS) && &bench_module(rig->line, INPUTS)->dev != rig->dev;
}

static void a_line_reads_what_the_module_says_now(struct kunit *test)
{
	struct rig *rig = inputs(test);
	struct gpio_desc *gpio = take(test, rig, 2, GPIOD_IN);

	KUNIT_EXPECT_EQ(test, 0, gpiod_get_value_cansleep(gpio));
	fake_input_edge(rig->line, rig->module, 2, true);
	KUNIT_EXPECT_EQ(test, 1, gpiod_get_value_cansleep(gpio));
	KUNIT_EXPECT_EQ(test, 1, gpiod_get_direction(gpio));
	KUNIT_EXPECT_EQ(test, 1, gpiod_cansleep(gpio));
}

static void edges_between_two_polls_come_in_their_order(struct kunit *test)
{
	struct rig *rig = inputs(test);

	take_irq(test, rig, 0, IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING);
	take_irq(test, rig, 3, IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING);
	msleep(100);
	fake_input_edge(rig->line, rig->module, 0, true);
	fake_input_edge(rig->line, rig->module, 0, false);
	fake_input_edge(rig->line, rig->module, 3, true);
	fake_input_edge(rig->line, rig->module, 0, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, rig->edges == 4, 1000));
	KUNIT_EXPECT_EQ(test, 0, rig->input[0]);
	KUNIT_EXPECT_EQ(test, 1, rig->level[0]);
	KUNIT_EXPECT_EQ(test, 0, rig->input[1]);
	KUNIT_EXPECT_EQ(test, 0, rig->level[1]);
	KUNIT_EXPECT_EQ(test, 3, rig->input[2]);
	KUNIT_EXPECT_EQ(test, 1, rig->level[2]);
	KUNIT_EXPECT_EQ(test, 0, rig->input[3]);
	KUNIT_EXPECT_EQ(test, 1, rig->level[3]);
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, rig->dev, "lost_edges"));
}

static void only_edges_that_somebody_wants_come(struct kunit *test)
{
	struct rig *rig = inputs(test);

	take_irq(test, rig, 0, IRQF_TRIGGER_RISING);
	take_irq(test, rig, 1, IRQF_TRIGGER_FALLING);
	msleep(100);
	for (unsigned int i = 0; i < 3; i++) {
		fake_input_edge(rig->line, rig->module, i, true);
		fake_input_edge(rig->line, rig->module, i, false);
	}
	msleep(200);
	KUNIT_ASSERT_EQ(test, 2, rig->edges);
	KUNIT_EXPECT_EQ(test, 0, rig->input[0]);
	KUNIT_EXPECT_EQ(test, 1, rig->level[0]);
	KUNIT_EXPECT_EQ(test, 1, rig->input[1]);
	KUNIT_EXPECT_EQ(test, 0, rig->level[1]);
}

static void an_edge_has_the_time_at_which_the_contact_moved(struct kunit *test)
{
	struct rig *rig = inputs(test);
	s64 moved_ns, said_ns;

	take_irq(test, rig, 0, IRQF_TRIGGER_RISING);
	msleep(100);
	moved_ns = ktime_get_ns();
	fake_input_edge(rig->line, rig->module, 0, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, rig->edges, 1000));
	said_ns = bench_number(test, rig->dev, "in1_edge_time_ns");
	KUNIT_EXPECT_LE(test, abs(said_ns - moved_ns), 2 * NSEC_PER_MSEC);
}

static void edges_that_are_overwritten_are_lost_and_the_level_is_not(struct kunit *test)
{
	struct rig *rig = inputs(test);

	take_irq(test, rig, 0, IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING);
	msleep(100);
	for (unsigned int i = 0; i < 41; i++)
		fake_input_edge(rig->line, rig->module, 0, i % 2 == 0);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, rig->edges >= 32, 1000));
	msleep(100);
	KUNIT_EXPECT_EQ(test, 32, rig->edges);
	KUNIT_EXPECT_EQ(test, 1, rig->level[rig->edges - 1]);
	KUNIT_EXPECT_EQ(test, 9, bench_number(test, rig->dev, "lost_edges"));
	KUNIT_EXPECT_EQ(test, 21, pulses(test, rig, "in1_pulses"));
}

static void what_changed_over_a_restart_comes_as_an_edge(struct kunit *test)
{
	struct rig *rig = inputs(test);

	take_irq(test, rig, 0, IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING);
	fake_input_edge(rig->line, rig->module, 0, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, rig->edges == 1, 1000));
	fake_io_restart(rig->line, rig->module);
	fake_input_edge(rig->line, rig->module, 0, false);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, rig->edges == 2, 5000));
	KUNIT_EXPECT_EQ(test, 0, rig->level[1]);
	msleep(500);
	KUNIT_EXPECT_EQ(test, 2, rig->edges);
	KUNIT_EXPECT_STREQ(test, "1", bench_show(test, rig->dev, "boot_count"));
}

static void pulses_go_on_beyond_32_bits(struct kunit *test)
{
	struct rig *rig = inputs(test);

	msleep(5000);
	fake_input_pulses(rig->line, rig->module, 1, 5000);
	KUNIT_EXPECT_EQ(test, 5000, pulses(test, rig, "in2_pulses"));
	/* a counter that has run for years */
	*fake_io_reg(rig->module, SMAPPEE_REG_INPUT_EPOCH) = 99;
	fake_input_pulses(rig->line, rig->module, 1, U32_MAX - 5000 - 10);
	KUNIT_EXPECT_EQ(test, (s64)U32_MAX - 10, pulses(test, rig, "in2_pulses"));
	fake_input_pulses(rig->line, rig->module, 1, 111);
	KUNIT_EXPECT_EQ(test, (s64)U32_MAX + 101, pulses(test, rig, "in2_pulses"));
	KUNIT_EXPECT_EQ(test, 0, pulses(test, rig, "in1_pulses"));
}

static void pulses_are_exact_through_silence_and_restarts(struct kunit *test)
{
	struct rig *rig = inputs(test);

	fake_input_pulses(rig->line, rig->module, 0, 10);
	KUNIT_EXPECT_EQ(test, 10, pulses(test, rig, "in1_pulses"));
	rig->module->silent = true;
	msleep(20000);
	KUNIT_EXPECT_STREQ(test, "silent", bench_show(test, rig->dev, "state"));
	KUNIT_EXPECT_STREQ(test, "error -110", bench_show(test, rig->dev, "in1_pulses"));
	fake_input_pulses(rig->line, rig->module, 0, 2000);
	rig->module->silent = false;
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, !is_silent(test, rig), 5000));
	msleep(2000);
	KUNIT_EXPECT_EQ(test, 2010, pulses(test, rig, "in1_pulses"));
	for (int i = 0; i < 5; i++) {
		fake_io_restart(rig->line, rig->module);
		fake_input_pulses(rig->line, rig->module, 0, 1);
		msleep(3000);
		KUNIT_EXPECT_EQ(test, 2011 + i, pulses(test, rig, "in1_pulses"));
	}
	KUNIT_EXPECT_EQ(test, 1, bench_modules(rig->line));
}

static void counters_that_begin_anew_have_another_epoch(struct kunit *test)
{
	struct rig *rig = inputs(test);

	fake_input_pulses(rig->line, rig->module, 0, 900);
	KUNIT_EXPECT_EQ(test, 900, pulses(test, rig, "in1_pulses"));
	KUNIT_EXPECT_EQ(test, 4711, bench_number(test, rig->dev, "pulse_epoch"));
	*fake_io_reg(rig->module, SMAPPEE_REG_INPUT_EPOCH) = 12;
	*fake_io_reg(rig->module, SMAPPEE_REG_INPUT_COUNT) = 3;
	KUNIT_EXPECT_EQ(test, 3, pulses(test, rig, "in1_pulses"));
	KUNIT_EXPECT_EQ(test, 12, bench_number(test, rig->dev, "pulse_epoch"));
}

static void damaged_answers_change_no_count(struct kunit *test)
{
	struct rig *rig = inputs(test);
	s64 sum = 0;

	rig->line->noise_percent = 30;
	for (int i = 0; i < 200; i++) {
		fake_input_pulses(rig->line, rig->module, 3, i % 7);
		sum += i % 7;
		msleep(300);
	}
	rig->line->noise_percent = 0;
	msleep(3000);
	KUNIT_EXPECT_EQ(test, sum, pulses(test, rig, "in4_pulses"));
	KUNIT_EXPECT_GT(test, bench_number(test, rig->dev, "crc_errors"), 0);
}

static void another_module_at_the_address_does_not_count_here(struct kunit *test)
{
	struct rig *rig = inputs(test);

	fake_input_pulses(rig->line, rig->module, 0, 900);
	KUNIT_EXPECT_EQ(test, 900, pulses(test, rig, "in1_pulses"));
	rig->module->silent = true;
	msleep(5000);
	rig->module->serial = 101;
	*fake_io_reg(rig->module, SMAPPEE_REG_INPUT_COUNT) = 7;
	rig->module->silent = false;
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, is_replaced(rig), 10000));
	rig->dev = &bench_module(rig->line, INPUTS)->dev;
	KUNIT_EXPECT_EQ(test, 7, pulses(test, rig, "in1_pulses"));
}

static void a_module_shows_what_it_has(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *module = fake_input(line, INPUTS, 100);
	struct fake_module *relay = fake_output(line, OUTPUTS, 101);
	struct device *dev;
	struct rig *rig;

	module->channels = 2;
	relay->channels = 1;
	rig = rig_up(test, line, module);
	KUNIT_EXPECT_STREQ(test, "2", bench_show(test, rig->dev, "slots"));
	fake_input_pulses(line, module, 1, 5);
	KUNIT_EXPECT_EQ(test, 5, pulses(test, rig, "in2_pulses"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, rig->dev, "in2_edge_time_ns"));
	KUNIT_EXPECT_STREQ(test, "10", bench_show(test, rig->dev, "in2_min_open_ms"));
	KUNIT_EXPECT_STREQ(test, "missing", bench_show(test, rig->dev, "in3_pulses"));
	KUNIT_EXPECT_STREQ(test, "missing", bench_show(test, rig->dev, "in3_edge_time_ns"));
	KUNIT_EXPECT_STREQ(test, "missing", bench_show(test, rig->dev, "in4_min_closed_ms"));
	KUNIT_EXPECT_STREQ(test, "missing", bench_show(test, rig->dev, "in4_min_open_ms"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, rig->dev, "lost_edges"));

	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bound(line, OUTPUTS), 30000));
	dev = &bench_module(line, OUTPUTS)->dev;
	KUNIT_EXPECT_STREQ(test, "off", bench_show(test, dev, "relay1_fail_safe"));
	KUNIT_EXPECT_STREQ(test, "missing", bench_show(test, dev, "relay2_fail_safe"));
	KUNIT_EXPECT_STREQ(test, "missing", bench_show(test, dev, "relay2_state"));
	KUNIT_EXPECT_STREQ(test, "missing", bench_show(test, dev, "relay2_restart"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "fail_safe"));
}

static void debounce_is_the_modules(struct kunit *test)
{
	struct rig *rig = inputs(test);
	struct gpio_desc *gpio = take(test, rig, 1, GPIOD_IN);

	KUNIT_EXPECT_EQ(test, 10, bench_number(test, rig->dev, "in2_min_closed_ms"));
	KUNIT_EXPECT_EQ(test, 0, gpiod_set_debounce(gpio, 19001));
	KUNIT_EXPECT_EQ(test, 20, *fake_io_reg(rig->module, SMAPPEE_REG_INPUT_CLOSED + 1));
	KUNIT_EXPECT_EQ(test, 20, *fake_io_reg(rig->module, SMAPPEE_REG_INPUT_OPEN + 1));
	KUNIT_EXPECT_EQ(test, 10, *fake_io_reg(rig->module, SMAPPEE_REG_INPUT_CLOSED));
	KUNIT_EXPECT_EQ(test, -ENOTSUPP, gpiod_set_debounce(gpio, 10000001));
	KUNIT_EXPECT_EQ(test, 3, bench_store(test, rig->dev, "in2_min_open_ms", "500"));
	KUNIT_EXPECT_EQ(test, 500, *fake_io_reg(rig->module, SMAPPEE_REG_INPUT_OPEN + 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, rig->dev, "in2_min_open_ms", "10001"));
}

static void a_relay_keeps_its_state_until_somebody_switches_it(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *module = fake_output(line, OUTPUTS, 100);
	struct rig *rig;

	*fake_io_reg(module, SMAPPEE_REG_OUTPUT_RELAYS) = 2;
	rig = rig_up(test, line, module);
	msleep(5000);
	KUNIT_EXPECT_EQ(test, 1, gpiod_get_value_cansleep(take(test, rig, 1, GPIOD_ASIS)));
	KUNIT_EXPECT_EQ(test, 0, gpiod_get_direction(rig->gpio[1]));
	gpiod_put(rig->gpio[1]);
	rig->gpio[1] = NULL;
	KUNIT_EXPECT_STREQ(test, "1", bench_show(test, rig->dev, "relay2_state"));
	fake_line_remove(line);
	KUNIT_EXPECT_EQ(test, 0, module->io->switches);
	KUNIT_EXPECT_EQ(test, 0, fake_line_count(line, OUTPUTS, SMAPPEE_FC_WRITE_REGISTERS));
}

static void relays_switch_one_by_one_and_together(struct kunit *test)
{
	struct rig *rig = outputs(test);
	u16 *relays = fake_io_reg(rig->module, SMAPPEE_REG_OUTPUT_RELAYS);
	struct gpio_desc *both[2];
	unsigned long bits = 1;

	both[0] = take(test, rig, 0, GPIOD_OUT_LOW);
	both[1] = take(test, rig, 1, GPIOD_OUT_LOW);
	gpiod_set_value_cansleep(both[1], 1);
	KUNIT_EXPECT_EQ(test, 2, *relays);
	gpiod_set_value_cansleep(both[0], 1);
	KUNIT_EXPECT_EQ(test, 3, *relays);
	rig->module->io->switches = 0;
	KUNIT_EXPECT_EQ(test, 0, gpiod_set_array_value_cansleep(2, both, NULL, &bits));
	KUNIT_EXPECT_EQ(test, 1, *relays);
	KUNIT_EXPECT_EQ(test, 1, rig->module->io->switches);
	KUNIT_EXPECT_STREQ(test, "host", bench_show(test, rig->dev, "last_change"));
}

static void nothing_but_user_space_keeps_a_module_alive(struct kunit *test)
{
	struct rig *rig = outputs(test);
	struct gpio_desc *relay = take(test, rig, 0, GPIOD_OUT_HIGH);

	KUNIT_EXPECT_EQ(test, 3, bench_store(test, rig->dev, "relay1_fail_safe", "off"));
	KUNIT_EXPECT_EQ(test, 2, bench_store(test, rig->dev, "relay2_fail_safe", "on"));
	KUNIT_EXPECT_EQ(test, 2, bench_store(test, rig->dev, "fail_safe_timeout_sec", "10"));
	for (int i = 0; i < 5; i++) {
		msleep(8000);
		KUNIT_EXPECT_EQ(test, 1, bench_store(test, rig->dev, "heartbeat", "1"));
	}
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, rig->dev, "fail_safe"));
	KUNIT_EXPECT_EQ(test, 1, gpiod_get_value_cansleep(relay));
	KUNIT_EXPECT_EQ(test, 10, bench_number(test, rig->dev, "fail_safe_left_sec"));
	/* The driver goes on polling, and that is not enough. */
	msleep(9500);
	KUNIT_EXPECT_EQ(test, 1, gpiod_get_value_cansleep(relay));
	msleep(600);
	KUNIT_EXPECT_EQ(test, 0, gpiod_get_value_cansleep(relay));
	KUNIT_EXPECT_STREQ(test, "1", bench_show(test, rig->dev, "relay2_state"));
	KUNIT_EXPECT_STREQ(test, "fail-safe", bench_show(test, rig->dev, "last_change"));
	KUNIT_EXPECT_EQ(test, 1, bench_number(test, rig->dev, "fail_safe"));
	KUNIT_EXPECT_EQ(test, 5, rig->module->io->beats);
}

static void a_relay_in_its_fail_safe_state_is_not_switched(struct kunit *test)
{
	struct rig *rig = outputs(test);
	struct gpio_desc *relay = take(test, rig, 0, GPIOD_OUT_HIGH);

	KUNIT_EXPECT_EQ(test, 1, bench_store(test, rig->dev, "fail_safe_timeout_sec", "2"));
	msleep(3000);
	KUNIT_EXPECT_EQ(test, -EBUSY, gpiod_direction_output(relay, 1));
	KUNIT_EXPECT_EQ(test, 0, gpiod_get_value_cansleep(relay));
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, rig->dev, "heartbeat", "1"));
	KUNIT_EXPECT_EQ(test, 0, gpiod_get_value_cansleep(relay));
	KUNIT_EXPECT_EQ(test, 0, gpiod_direction_output(relay, 1));
	KUNIT_EXPECT_EQ(test, 1, gpiod_get_value_cansleep(relay));
}

static void wrong_fail_safe_settings_are_refused(struct kunit *test)
{
	struct rig *rig = outputs(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, rig->dev, "relay1_fail_safe", "maybe"));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			bench_store(test, rig->dev, "fail_safe_timeout_sec", "65536"));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, rig->dev, "heartbeat", "0"));
	KUNIT_EXPECT_EQ(test, 4, bench_store(test, rig->dev, "relay1_restart", "keep"));
	KUNIT_EXPECT_STREQ(test, "keep", bench_show(test, rig->dev, "relay1_restart"));
	KUNIT_EXPECT_STREQ(test, "off", bench_show(test, rig->dev, "relay1_fail_safe"));
	KUNIT_EXPECT_EQ(test, 0x100, *fake_io_reg(rig->module, SMAPPEE_REG_OUTPUT_START));
}

/*
 * Gone for good: it is silent, and a rescan takes it off the list. Returns whether
 * lines are still held, which not every kernel's gpiolib survives.
 */
static bool unplug(struct kunit *test, struct rig *rig)
{
	if (!GPIO_LINES_OUTLIVE_CHIPS)
		drop_lines(rig);
	/* gpiolib forgets the consumers' names of lines that outlive their chip. */
	for (unsigned int i = 0; i < LINES; i++)
		if (!IS_ERR_OR_NULL(rig->gpio[i]))
			gpiod_set_consumer_name(rig->gpio[i], NULL);
	rig->module->silent = true;
	msleep(8000);
	bench_rescan(rig->line);
	KUNIT_ASSERT_EQ(test, 0, bench_modules(rig->line));
	return GPIO_LINES_OUTLIVE_CHIPS;
}

static void inputs_may_go_while_somebody_waits_for_edges(struct kunit *test)
{
	struct rig *rig = inputs(test);

	take_irq(test, rig, 0, IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING);
	fake_input_edge(rig->line, rig->module, 0, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, rig->edges == 1, 1000));
	drop_irq(rig, 0);
	if (unplug(test, rig))
		KUNIT_EXPECT_EQ(test, -ENODEV, gpiod_get_value_cansleep(rig->gpio[0]));
	KUNIT_EXPECT_EQ(test, 1, rig->edges);
}

/* How often the driver has asked; others ask for other registers. */
static unsigned int polls(struct rig *rig)
{
	struct fake_request request;
	unsigned int n = 0;

	for (unsigned int i = 0; fake_line_find(rig->line, INPUTS, SMAPPEE_FC_READ_REGISTERS, i,
						&request); i++)
		n += request.index == SMAPPEE_REG_INPUT;
	return n;
}

static void a_port_may_go_while_a_silent_input_module_begins_to_answer(struct kunit *test)
{
	struct rig *rig = inputs(test);
	struct smappee_segment *segment =
		smappee_segment_get(dev_get_drvdata(fake_line_serdev(rig->line)));
	unsigned int asked;

	bench_log(test, "answers again");
	rig->module->silent = true;
	KUNIT_ASSERT_TRUE(test, fake_line_wait(rig->line, is_silent(test, rig), 20000));
	rig->line->turnaround_us = 10000;
	asked = polls(rig);
	rig->module->silent = false;
	while (polls(rig) == asked)
		usleep_range(1000, 1001);
	/* It is no new look when the answer comes: nobody is left who could do it. */
	fake_line_remove(rig->line);
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&segment->enumerate));
	smappee_segment_put(segment);
}

/* As the whole system does; a poll falls into it. */
static void sleep_and_wake_up(struct kunit *test, struct rig *rig)
{
	struct device *port = fake_line_serdev(rig->line);
	const struct dev_pm_ops *pm = pm_ptr(port->driver->pm);

	KUNIT_ASSERT_NOT_NULL(test, pm);
	KUNIT_ASSERT_EQ(test, 0, pm->suspend(port));
	msleep(3000);
	KUNIT_ASSERT_EQ(test, 0, pm->resume(port));
}

static void after_a_sleep_inputs_are_followed_again(struct kunit *test)
{
	struct rig *rig = inputs(test);

	take_irq(test, rig, 0, IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING);
	sleep_and_wake_up(test, rig);
	fake_input_edge(rig->line, rig->module, 0, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(rig->line, rig->edges == 1, 5000));
	drop_irq(rig, 0);
}

static void after_a_sleep_relays_are_watched_again(struct kunit *test)
{
	struct rig *rig = outputs(test);

	sleep_and_wake_up(test, rig);
	msleep(2000);
	rig->module->silent = true;
	KUNIT_EXPECT_TRUE(test, fake_line_wait(rig->line, is_silent(test, rig), 20000));
}

static void relays_may_go_while_somebody_has_them(struct kunit *test)
{
	struct rig *rig = outputs(test);
	struct gpio_desc *relay = take(test, rig, 1, GPIOD_OUT_HIGH);

	if (unplug(test, rig)) {
		KUNIT_EXPECT_EQ(test, -ENODEV, gpiod_direction_output(relay, 0));
		gpiod_set_value_cansleep(relay, 0);
	}
	KUNIT_EXPECT_EQ(test, 2, *fake_io_reg(rig->module, SMAPPEE_REG_OUTPUT_RELAYS));
}

/*
 * UML marks all of its interrupt numbers as taken, used or not: leave the upper ones
 * to whoever asks.
 */
static int gpio_suite_init(struct kunit_suite *suite)
{
	static bool done;

	if (IS_ENABLED(CONFIG_UML) && !done)
		irq_free_descs(NR_IRQS - 2 * LINES, 2 * LINES);
	done = true;
	return 0;
}

static struct kunit_case gpio_cases[] = {
	KUNIT_CASE(a_line_reads_what_the_module_says_now),
	KUNIT_CASE(edges_between_two_polls_come_in_their_order),
	KUNIT_CASE(only_edges_that_somebody_wants_come),
	KUNIT_CASE(an_edge_has_the_time_at_which_the_contact_moved),
	KUNIT_CASE(edges_that_are_overwritten_are_lost_and_the_level_is_not),
	KUNIT_CASE(what_changed_over_a_restart_comes_as_an_edge),
	KUNIT_CASE(pulses_go_on_beyond_32_bits),
	KUNIT_CASE(pulses_are_exact_through_silence_and_restarts),
	KUNIT_CASE(counters_that_begin_anew_have_another_epoch),
	KUNIT_CASE(damaged_answers_change_no_count),
	KUNIT_CASE(another_module_at_the_address_does_not_count_here),
	KUNIT_CASE(a_module_shows_what_it_has),
	KUNIT_CASE(debounce_is_the_modules),
	KUNIT_CASE(a_relay_keeps_its_state_until_somebody_switches_it),
	KUNIT_CASE(relays_switch_one_by_one_and_together),
	KUNIT_CASE(nothing_but_user_space_keeps_a_module_alive),
	KUNIT_CASE(a_relay_in_its_fail_safe_state_is_not_switched),
	KUNIT_CASE(wrong_fail_safe_settings_are_refused),
	KUNIT_CASE(inputs_may_go_while_somebody_waits_for_edges),
	KUNIT_CASE(a_port_may_go_while_a_silent_input_module_begins_to_answer),
	KUNIT_CASE(after_a_sleep_inputs_are_followed_again),
	KUNIT_CASE(after_a_sleep_relays_are_watched_again),
	KUNIT_CASE(relays_may_go_while_somebody_has_them),
	{ }
};

static struct kunit_suite gpio_suite = {
	.name = "smappee-gpio",
	.suite_init = gpio_suite_init,
	.test_cases = gpio_cases,
};

kunit_test_suite(gpio_suite);

MODULE_DESCRIPTION("Tests of input and output modules of metering segments");
MODULE_LICENSE("GPL");
