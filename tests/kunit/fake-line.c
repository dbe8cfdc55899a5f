// SPDX-License-Identifier: GPL-2.0
/*
 * The fake segment's controller and wire. What the modules say is in
 * fake-module.c.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/async.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "fake-line.h"
#include "serdev-controller.h"

static struct fake_line *to_line(struct serdev_controller *ctrl)
{
	return *(struct fake_line **)serdev_controller_get_drvdata(ctrl);
}

/* Wire time of @len bytes, 8N1, in us. */
static unsigned long fake_wire_us(const struct fake_line *line, size_t len)
{
	return DIV_ROUND_UP(len * 10 * USEC_PER_SEC, line->baud);
}

/*
 * Length of the request at the start of the buffer, 0 while that is unknown,
 * -1 when there is no such function.
 */
static int fake_request_len(const u8 *rx, size_t len)
{
	if (len < 2)
		return 0;
	switch (rx[1]) {
	case SMAPPEE_FC_READ_REGISTERS:
		return 8;
	case SMAPPEE_FC_WRITE_REGISTERS:
		return len < 7 ? 0 : 9 + rx[6];
	case SMAPPEE_FC_READ_SAMPLES:
		return SMAPPEE_SAMPLES_REQ_LEN;
	case SMAPPEE_FC_SYNC:
		return SMAPPEE_SYNC_REQ_LEN;
	case SMAPPEE_FC_DISCOVER:
		return SMAPPEE_DISCOVER_LEN;
	default:
		return -1;
	}
}

static void fake_note(struct fake_line *line, const u8 *rx)
{
	struct fake_request *request = &line->log[line->requests++ % FAKE_LOG];

	memset(request, 0, sizeof(*request));
	request->time_ns = ktime_get_ns();
	request->unit = rx[0];
	request->function = rx[1];
	switch (rx[1]) {
	case SMAPPEE_FC_WRITE_REGISTERS:
		request->value = get_unaligned_be16(rx + 7);
		fallthrough;
	case SMAPPEE_FC_READ_REGISTERS:
		request->index = get_unaligned_be16(rx + 2);
		request->count = get_unaligned_be16(rx + 4);
		break;
	case SMAPPEE_FC_READ_SAMPLES:
		request->index = get_unaligned_be32(rx + 2);
		request->count = get_unaligned_be16(rx + 6);
		break;
	}
}

/*
 * Takes one request out of the buffer. Return: its length, 0 if there is none;
 * noise is thrown away, as a module does after silence.
 */
static size_t fake_take_request(struct fake_line *line, u8 *request)
{
	int len = fake_request_len(line->rx, line->rx_len);

	if (len < 0 || len > sizeof(line->rx)) {
		line->bad_requests++;
		line->rx_len = 0;
		return 0;
	}
	if (!len || line->rx_len < len)
		return 0;
	memcpy(request, line->rx, len);
	line->rx_len -= len;
	memmove(line->rx, line->rx + len, line->rx_len);
	if (fake_crc16(request, len)) {
		line->bad_requests++;
		line->rx_len = 0;
		return 0;
	}
	fake_note(line, request);
	return len;
}

static struct fake_fault *fake_fault_for(struct fake_line *line, u8 unit, u8 function)
{
	for (int i = 0; i < FAKE_FAULTS_MAX; i++) {
		struct fake_fault *fault = &line->fault[i];

		if (!fault->count)
			continue;
		if ((!fault->unit || fault->unit == unit) &&
		    (!fault->function || fault->function == function))
			return fault;
	}
	return NULL;
}

/*
 * Applies a fault to the answer; the delay that it causes is added to
 * @delay_us. Return: the new length.
 */
