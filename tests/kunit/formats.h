/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All formats of samples, as parameters of a test (format_gen_params).
 */
#ifndef SMAPPEE_KUNIT_FORMATS_H
#define SMAPPEE_KUNIT_FORMATS_H

#include <kunit/test.h>
#include <uapi/linux/smappee.h>

static const u16 all_formats[] = {
	SMAPPEE_FORMAT_S16, SMAPPEE_FORMAT_S24, SMAPPEE_FORMAT_S16_PACKED,
	SMAPPEE_FORMAT_S24_PACKED,
};

static void format_name(const u16 *format, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "format %u", *format);
}

KUNIT_ARRAY_PARAM(format, all_formats, format_name);

#endif
