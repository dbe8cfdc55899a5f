/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accuracy-made - the cases of the accuracy suite whose signals are made here.
 */

/* 230 V and @amperes at an angle, of one conductor. */
static struct signal *simple(double hz, double amperes, double degrees)
{
	static struct signal s;

	memset(&s, 0, sizeof(s));
	s.hz = hz;
	s.start = random_part(&suite.seed);
	waveform_add(&s.w[0], 1, 230, 0);
	waveform_add(&s.w[1], 1, amperes, degrees);
	return &s;
}

/* Active power of two waveforms, order by order. */
static double power_of(const struct waveform *u, const struct waveform *i)
{
	double p = 0.0;
	unsigned int j;
	unsigned int k;

	for (j = 0; j < u->harmonics; j++)
		for (k = 0; k < i->harmonics; k++)
			if (u->order[j] == i->order[k])
				p += u->rms[j] * i->rms[k] * cos(u->angle[j] - i->angle[k]);
	return p;
}

/* 1 LSB of noise at 16 bit; at 24 bit 18.7 effective bits. Single windows and their mean. */
static void a_tiny_load(void)
{
	bool fine = suite_bits() == 24;
	struct signal *s = simple(50, 0.1, -60);
	double sum = 0.0;
	double square = 0.0;
	unsigned int w;

	open_at(ONE, 500, 150);
	s->noise[0] = ac.scale[0] * (fine ? 11.4 : 1.0);
	s->noise[1] = ac.scale[1] * (fine ? 11.4 : 1.0);
	chain_feed(&ac, 10.5, signal_at, s);
	for (w = 0; w < ac.windows; w++) {
		double error = ac.window[w].element[0].p_w / 11.5 - 1.0;

		sum += error / ac.windows;
		square += error * error / ac.windows;
	}
	note("A25", "P, W, windows, RMS", 11.5, 11.5 * (1 + sqrt(square)), 100 * sqrt(square),
	     fine ? 0.3 : 1.0, "%");
	note_percent("A25", "P, W, mean of 10 s", 11.5, 11.5 * (1 + sum), 11.5, 0.2);
	close_it();
}

static void netting(void)
{
	static const double kw[3] = { 3.0, -2.0, 0.5 };
	struct energy_step step[INPUT_CHANNELS_MAX] = { 0 };
	struct energy_reading e;
	unsigned int k;

	open_at(STAR, 500, 50);
	for (k = 0; k < 3; k++)
		step[k].p_j = kw[k] * 200;
	for (k = 0; k < 18000; k++)
		registers_add(ac.registers, step);
	registers_load(ac.registers, 0, &e);
	note("A28", "import, net, kWh", 1.5, e.import_j / 3.6e6, e.import_j - 5.4e6, 1e-3, "J");
	note("A28", "export, net, kWh", 0, e.export_j / 3.6e6, e.export_j, 1e-3, "J");
	note("A28", "import, phases, kWh", 3.5, e.phases_import_j / 3.6e6,
	     e.phases_import_j - 12.6e6, 1e-3, "J");
	note("A28", "export, phases, kWh", 2, e.phases_export_j / 3.6e6, e.phases_export_j - 7.2e6,
	     1e-3, "J");
	note("A28", "absolute, kWh", 5.5, e.absolute_j / 3.6e6, e.absolute_j - 19.8e6, 1e-3, "J");
	close_it();
}

/* A voltage of a part of its amplitude for a while. */
struct step {
	double from;
	double to;
	double part;
};

static struct rig rig;

static double quantised(double v)
{
	double lsb = 500.0 / (double)(1 << (suite_bits() - 1));

	return lsb * (double)quantise_to(v, lsb, suite_bits());
}

static double stepped(void *user, unsigned int slot, double at, double turns)
{
	const struct step *s = user;

	return quantised(230 * M_SQRT2 * sin(2 * M_PI * turns) *
			 (at >= s->from && at < s->to ? s->part : 1.0));
}

