/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discovery-parts - what the files of the discovery share; for discovery*.c only.
 *
 *   discovery.c	loads and the gateway; the message and when it is sent
 *   discovery-io.c	inputs, relays and identification
 */
#ifndef METERD_DISCOVERY_PARTS_H
#define METERD_DISCOVERY_PARTS_H

#include "discovery.h"

struct json_object;

#define DISCOVERY_SLUG_MAX 80
#define DISCOVERY_DEVICE_MAX (DISCOVERY_SLUG_MAX + 8)

/*
 * The state class of registers that only grow. Home Assistant prefers "total" where a value never
 * begins anew. These may: the owner can reset them, or their file be lost. With "total" it would
 * book that as the energy of a lifetime given back; with this one it goes on from there. What
 * this class is feared for is a value that falls for a moment, since all of it is then counted
 * once more: a register is restored before anything is published, unknown and not 0 until
 * then, and what a power cut can set it back by is less than the tenth that is tolerated.
 */
#define DISCOVERY_TOTAL "total_increasing"

/** discovery_slug() - letters, digits and _ of any text */
void discovery_slug(char *to, size_t size, const char *text);

/** discovery_add() - add a text to an object */
void discovery_add(struct json_object *o, const char *key, const char *value);

/** discovery_component() - add a component to @components; what it needs beyond is added to it */
struct json_object *discovery_component(struct json_object *components, const char *id,
					const char *platform, const char *name);

/** discovery_io() - add inputs, and with commands relays and buttons, to @components */
void discovery_io(struct json_object *components, const char *device,
		  const struct discovery_config *config);

#endif