static size_t fake_spoil(struct fake_line *line, struct fake_fault *fault, u8 *answer, size_t len,
			 unsigned long *delay_us)
{
	fault->count--;
	switch (fault->kind) {
	case FAKE_DROP:
		return 0;
	case FAKE_CORRUPT:
		answer[len / 2] ^= 0x10;
		return len;
	case FAKE_TRUNCATE:
		return len - 3;
	case FAKE_DELAY:
		*delay_us += fault->value * USEC_PER_MSEC;
		return len;
	case FAKE_WRONG_UNIT:
		answer[0] = fault->value;
		return fake_seal(answer, len - 2);
	case FAKE_WRONG_FUNCTION:
		answer[1] = fault->value;
		return fake_seal(answer, len - 2);
	case FAKE_EXCEPTION:
		answer[1] |= SMAPPEE_FC_EXCEPTION;
		answer[2] = fault->value;
		return fake_seal(answer, 3);
	case FAKE_WRONG_INDEX:
		put_unaligned_be32(get_unaligned_be32(answer + SMAPPEE_SAMPLES_INDEX) +
				   fault->value, answer + SMAPPEE_SAMPLES_INDEX);
		put_unaligned_be32(fake_crc32(answer, len - SMAPPEE_SAMPLES_TAIL),
				   answer + len - SMAPPEE_SAMPLES_TAIL);
		return fake_seal(answer, len - 2);
	case FAKE_DOUBLE:
		memcpy(answer + len, answer, len);
		return 2 * len;
	case FAKE_GARBAGE:
		memmove(answer + fault->value, answer, len);
		memset(answer, 0xa5, fault->value);
		return len + fault->value;
	}
	return len;
}

static void fake_deliver(struct fake_line *line, const u8 *bytes, size_t len)
{
	size_t chunk = line->read_chunk ?: len;

	while (len && READ_ONCE(line->open)) {
		size_t n = min(len, chunk);
		size_t taken = serdev_controller_receive_buf(line->ctrl, bytes, n);

		/* A driver that leaves bytes behind stalls a real tty. */
		if (taken != n)
			KUNIT_FAIL(line->test, "the driver took %zu of %zu bytes", taken, n);
		bytes += n;
		len -= n;
	}
}

static bool fake_exchange(struct fake_line *line)
{
	unsigned long delay_us = line->turnaround_us;
	u8 request[sizeof(line->rx)];
	struct fake_fault *fault;
	size_t request_len, len;

	spin_lock(&line->lock);
	request_len = fake_take_request(line, request);
	if (!request_len) {
		spin_unlock(&line->lock);
		return false;
	}
	delay_us += fake_wire_us(line, request_len);
	len = fake_module_answer(line, request, request_len, line->answer);
	line->wire_bytes += request_len + len;
	line->longest_bytes = max(line->longest_bytes, request_len + len);
	if (len > SMAPPEE_SAMPLES_DATA && request[1] == SMAPPEE_FC_READ_SAMPLES)
		line->sample_bytes += get_unaligned_be16(line->answer + SMAPPEE_SAMPLES_BYTES);
	fault = len ? fake_fault_for(line, request[0], request[1]) : NULL;
	if (fault)
		len = fake_spoil(line, fault, line->answer, len, &delay_us);
	else if (len && prandom_u32_state(&line->rnd) % 100 < READ_ONCE(line->noise_percent))
		line->answer[prandom_u32_state(&line->rnd) % len] ^= 0x04;
	if (len && line->lies_percent) {
		fake_line_tell(line, line->answer, len);
		if (prandom_u32_state(&line->rnd) % 100 < READ_ONCE(line->lies_percent))
			len = fake_line_lie(line, line->answer, len);
	}
	spin_unlock(&line->lock);

	if (line->echo) {
		request[3] ^= line->echo_spoilt ? 0x01 : 0;
		line->echo_spoilt -= !!line->echo_spoilt;
		fake_deliver(line, request, request_len);
	}
	if (len) {
		if (line->jitter_us)
			delay_us += prandom_u32_state(&line->rnd) % line->jitter_us;
		/* A wire is exact; fsleep() would count ticks from 20 ms on. */
		delay_us += fake_wire_us(line, len);
		usleep_range(delay_us, delay_us + 1);
		fake_deliver(line, line->answer, len);
	}
	WRITE_ONCE(line->exchanges, line->exchanges + 1);
	wake_up_all(&line->seen);
	return true;
}

static void fake_wire_work(struct work_struct *work)
{
	struct fake_line *line = container_of(work, struct fake_line, work);

	if (line->write_chunk)
		serdev_controller_write_wakeup(line->ctrl);
	while (READ_ONCE(line->open) && fake_exchange(line))
		;
}

static serdev_written_t fake_write_buf(struct serdev_controller *ctrl, const u8 *bytes, size_t len)
{
	struct fake_line *line = to_line(ctrl);

	if (READ_ONCE(line->stalled))
		return 0;
	if (line->write_chunk)
		len = min(len, line->write_chunk);
	if (line->stall_after) {
		len = min(len, line->stall_after);
		line->stall_after -= len;
		WRITE_ONCE(line->stalled, !line->stall_after);
	}
	spin_lock(&line->lock);
	len = min(len, sizeof(line->rx) - line->rx_len);
	memcpy(line->rx + line->rx_len, bytes, len);
	line->rx_len += len;
	spin_unlock(&line->lock);
	queue_work(line->wire, &line->work);
	return len;
}