static void events(void)
{
	static const struct {
		const char *name;
		enum event_type type;
		double part;
		unsigned int cycles;
	} made[] = { { "dip", EVENT_DIP, 0.4, 5 },
		     { "interruption", EVENT_INTERRUPTION, 0.0, 10 },
		     { "swell", EVENT_SWELL, 1.2, 3 } };
	char text[48];
	unsigned int n;
	unsigned int k;

	for (n = 0; n < 3; n++) {
		const struct pq_event *e = NULL;
		struct step s = { .part = made[n].part };

		rig_prepare(&rig, suite_rate(), 1, 50);
		s.from = (20.25 + 30 * suite_rate() / 50) / suite_rate();
		s.to = s.from + made[n].cycles / 50.0;
		rig_open(&rig, stepped, &s);
		rig_run(&rig, 2.0);
		for (k = 0; k < rig.events; k++)
			if (rig.event[k].finished && rig.event[k].type == made[n].type)
				e = &rig.event[k];
		snprintf(text, sizeof(text), "%s, U, V", made[n].name);
		note("A29", text, 230 * made[n].part, e ? e->extreme_v : NAN,
		     e ? 100 * (e->extreme_v - 230 * made[n].part) / 230 : NAN, 0.2, "% Udin");
		snprintf(text, sizeof(text), "%s, duration, s", made[n].name);
		note("A29", text, made[n].cycles / 50.0, e ? (e->end_ns - e->start_ns) / 1e9 : NAN,
		     e ? (e->end_ns - e->start_ns) / 2e7 - made[n].cycles : NAN, 0.5, "cycles");
		rig_close(&rig);
	}
}

struct lamp {
	enum flicker_lamp lamp;
	double volts;
	double hz;
	double change[7]; /* dV/V in % */
};

static double pst_of(const struct lamp *l, double changes, double percent)
{
	double step = 2 * M_PI * l->hz / suite_rate();
	uint64_t settled = (uint64_t)(60 * suite_rate());
	uint64_t end = (uint64_t)(660 * suite_rate());
	struct flicker *f;
	float block[256];
	const float *const v[] = { block };
	double re = 1.0;
	double im = 0.0;
	double counted;
	double pst = NAN;
	unsigned int n = 0;
	uint64_t k;

	assert_int_equal(flicker_create(&f, suite_rate(), l->lamp, l->hz, 1), 0);
	for (k = 0; k < end; k++) {
		double turns = changes / 120 * k / suite_rate();
		double m = turns - floor(turns) < 0.5 ? 1.0 : -1.0;
		double x = re * cos(step) - im * sin(step);

		im = im * cos(step) + re * sin(step);
		re = x;
		block[n++] =
			(float)quantised(l->volts * M_SQRT2 * im * (1.0 + 0.005 * percent * m));
		if (n < 256 && k + 1 != end && k + 1 != settled)
			continue;
		flicker_scans(f, v, n);
		n = 0;
		if (k + 1 == settled)
			flicker_interval(f, &pst, &counted);
	}
	flicker_interval(f, &pst, &counted);
	flicker_destroy(f);
	return pst;
}

static void flicker_response(void)
{
	static const struct lamp lamps[] = {
		{ FLICKER_230V, 230, 50, { 2.715, 2.191, 1.450, 0.894, 0.722, 0.407, 2.343 } },
		{ FLICKER_120V, 120, 60, { 3.181, 2.564, 1.694, 1.040, 0.844, 0.548, 4.837 } },
		{ FLICKER_120V, 120, 50, { 3.178, 2.561, 1.694, 1.045, 0.844, 0.545, 3.426 } },
		{ FLICKER_230V, 230, 60, { 2.719, 2.194, 1.450, 0.895, 0.723, 0.409, 3.263 } },
	};
	static const double changes[] = { 1, 2, 7, 39, 110, 1620, 4000 };
	unsigned int l;
	unsigned int k;

	for (l = 0; l < 4; l++) {
		for (k = 0; k < 7; k++) {
			double wanted = k == 6 && lamps[l].hz > 55 ? 4800 : changes[k];
			char text[48];
			double pst;

			if (!suite.thorough && (l + suite.rate != k || suite_bits() == 24))
				continue;
			pst = pst_of(&lamps[l], wanted, lamps[l].change[k]);
			snprintf(text, sizeof(text), "Pst, %.0f V %.0f Hz, %.0f/min",
				 lamps[l].volts, lamps[l].hz, wanted);
			note_percent("A30", text, 1.0, pst, 1.0, 5.0);
		}
	}
}

