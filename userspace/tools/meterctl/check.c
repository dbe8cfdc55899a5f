// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check - what meterd found of the wiring, as a table; and its proposals into the tuning
 * file, which meterd reads when it changes.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "command.h"
#include "lib/tuning.h"

/* The verdict that counts: with --resistive the one for loads that are heaters. */
static struct json_object *verdict_of(const struct command_options *o, struct json_object *input)
{
	return o->resistive ? answer_member(input, "if_resistive") : input;
}

static void print_place(struct json_object *place, char *out, size_t bytes)
{
	snprintf(out, bytes, "%s%s", answer_text(place, "phase"),
		 answer_bool(place, "reversed") ? " reversed" : "");
}

/* A number with its unit in so many cells; "-" when there is none. */
static void print_quantity(double value, int cells, int digits, const char *unit)
{
	char text[64] = "-";

	if (isfinite(value))
		snprintf(text, sizeof(text), "%.*f %s", digits, answer_rounded(value, digits),
			 unit);
	printf(" %*s", cells, text);
}

/* Which input it is, and what was seen of it. */
static void print_evidence(struct json_object *input)
{
	struct json_object *configured = answer_member(input, "configured");
	char is[32];

	print_place(configured, is, sizeof(is));
	printf("%-16s %-20.20s %-12s", answer_text(input, "input"), answer_text(input, "load"), is);
	print_quantity(answer_number(input, "i_a"), 11, 3, "A");
	print_quantity(
		answer_number(answer_member(input, "phi_deg"), answer_text(configured, "phase")),
		10, 1, "deg");
	print_quantity(answer_number(input, "seconds"), 8, 0, "s");
}

static void print_input(const struct command_options *o, struct json_object *input)
{
	struct json_object *v = verdict_of(o, input);
	char is[32];
	char should[32];
	double confidence = answer_number(v, "confidence");

	print_place(answer_member(input, "configured"), is, sizeof(is));
	print_place(answer_member(v, "proposal"), should, sizeof(should));
	print_evidence(input);
	printf("  %s", answer_text(v, "verdict"));
	if (answer_member(v, "reason"))
		printf(": %s", answer_text(v, "reason"));
	if (strcmp(is, should) && confidence > 0.0)
		printf(" (%s%s, %.1f %%)", answer_member(v, "reason") ? "perhaps " : "should be ",
		       should, 100.0 * confidence);
	if (answer_member(v, "reason") && answer_member(v, "alternative")) {
		print_place(answer_member(v, "alternative"), should, sizeof(should));
		printf(", or %s, %.1f %%", should,
		       100.0 * answer_number(v, "alternative_confidence"));
	}
	if (answer_member(v, "swapped_with"))
		printf(", in the place of %s", answer_text(v, "swapped_with"));
	if (answer_bool(v, "reads_half"))
		printf(", reads half if the load is resistive");
	putchar('\n');
}

static bool has_verdict(struct json_object *v, const char *verdict)
{
	return !strcmp(answer_text(v, "verdict"), verdict);
}

/* What --apply corrects. */
static bool is_wrong(struct json_object *v)
{
	const char *verdict = answer_text(v, "verdict");

	return !strcmp(verdict, "reversed") || !strncmp(verdict, "wrong phase", 11);
}

/* Return: inputs changed, or -errno after printing the error. */
static int apply(const struct command_options *o, struct json_object *report)
{
	struct json_object *inputs = answer_member(report, "inputs");
	const char *path = o->tuning ? o->tuning : answer_text(report, "tuning");
	struct json_object *tuning;
	int error = tuning_read(path, &tuning);
	int changed = 0;
	size_t k;

	for (k = 0; !error && k < json_object_array_length(inputs); k++) {
		struct json_object *input = json_object_array_get_idx(inputs, k);
		struct json_object *v = verdict_of(o, input);
		struct json_object *to = NULL;

		if (!is_wrong(v))
			continue;
		to = tuning_change(tuning, answer_text(input, "input"));
		if (!to) {
			error = -ENOMEM;
			break;
		}
		json_object_object_add(
			to, "phase",
			json_object_get(answer_member(answer_member(v, "proposal"), "phase")));
		json_object_object_add(
			to, "reversed",
			json_object_get(answer_member(answer_member(v, "proposal"), "reversed")));
		changed++;
	}
	if (!error && changed)
		error = tuning_write(path, tuning);
	json_object_put(tuning);
	if (error)
		fprintf(stderr, "meterctl: %s: %s; nothing was changed; may you write there?\n",
			path, strerror(-error));
	return error ? error : changed;
}

