// SPDX-License-Identifier: GPL-2.0-or-later
#include "gpio-line.h"

#include <errno.h>
#include <gpiod.h>
#include <stdlib.h>
#include <string.h>

#define CONSUMER "meterd"

#ifdef GPIOD_2

struct gpio_line {
	struct gpiod_line_request *request;
	struct gpiod_edge_event_buffer *event;
	unsigned int offset;
};

static int last_error(void)
{
	return errno ? -errno : -EIO;
}

static struct gpiod_line_settings *output_settings(bool high)
{
	struct gpiod_line_settings *s = gpiod_line_settings_new();

	if (!s)
		return NULL;
	gpiod_line_settings_set_direction(s, GPIOD_LINE_DIRECTION_OUTPUT);
	gpiod_line_settings_set_output_value(s, high ? GPIOD_LINE_VALUE_ACTIVE
						     : GPIOD_LINE_VALUE_INACTIVE);
	return s;
}

static struct gpiod_line_settings *watch_settings(void)
{
	struct gpiod_line_settings *s = gpiod_line_settings_new();

	if (!s)
		return NULL;
	gpiod_line_settings_set_direction(s, GPIOD_LINE_DIRECTION_INPUT);
	gpiod_line_settings_set_edge_detection(s, GPIOD_LINE_EDGE_BOTH);
	gpiod_line_settings_set_event_clock(s, GPIOD_LINE_CLOCK_MONOTONIC);
	return s;
}

/* Takes @settings, NULL as well. */
static int request(struct gpiod_line_request **out, const char *path, unsigned int offset,
		   struct gpiod_line_settings *settings)
{
	struct gpiod_request_config *who = gpiod_request_config_new();
	struct gpiod_line_config *lines = gpiod_line_config_new();
	struct gpiod_chip *chip = NULL;
	int error = -ENOMEM;

	*out = NULL;
	errno = 0;
	if (who && lines && settings &&
	    !gpiod_line_config_add_line_settings(lines, &offset, 1, settings)) {
		gpiod_request_config_set_consumer(who, CONSUMER);
		chip = gpiod_chip_open(path);
		*out = chip ? gpiod_chip_request_lines(chip, who, lines) : NULL;
		error = *out ? 0 : last_error();
	}
	if (chip)
		gpiod_chip_close(chip);
	gpiod_line_settings_free(settings);
	gpiod_line_config_free(lines);
	gpiod_request_config_free(who);
	return error;
}

int gpio_line_watch(struct gpio_line **out, const char *chip, unsigned int offset)
{
	struct gpio_line *l = calloc(1, sizeof(*l));
	int error = -ENOMEM;

	*out = NULL;
	if (!l)
		return error;
	l->offset = offset;
	l->event = gpiod_edge_event_buffer_new(1);
	if (l->event)
		error = request(&l->request, chip, offset, watch_settings());
	if (error) {
		gpio_line_close(l);
		return error;
	}
	*out = l;
	return 0;
}

int gpio_line_fd(const struct gpio_line *l)
{
	return gpiod_line_request_get_fd(l->request);
}

int gpio_line_level(struct gpio_line *l)
{
	enum gpiod_line_value value = gpiod_line_request_get_value(l->request, l->offset);

	return value == GPIOD_LINE_VALUE_ERROR ? last_error() : value == GPIOD_LINE_VALUE_ACTIVE;
}

int gpio_line_edge(struct gpio_line *l, struct gpio_edge *edge)
{
	int ready = gpiod_line_request_wait_edge_events(l->request, 0);
	struct gpiod_edge_event *e;

	if (ready <= 0)
		return ready ? last_error() : -EAGAIN;
	if (gpiod_line_request_read_edge_events(l->request, l->event, 1) < 1)
		return last_error();
	e = gpiod_edge_event_buffer_get_event(l->event, 0);
	edge->high = gpiod_edge_event_get_event_type(e) == GPIOD_EDGE_EVENT_RISING_EDGE;
	edge->time_ns = (int64_t)gpiod_edge_event_get_timestamp_ns(e);
	return 0;
}

void gpio_line_close(struct gpio_line *l)
{
	if (!l)
		return;
	if (l->request)
		gpiod_line_request_release(l->request);
	gpiod_edge_event_buffer_free(l->event);
	free(l);
}

int gpio_line_set(const char *chip, unsigned int offset, bool high)
{
	struct gpiod_line_request *r;
	int error = request(&r, chip, offset, output_settings(high));

	if (!error)
		gpiod_line_request_release(r);
	return error;
}

#else /* 1.6 */

struct gpio_line {
	struct gpiod_chip *chip;
	struct gpiod_line *line;
};

static int last_error(void)
{
	return errno ? -errno : -EIO;
}

static int open_line(struct gpio_line *l, const char *path, unsigned int offset)
{
	errno = 0;
	l->chip = gpiod_chip_open(path);
	l->line = l->chip ? gpiod_chip_get_line(l->chip, offset) : NULL;
	return l->line ? 0 : last_error();
}

int gpio_line_watch(struct gpio_line **out, const char *chip, unsigned int offset)
{
	struct gpio_line *l = calloc(1, sizeof(*l));
	int error;

	*out = NULL;
	if (!l)
		return -ENOMEM;
	error = open_line(l, chip, offset);
	if (!error && gpiod_line_request_both_edges_events(l->line, CONSUMER))
		error = last_error();
	if (error) {
		gpio_line_close(l);
		return error;
	}
	*out = l;
	return 0;
}

int gpio_line_fd(const struct gpio_line *l)
{
	return gpiod_line_event_get_fd(l->line);
}

int gpio_line_level(struct gpio_line *l)
{
	int value = gpiod_line_get_value(l->line);

	return value < 0 ? last_error() : value;
}

int gpio_line_edge(struct gpio_line *l, struct gpio_edge *edge)
{
	static const struct timespec now = { 0 };
	struct gpiod_line_event e;
	int ready = gpiod_line_event_wait(l->line, &now);

	if (ready <= 0)
		return ready ? last_error() : -EAGAIN;
	if (gpiod_line_event_read(l->line, &e))
		return last_error();
	edge->high = e.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
	edge->time_ns = e.ts.tv_sec * INT64_C(1000000000) + e.ts.tv_nsec;
	return 0;
}

void gpio_line_close(struct gpio_line *l)
{
	if (!l)
		return;
	/* releases its lines */
	if (l->chip)
		gpiod_chip_close(l->chip);
	free(l);
}

int gpio_line_set(const char *chip, unsigned int offset, bool high)
{
	struct gpio_line l = { 0 };
	int error = open_line(&l, chip, offset);

	if (!error && gpiod_line_request_output(l.line, CONSUMER, high))
		error = last_error();
	if (l.chip)
		gpiod_chip_close(l.chip);
	return error;
}

#endif
