// SPDX-License-Identifier: GPL-2.0
/*
 * Transactions on a line: one in flight, whole answers only, everything else
 * counted and thrown away. A small serdev driver of this file opens the fake
 * port and gives its bytes to the line, so nothing but segment.c is under test.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/serdev.h>
#include <linux/workqueue.h>

#include "../../drivers/tty/serdev/smappee_bus/segment-parts.h"
#include "compat.h"
#include "fake-line.h"

#define VOLTAGE		1
#define HUB		2

/* The line under test and what it counted. */
struct bench {
	struct smappee_line line;
	struct smappee_counters count;
};

static serdev_receive_t bench_receive(struct serdev_device *serdev, const serdev_receive_u8 *bytes,
				      size_t len)
{
	struct bench *bench = serdev_device_get_drvdata(serdev);

	return smappee_line_receive(&bench->line, bytes, len);
}

static const struct serdev_device_ops bench_ops = {
	.receive_buf = bench_receive,
	.write_wakeup = serdev_device_write_wakeup,
};

static int bench_probe(struct serdev_device *serdev)
{
	struct bench *bench = devm_kzalloc(&serdev->dev, sizeof(*bench), GFP_KERNEL);

	if (!bench)
		return -ENOMEM;
	smappee_line_init(&bench->line, serdev, 99, 4000000, false, &bench->count);
	serdev_device_set_drvdata(serdev, bench);
	serdev_device_set_client_ops(serdev, &bench_ops);
	return devm_serdev_device_open(&serdev->dev, serdev);
}

static const struct of_device_id bench_ids[] = {
	{ .compatible = "smappee,kunit-line" },
	{ }
};

static struct serdev_device_driver bench_driver = {
	.driver = {
		.name = "smappee-kunit-line",
		.of_match_table = bench_ids,
	},
	.probe = bench_probe,
};

static int segment_suite_init(struct kunit_suite *suite)
{
	return serdev_device_driver_register(&bench_driver);
}

static void segment_suite_exit(struct kunit_suite *suite)
{
	serdev_device_driver_unregister(&bench_driver);
}

static int segment_init(struct kunit *test)
{
	struct fake_line *fake = fake_line_new(test);

	fake->compatible = "smappee,kunit-line";
	fake_voltage(fake, VOLTAGE, 100001)->reference = 1;
	fake_hub(fake, HUB, 104233);
	fake_line_add(fake);
	test->priv = fake;
	return 0;
}

static struct bench *bench_of(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = dev_get_drvdata(fake_line_serdev(fake));

	KUNIT_ASSERT_NOT_NULL(test, bench);
	return bench;
}

#define COUNT(bench, name) atomic64_read(&(bench)->count.name)

static int read_type(struct bench *bench, u8 unit, u16 *type, unsigned int tries)
{
	return smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL, unit, SMAPPEE_REG_TYPE, 1,
					   type, tries, NULL);
}

static int read_rate(struct bench *bench, u16 *rate)
{
	return smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL, HUB, SMAPPEE_REG_RATE, 1,
					   rate, 1, NULL);
}

static void expect_hub_answers(struct kunit *test, struct bench *bench)
{
	u16 type = 0;

	KUNIT_EXPECT_EQ(test, 0, read_type(bench, HUB, &type, 1));
	KUNIT_EXPECT_EQ(test, SMAPPEE_TYPE_OPEN_CT_HUB, type);
}

static void registers_of_a_module_are_read(struct kunit *test)
{
	struct bench *bench = bench_of(test);
	u16 regs[SMAPPEE_REG_IDENTITY_COUNT];

	KUNIT_ASSERT_EQ(test, 0, smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL, HUB,
							     SMAPPEE_REG_IDENTITY,
							     SMAPPEE_REG_IDENTITY_COUNT, regs, 1,
							     NULL));
	KUNIT_EXPECT_EQ(test, SMAPPEE_TYPE_OPEN_CT_HUB, regs[0]);
	KUNIT_EXPECT_EQ(test, 4, regs[1]);
	KUNIT_EXPECT_EQ(test, 104233, modbus_u32(regs + 2));
	KUNIT_EXPECT_EQ(test, 1, COUNT(bench, transactions));
	KUNIT_EXPECT_EQ(test, 0, COUNT(bench, stray_bytes));
}

