// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs are appended to the strip; what tracker and window no longer need is dropped at
 * its front when there is no more room. A hole in the stream empties it.
 */
#include "meter.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quality.h"
#include "strip.h"
#include "summary.h"

#define NS_PER_S 1e9
#define NS_PER_MS 1000000LL
#define CYCLES_50 10
#define CYCLES_60 12
#define CYCLES_60_FROM_HZ 55.0
/* a reading is published when its windows reach this length */
#define READING_S 0.9
/* the power of the last window is continued over a hole for at most this long */
#define BRIDGE_S 10.0
/* a phase is strong enough to be the reference from this part of the strongest */
#define REFERENCE_PART 0.25

/**
 * struct bridge - the last window in which an element was measured
 * @known: there is one
 * @end_ns: its end
 * @p_w: the element's power in it
 * @q1_var: its reactive power
 * @below_range: it was below its range
 */
struct bridge {
	bool known;
	int64_t end_ns;
	double p_w;
	double q1_var;
	bool below_range;
};

struct meter {
	struct meter_config config;
	const struct installation *in;
	unsigned int slots;
	unsigned int elements; /* current inputs: elements and neutrals */
	unsigned int voltages;
	const struct load_element *element[INPUT_CHANNELS_MAX]; /* owned by the installation */
	int pair[LOADS_MAX]; /* first pair of a load's currents; -1: none */
	struct strip strip;
	double weight[READING_PHASES_MAX]; /* of the slots in the reference */
	struct cycle *cycle;
	struct window *window;
	int64_t first_ns; /* begin of the first window; valid when begun */
	bool begun;
	/* the window in progress */
	bool open;
	struct cycle_edge edge; /* last edge */
	int64_t start_ns;
	uint64_t start_total; /* scans appended before it */
	unsigned int cycles;  /* so far */
	unsigned int cycles_wanted;
	bool locked; /* all its edges were locked or held */
	bool jumped;
	struct device_set present;	/* devices present in all of it */
	struct device_set present_now;	/* devices present from change_at on */
	struct device_set present_past; /* devices present both before and after it */
	unsigned int change_at;		/* position in the strip; 0: no change in it */
	struct window_mean mean;
	struct meter_window result;
	struct bridge bridge[INPUT_CHANNELS_MAX]; /* of each element */
	struct summary *summary;		  /* of the reading in progress */
	struct reading reading;
};

static void collect_elements(struct meter *m)
{
	unsigned int l;
	unsigned int e;

	for (l = 0; l < m->in->loads; l++) {
		for (e = 0; e < load_inputs(&m->in->load[l]); e++) {
			m->element[m->elements] = &m->in->load[l].element[e];
			m->elements++;
		}
	}
}

/* The products that the current of a neutral or third conductor needs. */
static int add_pairs(struct meter *m)
{
	unsigned int l;
	unsigned int k;

	for (l = 0; l < m->in->loads; l++) {
		const struct load *load = &m->in->load[l];
		unsigned int pairs = load->elements == 3 ? 3 : 1;

		m->pair[l] = -1;
		if (load_shape(m->in->topology, load) == LOAD_SINGLE)
			continue;
		for (k = 0; k < pairs; k++) {
			int pair = window_pair(m->window, load->first + k,
					       load->first + (k + 1) % load->elements);

			if (pair < 0)
				return pair;
			if (!k)
				m->pair[l] = pair;
		}
	}
	return 0;
}

static void reading_begin(struct meter *m)
{
	summary_begin(m->summary);
}

/* The accumulators, for the present slots and models. */
static int make_window(struct meter *m)
{
	unsigned int slot_of[INPUT_CHANNELS_MAX] = { 0 };
	unsigned int k;
	int error;

	for (k = 0; k < m->elements; k++)
		slot_of[k] = m->element[k]->slot;
	error = window_create(&m->window, m->slots, m->elements, slot_of);
	for (k = 0; !error && k < m->elements; k++) {
		const struct strip_partner *p = &m->strip.partner[m->strip.partner_of[k]];

		window_partner(m->window, k, p->slot, p->v, p->w);
	}
	return error ? error : add_pairs(m);
}

