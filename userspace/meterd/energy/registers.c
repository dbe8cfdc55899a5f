// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which record belongs to which load and element, and what is booked in them.
 */
#include "registers.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "registers-file.h"

#define UWH_PER_J (1e6 / 3600.0)
/* below the range the split waits for this much */
#define CREEP_UWH 100000
/* no window has more than this; what claims to is no energy */
#define STEP_MAX_UWH 1e15
#define TIME_NAME "#time"
#define PART_NONE UINT32_MAX
#define TIME_NONE UINT32_MAX
#define CW_PER_W 100.0
#define MS_PER_S 1e3

enum { QUADRANT_I, QUADRANT_II, QUADRANT_III, QUADRANT_IV };

/**
 * struct moved - what a load moved in one window
 * @p_uwh: active energy
 * @q_uvarh: reactive energy
 * @below_range: all of it is below the range
 */
struct moved {
	int64_t p_uwh;
	int64_t q_uvarh;
	bool below_range;
};

/**
 * struct rest - what was not booked yet, below 1 uWh and 1 uvarh
 * @p_uwh: active
 * @q_uvarh: reactive
 */
struct rest {
	double p_uwh;
	double q_uvarh;
};

struct registers {
	const struct installation *in;
	struct registers_file *file;
	unsigned int load[LOADS_MAX];		  /* its record */
	unsigned int element[INPUT_CHANNELS_MAX]; /* its record */
	unsigned int part[LOADS_MAX];		  /* first record of its elements; PART_NONE */
	unsigned int next[RECORDS_MAX];		  /* of an element: the next one of its load */
	struct rest rest[INPUT_CHANNELS_MAX];	  /* of the elements */
	struct moved moved[LOADS_MAX];		  /* in the window that is booked */
	unsigned int time;			  /* record of the time; TIME_NONE: no room */
	int64_t before_ms;		       /* UTC of the restored note; 0: not known, or done */
	int32_t before_cw[INPUT_CHANNELS_MAX]; /* powers of the elements then */
};

static struct register_record *record_of(const struct registers *r, unsigned int index)
{
	return registers_file_record(r->file, index);
}

static int find(const struct registers *r, const char *name, uint32_t owner)
{
	unsigned int k;

	for (k = 0; k < registers_file_records(r->file); k++) {
		const struct register_record *record = record_of(r, k);

		if (record->owner == owner && !strncmp(record->name, name, RECORD_NAME_BYTES - 1))
			return (int)k;
	}
	return -ENOENT;
}

/* An element by its input; one without a name has its position. */
static int find_element(struct registers *r, const char *input, uint32_t owner, unsigned int at)
{
	char place[16];
	int index = find(r, input, owner);

	if (index >= 0)
		return index;
	snprintf(place, sizeof(place), "#%u", at + 1);
	index = find(r, place, owner);
	if (index >= 0)
		snprintf(record_of(r, (unsigned int)index)->name, RECORD_NAME_BYTES, "%s", input);
	return index;
}

static int map_load(struct registers *r, unsigned int l)
{
	const struct load *load = &r->in->load[l];
	int index = find(r, load->name, RECORD_LOAD);
	unsigned int k;

	if (index < 0)
		index = registers_file_add(r->file, load->name, RECORD_LOAD);
	if (index < 0)
		return index;
	r->load[l] = (unsigned int)index;
	for (k = 0; k < load->elements; k++) {
		const char *input = load->element[k].input;

		index = find_element(r, input, r->load[l], k);
		if (index < 0)
			index = registers_file_add(r->file, input, r->load[l]);
		if (index < 0)
			return index;
		r->element[load->first + k] = (unsigned int)index;
	}
	return 0;
}

static int full(const struct registers *r, const char *what, const char *name, int error)
{
	log_error("registers file %s: %s \"%s\": the file holds %d names of loads, inputs and "
		  "contacts, those of earlier configurations too, and is full; keep a copy of it "
		  "and move it away: all registers begin at zero then",
		  registers_file_name(r->file), what, name, RECORDS_MAX);
	return error;
}

static int map_loads(struct registers *r)
{
	unsigned int k;

	for (k = 0; k < r->in->loads; k++) {
		int error = map_load(r, k);

		if (error)
			return full(r, "load", r->in->load[k].name, error);
	}
	return 0;
}

/* The records of the elements of each load; those of earlier configurations, too. */
static void chain_parts(struct registers *r)
{
	unsigned int l;
	unsigned int k;

	for (l = 0; l < r->in->loads; l++) {
		r->part[l] = PART_NONE;
		for (k = registers_file_records(r->file); k-- > 0;) {
			if (record_of(r, k)->owner != r->load[l])
				continue;
			r->next[k] = r->part[l];
			r->part[l] = k;
		}
	}
}

