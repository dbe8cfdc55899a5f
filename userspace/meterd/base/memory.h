/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory - what only the start of a program needed goes back to the machine. */
#ifndef METERD_MEMORY_H
#define METERD_MEMORY_H

/**
 * memory_trim() - give back free heap and the pages of code that are not in use
 *
 * Libraries touch megabytes of code once, when they are loaded. Their pages stay mapped until
 * memory is short. After this only what is called again comes back, from the page cache. To be
 * called when everything runs, once.
 */
void memory_trim(void);

#endif