int meter_create(struct meter **out, const struct meter_config *config)
{
	struct meter *m = calloc(1, sizeof(*m));
	int error;

	if (!m)
		return -ENOMEM;
	m->config = *config;
	m->in = config->in;
	m->slots = m->in->topology->slots;
	m->voltages = m->in->inputs.voltages;
	memcpy(m->weight, m->in->topology->reference, sizeof(m->weight));
	collect_elements(m);
	error = strip_create(&m->strip, m->in, m->element, m->elements, config->rate_hz,
			     config->scale, config->rail);
	if (!error)
		error = cycle_create(&m->cycle, config->rate_hz);
	if (!error)
		error = make_window(m);
	if (!error)
		error = summary_create(&m->summary, m->in);
	if (error) {
		meter_destroy(m);
		return error;
	}
	reading_begin(m);
	*out = m;
	return 0;
}

static void restart(struct meter *m);

int meter_rewire(struct meter *m)
{
	struct window *old = m->window;
	int error = strip_pair(&m->strip, m->element);

	m->window = NULL;
	if (!error)
		error = make_window(m);
	if (error) {
		window_destroy(m->window);
		m->window = old;
		return error;
	}
	window_destroy(old);
	restart(m);
	return 0;
}

void meter_destroy(struct meter *m)
{
	if (!m)
		return;
	cycle_destroy(m->cycle);
	window_destroy(m->window);
	summary_destroy(m->summary);
	strip_free(&m->strip);
	free(m);
}

static bool is_present(const struct device_set *set, const struct inputs *in, unsigned int channel)
{
	return device_set_has(set, in->channel[channel].device);
}

static bool voltages_present(const struct meter *m, const struct device_set *set)
{
	unsigned int k;

	for (k = 0; k < m->voltages; k++)
		if (!is_present(set, &m->in->inputs, k))
			return false;
	return true;
}

/* Are slot and current of an element known in the window just ended? */
static bool element_known(const struct meter *m, unsigned int element)
{
	return isfinite(m->config.scale[m->voltages + element]) &&
	       voltages_present(m, &m->result.present) &&
	       is_present(&m->result.present, &m->in->inputs, m->voltages + element);
}

/* Devices present from a position to the end of the strip. */
static struct device_set present_since(const struct meter *m, double position)
{
	return position < (double)m->change_at + 1.0 && m->change_at ? m->present_past
								     : m->present_now;
}

/* What power quality sees of the strip. */
static struct quality_view view(const struct meter *m)
{
	return (struct quality_view){
		.scans = m->strip.scans,
		.slot = (const float *const *)m->strip.slot,
		.input = (const float *const *)m->strip.current,
		.time_ns = m->strip.time_ns,
	};
}

static void append(struct meter *m, const struct align_run *run, unsigned int from, unsigned int n)
{
	struct strip *s = &m->strip;
	struct quality_view v;

	strip_append(s, run, from, n);
	strip_refer(s, m->weight, s->scans - n, s->scans);
	if (!device_set_equal(&run->present, &m->present_now)) {
		m->present_past = device_set_both(m->change_at ? m->present_past : m->present_now,
						  run->present);
		m->present_now = run->present;
		m->change_at = s->scans - n;
	}
	v = view(m);
	quality_scans(m->config.quality, &v, s->scans - n, voltages_present(m, &run->present));
}

static void drop_front(struct meter *m, unsigned int n)
{
	strip_drop(&m->strip, n);
	m->edge.position -= n;
	cycle_shift(m->cycle, n);
	m->change_at = m->change_at > n ? m->change_at - n : 0;
}

static void make_room(struct meter *m, unsigned int n)
{
	unsigned int keep;

	if (m->strip.scans + n <= m->strip.room)
		return;
	keep = cycle_keep(m->cycle);
	if (m->open && floor(m->edge.position) < keep)
		keep = (unsigned int)floor(m->edge.position);
	drop_front(m, keep);
}

/* Begin anew: what follows does not continue what is in the strip. */
static void restart(struct meter *m)
{
	strip_reset(&m->strip);
	m->open = false;
	cycle_reset(m->cycle);
	m->change_at = 0;
	quality_gap(m->config.quality);
}

/*
 * Which voltage shall the tracker follow? The composite of the topology, unless it
 * is weak where a phase is strong (all inputs on one phase, for example); then the
 * strongest phase. Asked for only while there is no lock.
 */
