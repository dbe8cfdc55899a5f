/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config - the configuration file: one table of options, checked while reading.
 *
 * INI sections and keys as in meterd.conf(5). An unknown section or key, a key given
 * twice, a value out of its bounds and an input used twice are errors, printed
 * as "FILE:LINE: [section] key = value: what is wrong; way out".
 */
#ifndef METERD_CONFIG_H
#define METERD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"
#include "influx.h"
#include "io-plan.h"
#include "lamp.h"
#include "load.h"
#include "modbus-server.h"
#include "mqtt.h"
#include "quality-config.h"
#include "reset-button.h"
#include "source.h"
#include "store-config.h"

/**
 * struct config_list - a list of words, separated by commas in the file
 * @count: entries in @word
 * @word: the words
 */
struct config_list {
	unsigned int count;
	char **word;
};

/**
 * struct load_config - a section [load NAME]
 * @name: NAME
 * @line: of the section in the file
 * @role: "grid", "production", "storage", "submeter", "virtual"
 * @inputs: "label/channel"
 * @phases: voltage slots, one or one per input
 * @reversed: "yes" or "no", one or one per input
 * @ratio: numbers, one or one per input
 * @multiplier: numbers, one or one per input
 * @min_a: numbers, one or one per input
 * @neutral: "label/channel", or NULL
 * @formula: of a virtual load, or NULL
 */
struct load_config {
	char *name;
	unsigned int line;
	char *role;
	struct config_list inputs;
	struct config_list phases;
	struct config_list reversed;
	struct config_list ratio;
	struct config_list multiplier;
	struct config_list min_a;
	char *neutral;
	char *formula;
};

/**
 * struct input_config - a section [input LABEL/CHANNEL]: the sensor there
 * @name: LABEL/CHANNEL
 * @line: of the section in the file
 * @sensor: name of its type, or "auto": what the module tells
 * @gain: current per current that the module tells
 * @tau_us: magnetising pole, us; 0: none
 * @delay_us: delay of the current against the voltage, us
 * @integrate: "yes": a Rogowski coil whose output is di/dt
 */
struct input_config {
	char *name;
	unsigned int line;
	char *sensor;
	double gain;
	double tau_us;
	double delay_us;
	char *integrate;
};

/**
 * struct contact_config - a section [contact NAME]: what is at an input of an input module
 * @name: NAME
 * @line: of the section in the file
 * @input: "label/number"
 * @kind: "gas", "water", "heat", "electricity", "state"
 * @unit: of what is counted, or NULL: that of the kind
 * @pulses_per_unit: pulses per unit, 0: not given
 * @start: units that the meter showed when its pulses began to be counted
 * @min_closed_ms: shorter closings are none, ms
 * @min_open_ms: shorter openings are none, ms
 */
struct contact_config {
	char *name;
	unsigned int line;
	char *input;
	char *kind;
	char *unit;
	double pulses_per_unit;
	double start;
	unsigned int min_closed_ms;
	unsigned int min_open_ms;
};

/**
 * struct relay_config - a section [relay NAME]: a relay of an output module
 * @name: NAME
 * @line: of the section in the file
 * @output: "label/number"
 * @needs: names of loads that must be measured for the heartbeat; empty: see io-plan.h
 */
struct relay_config {
	char *name;
	unsigned int line;
	char *output;
	struct config_list needs;
};

