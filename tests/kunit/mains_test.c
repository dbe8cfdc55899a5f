// SPDX-License-Identifier: GPL-2.0
/*
 * What the firmware says of the mains: attributes of the segment, labels and scales of
 * the voltages, and what becomes of nonsense.
 */

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/iio/iio.h>
#include <linux/slab.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "compat.h"
#include "fake-box.h"
#include "powerbox-rig.h"

static const __be32 volts_230[] = { cpu_to_be32(230000000) };
static const __be32 hertz_50[] = { cpu_to_be32(50) };
static const __be32 ratio_347[] = { cpu_to_be32(347), cpu_to_be32(120) };

/* A text with its NUL, several ones with a NUL between them, or cells. */
#define MAINS(line, name, value)	fake_line_mains(line, name, value, sizeof(value))

/* A voltage module on its line. */
static struct fake_line *mains_start(struct kunit *test, struct fake_line *line)
{
	fake_voltage(line, VOLTAGE, 100001);
	fake_line_add(line);
	bench_settle(line, 1);
	return line;
}

static const char *mains_show(struct fake_line *line, const char *name)
{
	return bench_show(line->test, fake_line_serdev(line), name);
}

static const char *label_of(struct kunit *test, struct iio_dev *indio_dev, unsigned int channel)
{
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	char *text;

	KUNIT_ASSERT_NOT_NULL(test, page);
	indio_dev->info->read_label(indio_dev, &indio_dev->channels[channel], page);
	text = kunit_kstrdup(test, page, GFP_KERNEL);
	free_page((unsigned long)page);
	return text;
}

static void the_segment_shows_what_the_mains_are(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	bench_log(test, "mains");
	MAINS(line, "topology", "3p+n");
	MAINS(line, "nominal-voltage-microvolt", volts_230);
	MAINS(line, "nominal-frequency-hz", hertz_50);
	MAINS(line, "conductor-names", "R\0S\0T");
	MAINS(line, "potential-transformer-ratio", ratio_347);
	mains_start(test, line);
	KUNIT_EXPECT_STREQ(test, "3p+n", mains_show(line, "mains_topology"));
	KUNIT_EXPECT_STREQ(test, "230000000", mains_show(line, "mains_voltage_uv"));
	KUNIT_EXPECT_STREQ(test, "50", mains_show(line, "mains_frequency_hz"));
	KUNIT_EXPECT_STREQ(test, "R S T", mains_show(line, "mains_conductors"));
	KUNIT_EXPECT_STREQ(test, "347 120", mains_show(line, "mains_transformer_ratio"));
	KUNIT_EXPECT_EQ(test, 0, bench_log_lines());
}

static void without_a_node_nothing_is_shown(struct kunit *test)
{
	struct fake_line *line = mains_start(test, fake_line_new(test));

	KUNIT_EXPECT_STREQ(test, "missing", mains_show(line, "mains_topology"));
	KUNIT_EXPECT_STREQ(test, "missing", mains_show(line, "mains_voltage_uv"));
	KUNIT_EXPECT_STREQ(test, "missing", mains_show(line, "mains_frequency_hz"));
	KUNIT_EXPECT_STREQ(test, "missing", mains_show(line, "mains_conductors"));
	KUNIT_EXPECT_STREQ(test, "missing", mains_show(line, "mains_transformer_ratio"));
}

static void conductor_names_are_the_labels_of_the_voltages(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct iio_dev *voltage;

	MAINS(line, "topology", "2p+n");
	MAINS(line, "conductor-names", "red\0black");
	mains_start(test, line);
	voltage = bench_iio(line, VOLTAGE);
	KUNIT_EXPECT_STREQ(test, "red\n", label_of(test, voltage, 0));
	KUNIT_EXPECT_STREQ(test, "black\n", label_of(test, voltage, 1));
	/* what has no name keeps that of its terminal */
	KUNIT_EXPECT_STREQ(test, "L3\n", label_of(test, voltage, 2));
}

static int scale_of(struct iio_dev *indio_dev, unsigned int channel, int *val, int *val2)
{
	return indio_dev->info->read_raw(indio_dev, &indio_dev->channels[channel], val, val2,
					 IIO_CHAN_INFO_SCALE);
}

static void transformers_are_in_the_scale_of_voltages_only(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	int val, val2;

	MAINS(line, "topology", "3p+n");
	MAINS(line, "potential-transformer-ratio", ratio_347);
	fake_hub(line, HUB, 104233);
	fake_voltage(line, VOLTAGE, 100001);
	fake_line_add(line);
	bench_settle(line, 2);
	/* 30.517578 mV times 347 / 120 */
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT_PLUS_NANO,
			scale_of(bench_iio(line, VOLTAGE), 0, &val, &val2));
	KUNIT_EXPECT_EQ(test, 88, val);
	KUNIT_EXPECT_EQ(test, 246663050, val2);
	scale_of(bench_iio(line, HUB), 0, &val, &val2);
	KUNIT_EXPECT_EQ(test, 4, val);
	KUNIT_EXPECT_EQ(test, 577637000, val2);
}