/* The moment of the note that the file was restored with. Without room there is none. */
static void map_time(struct registers *r)
{
	int index = find(r, TIME_NAME, RECORD_TIME);
	unsigned int l;
	unsigned int k;

	if (index < 0)
		index = registers_file_add(r->file, TIME_NAME, RECORD_TIME);
	r->time = index < 0 ? TIME_NONE : (unsigned int)index;
	if (index < 0)
		return;
	r->before_ms = record_of(r, r->time)->net_uwh;
	for (l = 0; l < r->in->loads; l++) {
		const struct load *load = &r->in->load[l];

		for (k = load->first; k < load->first + load->elements; k++)
			r->before_cw[k] = record_of(r, r->element[k])->last_cw;
	}
}

int registers_open(struct registers **out, const struct installation *in, const char *path)
{
	struct registers *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->in = in;
	error = registers_file_open(&r->file, path);
	if (!error)
		error = map_loads(r);
	if (!error) {
		chain_parts(r);
		map_time(r);
	}
	if (!error)
		error = registers_file_begin(r->file);
	if (error) {
		registers_file_drop(r->file);
		free(r);
		return error;
	}
	*out = r;
	return 0;
}

static int64_t magnitude(int64_t value)
{
	return value < 0 ? -value : value;
}

/* Whole units of what came and what was left; the rest stays. */
static int64_t whole_of(double *rest, double came)
{
	double sum = *rest;
	double whole;

	if (fabs(came) <= STEP_MAX_UWH)
		sum += came;
	whole = rint(sum);
	*rest = sum - whole;
	return (int64_t)whole;
}

static unsigned int quadrant(bool import, bool inductive)
{
	if (import)
		return inductive ? QUADRANT_I : QUADRANT_IV;
	return inductive ? QUADRANT_II : QUADRANT_III;
}

/* Split off by sign what was not split yet. */
static void split_active(struct register_record *r, bool wait)
{
	int64_t open = r->net_uwh - (r->import_uwh - r->export_uwh);

	if (wait && magnitude(open) < CREEP_UWH)
		return;
	if (open >= 0)
		r->import_uwh += open;
	else
		r->export_uwh -= open;
}

static void split_reactive(struct register_record *r, bool import, bool wait)
{
	int64_t open =
		r->net_uvarh - (r->quadrant_uvarh[QUADRANT_I] + r->quadrant_uvarh[QUADRANT_II] -
				r->quadrant_uvarh[QUADRANT_III] - r->quadrant_uvarh[QUADRANT_IV]);

	if (wait && magnitude(open) < CREEP_UWH)
		return;
	r->quadrant_uvarh[quadrant(import, open >= 0)] += magnitude(open);
}

static void book(struct register_record *r, const struct moved *m, bool estimated)
{
	r->net_uwh += m->p_uwh;
	r->net_uvarh += m->q_uvarh;
	if (estimated)
		r->estimated_uwh += magnitude(m->p_uwh);
	split_active(r, m->below_range);
	split_reactive(r, m->p_uwh >= 0, m->below_range);
}

static void book_load(struct registers *r, unsigned int l, const struct energy_step *step,
		      bool estimated)
{
	const struct load *load = &r->in->load[l];
	struct moved sum = { .below_range = true };
	unsigned int k;

	for (k = load->first; k < load->first + load->elements; k++) {
		struct moved m = {
			.p_uwh = whole_of(&r->rest[k].p_uwh, step[k].p_j * UWH_PER_J),
			.q_uvarh = whole_of(&r->rest[k].q_uvarh, step[k].q_vars * UWH_PER_J),
			.below_range = step[k].below_range,
		};

		book(record_of(r, r->element[k]), &m, estimated);
		sum.p_uwh += m.p_uwh;
		sum.q_uvarh += m.q_uvarh;
		sum.below_range = sum.below_range && m.below_range;
	}
	r->moved[l] = sum;
	book(record_of(r, r->load[l]), &sum, estimated);
}

static void book_virtual(struct registers *r, unsigned int l, bool estimated)
{
	const struct load *load = &r->in->load[l];
	struct moved sum = { .below_range = true };
	unsigned int k;

	for (k = 0; k < load->terms; k++) {
		const struct moved *m = &r->moved[load->term[k].load];

		sum.p_uwh += load->term[k].factor * m->p_uwh;
		sum.q_uvarh += load->term[k].factor * m->q_uvarh;
		sum.below_range = sum.below_range && m->below_range;
	}
	book(record_of(r, r->load[l]), &sum, estimated);
}

static void book_all(struct registers *r, const struct energy_step *step, bool estimated)
{
	unsigned int l;

	for (l = 0; l < r->in->loads; l++)
		if (r->in->load[l].elements)
			book_load(r, l, step, estimated);
	/* their parts have moved */
	for (l = 0; l < r->in->loads; l++)
		if (!r->in->load[l].elements)
			book_virtual(r, l, estimated);
}

void registers_add(struct registers *r, const struct energy_step *step)
{
	book_all(r, step, false);
}

void registers_estimated(struct registers *r, const struct energy_step *step)
{
	book_all(r, step, true);
}

