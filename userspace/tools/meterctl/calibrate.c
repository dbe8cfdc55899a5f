// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * calibrate - gain, pole and delay of an input beside a reference meter. Each point is
 * measured beside it; all points of an input are fitted together, and the result goes into
 * the tuning file, which meterd reads when it changes. Without a reference on the command line
 * the way through the points is shown and the references are asked for.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "command.h"
#include "lib/calibration.h"
#include "lib/tuning.h"

/* readings of a point; one comes each second */
#define READINGS 10
#define POLL_MS 100
/* no reading for so long ends it */
#define SILENT_MS 5000
#define LINE_BYTES 64
#define DEGREES (180.0 / M_PI)
/* a load must be so steady, as a part of its current */
#define STEADY 0.02

/**
 * struct sums - of the readings of an input
 * @n: readings
 * @hz: frequency
 * @v: voltage
 * @i: current
 * @p1: active power of the fundamental
 * @q1: reactive power
 * @least: current
 * @most: current
 */
struct sums {
	unsigned int n;
	double hz;
	double v;
	double i;
	double p1;
	double q1;
	double least;
	double most;
};

/**
 * struct model - what the input is corrected with now
 * @gain: gain
 * @tau_s: pole, s; 0: none
 * @delay_s: delay, s
 */
struct model {
	double gain;
	double tau_s;
	double delay_s;
};

static struct json_object *find(struct json_object *list, const char *key, const char *name)
{
	size_t k;

	for (k = 0; k < answer_count(list); k++) {
		struct json_object *o = json_object_array_get_idx(list, k);
		struct json_object *value = answer_member(o, key);

		if (value && !strcmp(json_object_get_string(value), name))
			return o;
	}
	return NULL;
}

static struct json_object *find_element(struct json_object *reading, const char *name)
{
	struct json_object *loads = answer_member(reading, "loads");
	struct json_object *e = NULL;
	size_t k;

	for (k = 0; !e && k < answer_count(loads); k++)
		e = find(answer_member(json_object_array_get_idx(loads, k), "elements"), "input",
			 name);
	return e;
}

static void add(struct sums *s, struct json_object *reading, struct json_object *e)
{
	double i = answer_number(e, "i_a");

	s->least = s->n ? fmin(s->least, i) : i;
	s->most = s->n ? fmax(s->most, i) : i;
	s->n++;
	s->hz += answer_number(reading, "frequency_hz");
	s->v += answer_number(e, "v_v");
	s->i += i;
	s->p1 += answer_number(e, "p1_w");
	s->q1 += answer_number(e, "q1_var");
}

/*
 * The input in the last reading, which is to be put, then. Return: NULL after printing the
 * error.
 */
static struct json_object *ask_element(const struct command_options *o, const char *name,
				       struct json_object **reading)
{
	struct json_object *e;

	*reading = command_ask(o, "/api/v1/live");
	if (!*reading)
		return NULL;
	e = find_element(*reading, name);
	if (!e) {
		fprintf(stderr, "meterctl: %s: no such input; 'meterctl live' lists them\n", name);
		json_object_put(*reading);
	}
	return e;
}

/* Return: 0 or the exit status after printing the error. */
static int measure(const struct command_options *o, const char *name, struct sums *s)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	unsigned int silent_ms = 0;
	double last = NAN;

	while (s->n < READINGS && silent_ms < SILENT_MS) {
		struct json_object *reading;
		struct json_object *e = ask_element(o, name, &reading);
		double sequence;

		if (!e)
			return EXIT_FAILURE;
		sequence = answer_number(reading, "sequence");
		silent_ms = sequence == last ? silent_ms + POLL_MS : 0;
		/* the first may be older than the correction that is in use */
		if (sequence != last && !isnan(last))
			add(s, reading, e);
		last = sequence;
		json_object_put(reading);
		nanosleep(&poll, NULL);
	}
	if (s->n < READINGS) {
		fprintf(stderr, "meterctl: %s: no reading for %d s; see 'meterctl status'\n", name,
			SILENT_MS / 1000);
		return EXIT_FAILURE;
	}
	if (isfinite(s->i) && isfinite(s->p1) && s->i > 0.0 &&
	    s->most - s->least <= STEADY * s->i / s->n)
		return 0;
	fprintf(stderr,
		"meterctl: %s: %.3f to %.3f A in %u readings: a steady load is needed, %g %% at "
		"most; switch on a heater\n",
		name, s->least, s->most, s->n, 100 * STEADY);
	return EXIT_FAILURE;
}

