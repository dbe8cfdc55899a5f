// SPDX-License-Identifier: GPL-2.0-or-later
/* See iio-stream.h. */
#include "iio-stream.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "iio-find.h"
#include "iio-samples.h"
#include "log.h"
#include "scan.h"

#define BUFFER_S 4.0

const char *iio_stream_label(const struct iio_stream *d)
{
	const char *label = d->inputs->device[d->place].label;

	return label ? label : "voltage module";
}

bool iio_stream_is_local(const struct iio_stream *d)
{
	return !strncmp(d->config->uri, "local:", 6);
}

int iio_stream_complaint(const struct iio_stream *d)
{
	return d->quiet ? LOG_DEBUG : LOG_ERR;
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

static int set_rate(struct iio_stream *d, struct iio_device *dev)
{
	double hz = 0.0;
	char available[128] = "";
	int error;

	if (!iio_device_find_attr(dev, "sampling_frequency"))
		return 0;
	if (!iio_device_attr_read_double(dev, "sampling_frequency", &hz) &&
	    fabs(hz - d->rate_hz) < 0.01 * d->rate_hz)
		return 0;
	error = iio_device_attr_write_double(dev, "sampling_frequency", d->rate_hz);
	if (error >= 0)
		return 0;
	if (iio_device_attr_read(dev, "sampling_frequency_available", available,
				 sizeof(available)) < 0)
		available[0] = '\0';
	available[strcspn(available, "\n")] = '\0';
	log_print(iio_stream_complaint(d),
		  "%s (%s): sampling_frequency %g Hz: %s; it is at %g Hz%s%s; change [source] "
		  "sampling_frequency, or end what else uses the device",
		  iio_stream_label(d), iio_device_get_id(dev), d->rate_hz, strerror(-error), hz,
		  available[0] ? " and offers " : "", available);
	return error;
}

static uint64_t read_counter(const struct iio_device *dev, const char *attr)
{
	long long value = 0;

	return iio_device_attr_read_longlong(dev, attr, &value) || value < 0 ? 0 : (uint64_t)value;
}

/* Scans that did not come from the module, and those that found the FIFO full. */
static uint64_t read_lost(const struct iio_stream *d)
{
	uint64_t lost = 0;

	if (d->has_lost)
		lost += read_counter(d->iio, "lost_scans");
	if (d->has_overruns)
		lost += read_counter(d->iio, "overruns");
	return lost;
}

void iio_stream_count(struct iio_stream *d)
{
	uint64_t lost = read_lost(d);

	d->last.lost_scans = lost > d->lost_base ? lost - d->lost_base : 0;
	if (d->has_repaired) {
		uint64_t now = read_counter(d->iio, "repaired_blocks");

		d->last.repaired_blocks = now > d->repaired_base ? now - d->repaired_base : 0;
	}
}

/*
 * Scale in V and A: IIO's is in mV and mA. When there is none, a current's is NAN, as
 * a number without its unit is no value; a voltage's is 0, as the tracker goes on.
 *
 * Return: 0 or -errno.
 */
static int read_scale(struct iio_stream *d, unsigned int channel, struct iio_channel *ch)
{
	double scale = NAN;
	int error = iio_channel_attr_read_double(ch, "scale", &scale);

	if (!error && !(isfinite(scale) && scale > 0.0))
		error = -ERANGE;
	if (error)
		scale = channel < d->inputs->voltages ? 0.0 : NAN;
	d->sink->scale[channel] = scale / 1000.0;
	return error;
}

/* Rail of the converter, and the type of the sensor where the driver knows it. */
static void read_limits(struct iio_stream *d, unsigned int channel, struct iio_channel *ch)
{
	const struct iio_data_format *f = iio_channel_get_data_format(ch);
	long long sensor;

	if (d->sink->rail && f->is_signed && f->bits >= 2 && f->bits <= 32)
		d->sink->rail[channel] = (float)((1LL << (f->bits - 1)) - 1);
	if (d->sink->sensor && !iio_channel_attr_read_longlong(ch, "sensor", &sensor) &&
	    sensor >= 0 && sensor <= UINT16_MAX)
		d->sink->sensor[channel] = (int)sensor;
}

/*
 * Without the scale of a current, this current is unknown and the others of the
 * device go on. Without that of a voltage there is nothing to compute with.
 *
 * Return: 0, or -errno when the device cannot be used.
 */
static int take_scale(struct iio_stream *d, unsigned int k)
{
	unsigned int channel = d->inputs->device[d->place].channel[k];
	int error = read_scale(d, channel, d->channel[k]);

	read_limits(d, channel, d->channel[k]);
	if (!error)
		return 0;
	log_print(iio_stream_complaint(d),
		  "%s (%s): channel \"%s\" has no scale (%s), its values are unknown; is a sensor "
		  "assigned to it? Remove the input from the load, or set the sensor up",
		  iio_stream_label(d), iio_device_get_id(d->iio), d->inputs->channel[channel].name,
		  strerror(-error));
	return channel < d->inputs->voltages ? error : 0;
}

void iio_stream_look_for_scales(struct iio_stream *d)
{
	const struct input_device *in = &d->inputs->device[d->place];
	unsigned int k;

	for (k = 0; d->iio && k < in->channels; k++) {
		unsigned int channel = in->channel[k];

		if (isnan(d->sink->scale[channel]) && !read_scale(d, channel, d->channel[k]))
			log_notice("%s: channel \"%s\" has a scale now", iio_stream_label(d),
				   d->inputs->channel[channel].name);
	}
}

static int refuse_format(const struct iio_stream *d, struct iio_channel *ch)
{
	const struct iio_data_format *f = iio_channel_get_data_format(ch);

	log_print(iio_stream_complaint(d),
		  "%s (%s): format %s:%c%u/%uX%u>>%u of channel %s cannot be read; this device "
		  "cannot be used, give its inputs to no load",
		  iio_stream_label(d), iio_device_get_id(d->iio), f->is_be ? "be" : "le",
		  f->is_signed ? 's' : 'u', f->bits, f->length, f->repeat ? f->repeat : 1, f->shift,
		  iio_channel_get_id(ch));
	return -EINVAL;
}

static int take_channels(struct iio_stream *d)
{
	const struct input_device *in = &d->inputs->device[d->place];
	unsigned int k;
	int error;

	for (k = 0; k < iio_device_get_channels_count(d->iio); k++)
		iio_channel_disable(iio_device_get_channel(d->iio, k));
	for (k = 0; k < in->channels; k++) {
		const char *name = d->inputs->channel[in->channel[k]].name;

		d->channel[k] = iio_find_channel(d->iio, name);
		if (!d->channel[k]) {
			log_print(iio_stream_complaint(d),
				  "%s (%s): no channel \"%s\"; correct the inputs of the load",
				  iio_stream_label(d), iio_device_get_id(d->iio), name);
			return -ENOENT;
		}
		if (!iio_is_sample(iio_channel_get_data_format(d->channel[k])))
			return refuse_format(d, d->channel[k]);
		iio_channel_enable(d->channel[k]);
		error = take_scale(d, k);
		if (error)
			return error;
	}
	d->stamp = iio_device_find_channel(d->iio, "timestamp", false);
	if (!d->stamp) {
		log_print(iio_stream_complaint(d),
			  "%s (%s): no time stamp channel; its scans cannot be joined with others",
			  iio_stream_label(d), iio_device_get_id(d->iio));
		return -ENOENT;
	}
	if (!iio_is_stamp(iio_channel_get_data_format(d->stamp)))
		return refuse_format(d, d->stamp);
	iio_channel_enable(d->stamp);
	return 0;
}

static int make_buffer(struct iio_stream *d)
{
	unsigned int block = (unsigned int)(d->rate_hz * d->config->block_ms / 1000.0) + 1;
	bool local = iio_stream_is_local(d);
	int error = 0;

	/* room for a block that came late in one read */
	if (local)
		block *= 2;
	iio_device_set_kernel_buffers_count(d->iio,
					    (unsigned int)(BUFFER_S * d->rate_hz / block) + 2);
	d->buffer = iio_device_create_buffer(d->iio, block, false);
	if (!d->buffer) {
		error = -errno;
		log_print(iio_stream_complaint(d),
			  "%s (%s): buffer of %u scans: %s; end what else uses the device",
			  iio_stream_label(d), iio_device_get_id(d->iio), block, strerror(-error));
		return error;
	}
	if (local)
		error = iio_buffer_set_blocking_mode(d->buffer, false);
	return error;
}

/* Is every channel of the device 16 bits of the host, one behind the other? */
static bool is_row(const struct iio_stream *d, unsigned int channels)
{
	const char *first = iio_buffer_first(d->buffer, d->channel[0]);
	unsigned int k;

	for (k = 0; k < channels; k++)
		if (!iio_is_host_s16(d->channel[k]) ||
		    (const char *)iio_buffer_first(d->buffer, d->channel[k]) != first + 2 * k)
			return false;
	return true;
}

int iio_stream_open(struct iio_stream *d, struct iio_device *found)
{
	int error = write_text(found, "current_timestamp_clock", "monotonic");

	d->iio = found;
	if (error)
		log_print(iio_stream_complaint(d),
			  "%s (%s): current_timestamp_clock: %s; end what else uses the device",
			  iio_stream_label(d), iio_device_get_id(found), strerror(-error));
	if (!error)
		error = set_rate(d, found);
	if (!error)
		error = take_channels(d);
	if (!error)
		error = make_buffer(d);
	if (error) {
		iio_stream_close(d);
		return error;
	}
	d->has_lost = iio_device_find_attr(found, "lost_scans");
	d->has_overruns = iio_device_find_attr(found, "overruns");
	d->has_repaired = iio_device_find_attr(found, "repaired_blocks");
	d->lost_base = read_lost(d);
	if (d->has_repaired)
		d->repaired_base = read_counter(found, "repaired_blocks");
	d->row = is_row(d, d->inputs->device[d->place].channels);
	d->quiet = false;
	log_info("%s: is %s (%s), %u channels at %g Hz", iio_stream_label(d),
		 iio_device_get_id(found), iio_device_get_name(found),
		 d->inputs->device[d->place].channels, d->rate_hz);
	return 0;
}

void iio_stream_close(struct iio_stream *d)
{
	if (d->buffer)
		iio_buffer_destroy(d->buffer);
	d->buffer = NULL;
	d->iio = NULL;
	d->last_ns = 0;
}

static void take_stamps(const struct iio_stream *d, unsigned int from, unsigned int n, int64_t *to)
{
	ptrdiff_t step = iio_buffer_step(d->buffer);
	const char *first = iio_buffer_first(d->buffer, d->stamp);

	scan_stamps(first + from * step, (size_t)step, n, to);
}

unsigned int iio_stream_take(struct iio_stream *d, unsigned int from, unsigned int n)
{
	ptrdiff_t step = iio_buffer_step(d->buffer);
	struct align_space space;
	unsigned int k;

	if (align_space(d->sink->align, d->place, &space) < n)
		n = space.scans;
	if (d->row)
		scan_split_s16((const char *)iio_buffer_first(d->buffer, d->channel[0]) +
				       from * step,
			       step, n, d->inputs->device[d->place].channels, space.channel);
	for (k = 0; !d->row && k < d->inputs->device[d->place].channels; k++)
		iio_samples(d->channel[k],
			    (const char *)iio_buffer_first(d->buffer, d->channel[k]) + from * step,
			    step, n, space.channel[k]);
	take_stamps(d, from, n, space.time_ns);
	if (n)
		d->last_ns = space.time_ns[n - 1];
	return n;
}
