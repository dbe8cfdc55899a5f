/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modbus-map - what the Modbus TCP server says: which unit has which registers.
 *
 * The unit of the configuration is a SunSpec meter (sunspec.h): one load, usually the grid.
 * If wanted, unit 61 is a Power Box (modbus-power-box.h) with all inputs.
 */
#ifndef METERD_MODBUS_MAP_H
#define METERD_MODBUS_MAP_H

#include <stdbool.h>

#include "load.h"
#include "modbus-server.h"
#include "snapshot.h"

/**
 * struct modbus_map - what it needs
 * @in: what is measured
 * @gateway: its name
 * @last: the last reading
 * @unit: of the SunSpec meter
 * @load: index of its load
 * @power_box: there is a Power Box
 */
struct modbus_map {
	const struct installation *in;
	const char *gateway;
	const struct snapshot *last;
	uint8_t unit;
	unsigned int load;
	bool power_box;
};

/**
 * modbus_map_make() - find the load
 * @map: filled in
 * @config: section [modbus]
 * @in: what is measured; must outlive @map
 * @gateway: must outlive @map
 * @last: must outlive @map
 *
 * Return: 0, or -EINVAL after printing what is wrong.
 */
int modbus_map_make(struct modbus_map *map, const struct modbus_config *config,
		    const struct installation *in, const char *gateway,
		    const struct snapshot *last);

/** modbus_map_read() - a modbus_read of a struct modbus_map */
int modbus_map_read(void *user, uint8_t unit, uint16_t address, uint16_t count, uint16_t *out);

#endif
