/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * totals - what the roles of the loads add up to.
 *
 * Positive power is import of a load, so production is the negative power of the
 * loads with role production, and storage charges with positive power.
 */
#ifndef METERD_TOTALS_H
#define METERD_TOTALS_H

#include "reading.h"

/** totals_of() - totals of @loads loads */
struct totals_reading totals_of(const struct load_reading *load, unsigned int loads);

#endif