static void a_register_that_was_written_reads_back(struct kunit *test)
{
	struct bench *bench = bench_of(test);
	u16 rate = 2000;

	KUNIT_ASSERT_EQ(test, 0, smappee_line_write_registers(&bench->line, SMAPPEE_CONTROL, HUB,
							      SMAPPEE_REG_RATE, 1, &rate, 1, NULL));
	rate = 0;
	KUNIT_ASSERT_EQ(test, 0, smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL, HUB,
							     SMAPPEE_REG_RATE, 1, &rate, 1, NULL));
	KUNIT_EXPECT_EQ(test, 2000, rate);
}

static void a_request_is_sent_whole_by_a_port_that_takes_one_byte_at_a_time(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);

	fake->write_chunk = 1;
	expect_hub_answers(test, bench);
	expect_hub_answers(test, bench);
	KUNIT_EXPECT_EQ(test, 0, fake->bad_requests);
}

static void an_answer_is_whole_whatever_the_pieces_it_comes_in(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);

	for (size_t chunk = 1; chunk <= 26; chunk++) {
		u16 regs[SMAPPEE_REG_IDENTITY_COUNT];

		fake->read_chunk = chunk;
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL, HUB,
								SMAPPEE_REG_IDENTITY,
								ARRAY_SIZE(regs), regs, 1, NULL),
				    "in pieces of %zu", chunk);
		KUNIT_EXPECT_EQ(test, 104233, modbus_u32(regs + 2));
	}
	KUNIT_EXPECT_EQ(test, 0, COUNT(bench, stray_bytes));
}

static void a_silent_unit_times_out_soon(struct kunit *test)
{
	struct bench *bench = bench_of(test);
	s64 begin = ktime_get_ns();
	u16 type;

	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, read_type(bench, 17, &type, 1));
	KUNIT_EXPECT_LE(test, ktime_get_ns() - begin, 100 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, 1, COUNT(bench, timeouts));
	expect_hub_answers(test, bench);
}

static void a_damaged_answer_is_counted_and_not_believed(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type = 1;

	fake_line_fault(fake, FAKE_CORRUPT, HUB, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, -EBADMSG, read_type(bench, HUB, &type, 1));
	KUNIT_EXPECT_EQ(test, 1, type);
	KUNIT_EXPECT_EQ(test, 1, COUNT(bench, crc_errors));
	expect_hub_answers(test, bench);
}

static void an_answer_without_its_end_times_out(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type;

	fake_line_fault(fake, FAKE_TRUNCATE, HUB, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, read_type(bench, HUB, &type, 1));
	expect_hub_answers(test, bench);
}

static void an_answer_of_another_unit_is_not_ours(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type;

	fake_line_fault(fake, FAKE_WRONG_UNIT, HUB, 0, 1, VOLTAGE);
	KUNIT_EXPECT_EQ(test, -EPROTO, read_type(bench, HUB, &type, 1));
	KUNIT_EXPECT_EQ(test, 1, COUNT(bench, bad_answers));
	expect_hub_answers(test, bench);
}

static void an_answer_with_another_function_is_not_ours(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type;

	fake_line_fault(fake, FAKE_WRONG_FUNCTION, HUB, 0, 1, 4);
	KUNIT_EXPECT_EQ(test, -EPROTO, read_type(bench, HUB, &type, 1));
	expect_hub_answers(test, bench);
}

