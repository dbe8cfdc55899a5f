// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Captures and other recordings: what was measured live is measured again, in every
 * format, on every run; and what is damaged is refused.
 */
#include "replay-rig.h"

#include "compact.h"
#include "live.h"
#include "recording.h"

#define RATE 4000.0
#define TEXTS 64

static char path[64];
static char capture_path[64];
static uint64_t seed;

static const char house[] = "[topology]\nvoltages = L1, L2, L3\n"
			    "[load a]\nrole = grid\ninputs = hub1/A, hub1/B, hub1/C\n"
			    "phases = L1, L2, L3\n"
			    "[load b]\ninputs = hub2/A\nphases = L2\n"
			    "[quality]\nnominal_v = 230\nnominal_hz = 50\n";

/* Readings as the text that leaves meterd, one after the other. */
static struct {
	unsigned int count;
	char *text[TEXTS];
} live, replayed;

static void forget(void)
{
	while (live.count)
		free(live.text[--live.count]);
	while (replayed.count)
		free(replayed.text[--replayed.count]);
}

/* 230 V and distorted loads with noise, in whole counts by way of chain.h. */
static double house_signal(void *user, unsigned int channel, double scan)
{
	double turns = 49.93 * scan / RATE;
	double noise = random_part(&seed) - 0.5;

	if (channel < 3)
		return 325 * cos(2 * M_PI * (turns - channel / 3.0)) + 0.3 * noise;
	return (channel + 1) * cos(2 * M_PI * (turns - channel / 3.0 - 0.1)) +
	       0.8 * cos(2 * M_PI * 5 * turns) + 0.05 * noise;
}

static void empty_tap(struct tap *t, FILE *f)
{
	char bytes[3001]; /* no divisor of anything */
	size_t n;

	while ((n = tap_read(t, bytes, sizeof(bytes))))
		assert_int_equal(fwrite(bytes, 1, n, f), n);
}

/* A stream with a hole, and with a hub that is away for a while. */
static void feed_live(struct chain *c, FILE *f)
{
	uint64_t end = (uint64_t)(9 * RATE);
	unsigned int d;

	while (c->scan < end) {
		unsigned int n = 1 + (unsigned int)(random_part(&seed) * 300);

		/* the capture has not a scan more: it might be the last of one more window */
		if (n > end - c->scan)
			n = end - c->scan;
		if (c->scan > 2.5 * RATE && c->scan < 2.6 * RATE)
			c->scan += 111;
		for (d = 0; d < c->in.inputs.devices; d++)
			if (d != 2 || c->scan < 4 * RATE || c->scan > 6 * RATE)
				chain_push(c, d, c->scan, n, house_signal, NULL);
		meter_process(c->meter);
		empty_tap(c->tap, f);
		c->scan += n;
	}
}

static void same_windows(const struct chain *a, const struct chain *b)
{
	unsigned int w;
	unsigned int k;

	assert_int_equal(a->windows, b->windows);
	for (w = 0; w < a->windows; w++) {
		const struct meter_window *x = &a->window[w];
		const struct meter_window *y = &b->window[w];

		assert_int_equal(x->start_ns, y->start_ns);
		assert_int_equal(x->end_ns, y->end_ns);
		assert_true(device_set_equal(&x->present, &y->present));
		assert_double_equal(x->frequency_hz, y->frequency_hz, 1e-9);
		for (k = 0; k < 4; k++) {
			assert_int_equal(x->element[k].known, y->element[k].known);
			if (!x->element[k].known)
				continue;
			assert_double_equal(x->element[k].p_w, y->element[k].p_w, 1e-7);
			assert_double_equal(x->element[k].i2, y->element[k].i2, 1e-7);
		}
	}
}

