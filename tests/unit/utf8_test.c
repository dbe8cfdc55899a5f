// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Texts that are no UTF-8 become some, and those that are stay as they are; the judge is
 * another implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mosquitto.h>

#include "utf8.h"

static void good_text_stays(void **state)
{
	static const char good[] = "a\x7f, \xc3\xa9, \xe2\x82\xac, \xf0\x9f\x94\x8c.";
	char text[sizeof(good)];

	memcpy(text, good, sizeof(good));
	utf8_mend(text);
	assert_string_equal(text, good);
	text[0] = '\0';
	utf8_mend(text);
	assert_string_equal(text, "");
}

static void bad_bytes_are_replaced_one_by_one(void **state)
{
	static const char *const rows[][2] = {
		{ "\xff", "?" },
		{ "a\xc3", "a?" },
		{ "\xe2\x82", "??" },
		{ "\xf0\x9f\x94", "???" },
		{ "\xa9\xc3\xa9", "?\xc3\xa9" },
		{ "\xc0\xaf", "??" },		/* longer than it must be */
		{ "\xed\xa0\x80", "???" },	/* half of a pair */
		{ "\xf4\x90\x80\x80", "????" }, /* behind the last one */
		{ "\xe2\x82x\xc3\xa9", "??x\xc3\xa9" },
	};
	char text[32];
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		strcpy(text, rows[k][0]);
		utf8_mend(text);
		assert_string_equal(text, rows[k][1]);
	}
}

/* Any bytes, among them many that characters begin with and go on with. */
static void anything_becomes_utf8(void **state)
{
	static const unsigned char often[] = { 0xc3, 0xe2, 0xed, 0xf0, 0x80, 0x82, 0x9f, 0xa0 };
	uint64_t random = 88172645463325252;
	unsigned int round, k, mended = 0;
	char text[40], before[40];

	for (round = 0; round < 200000; round++) {
		for (k = 0; k < sizeof(text) - 1; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			text[k] = (char)(random & 1 ? often[random >> 8 & 7] : random >> 16 & 0xff);
		}
		text[random >> 32 & 31] = '\0';
		text[sizeof(text) - 1] = '\0';
		strcpy(before, text);
		utf8_mend(text);
		assert_true(strlen(text) == strlen(before));
		/* control characters and characters that are none are not this one's business */
		for (k = 0; text[k]; k += utf8_length(text + k))
			assert_true(utf8_length(text + k) > 0);
		mended += strcmp(text, before) != 0;
		if (!mosquitto_validate_utf8(before, (int)strlen(before)))
			assert_string_equal(text, before);
	}
	assert_true(mended > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_text_stays),
		cmocka_unit_test(bad_bytes_are_replaced_one_by_one),
		cmocka_unit_test(anything_becomes_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