/* What the input is corrected with now. Return: 0 or the exit status. */
static int ask_model(const struct command_options *o, const char *name, struct model *m,
		     char **path)
{
	struct json_object *report = command_ask(o, "/api/v1/wiring");
	struct json_object *sensor;

	if (!report)
		return EXIT_FAILURE;
	sensor = answer_member(find(answer_member(report, "inputs"), "input", name), "sensor");
	if (sensor) {
		*m = (struct model){ answer_number(sensor, "gain"),
				     1e-6 * answer_number(sensor, "tau_us"),
				     1e-6 * answer_number(sensor, "delay_us") };
		*path = strdup(o->tuning ? o->tuning
					 : json_object_get_string(answer_member(report, "tuning")));
	} else {
		fprintf(stderr, "meterctl: %s: no such input; 'meterctl check' lists them\n", name);
	}
	json_object_put(report);
	return sensor && *path ? 0 : EXIT_FAILURE;
}

/*
 * The point without the correction that was in use. The reference says the current, or
 * it follows from its power with a resistive load; and the angle, 0 where only one is given.
 */
static struct calibration_point point_of(const struct command_options *o, const struct sums *s,
					 const struct model *m)
{
	double hz = s->hz / s->n;
	double volts = s->v / s->n;
	double amperes = o->reference_a > 0.0 ? o->reference_a : o->reference_w / volts;
	double pf = o->reference_w > 0.0 ? o->reference_w / (volts * amperes) : 1.0;
	double phi = acos(pf > 1.0 ? 1.0 : pf) * (o->capacitive ? -1.0 : 1.0);
	double seen = atan2(s->q1, s->p1);

	return (struct calibration_point){
		.hz = hz,
		.gain = m->gain * amperes / (s->i / s->n) /
			cos(calibration_lead(m->tau_s, 0.0, hz)),
		.lead = phi - seen + calibration_lead(m->tau_s, m->delay_s, hz),
	};
}

static unsigned int read_points(struct json_object *list, struct calibration_point *point)
{
	unsigned int n = 0;
	size_t k;

	for (k = 0; k < answer_count(list) && n < CALIBRATION_POINTS_MAX - 1; k++) {
		struct json_object *p = json_object_array_get_idx(list, k);

		point[n++] = (struct calibration_point){ answer_number(p, "hz"),
							 answer_number(p, "gain"),
							 answer_number(p, "lead_deg") / DEGREES };
	}
	return n;
}

static void put(struct json_object *o, const char *key, double x)
{
	char text[40];

	snprintf(text, sizeof(text), "%.9g", x);
	json_object_object_add(o, key, json_object_new_double_s(x, text));
}

static void store(struct json_object *input, const struct calibration_point *point, unsigned int n,
		  const struct calibration_result *r)
{
	struct json_object *list = json_object_new_array();
	unsigned int k;

	for (k = 0; k < n; k++) {
		struct json_object *p = json_object_new_object();

		put(p, "hz", point[k].hz);
		put(p, "gain", point[k].gain);
		put(p, "lead_deg", point[k].lead * DEGREES);
		json_object_array_add(list, p);
	}
	json_object_object_add(input, "points", list);
	put(input, "gain", r->gain);
	put(input, "tau_us", r->tau_s * 1e6);
	put(input, "delay_us", r->delay_s * 1e6);
}

static int add_point(const char *path, const char *name, const struct calibration_point *fresh)
{
	struct calibration_point point[CALIBRATION_POINTS_MAX];
	struct calibration_result r;
	struct json_object *tuning = NULL;
	struct json_object *input;
	unsigned int n;
	int error = tuning_read(path, &tuning);

	if (error)
		return error;
	input = tuning_change(tuning, name);
	if (!input) {
		json_object_put(tuning);
		return -ENOMEM;
	}
	n = read_points(answer_member(input, "points"), point);
	point[n++] = *fresh;
	error = calibration_fit(point, n, &r);
	if (!error && (fabs(r.gain - 1.0) > 0.5 || fabs(fresh->lead) > 20.0 / DEGREES))
		error = -ERANGE;
	if (!error) {
		store(input, point, n, &r);
		error = tuning_write(path, tuning);
	}
	json_object_put(tuning);
	if (error)
		return error;
	printf("%s: gain %.6f, tau %.0f us, delay %.3f us from %u points\n", name, r.gain,
	       r.tau_s * 1e6, r.delay_s * 1e6, n);
	printf("the points differ from it by %.3f %% and %.4f degrees at most; in %s, in use at "
	       "once\n",
	       100.0 * r.spread_gain, r.spread_lead * DEGREES, path);
	return 0;
}

static int undo(const char *path, const char *name)
{
	struct json_object *tuning = NULL;
	int error = tuning_read(path, &tuning);

	if (!error)
		error = tuning_undo(tuning, name);
	if (!error)
		error = tuning_write(path, tuning);
	json_object_put(tuning);
	if (!error)
		printf("%s: as it was before, in %s\n", name, path);
	return error;
}

static const char *why(int error)
{
	if (error == -ENOENT)
		return "there is nothing to undo";
	if (error == -ERANGE)
		return "more than 50 %, 20 degrees or 1 ms off: is it the right input, is the "
		       "wiring in "
		       "order ('meterctl check'), is the reference right? Nothing was changed";
	return strerror(-error);
}