static double any_waveform(void *user, unsigned int slot, double at, double turns)
{
	return quantised(waveform_at(user, turns));
}

/* Harmonics 2 to 40 of 5 %, as far as the rate permits, and 1 % at order 7.5. */
static void harmonic_orders(void)
{
	const struct harmonics_result *r;
	struct waveform w = { 0 };
	unsigned int orders = (unsigned int)fmin(40, floor(0.45 * suite_rate() / 50));
	double worst = 0.0;
	unsigned int at = 2;
	unsigned int h;

	waveform_add(&w, 1, 180, 0);
	for (h = 2; h <= orders; h++)
		waveform_add(&w, h, 9, 360 * random_part(&suite.seed));
	waveform_add(&w, 7.5, 1.8, 30);
	rig_prepare(&rig, suite_rate(), 1, 50);
	rig.config.declared_v = 0;
	rig_open(&rig, any_waveform, &w);
	rig_run(&rig, 1.5);
	r = quality_harmonics(rig.quality);
	assert_non_null(r);
	assert_in_range(orders, 2, r->orders);
	for (h = 2; h <= orders; h++) {
		if (fabs(r->spectrum[0].subgroup[h] - 9) <= worst)
			continue;
		worst = fabs(r->spectrum[0].subgroup[h] - 9);
		at = h;
	}
	note_percent("A31", "subgroup, worst order, V", 9, r->spectrum[0].subgroup[at], 9, 0.5);
	note_percent("A31", "interharmonic 7.5, V", 1.8, r->spectrum[0].inter[7], 1.8, 0.5);
	rig_close(&rig);
}

/* Case A11 at another frequency, its current changed by what a sensor does. */
static void make_spoiled(struct signal *s, double hz, double tau_s, double delay_s, bool coil)
{
	struct json_object *o = find_case("A11");
	unsigned int k;

	memset(s, 0, sizeof(*s));
	s->hz = hz;
	s->start = random_part(&suite.seed);
	read_waveform(json_object_array_get_idx(json_object_object_get(o, "U"), 0), &s->w[0], hz,
		      1);
	read_waveform(json_object_array_get_idx(json_object_object_get(o, "I"), 0), &s->w[1], hz,
		      1);
	s->w[2] = s->w[1];
	for (k = 0; k < s->w[1].harmonics; k++) {
		double w = 2 * M_PI * hz * s->w[1].order[k];

		if (tau_s > 0) {
			s->w[1].rms[k] *= w * tau_s / hypot(1, w * tau_s);
			s->w[1].angle[k] += atan(1 / (w * tau_s));
		}
		if (coil) {
			s->w[1].rms[k] *= w / (2 * M_PI * 50);
			s->w[1].angle[k] += M_PI / 2;
		}
		s->w[1].angle[k] -= w * delay_s;
	}
}

static void measure_spoiled(const char *id, const char *conf, struct signal *s)
{
	double percent = suite_rate() < 3000 ? 0.1 : 0.05;
	unsigned int w;

	open_at(conf, 500, 50);
	chain_feed(&ac, seconds(2.5, 6), signal_at, s);
	/* the first one begins with the integral */
	for (w = 1; w < ac.windows; w++) {
		const struct element_window *e = &ac.window[w].element[0];

		note_percent(id, "P, W", power_of(&s->w[0], &s->w[2]), e->p_w,
			     power_of(&s->w[0], &s->w[2]), percent);
		note_percent(id, "I, A", waveform_rms(&s->w[2]), sqrt(e->i2),
			     waveform_rms(&s->w[2]), percent);
	}
	close_it();
}