static void a_second_try_heals_noise_and_is_counted(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	struct smappee_counters module = { };
	u16 type;

	fake_line_fault(fake, FAKE_CORRUPT, HUB, 0, 1, 0);
	fake_line_fault(fake, FAKE_DROP, HUB, 0, 1, 0);
	KUNIT_ASSERT_EQ(test, 0, smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL, HUB,
							     SMAPPEE_REG_TYPE, 1, &type, 3,
							     &module));
	KUNIT_EXPECT_EQ(test, SMAPPEE_TYPE_OPEN_CT_HUB, type);
	KUNIT_EXPECT_EQ(test, 2, COUNT(bench, retries));
	KUNIT_EXPECT_EQ(test, 2, atomic64_read(&module.retries));
	KUNIT_EXPECT_EQ(test, 1, atomic64_read(&module.crc_errors));
	KUNIT_EXPECT_EQ(test, 1, atomic64_read(&module.timeouts));
}

static void tries_end(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type;

	fake_line_fault(fake, FAKE_CORRUPT, HUB, 0, 100, 0);
	KUNIT_EXPECT_EQ(test, -EBADMSG, read_type(bench, HUB, &type, 4));
	KUNIT_EXPECT_EQ(test, 4, fake_line_count(fake, HUB, SMAPPEE_FC_READ_REGISTERS));
}

static void a_refused_address_is_not_asked_for_again(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 value;

	KUNIT_EXPECT_EQ(test, -ENXIO, smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL,
								  HUB, 0x4000, 1, &value, 5, NULL));
	KUNIT_EXPECT_EQ(test, 1, fake_line_count(fake, HUB, SMAPPEE_FC_READ_REGISTERS));
	KUNIT_EXPECT_EQ(test, 1, COUNT(bench, exceptions));
}

static void a_refused_value_is_an_error(struct kunit *test)
{
	struct bench *bench = bench_of(test);
	u16 rate = 5000;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			smappee_line_write_registers(&bench->line, SMAPPEE_CONTROL, HUB,
						     SMAPPEE_REG_RATE, 1, &rate, 3, NULL));
}

static void a_busy_module_is_asked_again_after_a_while(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	struct fake_request first, second;
	u16 type;

	fake_line_fault(fake, FAKE_EXCEPTION, HUB, 0, 1, SMAPPEE_EX_BUSY);
	KUNIT_ASSERT_EQ(test, 0, read_type(bench, HUB, &type, 2));
	KUNIT_ASSERT_TRUE(test, fake_line_find(fake, HUB, 0, 0, &first));
	KUNIT_ASSERT_TRUE(test, fake_line_find(fake, HUB, 0, 1, &second));
	KUNIT_EXPECT_GE(test, second.time_ns - first.time_ns, 10 * NSEC_PER_MSEC);
}

/*
 * The two reads have the same length, so nothing but draining the line can
 * tell the answer of the first from that of the second.
 */
static void an_answer_that_comes_after_its_timeout_is_not_taken_for_the_next(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	unsigned int late = 0;
	u16 value = 0;
	u8 unit;
	s64 before;
	int ret;

	for (int late_ms = 8; late_ms <= 40; late_ms++) {
		before = COUNT(bench, stray_bytes);
		fake_line_fault(fake, FAKE_DELAY, HUB, 0, 1, late_ms);
		ret = read_type(bench, HUB, &value, 1);
		if (!ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, -ETIMEDOUT, ret, "%d ms late", late_ms);
		late++;
		KUNIT_ASSERT_TRUE(test, fake_line_wait(fake, COUNT(bench, stray_bytes) > before,
						       1000));
		KUNIT_EXPECT_EQ(test, 7, COUNT(bench, stray_bytes) - before);
		KUNIT_EXPECT_EQ(test, 0, read_rate(bench, &value));
		KUNIT_EXPECT_EQ_MSG(test, 4000, value, "%d ms late", late_ms);
	}
	KUNIT_EXPECT_GE(test, late, 20);
	/* nobody has sent unasked */
	KUNIT_EXPECT_EQ(test, 0, smappee_line_strays(&bench->line, &unit));
}

