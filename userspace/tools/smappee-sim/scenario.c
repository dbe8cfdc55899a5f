// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A scenario from its file: read into a draft, put together, or what is wrong.
 */
#include "scenario.h"

#include "scenario-draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) int draft_fail(struct draft *d, unsigned int line,
						     const char *format, ...)
{
	int used;
	va_list ap;

	if (d->error[0])
		return -EINVAL;
	used = snprintf(d->error, SCENARIO_ERROR_MAX, "%s:%u: ", d->path, line);
	if (used < 0 || used >= SCENARIO_ERROR_MAX)
		return -EINVAL;
	va_start(ap, format);
	vsnprintf(d->error + used, SCENARIO_ERROR_MAX - (size_t)used, format, ap);
	va_end(ap);
	return -EINVAL;
}

int scenario_load(struct scenario *s, const char *path, const char *data, char *error)
{
	struct draft *d = calloc(1, sizeof(*d));
	int ret;

	*s = (struct scenario){
		.bit_rate = 4e6, .turnaround_s = 200e-6, .seed = 1, .rate_hz = 4000, .depth_s = 0.5
	};
	s->signal.kind = mains_kind("3p+n");
	s->signal.transformer = 1;
	s->signal.frequency_hz = 50;
	error[0] = '\0';
	if (!d)
		return -ENOMEM;
	d->s = s;
	d->path = path;
	d->error = error;
	ret = draft_read(d);
	if (!ret)
		ret = draft_load_replay(d, data);
	if (!ret)
		ret = draft_make_modules(d);
	if (!ret)
		ret = draft_make_signal(d);
	if (ret && !error[0])
		snprintf(error, SCENARIO_ERROR_MAX, "%s: %s", path, strerror(-ret));
	replay_free(&d->replay);
	free(d->seen);
	free(d);
	return ret;
}

void scenario_channel_name(const struct scenario_module *m, unsigned int channel, char out[4])
{
	bool voltage = draft_is_voltage(m);

	out[0] = voltage ? 'L' : (char)('A' + channel);
	out[1] = voltage ? (char)('1' + channel) : '\0';
	out[2] = '\0';
}

void scenario_free(struct scenario *s)
{
	signal_free(&s->signal);
}