static void spoiled_sensors(void)
{
	static const double hz[] = { 45, 50, 60, 65 };
	double tau = 1 / (2 * M_PI * 50 * tan(0.5 * M_PI / 180));
	static struct signal s;
	char conf[256];
	unsigned int k;

	snprintf(conf, sizeof(conf), ONE "[input h/A]\ntau_us = %.3f\ndelay_us = 20\n", tau * 1e6);
	for (k = 0; k < 4; k++) {
		make_spoiled(&s, hz[k], tau, 20e-6, false);
		measure_spoiled("A32", conf, &s);
	}
	make_spoiled(&s, 49.87, 0, 0, true);
	measure_spoiled("A33", ONE "[input h/A]\nintegrate = yes\n", &s);
}

/* Phase and amplitude of the mains by time: what A34 does to it at 2 s. */
enum change { RAMP, JUMP, STEP };

static double changing_at(void *user, unsigned int channel, double scan)
{
	enum change what = *(enum change *)user;
	double t = scan / ac.rate_hz;
	double after = fmax(0.0, t - 2.0);
	double ramp = fmin(after, 2.0);
	double turns = 49.0 * t;

	if (what == RAMP)
		turns += 0.5 * ramp * ramp + 2.0 * (after - ramp);
	if (what == JUMP && t >= 2.0)
		turns += 30.0 / 360.0;
	turns -= channel / 6.0;
	return (channel ? 10 : 230) * M_SQRT2 * (what == STEP && t >= 2.0 && channel ? 0.5 : 1.0) *
	       cos(2 * M_PI * (turns - floor(turns)));
}

static void changing_mains(void)
{
	enum change what;
	unsigned int w;

	for (what = RAMP; what <= STEP; what++) {
		static const char *const names[] = { "P in a ramp of 1 Hz/s, W",
						     "P 3 cycles after a jump of 30 deg, W",
						     "P after a step of I, W" };
		double late = what == JUMP ? 2.0 + 3 / 49.0 : what == STEP ? 2.0 : 0.0;

		open_at(ONE, 500, 50);
		chain_feed(&ac, 5.0, changing_at, &what);
		for (w = 0; w < ac.windows; w++) {
			double from = (double)ac.window[w].start_ns / 1e9;
			double to = (double)ac.window[w].end_ns / 1e9;
			double exact = what == STEP && from >= 2.0 ? 575 : 1150;

			if (what != RAMP && to > 2.0 && from < late)
				continue;
			note_percent("A34", names[what], exact, ac.window[w].element[0].p_w, exact,
				     0.1);
		}
		close_it();
	}
}

static double clipped_at(void *user, unsigned int channel, double scan)
{
	return (channel && scan > 2.1 * ac.rate_hz ? 8.0 : 1.0) * signal_at(user, channel, scan);
}

/* Energy of a steady load of 1150 W, against the time from the first window to the last. */
static void note_energy(const char *id, const char *quantity, double p_w, double percent)
{
	double s = (double)(ac.window[ac.windows - 1].end_ns - ac.window[0].start_ns) / 1e9;
	double j = registers_import_j(ac.registers, 0);

	note_percent(id, quantity, p_w * s, j, p_w * s, percent);
}

static void damaged_streams(void)
{
	struct signal *s = simple(50.013, 10, -60);
	static const unsigned int lost[] = { 37, 1 };
	unsigned int flagged = 0;
	unsigned int wanted = 0;
	unsigned int w;
	unsigned int k;

	for (k = 0; k < 2; k++) {
		open_at(ONE, 500, 50);
		chain_feed(&ac, 2.03, signal_at, s);
		ac.scan += k ? (uint64_t)suite_rate() : lost[k];
		chain_feed(&ac, 3.0, signal_at, s);
		note_energy("A35", k ? "E, 1 s lost, J" : "E, 37 scans lost, J", 1150, 0.01);
		note("A35", "holes counted", 1, (double)align_counters(ac.align)->gaps,
		     (double)align_counters(ac.align)->gaps - 1, 0, "");
		close_it();
	}
	open_at(ONE, 500, 50);
	chain_feed(&ac, 2.0, signal_at, s);
	chain_push(&ac, 0, ac.scan - 100, 100, signal_at, s);
	chain_push(&ac, 1, ac.scan - 100, 100, signal_at, s);
	chain_feed(&ac, 2.0, signal_at, s);
	note_energy("A35", "E, block twice, J", 1150, 0.01);
	note("A35", "scans of it dropped", 200, (double)align_counters(ac.align)->stale,
	     (double)align_counters(ac.align)->stale - 200, 0, "");
	close_it();
	open_at(ONE, 500, 50);
	ac.rail[1] = (float)((1 << (suite_bits() - 1)) - 1);
	chain_feed(&ac, 4.0, clipped_at, s);
	for (w = 0; w < ac.windows; w++) {
		wanted += ac.window[w].end_ns > 2110000000;
		flagged += ac.window[w].element[0].saturated;
	}
	note("A35", "saturated windows", wanted, flagged, (double)flagged - wanted, 0, "");
	close_it();
}