static void the_next_request_waits_until_the_line_is_quiet(struct kunit *test)
{
	static const u8 noise[] = { 1, 2, 3 };
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	struct fake_request request;
	s64 noise_ns = ktime_get_ns();

	fake_line_inject(fake, noise, sizeof(noise));
	expect_hub_answers(test, bench);
	KUNIT_ASSERT_TRUE(test, fake_line_find(fake, HUB, 0, 0, &request));
	KUNIT_EXPECT_GE(test, request.time_ns - noise_ns, 3 * NSEC_PER_MSEC);
}

static void a_port_that_does_not_send_is_an_error(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type;

	fake->stalled = true;
	KUNIT_EXPECT_EQ(test, -EIO, read_type(bench, HUB, &type, 1));
	KUNIT_EXPECT_EQ(test, 1, COUNT(bench, timeouts));
	fake_line_resume(fake);
	expect_hub_answers(test, bench);
}

static void a_request_that_was_sent_in_part_does_not_spoil_the_next(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type;

	fake->stall_after = 3;
	KUNIT_EXPECT_EQ(test, -EIO, read_type(bench, HUB, &type, 1));
	fake_line_resume(fake);
	expect_hub_answers(test, bench);
	KUNIT_EXPECT_EQ(test, 0, fake->bad_requests);
}

static void an_answer_that_comes_twice_is_taken_once(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 value;

	fake_line_fault(fake, FAKE_DOUBLE, HUB, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, 0, read_type(bench, HUB, &value, 1));
	KUNIT_EXPECT_EQ(test, 0, smappee_line_read_registers(&bench->line, SMAPPEE_CONTROL, HUB,
							     SMAPPEE_REG_RATE, 1, &value, 1, NULL));
	KUNIT_EXPECT_EQ(test, 4000, value);
	KUNIT_EXPECT_EQ(test, 7, COUNT(bench, stray_bytes));
}

static void bytes_that_nobody_asked_for_are_counted_and_dropped(struct kunit *test)
{
	static const u8 noise[] = { HUB, 3, 2, 0xff, 0xff };
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u8 unit;

	fake_line_inject(fake, noise, sizeof(noise));
	KUNIT_EXPECT_EQ(test, sizeof(noise), COUNT(bench, stray_bytes));
	KUNIT_EXPECT_EQ(test, 1, smappee_line_strays(&bench->line, &unit));
	expect_hub_answers(test, bench);
}

static void noise_before_an_answer_costs_one_try(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u16 type = 0;

	fake_line_fault(fake, FAKE_GARBAGE, HUB, 0, 1, 9);
	KUNIT_EXPECT_EQ(test, 0, read_type(bench, HUB, &type, 2));
	KUNIT_EXPECT_EQ(test, SMAPPEE_TYPE_OPEN_CT_HUB, type);
	KUNIT_EXPECT_EQ(test, 1, COUNT(bench, retries));
}

static void the_longest_sample_block_passes(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct bench *bench = bench_of(test);
	u8 *frame = kunit_kzalloc(test, SMAPPEE_FRAME_MAX_SAMPLES, GFP_KERNEL);
	struct smappee_answer answer = { .frame = frame, .size = SMAPPEE_FRAME_MAX_SAMPLES };
	struct modbus_request rq;

	fake->module[1].start_ns -= 10ULL * NSEC_PER_SEC;
	fake->module[0].start_ns -= 10ULL * NSEC_PER_SEC;
	fake->module[1].format = SMAPPEE_FORMAT_S24;
	fake->read_chunk = 64;
	KUNIT_ASSERT_EQ(test, 0, modbus_read_samples(&rq, HUB, 38100, 1024));
	KUNIT_ASSERT_EQ(test, 0, smappee_line_transact(&bench->line, SMAPPEE_SAMPLES, &rq, &answer,
						       NULL));
	KUNIT_EXPECT_EQ(test, SMAPPEE_SAMPLES_DATA + 333 * 12 + SMAPPEE_SAMPLES_TAIL, answer.len);
	KUNIT_EXPECT_LE(test, answer.first_ns, (s64)ktime_get_ns());
}

