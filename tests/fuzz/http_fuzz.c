/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: what a client of the API sends, through the real server on its unix socket.
 * No command may ever be run, since no one knows the token.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "http.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static sd_event *loop;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void run(void *user, struct json_object *arguments, struct command_reply *reply)
{
	abort();
}

static const struct command_row row = { .name = "reload", .summary = "s", .run = run };

static void start(void)
{
	struct http_config config = { .token_file = "/dev/urandom" };
	struct commands *commands;
	struct http *http;

	log_level(-1);
	snprintf(address.sun_path, sizeof(address.sun_path), "http-fuzz-%d", getpid());
	config.socket = address.sun_path;
	if (sd_event_new(&loop) < 0 || http_open(&http, loop, &config, "fuzz") ||
	    commands_create(&commands, NULL, NULL) || command_register(commands, &row, NULL))
		abort();
	http_take_commands(http, commands);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char answer[4096];
	unsigned int k;
	int fd;

	if (!loop)
		start();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	if (send(fd, input, size, MSG_NOSIGNAL) < 0)
		abort();
	shutdown(fd, SHUT_WR);
	for (k = 0; k < 8 && sd_event_run(loop, 0) > 0; k++)
		while (recv(fd, answer, sizeof(answer), 0) > 0)
			;
	close(fd);
	for (k = 0; k < 4 && sd_event_run(loop, 0) > 0; k++)
		;
	return 0;
}
