// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gpio-line - meterd's gpio-line.c with libgpiod 1.6, for the guest, whose meterd has 2.x.
 *
 *   gpio-line watch CHIP OFFSET N     level, then N edges, one per line, and end
 *   gpio-line set CHIP OFFSET 0|1     set an output
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/meterd/io/gpio-line.h"

#define WAIT_MS 20000

static int fail(int error)
{
	fprintf(stderr, "gpio-line: %s\n", strerror(-error));
	return EXIT_FAILURE;
}

static int watch(const char *chip, unsigned int offset, int edges)
{
	struct gpio_line *line;
	struct gpio_edge edge;
	int64_t last_ns = 0;
	int ret = gpio_line_watch(&line, chip, offset);

	if (ret)
		return fail(ret);
	printf("%d\n", gpio_line_level(line));
	while (edges) {
		struct pollfd p = { .fd = gpio_line_fd(line), .events = POLLIN };

		ret = gpio_line_edge(line, &edge);
		if (ret == -EAGAIN && poll(&p, 1, WAIT_MS) > 0)
			continue;
		if (ret)
			break;
		printf("%s %s\n", edge.high ? "rising" : "falling",
		       edge.time_ns > last_ns ? "later" : "not later");
		last_ns = edge.time_ns;
		edges--;
	}
	gpio_line_close(line);
	return ret ? fail(ret) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc != 5)
		return 2;
	if (!strcmp(argv[1], "watch"))
		return watch(argv[2], (unsigned int)atoi(argv[3]), atoi(argv[4]));
	ret = gpio_line_set(argv[2], (unsigned int)atoi(argv[3]), atoi(argv[4]));
	return ret ? fail(ret) : EXIT_SUCCESS;
}
