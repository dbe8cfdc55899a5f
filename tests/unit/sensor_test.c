// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sensors whose errors are known, through the whole chain: the pole of a CT, a delay, a
 * coil that gives di/dt; 45 to 65 Hz, power factor 0.5, distorted.
 */
#include "chain-config.h"

#include <complex.h>

#define RATE 4000.0
#define CASES 40
#define ORDERS 12
/* percent of P at power factor 0.5: the software's share */
#define LIMIT 0.02

static struct chain c;
static struct config config;
static uint64_t seed;

/* A voltage and the current of one conductor, and how the sensor spoils it. */
struct bench {
	double hz;
	double start;
	double complex v[ORDERS]; /* RMS phasors by order */
	double complex i[ORDERS];
	double offset_v;
	double offset_a;
	double gain;
	double tau_s;
	double delay_s;
	bool coil;
};

/* The pole of a lead at 50 Hz, above 0. */
static double pole_s(double lead_deg)
{
	return 1.0 / (2.0 * M_PI * 50.0 * tan(lead_deg * M_PI / 180.0));
}

static double part(void)
{
	return random_part(&seed);
}

static struct bench make_bench(double pf)
{
	struct bench b = {
		.hz = 45 + 20 * part(), .start = part(), .gain = 1.0, .tau_s = INFINITY
	};
	unsigned int h;

	b.v[1] = 230.0;
	b.i[1] = 10.0 * cexp(-I * acos(pf));
	for (h = 3; h < ORDERS; h += 2) {
		/* about 4 % and 30 % in all */
		b.v[h] = 230.0 * 0.02 * cexp(2 * M_PI * I * part());
		b.i[h] = 10.0 * 0.13 * cexp(2 * M_PI * I * part());
	}
	return b;
}

/* What the sensor makes of a phasor of the current. */
static double complex spoil(const struct bench *b, unsigned int h)
{
	double complex w = 2 * M_PI * I * b->hz * h;
	double complex i = b->i[h] / b->gain;

	if (isfinite(b->tau_s))
		i *= w * b->tau_s / (1.0 + w * b->tau_s);
	if (b->coil)
		i *= w / (2 * M_PI * 50.0);
	return i * cexp(-w * b->delay_s);
}

static double sample(void *user, unsigned int channel, double scan)
{
	const struct bench *b = user;
	double turns = b->start + b->hz * scan / RATE;
	double sum = channel ? b->offset_a : b->offset_v;
	unsigned int h;

	for (h = 1; h < ORDERS; h++)
		sum += M_SQRT2 * cimag((channel ? spoil(b, h) : b->v[h]) *
				       cexp(2 * M_PI * I * fmod(turns * h, 1.0)));
	return sum;
}

static double power(const struct bench *b)
{
	double sum = 0.0;
	unsigned int h;

	for (h = 1; h < ORDERS; h++)
		sum += creal(b->v[h] * conj(b->i[h]));
	return sum;
}

static double current(const struct bench *b)
{
	double sum = 0.0;
	unsigned int h;

	for (h = 1; h < ORDERS; h++)
		sum += creal(b->i[h] * conj(b->i[h]));
	return sqrt(sum);
}

static void open_with(const struct bench *b)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "[topology]\ntype = 1p\n[load a]\ninputs = h/A\nphases = L1\n"
		 "[input h/A]\ngain = %.9f\ntau_us = %.3f\ndelay_us = %.6f\nintegrate = %s\n",
		 b->gain, isfinite(b->tau_s) ? b->tau_s * 1e6 : 0.0, b->delay_s * 1e6,
		 b->coil ? "yes" : "no");
	chain_open_config(&c, &config, text, 500.0, RATE);
}

/* Worst errors of the windows from @first on, in percent of the truth. */
struct errors {
	double p;
	double i;
	double q1;
};

static struct errors measure(struct bench *b, double seconds, unsigned int first)
{
	struct errors worst = { 0 };
	double q1 = cimag(b->v[1] * conj(b->i[1]));
	unsigned int k;