void registers_present(struct registers *r, int64_t utc_ms, const double *p_w)
{
	unsigned int l;
	unsigned int k;

	if (r->time == TIME_NONE)
		return;
	record_of(r, r->time)->net_uwh = utc_ms;
	for (l = 0; l < r->in->loads; l++) {
		const struct load *load = &r->in->load[l];

		for (k = load->first; k < load->first + load->elements; k++) {
			double cw = rint(p_w[k] * CW_PER_W);
			bool known = isfinite(cw) && fabs(cw) < INT32_MAX;

			record_of(r, r->element[k])->last_cw = known ? (int32_t)cw : 0;
		}
	}
}

double registers_bridge(struct registers *r, int64_t utc_ms, double most_s)
{
	struct energy_step step[INPUT_CHANNELS_MAX] = { 0 };
	double hole_s = (double)(utc_ms - r->before_ms) / MS_PER_S;
	unsigned int k;

	if (r->before_ms <= 0)
		return 0.0;
	r->before_ms = 0;
	if (hole_s <= 0.0 || hole_s > most_s)
		return hole_s > most_s ? -1.0 : 0.0;
	for (k = 0; k < INPUT_CHANNELS_MAX; k++)
		step[k].p_j = r->before_cw[k] / CW_PER_W * hole_s;
	registers_estimated(r, step);
	return hole_s;
}

static double joules(int64_t uwh)
{
	return (double)uwh / UWH_PER_J;
}

static void read_record(const struct register_record *r, struct energy_reading *e)
{
	unsigned int k;

	e->net_j = joules(r->net_uwh);
	e->import_j = joules(r->import_uwh);
	e->export_j = joules(r->export_uwh);
	e->phases_import_j = e->import_j;
	e->phases_export_j = e->export_j;
	e->absolute_j = joules(r->import_uwh + r->export_uwh);
	e->estimated_j = joules(r->estimated_uwh);
	for (k = 0; k < READING_QUADRANTS; k++)
		e->reactive_vars[k] = joules(r->quadrant_uvarh[k]);
}

void registers_element(const struct registers *r, unsigned int load, unsigned int element,
		       struct energy_reading *e)
{
	read_record(record_of(r, r->element[r->in->load[load].first + element]), e);
}

/* The elements of earlier configurations belong to the sum. */
void registers_load(const struct registers *r, unsigned int load, struct energy_reading *e)
{
	int64_t import = 0;
	int64_t export = 0;
	unsigned int k;

	read_record(record_of(r, r->load[load]), e);
	if (!r->in->load[load].elements)
		return;
	for (k = r->part[load]; k != PART_NONE; k = r->next[k]) {
		const struct register_record *part = record_of(r, k);

		import += part->import_uwh;
		export += part->export_uwh;
	}
	e->phases_import_j = joules(import);
	e->phases_export_j = joules(export);
	e->absolute_j = joules(import + export);
}

double registers_import_j(const struct registers *r, unsigned int load)
{
	return joules(record_of(r, r->load[load])->import_uwh);
}

double registers_export_j(const struct registers *r, unsigned int load)
{
	return joules(record_of(r, r->load[load])->export_uwh);
}

double registers_estimated_j(const struct registers *r, unsigned int load)
{
	return joules(record_of(r, r->load[load])->estimated_uwh);
}

int64_t registers_element_uwh(const struct registers *r, unsigned int load, unsigned int element)
{
	return record_of(r, r->element[r->in->load[load].first + element])->net_uwh;
}

int registers_contact(struct registers *r, const char *name)
{
	int index = find(r, name, RECORD_CONTACT);

	if (index < 0)
		index = registers_file_add(r->file, name, RECORD_CONTACT);
	return index < 0 ? full(r, "contact", name, index) : index;
}

void registers_pulses(const struct registers *r, unsigned int contact, struct pulse_register *p)
{
	const struct register_record *record = record_of(r, contact);

	*p = (struct pulse_register){
		.pulses = record->net_uwh,
		.place = (uint64_t)record->estimated_uwh,
		.counter = (uint32_t)record->import_uwh,
		.epoch = (uint32_t)record->export_uwh,
	};
}

void registers_set_pulses(struct registers *r, unsigned int contact, const struct pulse_register *p)
{
	struct register_record *record = record_of(r, contact);

	record->net_uwh = p->pulses;
	record->estimated_uwh = (int64_t)p->place;
	record->import_uwh = p->counter;
	record->export_uwh = p->epoch;
}

int registers_note(struct registers *r)
{
	return registers_file_note(r->file);
}

int registers_flush_aside(struct registers *r, struct sd_event *event)
{
	return registers_file_flush_aside(r->file, event);
}

int registers_save(struct registers *r)
{
	return registers_file_save(r->file);
}

int registers_save_now(struct registers *r)
{
	return r ? registers_file_save_now(r->file) : 0;
}

void registers_close(struct registers *r)
{
	if (!r)
		return;
	registers_file_close(r->file);
	free(r);
}
