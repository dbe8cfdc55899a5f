// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Splitting interleaved scans: every sample and stamp at its place, nothing beside it.
 */
#include "chain.h"

#include "scan.h"

#define SCANS 67
#define CHANNELS 9

static void every_sample_finds_its_place(void **state)
{
	uint64_t seed = random_seed();
	unsigned int channels;
	unsigned int n;
	unsigned int c;
	unsigned int k;

	for (channels = 1; channels <= CHANNELS; channels++) {
		size_t step = (channels * 2 + 7) / 8 * 8 + 8;

		for (n = 0; n <= SCANS; n++) {
			/* exactly as long as needed, so that a sanitizer sees what is read beyond
			 */
			char *from = malloc(n * step + !n);
			float *to[CHANNELS];

			for (k = 0; k < n * step; k++)
				from[k] = (char)(256 * random_part(&seed));
			for (c = 0; c < channels; c++) {
				to[c] = malloc((n + 1) * sizeof(float));
				to[c][n] = 1e9f;
			}
			scan_split_s16(from, step, n, channels, to);
			for (c = 0; c < channels; c++) {
				for (k = 0; k < n; k++) {
					int16_t sample;

					memcpy(&sample, from + k * step + 2 * c, 2);
					assert_true(to[c][k] == (float)sample);
				}
				assert_true(to[c][n] == 1e9f);
				free(to[c]);
			}
			free(from);
		}
	}
}

static void every_stamp_finds_its_place(void **state)
{
	uint64_t seed = random_seed();
	unsigned int n;
	unsigned int k;

	for (n = 0; n <= SCANS; n++) {
		/* the stamp is the last of a scan */
		const size_t step = 24;
		char *from = malloc(n * step + !n);
		int64_t *to = malloc((n + 1) * sizeof(*to));

		for (k = 0; k < n * step; k++)
			from[k] = (char)(256 * random_part(&seed));
		to[n] = INT64_MAX;
		scan_stamps(from + 16, step, n, to);
		for (k = 0; k < n; k++)
			assert_memory_equal(&to[k], from + k * step + 16, sizeof(*to));
		assert_true(to[n] == INT64_MAX);
		free(from);
		free(to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_finds_its_place),
		cmocka_unit_test(every_stamp_finds_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