static void the_largest_ratio_and_scale_do_not_overflow(struct kunit *test)
{
	static const __be32 ratio[] = { cpu_to_be32(100000), cpu_to_be32(1) };
	struct fake_line *line = fake_line_new(test);
	int val, val2;

	MAINS(line, "topology", "3p+n");
	MAINS(line, "potential-transformer-ratio", ratio);
	fake_voltage(line, VOLTAGE, 100001)->scale = U32_MAX - 2;
	fake_line_add(line);
	bench_settle(line, 1);
	scale_of(bench_iio(line, VOLTAGE), 0, &val, &val2);
	KUNIT_EXPECT_EQ(test, 429496729, val);
	KUNIT_EXPECT_EQ(test, 300000000, val2);
}

static int power_scale(struct iio_dev *indio_dev, enum metering_value value, int *val, int *val2)
{
	return indio_dev->info->read_raw(indio_dev, channel_of(indio_dev, value, 0), val, val2,
					 IIO_CHAN_INFO_SCALE);
}

static void transformers_are_in_the_powers_of_a_power_box(struct kunit *test)
{
	struct fake_line *line = powered(test);
	struct iio_dev *hub;
	int val, val2 = 0;

	MAINS(line, "topology", "3p+n");
	MAINS(line, "conductor-names", "a\0b\0c");
	MAINS(line, "potential-transformer-ratio", ratio_347);
	box_scanned(line);
	hub = iio_of(line, HUB_AT);
	KUNIT_EXPECT_STREQ(test, "b\n", label_of(test, iio_of(line, -1), 1));
	KUNIT_EXPECT_EQ(test, IIO_VAL_FRACTIONAL, power_scale(hub, METERING_ACTIVE, &val, &val2));
	KUNIT_EXPECT_EQ(test, 347, val);
	KUNIT_EXPECT_EQ(test, 120, val2);
	KUNIT_EXPECT_EQ(test, IIO_VAL_FRACTIONAL, power_scale(hub, METERING_IMPORT, &val, &val2));
	KUNIT_EXPECT_EQ(test, 3600 * 347, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, power_scale(hub, METERING_CURRENT_RMS, &val, &val2));
	KUNIT_EXPECT_EQ(test, 1, val);
}

/**
 * struct nonsense - a property that cannot be
 * @name: the property
 * @value: as in a blob
 * @len: its bytes
 * @line: what the log says of it
 * @attribute: of the segment that is not there then
 */
struct nonsense {
	const char *name;
	const void *value;
	int len;
	const char *line;
	const char *attribute;
};

static const __be32 volts_9[] = { cpu_to_be32(9000000) };
static const __be32 volts_4000[] = { cpu_to_be32(4000000000U) };
static const __be32 hertz_55[] = { cpu_to_be32(55) };
static const __be32 ratio_down[] = { cpu_to_be32(120), cpu_to_be32(347) };
static const __be32 ratio_0[] = { cpu_to_be32(347), cpu_to_be32(0) };
static const __be32 ratio_high[] = { cpu_to_be32(100001), cpu_to_be32(1) };
static const __be32 three_cells[] = { cpu_to_be32(3), cpu_to_be32(2), cpu_to_be32(1) };
static const __be32 two_volts[] = { cpu_to_be32(120000000), cpu_to_be32(240000000) };
static const __be32 two_hertz[] = { cpu_to_be32(50), cpu_to_be32(60) };
static const u8 one_byte[] = { 50 };

#define SENSELESS(name, value, ...)	{ name, value, sizeof(value), __VA_ARGS__ }

/*
 * No two in a row with the same line: it is the name of the case as well, and the result
 * of the one before may be shown when the log of the next one is read already.
 */
