// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recorded waveforms (data/ of ../shared) through configuration, replay source and
 * chain, against the reference values of the data's README, and files that are no
 * recordings.
 */
#include "replay-rig.h"

static char csv_path[] = "/tmp/replay-csv-XXXXXX";

static const char *recording(const char *name)
{
	const char *path = shared_path(name);

	if (!path) {
		print_message("%s not found below $SMAPPEE_SHARED or ../shared: skipped\n", name);
		skip();
	}
	return path;
}

static void near(const char *what, double value, double exact, double percent, double *worst)
{
	double error = 100.0 * fabs(value / exact - 1.0);

	*worst = fmax(*worst, error);
	if (!(error <= percent))
		fail_msg("%s: %.6g, reference %.6g: %.4f %%", what, value, exact, error);
}

/* DC part of the eight columns: the recorder has offsets of up to 11 A. */
static void service_dc(const char *path, double *dc)
{
	double scale[8];
	double offset[8];
	double x[8];
	char line[512];
	unsigned int columns = 0;
	unsigned int rows = 0;
	unsigned int k;
	FILE *f = fopen(path, "r");

	while (fgets(line, sizeof(line), f)) {
		if (columns < 8 && sscanf(line, "# channel %*[^:]: unit %*s scale %lf offset %lf",
					  &scale[columns], &offset[columns]) == 2)
			columns++;
		if (sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &x[0], &x[1], &x[2], &x[3],
			   &x[4], &x[5], &x[6], &x[7]) != 8)
			continue;
		for (k = 0; k < 8; k++)
			dc[k] += x[k];
		rows++;
	}
	fclose(f);
	assert_int_equal(columns, 8);
	assert_int_equal(rows, 2048);
	for (k = 0; k < 8; k++)
		dc[k] = dc[k] / rows * scale[k] + offset[k];
}

/*
 * The reference values are plain means, DC included; the chain removes DC, since a CT
 * passes none. So the DC of the recorder is put back before they are compared.
 */
static void the_600_v_service_is_measured_as_its_reference(void **state)
{
	static const double reference[3][4] = { { 348.95, 126.108, 40500.2, 0.9203 },
						{ 352.22, 151.832, 49502.4, 0.9256 },
						{ 345.95, 166.696, 53633.9, 0.9300 } };
	const char *path = recording("data/real_600V_service_capswitch_30k7.csv");
	double worst[4] = { 0 };
	double dc[8] = { 0 };
	char conf[1024];
	unsigned int w;
	unsigned int k;

	service_dc(path, dc);
	snprintf(conf, sizeof(conf),
		 "[source]\nreplay = %s\nrepeat = 200\n[topology]\nvoltages = U1, U2, U3\n"
		 "[load a]\ninputs = ct/I1\nphases = L1\n[load b]\ninputs = ct/I2\nphases = L2\n"
		 "[load c]\ninputs = ct/I3\nphases = L3\n[load n]\ninputs = ct/I4\nphases = L1\n",
		 path);
	assert_int_equal(replay(conf), 0);
	assert_true(r.chain.windows >= 60);
	for (w = 0; w < r.chain.windows; w++) {
		const struct meter_window *m = &r.chain.window[w];

		assert_int_equal(m->cycles, 12);
		near("f", m->frequency_hz, 30707.244140625 / 512, 0.001, &worst[3]);
		for (k = 0; k < 3; k++) {
			double i = dc[k];
			double u = dc[4 + k];

			near("U", sqrt(m->element[k].v2 + u * u), reference[k][0], 0.002,
			     &worst[0]);
			near("I", sqrt(m->element[k].i2 + i * i), reference[k][1], 0.002,
			     &worst[1]);
			near("P", m->element[k].p_w + u * i, reference[k][2], 0.002, &worst[2]);
		}
	}
	for (k = 0; k < 3; k++)
		near("PF", r.chain.reading.load[k].pf, reference[k][3], 0.4, &worst[3]);
	print_message("600 V service, looped: worst window U %.4f %% I %.4f %% P %.4f %%\n",
		      worst[0], worst[1], worst[2]);
	finish();
}

