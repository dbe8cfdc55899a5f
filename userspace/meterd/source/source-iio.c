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
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iio-find.h"
#include "iio-samples.h"
#include "log.h"
#include "scan.h"

#define US_PER_MS 1000ULL
#define RETRY_US 2000000ULL
#define BUFFER_S 4.0
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
 * @context: where it was found; NULL: not there
 * @iio: libiio's device
 * @buffer: its buffer
 * @stamp: channel of the time stamp
 * @channel: its channels, in the order of the inputs
 * @row: its channels are 16 bits of the host, one behind the other
 * @has_lost: it has the attribute lost_scans
 * @has_overruns: it has the attribute overruns
 * @has_repaired: it has the attribute repaired_blocks
 * @lost_base: lost_scans and overruns when it was opened
 * @repaired_base: repaired_blocks when it was opened
 * @last: counters when last read, since it was opened
 * @reported: it was said that it is missing
 * @silent_ms: since its last scan
 * @last_ns: its last time stamp
 * @apart: checks in a row that found its stamps between those of the voltages
 */
struct device {
	struct context *context;
	struct iio_device *iio;
	struct iio_buffer *buffer;
	struct iio_channel *stamp;
	struct iio_channel *channel[INPUT_DEVICE_CHANNELS_MAX];
	bool row;
	bool has_lost;
	bool has_overruns;
	bool has_repaired;
	uint64_t lost_base;
	uint64_t repaired_base;
	struct source_counters last;
	bool reported;
	unsigned int silent_ms;
	int64_t last_ns;
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

static const char *device_label(const struct source_iio *s, unsigned int d)
{
	const char *label = s->inputs->device[d].label;

	return label ? label : "voltage module";
}

/* A device that cannot be used is complained of once, not at every search. */
static int complaint(const struct source_iio *s, unsigned int d)
{
	return s->device[d].reported ? LOG_DEBUG : LOG_ERR;
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

/* Write a text attribute only when it differs: drivers refuse it while streaming. */
static int write_text(struct iio_device *dev, const char *attr, const char *value)
{
	char now[64] = "";
	ssize_t n;

	if (!iio_device_find_attr(dev, attr))
		return 0;
	if (iio_device_attr_read(dev, attr, now, sizeof(now)) > 0) {
		now[strcspn(now, "\n")] = '\0';
		if (!strcmp(now, value))
			return 0;
	}
	n = iio_device_attr_write(dev, attr, value);
	return n < 0 ? (int)n : 0;
}

static int set_rate(struct source_iio *s, unsigned int d, struct iio_device *dev)
{
	double hz = 0.0;
	char available[128] = "";
	int error;

	if (!iio_device_find_attr(dev, "sampling_frequency"))
		return 0;
	if (!iio_device_attr_read_double(dev, "sampling_frequency", &hz) &&
	    fabs(hz - s->base.rate_hz) < 0.01 * s->base.rate_hz)
		return 0;
	error = iio_device_attr_write_double(dev, "sampling_frequency", s->base.rate_hz);
	if (error >= 0)
		return 0;
	if (iio_device_attr_read(dev, "sampling_frequency_available", available,
				 sizeof(available)) < 0)
		available[0] = '\0';
	available[strcspn(available, "\n")] = '\0';
	log_print(complaint(s, d),
		  "%s (%s): sampling_frequency %g Hz: %s; it is at %g Hz%s%s; change [source] "
		  "sampling_frequency, or end what else uses the device",
		  device_label(s, d), iio_device_get_id(dev), s->base.rate_hz, strerror(-error), hz,
		  available[0] ? " and offers " : "", available);
	return error;
}

static uint64_t read_counter(const struct iio_device *dev, const char *attr)
{
	long long value = 0;

	return iio_device_attr_read_longlong(dev, attr, &value) || value < 0 ? 0 : (uint64_t)value;
}

/* Scans that did not come from the module, and those that found the FIFO full. */
static uint64_t read_lost(const struct device *dev)
{
	uint64_t lost = 0;

	if (dev->has_lost)
		lost += read_counter(dev->iio, "lost_scans");
	if (dev->has_overruns)
		lost += read_counter(dev->iio, "overruns");
	return lost;
}

static void read_counters(struct device *dev)
{
	uint64_t lost = read_lost(dev);

	dev->last.lost_scans = lost > dev->lost_base ? lost - dev->lost_base : 0;
	if (dev->has_repaired) {
		uint64_t now = read_counter(dev->iio, "repaired_blocks");

		dev->last.repaired_blocks = now > dev->repaired_base ? now - dev->repaired_base : 0;
	}
}

/*
 * Scale in V and A: IIO's is in mV and mA. When there is none, a current's is NAN, as
 * a number without its unit is no value; a voltage's is 0, as the tracker goes on.
 *
 * Return: 0 or -errno.
 */
static int read_scale(struct source_iio *s, unsigned int channel, struct iio_channel *ch)
{
	double scale = NAN;
	int error = iio_channel_attr_read_double(ch, "scale", &scale);

	if (!error && !(isfinite(scale) && scale > 0.0))
		error = -ERANGE;
	if (error)
		scale = channel < s->inputs->voltages ? 0.0 : NAN;
	s->sink.scale[channel] = scale / 1000.0;
	return error;
}

/* Rail of the converter, and the type of the sensor where the driver knows it. */
static void read_limits(struct source_iio *s, unsigned int channel, struct iio_channel *ch)
{
	const struct iio_data_format *f = iio_channel_get_data_format(ch);
	long long sensor;

	if (s->sink.rail && f->is_signed && f->bits >= 2 && f->bits <= 32)
		s->sink.rail[channel] = (float)((1LL << (f->bits - 1)) - 1);
	if (s->sink.sensor && !iio_channel_attr_read_longlong(ch, "sensor", &sensor) &&
	    sensor >= 0 && sensor <= UINT16_MAX)
		s->sink.sensor[channel] = (int)sensor;
}

/*
 * Without the scale of a current, this current is unknown and the others of the
 * device go on. Without that of a voltage there is nothing to compute with.
 *
 * Return: 0, or -errno when the device cannot be used.
 */
static int take_scale(struct source_iio *s, unsigned int d, unsigned int k)
{
	unsigned int channel = s->inputs->device[d].channel[k];
	struct device *dev = &s->device[d];
	int error = read_scale(s, channel, dev->channel[k]);

	read_limits(s, channel, dev->channel[k]);
	if (!error)
		return 0;
	log_print(complaint(s, d),
		  "%s (%s): channel \"%s\" has no scale (%s), its values are unknown; is a sensor "
		  "assigned to it? Remove the input from the load, or set the sensor up",
		  device_label(s, d), iio_device_get_id(dev->iio), s->inputs->channel[channel].name,
		  strerror(-error));
	return channel < s->inputs->voltages ? error : 0;
}

/* Channels whose scale was not there when their device was opened. */
static void look_for_scales(struct source_iio *s)
{
	unsigned int k;

	for (k = 0; k < s->inputs->channels; k++) {
		const struct input_channel *in = &s->inputs->channel[k];
		struct device *dev = &s->device[in->device];

		if (dev->context && isnan(s->sink.scale[k]) &&
		    !read_scale(s, k, dev->channel[in->within]))
			log_notice("%s: channel \"%s\" has a scale now",
				   device_label(s, in->device), in->name);
	}
}

static int refuse_format(const struct source_iio *s, unsigned int d, struct iio_channel *ch)
{
	const struct iio_data_format *f = iio_channel_get_data_format(ch);

	log_print(complaint(s, d),
		  "%s (%s): format %s:%c%u/%uX%u>>%u of channel %s cannot be read; this device "
		  "cannot be used, give its inputs to no load",
		  device_label(s, d), iio_device_get_id(s->device[d].iio), f->is_be ? "be" : "le",
		  f->is_signed ? 's' : 'u', f->bits, f->length, f->repeat ? f->repeat : 1, f->shift,
		  iio_channel_get_id(ch));
	return -EINVAL;
}

static int take_channels(struct source_iio *s, unsigned int d)
{
	const struct input_device *in = &s->inputs->device[d];
	struct device *dev = &s->device[d];
	unsigned int k;
	int error;

	for (k = 0; k < iio_device_get_channels_count(dev->iio); k++)
		iio_channel_disable(iio_device_get_channel(dev->iio, k));
	for (k = 0; k < in->channels; k++) {
		const char *name = s->inputs->channel[in->channel[k]].name;

		dev->channel[k] = iio_find_channel(dev->iio, name);
		if (!dev->channel[k]) {
			log_print(complaint(s, d),
				  "%s (%s): no channel \"%s\"; correct the inputs of the load",
				  device_label(s, d), iio_device_get_id(dev->iio), name);
			return -ENOENT;
		}
		if (!iio_is_sample(iio_channel_get_data_format(dev->channel[k])))
			return refuse_format(s, d, dev->channel[k]);
		iio_channel_enable(dev->channel[k]);
		error = take_scale(s, d, k);
		if (error)
			return error;
	}
	dev->stamp = iio_device_find_channel(dev->iio, "timestamp", false);
	if (!dev->stamp) {
		log_print(complaint(s, d),
			  "%s (%s): no time stamp channel; its scans cannot be joined with others",
			  device_label(s, d), iio_device_get_id(dev->iio));
		return -ENOENT;
	}
	if (!iio_is_stamp(iio_channel_get_data_format(dev->stamp)))
		return refuse_format(s, d, dev->stamp);
	iio_channel_enable(dev->stamp);
	return 0;
}

static int make_buffer(struct source_iio *s, unsigned int d)
{
	struct device *dev = &s->device[d];
	unsigned int block = (unsigned int)(s->base.rate_hz * s->config->block_ms / 1000.0) + 1;
	bool local = !strncmp(s->config->uri, "local:", 6);
	int error;

	/* room for a block that came late in one read */
	if (local)
		block *= 2;
	iio_device_set_kernel_buffers_count(dev->iio,
					    (unsigned int)(BUFFER_S * s->base.rate_hz / block) + 2);
	dev->buffer = iio_device_create_buffer(dev->iio, block, false);
	if (!dev->buffer) {
		error = -errno;
		log_print(complaint(s, d),
			  "%s (%s): buffer of %u scans: %s; end what else uses the device",
			  device_label(s, d), iio_device_get_id(dev->iio), block, strerror(-error));
		return error;
	}
	if (local)
		error = iio_buffer_set_blocking_mode(dev->buffer, false);
	else
		error = 0;
	return error;
}

static void device_close(struct source_iio *s, unsigned int d)
{
	struct device *dev = &s->device[d];

	if (dev->buffer)
		iio_buffer_destroy(dev->buffer);
	if (dev->context)
		context_put(dev->context);
	s->past.lost_scans += dev->last.lost_scans;
	s->past.repaired_blocks += dev->last.repaired_blocks;
	*dev = (struct device){ .reported = dev->reported };
}

/* Is every channel of the device 16 bits of the host, one behind the other? */
static bool is_row(const struct device *dev, unsigned int channels)
{
	const char *first = iio_buffer_first(dev->buffer, dev->channel[0]);
	unsigned int k;

	for (k = 0; k < channels; k++)
		if (!iio_is_host_s16(dev->channel[k]) ||
		    (const char *)iio_buffer_first(dev->buffer, dev->channel[k]) != first + 2 * k)
			return false;
	return true;
}

static int device_open(struct source_iio *s, unsigned int d, struct context *c,
		       struct iio_device *found)
{
	struct device *dev = &s->device[d];
	int error;

	dev->context = c;
	dev->iio = found;
	c->users++;
	error = write_text(found, "current_timestamp_clock", "monotonic");
	if (error)
		log_print(complaint(s, d),
			  "%s (%s): current_timestamp_clock: %s; end what else uses the device",
			  device_label(s, d), iio_device_get_id(found), strerror(-error));
	if (!error)
		error = set_rate(s, d, found);
	if (!error)
		error = take_channels(s, d);
	if (!error)
		error = make_buffer(s, d);
	if (error) {
		device_close(s, d);
		return error;
	}
	dev->has_lost = iio_device_find_attr(found, "lost_scans");
	dev->has_overruns = iio_device_find_attr(found, "overruns");
	dev->has_repaired = iio_device_find_attr(found, "repaired_blocks");
	dev->lost_base = read_lost(dev);
	if (dev->has_repaired)
		dev->repaired_base = read_counter(found, "repaired_blocks");
	dev->row = is_row(dev, s->inputs->device[d].channels);
	dev->reported = false;
	align_expect(s->sink.align, d);
	log_info("%s: is %s (%s), %u channels at %g Hz", device_label(s, d),
		 iio_device_get_id(found), iio_device_get_name(found),
		 s->inputs->device[d].channels, s->base.rate_hz);
	return 0;
}

static void device_missing(struct source_iio *s, unsigned int d, const char *why)
{
	align_forget(s->sink.align, d);
	if (s->device[d].reported)
		return;
	s->device[d].reported = true;
	log_warning("%s: %s; its values are unknown until it is back; looking for it every 2 s",
		    device_label(s, d), why);
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
	log_print(complaint(s, d),
		  "%s: %s and %s both have this label, so it is not known whose inputs are meant; "
		  "give each module a label of its own",
		  device_label(s, d), iio_device_get_id(found), iio_device_get_id(twin));
	device_missing(s, d, "two devices have its label");
}

static bool in_use(void *user, const struct iio_device *dev)
{
	const struct source_iio *s = user;
	unsigned int d;

	for (d = 0; d < s->inputs->devices; d++)
		if (s->device[d].context &&
		    !strcmp(iio_device_get_id(s->device[d].iio), iio_device_get_id(dev)))
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
	return dev->context && dev->last_ns && dev->silent_ms <= SILENT_MS;
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
		double turns = (double)(dev->last_ns - first->last_ns) / period_ns;

		if (!is_fresh(dev) || is_apart(dev))
			continue;
		dev->apart = fabs(turns - round(turns)) > APART_PART ? dev->apart + 1 : 0;
		if (!is_apart(dev))
			continue;
		align_forget(s->sink.align, d);
		log_error("%s (%s): its time stamps lie between those of %s (%s): they are on two "
			  "segments, whose scans cannot be joined; its values are unknown. Give "
			  "its inputs to a meterd of its own",
			  device_label(s, d), iio_device_get_id(dev->iio), device_label(s, 0),
			  iio_device_get_id(first->iio));
	}
}

static int on_retry(sd_event_source *timer, uint64_t usec, void *user)
{
	struct source_iio *s = user;
	uint64_t now = iio_find_list(s->config->uri);

	if (something_missing(s) && (s->failed || !now || now != s->seen)) {
		s->seen = now;
		search(s);
	}
	look_for_scales(s);
	look_for_segments(s);
	sd_event_source_set_time_relative(timer, RETRY_US);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void take_stamps(const struct device *dev, unsigned int from, unsigned int n, int64_t *to)
{
	ptrdiff_t step = iio_buffer_step(dev->buffer);
	const char *first = iio_buffer_first(dev->buffer, dev->stamp);

	scan_stamps(first + from * step, (size_t)step, n, to);
}

/* Scans @from ... of the buffer. Return: how many the join took. */
static unsigned int take_scans(struct source_iio *s, unsigned int d, unsigned int from,
			       unsigned int n)
{
	struct device *dev = &s->device[d];
	ptrdiff_t step = iio_buffer_step(dev->buffer);
	struct align_space space;
	unsigned int k;

	if (align_space(s->sink.align, d, &space) < n)
		n = space.scans;
	if (dev->row)
		scan_split_s16((const char *)iio_buffer_first(dev->buffer, dev->channel[0]) +
				       from * step,
			       step, n, s->inputs->device[d].channels, space.channel);
	for (k = 0; !dev->row && k < s->inputs->device[d].channels; k++)
		iio_samples(dev->channel[k],
			    (const char *)iio_buffer_first(dev->buffer, dev->channel[k]) +
				    from * step,
			    step, n, space.channel[k]);
	take_stamps(dev, from, n, space.time_ns);
	if (n)
		dev->last_ns = space.time_ns[n - 1];
	if (is_apart(dev))
		return n;
	align_commit(s->sink.align, d, n);
	return n;
}

static void take_buffer(struct source_iio *s, unsigned int d, size_t bytes)
{
	unsigned int scans = (unsigned int)(bytes / iio_buffer_step(s->device[d].buffer));
	unsigned int done = 0;
	bool again = false;

	while (done < scans) {
		unsigned int n = take_scans(s, d, done, scans - done);

		done += n;
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
		log_notice("%s: gives samples again", device_label(s, d));
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
			    device_label(s, d), iio_device_get_id(s->device[d].iio), SILENT_MS);
}

/* Read all that a device has. Return: 0 or -errno. */
static int read_device(struct source_iio *s, unsigned int d)
{
	struct device *dev = &s->device[d];
	bool local = !strncmp(s->config->uri, "local:", 6);
	ssize_t full = (char *)iio_buffer_end(dev->buffer) - (char *)iio_buffer_start(dev->buffer);
	ssize_t bytes;

	do {
		bytes = iio_buffer_refill(dev->buffer);
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
	int error;

	s->sink = *sink;
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
			read_counters(&s->device[d]);
		counters->lost_scans += s->device[d].last.lost_scans;
		counters->repaired_blocks += s->device[d].last.repaired_blocks;
	}
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
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
