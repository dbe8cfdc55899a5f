/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-commands - commands (command.h) by MQTT.
 *
 * TOPIC/GATEWAY/command	JSON: {"command":"NAME",...arguments}
 *
 * The answer, {"ok":true,...} or {"ok":false,"error":"..."}, goes to the message's
 * response topic with its correlation data, or to TOPIC/GATEWAY/command/response. Who may
 * publish on the topic may give commands: that is the broker's to decide. A message that
 * the broker had kept (retained) is refused, since nobody knows when it was meant.
 */
#ifndef METERD_MQTT_COMMANDS_H
#define METERD_MQTT_COMMANDS_H

#include "command.h"
#include "mqtt.h"

struct mqtt_commands;

/** mqtt_commands_open() - take commands from @m; @c outlives it. 0 or -errno */
int mqtt_commands_open(struct mqtt_commands **out, struct mqtt *m, struct commands *c,
		       const char *topic, const char *gateway);

/** mqtt_commands_close() - after mqtt_close(); NULL is allowed */
void mqtt_commands_close(struct mqtt_commands *x);

#endif
