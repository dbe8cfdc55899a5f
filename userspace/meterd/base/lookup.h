/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup - the addresses of a name, without waiting for the name server: getaddrinfo()
 * would stop the measurement for as long as that is silent.
 */
#ifndef METERD_LOOKUP_H
#define METERD_LOOKUP_H

#include <netdb.h>

#define LOOKUP_ADDRESSES_MAX 8

struct lookup;

/**
 * struct lookup_result - numeric addresses of a name
 * @address: in the order in which they are to be tried
 * @addresses: how many
 */
struct lookup_result {
	char address[LOOKUP_ADDRESSES_MAX][NI_MAXHOST];
	unsigned int addresses;
};

/** lookup_start() - begin; 0, or a code of gai_strerror() */
int lookup_start(struct lookup **l, const char *host);

/**
 * lookup_poll() - ask for the result
 * @l: lookup
 * @result: filled in at the end
 *
 * Return: EAI_INPROGRESS, 0: it is there, or another code of gai_strerror().
 */
int lookup_poll(struct lookup *l, struct lookup_result *result);

/** lookup_end() - forget it, whether it is over or not; NULL is allowed */
void lookup_end(struct lookup *l);

#endif