static void fake_write_flush(struct serdev_controller *ctrl)
{
	struct fake_line *line = to_line(ctrl);

	spin_lock(&line->lock);
	line->rx_len = 0;
	spin_unlock(&line->lock);
}

static int fake_open(struct serdev_controller *ctrl)
{
	struct fake_line *line = to_line(ctrl);

	WRITE_ONCE(line->open, true);
	return 0;
}

static void fake_close(struct serdev_controller *ctrl)
{
	struct fake_line *line = to_line(ctrl);

	WRITE_ONCE(line->open, false);
	cancel_work_sync(&line->work);
	spin_lock(&line->lock);
	line->rx_len = 0;
	spin_unlock(&line->lock);
}

static void fake_set_flow_control(struct serdev_controller *ctrl, bool enable)
{
}

static int fake_set_parity(struct serdev_controller *ctrl, enum serdev_parity parity)
{
	return parity == SERDEV_PARITY_NONE ? 0 : -EINVAL;
}

static unsigned int fake_set_baudrate(struct serdev_controller *ctrl, unsigned int baud)
{
	struct fake_line *line = to_line(ctrl);

	line->baud = baud + line->baud_offset;
	return line->baud;
}

static void fake_wait_until_sent(struct serdev_controller *ctrl, long timeout)
{
}

static const struct serdev_controller_ops fake_ops = {
	.write_buf = fake_write_buf,
	.write_flush = fake_write_flush,
	.open = fake_open,
	.close = fake_close,
	.set_flow_control = fake_set_flow_control,
	.set_parity = fake_set_parity,
	.set_baudrate = fake_set_baudrate,
	.wait_until_sent = fake_wait_until_sent,
};

static void fake_prop(struct fake_node *node, int n, const char *name, const void *value, int len)
{
	struct property *prop = &node->prop[n];

	prop->name = (char *)name;
	prop->value = (void *)value;
	prop->length = len;
	prop->next = node->np.properties;
	node->np.properties = prop;
}

/* As of_node_init() does, whose type is not for modules. */
static void fake_node_release(struct kobject *kobj)
{
}

static const struct kobj_type fake_node_type = {
	.release = fake_node_release,
};

static void fake_node_init(struct fake_node *node, struct fake_node *parent, const char *name)
{
	kobject_init(&node->np.kobj, &fake_node_type);
	fwnode_init(&node->np.fwnode, &of_fwnode_ops);
	strscpy(node->name, name, sizeof(node->name));
	node->np.name = node->name;
	node->np.full_name = node->name;
	if (!parent)
		return;
	node->np.parent = &parent->np;
	node->np.sibling = parent->np.child;
	parent->np.child = &node->np;
}

static void fake_line_free(void *line)
{
	kvfree(line);
}

static void fake_line_down(void *data)
{
	struct fake_line *line = data;

	if (line->added)
		fake_line_remove(line);
	serdev_controller_put(line->ctrl);
	destroy_workqueue(line->wire);
}

struct fake_line *fake_line_new(struct kunit *test)
{
	struct fake_line *line = kvzalloc(sizeof(*line), GFP_KERNEL);
	static unsigned int lines;
	char name[24];

	/* The host's node is in there, so it goes after the host. */
	KUNIT_ASSERT_NOT_NULL(test, line);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fake_line_free, line));
	line->test = test;
	line->baud = 4000000;
	line->turnaround_us = 200;
	prandom_seed_state(&line->rnd, 1);
	spin_lock_init(&line->lock);
	init_waitqueue_head(&line->seen);
	INIT_WORK(&line->work, fake_wire_work);
	line->wire = alloc_ordered_workqueue("fake-wire", 0);
	KUNIT_ASSERT_NOT_NULL(test, line->wire);

	fake_node_init(&line->port, NULL, "serial");
	fake_node_init(&line->segment, &line->port, "segment");
	line->compatible = "smappee,waveform-segment";
	line->segment.cell = cpu_to_be32(line->baud);
	fake_prop(&line->segment, 1, "current-speed", &line->segment.cell, sizeof(__be32));

	snprintf(name, sizeof(name), "fake-uart%u", lines++);
	line->host = kunit_device_register(test, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, line->host);
	device_set_node(line->host, of_fwnode_handle(&line->port.np));

	line->ctrl = serdev_controller_alloc(line->host, line->host, sizeof(line));
	KUNIT_ASSERT_NOT_NULL(test, line->ctrl);
	*(struct fake_line **)serdev_controller_get_drvdata(line->ctrl) = line;
	line->ctrl->ops = &fake_ops;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fake_line_down, line));
	return line;
}