static void an_answer_longer_than_its_place_is_refused(struct kunit *test)
{
	struct bench *bench = bench_of(test);
	u8 frame[6];
	struct smappee_answer answer = { .frame = frame, .size = sizeof(frame) };
	struct modbus_request rq;

	KUNIT_ASSERT_EQ(test, 0, modbus_read_registers(&rq, HUB, SMAPPEE_REG_TYPE, 1));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_line_transact(&bench->line, SMAPPEE_SAMPLES, &rq,
							     &answer, NULL));
}

/* A read that runs in a worker. */
struct errand {
	struct work_struct work;
	struct bench *bench;
	enum smappee_priority priority;
	u8 unit;
	u16 address;
	u16 value;
	int ret;
	struct completion done;
};

static void errand_work(struct work_struct *work)
{
	struct errand *errand = container_of(work, struct errand, work);

	errand->ret = smappee_line_read_registers(&errand->bench->line, errand->priority,
						  errand->unit, errand->address, 1, &errand->value,
						  1, NULL);
	complete(&errand->done);
}

static struct errand *errand_send(struct kunit *test, enum smappee_priority priority, u8 unit,
				  u16 address)
{
	struct errand *errand = kunit_kzalloc(test, sizeof(*errand), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, errand);
	errand->bench = bench_of(test);
	errand->priority = priority;
	errand->unit = unit;
	errand->address = address;
	init_completion(&errand->done);
	INIT_WORK(&errand->work, errand_work);
	queue_work(system_unbound_wq, &errand->work);
	return errand;
}

/* Wait for what another thread does with the line; it has no event of its own. */
static bool line_becomes(struct bench *bench, bool (*is)(struct bench *, int), int what)
{
	for (int i = 0; i < 1000 && !is(bench, what); i++)
		usleep_range(20, 30);
	return is(bench, what);
}

static bool is_busy(struct bench *bench, int unused)
{
	return READ_ONCE(bench->line.busy);
}

static bool is_waiting(struct bench *bench, int priority)
{
	return smappee_turn_urgent(&bench->line, priority + 1);
}

static bool are_waiting(struct bench *bench, int many)
{
	size_t n;

	spin_lock(&bench->line.lock);
	n = list_count_nodes(&bench->line.turns);
	spin_unlock(&bench->line.lock);
	return n == many;
}

/* A transaction that holds the line, since the port does not take its request. */
static struct errand *hold_line(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct errand *slow;

	fake->stalled = true;
	slow = errand_send(test, SMAPPEE_HOUSEKEEPING, VOLTAGE, SMAPPEE_REG_TYPE);
	KUNIT_ASSERT_TRUE(test, line_becomes(bench_of(test), is_busy, 0));
	return slow;
}

static struct errand *queue_errand(struct kunit *test, enum smappee_priority priority, u16 address)
{
	struct errand *errand = errand_send(test, priority, HUB, address);

	KUNIT_EXPECT_TRUE(test, line_becomes(bench_of(test), is_waiting, priority));
	return errand;
}

