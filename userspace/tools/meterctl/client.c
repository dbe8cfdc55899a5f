// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * client - see client.h. The socket never blocks; every wait is a poll() with a
 * limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"

#define TIMEOUT_MS 5000
#define ANSWER_MAX (4 << 20)
#define REQUEST_MAX 1024
#define FIRST_SIZE 4096

bool client_parse_url(struct client_address *a, const char *url)
{
	static const char scheme[] = "http://";
	const char *host, *end, *port = "80";
	size_t host_length, port_length;

	if (strncasecmp(url, scheme, sizeof(scheme) - 1))
		return false;
	host = url + sizeof(scheme) - 1;
	end = host + strcspn(host, "/");
	if (strcmp(end, "") && strcmp(end, "/"))
		return false;
	if (*host == '[') {
		host++;
		host_length = strcspn(host, "]");
		if (host[host_length] != ']')
			return false;
		port = host + host_length + 1;
	} else {
		host_length = strcspn(host, ":/");
		port = host + host_length;
	}
	if (*port == ':')
		port++;
	else if (port == end)
		port = "80/";
	else
		return false;
	port_length = strcspn(port, "/");
	if (!host_length || host_length >= sizeof(a->host) || !port_length ||
	    port_length >= sizeof(a->port) || strspn(port, "0123456789") != port_length ||
	    strtoul(port, NULL, 10) < 1 || strtoul(port, NULL, 10) > 65535)
		return false;
	a->socket = NULL;
	memcpy(a->host, host, host_length);
	a->host[host_length] = '\0';
	memcpy(a->port, port, port_length);
	a->port[port_length] = '\0';
	return true;
}

static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, TIMEOUT_MS);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int connect_to(int family, const struct sockaddr *address, socklen_t length)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (!connect(fd, address, length))
		return fd;
	error = errno;
	if (error == EINPROGRESS) {
		error = -wait_for(fd, POLLOUT);
		if (!error && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
			error = errno;
	}
	if (!error)
		return fd;
	close(fd);
	return -error;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	return connect_to(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
}

static int connect_tcp(const struct client_address *a)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *i;
	int fd = -EADDRNOTAVAIL;

	if (getaddrinfo(a->host, a->port, &hints, &list))
		return -EADDRNOTAVAIL;
	for (i = list; i && fd < 0; i = i->ai_next)
		fd = connect_to(i->ai_family, i->ai_addr, i->ai_addrlen);
	freeaddrinfo(list);
	return fd;
}

/* What is asked: a path to GET, or with a body to POST as whoever has the token. */
struct request {
	const char *path;
	const char *token;
	const char *body;
};

static int write_request(char *text, size_t size, const struct client_address *a,
			 const struct request *r)
{
	const char *open = "", *close = "";
	int length;

	if (!a->socket && strchr(a->host, ':')) {
		open = "[";
		close = "]";
	}
	length =
		snprintf(text, size, "%s %s HTTP/1.0\r\nHost: %s%s%s%s%s\r\n",
			 r->body ? "POST" : "GET", r->path, open, a->socket ? "localhost" : a->host,
			 close, a->socket ? "" : ":", a->socket ? "" : a->port);
	if (length > 0 && (size_t)length < size && r->body)
		length += snprintf(text + length, size - length,
				   "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n%s",
				   r->token, strlen(r->body), r->body);
	else if (length > 0 && (size_t)length < size)
		length += snprintf(text + length, size - length, "\r\n");
	return length > 0 && (size_t)length < size ? length : -ENAMETOOLONG;
}

