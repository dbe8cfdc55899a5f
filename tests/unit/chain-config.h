/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain-config - a chain as the text of a configuration says.
 */
#ifndef TEST_CHAIN_CONFIG_H
#define TEST_CHAIN_CONFIG_H

#include <unistd.h>

#include "chain.h"
#include "installation.h"

/*
 * As the configuration @text says; free it with chain_close_config(). Full scale of the
 * voltages @volts.
 */
static inline void chain_open_config(struct chain *c, struct config *config, const char *text,
				     double volts, double rate_hz)
{
	char path[] = "/tmp/chain-conf-XXXXXX";
	int fd = mkstemp(path);
	unsigned int k;

	memset(c, 0, sizeof(*c));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(config_read(config, path, NULL), 0);
	unlink(path);
	assert_int_equal(installation_make(&c->in, config, NULL), 0);
	for (k = 0; k < c->in.inputs.channels; k++)
		c->scale[k] = (k < c->in.inputs.voltages ? volts : 50.0) / 32768;
	chain_start(c, rate_hz, NULL);
}

static inline void chain_close_config(struct chain *c, struct config *config)
{
	chain_close(c);
	installation_free(&c->in);
	config_free(config);
}

#endif