/* The mains as they are described contradict what is measured, or the configuration. */
static unsigned int contradictions(struct json_object *report)
{
	struct json_object *list = answer_member(answer_member(report, "site"), "contradictions");

	return (unsigned int)answer_count(list);
}

static void show_mains(struct json_object *report)
{
	struct json_object *site = answer_member(report, "site");
	unsigned int k;

	printf("topology %s", answer_text(report, "topology"));
	if (site)
		printf(" (%s)", answer_text(site, "from"));
	printf(", rotation of the voltages: %s\n", answer_text(report, "rotation"));
	for (k = 0; k < contradictions(report); k++)
		printf("mains: %s\n", json_object_get_string(json_object_array_get_idx(
					      answer_member(site, "contradictions"), k)));
}

/* Exit status 3: something is wrong, and was not corrected. */
#define EXIT_WRONG 3

int command_check(const struct command_options *o)
{
	struct json_object *report = command_ask(o, "/api/v1/wiring");
	struct json_object *inputs;
	unsigned int contradicted;
	unsigned int wrong = 0;
	unsigned int asked = 0;
	unsigned int coils = 0;
	int changed = 0;
	size_t k;
	int ret;

	if (!report)
		return EXIT_FAILURE;
	inputs = answer_member(report, "inputs");
	if (!json_object_is_type(inputs, json_type_array)) {
		fputs("meterctl: /api/v1/wiring: the answer is not meterd's\n", stderr);
		json_object_put(report);
		return EXIT_FAILURE;
	}
	if (o->json) {
		command_print_json(report);
	} else {
		show_mains(report);
		printf("%-16s %-20s %-12s %11s %10s %8s  %s\n", "INPUT", "LOAD", "CONFIGURED",
		       "CURRENT", "ANGLE", "SEEN", "VERDICT");
	}
	for (k = 0; k < json_object_array_length(inputs); k++) {
		struct json_object *input = json_object_array_get_idx(inputs, k);

		if (!o->json)
			print_input(o, input);
		asked += has_verdict(verdict_of(o, input), "reversed?") ||
			 has_verdict(verdict_of(o, input), "not integrated?");
		coils += has_verdict(verdict_of(o, input), "not integrated");
		wrong += is_wrong(verdict_of(o, input)) ||
			 has_verdict(verdict_of(o, input), "not integrated") ||
			 has_verdict(input, "voltage reference missing");
	}
	if (o->apply && !strcmp(answer_text(report, "origin"), "register")) {
		fputs("meterctl: --apply: these modules measure by themselves and take no tuning; "
		      "turn the CT round, or write phases and reversed into the load's section of "
		      "meterd.conf\n",
		      stderr);
		changed = -1;
	} else if (o->apply) {
		changed = apply(o, report);
	}
	if (changed > 0)
		printf("%d inputs corrected in %s; meterd uses it at once; 'meterctl calibrate "
		       "INPUT "
		       "--undo' takes an input back\n",
		       changed, o->tuning ? o->tuning : answer_text(report, "tuning"));
	else if (wrong > coils && !o->apply && !o->json)
		printf("'meterctl check --apply%s' corrects what should be otherwise\n",
		       o->resistive ? " --resistive" : "");
	if (coils && !o->json)
		printf("not integrated: write 'integrate = yes' into the section [input NAME] of "
		       "such a coil in meterd.conf; --apply never changes it\n");
	if (asked && !o->json)
		printf("what ends in ? is a question: 'meterctl check --resistive' answers it "
		       "while heaters or lamps are the load\n");
	contradicted = contradictions(report);
	json_object_put(report);
	ret = command_flush();
	if (ret || changed < 0)
		return EXIT_FAILURE;
	return (int)wrong > changed || contradicted ? EXIT_WRONG : EXIT_SUCCESS;
}
