// SPDX-License-Identifier: GPL-2.0
/*
 * Lights of modules, as users of LED class devices see them.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/leds.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-io.h"

#define SERIAL	200

/**
 * struct lights - a line with one module
 * @line: the line
 * @module: the fake module
 */
struct lights {
	struct fake_line *line;
	struct fake_module *module;
};

static int first_bound(struct device *dev, void *data)
{
	return dev->driver ? 1 : 0;
}

/* The module's driver and that of its lights are there. */
static bool lit(struct fake_line *line, u8 unit)
{
	struct smappee_device *sdev;

	async_synchronize_full();
	sdev = bench_module(line, unit);
	return sdev && device_is_bound(&sdev->dev) &&
	       device_for_each_child(&sdev->dev, NULL, first_bound);
}

static struct lights lights_of(struct kunit *test, struct fake_line *line,
			       struct fake_module *module)
{
	struct lights lights = { line, module };

	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, lit(line, module->unit), 30000));
	return lights;
}

static struct lights hub(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	return lights_of(test, line, fake_hub(line, HUB, SERIAL));
}

static int find_led(struct device *dev, void *data)
{
	struct led_classdev **found = data;
	struct device *led = device_find_child_by_name(dev, (const char *)found[1]);

	if (!led)
		return 0;
	found[0] = dev_get_drvdata(led);
	put_device(led);
	return 1;
}

/* A LED by its name, NULL if there is none. */
static struct led_classdev *find(struct lights *lights, const char *name)
{
	struct smappee_device *sdev = bench_module(lights->line, lights->module->unit);
	struct led_classdev *found[2] = { NULL, (void *)name };

	if (sdev)
		device_for_each_child(&sdev->dev, found, find_led);
	return found[0];
}

static struct led_classdev *led(struct kunit *test, struct lights *lights, const char *name)
{
	struct led_classdev *cdev = find(lights, name);

	KUNIT_ASSERT_NOT_NULL_MSG(test, cdev, "%s", name);
	return cdev;
}

/* As by a write to the attribute "trigger". */
static void trigger(struct led_classdev *cdev, const char *name)
{
	cdev->default_trigger = name;
	led_trigger_set_default(cdev);
	flush_work(&cdev->set_brightness_work);
}

static void brightness(struct kunit *test, struct led_classdev *cdev, const char *text)
{
	KUNIT_EXPECT_EQ(test, strlen(text), bench_store(test, cdev->dev, "brightness", text));
	flush_work(&cdev->set_brightness_work);
}

/* Writes to LEDs, of the last requests. */
static unsigned int led_writes(struct lights *lights)
{
	struct fake_request request;
	unsigned int writes = 0;

	for (unsigned int i = 0; fake_line_find(lights->line, HUB, SMAPPEE_FC_WRITE_REGISTERS, i,
						&request); i++)
		writes += request.index >= SMAPPEE_REG_LEDS;
	return writes;
}

static void a_hub_has_a_status_led_and_one_per_input(struct kunit *test)
{
	struct lights lights = hub(test);

	led(test, &lights, "9500000200::status");
	led(test, &lights, "9500000200::input-a");
	led(test, &lights, "9500000200::input-d");
	KUNIT_EXPECT_NULL(test, find(&lights, "9500000200::input-e"));
}

static void an_input_module_counts_its_inputs_and_an_output_module_has_none(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *out = fake_output(line, OUTPUTS, 7);
	struct lights lights = lights_of(test, line, fake_input(line, INPUTS, 6));

	led(test, &lights, "9700000006::status");
	led(test, &lights, "9700000006::input-4");
	KUNIT_EXPECT_NULL(test, find(&lights, "9700000006::input-5"));
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, lit(line, OUTPUTS), 30000));
	lights.module = out;
	led(test, &lights, "9800000007::status");
	KUNIT_EXPECT_NULL(test, find(&lights, "9800000007::input-1"));
}

static void the_module_is_in_control_until_somebody_takes_over(struct kunit *test)
{
	struct lights lights = hub(test);
	struct led_classdev *cdev = led(test, &lights, "9500000200::input-b");

	msleep(10000);
	KUNIT_EXPECT_STREQ(test, "smappee-module", cdev->trigger ? cdev->trigger->name : "none");
	for (unsigned int i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[i]);
	brightness(test, cdev, "1");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_ON, lights.module->led[2]);
	brightness(test, cdev, "0");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_OFF, lights.module->led[2]);
	KUNIT_EXPECT_NULL(test, cdev->trigger);
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[1]);
}

static void a_led_is_given_back_by_the_trigger(struct kunit *test)
{
	struct lights lights = hub(test);
	struct led_classdev *cdev = led(test, &lights, "9500000200::status");

	brightness(test, cdev, "1");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_ON, lights.module->led[0]);
	trigger(cdev, "smappee-module");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[0]);
	led_trigger_remove(cdev);
	flush_work(&cdev->set_brightness_work);
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_OFF, lights.module->led[0]);
	trigger(cdev, "smappee-module");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[0]);
}

static void identify_and_problem_are_triggers_of_modules(struct kunit *test)
{
	struct lights lights = hub(test);
	struct led_classdev *cdev = led(test, &lights, "9500000200::input-b");

	trigger(cdev, "smappee-identify");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_IDENTIFY, lights.module->led[2]);
	trigger(cdev, "smappee-problem");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_TWO, lights.module->led[2]);
	trigger(cdev, "smappee-module");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[2]);
}