static void control_goes_before_samples_and_those_before_housekeeping(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct errand *slow = hold_line(test);
	struct errand *errand[3];
	struct fake_request request;

	errand[0] = queue_errand(test, SMAPPEE_HOUSEKEEPING, SMAPPEE_REG_RATES);
	errand[1] = queue_errand(test, SMAPPEE_SAMPLES, SMAPPEE_REG_RATE);
	errand[2] = queue_errand(test, SMAPPEE_CONTROL, SMAPPEE_REG_TYPE);
	fake_line_resume(fake);
	wait_for_completion(&slow->done);
	for (int i = 0; i < 3; i++) {
		wait_for_completion(&errand[i]->done);
		KUNIT_EXPECT_EQ(test, 0, errand[i]->ret);
	}
	KUNIT_ASSERT_TRUE(test, fake_line_find(fake, HUB, 0, 0, &request));
	KUNIT_EXPECT_EQ(test, SMAPPEE_REG_TYPE, request.index);
	KUNIT_ASSERT_TRUE(test, fake_line_find(fake, HUB, 0, 1, &request));
	KUNIT_EXPECT_EQ(test, SMAPPEE_REG_RATE, request.index);
	KUNIT_ASSERT_TRUE(test, fake_line_find(fake, HUB, 0, 2, &request));
	KUNIT_EXPECT_EQ(test, SMAPPEE_REG_RATES, request.index);
}

/* One who asks again and again does not keep out who is as urgent. */
static void equals_have_the_line_in_turn(struct kunit *test)
{
	static const u16 address[] = {
		SMAPPEE_REG_RATES, SMAPPEE_REG_RATE, SMAPPEE_REG_TYPE, SMAPPEE_REG_SLOTS,
	};
	struct fake_line *fake = test->priv;
	struct errand *slow = hold_line(test);
	struct errand *errand[ARRAY_SIZE(address)];
	struct fake_request request;

	for (int i = 0; i < ARRAY_SIZE(address); i++) {
		errand[i] = errand_send(test, SMAPPEE_HOUSEKEEPING, HUB, address[i]);
		KUNIT_ASSERT_TRUE(test, line_becomes(bench_of(test), are_waiting, i + 1));
	}
	fake_line_resume(fake);
	wait_for_completion(&slow->done);
	for (int i = 0; i < ARRAY_SIZE(address); i++) {
		wait_for_completion(&errand[i]->done);
		KUNIT_ASSERT_TRUE(test, fake_line_find(fake, HUB, 0, i, &request));
		KUNIT_EXPECT_EQ(test, address[i], request.index);
	}
}

/* A Power Box is slower to answer than any open module may be. */
static void a_slow_unit_does_not_make_discover_wait(struct kunit *test)
{
	struct fake_line *fake = test->priv;
	struct smappee_line *line = &bench_of(test)->line;
	u8 frame[SMAPPEE_DISCOVER_LEN];
	struct smappee_answer answer = { .frame = frame, .size = sizeof(frame) };
	struct modbus_request rq;
	s64 took_ns;

	smappee_line_init(line, line->serdev, 99, 4000000, true, line->count);
	fake->turnaround_us = 60000;
	expect_hub_answers(test, bench_of(test));
	/* nobody has this address */
	KUNIT_ASSERT_EQ(test, 0, modbus_discover(&rq, SMAPPEE_DISCOVER_SEARCH, 9, 0, 0));
	took_ns = ktime_get_ns();
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, smappee_line_transact(line, SMAPPEE_HOUSEKEEPING, &rq,
								&answer, NULL));
	took_ns = ktime_get_ns() - took_ns;
	KUNIT_EXPECT_GE(test, took_ns, 20 * NSEC_PER_MSEC);
	KUNIT_EXPECT_LE(test, took_ns, 25 * NSEC_PER_MSEC);
}

static void those_who_wait_are_sent_home_when_the_line_stops(struct kunit *test)
{
	struct errand *slow = hold_line(test);
	struct bench *bench = bench_of(test);
	struct errand *waiting = queue_errand(test, SMAPPEE_SAMPLES, SMAPPEE_REG_TYPE);
	u16 type;

	smappee_line_stop(&bench->line);
	wait_for_completion(&waiting->done);
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, waiting->ret);
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, read_type(bench, HUB, &type, 3));
	wait_for_completion(&slow->done);
}

