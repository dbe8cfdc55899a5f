// SPDX-License-Identifier: GPL-2.0-or-later
#include "panel.h"

#include "identify-command.h"
#include "influx.h"
#include "lamp.h"
#include "meterd.h"
#include "mqtt.h"
#include "reset-button.h"

/* For the light: does it measure, and are all who are to get the records there? */
static void ask_state(void *user, struct light_inputs *in)
{
	struct meterd *d = user;
	struct mqtt_counters mqtt;
	struct influx_counters influx;

	mqtt_counters(d->mqtt, &mqtt);
	influx_counters(d->influx, &influx);
	in->measuring = d->began;
	in->upstream = (!d->mqtt || mqtt.connected) && (!d->influx || influx.good);
}

static void on_button_held(void *user, enum button_meaning meaning)
{
	struct meterd *d = user;
	enum light_reset reset = LIGHT_RESET_TO_FACTORY;

	if (meaning == BUTTON_NOTHING)
		reset = LIGHT_RESET_NONE;
	else if (meaning == BUTTON_NETWORK)
		reset = LIGHT_RESET_OF_NETWORK;
	lamp_reset(d->lamp, reset);
}

int panel_open(struct meterd *d)
{
	const struct config *c = &d->config;
	int error = 0;

	if (c->light.device)
		error = lamp_open(&d->lamp, d->event, &c->light, ask_state, d);
	if (!error && c->button.device)
		error = reset_button_open(&d->button, d->event, &c->button, on_button_held, d);
	if (!error)
		error = identify_open(&d->identify, d->event, d->commands, c->modules);
	return error;
}

void panel_close(struct meterd *d)
{
	identify_close(d->identify);
	reset_button_close(d->button);
	lamp_close(d->lamp);
}
