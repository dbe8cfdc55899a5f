/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modules - the modules of the bus as sysfs shows them, as a JSON list.
 *
 * Serves GET /api/v1/modules, and `meterctl list` when meterd does not run.
 */
#ifndef USERSPACE_MODULES_H
#define USERSPACE_MODULES_H

#include <json-c/json.h>

#define MODULES_DIR "/sys/bus/smappee/devices"

/**
 * modules_list() - read all modules
 * @dir: folder with one folder per module; NULL means MODULES_DIR
 *
 * One object per module, sorted by device name: "device", "unit", "type",
 * "model", "label", "serial_number", "firmware", "state", "sync_state",
 * "sync_offset_ns", "lost_scans", "repaired_blocks". What a module does not
 * tell, or tells in a form that cannot be true, is null. A folder that does not
 * exist is an empty list: without the bus there are no modules.
 *
 * Return: a JSON array for json_object_put(), or NULL with errno when the folder
 * cannot be read or memory is short.
 */
struct json_object *modules_list(const char *dir);

#endif
