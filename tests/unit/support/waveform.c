// SPDX-License-Identifier: GPL-2.0-or-later
#include "waveform.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void waveform_add(struct waveform *w, double order, double rms, double degrees)
{
	if (w->harmonics == WAVEFORM_HARMONICS)
		abort();
	w->order[w->harmonics] = order;
	w->rms[w->harmonics] = rms;
	w->angle[w->harmonics] = degrees * M_PI / 180.0;
	w->harmonics++;
}

double waveform_at(const struct waveform *w, double turns)
{
	double x = 0.0;
	unsigned int k;

	for (k = 0; k < w->harmonics; k++) {
		if (w->order[k] == 0.0)
			x += w->rms[k];
		else
			x += w->rms[k] * M_SQRT2 *
			     cos(2.0 * M_PI * w->order[k] * turns + w->angle[k]);
	}
	return x;
}

double waveform_rms(const struct waveform *w)
{
	double square = 0.0;
	unsigned int k;

	for (k = 0; k < w->harmonics; k++)
		if (w->order[k] != 0.0)
			square += w->rms[k] * w->rms[k];
	return sqrt(square);
}

uint64_t random_seed(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	printf("SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

double random_part(uint64_t *state)
{
	uint64_t x;

	*state += 0x9e3779b97f4a7c15;
	x = *state;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (double)((x ^ x >> 31) >> 11) / 9007199254740992.0;
}

float quantise(double value, double lsb)
{
	return (float)fmax(-32768.0, fmin(32767.0, rint(value / lsb)));
}

float quantise_to(double value, double lsb, unsigned int bits)
{
	double rail = (double)(1 << (bits - 1));

	return (float)fmax(-rail, fmin(rail - 1.0, rint(value / lsb)));
}

const char *shared_path(const char *name)
{
	static const char *const folders[] = { "../shared", "/shared", "../../shared" };
	static char path[4096];
	const char *given = getenv("SMAPPEE_SHARED");
	unsigned int k;

	if (given) {
		snprintf(path, sizeof(path), "%s/%s", given, name);
		return access(path, R_OK) ? NULL : path;
	}
	for (k = 0; k < sizeof(folders) / sizeof(folders[0]); k++) {
		snprintf(path, sizeof(path), "%s/%s", folders[k], name);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}