/* Everything that the live chain did with holes and absent devices, it does again. */
static void a_capture_of_a_stream_gives_its_readings_again(void **state)
{
	static struct chain c;
	struct config config;
	struct tap_config tc = { .seconds = 9, .gateway = "test" };
	char conf[1024];
	FILE *f = fopen(capture_path, "w");
	long bytes;

	chain_open_config(&c, &config, house, 500, RATE);
	c.epoch_ns = 1234567890123456789;
	tc.inputs = &c.in.inputs;
	tc.scale = c.scale;
	c.rail[4] = 32767;
	tc.rail = c.rail;
	tc.rate_hz = RATE;
	assert_int_equal(tap_create(&c.tap, &tc), 0);
	feed_live(&c, f);
	tap_stop(c.tap, "");
	empty_tap(c.tap, f);
	assert_true(tap_over(c.tap));
	bytes = ftell(f);
	fclose(f);
	assert_true(c.windows > 30);
	snprintf(conf, sizeof(conf), "[source]\nreplay = %s\n%s", capture_path, house);
	assert_int_equal(replay(conf), 0);
	assert_true(r.ended);
	assert_true(r.chain.rail[4] == 32767.0f && isinf(r.chain.rail[3]));
	print_message("%u windows, %u readings; %.2f bytes per value\n", c.windows, c.readings,
		      bytes / (7.0 * 9 * RATE));
	same_windows(&c, &r.chain);
	assert_int_equal(c.readings, r.chain.readings);
	assert_int_equal(c.reading.end_ns, r.chain.reading.end_ns);
	assert_double_equal(c.reading.load[0].import_j, r.chain.reading.load[0].import_j, 1e-6);
	assert_double_equal(c.reading.load[1].energy.estimated_j,
			    r.chain.reading.load[1].energy.estimated_j, 1e-6);
	/* noise of 0.3 V and 50 mA is 20 and 33 counts */
	assert_true(bytes < 1.7 * 7 * 9 * RATE);
	finish();
	tap_destroy(c.tap);
	chain_close_config(&c, &config);
}

static void keep_text(void *user, const struct reading *reading)
{
	struct live_buffer b = { 0 };

	assert_int_equal(live_json(&b, reading), 0);
	assert_true(replayed.count < TEXTS);
	replayed.text[replayed.count++] = b.text;
}

/* Two runs of this recording, and the bytes that they give. */
static void same_bytes(const char *file, unsigned int repeat, const char *site)
{
	char conf[1024];
	unsigned int k;

	snprintf(conf, sizeof(conf), "[source]\nreplay = %s\nrepeat = %u\n%s", file, repeat, site);
	publish = keep_text;
	assert_int_equal(replay(conf), 0);
	finish();
	live = replayed;
	replayed.count = 0;
	assert_int_equal(replay(conf), 0);
	finish();
	publish = chain_reading;
	assert_true(live.count > 10);
	assert_int_equal(live.count, replayed.count);
	for (k = 0; k < live.count; k++)
		assert_string_equal(live.text[k], replayed.text[k]);
	forget();
}

static void put32(unsigned char *p, uint32_t v)
{
	unsigned int k;

	for (k = 0; k < 4; k++, v >>= 8)
		p[k] = (unsigned char)v;
}

/* Two seconds of 230 V and 10 A at PF 0.5 in NAME.cfg and NAME.dat. */
static void write_comtrade(const char *type, const char *revision)
{
	bool text = !strcmp(type, "ASCII");
	bool small = !strcmp(type, "BINARY");
	FILE *f = fopen(path, "w");
	unsigned int k;
	unsigned int c;

	fprintf(f,
		"house, recorder 7%s\r\n4,3A,1D\r\n"
		"1,U1,A,,kV,%s,0,0,-32767,32767%s\r\n"
		"2, unused ,A,,V,1,0,0,0,1%s\r\n"
		"3,I1,A,,A,0.001,0.5,0,-32767,32767%s\r\n"
		"1,trip,,,0\r\n50\r\n1\r\n4000,8000\r\n"
		"01/01/2026,00:00:00.000000\r\n01/01/2026,00:00:01.000000\r\n%s\r\n1\r\n",
		revision, *revision ? "0.00001" : "0.00002", *revision ? ",2,1,S" : "",
		*revision ? ",1,1,P" : "", *revision ? ",1,1,P" : "", type);
	fclose(f);
	strcpy(strrchr(path, '.'), ".dat");
	f = fopen(path, "w");
	strcpy(strrchr(path, '.'), ".cfg");
	for (k = 0; k < 8000; k++) {
		unsigned char scan[32] = { 0 };
		double turns = 50.0 * k / 4000;
		double v[3] = { 230 * M_SQRT2 / 0.02 * cos(2 * M_PI * turns), 7,
				10 * M_SQRT2 / 0.001 * cos(2 * M_PI * turns - M_PI / 3) - 500 };
		size_t n = 8;

		put32(scan, k + 1);
		put32(scan + 4, k * 250);
		for (c = 0; c < 3; c++, n += small ? 2 : 4) {
			float x = (float)v[c];
			uint32_t bits;

			memcpy(&bits, &x, 4);
			if (strcmp(type, "FLOAT32"))
				bits = (uint32_t)(int32_t)lrint(v[c]);
			put32(scan + n, bits);
		}
		put32(scan + n, 1);
		if (text)
			fprintf(f, "%u,%u,%.0f,%.0f,%.0f,1\r\n", k + 1, k * 250, v[0], v[1], v[2]);
		else
			fwrite(scan, n + 2, 1, f);
	}
	fclose(f);
}