static void choose_reference(struct meter *m)
{
	struct strip *s = &m->strip;
	unsigned int need = cycle_history(m->cycle);
	double best = 0.0;
	double composite;
	unsigned int strongest = 0;
	unsigned int k;

	if (s->scans < need || m->slots < 2)
		return;
	memcpy(m->weight, m->in->topology->reference, sizeof(m->weight));
	strip_refer(s, m->weight, 0, s->scans);
	composite = cycle_amplitude(m->cycle, s->reference + s->scans - need, need);
	for (k = 0; k < m->slots; k++) {
		double v = cycle_amplitude(m->cycle, s->slot[k] + s->scans - need, need);

		if (v > best) {
			best = v;
			strongest = k;
		}
	}
	if (composite >= REFERENCE_PART * best)
		return;
	memset(m->weight, 0, sizeof(m->weight));
	m->weight[strongest] = 1.0;
	strip_refer(s, m->weight, 0, s->scans);
}

/* What was measured before a long silence is not published as the values after it. */
static void drop_old_windows(struct meter *m, int64_t now_ns)
{
	if (summary_windows(m->summary) &&
	    (double)(now_ns - m->reading.end_ns) > READING_S * NS_PER_S)
		reading_begin(m);
}

static void window_open(struct meter *m, const struct cycle_edge *edge)
{
	double hz = edge->per_scan * m->config.rate_hz;

	m->start_ns = strip_time(&m->strip, edge->position);
	m->start_total = m->strip.total - m->strip.scans + (uint64_t)floor(edge->position);
	m->cycles = 0;
	m->cycles_wanted = hz < CYCLES_60_FROM_HZ ? CYCLES_50 : CYCLES_60;
	m->locked = edge->state != CYCLE_FREE;
	m->jumped = false;
	m->present = present_since(m, edge->position);
	m->open = true;
}

/* Frequency of the window just ended: its cycles over its time, unless the phase jumped. */
static double window_hz(const struct meter *m, double seconds)
{
	if (!m->locked)
		return NAN;
	if (!m->jumped)
		return m->cycles / seconds;
	return m->edge.per_scan * m->mean.scans / seconds;
}

/* Mean square of the sum of the currents of a load in three phases. */
static double sum_current2(const struct meter *m, unsigned int l)
{
	const struct load *load = &m->in->load[l];
	unsigned int k;

	if (m->pair[l] < 0)
		return NAN;
	for (k = load->first; k < load->first + load->elements; k++)
		if (!m->result.element[k].known)
			return NAN;
	return load_current2(load, m->mean.input + load->first,
			     m->config.scale + m->voltages + load->first,
			     m->mean.pair + m->pair[l]);
}

/* Was its current, or a voltage of its slot, at the rail in the window just ended? */
static bool element_saturated(const struct meter *m, unsigned int element)
{
	const double *weight = m->in->topology->matrix[m->element[element]->slot];
	unsigned int v;

	for (v = 0; v < m->voltages; v++)
		if (weight[v] != 0.0 && strip_saturated(&m->strip, v, m->start_total))
			return true;
	return strip_saturated(&m->strip, m->voltages + element, m->start_total);
}

/* Real part of the product of the phasors of two inputs. */
static double fundamental(const struct input_mean *a, const struct input_mean *b)
{
	return a->re * b->re + a->im * b->im;
}

/*
 * Currents as measured to those of the conductors. The product of two of them is corrected
 * at the fundamental, as the mean square is.
 */
static void correct(struct meter *m, double hz)
{
	struct input_mean was[INPUT_CHANNELS_MAX];
	unsigned int l;
	unsigned int k;

	memcpy(was, m->mean.input, m->elements * sizeof(*was));
	for (k = 0; k < m->elements; k++)
		m->mean.input[k] = sensor_correct(&m->element[k]->model, &was[k], hz);
	for (l = 0; l < m->in->loads; l++) {
		const struct load *load = &m->in->load[l];
		unsigned int pairs = load->elements == 3 ? 3 : 1;

		for (k = 0; m->pair[l] >= 0 && k < pairs; k++) {
			unsigned int a = load->first + k;
			unsigned int b = load->first + (k + 1) % load->elements;

			m->mean.pair[(unsigned int)m->pair[l] + k] +=
				fundamental(&m->mean.input[a], &m->mean.input[b]) -
				fundamental(&was[a], &was[b]);
		}
	}
}