static void pulses_that_a_module_knows_are_its_own(struct kunit *test)
{
	static const struct {
		unsigned long on, off;
		u16 what;
	} known[] = {
		{ 50, 2950, SMAPPEE_LED_SLOW },	  { 500, 500, SMAPPEE_LED_ONE },
		{ 250, 250, SMAPPEE_LED_TWO },	  { 100, 233, SMAPPEE_LED_IDENTIFY },
		{ 100, 250, SMAPPEE_LED_IDENTIFY }, { 0, 0, SMAPPEE_LED_ONE },
	};
	struct lights lights = hub(test);
	struct led_classdev *cdev = led(test, &lights, "9500000200::input-a");
	unsigned int writes;

	led_trigger_remove(cdev);
	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
		unsigned long on = known[i].on, off = known[i].off;

		led_blink_set(cdev, &on, &off);
		KUNIT_EXPECT_EQ_MSG(test, known[i].what, lights.module->led[1], "%lu ms, %lu ms",
				    known[i].on, known[i].off);
		KUNIT_EXPECT_GT(test, on, 0);
	}
	writes = led_writes(&lights);
	msleep(5000);
	KUNIT_EXPECT_EQ(test, writes, led_writes(&lights));
	led_trigger_remove(cdev);
	led_set_brightness(cdev, LED_OFF);
}

static void a_module_that_comes_back_is_told_again(struct kunit *test)
{
	struct lights lights = hub(test);
	struct led_classdev *cdev = led(test, &lights, "9500000200::input-c");

	trigger(cdev, "smappee-identify");
	fake_module_restart(lights.line, lights.module);
	KUNIT_EXPECT_EQ(test, 0, lights.module->led[3]);
	msleep(5000);
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_IDENTIFY, lights.module->led[3]);
	/* what is said while the cable is out counts, too */
	lights.module->silent = true;
	msleep(10000);
	brightness(test, cdev, "1");
	fake_module_restart(lights.line, lights.module);
	lights.module->silent = false;
	msleep(10000);
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_ON, lights.module->led[3]);
	lights.module->silent = true;
	msleep(10000);
	trigger(cdev, "smappee-module");
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_ON, lights.module->led[3]);
	lights.module->silent = false;
	msleep(10000);
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[3]);
}

static void a_light_that_somebody_left_behind_goes_out(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *module = fake_hub(line, HUB, SERIAL);

	module->led[4] = SMAPPEE_LED_IDENTIFY;
	lights_of(test, line, module);
	msleep(1000);
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, module->led[4]);
}

static void without_its_driver_the_module_is_in_control(struct kunit *test)
{
	struct lights lights = hub(test);
	struct led_classdev *cdev = led(test, &lights, "9500000200::input-a");

	brightness(test, cdev, "1");
	trigger(led(test, &lights, "9500000200::status"), "smappee-identify");
	device_release_driver(cdev->dev->parent);
	for (unsigned int i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[i]);
	KUNIT_EXPECT_NULL(test, find(&lights, "9500000200::status"));
}

static void lights_may_go_while_they_are_taken_over(struct kunit *test)
{
	struct lights lights = hub(test);

	brightness(test, led(test, &lights, "9500000200::input-a"), "1");
	trigger(led(test, &lights, "9500000200::status"), "smappee-identify");
	lights.module->silent = true;
	msleep(8000);
	bench_rescan(lights.line);
	KUNIT_ASSERT_EQ(test, 0, bench_modules(lights.line));
	/* The same module again: its names are the same, and it is in control. */
	fake_module_restart(lights.line, lights.module);
	lights.module->silent = false;
	KUNIT_ASSERT_TRUE(test, fake_line_wait(lights.line, lit(lights.line, HUB), 30000));
	KUNIT_EXPECT_STREQ(test, "smappee-module",
			   led(test, &lights, "9500000200::input-a")->trigger->name);
	KUNIT_EXPECT_EQ(test, SMAPPEE_LED_MODULE, lights.module->led[1]);
}

static void a_module_without_lights_has_no_leds(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *module = fake_hub(line, HUB, SERIAL);
	struct lights lights = { line, module };

	module->dark = true;
	fake_line_add(line);
	msleep(5000);
	async_synchronize_full();
	KUNIT_ASSERT_NOT_NULL(test, bench_module(line, HUB));
	KUNIT_EXPECT_NULL(test, find(&lights, "9500000200::status"));
	KUNIT_EXPECT_TRUE(test, device_is_bound(&bench_module(line, HUB)->dev));
}

static struct kunit_case leds_cases[] = {
	KUNIT_CASE(a_hub_has_a_status_led_and_one_per_input),
	KUNIT_CASE(an_input_module_counts_its_inputs_and_an_output_module_has_none),
	KUNIT_CASE(the_module_is_in_control_until_somebody_takes_over),
	KUNIT_CASE(a_led_is_given_back_by_the_trigger),
	KUNIT_CASE(identify_and_problem_are_triggers_of_modules),
	KUNIT_CASE(pulses_that_a_module_knows_are_its_own),
	KUNIT_CASE(a_module_that_comes_back_is_told_again),
	KUNIT_CASE(a_light_that_somebody_left_behind_goes_out),
	KUNIT_CASE(without_its_driver_the_module_is_in_control),
	KUNIT_CASE(lights_may_go_while_they_are_taken_over),
	KUNIT_CASE(a_module_without_lights_has_no_leds),
	{ }
};

static struct kunit_suite leds_suite = {
	.name = "smappee-leds",
	.test_cases = leds_cases,
};

kunit_test_suite(leds_suite);

MODULE_DESCRIPTION("Tests of the lights of metering modules");
MODULE_LICENSE("GPL");