/* Mean of sum(v i) of the rows between two times, by the trapezoid rule; plain. */
static double plain_power(const double *p, double from, double to)
{
	double sum = 0.0;
	double x;
	unsigned int steps = 4000;
	unsigned int k;

	for (k = 0; k < steps; k++) {
		unsigned int m;

		x = from + (k + 0.5) * (to - from) / steps;
		m = (unsigned int)x;
		sum += p[m] + (x - m) * (p[m + 1] - p[m]);
	}
	return sum / steps;
}

static void the_transformer_bay_is_followed_until_its_breaker_opens(void **state)
{
	static double p[1300];
	const char *path = recording("data/real_trafo_load_trip_1200.csv");
	double worst[2] = { 0 };
	char conf[1024];
	char line[512];
	unsigned int rows = 0;
	unsigned int w;
	FILE *f = fopen(path, "r");

	while (fgets(line, sizeof(line), f)) {
		double x[6];

		if (sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf", &x[0], &x[1], &x[2], &x[3], &x[4],
			   &x[5]) == 6)
			p[rows++] = x[0] * x[3] + x[1] * x[4] + x[2] * x[5];
	}
	fclose(f);
	assert_int_equal(rows, 1200);
	snprintf(conf, sizeof(conf),
		 "[source]\nreplay = %s\n[topology]\nvoltages = HV_Bus_VR, HV_Bus_VS, HV_Bus_VT\n"
		 "[load bay]\ninputs = ct/HV_IR, ct/HV_IS, ct/HV_IT\nphases = L1, L2, L3\n",
		 path);
	assert_int_equal(replay(conf), 0);
	assert_true(r.chain.windows >= 4);
	for (w = 0; w < r.chain.windows; w++) {
		const struct meter_window *m = &r.chain.window[w];
		double power = m->element[0].p_w + m->element[1].p_w + m->element[2].p_w;
		double plain = plain_power(p, m->start_ns * 1.2e-6, m->end_ns * 1.2e-6);

		print_message("%.3f to %.3f s: P %.3f MW, plain mean %.3f MW, f %.3f Hz\n",
			      m->start_ns / 1e9, m->end_ns / 1e9, power / 1e6, plain / 1e6,
			      m->frequency_hz);
		/* 20 samples per cycle */
		assert_true(fabs(power - plain) < 0.02e6);
		near("U", sqrt(m->slot[0].square), 130500, 0.4, &worst[0]);
		near("U", sqrt(m->slot[1].square), 130850, 0.4, &worst[0]);
	}
	/* cycle 0 has 64.073 MW, cycle 20 70.872 MW; cycle 32 has none any more */
	assert_in_range((uint64_t)plain_power(p, 0, 20), 64000000, 64150000);
	assert_true(r.chain.window[0].element[0].p_w * 3 > 64e6 * 0.97);
	assert_true(r.chain.window[0].element[0].p_w * 3 < 71e6 * 1.03);
	w = r.chain.windows - 1;
	assert_true(fabs(r.chain.window[w].element[0].p_w) < 0.006e6);
	finish();
}

/* Mean frequency between two scans, by the upward zero crossings of a column; plain. */
static double plain_hz(const double *u, double from, double to, double rate_hz)
{
	double first = 0.0;
	double last = 0.0;
	int crossings = 0;
	unsigned int k;

	for (k = (unsigned int)ceil(from) + 1; k <= to; k++) {
		if (u[k - 1] >= 0.0 || u[k] < 0.0)
			continue;
		last = k - 1 + u[k - 1] / (u[k - 1] - u[k]);
		if (!crossings++)
			first = last;
	}
	return (crossings - 1) * rate_hz / (last - first);
}

/*
 * The recording says 600 Hz, and by that its voltage begins at 77.7 Hz and not at the 69.5
 * Hz that its name says; either is far above the range of IEC 61000-4-30.
 */