void fake_line_label(struct fake_line *line, u8 unit, const char *label)
{
	struct fake_node *node = &line->label[line->labels++];
	char name[16];

	snprintf(name, sizeof(name), "module@%x", unit);
	fake_node_init(node, &line->segment, name);
	node->cell = cpu_to_be32(unit);
	fake_prop(node, 0, "reg", &node->cell, sizeof(__be32));
	fake_prop(node, 1, "label", label, strlen(label) + 1);
}

void fake_line_mains(struct fake_line *line, const char *name, const void *value, int len)
{
	int n = 0;

	if (!line->mains.np.name)
		fake_node_init(&line->mains, &line->segment, "mains");
	while (line->mains.prop[n].name)
		n++;
	KUNIT_ASSERT_LT(line->test, n, ARRAY_SIZE(line->mains.prop));
	fake_prop(&line->mains, n, name, value, len);
}

void fake_line_local_echo(struct fake_line *line)
{
	fake_prop(&line->segment, 2, "local-echo", NULL, 0);
}

void fake_line_serial(struct fake_line *line, const char *serial)
{
	fake_prop(&line->label[line->labels - 1], 2, "serial-number", serial, strlen(serial) + 1);
}

void fake_line_add(struct fake_line *line)
{
	if (!line->segment.prop[0].name)
		fake_prop(&line->segment, 0, "compatible", line->compatible,
			  strlen(line->compatible) + 1);
	KUNIT_ASSERT_EQ(line->test, 0, serdev_controller_add(line->ctrl));
	line->added = true;
	async_synchronize_full();
}

void fake_line_remove(struct fake_line *line)
{
	serdev_controller_remove(line->ctrl);
	line->added = false;
}

void fake_line_fault(struct fake_line *line, enum fake_fault_kind kind, u8 unit, u8 function,
		     unsigned int count, int value)
{
	int i;

	spin_lock(&line->lock);
	for (i = 0; i < FAKE_FAULTS_MAX && line->fault[i].count; i++)
		;
	if (i < FAKE_FAULTS_MAX)
		line->fault[i] = (struct fake_fault){ kind, unit, function, count, value };
	spin_unlock(&line->lock);
	KUNIT_ASSERT_LT(line->test, i, FAKE_FAULTS_MAX);
}

void fake_line_inject(struct fake_line *line, const u8 *bytes, size_t len)
{
	fake_deliver(line, bytes, len);
}

void fake_line_resume(struct fake_line *line)
{
	WRITE_ONCE(line->stalled, false);
	serdev_controller_write_wakeup(line->ctrl);
}

void fake_line_pause(struct fake_line *line)
{
	unsigned int before = READ_ONCE(line->exchanges);

	wait_event_timeout(line->seen, READ_ONCE(line->exchanges) != before, 1);
}

struct device *fake_line_serdev(struct fake_line *line)
{
	return &line->ctrl->serdev->dev;
}

static unsigned int fake_line_search(struct fake_line *line, u8 unit, u8 function,
				     unsigned int nth, struct fake_request *found)
{
	unsigned int first, i, n = 0;

	spin_lock(&line->lock);
	first = line->requests > FAKE_LOG ? line->requests - FAKE_LOG : 0;
	for (i = first; i < line->requests; i++) {
		const struct fake_request *request = &line->log[i % FAKE_LOG];

		if ((unit && request->unit != unit) ||
		    (function && request->function != function))
			continue;
		if (found && n == nth)
			*found = *request;
		n++;
	}
	spin_unlock(&line->lock);
	return n;
}

unsigned int fake_line_count(struct fake_line *line, u8 unit, u8 function)
{
	return fake_line_search(line, unit, function, 0, NULL);
}

bool fake_line_find(struct fake_line *line, u8 unit, u8 function, unsigned int nth,
		    struct fake_request *request)
{
	return fake_line_search(line, unit, function, nth, request) > nth;
}