static void many_who_ask_at_once_each_get_their_own_answer(struct kunit *test)
{
	static const u16 address[] = {
		SMAPPEE_REG_TYPE, SMAPPEE_REG_SLOTS, SMAPPEE_REG_SERIAL, SMAPPEE_REG_RATE,
		SMAPPEE_REG_RATES, SMAPPEE_REG_DEPTH, SMAPPEE_REG_CHANNELS, SMAPPEE_REG_FORMATS,
	};
	static const u16 value[] = {
		SMAPPEE_TYPE_OPEN_CT_HUB, 4, 104233 & 0xffff, 4000, 3, 2048, 4, 0x1e,
	};
	struct errand *errand[5 * ARRAY_SIZE(address)];

	for (int i = 0; i < ARRAY_SIZE(errand); i++)
		errand[i] = errand_send(test, i % SMAPPEE_PRIORITIES, HUB,
					address[i % ARRAY_SIZE(address)]);
	for (int i = 0; i < ARRAY_SIZE(errand); i++) {
		wait_for_completion(&errand[i]->done);
		KUNIT_EXPECT_EQ(test, 0, errand[i]->ret);
		KUNIT_EXPECT_EQ(test, value[i % ARRAY_SIZE(value)], errand[i]->value);
	}
}

static struct kunit_case segment_cases[] = {
	KUNIT_CASE(registers_of_a_module_are_read),
	KUNIT_CASE(a_register_that_was_written_reads_back),
	KUNIT_CASE(a_request_is_sent_whole_by_a_port_that_takes_one_byte_at_a_time),
	KUNIT_CASE(an_answer_is_whole_whatever_the_pieces_it_comes_in),
	KUNIT_CASE(a_silent_unit_times_out_soon),
	KUNIT_CASE(a_damaged_answer_is_counted_and_not_believed),
	KUNIT_CASE(an_answer_without_its_end_times_out),
	KUNIT_CASE(an_answer_of_another_unit_is_not_ours),
	KUNIT_CASE(an_answer_with_another_function_is_not_ours),
	KUNIT_CASE(a_second_try_heals_noise_and_is_counted),
	KUNIT_CASE(tries_end),
	KUNIT_CASE(a_refused_address_is_not_asked_for_again),
	KUNIT_CASE(a_refused_value_is_an_error),
	KUNIT_CASE(a_busy_module_is_asked_again_after_a_while),
	KUNIT_CASE(an_answer_that_comes_after_its_timeout_is_not_taken_for_the_next),
	KUNIT_CASE(the_next_request_waits_until_the_line_is_quiet),
	KUNIT_CASE(a_port_that_does_not_send_is_an_error),
	KUNIT_CASE(a_request_that_was_sent_in_part_does_not_spoil_the_next),
	KUNIT_CASE(an_answer_that_comes_twice_is_taken_once),
	KUNIT_CASE(bytes_that_nobody_asked_for_are_counted_and_dropped),
	KUNIT_CASE(noise_before_an_answer_costs_one_try),
	KUNIT_CASE(the_longest_sample_block_passes),
	KUNIT_CASE(an_answer_longer_than_its_place_is_refused),
	KUNIT_CASE(control_goes_before_samples_and_those_before_housekeeping),
	KUNIT_CASE(equals_have_the_line_in_turn),
	KUNIT_CASE(a_slow_unit_does_not_make_discover_wait),
	KUNIT_CASE(those_who_wait_are_sent_home_when_the_line_stops),
	KUNIT_CASE(many_who_ask_at_once_each_get_their_own_answer),
	{ }
};

static struct kunit_suite segment_suite = {
	.name = "smappee-segment",
	.suite_init = segment_suite_init,
	.suite_exit = segment_suite_exit,
	.init = segment_init,
	.test_cases = segment_cases,
};

kunit_test_suite(segment_suite);

MODULE_DESCRIPTION("Tests of transactions on a metering segment");
MODULE_LICENSE("GPL");
