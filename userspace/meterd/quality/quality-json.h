/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quality-json - power quality as JSON, for the local API.
 *
 * Names carry their unit, what is not known is null, times are UTC as in live.h.
 * Every function returns an object for json_object_put(), or NULL when memory is short.
 */
#ifndef METERD_QUALITY_JSON_H
#define METERD_QUALITY_JSON_H

#include <json-c/json.h>

#include "load.h"
#include "quality.h"

/** quality_event_json() - an event: of "event" of /api/v1/events and of the list */
struct json_object *quality_event_json(const struct pq_event *e, const struct topology *t);

/** quality_events_json() - the events remembered, newest first: /api/v1/quality/events */
struct json_object *quality_events_json(const struct quality *q, const struct installation *in);

/**
 * quality_report_json() - all the rest: /api/v1/quality
 * @q: power quality
 * @in: names of slots and inputs
 * @scale: A per unit of the samples, by channel, as the chain has it
 *
 * Declared values; spectra of the last window; the last interval of each kind; this week
 * and the last one against EN 50160.
 */
struct json_object *quality_report_json(const struct quality *q, const struct installation *in,
					const double *scale);

/**
 * quality_waveform_json() - a waveform: /api/v1/quality/waveform
 * @q: power quality
 * @in: names of slots and inputs
 * @scale: A per unit of the samples, by channel
 * @number: of its event; 0: the newest one that has a waveform
 *
 * Return: NULL when there is none.
 */
struct json_object *quality_waveform_json(const struct quality *q, const struct installation *in,
					  const double *scale, uint64_t number);

#endif