static const char comtrade_house[] = "[topology]\ntype = 1p\nvoltages = U1\n[load x]\n"
				     "inputs = ct/I1\nphases = L1\n[quality]\nnominal_v = 230\n";

static void comtrade_is_read_in_all_its_forms(void **state)
{
	static const char *const types[] = { "ASCII", "BINARY", "BINARY32", "FLOAT32" };
	static const char *const revisions[] = { "", ",1999", ",2013" };
	char conf[512];
	unsigned int k;
	unsigned int v;

	snprintf(conf, sizeof(conf), "[source]\nreplay = %s\n%s", path, comtrade_house);
	for (k = 0; k < 4; k++) {
		for (v = 0; v < 3; v++) {
			write_comtrade(types[k], revisions[v]);
			assert_int_equal(replay(conf), 0);
			assert_true(r.chain.windows >= 8);
			assert_double_equal(r.chain.window[3].element[0].p_w, 1150.0, 0.2);
			assert_double_equal(sqrt(r.chain.window[3].element[0].v2), 230.0, 0.01);
			assert_double_equal(sqrt(r.chain.window[3].element[0].i2), 10.0, 0.001);
			finish();
		}
	}
}

static const char csv_house[] = "[topology]\ntype = 1p\nvoltages = U1\n[load x]\n"
				"inputs = ct/I1\nphases = L1\n[quality]\nnominal_v = 230\n";

/* Two seconds of counts with their scales. */
static void write_csv(const char *name)
{
	FILE *f = fopen(name, "w");
	unsigned int k;

	assert_non_null(f);
	fputs("# sample rate: 4000 Hz\n# channel U1: unit V scale 0.02 offset 0\n"
	      "# channel I1: unit A scale 0.001 offset 0.5\nU1,I1\n",
	      f);
	for (k = 0; k < 8000; k++)
		fprintf(f, "%.0f,%.0f\n", 11500 * M_SQRT2 * cos(M_PI * k / 40),
			10000 * M_SQRT2 * cos(M_PI * k / 40 - M_PI / 3));
	fclose(f);
}

static void every_run_of_a_replay_writes_the_same_bytes(void **state)
{
	static const char csv[] = "/tmp/recording-test.csv";

	same_bytes(capture_path, 2, house);
	write_comtrade("BINARY", ",1999");
	same_bytes(path, 8, comtrade_house);
	write_csv(csv);
	same_bytes(csv, 8, csv_house);
	unlink(csv);
}

/* A scan that the recorder has marked as missing is a hole, not a zero. */
static void a_missing_value_of_comtrade_is_a_hole(void **state)
{
	unsigned char missing[2] = { 0x00, 0x80 };
	char conf[512];
	char data[64];
	unsigned int whole;
	FILE *f;

	write_comtrade("BINARY", ",1999");
	snprintf(conf, sizeof(conf), "[source]\nreplay = %s\n%s", path, comtrade_house);
	assert_int_equal(replay(conf), 0);
	whole = r.chain.windows;
	finish();
	strcpy(data, path);
	strcpy(strrchr(data, '.'), ".dat");
	f = fopen(data, "r+");
	fseek(f, 4000 * 16 + 8, SEEK_SET);
	fwrite(missing, 2, 1, f);
	/* of a channel that nobody wants */
	fseek(f, 6000 * 16 + 10, SEEK_SET);
	fwrite(missing, 2, 1, f);
	fclose(f);
	assert_int_equal(replay(conf), 0);
	assert_in_range(r.chain.windows, whole - 2, whole - 1);
	assert_int_equal(align_counters(r.chain.align)->gaps, 1);
	finish();
}

