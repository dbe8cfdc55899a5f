/* SPDX-License-Identifier: GPL-2.0-or-later */
/* version - the version that every program of the user-space half reports. */
#ifndef USERSPACE_VERSION_H
#define USERSPACE_VERSION_H

#define SMAPPEE_VERSION "0.1.0"

#endif
