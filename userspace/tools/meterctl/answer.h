/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer - what stands in an answer of meterd.
 *
 * An answer comes from outside: each function takes NULL and values of any type, and says
 * that what was asked for is not there.
 */
#ifndef METERCTL_ANSWER_H
#define METERCTL_ANSWER_H

#include <json-c/json.h>
#include <stdbool.h>

/** answer_member() - the value of a key; NULL without one */
struct json_object *answer_member(struct json_object *object, const char *key);

/** answer_number() - a number; NAN without one */
double answer_number(struct json_object *object, const char *key);

/** answer_rounded() - the number for so many @digits after the point: what rounds to 0 has no sign
 */
double answer_rounded(double value, int digits);

/** answer_text() - a text, valid as long as @object; "-" without one */
const char *answer_text(struct json_object *object, const char *key);

/** answer_bool() - true only for true */
bool answer_bool(struct json_object *object, const char *key);

/** answer_count() - entries of a list; 0 for what is none */
size_t answer_count(struct json_object *list);

#endif