static void evaluate(struct meter *m, double seconds)
{
	struct meter_window *r = &m->result;
	unsigned int k;

	r->start_ns = m->start_ns;
	r->end_ns = m->start_ns + llround(seconds * NS_PER_S);
	r->cycles = m->cycles;
	r->frequency_hz = window_hz(m, seconds);
	r->present = m->present;
	r->voltages = voltages_present(m, &m->present);
	memcpy(r->slot, m->mean.slot, sizeof(r->slot));
	correct(m, m->cycles / seconds);
	for (k = 0; k < m->elements; k++) {
		r->element[k] = element_window(m->element[k], &m->mean.slot[m->element[k]->slot],
					       &m->mean.input[k], m->config.scale[m->voltages + k]);
		r->element[k].known = element_known(m, k);
		r->element[k].saturated = element_saturated(m, k);
	}
	for (k = 0; k < m->in->loads; k++)
		r->current2[k] = sum_current2(m, k);
}

/*
 * Time of an element from its last window to the one that is booked now: a hole in
 * the stream, or its device was left out. Continued with the power before it.
 */
static double bridge_s(const struct meter *m, unsigned int element)
{
	const struct bridge *b = &m->bridge[element];
	double seconds = (double)(m->result.start_ns - b->end_ns) / NS_PER_S;

	return b->known && seconds > 0.0 && seconds <= BRIDGE_S ? seconds : 0.0;
}

static struct energy_step step_of(double p_w, double q1_var, bool below_range, double seconds)
{
	return (struct energy_step){ p_w * seconds, q1_var * seconds, below_range };
}

static void book_window(struct meter *m, double seconds)
{
	const struct energy_step nothing = { 0.0, 0.0, true };
	struct energy_step measured[INPUT_CHANNELS_MAX];
	struct energy_step estimated[INPUT_CHANNELS_MAX];
	bool bridged = false;
	unsigned int k;

	for (k = 0; k < m->elements; k++) {
		const struct element_window *e = &m->result.element[k];
		struct bridge *b = &m->bridge[k];
		double hole_s = e->known ? bridge_s(m, k) : 0.0;

		measured[k] = nothing;
		estimated[k] = nothing;
		if (!e->known)
			continue;
		measured[k] = step_of(e->p_w, e->q1_var, e->below_range, seconds);
		if (hole_s > 0.0)
			estimated[k] = step_of(b->p_w, b->q1_var, b->below_range, hole_s);
		bridged = bridged || hole_s > 0.0;
		*b = (struct bridge){ true, m->result.end_ns, e->p_w, e->q1_var, e->below_range };
	}
	if (bridged)
		registers_estimated(m->config.registers, estimated);
	registers_add(m->config.registers, measured);
}

static void collect(struct meter *m, double seconds)
{
	if (!m->begun)
		m->first_ns = m->result.start_ns;
	m->begun = true;
	if (!summary_windows(m->summary))
		m->reading.start_ns = m->result.start_ns;
	m->reading.end_ns = m->result.end_ns;
	summary_add(m->summary, &m->result, seconds);
}

/*
 * The hole that the meterd before left, booked once the clock is known; and what the
 * next one has to know of this moment.
 */
static void keep_moment(struct meter *m)
{
	const struct reading *r = &m->reading;
	double p_w[INPUT_CHANNELS_MAX] = { 0 };
	bool known = m->config.clock_known && m->config.clock_known(m->config.user);
	int64_t began_ns = r->utc_ns - (r->end_ns - m->first_ns);
	double hole_s = 0.0;
	unsigned int k;

	if (known)
		hole_s = registers_bridge(m->config.registers, began_ns / NS_PER_MS,
					  m->config.bridge_s);
	if (hole_s != 0.0 && m->config.bridged)
		m->config.bridged(m->config.user, r, hole_s);
	for (k = 0; k < m->elements; k++) {
		const struct bridge *b = &m->bridge[k];
		bool present = b->known && b->end_ns == r->end_ns && !b->below_range;

		p_w[k] = present ? b->p_w : (double)NAN;
	}
	registers_present(m->config.registers, known ? r->utc_ns / NS_PER_MS : 0, p_w);
}

