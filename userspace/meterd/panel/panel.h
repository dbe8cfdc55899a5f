/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * panel - what somebody in front of the gateway sees and presses: its light, its reset
 * button and the lights of the modules.
 */
#ifndef METERD_PANEL_H
#define METERD_PANEL_H

struct meterd;

/** panel_open() - all that is configured; 0 or -errno after printing the error */
int panel_open(struct meterd *d);

/** panel_close() - close it */
void panel_close(struct meterd *d);

#endif
