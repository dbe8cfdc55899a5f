// SPDX-License-Identifier: GPL-2.0-or-later
#include "modbus-map.h"

#include <errno.h>
#include <string.h>

#include "clock-state.h"
#include "log.h"
#include "modbus-power-box.h"
#include "sunspec.h"

#define NO_REGISTER 2
#define NO_UNIT 11

static int find_load(const struct modbus_config *config, const struct installation *in)
{
	unsigned int k;

	for (k = 0; k < in->loads; k++)
		if (config->load ? !strcmp(in->load[k].name, config->load)
				 : in->load[k].role == LOAD_GRID)
			return (int)k;
	if (config->load)
		log_error("[modbus] load = %s: there is no such load; write the name of one of "
			  "the sections [load NAME]",
			  config->load);
	else
		log_error("[modbus]: no load has the role grid; write load = NAME");
	return -EINVAL;
}

int modbus_map_make(struct modbus_map *map, const struct modbus_config *config,
		    const struct installation *in, const char *gateway, const struct snapshot *last)
{
	int load = find_load(config, in);

	if (load < 0)
		return load;
	if (!strcmp(config->power_box, "yes") && config->unit == POWER_BOX_UNIT) {
		log_error("[modbus] unit = %d is that of the Power Box; write another one, or "
			  "power_box = no",
			  POWER_BOX_UNIT);
		return -EINVAL;
	}
	*map = (struct modbus_map){ .in = in,
				    .power_box = !strcmp(config->power_box, "yes"),
				    .gateway = gateway,
				    .last = last,
				    .unit = (uint8_t)config->unit,
				    .load = (unsigned int)load };
	return 0;
}

static int read_power_box(const struct modbus_map *map, uint16_t address, uint16_t count,
			  uint16_t *out)
{
	const struct reading *r = snapshot_fresh(map->last, clock_us(CLOCK_MONOTONIC));
	unsigned int k;

	for (k = 0; k < count; k++)
		if (address + k > UINT16_MAX ||
		    power_box_register(r, (uint16_t)(address + k), &out[k]))
			return NO_REGISTER;
	return 0;
}

int modbus_map_read(void *user, uint8_t unit, uint16_t address, uint16_t count, uint16_t *out)
{
	const struct modbus_map *map = user;
	uint16_t image[SUNSPEC_REGISTERS];

	if (map->power_box && unit == POWER_BOX_UNIT)
		return read_power_box(map, address, count, out);
	if (unit != map->unit)
		return NO_UNIT;
	if (address < SUNSPEC_BASE || address + count > SUNSPEC_BASE + SUNSPEC_REGISTERS)
		return NO_REGISTER;
	sunspec_image(image, map->in->topology, map->gateway, unit,
		      snapshot_fresh(map->last, clock_us(CLOCK_MONOTONIC)), map->load);
	memcpy(out, &image[address - SUNSPEC_BASE], count * sizeof(*out));
	return 0;
}
