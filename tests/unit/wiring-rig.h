/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wiring-rig - voltages and currents of an installation, as the chain gives them to wiring.h,
 * with noise.
 */
#ifndef TEST_WIRING_RIG_H
#define TEST_WIRING_RIG_H

#include "chain-config.h"

#include <complex.h>

#include "wiring.h"

/* a verdict is due after this */
#define DUE_S 15.0
#define WINDOW_S 0.2

static struct installation in;
static struct config config;
static struct wiring *w;
static uint64_t seed;

static inline double complex turn(double degrees)
{
	return cexp(I * degrees * M_PI / 180.0);
}

static inline double noise(double size)
{
	return size * (random_part(&seed) + random_part(&seed) - 1.0);
}

static inline void configure(const char *text)
{
	char path[] = "/tmp/wiring-conf-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(config_read(&config, path, NULL), 0);
	unlink(path);
	assert_int_equal(installation_make(&in, &config, NULL), 0);
	assert_int_equal(wiring_create(&w, &in), 0);
}

static inline void finish(void)
{
	wiring_destroy(w);
	installation_free(&in);
	config_free(&config);
}

/* Conductor potentials of three phases, and the slots that a topology makes of them. */
static inline void set_voltages(struct meter_window *m, const double complex *u)
{
	unsigned int k;
	unsigned int v;

	for (k = 0; k < in.topology->slots; k++) {
		double complex z = 0.0;

		for (v = 0; v < in.topology->voltages; v++)
			z += in.topology->matrix[k][v] * u[v];
		m->slot[k].re = creal(z);
		m->slot[k].im = cimag(z);
	}
}

/* Windows in which the CTs show these currents, at a reference that turns. */
static inline void show(const double complex *u, const double complex *i, unsigned int n,
			double seconds)
{
	static int64_t now;
	double t;

	for (t = 0.0; t < seconds; t += WINDOW_S) {
		struct meter_window m = { .start_ns = now, .frequency_hz = 50.0, .voltages = true };
		double complex spin = turn(360.0 * random_part(&seed));
		double complex v[3];
		unsigned int k;

		now += (int64_t)(WINDOW_S * 1e9);
		m.end_ns = now;
		for (k = 0; k < 3; k++)
			v[k] = u[k] * spin;
		set_voltages(&m, v);
		for (k = 0; k < n; k++) {
			double complex x = i[k] * spin * (1.0 + noise(0.2)) * turn(noise(4.0));

			m.element[k].re = creal(x);
			m.element[k].im = cimag(x);
			m.element[k].known = true;
			m.element[k].below_range = cabs(x) < 0.05;
		}
		wiring_add(w, &m);
	}
}

static inline const double complex *mains(void)
{
	static double complex u[3];
	unsigned int k;

	for (k = 0; k < 3; k++)
		u[k] = 230.0 * (1.0 + noise(0.02)) * turn(-120.0 * k + noise(1.0));
	return u;
}

#endif
