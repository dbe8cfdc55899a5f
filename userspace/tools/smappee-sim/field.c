// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text to values. Nothing here knows keys or files.
 */
#include "field.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* A finite number at *text; moves *text behind it and the blanks after it. */
static bool take_number(const char **text, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(*text, &end);
	if (end == *text || errno || !isfinite(*out))
		return false;
	*text = skip_blanks(end);
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	*text = skip_blanks(*text + 1);
	return true;
}

bool field_number(const char *text, double min, double max, double *out)
{
	unsigned int count;

	return field_numbers(text, min, max, 1, out, &count);
}

bool field_whole(const char *text, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 0);
	return end != text && !*skip_blanks(end) && !errno && *out >= min && *out <= max;
}

bool field_yes(const char *text, bool *out)
{
	*out = !strcmp(text, "yes");
	return *out || !strcmp(text, "no");
}

bool field_numbers(const char *text, double min, double max, unsigned int most, double *out,
		   unsigned int *count)
{
	*count = 0;
	do {
		if (*count == most || !take_number(&text, &out[*count]))
			return false;
		if (out[*count] < min || out[*count] > max)
			return false;
		++*count;
	} while (take_char(&text, ','));
	return !*text;
}

bool field_names(const char *text, unsigned int most, size_t size, char *out, unsigned int *count)
{
	*count = 0;
	do {
		size_t len = strcspn(text, ",");
		size_t used = len;

		while (used && strchr(" \t", text[used - 1]))
			used--;
		if (*count == most || !used || used >= size)
			return false;
		memcpy(out + *count * size, text, used);
		out[*count * size + used] = '\0';
		++*count;
		text += len;
	} while (take_char(&text, ','));
	return true;
}

bool field_harmonic(const char *text, double *ratio, double *angle)
{
	double percent, degrees = 0;

	if (!take_number(&text, &percent) || !take_char(&text, '%'))
		return false;
	if (take_char(&text, '@') && !take_number(&text, &degrees))
		return false;
	*ratio = percent / 100;
	*angle = degrees * M_PI / 180;
	return !*text && percent >= 0 && percent <= 500 && fabs(degrees) <= 360;
}

bool field_power_factor(const char *text, double *angle)
{
	double pf;

	if (!take_number(&text, &pf) || pf < 0 || pf > 1)
		return false;
	*angle = acos(pf);
	if (!strcmp(text, "lag"))
		return true;
	*angle = -*angle;
	return !strcmp(text, "lead") || (!*text && pf == 1);
}

bool field_steps(const char *text, struct profile *out)
{
	*out = (struct profile){ 0 };
	do {
		unsigned int i = out->steps;

		if (i == PROFILE_STEPS_MAX || !take_number(&text, &out->at_s[i]) ||
		    !take_char(&text, ':') || !take_number(&text, &out->value[i]))
			return false;
		if (out->at_s[i] < 0 || (i && out->at_s[i] <= out->at_s[i - 1]))
			return false;
		out->steps++;
	} while (take_char(&text, ','));
	if (!strncmp(text, "repeat ", 7)) {
		text += 7;
		if (!take_number(&text, &out->repeat_s) ||
		    out->repeat_s <= out->at_s[out->steps - 1])
			return false;
	}
	return !*text;
}
