/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reports - what the local API tells when it is asked.
 */
#ifndef METERD_REPORTS_H
#define METERD_REPORTS_H

struct meterd;

/** reports_provide() - give the API of @d, which was opened, all that can be asked for */
void reports_provide(struct meterd *d);

#endif