static const struct nonsense nonsense[] = {
	SENSELESS("nominal-voltage-microvolt", two_volts,
		  "mains: nominal-voltage-microvolt: must be one number", "mains_voltage_uv"),
	SENSELESS("nominal-voltage-microvolt", volts_9,
		  "mains: nominal-voltage-microvolt = 9000000: must be 50000000 to 1000000000",
		  "mains_voltage_uv"),
	SENSELESS("nominal-voltage-microvolt", volts_4000,
		  "mains: nominal-voltage-microvolt = 4000000000: must be 50000000 to 1000000000",
		  "mains_voltage_uv"),
	SENSELESS("nominal-voltage-microvolt", one_byte,
		  "mains: nominal-voltage-microvolt: must be one number", "mains_voltage_uv"),
	SENSELESS("nominal-frequency-hz", two_hertz,
		  "mains: nominal-frequency-hz: must be one number", "mains_frequency_hz"),
	SENSELESS("nominal-frequency-hz", hertz_55,
		  "mains: nominal-frequency-hz = 55: must be 50 or 60", "mains_frequency_hz"),
	SENSELESS("nominal-frequency-hz", one_byte,
		  "mains: nominal-frequency-hz: must be one number", "mains_frequency_hz"),
	SENSELESS("potential-transformer-ratio", ratio_down,
		  "mains: potential-transformer-ratio = 120 347: must be 1 to 100000",
		  "mains_transformer_ratio"),
	SENSELESS("potential-transformer-ratio", ratio_0,
		  "mains: potential-transformer-ratio = 347 0: must be 1 to 100000",
		  "mains_transformer_ratio"),
	SENSELESS("potential-transformer-ratio", ratio_high,
		  "mains: potential-transformer-ratio = 100001 1: must be 1 to 100000",
		  "mains_transformer_ratio"),
	SENSELESS("potential-transformer-ratio", three_cells,
		  "mains: potential-transformer-ratio: must be two numbers",
		  "mains_transformer_ratio"),
	SENSELESS("conductor-names", "L1\0L2",
		  "mains: conductor-names: 2 names: must be one for each phase conductor, 3 to 3",
		  "mains_conductors"),
	SENSELESS("conductor-names", "L1\0L2\0L3\0L4",
		  "mains: conductor-names: 4 names: must be one for each", "mains_conductors"),
	SENSELESS("conductor-names", "L1\0a/b\0L3",
		  "mains: conductor-names = \"a/b\": must be 1 to 15 of", "mains_conductors"),
	SENSELESS("conductor-names", "L1\0\0L3",
		  "mains: conductor-names = \"\": must be 1 to 15 of", "mains_conductors"),
	SENSELESS("conductor-names", "L1\0sixteen-is-much-\0L3",
		  "mains: conductor-names = \"sixteen-is-much-\": must be 1 to 15 of",
		  "mains_conductors"),
	SENSELESS("conductor-names", "L1\0L2\0L1",
		  "mains: conductor-names = \"L1\" twice: each conductor", "mains_conductors"),
};

static void nonsense_describe(const struct nonsense *it, char *text)
{
	strscpy(text, it->line, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(nonsense, nonsense, nonsense_describe);

static void nonsense_is_named_and_all_else_is_used(struct kunit *test)
{
	const struct nonsense *it = test->param_value;
	struct fake_line *line = fake_line_new(test);

	bench_log(test, it->line);
	MAINS(line, "topology", "3p+n");
	fake_line_mains(line, it->name, it->value, it->len);
	mains_start(test, line);
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	KUNIT_EXPECT_STREQ(test, "missing", mains_show(line, it->attribute));
	KUNIT_EXPECT_STREQ(test, "3p+n", mains_show(line, "mains_topology"));
	KUNIT_EXPECT_STREQ(test, "L1\n", label_of(test, bench_iio(line, VOLTAGE), 0));
}

static void a_topology_that_nobody_knows_is_named_and_all_else_is_used(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	bench_log(test, "mains: topology = \"4p\": must be 1p, 2p+n, 3p+n, 3p or high-leg");
	MAINS(line, "topology", "4p");
	MAINS(line, "nominal-frequency-hz", hertz_50);
	mains_start(test, line);
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	KUNIT_EXPECT_STREQ(test, "missing", mains_show(line, "mains_topology"));
	KUNIT_EXPECT_STREQ(test, "50", mains_show(line, "mains_frequency_hz"));
}

static void a_node_without_topology_is_named(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	bench_log(test, "mains: topology is missing or no text");
	MAINS(line, "nominal-frequency-hz", hertz_50);
	mains_start(test, line);
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	KUNIT_EXPECT_STREQ(test, "50", mains_show(line, "mains_frequency_hz"));
}

static void a_module_without_an_address_is_refused_still(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	bench_log(test, "reg is not a unit address");
	MAINS(line, "topology", "1p");
	fake_line_label(line, 0, "hub");
	fake_line_add(line);
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
}

static struct kunit_case mains_cases[] = {
	KUNIT_CASE(the_segment_shows_what_the_mains_are),
	KUNIT_CASE(without_a_node_nothing_is_shown),
	KUNIT_CASE(conductor_names_are_the_labels_of_the_voltages),
	KUNIT_CASE(transformers_are_in_the_scale_of_voltages_only),
	KUNIT_CASE(the_largest_ratio_and_scale_do_not_overflow),
	KUNIT_CASE(transformers_are_in_the_powers_of_a_power_box),
	KUNIT_CASE_PARAM(nonsense_is_named_and_all_else_is_used, nonsense_gen_params),
	KUNIT_CASE(a_topology_that_nobody_knows_is_named_and_all_else_is_used),
	KUNIT_CASE(a_node_without_topology_is_named),
	KUNIT_CASE(a_module_without_an_address_is_refused_still),
	{ }
};

static struct kunit_suite mains_suite = {
	.name = "smappee-mains",
	.test_cases = mains_cases,
};

kunit_test_suite(mains_suite);

MODULE_DESCRIPTION("Tests of what the firmware says of the mains");
MODULE_LICENSE("GPL");
