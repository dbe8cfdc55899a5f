/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vendor - the local topics of the vendor's gateway, servicelocation/UUID/..., so that what
 * was written for it works unchanged: config, channelConfig, channelConfigV2,
 * sensorConfig (retained), realtime with every reading, aggregated
 * every five minutes. QoS 0, as there. Relays are in vendor-plugs.h.
 *
 * Units are those of the vendor: realtime has W, 0.1 A, V, J and uHz; aggregated
 * mW, mA, 0.1 V and percent. A channel is an input; its number is the same in all
 * topics, under both of the names in use (publishIndex, ctInput). A channel that is not
 * known is left out, since these topics have no way to say unknown.
 */
#ifndef METERD_VENDOR_H
#define METERD_VENDOR_H

#include "load.h"
#include "mqtt.h"
#include "reading.h"

struct vendor;

/** vendor_open() - begin, with @config->vendor_uuid; 0 or -errno after printing the error */
int vendor_open(struct vendor **v, struct mqtt *m, const struct mqtt_config *config,
		const struct installation *in);

/** vendor_publish() - send a reading; NULL @v is allowed */
void vendor_publish(struct vendor *v, const struct reading *r);

/** vendor_close() - after mqtt_close(); NULL is allowed */
void vendor_close(struct vendor *v);

#endif