	open_with(b);
	chain_feed(&c, seconds, sample, b);
	assert_true(c.windows > first + 2);
	for (k = first; k < c.windows; k++) {
		const struct element_window *e = &c.window[k].element[0];

		worst.p = fmax(worst.p, fabs(e->p_w / power(b) - 1.0));
		worst.i = fmax(worst.i, fabs(sqrt(e->i2) / current(b) - 1.0));
		worst.q1 = fmax(worst.q1, fabs(e->q1_var / q1 - 1.0));
	}
	chain_close_config(&c, &config);
	return (struct errors){ 100 * worst.p, 100 * worst.i, 100 * worst.q1 };
}

static void within(const char *what, const struct bench *b, struct errors e, double p_limit,
		   double i_limit)
{
	if (e.p <= p_limit && e.i <= i_limit && e.q1 <= LIMIT)
		return;
	print_error("%s: %.3f Hz: P %.4f %%, I %.4f %%, Q1 %.4f %%\n", what, b->hz, e.p, e.i, e.q1);
	fail();
}

static void pole_of_a_ct_is_corrected_at_all_frequencies(void **state)
{
	double worst = 0.0;
	unsigned int k;

	for (k = 0; k < CASES; k++) {
		struct bench b = make_bench(0.5);
		struct errors e;

		b.tau_s = pole_s(0.1 + 2.9 * part());
		b.gain = 0.9 + 0.2 * part();
		e = measure(&b, 1.2, 0);
		within("pole", &b, e, LIMIT, 0.02);
		worst = fmax(worst, e.p);
	}
	print_message("pole of 0.1 to 3 degrees: worst %.4f %% of P\n", worst);
}

static void delay_is_corrected_at_all_frequencies(void **state)
{
	double worst = 0.0;
	unsigned int k;

	for (k = 0; k < CASES; k++) {
		struct bench b = make_bench(0.5);
		struct errors e;

		b.tau_s = pole_s(part());
		b.delay_s = (100.0 * part() - 50.0) * 1e-6;
		e = measure(&b, 1.2, 0);
		within("delay", &b, e, LIMIT, 0.02);
		worst = fmax(worst, e.p);
	}
	print_message("delay up to 50 us: worst %.4f %% of P\n", worst);
}

static void offsets_do_not_disturb_the_integral(void **state)
{
	unsigned int k;

	for (k = 0; k < 8; k++) {
		struct bench b = make_bench(0.5);

		b.tau_s = pole_s(1.0);
		b.offset_v = 4.0 * part() - 2.0;
		b.offset_a = 2.0 * part() - 1.0;
		within("offset", &b, measure(&b, 3.0, 0), LIMIT, 0.02);
	}
}

static void coil_without_integrator_is_integrated(void **state)
{
	double worst = 0.0;
	unsigned int h;
	unsigned int k;

	for (k = 0; k < 16; k++) {
		struct bench b = make_bench(0.5);
		struct errors e;

		b.coil = true;
		/* the output grows with the order: keep it off the rail */
		for (h = 0; h < ORDERS; h++)
			b.i[h] /= 4.0;
		b.offset_v = part();
		b.offset_a = 0.2 * part();
		e = measure(&b, 3.0, 0);
		within("coil", &b, e, 0.05, 0.1);
		worst = fmax(worst, e.p);
	}
	print_message("coil: worst %.4f %% of P\n", worst);
}

static void without_correction_the_error_is_there(void **state)
{
	struct bench b = make_bench(0.5);
	struct bench ideal;

	b.tau_s = pole_s(1.0);
	ideal = b;
	ideal.tau_s = INFINITY;
	open_with(&ideal);
	chain_feed(&c, 1.2, sample, &b);
	/* tan(60 degrees) times a lead of 1 degree at 50 Hz is 3 % */
	assert_true(fabs(c.window[0].element[0].p_w / power(&b) - 1.0) > 0.015);
	chain_close_config(&c, &config);
}

