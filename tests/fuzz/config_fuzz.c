/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: a configuration file, as far as loads, topology, inputs and outputs, and what
 * differs from itself. A good one must be like itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "installation.h"
#include "io-config.h"
#include "log.h"
#include "reload.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct config config = { 0 };
	struct installation in = { 0 };
	struct io_plan plan;
	char path[32];
	char why[128];
	int fd = memfd_create("conf", 0);

	log_level(-1);
	if (fd < 0 || write(fd, input, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!config_read(&config, path, NULL) && !installation_make(&in, &config, NULL) &&
	    !io_plan_make(&plan, &config, &in) && reload_parts(&config, &config, why, sizeof(why)))
		abort();
	installation_free(&in);
	config_free(&config);
	/* the same as settings over itself */
	config_read(&config, path, path);
	config_free(&config);
	close(fd);
	return 0;
}