static void clocks_that_differ(void)
{
	struct signal *s = simple(50, 10, -60);
	unsigned int w;
	int sign;

	for (sign = -1; sign <= 1; sign += 2) {
		open_at(ONE, 500, 50);
		/* the stamps, and the signal, are in true time */
		ac.rate_hz *= 1 + sign * 80e-6;
		chain_feed(&ac, seconds(10, 95), signal_at, s);
		note_energy("A36", "E, J", 1150, 0.001);
		for (w = 0; w < ac.windows; w++)
			note("A36", "f, Hz", 50, ac.window[w].frequency_hz,
			     1000 * (ac.window[w].frequency_hz - 50), 1, "mHz");
		close_it();
	}
}

/* Against the starting power of a class 0.5 S meter of 25 A. */
static void no_load(void)
{
	struct signal *s = simple(50, 0, 0);
	double t = seconds(20, 300);
	struct energy_reading e;

	open_at(ONE, 500, 50);
	s->noise[1] = ac.scale[1] * (suite_bits() == 24 ? 11.4 : 1.0);
	chain_feed(&ac, t, signal_at, s);
	registers_load(ac.registers, 0, &e);
	note("A37", "mean of P without load, W", 0, e.net_j / t, e.net_j / t, 0.001 * 25 * 230,
	     "W");
	note("A37", "largest register, J", 0, fmax(e.import_j, e.export_j),
	     fmax(e.import_j, e.export_j) / t, 0.001 * 25 * 230, "W");
	close_it();
}

#define TABLE 4096

struct many {
	float table[TABLE];
	double amperes[28][128];
	double angle[28];
};

static double many_at(void *user, unsigned int channel, double scan)
{
	const struct many *m = user;
	double turns = 50.02 * scan / ac.rate_hz;
	unsigned int k = channel - 3;

	if (channel < 3)
		turns -= channel / 3.0;
	else
		turns -= m->angle[k];
	return m->table[(int)((turns - floor(turns)) * TABLE) % TABLE] *
	       (channel < 3 ? 230 : m->amperes[k][(int)(scan / ac.rate_hz) % 128]);
}

static void many_loads(void)
{
	static struct many m;
	char conf[4096] = "[topology]\nvoltages = L1, L2, L3\n";
	double integral = 0.0;
	double through = 0.0;
	double sum = 0.0;
	double error;
	unsigned int k;
	unsigned int w;

	for (k = 0; k < TABLE; k++)
		m.table[k] = (float)(M_SQRT2 * cos(2 * M_PI * k / TABLE));
	for (k = 0; k < 28 * 128; k++)
		m.amperes[k / 128][k % 128] = 20 * random_part(&suite.seed);
	for (k = 0; k < 28; k++) {
		m.angle[k] = random_part(&suite.seed);
		snprintf(conf + strlen(conf), sizeof(conf) - strlen(conf),
			 "[load l%u]\ninputs = h%u/%c\nphases = L%u\n", k, k / 4, 'A' + k % 4,
			 1 + k % 3);
	}
	open_at(conf, 500, 50);
	chain_feed(&ac, seconds(5, 90), many_at, &m);
	for (w = 0; w < ac.windows; w++) {
		for (k = 0; k < 28; k++) {
			double j = ac.window[w].element[k].p_w *
				   (double)(ac.window[w].end_ns - ac.window[w].start_ns) / 1e9;

			integral += j;
			through += fabs(j);
		}
	}
	for (k = 0; k < 28; k++)
		sum += (double)registers_element_uwh(ac.registers, k, 0) * 0.0036;
	/* beyond the last uWh of each */
	error = fmax(0.0, fabs(sum - integral) - 28 * 0.0036);
	note("A38", "sum of registers, J", integral, sum, error / through, 1e-9, "of all");
	close_it();
}

