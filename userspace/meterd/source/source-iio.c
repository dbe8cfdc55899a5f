// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IIO devices through libiio 0.x, local or over the network.
 *
 * One timer reads all devices once per block, without waiting: one wake-up for all
 * devices costs less than a descriptor each, and the kernel's FIFO is made deep
 * enough for four seconds. With a network context, where libiio has no read without
 * waiting, a read waits for the server for at most a block.
 *
 * A libiio context is a picture of the devices at the time it was made. So every
 * search makes a new context, and a context lives as long as one of its devices is
 * used. A search costs milliseconds; while something is missing it is made when
 * the list of devices has changed, and after a failure.
 */
#include "source.h"

#include <errno.h>
#include <iio.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"
#include "iio-find.h"
#include "iio-stream.h"
#include "log.h"

#define US_PER_MS 1000ULL
#define RETRY_US 2000000ULL
#define NS_PER_S 1000000000LL
#define NETWORK_TIMEOUT_MS 2000
/* a device that gives nothing for this long is worth a message */
#define SILENT_MS 2000
#define ALIVE_MS 1000
/* checks in a row, one every two seconds, until a device is left out */
#define APART_CHECKS 3
/* part of the time between two scans by which stamps of one segment may differ */
#define APART_PART 0.1

/**
 * struct context - a libiio context in use
 * @iio: the context
 * @users: devices of it that are in use, and the search
 */
struct context {
	struct iio_context *iio;
	unsigned int users;
};

/**
 * struct device - a device of the inputs
 * @stream: its scans
 * @context: where it was found; NULL: not there
 * @silent_ms: since its last scan
 * @apart: checks in a row that found its stamps between those of the voltages
 */
struct device {
	struct iio_stream stream;
	struct context *context;
	unsigned int silent_ms;
	unsigned int apart;
};

struct source_iio {
	struct source base;
	const struct source_config *config;
	const struct inputs *inputs;
	struct source_sink sink;
	sd_event_source *read_timer;
	sd_event_source *retry_timer;
	struct device device[INPUT_DEVICES_MAX];
	struct source_counters past; /* of devices that were closed */
	uint64_t seen;		     /* list of devices at the last search */
	bool failed;		     /* search even though the list is the same */
	bool reported;		     /* it was said that there is no context */
	unsigned int alive_ms;	     /* since alive() was called */
};

static struct source_iio *iio(struct source *s)
{
	return (struct source_iio *)s;
}

static void context_put(struct context *c)
{
	if (--c->users)
		return;
	iio_context_destroy(c->iio);
	free(c);
}

static struct context *context_make(struct source_iio *s)
{
	struct context *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->iio = iio_create_context_from_uri(s->config->uri);
	if (!c->iio) {
		if (!s->reported)
			log_warning("%s: no IIO context: %s; check [source] uri; looking again "
				    "every 2 s",
				    s->config->uri, strerror(errno));
		s->reported = true;
		free(c);
		return NULL;
	}
	if (strncmp(s->config->uri, "local:", 6))
		iio_context_set_timeout(c->iio, NETWORK_TIMEOUT_MS);
	s->reported = false;
	c->users = 1;
	return c;
}

static int device_open(struct source_iio *s, unsigned int d, struct context *c,
		       struct iio_device *found)
{
	struct device *dev = &s->device[d];
	int error = iio_stream_open(&dev->stream, found);

	if (error)
		return error;
	dev->context = c;
	c->users++;
	dev->silent_ms = 0;
	dev->apart = 0;
	align_expect(s->sink.align, d);
	return 0;
}

static void device_close(struct source_iio *s, unsigned int d)
{
	struct device *dev = &s->device[d];

	if (!dev->context)
		return;
	s->past.lost_scans += dev->stream.last.lost_scans;
	s->past.repaired_blocks += dev->stream.last.repaired_blocks;
	dev->stream.last = (struct source_counters){ 0 };
	iio_stream_close(&dev->stream);
	context_put(dev->context);
	dev->context = NULL;
}

static void device_missing(struct source_iio *s, unsigned int d, const char *why)
{
	align_forget(s->sink.align, d);
	if (s->device[d].stream.quiet)
		return;
	s->device[d].stream.quiet = true;
	log_warning("%s: %s; its values are unknown until it is back; looking for it every 2 s",
		    iio_stream_label(&s->device[d].stream), why);
}

static bool something_missing(const struct source_iio *s)
{
	unsigned int d;

	for (d = 0; d < s->inputs->devices; d++)
		if (!s->device[d].context)
			return true;
	return false;
}