static void a_new_model_holds_from_the_next_window_on(void **state)
{
	struct bench b = make_bench(0.5);
	struct bench ideal;
	unsigned int before;

	b.tau_s = pole_s(1.0);
	b.delay_s = 20e-6;
	ideal = b;
	ideal.tau_s = INFINITY;
	ideal.delay_s = 0.0;
	open_with(&ideal);
	chain_feed(&c, 1.0, sample, &b);
	c.in.load[0].element[0].model =
		(struct sensor_model){ .gain = 1.0, .tau_s = b.tau_s, .delay_s = b.delay_s };
	assert_int_equal(meter_rewire(c.meter), 0);
	before = c.windows;
	chain_feed(&c, 1.0, sample, &b);
	assert_true(c.windows > before + 2);
	assert_double_equal(c.window[before].element[0].p_w / power(&b), 1.0, LIMIT / 100);
	assert_double_equal(c.window[c.windows - 1].element[0].p_w / power(&b), 1.0, LIMIT / 100);
	chain_close_config(&c, &config);
}

static void current_at_its_rail_is_flagged(void **state)
{
	struct bench b = make_bench(0.9);
	unsigned int k;

	open_with(&b);
	c.rail[1] = 32767.0f;
	chain_feed(&c, 1.0, sample, &b);
	for (k = 0; k < c.windows; k++)
		assert_false(c.window[k].element[0].saturated);
	/* full scale is 50 A */
	b.i[1] *= 5.0;
	k = c.windows + 1;
	chain_feed(&c, 1.0, sample, &b);
	for (; k < c.windows; k++)
		assert_true(c.window[k].element[0].saturated);
	b.i[1] /= 5.0;
	chain_feed(&c, 1.0, sample, &b);
	assert_false(c.window[c.windows - 1].element[0].saturated);
	chain_close_config(&c, &config);
}

static void every_row_says_where_its_figures_are_from(void **state)
{
	const struct sensor *s;
	unsigned int k;

	for (k = 0; (s = sensor_row(k)); k++) {
		const struct sensor_figure *f[] = { &s->ratio, &s->lead_deg, &s->delay_us,
						    &s->min_a, &s->max_a };
		unsigned int n;

		for (n = 0; n < sizeof(f) / sizeof(f[0]); n++) {
			assert_true(f[n]->source && f[n]->source[0]);
			if (!strncmp(f[n]->source, "estimate", 8))
				assert_true(f[n]->estimated);
		}
		assert_true(s->min_a.value > 0.0 && s->max_a.value > s->min_a.value);
		assert_ptr_equal(sensor_find(s->name), s);
		if (s->code >= 0)
			assert_ptr_equal(sensor_of_code(s->code), s);
	}
	assert_null(sensor_find("no such"));
	assert_string_equal(sensor_of_code(77)->name, "unknown");
	assert_string_equal(sensor_of_code(SENSOR_UNKNOWN)->name, "unknown");
}

static void range_is_that_of_the_sensor(void **state)
{
	chain_open_config(&c, &config,
			  "[load a]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n"
			  "[load b]\ninputs = h/D\nphases = L1\nmin_a = 0.5\n"
			  "[input h/A]\nsensor = sct02-400a\n",
			  500.0, RATE);
	assert_double_equal(c.in.load[0].element[0].min_a, 0.16, 1e-9);
	assert_double_equal(c.in.load[0].element[1].min_a, 0.02, 1e-9);
	assert_double_equal(c.in.load[1].element[0].min_a, 0.5, 1e-9);
	/* what the module tells counts where nothing was given */
	element_sensor(&c.in.load[0].element[0], 4);
	element_sensor(&c.in.load[0].element[1], 4);
	element_sensor(&c.in.load[1].element[0], 4);
	assert_double_equal(c.in.load[0].element[0].min_a, 0.16, 1e-9);
	assert_double_equal(c.in.load[0].element[1].min_a, 0.04, 1e-9);
	assert_double_equal(c.in.load[1].element[0].min_a, 0.5, 1e-9);
	chain_close_config(&c, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pole_of_a_ct_is_corrected_at_all_frequencies),
		cmocka_unit_test(delay_is_corrected_at_all_frequencies),
		cmocka_unit_test(offsets_do_not_disturb_the_integral),
		cmocka_unit_test(coil_without_integrator_is_integrated),
		cmocka_unit_test(without_correction_the_error_is_there),
		cmocka_unit_test(a_new_model_holds_from_the_next_window_on),
		cmocka_unit_test(current_at_its_rail_is_flagged),
		cmocka_unit_test(every_row_says_where_its_figures_are_from),
		cmocka_unit_test(range_is_that_of_the_sensor),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