static int send_request(int fd, const struct client_address *a, const struct request *r)
{
	char text[REQUEST_MAX];
	int length = write_request(text, sizeof(text), a, r);
	size_t sent = 0;
	ssize_t n;
	int ret;

	if (length < 0)
		return length;
	while (sent < (size_t)length) {
		n = send(fd, text + sent, length - sent, MSG_NOSIGNAL);
		if (n > 0) {
			sent += n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		ret = wait_for(fd, POLLOUT);
		if (ret)
			return ret;
	}
	return 0;
}

/* Append what has come; 0 at the end of the connection, else the number of bytes or -errno. */
static ssize_t receive(struct client_answer *answer, size_t *size)
{
	ssize_t n;
	char *body;
	int ret;

	if (*size - answer->length < FIRST_SIZE) {
		if (answer->length > ANSWER_MAX)
			return -EMSGSIZE;
		body = realloc(answer->body, *size * 2 + FIRST_SIZE);
		if (!body)
			return -ENOMEM;
		answer->body = body;
		*size = *size * 2 + FIRST_SIZE;
	}
	for (;;) {
		n = recv(answer->fd, answer->body + answer->length, *size - answer->length - 1, 0);
		if (n >= 0)
			break;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		ret = wait_for(answer->fd, POLLIN);
		if (ret)
			return ret;
	}
	answer->length += n;
	answer->body[answer->length] = '\0';
	return n;
}

/* Value of Content-Length, -1 when there is none. */
static long long content_length(const char *head)
{
	static const char name[] = "\r\nContent-Length:";
	const char *line = strcasestr(head, name);

	return line ? strtoll(line + sizeof(name) - 1, NULL, 10) : -1;
}

/* Take the head off the body; *@expected is the length that the head promises. */
static int read_head(struct client_answer *answer, size_t *size, long long *expected)
{
	char *end;
	ssize_t n;

	do {
		n = receive(answer, size);
		if (n < 0)
			return n;
		end = strstr(answer->body, "\r\n\r\n");
		if (!end && (!n || answer->length > 65536))
			return -EPROTO;
	} while (!end);
	*end = '\0';
	if (sscanf(answer->body, "HTTP/1.%*1[01] %3d", &answer->status) != 1 ||
	    answer->status < 100)
		return -EPROTO;
	*expected = content_length(answer->body);
	end += 4;
	answer->length -= end - answer->body;
	memmove(answer->body, end, answer->length + 1);
	return 0;
}

static int begin(const struct client_address *a, const struct request *r,
		 struct client_answer *answer, size_t *size, long long *expected)
{
	int ret;

	*answer = (struct client_answer){ .fd = -1 };
	*size = 0;
	ret = a->socket ? connect_unix(a->socket) : connect_tcp(a);
	if (ret < 0)
		return ret;
	answer->fd = ret;
	ret = send_request(answer->fd, a, r);
	if (!ret)
		ret = read_head(answer, size, expected);
	if (ret)
		client_done(answer);
	return ret;
}

static int ask(const struct client_address *a, const struct request *r,
	       struct client_answer *answer)
{
	long long expected;
	size_t size;
	ssize_t n = 0;
	int ret;

	ret = begin(a, r, answer, &size, &expected);
	if (ret)
		return ret;
	do {
		if (expected >= 0 && answer->length >= (size_t)expected)
			break;
		n = receive(answer, &size);
	} while (n > 0);
	if (expected < 0 ? n < 0 : answer->length < (size_t)expected) {
		client_done(answer);
		return n < 0 ? n : -EPROTO;
	}
	close(answer->fd);
	answer->fd = -1;
	return 0;
}

int client_get(const struct client_address *a, const char *path, struct client_answer *answer)
{
	return ask(a, &(struct request){ .path = path }, answer);
}

int client_post(const struct client_address *a, const char *path, const char *token,
		const char *body, struct client_answer *answer)
{
	return ask(a, &(struct request){ .path = path, .token = token, .body = body }, answer);
}

int client_follow(const struct client_address *a, const char *path, struct client_answer *answer)
{
	long long expected;
	size_t size;

	return begin(a, &(struct request){ .path = path }, answer, &size, &expected);
}

void client_done(struct client_answer *answer)
{
	if (answer->fd > 0)
		close(answer->fd);
	free(answer->body);
	*answer = (struct client_answer){ .fd = -1 };
}

void client_complain(const struct client_address *a, int error)
{
	const char *way =
		"is it running, and is this its address? Check 'systemctl status meterd' there";

	if (error == -EACCES || error == -EPERM)
		way = "you may not open it: join the group meterd ('adduser USER meterd', then log "
		      "in again) or use sudo";
	else if (a->socket && (error == -ENOENT || error == -ECONNREFUSED))
		way = "meterd does not run here, or still waits for modules; see 'systemctl status "
		      "meterd', or name another with --socket PATH or --url http://HOST:PORT";
	else if (error == -EPROTO)
		way = "what answered is not meterd; check the address";
	else if (error == -EADDRNOTAVAIL)
		way = "the name has no address; check it, or give a numeric address";
	if (a->socket)
		fprintf(stderr, "meterctl: %s: %s; %s\n", a->socket, strerror(-error), way);
	else
		fprintf(stderr, "meterctl: http://%s%s%s:%s: %s; %s\n",
			strchr(a->host, ':') ? "[" : "", a->host, strchr(a->host, ':') ? "]" : "",
			a->port, strerror(-error), way);
}
