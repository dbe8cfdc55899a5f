/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * power-box - the vendor's Power Box as a Modbus slave: a register module with a
 * table of the CT modules behind it, settings that are lost unless saved, and a
 * flash that keeps it busy. By its public register map (power-box.rst). All
 * times are true time in seconds since the simulator's start.
 */
#ifndef SIM_POWER_BOX_H
#define SIM_POWER_BOX_H

#include "box-meter.h"
#include "box-settings.h"
#include "scenario.h"

/**
 * struct power_box - one Power Box
 * @scenario: what it is made from; must outlive the box
 * @number: which of its modules
 * @serial: serial number it shows now
 * @settings: in force
 * @saved: in flash
 * @busy_until: true time until which it has no time for requests, s
 * @identify_until: true time until which the LED of each slot flashes, s
 * @meter: what it measures
 */
struct power_box {
	const struct scenario *scenario;
	unsigned int number;
	uint32_t serial;
	struct box_settings settings;
	struct box_settings saved;
	double busy_until;
	double identify_until[SMAPPEE_PB_SLOTS];
	struct box_meter meter;
};

/**
 * power_box_new() - build and start a Power Box at true time 0
 * @s: the scenario
 * @number: which of its modules
 *
 * Return: the box, to be freed with free(); NULL without memory.
 */
struct power_box *power_box_new(const struct scenario *s, unsigned int number);

/** power_box_restart() - power cycle at @t: settings are those saved, energies stay */
void power_box_restart(struct power_box *b, double t);

/** power_box_knows() - is @function one that it carries out? Only 3 and 16 are. */
bool power_box_knows(uint8_t function);

/**
 * power_box_read() - read @count registers from @address at @t
 * @values: gets them; registers that mean nothing are 0
 *
 * Return: 0, or the exception code to answer.
 */
uint8_t power_box_read(struct power_box *b, double t, unsigned int address, unsigned int count,
		       uint16_t *values);

/**
 * power_box_write() - write @count registers from @address at @t
 *
 * All are checked before the first takes effect. Return: 0, or the exception
 * code to answer.
 */
uint8_t power_box_write(struct power_box *b, double t, unsigned int address, unsigned int count,
			const uint16_t *values);

/** power_box_identifies() - does the LED of @slot flash at @t? */
bool power_box_identifies(const struct power_box *b, unsigned int slot, double t);

#endif
