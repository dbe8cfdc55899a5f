/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modbus-server - Modbus TCP in the daemon's loop.
 *
 * Nothing waits for a client: an answer that a client does not take stops only what is read
 * from that client. At most MODBUS_CLIENTS_MAX may be connected; one more closes the one
 * that has been silent longest, and who says nothing for a minute is closed.
 */
#ifndef METERD_MODBUS_SERVER_H
#define METERD_MODBUS_SERVER_H

#include <systemd/sd-event.h>

#include "modbus-tcp.h"

#define MODBUS_CLIENTS_MAX 16

struct modbus_server;

/**
 * struct modbus_config - section [modbus] of the configuration
 * @listen: ADDRESS:PORT
 * @unit: unit address of the SunSpec meter
 * @load: load that is the meter; NULL: the first one with role grid
 * @power_box: "yes" or "no": unit 61 has the registers of a Power Box
 */
struct modbus_config {
	char *listen;
	unsigned int unit;
	char *load;
	char *power_box;
};

/**
 * modbus_server_open() - listen
 * @s: where to put it
 * @event: loop
 * @listen: ADDRESS:PORT
 * @read: reads registers
 * @user: its first argument
 *
 * Return: 0, or -errno after printing the error.
 */
int modbus_server_open(struct modbus_server **s, sd_event *event, const char *listen,
		       modbus_read *read, void *user);

/** modbus_server_port() - TCP port in use */
unsigned int modbus_server_port(const struct modbus_server *s);

/** modbus_server_clients() - open connections; NULL @s has none */
unsigned int modbus_server_clients(const struct modbus_server *s);

/** modbus_server_close() - disconnect all and free; NULL is allowed */
void modbus_server_close(struct modbus_server *s);

#endif