static void publish(struct meter *m)
{
	struct meter_counters counters = { 0 };
	struct reading *r = &m->reading;
	float thd[READING_PHASES_MAX + INPUT_CHANNELS_MAX];

	if (m->config.counters)
		m->config.counters(m->config.user, &counters);
	r->sequence++;
	r->utc_ns = m->config.utc_ns ? m->config.utc_ns(m->config.user, r->end_ns) : r->end_ns;
	r->lost_scans = counters.lost_scans;
	r->repaired_blocks = counters.repaired_blocks;
	r->gaps = align_counters(m->config.align)->gaps;
	keep_moment(m);
	summary_reading(m->summary, m->config.registers, r);
	quality_thd(m->config.quality, thd, m->slots + m->elements);
	summary_thd(m->summary, thd, r);
	registers_note(m->config.registers);
	m->config.publish(m->config.user, r);
	reading_begin(m);
}

static void window_close(struct meter *m)
{
	const struct strip *s = &m->strip;
	int64_t end_ns = strip_time(&m->strip, m->edge.position);
	double seconds = (double)(end_ns - m->start_ns) / NS_PER_S;

	window_end(m->window, (const float *const *)s->slot, (const float *const *)s->current,
		   m->edge.position, m->edge.per_scan, &m->mean);
	strip_steer(&m->strip, &m->mean);
	evaluate(m, seconds);
	book_window(m, seconds);
	if (m->config.window)
		m->config.window(m->config.user, &m->result);
	collect(m, seconds);
	if ((double)(m->reading.end_ns - m->reading.start_ns) >= READING_S * NS_PER_S)
		publish(m);
	quality_window(m->config.quality,
		       &(struct quality_window){ .start_ns = m->result.start_ns,
						 .end_ns = m->result.end_ns,
						 .scans = m->mean.scans,
						 .cycles = m->result.cycles,
						 .frequency_hz = m->result.frequency_hz,
						 .slot = m->mean.slot });
	window_open(m, &m->edge);
}

static void take_quality(struct meter *m, const struct cycle_edge *edge)
{
	struct device_set present = present_since(m, m->edge.position);
	struct quality_view v = view(m);

	quality_cycle(m->config.quality, &v, m->edge.position, edge->position,
		      edge->state != CYCLE_FREE, voltages_present(m, &present));
}

static void take_edge(struct meter *m, const struct cycle_edge *edge)
{
	const float *const *v = (const float *const *)m->strip.slot;
	const float *const *i = (const float *const *)m->strip.current;

	if (edge->begin || !m->open) {
		drop_old_windows(m, strip_time(&m->strip, edge->position));
		quality_begin(m->config.quality);
		strip_settle(&m->strip, edge->position, edge->per_scan);
		window_begin(m->window, v, i, edge->position, edge->per_scan);
		m->edge = *edge;
		window_open(m, edge);
		return;
	}
	window_cycle(m->window, v, i, m->edge.position, edge->position);
	take_quality(m, edge);
	m->present = device_set_both(m->present, present_since(m, m->edge.position));
	m->edge = *edge;
	m->cycles++;
	m->locked = m->locked && edge->state != CYCLE_FREE;
	m->jumped = m->jumped || edge->jump;
	if (m->cycles == m->cycles_wanted)
		window_close(m);
}

static void take_run(struct meter *m, const struct align_run *run)
{
	struct cycle_edge edge;
	unsigned int done;
	unsigned int n;

	if (run->gap)
		restart(m);
	for (done = 0; done < run->scans; done += n) {
		n = run->scans - done < STRIP_CHUNK ? run->scans - done : STRIP_CHUNK;
		make_room(m, n);
		append(m, run, done, n);
		if (!m->open || !m->locked)
			choose_reference(m);
		while (cycle_next(m->cycle, m->strip.reference, m->strip.scans, &edge))
			take_edge(m, &edge);
	}
}

void meter_process(struct meter *m)
{
	struct align_run run;

	while (align_next(m->config.align, &run)) {
		if (m->config.scans)
			m->config.scans(m->config.user, &run);
		take_run(m, &run);
		align_release(m->config.align, run.scans);
	}
}