static void comtrade_that_is_none_is_refused(void **state)
{
	static const char *const files[] = {
		"",
		"x\n",
		"x,y,1999\n",
		"x,y,1999\n3,3,0D\n",
		"x,y,1999\n99999999999999999999,99999999999999999999A,0D\n",
		"x,y,1999\n0,0A,0D\n",
		"x,y,1999\n1,1A,0D\n1,U1,,,V,1,0,0\n",
		"x,y,1999\n1,1A,0D\n1,U1,,,V,nan,0,0,0,0,1,1,P\n",
		"x,y,1999\n1,1A,0D\n1,U1,,,V,1,0,0,0,0,1,0,S\n",
		"x,y,1999\n1,1A,0D\n1,U1,,,V,1,0,0,0,0,1,1,P\n50\n0\n0,9\na\nb\nBINARY\n",
		"x,y,1999\n1,1A,0D\n1,U1,,,V,1,0,0,0,0,1,1,P\n50\n1\n-1,9\na\nb\nBINARY\n",
		"x,y,1999\n1,1A,0D\n1,U1,,,V,1,0,0,0,0,1,1,P\n50\n1\n4000,9\na\nb\nBIN\n",
		"x,y,1999\n1,1A,0D\n1,U1,,,V,1,0,0,0,0,1,1,P\n50\n1\n4000,9\na\nb\nASCII\n",
	};
	struct recording *rec;
	char data[64];
	unsigned int k;

	strcpy(data, path);
	strcpy(strrchr(data, '.'), ".dat");
	unlink(data);
	for (k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
		write_file(path, files[k]);
		assert_true(recording_open(&rec, path) < 0);
	}
	write_file(path, files[k - 1]);
	write_file(data, "1,0,1\n2,250\n");
	assert_int_equal(recording_open(&rec, path), 0);
	assert_int_equal(recording_read(rec, 10), -EINVAL);
	recording_close(rec);
	unlink(data);
}

/* Read all of the capture. Return: what the last read returned; *@scans: before it. */
static int read_capture(uint64_t *scans)
{
	struct recording *rec;
	int more;

	*scans = 0;
	more = recording_open(&rec, capture_path);
	if (more)
		return more;
	while ((more = recording_read(rec, 512)) > 0)
		*scans += rec->scans;
	recording_close(rec);
	return more;
}

static void a_damaged_capture_is_refused_and_a_cut_one_is_read(void **state)
{
	static unsigned char bytes[1 << 20];
	FILE *f = fopen(capture_path, "r");
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	uint64_t all;
	uint64_t scans;
	unsigned int k;

	fclose(f);
	assert_int_equal(read_capture(&all), 0);
	assert_true(all > 8.5 * RATE);
	for (k = 0; k < 40; k++) {
		size_t at = (size_t)(random_part(&seed) * (double)n);
		unsigned char bit = (unsigned char)(1 << (int)(random_part(&seed) * 8));

		bytes[at] ^= bit;
		f = fopen(capture_path, "w");
		fwrite(bytes, 1, n, f);
		fclose(f);
		bytes[at] ^= bit;
		/* a length that became larger may look as if the file was cut off */
		assert_true(read_capture(&scans) < 0 || scans < all);
	}
	f = fopen(capture_path, "w");
	fwrite(bytes, 1, n / 2, f);
	fclose(f);
	assert_int_equal(read_capture(&scans), 0);
	assert_true(scans > all / 3 && scans < all);
	f = fopen(capture_path, "w");
	fwrite(bytes, 1, n, f);
	fclose(f);
}

static float any_value(unsigned int kind)
{
	static const float odd[] = { -0.0f,	16777216.0f, -16777216.0f, 16777218.0f, NAN,
				     -INFINITY, 0.5f,	     1e-40f,	   3e38f };
	double x = random_part(&seed);

	switch (kind) {
	case 0:
		return (float)rint((x - 0.5) * 65536);
	case 1:
		return (float)rint((x - 0.5) * 33554432);
	case 2:
		return (float)((x - 0.5) * 1000);
	case 3:
		return odd[(int)(x * 9)];
	case 4:
		return x < 0.9 ? 0.0f : 16777216.0f * (x < 0.95f ? 1.0f : -1.0f);
	}
	return 0.0f;
}