static void refuse_twins(struct source_iio *s, unsigned int d, const struct iio_device *found,
			 const struct iio_device *twin)
{
	log_print(iio_stream_complaint(&s->device[d].stream),
		  "%s: %s and %s both have this label, so it is not known whose inputs are meant; "
		  "give each module a label of its own",
		  iio_stream_label(&s->device[d].stream), iio_device_get_id(found),
		  iio_device_get_id(twin));
	device_missing(s, d, "two devices have its label");
}

static bool in_use(void *user, const struct iio_device *dev)
{
	const struct source_iio *s = user;
	unsigned int d;

	for (d = 0; d < s->inputs->devices; d++)
		if (s->device[d].context &&
		    !strcmp(iio_device_get_id(s->device[d].stream.iio), iio_device_get_id(dev)))
			return true;
	return false;
}

static void search(struct source_iio *s)
{
	const struct iio_find find = {
		.inputs = s->inputs, .names = s->config->devices, .in_use = in_use, .user = s
	};
	struct iio_device *twin = NULL;
	struct context *c;
	unsigned int d;

	c = context_make(s);
	s->failed = !c;
	for (d = 0; d < s->inputs->devices; d++) {
		struct iio_device *found;

		if (s->device[d].context)
			continue;
		found = c ? iio_find_device(&find, d, c->iio, &twin) : NULL;
		if (!found) {
			device_missing(s, d, "not there");
		} else if (twin) {
			refuse_twins(s, d, found, twin);
		} else if (device_open(s, d, c, found)) {
			device_missing(s, d, "cannot be used");
			s->failed = true;
		}
	}
	if (c)
		context_put(c);
}

static bool is_fresh(const struct device *dev)
{
	return dev->context && dev->stream.last_ns && dev->silent_ms <= SILENT_MS;
}

static bool is_apart(const struct device *dev)
{
	return dev->apart >= APART_CHECKS;
}

/*
 * Two segments have two clocks, whose stamps are never equal: their scans cannot be
 * joined. The segment of the first device is measured; others are left out and named.
 */
static void look_for_segments(struct source_iio *s)
{
	const struct device *first = &s->device[0];
	double period_ns = (double)NS_PER_S / s->base.rate_hz;
	unsigned int d;

	if (!is_fresh(first))
		return;
	for (d = 1; d < s->inputs->devices; d++) {
		struct device *dev = &s->device[d];
		double turns = (double)(dev->stream.last_ns - first->stream.last_ns) / period_ns;

		if (!is_fresh(dev) || is_apart(dev))
			continue;
		dev->apart = fabs(turns - round(turns)) > APART_PART ? dev->apart + 1 : 0;
		if (!is_apart(dev))
			continue;
		align_forget(s->sink.align, d);
		log_error("%s (%s): its time stamps lie between those of %s (%s): they are on two "
			  "segments, whose scans cannot be joined; its values are unknown. Give "
			  "its inputs to a meterd of its own",
			  iio_stream_label(&s->device[d].stream),
			  iio_device_get_id(dev->stream.iio),
			  iio_stream_label(&s->device[0].stream),
			  iio_device_get_id(first->stream.iio));
	}
}

