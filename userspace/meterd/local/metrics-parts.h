/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics-parts - what the files of the metrics share; for metrics*.c only. */
#ifndef METERD_METRICS_PARTS_H
#define METERD_METRICS_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "io-reading.h"

/** metrics_begin() - begin a series; the head of its family comes with its first one */
void metrics_begin(FILE *f, bool *begun, const char *name, const char *help, const char *type);

/** metrics_label() - a label; @separator is "{" before the first one, else "," */
void metrics_label(FILE *f, const char *separator, const char *name, const char *value);

/** metrics_number() - the value of a series, and its end */
void metrics_number(FILE *f, double value);

/** metrics_io() - inputs and outputs */
void metrics_io(FILE *f, const struct io_reading *r);

#endif