static void the_overspeed_of_a_machine_is_tracked(void **state)
{
	static double u[2500];
	const char *path = recording("data/real_overspeed_decay_linevolts_600.csv");
	FILE *f = fopen(path, "r");
	char conf[1024];
	char line[256];
	unsigned int rows = 0;
	unsigned int w;

	while (fgets(line, sizeof(line), f))
		rows += sscanf(line, "%lf,%*f,%*f", &u[rows]) == 1;
	fclose(f);
	assert_int_equal(rows, 2400);
	snprintf(conf, sizeof(conf),
		 "[source]\nreplay = %s\n[topology]\ntype = 1p\nvoltages = U21\n"
		 "[load x]\ninputs = ct/Vo\nphases = L1\n"
		 "[quality]\nnominal_v = 2500\nnominal_hz = 50\n",
		 path);
	assert_int_equal(replay(conf), 0);
	assert_true(r.chain.windows > 15);
	for (w = 0; w < r.chain.windows; w++) {
		const struct meter_window *m = &r.chain.window[w];
		double plain = plain_hz(u, m->start_ns * 0.6e-6, m->end_ns * 0.6e-6, 600);

		if (w % 5 == 0)
			print_message("%.3f s: %.3f Hz, by its zero crossings %.3f Hz\n",
				      m->start_ns / 1e9, m->frequency_hz, plain);
		assert_double_equal(m->frequency_hz, plain, 0.15);
	}
	assert_true(r.chain.window[0].frequency_hz > 77.5);
	assert_true(r.chain.window[w - 1].frequency_hz > 83.0);
	/* above 110 % until it collapses */
	assert_true(r.events >= 1);
	assert_int_equal(r.pq[0].type, EVENT_SWELL);
	finish();
}

static void the_switching_of_a_capacitor_is_a_transient(void **state)
{
	const char *path = recording("data/real_600V_service_capswitch_30k7.csv");
	const struct capture_piece *p;
	double loop = 2048 / 30707.244140625;
	char conf[1024];
	double at;
	float peak = 0.0f;
	unsigned int k;

	snprintf(conf, sizeof(conf),
		 "[source]\nreplay = %s\nrepeat = 30\n[topology]\nvoltages = U1, U2, U3\n"
		 "[load a]\nrole = grid\ninputs = ct/I1, ct/I2, ct/I3\nphases = L1, L2, L3\n"
		 "[quality]\nnominal_v = 347\nnominal_hz = 60\n",
		 path);
	assert_int_equal(replay(conf), 0);
	/* it comes again with every loop, which is one event */
	assert_int_equal(r.events, 1);
	assert_int_equal(r.pq[0].type, EVENT_TRANSIENT);
	at = fmod(r.pq[0].start_ns / 1e9, loop);
	print_message("transient at scan %.0f of the recording, %.1f V on L3 (%.1f and %.1f V on "
		      "L1 and L2)\n",
		      at / loop * 2048, r.pq[0].slot_v[2], r.pq[0].slot_v[0], r.pq[0].slot_v[1]);
	assert_double_equal(at / loop * 2048, 682, 8);
	assert_int_equal(r.pq[0].phases, 7);
	assert_double_equal(r.pq[0].slot_v[0], 90.5, 2.0);
	assert_double_equal(r.pq[0].slot_v[2], 131.0, 4.0);
	/* the waveform has the peak of the README */
	p = quality_waveform(r.quality, 1);
	assert_non_null(p);
	assert_int_equal(p->channels, 6);
	for (k = 0; k < p->scans; k++)
		peak = fmaxf(peak, fabsf(p->x[2][k]));
	assert_double_equal(peak, 581.1, 0.2);
	finish();
}

static void keep_pq(void *user, struct pq_event *e)
{
	on_pq(user, e);
}

/* RMS values of single cycles, as recorded: the detector alone. */
static void the_interruption_of_a_supply_is_detected(void **state)
{
	struct event_config config = { .slots = 1,
				       .dip = 0.9,
				       .swell = 1.1,
				       .interruption = 0.05,
				       .hysteresis = 0.02,
				       .emit = keep_pq };
	FILE *f = fopen(recording("data/real_dip_urms_20ms.csv"), "r");
	struct event_detector d;
	struct urms_value v = { .slots = 1 };
	long long ms;
	char line[128];

	memset(&r, 0, sizeof(r));
	event_init(&d, &config);
	event_declare(&d, (double[READING_PHASES_MAX]){ 230.0 });
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lld,%lf", &ms, &v.v[0]) != 2)
			continue;
		v.end_ns = ms * 1000000LL;
		v.start_ns = v.end_ns - 20000000;
		v.middle_ns = v.end_ns - 10000000;
		event_half(&d, &v);
	}
	fclose(f);
	assert_int_equal(r.events, 2);
	assert_int_equal(r.pq[0].type, EVENT_INTERRUPTION);
	assert_int_equal(r.pq[1].type, EVENT_DIP);
	assert_true(r.pq[1].interrupted);
	print_message("interruption of %.3f s, residual voltage %.3f V\n",
		      (r.pq[0].end_ns - r.pq[0].start_ns) / 1e9, r.pq[0].extreme_v);
	/* the last value of the 35 below 5 % is followed by a hole of the recording */
	assert_double_equal((r.pq[0].end_ns - r.pq[0].start_ns) / 1e9, 0.74, 0.06);
	assert_double_equal(r.pq[0].extreme_v, 0.096, 0.001);
}

