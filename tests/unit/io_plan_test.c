// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections [contact NAME] and [relay NAME]: what they mean, and how mistakes are answered. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "installation.h"
#include "io-config.h"
#include "support/overhear.h"

#define LOADS                                                                                      \
	"[topology]\ntype = 1p\n[load grid]\nrole = grid\ninputs = hub1/A\nphases = L1\n"          \
	"[load pump]\ninputs = hub1/B\nphases = L1\n"

static char path[] = "/tmp/io-plan-XXXXXX";
static char errors[4096];
static struct config config;
static struct installation in;
static struct io_plan plan;

static int read_text(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int error;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	overhear();
	memset(&in, 0, sizeof(in));
	error = config_read(&config, path, "/nonexistent");
	if (!error)
		error = installation_make(&in, &config, NULL);
	if (!error)
		error = io_plan_make(&plan, &config, &in);
	overheard(errors, sizeof(errors));
	return error;
}

static void done(void)
{
	installation_free(&in);
	config_free(&config);
}

static void sections_become_contacts_and_relays(void **state)
{
	assert_int_equal(read_text(LOADS "[contact gas]\ninput = meters/1\nkind = gas\n"
					 "pulses_per_unit = 100\nstart = 1234.5\n"
					 "[contact door]\ninput = meters/2\nkind = state\n"
					 "min_closed_ms = 50\nmin_open_ms = 0\n"
					 "[contact heat]\ninput = 9700100902/4\nkind = heat\n"
					 "unit = MJ\npulses_per_unit = 0.5\n"
					 "[relay boiler]\noutput = relays/2\n"
					 "[relay pump]\noutput = relays/1\nneeds = pump\n"),
			 0);
	assert_string_equal(errors, "");
	assert_int_equal(plan.contacts, 3);
	assert_int_equal(plan.relays, 2);
	assert_int_equal(plan.modules, 3);
	assert_string_equal(plan.contact[0].name, "gas");
	assert_string_equal(plan.contact[0].unit->name, "m3");
	assert_true(plan.contact[0].per_unit == 100 && plan.contact[0].start == 1234.5);
	assert_int_equal(plan.contact[0].min_closed_ms, 10);
	assert_int_equal(plan.contact[1].kind, CONTACT_STATE);
	assert_null(plan.contact[1].unit);
	assert_int_equal(plan.contact[1].input, 1);
	assert_int_equal(plan.contact[1].min_closed_ms, 50);
	assert_int_equal(plan.contact[1].min_open_ms, 0);
	assert_string_equal(plan.module[plan.contact[2].module], "9700100902");
	assert_int_equal(plan.contact[2].input, 3);
	assert_true(plan.contact[2].unit->wh > 277.7 && plan.contact[2].unit->wh < 277.8);
	assert_int_equal(plan.relay[0].relay, 1);
	/* without a word about it: what is at the grid */
	assert_true(plan.relay[0].needs[0] && !plan.relay[0].needs[1]);
	assert_true(!plan.relay[1].needs[0] && plan.relay[1].needs[1]);
	done();
}

