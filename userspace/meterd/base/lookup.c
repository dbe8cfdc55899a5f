// SPDX-License-Identifier: GPL-2.0-or-later
#include "lookup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/**
 * struct lookup - one request to getaddrinfo_a(); outlives its owner when the
 *	resolver cannot be stopped
 * @request: what glibc works on
 * @hints: TCP only
 * @host: name to look up
 */
struct lookup {
	struct gaicb request;
	struct addrinfo hints;
	char host[];
};

int lookup_start(struct lookup **out, const char *host)
{
	struct lookup *l = calloc(1, sizeof(*l) + strlen(host) + 1);
	struct gaicb *list[1];
	int rc;

	*out = NULL;
	if (!l)
		return EAI_MEMORY;
	strcpy(l->host, host);
	l->hints.ai_socktype = SOCK_STREAM;
	l->request.ar_name = l->host;
	l->request.ar_request = &l->hints;
	list[0] = &l->request;
	rc = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	if (rc)
		free(l);
	else
		*out = l;
	return rc;
}

static void take(struct lookup_result *result, const struct addrinfo *a)
{
	result->addresses = 0;
	for (; a && result->addresses < LOOKUP_ADDRESSES_MAX; a = a->ai_next)
		if (!getnameinfo(a->ai_addr, a->ai_addrlen, result->address[result->addresses],
				 sizeof(result->address[0]), NULL, 0, NI_NUMERICHOST))
			result->addresses++;
}

int lookup_poll(struct lookup *l, struct lookup_result *result)
{
	int rc = gai_error(&l->request);

	if (!rc)
		take(result, l->request.ar_result);
	return rc;
}

void lookup_end(struct lookup *l)
{
	/* One that runs cannot be stopped; its memory then stays with the resolver. */
	if (!l || gai_cancel(&l->request) == EAI_NOTCANCELED)
		return;
	if (l->request.ar_result)
		freeaddrinfo(l->request.ar_result);
	free(l);
}
