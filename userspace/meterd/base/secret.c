// SPDX-License-Identifier: GPL-2.0-or-later
#include "secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

int secret_matches(const char *file, const char *said)
{
	char token[SECRET_MAX + 2] = "";
	char guess[SECRET_MAX + 2] = "";
	FILE *f = fopen(file, "re");
	int ret = 0;

	if (!f)
		return -errno;
	if (!fgets(token, sizeof(token), f))
		ret = -ERANGE;
	fclose(f);
	token[strcspn(token, "\r\n")] = '\0';
	if (!ret && (strlen(token) < SECRET_MIN || strlen(token) > SECRET_MAX))
		ret = -ERANGE;
	/* both are filled with zeros to one length */
	strncpy(guess, said, sizeof(guess) - 1);
	memset(token + strlen(token), 0, sizeof(token) - strlen(token));
	if (!ret && CRYPTO_memcmp(token, guess, sizeof(token)))
		ret = -EACCES;
	explicit_bzero(token, sizeof(token));
	explicit_bzero(guess, sizeof(guess));
	return ret;
}