static void mistakes_name_line_value_and_way_out(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} mistakes[] = {
		{ "[contact a]\nkind = gas\npulses_per_unit = 1\n", "key \"input\" is missing" },
		{ "[contact a]\ninput = meters/1\n", "key \"kind\" is missing" },
		{ "[contact a]\ninput = meters/1\nkind = oil\n",
		  ":12: [contact a] kind = oil: not one of gas|water|heat|electricity|state" },
		{ "[contact a]\ninput = meters\nkind = state\n",
		  ":10: [contact a] input = meters: not LABEL/NUMBER" },
		{ "[contact a]\ninput = meters/5\nkind = state\n", "input = meters/5: not" },
		{ "[contact a]\ninput = meters/0\nkind = state\n", "its input 1 to 4" },
		{ "[contact a]\ninput = /1\nkind = state\n", "write for example meters/1" },
		{ "[contact a]\ninput = meters/1\nkind = gas\n",
		  ":10: [contact a] key \"pulses_per_unit\" is missing; it is printed on the "
		  "meter: "
		  "pulses per m3, 0.000001 to 1000000" },
		{ "[contact a]\ninput = meters/1\nkind = gas\npulses_per_unit = 0\n",
		  ":13: [contact a] pulses_per_unit = 0: not a number from 1e-06 to 1000000" },
		{ "[contact a]\ninput = meters/1\nkind = gas\nunit = kWh\npulses_per_unit = 1\n",
		  "unit = kWh: not a unit of gas; give m3 or ft3" },
		{ "[contact a]\ninput = meters/1\nkind = heat\nunit = m3\npulses_per_unit = 1\n",
		  "not a unit of heat; give Wh, kWh, MWh, MJ or GJ" },
		{ "[contact a]\ninput = meters/1\nkind = state\npulses_per_unit = 1\n",
		  "a state is not counted; remove" },
		{ "[contact a]\ninput = meters/1\nkind = state\nmin_open_ms = 10001\n",
		  "min_open_ms = 10001: not a whole number from 0 to 10000" },
		{ "[contact a]\ninput = m/1\nkind = state\n[contact b]\ninput = m/1\nkind = "
		  "state\n",
		  ":13: [contact b] input = m/1: [contact a] has this input; remove one" },
		{ "[contact a]\ninput = m/1\nkind = state\n[contact a]\ninput = m/2\nkind = "
		  "state\n",
		  ":13: [contact a]: there is a contact of this name in line 10" },
		{ "[relay a]\noutput = relays/3\n", "output = relays/3: not LABEL/NUMBER" },
		{ "[relay a]\n", "key \"output\" is missing" },
		{ "[relay a]\noutput = r/1\nneeds = sauna\n",
		  ":10: [relay a] needs = sauna: there is no [load sauna]" },
		{ "[relay a]\noutput = r/1\n[relay b]\noutput = r/1\n",
		  "[relay b] output = r/1: [relay a] has this relay" },
	};
	char text[512];
	size_t k;

	for (k = 0; k < sizeof(mistakes) / sizeof(mistakes[0]); k++) {
		snprintf(text, sizeof(text), LOADS "%s", mistakes[k].text);
		if (read_text(text) != -EINVAL)
			fail_msg("%s was taken", mistakes[k].text);
		if (!strstr(errors, mistakes[k].says))
			fail_msg("%s: says \"%s\", not \"%s\"", mistakes[k].text, errors,
				 mistakes[k].says);
		done();
	}
}

static void more_modules_than_a_gateway_can_have_are_refused(void **state)
{
	char text[2048];
	size_t n = (size_t)snprintf(text, sizeof(text), LOADS);
	unsigned int k;

	for (k = 0; k <= IO_MODULES_MAX; k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "[contact c%u]\ninput = m%u/1\nkind = state\n", k, k);
	assert_int_equal(read_text(text), -EINVAL);
	assert_non_null(strstr(errors, "[contact c10] input = m10/1"));
	assert_non_null(strstr(errors, "of at most 10 input and output modules in all"));
	done();

	/* both kinds count together */
	n = (size_t)snprintf(text, sizeof(text), LOADS);
	for (k = 0; k <= IO_MODULES_MAX; k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      k % 2 ? "[relay c%u]\noutput = m%u/1\n"
					    : "[contact c%u]\ninput = m%u/1\nkind = state\n",
				      k, k);
	assert_int_equal(read_text(text), -EINVAL);
	assert_non_null(strstr(errors, "[relay c9] output = m9/1"));
	assert_non_null(strstr(errors, "of at most 10 input and output modules in all"));
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_become_contacts_and_relays),
		cmocka_unit_test(mistakes_name_line_value_and_way_out),
		cmocka_unit_test(more_modules_than_a_gateway_can_have_are_refused),
	};
	int failed;

	close(mkstemp(path));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