/**
 * struct config - all that the file says
 * @file: its path
 * @gateway: [gateway] name
 * @modules: [gateway] modules: folder of the bus
 * @settings: [gateway] settings: file of values that win over those of @file
 * @settings_given: values that it has
 * @source: [source]
 * @topology: [topology] type
 * @voltages: [topology] voltages; empty: those of the topology
 * @voltage_ratio: [topology] voltage_ratio, one or one per voltage
 * @pf_min_va: [topology] pf_min_va
 * @loads: entries in @load
 * @load: sections [load NAME], in the order of the file
 * @inputs: entries in @input
 * @input: sections [input NAME], in the order of the file
 * @contacts: entries in @contact
 * @contact: sections [contact NAME], in the order of the file
 * @relays: entries in @relay
 * @relay: sections [relay NAME], in the order of the file
 * @tuning: [topology] tuning: file of calibration and corrected wiring, or NULL
 * @registers_file: [registers] file, NULL without the section
 * @registers_interval_s: [registers] interval_s
 * @registers_estimate_s: [registers] estimate_s
 * @quality: [quality]
 * @has_store: section [store] is there
 * @store: [store]
 * @has_mqtt: section [mqtt] is there
 * @mqtt: [mqtt]
 * @has_influx: section [influx] is there
 * @influx: [influx]
 * @has_modbus: section [modbus] is there
 * @modbus: [modbus]
 * @light: [light]; device is NULL without the section
 * @button: [button]; likewise
 * @has_http: section [http] is there
 * @http: [http]
 */
struct config {
	char *file;
	char *gateway;
	char *modules;
	char *settings;
	unsigned int settings_given;
	struct source_config source;
	char *topology;
	struct config_list voltages;
	struct config_list voltage_ratio;
	double pf_min_va;
	unsigned int loads;
	struct load_config *load;
	unsigned int inputs;
	struct input_config *input;
	unsigned int contacts;
	struct contact_config *contact;
	unsigned int relays;
	struct relay_config *relay;
	char *tuning;
	char *registers_file;
	unsigned int registers_interval_s;
	unsigned int registers_estimate_s;
	struct quality_options quality;
	bool has_store;
	struct store_config store;
	bool has_mqtt;
	struct mqtt_config mqtt;
	bool has_influx;
	struct influx_config influx;
	bool has_modbus;
	struct modbus_config modbus;
	struct light_config light;
	struct button_config button;
	bool has_http;
	struct http_config http;
};

/**
 * config_read() - read a configuration file, and the settings over it
 * @config: filled in; free with config_free() also after an error
 * @path: the file
 * @settings: file of values that win over those of @path; NULL: the one that @path names. It
 *	need not be there.
 *
 * The settings have the same form. They change sections of @path, and add none: whether there
 * is a load or a way out is said by @path alone, and so are the files that are used.
 * Prints every error that it finds.
 *
 * Return: 0, -EINVAL when there were errors, or another -errno.
 */
int config_read(struct config *config, const char *path, const char *settings);

/** config_has() - is this section there? True for those that need not be there to be in force */
bool config_has(const struct config *config, const char *section);

/**
 * config_commanded() - may this value be set by command?
 * @section: heading, "load grid"
 * @key: key; one that does not exist is not refused here
 * @value: value, NULL: the key is taken back
 *
 * Return: NULL, or why not.
 */
const char *config_commanded(const char *section, const char *key, const char *value);

/** config_free() - free what the configuration holds */
void config_free(struct config *config);

/**
 * struct config_option - a row of the table, for the test of the manual page
 * @section: section, "load" for [load NAME] and so on
 * @key: key
 * @fallback: default as text, NULL when there is none
 */
struct config_option {
	const char *section;
	const char *key;
	const char *fallback;
};

/** config_option() - row @index of the table; false after the last */
bool config_option(unsigned int index, struct config_option *option);

/**
 * config_text() - the value of an option as text
 * @c: configuration
 * @index: row of the table
 * @item: of sections with a name, as [load NAME]: number of the section; else 0
 * @text: filled in, "" when the option has no value
 * @size: its bytes
 *
 * Return: false: there is no such section.
 */
bool config_text(const struct config *c, unsigned int index, unsigned int item, char *text,
		 size_t size);

/** config_item_name() - NAME of section @item of the kind [SECTION NAME], "" when there is none */
const char *config_item_name(const struct config *c, const char *section, unsigned int item);

#endif
