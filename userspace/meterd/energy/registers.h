/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registers - energy of every load and element, kept over restarts.
 *
 * The truth is the signed energy of each element in whole micro-watt-hours; what
 * is smaller is carried to the next window. The energy of a load in a window is the
 * sum of its elements, that of a virtual load the sum of its parts. Import and export
 * are what is split off it by its sign, window by window, so import - export is
 * the signed energy, exactly. Reactive energy of the fundamental is kept the same
 * way, split into quadrants.
 *
 * Below its range a load has noise of both signs, which would make both registers
 * creep. There the split waits until 0.1 Wh have come together: the signed
 * energy is right at once, and nothing is lost.
 *
 * Loads are found in the file by name, elements by the name of their input within
 * their load; those that are no longer configured stay in it (registers-file.h).
 */
#ifndef METERD_REGISTERS_H
#define METERD_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "load.h"

struct registers;
struct sd_event;

/**
 * struct energy_step - energy of an element in one window
 * @p_j: active energy, J; positive is import; NAN: not known, nothing is booked
 * @q_vars: fundamental reactive energy, var s; positive is inductive; NAN likewise
 * @below_range: the element is below its range
 */
struct energy_step {
	double p_j;
	double q_vars;
	bool below_range;
};

/**
 * registers_open() - restore the registers
 * @r: where to put them
 * @in: loads and elements; must outlive the registers
 * @path: the file, made when it does not exist; NULL: keep them in memory only
 *
 * Return: 0; -errno after printing the error. A file with no valid slot is an
 * error (-EBADMSG): to begin at zero would let the registers fall. -ENOSPC when the
 * file has no room for more names.
 */
int registers_open(struct registers **r, const struct installation *in, const char *path);

/**
 * registers_add() - add the energy of one window
 * @r: the registers
 * @step: of each current input of the installation
 */
void registers_add(struct registers *r, const struct energy_step *step);

/** registers_estimated() - as registers_add(), for energy that was not measured but continued */
void registers_estimated(struct registers *r, const struct energy_step *step);

/**
 * registers_present() - what the next note or checkpoint keeps of this moment, for the hole
 *	that the end of the process would leave
 * @r: the registers
 * @utc_ms: UTC; 0: the clock is not known
 * @p_w: active power of each current input, W; NAN: not known
 */
void registers_present(struct registers *r, int64_t utc_ms, const double *p_w);

/**
 * registers_bridge() - book the time without a meterd, from the moment that the file was
 *	restored with to now, as estimated: the power of that moment times the hole. Only
 *	the first call after registers_open() does.
 * @r: the registers
 * @utc_ms: UTC at which this process began to measure; the clock must be known
 * @most_s: a longer hole is not booked at all
 *
 * Return: seconds that were booked, 0: none, -1: the hole is longer than @most_s.
 */
double registers_bridge(struct registers *r, int64_t utc_ms, double most_s);

/** registers_load() - the registers of a load */
void registers_load(const struct registers *r, unsigned int load, struct energy_reading *e);

/** registers_element() - the registers of element @element of a load */
void registers_element(const struct registers *r, unsigned int load, unsigned int element,
		       struct energy_reading *e);

/** registers_import_j() - import register of a load, J */
double registers_import_j(const struct registers *r, unsigned int load);

/** registers_export_j() - export register of a load, J */
double registers_export_j(const struct registers *r, unsigned int load);

/** registers_estimated_j() - the part of all energy of a load, without its sign, that is estimated,
 * J */
double registers_estimated_j(const struct registers *r, unsigned int load);

/** registers_element_uwh() - signed energy of an element, uWh */
int64_t registers_element_uwh(const struct registers *r, unsigned int load, unsigned int element);

/**
 * struct pulse_register - pulses of a contact, kept as the energy is
 * @pulses: counted so far
 * @place: the input that they were counted at, 0: none yet
 * @counter: of the module then
 * @epoch: of that counter
 */
struct pulse_register {
	int64_t pulses;
	uint64_t place;
	uint32_t counter;
	uint32_t epoch;
};

/**
 * registers_contact() - the record of a contact, all zero when it is new
 * @r: the registers
 * @name: of the contact
 *
 * Return: its number, or -ENOSPC after printing the error.
 */
int registers_contact(struct registers *r, const char *name);

/** registers_pulses() - read the record with the number @contact */
void registers_pulses(const struct registers *r, unsigned int contact, struct pulse_register *p);

/** registers_set_pulses() - change it; kept by the next note or checkpoint */
void registers_set_pulses(struct registers *r, unsigned int contact,
			  const struct pulse_register *p);

/**
 * registers_note() - write a note; call before the values are published
 *
 * Return: 0 or -errno, after printing the error once.
 */
int registers_note(struct registers *r);

/**
 * registers_flush_aside() - let a child process flush checkpoints, so that no save waits
 * @r: the registers
 * @event: loop of the answers
 *
 * When there is none, because this fails or the child ends, saves wait for the medium.
 *
 * Return: 0, or -errno after printing the error.
 */
int registers_flush_aside(struct registers *r, struct sd_event *event);

/**
 * registers_save() - write a checkpoint and flush it to the medium
 *
 * Does nothing while the checkpoint before is on its way to the medium: one of the
 * two is always whole there.
 *
 * Return: 0 or -errno, after printing the error once.
 */
int registers_save(struct registers *r);

/**
 * registers_save_now() - as registers_save(), but wait for the medium: the power fails
 *
 * Return: 0 or -errno, after printing the error once.
 */
int registers_save_now(struct registers *r);

/** registers_close() - save, wait for the medium and free; NULL is allowed */
void registers_close(struct registers *r);

#endif
