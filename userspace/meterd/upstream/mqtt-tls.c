// SPDX-License-Identifier: GPL-2.0-or-later
#include "mqtt-tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mosquitto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "mqtt.h"

#define ERROR_MAX 256

/**
 * struct mqtt_tls - credentials
 * @config: files and name of the broker
 * @context: of the present client
 * @error: what was wrong with the last connection
 */
struct mqtt_tls {
	const struct mqtt_config *config;
	SSL_CTX *context;
	char error[ERROR_MAX];
};

static int complain(struct mqtt_tls *tls, const char *what, const char *file)
{
	char reason[160];

	ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
	ERR_clear_error();
	snprintf(tls->error, sizeof(tls->error), "%s %s: %s", what, file, reason);
	return -1;
}

/* Remember why a certificate was refused; OpenSSL's decision stays as it is. */
static int on_verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct mqtt_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!good)
		snprintf(tls->error, sizeof(tls->error), "certificate of the broker: %s",
			 X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
	return good;
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* The library would ask the server for the address; what it has is a name. */
static void on_info(const SSL *ssl, int where, int result)
{
	struct mqtt_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (where & SSL_CB_HANDSHAKE_START && !is_address(tls->config->host))
		SSL_set_tlsext_host_name((SSL *)ssl, tls->config->host);
}

static int load_files(struct mqtt_tls *tls)
{
	const struct mqtt_config *c = tls->config;

	if (c->ca_file ? !SSL_CTX_load_verify_file(tls->context, c->ca_file)
		       : !SSL_CTX_set_default_verify_paths(tls->context))
		return complain(tls, "ca_file", c->ca_file ? c->ca_file : "of the system");
	if (c->cert_file && SSL_CTX_use_certificate_chain_file(tls->context, c->cert_file) != 1)
		return complain(tls, "cert_file", c->cert_file);
	if (c->key_file &&
	    SSL_CTX_use_PrivateKey_file(tls->context, c->key_file, SSL_FILETYPE_PEM) != 1)
		return complain(tls, "key_file", c->key_file);
	return 0;
}

static int make_context(struct mqtt_tls *tls)
{
	const char *host = tls->config->host;
	X509_VERIFY_PARAM *param;
	int good;

	SSL_CTX_free(tls->context);
	tls->error[0] = '\0';
	tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls->context)
		return complain(tls, "TLS", "context");
	SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
	SSL_CTX_set_app_data(tls->context, tls);
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, on_verify);
	SSL_CTX_set_info_callback(tls->context, on_info);
	param = SSL_CTX_get0_param(tls->context);
	good = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
				: X509_VERIFY_PARAM_set1_host(param, host, 0);
	if (!good)
		return complain(tls, "host", host);
	return load_files(tls);
}

int mqtt_tls_create(struct mqtt_tls **out, const struct mqtt_config *config)
{
	struct mqtt_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return -ENOMEM;
	tls->config = config;
	if (make_context(tls)) {
		log_error("[mqtt] %s", tls->error);
		mqtt_tls_destroy(tls);
		return -EINVAL;
	}
	*out = tls;
	return 0;
}

int mqtt_tls_use(struct mqtt_tls *tls, struct mosquitto *client)
{
	if (make_context(tls))
		return -1;
	if (mosquitto_void_option(client, MOSQ_OPT_SSL_CTX, tls->context) ||
	    mosquitto_int_option(client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0))
		return complain(tls, "TLS", "of libmosquitto");
	return 0;
}

const char *mqtt_tls_error(const struct mqtt_tls *tls)
{
	return tls->error[0] ? tls->error : NULL;
}

void mqtt_tls_destroy(struct mqtt_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}
