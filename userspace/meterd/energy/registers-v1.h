/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registers-v1 - reads the first format of the registers file: one entry per load,
 * at most 64, whose elements are known by their position only.
 */
#ifndef METERD_REGISTERS_V1_H
#define METERD_REGISTERS_V1_H

#include "registers-file.h"

/**
 * registers_v1_read() - records out of the newest whole copy
 * @fd: the file
 * @record: RECORDS_MAX records, filled in. An element is called "#1" to "#3"; its import or
 *	export is what its signed energy says, as there were no registers of elements.
 *
 * Return: number of records, or -EBADMSG when no copy is whole.
 */
int registers_v1_read(int fd, struct register_record *record);

#endif