static int on_retry(sd_event_source *timer, uint64_t usec, void *user)
{
	struct source_iio *s = user;
	uint64_t now = iio_find_list(s->config->uri);
	unsigned int d;

	if (something_missing(s) && (s->failed || !now || now != s->seen)) {
		s->seen = now;
		search(s);
	}
	for (d = 0; d < s->inputs->devices; d++)
		iio_stream_look_for_scales(&s->device[d].stream);
	look_for_segments(s);
	sd_event_source_set_time_relative(timer, RETRY_US);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void take_buffer(struct source_iio *s, unsigned int d, size_t bytes)
{
	unsigned int scans = (unsigned int)(bytes / iio_buffer_step(s->device[d].stream.buffer));
	unsigned int done = 0;
	bool again = false;

	while (done < scans) {
		unsigned int n = iio_stream_take(&s->device[d].stream, done, scans - done);

		done += n;
		if (n && !is_apart(&s->device[d]))
			align_commit(s->sink.align, d, n);
		if (n) {
			again = false;
			continue;
		}
		if (again) {
			align_overrun(s->sink.align, d, scans - done);
			return;
		}
		s->sink.process(s->sink.user);
		again = true;
	}
}

static void end_silence(struct source_iio *s, unsigned int d)
{
	if (s->device[d].silent_ms > SILENT_MS)
		log_notice("%s: gives samples again", iio_stream_label(&s->device[d].stream));
	s->device[d].silent_ms = 0;
}

/* Once, when a device that is there has given nothing for too long. */
static void count_silence(struct source_iio *s, unsigned int d)
{
	unsigned int *ms = &s->device[d].silent_ms;

	if (*ms > SILENT_MS)
		return;
	*ms += s->config->block_ms;
	if (*ms > SILENT_MS)
		log_warning("%s (%s): no samples for %d ms; its values are unknown until it gives "
			    "some; meterctl list shows its state",
			    iio_stream_label(&s->device[d].stream),
			    iio_device_get_id(s->device[d].stream.iio), SILENT_MS);
}

/* Read all that a device has. Return: 0 or -errno. */
static int read_device(struct source_iio *s, unsigned int d)
{
	const struct iio_stream *stream = &s->device[d].stream;
	bool local = iio_stream_is_local(stream);
	ssize_t full =
		(char *)iio_buffer_end(stream->buffer) - (char *)iio_buffer_start(stream->buffer);
	ssize_t bytes;

	do {
		bytes = iio_buffer_refill(stream->buffer);
		if (bytes == -EAGAIN)
			return 0;
		if (bytes < 0)
			return (int)bytes;
		take_buffer(s, d, (size_t)bytes);
		end_silence(s, d);
	} while (local && bytes >= full);
	return 0;
}

static int on_read(sd_event_source *timer, uint64_t usec, void *user)
{
	struct source_iio *s = user;
	unsigned int d;

	for (d = 0; d < s->inputs->devices; d++) {
		int error;

		if (!s->device[d].context)
			continue;
		count_silence(s, d);
		error = read_device(s, d);
		if (!error)
			continue;
		device_close(s, d);
		device_missing(s, d, strerror(-error));
		s->failed = true;
	}
	s->sink.process(s->sink.user);
	s->alive_ms += s->config->block_ms;
	if (s->alive_ms >= ALIVE_MS) {
		s->alive_ms = 0;
		s->sink.alive(s->sink.user);
	}
	sd_event_source_set_time_relative(timer, s->config->block_ms * US_PER_MS);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int iio_start(struct source *base, sd_event *event, const struct source_sink *sink)
{
	struct source_iio *s = iio(base);
	unsigned int d;
	int error;

	s->sink = *sink;
	for (d = 0; d < s->inputs->devices; d++)
		s->device[d].stream = (struct iio_stream){ .config = s->config,
							   .inputs = s->inputs,
							   .sink = &s->sink,
							   .place = d,
							   .rate_hz = s->base.rate_hz };
	s->seen = iio_find_list(s->config->uri);
	search(s);
	error = sd_event_add_time_relative(event, &s->read_timer, CLOCK_MONOTONIC,
					   s->config->block_ms * US_PER_MS, 1000, on_read, s);
	if (error >= 0)
		error = sd_event_add_time_relative(event, &s->retry_timer, CLOCK_MONOTONIC,
						   RETRY_US, 100000, on_retry, s);
	if (error < 0)
		log_error("timers of the source: %s", strerror(-error));
	return error < 0 ? error : 0;
}

static void iio_counters(struct source *base, struct source_counters *counters)
{
	struct source_iio *s = iio(base);
	unsigned int d;

	*counters = s->past;
	for (d = 0; d < s->inputs->devices; d++) {
		if (s->device[d].context)
			iio_stream_count(&s->device[d].stream);
		counters->lost_scans += s->device[d].stream.last.lost_scans;
		counters->repaired_blocks += s->device[d].stream.last.repaired_blocks;
	}
}

static int64_t iio_utc_ns(struct source *base, int64_t sample_ns)
{
	return sample_ns + clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
}

static void iio_close(struct source *base)
{
	struct source_iio *s = iio(base);
	unsigned int d;

	for (d = 0; d < s->inputs->devices; d++)
		device_close(s, d);
	sd_event_source_unref(s->read_timer);
	sd_event_source_unref(s->retry_timer);
	free(s);
}

static const struct source_ops iio_ops = {
	.start = iio_start,
	.counters = iio_counters,
	.utc_ns = iio_utc_ns,
	.close = iio_close,
};

int source_iio_open(struct source **out, const struct source_config *config,
		    const struct inputs *inputs)
{
	struct source_iio *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->base.ops = &iio_ops;
	s->base.rate_hz = config->sampling_frequency;
	s->config = config;
	s->inputs = inputs;
	*out = &s->base;
	return 0;
}
