/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gpio-line - one line of a GPIO chip, by libgpiod: the only file that knows whether
 * that is 1.6 or 2.x. Calls may wait for the chip, which may be at the end of a line.
 */
#ifndef METERD_GPIO_LINE_H
#define METERD_GPIO_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct gpio_line;

/**
 * struct gpio_edge - an edge of a line
 * @time_ns: when, CLOCK_MONOTONIC
 * @high: what the line is after it
 */
struct gpio_edge {
	int64_t time_ns;
	bool high;
};

/**
 * gpio_line_watch() - take a line as an input and wait for both of its edges
 * @line: where to put it
 * @chip: path of the chip, such as /dev/gpiochip1
 * @offset: number of the line, from 0
 *
 * Return: 0 or -errno; -EBUSY: somebody else has the line.
 */
int gpio_line_watch(struct gpio_line **line, const char *chip, unsigned int offset);

/** gpio_line_fd() - readable while there are edges; it belongs to the line */
int gpio_line_fd(const struct gpio_line *line);

/** gpio_line_level() - 1: high, 0: low, or -errno */
int gpio_line_level(struct gpio_line *line);

/** gpio_line_edge() - take the next edge. Return: 0, -EAGAIN: there is none, or -errno */
int gpio_line_edge(struct gpio_line *line, struct gpio_edge *edge);

/** gpio_line_close() - give the line back; NULL is allowed */
void gpio_line_close(struct gpio_line *line);

/**
 * gpio_line_set() - set an output, and give it back at once
 * @chip: path of the chip
 * @offset: number of the line, from 0
 * @high: what it is to be
 *
 * What a line is after it was given back is up to its driver; relays of metering modules
 * stay as they are.
 *
 * Return: 0 or -errno: that of the driver, or -EBUSY: somebody else has the line.
 */
int gpio_line_set(const char *chip, unsigned int offset, bool high);

#endif
