/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's string.h, as far as pure code needs it. */
#ifndef SMAPPEE_SHIM_STRING_H
#define SMAPPEE_SHIM_STRING_H

#include <string.h>

#endif