/* Every bit of every value and time stamp comes back. */
static void the_format_loses_nothing(void **state)
{
	static unsigned char frame[COMPACT_FRAME_MAX];
	static float x[COMPACT_CHANNELS_MAX][COMPACT_SCANS_MAX];
	static float y[COMPACT_CHANNELS_MAX][COMPACT_SCANS_MAX];
	static struct compact_block b;
	int64_t t[COMPACT_SCANS_MAX];
	unsigned int round;
	unsigned int k;
	unsigned int j;

	for (round = 0; round < 300; round++) {
		struct compact_scans s = {
			.scans = 1 + (unsigned int)(random_part(&seed) * COMPACT_SCANS_MAX),
			.channels = 1 + (unsigned int)(random_part(&seed) * COMPACT_CHANNELS_MAX),
			.utc_ns = (int64_t)(random_part(&seed) * 9e18),
			.time_ns = t,
		};
		uint32_t crc;
		size_t bytes;

		for (k = 0; k < s.scans; k++)
			t[k] = round % 3 == 2 ? (int64_t)(random_part(&seed) * 9e18)
					      : 1000000 + k * 250000LL + (k & 1);
		for (k = 0; k < s.channels; k++) {
			for (j = 0; j < s.scans; j++)
				x[k][j] = any_value((round + k) % 6);
			s.x[k] = random_part(&seed) < 0.9 ? x[k] : NULL;
			b.x[k] = y[k];
		}
		bytes = compact_put(frame, &s);
		assert_true(bytes <= COMPACT_FRAME_MAX);
		assert_int_equal(compact_frame(frame, &crc), bytes - COMPACT_FRAME_BYTES);
		assert_int_equal(compact_get(frame + COMPACT_FRAME_BYTES,
					     bytes - COMPACT_FRAME_BYTES, s.channels, &b),
				 0);
		assert_int_equal(b.scans, s.scans);
		assert_int_equal(b.utc_ns, s.utc_ns);
		assert_memory_equal(b.time_ns, t, s.scans * sizeof(*t));
		for (k = 0; k < s.channels; k++) {
			assert_int_equal(b.present[k], s.x[k] != NULL);
			if (s.x[k])
				assert_memory_equal(x[k], y[k], s.scans * sizeof(float));
		}
		/* cut short, it is noticed */
		assert_int_equal(compact_get(frame + COMPACT_FRAME_BYTES,
					     bytes - COMPACT_FRAME_BYTES - 1, s.channels, &b),
				 -EBADMSG);
	}
}

/* The ring is bounded; the sample path goes on when nobody reads. */
static void a_client_that_does_not_read_is_cut_off_with_a_reason(void **state)
{
	static struct chain c;
	struct config config;
	struct tap_config tc = { .seconds = 100, .bytes = COMPACT_FRAME_MAX };
	static char bytes[2 << 20];
	size_t n = 0;
	size_t more;

	chain_open_config(&c, &config, house, 500, RATE);
	tc.inputs = &c.in.inputs;
	tc.scale = c.scale;
	tc.rate_hz = RATE;
	assert_int_equal(tap_create(&c.tap, &tc), 0);
	chain_feed(&c, 12, house_signal, NULL);
	assert_true(c.windows > 50);
	while ((more = tap_read(c.tap, bytes + n, sizeof(bytes) - n)))
		n += more;
	assert_true(tap_over(c.tap));
	assert_non_null(memmem(bytes + n - 30, 30, "the client read too slowly", 26));
	tap_destroy(c.tap);
	c.tap = NULL;
	chain_close_config(&c, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_format_loses_nothing),
		cmocka_unit_test(a_capture_of_a_stream_gives_its_readings_again),
		cmocka_unit_test(every_run_of_a_replay_writes_the_same_bytes),
		cmocka_unit_test(a_damaged_capture_is_refused_and_a_cut_one_is_read),
		cmocka_unit_test(a_client_that_does_not_read_is_cut_off_with_a_reason),
		cmocka_unit_test(comtrade_is_read_in_all_its_forms),
		cmocka_unit_test(a_missing_value_of_comtrade_is_a_hole),
		cmocka_unit_test(comtrade_that_is_none_is_refused),
	};
	int failed;

	seed = random_seed();
	snprintf(path, sizeof(path), "/tmp/recording-%d.cfg", (int)getpid());
	snprintf(capture_path, sizeof(capture_path), "/tmp/recording-%d.smcap", (int)getpid());
	close(mkstemp(conf_path));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(conf_path);
	unlink(path);
	unlink(capture_path);
	strcpy(strrchr(path, '.'), ".dat");
	unlink(path);
	return failed;
}
