// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * listen - see listen.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"
#include "log.h"

/* Whether it is "ADDRESS:PORT" or "[ADDRESS]:PORT", and then the result of getaddrinfo(). */
static bool parse_listen(const char *text, struct addrinfo **info)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	const char *colon = strrchr(text, ':');
	char host[NI_MAXHOST];
	size_t n = colon ? (size_t)(colon - text) : 0;
	unsigned long port;
	char *end;

	if (!n || n >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX)
		return false;
	if (*text == '[' && colon[-1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n)) {
		return false;
	}
	memcpy(host, text, n);
	host[n] = '\0';
	/* "*" means every address to getaddrinfo(): too easy to open a meter to the world. */
	return strcmp(host, "*") && !getaddrinfo(strcmp(host, "localhost") ? host : "127.0.0.1",
						 colon + 1, &hints, info);
}

bool listen_is_address(const char *text)
{
	struct addrinfo *info = NULL;
	bool is = parse_listen(text, &info);

	if (is)
		freeaddrinfo(info);
	return is;
}

static bool is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	if (address->sa_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static unsigned int bound_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&address)->sin_port);
	return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
}

int listen_tcp(const char *section, const char *text, struct listen_result *result)
{
	struct addrinfo *info = NULL;
	int one = 1;
	int fd, ret = 0;

	if (!parse_listen(text, &info)) {
		log_error("[%s] listen = \"%s\": must be " LISTEN_FORM, section, text);
		return -EINVAL;
	}
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, info->ai_addr, info->ai_addrlen)) {
		ret = -errno;
		log_error("[%s] listen = %s: %s; choose another address or port, or stop the "
			  "program that uses it",
			  section, text, strerror(-ret));
		if (fd >= 0)
			close(fd);
	} else {
		result->fd = fd;
		result->port = bound_port(fd);
		result->loopback = is_loopback(info->ai_addr);
	}
	freeaddrinfo(info);
	return ret;
}

/* A socket file that nobody listens on is left over from a daemon that was killed. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat st;
	int fd, ret;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	if (ret && errno == ECONNREFUSED)
		ret = unlink(path) ? -errno : 0;
	else
		ret = -EADDRINUSE;
	close(fd);
	return ret;
}

static int bind_unix(const char *path, int *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	ret = remove_stale(path, &address);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0117);
	ret = bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (ret)
		close(fd);
	else
		*out = fd;
	return ret;
}

int listen_unix(const char *path, struct listen_result *result)
{
	int ret;

	*result = (struct listen_result){ .fd = -1 };
	ret = bind_unix(path, &result->fd);
	if (ret)
		log_error("[http] socket = %s: %s; its folder must exist and be writable, and no "
			  "other meterd may run",
			  path, strerror(-ret));
	return ret;
}