/* Every record of the file is a cycle of its own; looped, it must give its plain mean. */
static void plug_loads_with_any_distortion_are_measured(void **state)
{
	FILE *in = fopen(recording("data/real_plaid_cycles_30k.csv"), "r");
	FILE *out = NULL;
	char line[256];
	char conf[512];
	double sum[3] = { 0 };
	double mean[2] = { 0 };
	double worst[2] = { 0 };
	int last = -1;
	unsigned int records = 0;

	snprintf(conf, sizeof(conf),
		 "[source]\nreplay = %s\nrepeat = 60\n[topology]\ntype = 1p\nvoltages = u\n"
		 "[load x]\ninputs = ct/i\nphases = L1\n",
		 csv_path);
	for (;;) {
		int rec = -1;
		double u = 0.0;
		double i = 0.0;
		bool more = fgets(line, sizeof(line), in);

		if (more && sscanf(line, "%d,%*d,%*d,%*d,%lf,%lf", &rec, &u, &i) != 3)
			continue;
		if (rec != last && out) {
			fclose(out);
			assert_int_equal(replay(conf), 0);
			assert_true(r.chain.windows >= 3);
			/* DC is removed on both sides */
			near("P", r.chain.window[2].element[0].p_w,
			     sum[0] / 500 - mean[0] * mean[1] / 250000, 0.5, &worst[0]);
			near("I", sqrt(r.chain.window[2].element[0].i2),
			     sqrt(sum[1] / 500 - mean[1] * mean[1] / 250000), 0.5, &worst[1]);
			finish();
			records++;
			out = NULL;
		}
		if (!more)
			break;
		if (!out) {
			out = fopen(csv_path, "w");
			fputs("# sample rate: 30000 Hz\nu,i\n", out);
			memset(sum, 0, sizeof(sum));
			memset(mean, 0, sizeof(mean));
		}
		fprintf(out, "%.6f,%.6f\n", u, i);
		sum[0] += u * i;
		sum[1] += i * i;
		mean[0] += u;
		mean[1] += i;
		last = rec;
	}
	fclose(in);
	print_message("%u plug loads, looped: worst P %.4f %% I %.4f %%\n", records, worst[0],
		      worst[1]);
	assert_int_equal(records, 24);
}

static void what_is_no_recording_is_refused(void **state)
{
	static const char *const files[] = {
		"a,b\n1,2\n",			       /* no such column */
		"# sample rate: 4000 Hz\nL1,I\n1,x\n", /* not a number */
		"# sample rate: 4000 Hz\nL1,I\n1\n",   /* too short a row */
		"# sample rate: 4000 Hz\nL1,I\n1,nan\n",
		"",
	};
	char conf[256];
	unsigned int k;

	snprintf(conf, sizeof(conf),
		 "[source]\nreplay = %s\n[topology]\ntype = 1p\n[load x]\ninputs = ct/I\nphases = "
		 "L1\n",
		 csv_path);
	for (k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
		write_file(csv_path, files[k]);
		assert_true(replay(conf) < 0);
		assert_false(r.ended);
		finish();
	}
	unlink(csv_path);
	assert_int_equal(replay(conf), -ENOENT);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_600_v_service_is_measured_as_its_reference),
		cmocka_unit_test(the_transformer_bay_is_followed_until_its_breaker_opens),
		cmocka_unit_test(the_overspeed_of_a_machine_is_tracked),
		cmocka_unit_test(the_switching_of_a_capacitor_is_a_transient),
		cmocka_unit_test(the_interruption_of_a_supply_is_detected),
		cmocka_unit_test(plug_loads_with_any_distortion_are_measured),
		cmocka_unit_test(what_is_no_recording_is_refused),
	};
	int failed;

	close(mkstemp(conf_path));
	close(mkstemp(csv_path));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(conf_path);
	unlink(csv_path);
	return failed;
}
