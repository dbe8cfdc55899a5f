/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * value-form - what a text of the configuration has to look like, beyond being there.
 */
#ifndef METERD_VALUE_FORM_H
#define METERD_VALUE_FORM_H

/**
 * enum value_form - a kind of text; FORM_ANY is all of them, FORM_LISTEN what listen_tcp() takes,
 *	FORM_URL the begin of an HTTP address, FORM_TOPIC one to publish on by MQTT, FORM_LEVEL
 *	what may stand between two slashes of one
 */
enum value_form {
	FORM_ANY,
	FORM_LISTEN,
	FORM_URL,
	FORM_TOPIC,
	FORM_LEVEL,
};

/** value_form_wrong() - NULL, or what is wrong with @value and the way out */
const char *value_form_wrong(enum value_form form, const char *value);

#endif
