// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * value-form - see value-form.h.
 */
#include "value-form.h"

#include <stdbool.h>
#include <string.h>

#include "listen.h"

/* Bytes of a topic and of a level, at most. */
#define TOPIC_MAX 256
#define LEVEL_MAX 64

/* http://HOST:PORT, https://HOST and the like: what is asked for there is added to it. */
static bool is_url(const char *value)
{
	size_t scheme = strncmp(value, "https://", 8) ? 7 : 8;

	return (scheme == 8 || !strncmp(value, "http://", 7)) && value[scheme] &&
	       !value[scheme + strcspn(value + scheme, "/?# @")];
}

const char *value_form_wrong(enum value_form form, const char *value)
{
	switch (form) {
	case FORM_LISTEN:
		return listen_is_address(value) ? NULL : "must be " LISTEN_FORM;
	case FORM_URL:
		return is_url(value) ? NULL
				     : "must be http://HOST:PORT or https://HOST:PORT, without a "
				       "path or a user";
	case FORM_TOPIC:
		return strlen(value) <= TOPIC_MAX && value[0] != '$' && !strpbrk(value, "+#")
			       ? NULL
			       : "not a topic to publish on; use 1 to 256 characters without + "
				 "and #, not beginning with $, such as meterd";
	case FORM_LEVEL:
		return strlen(value) <= LEVEL_MAX && !strpbrk(value, "+#/")
			       ? NULL
			       : "cannot be a part of a topic; use at most 64 characters without "
				 "+, # and /";
	case FORM_ANY:
		break;
	}
	return NULL;
}
