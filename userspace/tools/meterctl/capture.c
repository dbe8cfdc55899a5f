// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * meterctl capture - see Documentation/admin-guide/capture.rst for the format. It is
 * followed here from frame to frame, to know whether it is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command.h"

#define DEFAULT_FILE "capture.smcap"
#define HEAD_BYTES 16
#define FRAME_BYTES 8
#define SILENCE_MS 10000
#define REASON_MAX 200

/**
 * struct follower - where in the format the stream is
 * @need: bytes of the present part that are still to come
 * @head: it is the head of the file or of a frame, which says the length of what follows
 * @file_head: of these, that of the file
 * @have: bytes of it in @text
 * @text: the head, or the begin of a payload
 * @frames: payloads seen, the JSON counted
 * @bytes: in all
 */
struct follower {
	uint64_t need;
	bool head;
	bool file_head;
	size_t have;
	unsigned char text[REASON_MAX + 2];
	uint64_t frames;
	uint64_t bytes;
};

static void begin_part(struct follower *f, uint64_t bytes, bool head)
{
	f->need = bytes;
	f->head = head;
	f->have = 0;
	memset(f->text, 0, sizeof(f->text));
}

static uint32_t le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void end_part(struct follower *f)
{
	if (f->head) {
		begin_part(f, le32(f->text + (f->file_head ? 8 : 0)), false);
		f->file_head = false;
		return;
	}
	f->frames++;
	/* the last one stays to be looked at */
	if (f->frames > 1 && f->text[0] == 'E')
		return;
	begin_part(f, FRAME_BYTES, true);
}

static bool is_over(const struct follower *f)
{
	return !f->need && !f->head && f->text[0] == 'E';
}

static void follow(struct follower *f, const char *bytes, size_t n)
{
	size_t k;

	f->bytes += n;
	for (k = 0; k < n && !is_over(f); k++) {
		if (f->have < sizeof(f->text) - 1)
			f->text[f->have++] = (unsigned char)bytes[k];
		f->need--;
		while (!f->need && !is_over(f))
			end_part(f);
	}
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* The body to its end. Return: 0 or -errno; *@writing: the file was at fault. */
static int receive(struct client_answer *answer, int fd, struct follower *f, bool *writing)
{
	char bytes[65536];
	ssize_t n = (ssize_t)answer->length;
	const char *from = answer->body;
	int error;

	for (;;) {
		struct pollfd p = { .fd = answer->fd, .events = POLLIN };

		follow(f, from, (size_t)n);
		error = write_all(fd, from, (size_t)n);
		*writing = error;
		if (error)
			return error;
		if (poll(&p, 1, SILENCE_MS) == 0)
			return -ETIMEDOUT;
		from = bytes;
		n = recv(answer->fd, bytes, sizeof(bytes), 0);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0)
			n = 0;
	}
}

static int open_file(const char *name, char *temporary, size_t size)
{
	int fd;

	if (!strcmp(name, "-"))
		return STDOUT_FILENO;
	snprintf(temporary, size, "%s.part", name);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		fprintf(stderr, "meterctl: %s: %s\n", temporary, strerror(errno));
	return fd;
}

/* Return: exit status. */
static int take(struct client_answer *answer, const char *name)
{
	struct follower f = { .need = HEAD_BYTES, .head = true, .file_head = true };
	char temporary[4096] = "";
	bool writing;
	int fd = open_file(name, temporary, sizeof(temporary));
	int error;

	if (fd < 0)
		return EXIT_FAILURE;
	error = receive(answer, fd, &f, &writing);
	if (fd != STDOUT_FILENO && close(fd) && !error) {
		error = -errno;
		writing = true;
	}
	if (error)
		fprintf(stderr, "meterctl: %s: %s\n", writing ? name : "meterd", strerror(-error));
	else if (!is_over(&f))
		fprintf(stderr, "meterctl: meterd broke off after %llu bytes\n",
			(unsigned long long)f.bytes);
	else if (f.text[1])
		fprintf(stderr, "meterctl: the capture ends early: %s\n", f.text + 1);
	else if (!*temporary || !rename(temporary, name))
		return EXIT_SUCCESS;
	else
		fprintf(stderr, "meterctl: %s: %s\n", name, strerror(errno));
	if (*temporary)
		fprintf(stderr, "meterctl: what came is in %s\n", temporary);
	return EXIT_FAILURE;
}

int command_capture(const struct command_options *o)
{
	const char *name = o->arguments > 1 ? o->argument[1] : DEFAULT_FILE;
	struct client_answer answer;
	const char *text = o->arguments ? o->argument[0] : "";
	double seconds;
	char path[64];
	char *end;
	int ret;

	seconds = strtod(text, &end);
	if (*end || !(seconds > 0.0 && seconds <= 86400.0))
		return command_usage("capture", text, "must be seconds, above 0, at most 86400");
	snprintf(path, sizeof(path), "/api/v1/capture?seconds=%.9g", seconds);
	ret = client_follow(&o->address, path, &answer);
	if (ret) {
		client_complain(&o->address, ret);
		return EXIT_FAILURE;
	}
	if (answer.status == 200) {
		ret = take(&answer, name);
	} else {
		command_refused(&answer);
		ret = EXIT_FAILURE;
	}
	client_done(&answer);
	return ret;
}
