/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wiring-json - wiring and sensors as JSON, for GET /api/v1/wiring and /api/v1/sensors. */
#ifndef METERD_WIRING_JSON_H
#define METERD_WIRING_JSON_H

#include <json-c/json.h>

#include "wiring.h"

/**
 * wiring_json() - verdicts of all inputs
 * @w: what was seen
 * @in: the installation
 * @tuning: path of the tuning file, where corrections go
 */
struct json_object *wiring_json(const struct wiring *w, const struct installation *in,
				const char *tuning);

/** sensors_json() - the table of sensors */
struct json_object *sensors_json(void);

#endif
