// SPDX-License-Identifier: GPL-2.0
/*
 * attr-poll FILE WANTED MS - wait for an attribute to become WANTED
 *
 * The attribute is read only when poll() says that it has changed; status 0 if that
 * happened within MS milliseconds, 1 if not.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int attribute(int fd, char *text, size_t size)
{
	ssize_t len = pread(fd, text, size - 1, 0);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

int main(int argc, char **argv)
{
	struct pollfd pollfd = { .events = POLLPRI | POLLERR };
	char text[128];

	if (argc != 4) {
		fprintf(stderr, "usage: attr-poll FILE WANTED MS\n");
		return 2;
	}
	pollfd.fd = open(argv[1], O_RDONLY);
	if (pollfd.fd < 0 || attribute(pollfd.fd, text, sizeof(text))) {
		perror(argv[1]);
		return 2;
	}
	printf("%s\n", text);
	fflush(stdout);
	while (poll(&pollfd, 1, atoi(argv[3])) > 0) {
		if (attribute(pollfd.fd, text, sizeof(text)))
			break;
		printf("%s\n", text);
		if (!strcmp(text, argv[2]))
			return 0;
	}
	fprintf(stderr, "%s: no change to %s in %s ms\n", argv[1], argv[2], argv[3]);
	return 1;
}