/* Limits of class 0.2 S in percent by current and power factor; 0: there is none. */
static double class_limit(double part, unsigned int factor)
{
	switch (factor) {
	case 0:
		return part < 0.05 ? 0.4 : 0.2;
	case 1:
	case 2:
		return part < 0.02 ? 0 : part < 0.1 ? 0.5 : 0.3;
	}
	return part < 0.1 ? 0 : 0.5;
}

static void class_grid(void)
{
	static const double parts[] = { 0.01, 0.05, 0.1, 0.2, 1, 1.2 };
	static const struct {
		const char *name;
		double degrees;
		double pf;
	} factors[] = { { "P, PF 1, W", 0, 1 },
			{ "P, PF 0.5 ind, W", -60, 0.5 },
			{ "P, PF 0.8 cap, W", 36.86989764584402, 0.8 },
			{ "P, PF 0.25 ind, W", -75.52248781407008, 0.25 },
			{ "P, PF 0.5 cap, W", 60, 0.5 } };
	/* a little off, since without noise a converter repeats its errors every cycle */
	static const double hz[] = { 45.13, 50.17, 60.17, 64.71 };
	unsigned int p;
	unsigned int f;
	unsigned int k;
	unsigned int w;

	for (p = 0; p < 6; p++) {
		for (f = 0; f < 5; f++) {
			double limit = class_limit(parts[p], f) / 10;

			for (k = 0; k < 4 && limit > 0; k++) {
				double i = 25 * parts[p];
				double exact = 230 * i * factors[f].pf;
				struct signal *s = simple(hz[k], i, factors[f].degrees);

				double p_w = 0.0;

				open_at(ONE, 500, 50);
				chain_feed(&ac, seconds(1.5, 4), signal_at, s);
				for (w = 0; w < ac.windows; w++)
					p_w += ac.window[w].element[0].p_w / ac.windows;
				note_percent("A39", factors[f].name, exact, p_w, exact, limit);
				close_it();
			}
		}
	}
}

static void harmonic_influence(void)
{
	struct signal *s = simple(50, 10, 0);
	unsigned int w;

	waveform_add(&s->w[0], 5, 23, 0);
	waveform_add(&s->w[1], 5, 4, 0);
	open_at(ONE, 500, 50);
	chain_feed(&ac, seconds(2, 12), signal_at, s);
	for (w = 0; w < ac.windows; w++)
		note_percent("A40", "P, W", 2392, ac.window[w].element[0].p_w, 2392, 0.05);
	close_it();
}

/* Power factor 0.5, 45 to 65 Hz, THD of I 30 % and of U 4 %, all by chance. */
static void software_share(void)
{
	unsigned int k;
	unsigned int h;
	unsigned int w;

	for (k = 0; k < (unsigned int)seconds(20, 150); k++) {
		struct signal *s = simple(45 + 20 * random_part(&suite.seed), 10, -60);
		double exact;

		for (h = 3; h < 12; h += 2) {
			waveform_add(&s->w[0], h, 230 * 0.018, 360 * random_part(&suite.seed));
			waveform_add(&s->w[1], h, 10 * 0.134, 360 * random_part(&suite.seed));
		}
		exact = power_of(&s->w[0], &s->w[1]);
		open_at(ONE, 500, 50);
		chain_feed(&ac, 1.5, signal_at, s);
		for (w = 0; w < ac.windows; w++)
			note_percent("share", "P, W", exact, ac.window[w].element[0].p_w, exact,
				     suite_rate() < 3000 ? 0.05 : 0.02);
		close_it();
	}
}
