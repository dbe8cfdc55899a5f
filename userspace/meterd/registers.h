/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registers - energy of every load and element, kept over restarts.
 *
 * The truth is the signed energy of each element in whole micro-watt-hours; what
 * is smaller is carried to the next window. The energy of a load in a window is
 * the sum of its elements; positive sums go to import, negative to export, so
 * import - export is always the sum of the elements, exactly.
 *
 * The file has four slots. Two are checkpoints, written in turn once per interval
 * and flushed to the medium. The other two are notes, written in turn with every
 * reading and left to the page cache: they survive the end of the process, however
 * sudden, but not that of the machine. Each slot has a sequence number and a
 * CRC-32; the newest valid one is read at start. So a restart loses nothing, a power
 * cut at most one interval, and a slot torn while it was written leaves the one
 * before.
 */
#ifndef METERD_REGISTERS_H
#define METERD_REGISTERS_H

#include <stdint.h>

#include "load.h"

struct registers;
struct sd_event;

/**
 * registers_open() - restore the registers
 * @r: where to put them
 * @in: loads and elements; found in the file by name, new ones begin at zero
 * @path: the file, made when it does not exist; NULL: keep them in memory only
 *
 * Registers of loads that are no longer configured stay in the file.
 *
 * Return: 0; -errno after printing the error. A file with no valid slot is an
 * error (-EBADMSG): to begin at zero would let the registers fall.
 */
int registers_open(struct registers **r, const struct installation *in, const char *path);

/**
 * registers_add() - add the energy of one window
 * @r: the registers
 * @load: index of the load
 * @energy_j: energy of each of its elements, J; positive is import
 */
void registers_add(struct registers *r, unsigned int load, const double *energy_j);

/** registers_estimated() - as registers_add(), for energy that was not measured but continued */
void registers_estimated(struct registers *r, unsigned int load, const double *energy_j);

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

/** registers_close() - save, wait for the medium and free; NULL is allowed */
void registers_close(struct registers *r);

#endif
