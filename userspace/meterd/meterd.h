/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meterd - the program: what main.c, reports.c, publishers.c and panel.c have in common.
 */
#ifndef METERD_METERD_H
#define METERD_METERD_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "aside.h"
#include "config.h"
#include "inputs.h"
#include "installation.h"
#include "io-plan.h"
#include "io-recorder.h"
#include "live.h"
#include "modbus-map.h"
#include "reload.h"
#include "site-report.h"
#include "snapshot.h"

/**
 * struct meterd - the program
 * @event: its loop
 * @config: configuration
 * @place: what is known of the mains and the inputs without it
 * @in: what it measures
 * @plan: what is wired to inputs and outputs
 * @source: where scans come from
 * @register_meter: takes the place of source, join and chain for modules that measure
 *	by themselves
 * @align: the join
 * @registers: energy
 * @meter: the chain
 * @wiring: verdicts on the wiring, or NULL
 * @tuned: calibration and corrected wiring, or NULL
 * @quality: power quality, or NULL
 * @store: records, or NULL
 * @recorder: makes them, or NULL
 * @terminals: inputs and outputs, or NULL
 * @io_recorder: records of inputs
 * @mqtt_records: records to the broker, or NULL
 * @mqtt_io: inputs and outputs to the broker, or NULL
 * @discovery: for Home Assistant, or NULL
 * @vendor: the vendor's topics, or NULL
 * @vendor_plugs: relays there, or NULL
 * @influx: records to InfluxDB, or NULL
 * @identify: the command of that name, or NULL
 * @lamp: the gateway's light, or NULL
 * @button: its reset button, or NULL
 * @commands: what may be asked from outside
 * @reload: those about the configuration
 * @mqtt_commands: commands by MQTT, or NULL
 * @mqtt: publisher, or NULL
 * @http: local API, or NULL
 * @modbus: Modbus TCP, or NULL
 * @modbus_map: its registers
 * @save_timer: checkpoint of the registers
 * @saving: the process that writes the state of the week, or NULL
 * @print: print readings on standard output
 * @text: JSON of the last reading
 * @last: the last reading
 * @scale: V or A per unit of the samples
 * @rail: size of a sample at the rail
 * @sensor: CT type codes that the modules tell
 * @known: those that the elements know already
 * @began: the first reading was published
 * @trimmed: what the start needed was given back
 */
struct meterd {
	sd_event *event;
	struct config config;
	struct site_report place;
	struct installation in;
	struct io_plan plan;
	struct source *source;
	struct register_meter *register_meter;
	struct align *align;
	struct registers *registers;
	struct meter *meter;
	struct wiring *wiring;
	struct tuned *tuned;
	struct quality *quality;
	struct store *store;
	struct recorder *recorder;
	struct terminals *terminals;
	struct io_recorder io_recorder;
	struct mqtt_records *mqtt_records;
	struct mqtt_io *mqtt_io;
	struct discovery *discovery;
	struct vendor *vendor;
	struct vendor_plugs *vendor_plugs;
	struct influx *influx;
	struct identify *identify;
	struct lamp *lamp;
	struct reset_button *button;
	struct commands *commands;
	struct reload_commands reload;
	struct mqtt_commands *mqtt_commands;
	struct mqtt *mqtt;
	struct http *http;
	struct modbus_server *modbus;
	struct modbus_map modbus_map;
	sd_event_source *save_timer;
	struct aside *saving;
	bool print;
	struct live_buffer text;
	struct snapshot last;
	double scale[INPUT_CHANNELS_MAX];
	float rail[INPUT_CHANNELS_MAX];
	int sensor[INPUT_CHANNELS_MAX];
	int known[INPUT_CHANNELS_MAX];
	bool began;
	bool trimmed;
};

#endif