/* One point with the references of @o. Return: 0 or the exit status. */
static int calibrate(const struct command_options *o, const char *name)
{
	struct calibration_point point;
	struct sums s = { 0 };
	struct model m = { .gain = 1.0 };
	char *path = NULL;
	int error;

	if (ask_model(o, name, &m, &path))
		return EXIT_FAILURE;
	printf("%s: measuring for %d s; keep the load as it is\n", name, READINGS);
	fflush(stdout);
	if (measure(o, name, &s)) {
		free(path);
		return EXIT_FAILURE;
	}
	point = point_of(o, &s, &m);
	printf("%.3f Hz, %.3f V, %.4f A: %+.3f %% of the current and %+.4f degrees without "
	       "correction\n",
	       point.hz, s.v / s.n, s.i / s.n, 100.0 * (1.0 / point.gain - 1.0),
	       point.lead * DEGREES);
	error = add_point(path, name, &point);
	if (error)
		fprintf(stderr, "meterctl: %s: %s: %s\n", path, name, why(error));
	free(path);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What is in the last reading. Return: false when there is no such input, or no meterd. */
static bool show_now(const struct command_options *o, const char *name)
{
	struct json_object *reading;
	struct json_object *e = ask_element(o, name, &reading);

	if (!e)
		return false;
	printf("%s now: %.3f A, %.1f W, power factor %.3f\n", name, answer_number(e, "i_a"),
	       answer_number(e, "p_w"), answer_number(e, "pf"));
	json_object_put(reading);
	return true;
}

/* A number above 0; 0 for an empty line; NAN at the end of the input. Asks again for others. */
static double ask_number(const char *question)
{
	char line[LINE_BYTES];
	char *end;
	double x;

	for (;;) {
		printf("%s: ", question);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return NAN;
		line[strcspn(line, "\n")] = '\0';
		if (!line[strspn(line, " \t")])
			return 0.0;
		x = strtod(line, &end);
		if (end != line && !end[strspn(end, " \t")] && isfinite(x) && x > 0.0)
			return x;
		printf("\"%s\" is no number above 0; use a point for decimals\n", line);
	}
}

/* What a further point is good for. */
static const char *next_point(unsigned int points)
{
	static const char *const text[] = {
		"Put the CT and the reference meter on the same conductor and switch on a steady "
		"load, best a heater near the current that is usual there.",
		"One point corrects gain and phase where it was taken. A second one at a tenth of "
		"the current shows how much they depend on it.",
		"A point at another frequency, 2 Hz apart, as of a generator, tells a pole from a "
		"delay. More points make the mean better.",
	};
	unsigned int last = sizeof(text) / sizeof(text[0]) - 1;

	return text[points < last ? points : last];
}

/* Point after point, until an empty line. */
static int guide(const struct command_options *o, const char *name)
{
	struct command_options point = *o;
	unsigned int points = 0;

	for (;;) {
		printf("\nPoint %u. %s\n", points + 1, next_point(points));
		if (!show_now(o, name))
			return EXIT_FAILURE;
		point.reference_a = ask_number("true current in A (empty: no more points)");
		if (isnan(point.reference_a) || point.reference_a == 0.0)
			break;
		point.reference_w = ask_number("true active power in W (empty: a resistive load)");
		if (isnan(point.reference_w))
			break;
		points += calibrate(&point, name) == EXIT_SUCCESS;
	}
	printf("\n%u points taken", points);
	if (points)
		printf("; 'meterctl calibrate %s --undo' takes the last one back", name);
	putchar('\n');
	return command_flush() || !points ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int take_back(const struct command_options *o, const char *name)
{
	struct model m;
	char *path = NULL;
	int error;

	if (o->tuning)
		path = strdup(o->tuning);
	else if (ask_model(o, name, &m, &path))
		return EXIT_FAILURE;
	error = path ? undo(path, name) : -ENOMEM;
	if (error)
		fprintf(stderr, "meterctl: %s: %s: %s\n", path ? path : "-", name, why(error));
	free(path);
	return error ? EXIT_FAILURE : command_flush();
}

int command_calibrate(const struct command_options *o)
{
	const char *name = o->arguments ? o->argument[0] : NULL;
	bool reference = o->reference_a > 0.0 || o->reference_w > 0.0;
	int ret;

	if (!name)
		return command_usage("calibrate", "", "give an input, as hub2/B");
	if (o->undo && reference)
		return command_usage("calibrate", name,
				     "give either --reference-a, --reference-w or both, or --undo; "
				     "see 'meterctl help calibrate'");
	if (o->undo)
		return take_back(o, name);
	if (!reference)
		return guide(o, name);
	ret = calibrate(o, name);
	return ret ? ret : command_flush();
}
