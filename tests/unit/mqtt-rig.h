/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-rig - the MQTT publisher, and a place for the broker that it looks for.
 */
#ifndef TEST_MQTT_RIG_H
#define TEST_MQTT_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The file itself: the back-off of a real gateway is too slow for a test, see
 * retry_now(). Before cmocka.h, whose fail() is a macro.
 */
#include "mqtt.c"

#include <cmocka.h>

#include "outputs.h"

/**
 * struct fixture - a place for a broker
 * @loop: event loop
 * @dir: folder of the broker's files
 * @socket: its unix socket
 * @port: its TCP port, free when chosen
 * @broker: its process, 0 when it does not run
 */
struct fixture {
	sd_event *loop;
	char dir[64];
	char socket[80];
	unsigned int port;
	pid_t broker;
};

/* A loopback listener; *@port is chosen when it is 0. */
static inline int listen_on(unsigned int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t length = sizeof(a);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &length), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static inline int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mqtt-test-XXXXXX");
	if (!mkdtemp(f->dir) || sd_event_new(&f->loop) < 0)
		return -1;
	snprintf(f->socket, sizeof(f->socket), "%s/s", f->dir);
	close(listen_on(&f->port));
	signal(SIGPIPE, SIG_IGN);
	*state = f;
	return 0;
}

static inline void stop_broker(struct fixture *f, int how)
{
	if (!f->broker)
		return;
	kill(f->broker, how);
	waitpid(f->broker, NULL, 0);
	f->broker = 0;
}

static inline int stop(void **state)
{
	struct fixture *f = *state;
	char command[128];

	stop_broker(f, SIGKILL);
	sd_event_unref(f->loop);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static inline struct mqtt *open_publisher(struct fixture *f, const char *host, unsigned int port)
{
	static struct mqtt_config config;
	struct mqtt *m;

	config = (struct mqtt_config){ .host = (char *)host, .port = port, .topic = "meterd" };
	assert_int_equal(mqtt_open(&m, f->loop, &config, "house"), 0);
	return m;
}

/* Do not wait for the back-off that is running. */
static inline void retry_now(struct mqtt *m)
{
	m->backoff_us = BACKOFF_MIN_US;
	if (m->state == STATE_WAITING)
		sd_event_source_set_time_relative(m->timer, 0);
}

static inline bool is_connected(void *context)
{
	return ((struct mqtt *)context)->state == STATE_CONNECTED;
}

static inline bool is_waiting(void *context)
{
	return ((struct mqtt *)context)->state == STATE_WAITING &&
	       ((struct mqtt *)context)->told[0];
}

#endif
