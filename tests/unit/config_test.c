// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration: what is read, and how each mistake is answered. Also checks
 * that the manual page has every key of the table with its default.
 */
#include "chain.h"

#include <fcntl.h>
#include <unistd.h>

#include "config.h"
#include "installation.h"
#include "support/overhear.h"

#define GOOD_LOAD "[load pump]\ninputs = hub1/A\nphases = L1\n"

static char path[] = "/tmp/meterd-conf-XXXXXX";
static char errors[8192];

/* Read @text as a configuration; what is printed goes to errors. */
static int read_text(struct config *c, struct installation *in, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int error;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	overhear();
	error = config_read(c, path, NULL);
	memset(in, 0, sizeof(*in));
	if (!error)
		error = installation_make(in, c, NULL);
	overheard(errors, sizeof(errors));
	return error;
}

static void a_whole_file_is_understood(void **state)
{
	struct installation in;
	struct config c;

	assert_int_equal(read_text(&c, &in,
				   "# a house\n"
				   "[gateway]\n"
				   "name = demo-house\n"
				   "[source]\n"
				   "uri = ip:10.0.0.2\n"
				   "  sampling_frequency = 8000 ; fast\n"
				   "[topology]\n"
				   "type = 3p+n\n"
				   "[load heat pump]\n"
				   "role = grid\n"
				   "inputs = hub1/A, hub2/A,hub1/B\n"
				   "phases = L1, L2, L3\n"
				   "reversed = no, yes, no\n"
				   "[load boiler]\n"
				   "inputs = hub2/C\n"
				   "phases = L3\n"
				   "[registers]\n"
				   "file = /tmp/x\n"
				   "[mqtt]\n"
				   "[http]\n"
				   "listen = 0.0.0.0:80\n"),
			 0);
	assert_string_equal(errors, "");
	assert_string_equal(c.gateway, "demo-house");
	assert_double_equal(c.source.sampling_frequency, 8000.0, 0.0);
	assert_int_equal(c.source.wait_ms, 500);
	assert_true(c.has_mqtt && c.has_http);
	assert_string_equal(c.mqtt.host, "127.0.0.1");
	assert_int_equal(c.mqtt.port, 1883);
	assert_string_equal(c.http.listen, "0.0.0.0:80");
	assert_string_equal(c.http.web_dir, "/usr/share/meterd/web");
	assert_string_equal(c.registers_file, "/tmp/x");
	assert_int_equal(c.registers_interval_s, 60);

	assert_int_equal(in.loads, 2);
	assert_string_equal(in.load[0].name, "heat pump");
	assert_int_equal(in.load[0].role, LOAD_GRID);
	assert_int_equal(in.load[0].elements, 3);
	assert_string_equal(in.load[0].element[1].input, "hub2/A");
	assert_int_equal(in.load[0].element[1].slot, 1);
	assert_double_equal(in.load[0].element[1].sign, -1.0, 0.0);
	assert_double_equal(in.load[0].element[2].sign, 1.0, 0.0);
	assert_int_equal(in.load[1].role, LOAD_SUBMETER);
	assert_int_equal(in.load[1].first, 3);
	/* voltages first, then one current per element; three devices */
	assert_int_equal(in.inputs.channels, 7);
	assert_int_equal(in.inputs.voltages, 3);
	assert_int_equal(in.inputs.devices, 3);
	assert_null(in.inputs.device[0].label);
	assert_string_equal(in.inputs.device[1].label, "hub1");
	assert_int_equal(in.inputs.device[1].channels, 2);
	assert_int_equal(in.inputs.device[1].channel[1], 5);
	assert_string_equal(in.inputs.channel[5].name, "B");
	assert_int_equal(in.inputs.channel[5].within, 1);
	installation_free(&in);
	config_free(&c);
}

static void sections_left_out_are_off(void **state)
{
	struct installation in;
	struct config c;

	assert_int_equal(read_text(&c, &in, GOOD_LOAD), 0);
	assert_false(c.has_mqtt || c.has_http);
	assert_null(c.registers_file);
	installation_free(&in);
	config_free(&c);
}

/* Text of a file, and what the answer must contain: place, key, value and way out. */
struct mistake {
	const char *text;
	const char *answer[3];
};

static const struct mistake mistakes[] = {
	{ GOOD_LOAD "[mqqt]\n",
	  { ":4: [mqqt]", "no such section", "influx, modbus, light, button, http" } },
	{ GOOD_LOAD "[mqtt]\nhots = x\n",
	  { ":5: [mqtt] hots = x", "no such key", "meterd.conf(5)" } },
	{ GOOD_LOAD "[mqtt]\nport = 70000\n",
	  { ":5: [mqtt] port = 70000", "from 1 to 65535", "1883" } },
	{ GOOD_LOAD "[mqtt]\nport = 12.5\n", { ":5: [mqtt] port = 12.5", "whole number", "" } },
	{ GOOD_LOAD "[mqtt]\nport = 1883x\n", { ":5: [mqtt] port = 1883x", "whole number", "" } },
	{ GOOD_LOAD "[source]\nsampling_frequency = nan\n", { ":5:", "= nan", "600 to 100000" } },
	{ GOOD_LOAD "[source]\nsampling_frequency =\n", { ":5:", "600 to 100000", "4000" } },
	{ GOOD_LOAD "[topology]\ntype = delta\n",
	  { ":5: [topology] type = delta", "1p|2p+n|3p+n|3p|high-leg", "" } },
	{ GOOD_LOAD "[gateway]\nname =\n",
	  { ":5: [gateway] name = ", "no value", "remove the key" } },
	{ GOOD_LOAD "[mqtt]\nhost = a\nhost = b\n",
	  { ":6: [mqtt] host = b", "second time", "remove" } },
	{ GOOD_LOAD "[mqtt]\n[http]\n[mqtt]\n", { ":6: [mqtt]", "line 4", "put its keys there" } },
	{ GOOD_LOAD "[mqtt]\nhost\n", { ":5: \"host\"", "neither [SECTION] nor KEY = VALUE", "" } },
	{ "name = x\n" GOOD_LOAD, { ":1: name = x", "outside of a section", "" } },
	{ GOOD_LOAD "[registers]\ninterval_s = 5\n", { "[registers]", "\"file\" is missing", "" } },
	{ GOOD_LOAD "[load pump]\ninputs = hub1/B\nphases = L1\n",
	  { ":4: [load pump]", "line 1", "another name" } },
	{ GOOD_LOAD "[load b]\ninputs = hub1/A\nphases = L1\n",
	  { ":4: [load b] inputs: hub1/A is used twice", "\"pump\", line 1", "remove one" } },
	{ "[load b]\ninputs = hub1/A, hub1/A\nphases = L1\n", { ":1:", "is used twice", "" } },
	{ "[load b]\ninputs = hub1/A\n", { "[load b]", "\"phases\" is missing", "" } },
	{ "[load b]\ninputs = A\nphases = L1\n", { ":1: [load b] inputs: A", "hub1/A", "" } },
	{ "[load b]\ninputs = hub1/A\nphases = L4\n",
	  { ":1: [load b] phases: L4", "L1, L2, L3", "" } },
	{ "[load b]\ninputs = h/A, h/B, h/C\nphases = L1, L2\n", { ":1:", "2 given for 3", "" } },
	{ "[load b]\ninputs = h/A, h/B, h/C, h/D\nphases = L1\n", { ":1:", "4 given", "1 to 3" } },
	{ "[load b]\ninputs = h/A,,h/B\nphases = L1\n", { ":2:", "empty", "remove the comma" } },
	{ "[load b]\ninputs = h/A\nphases = L1\nreversed = maybe\n",
	  { ":1: [load b] reversed: maybe", "yes or no", "" } },
	{ "[topology]\nvoltages = L1, L2\n" GOOD_LOAD, { "voltages: 2 given", "3p+n has 3", "" } },
	{ "[topology]\ntype = 1p\n[load b]\ninputs = h/A\nphases = L2\n", { ":3:", "L2", "1p" } },
	{ GOOD_LOAD "[load main board, building 4, east wing, second floor, sockets on th A]\n"
		    "inputs = hub1/B\nphases = L1\n",
	  { ":4: [load main board", "64 bytes long", "at most 63 bytes" } },
	{ GOOD_LOAD "[load b]\ninputs = hub1/B\nphases = L1\nneutral = hub1/A\n",
	  { ":4: [load b] neutral: hub1/A is used twice", "\"pump\", line 1", "remove one" } },
	{ "[topology]\nvoltages = m/L1, m/L2, m/L3\n[load b]\ninputs = m/L2\nphases = L1\n",
	  { ":3: [load b] inputs: m/L2 is used twice", "[topology] voltages", "remove one" } },
	{ "[topology]\nvoltages = L1, L2, L1\n" GOOD_LOAD,
	  { "voltages: L1 is used twice", "", "" } },
	{ "[topology]\nvoltage_ratio = 2, 3\n" GOOD_LOAD, { "voltage_ratio: 2 given", "", "" } },
	{ "[topology]\nvoltage_ratio = 0\n" GOOD_LOAD,
	  { "voltage_ratio: 0: not a number from 0.001", "", "" } },
	{ "[topology]\ntype = 2p+n\n[load b]\ninputs = h/A\nphases = L3\n",
	  { ":3: [load b] phases: L3", "it has L1, L2, L12", "" } },
	{ "[topology]\ntype = 3p\n[load b]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n",
	  { ":3: [load b] inputs: 3 given", "on L1 and L2", "virtual load" } },
	{ "[topology]\ntype = 3p\n[load b]\ninputs = h/A\nphases = L1\nneutral = h/B\n",
	  { ":3: [load b] neutral: h/B", "3p has no neutral", "remove the key" } },
	{ "[load b]\ninputs = h/A, h/B\nphases = L1\nratio = 1, x\n",
	  { ":1: [load b] ratio: x: not a number", "", "" } },
	{ "[load b]\ninputs = h/A, h/B\nphases = L1\nmultiplier = 1, 2, 3\n",
	  { ":1: [load b] multiplier: 3 given for 2", "", "" } },
	{ "[load b]\ninputs = "
	  "a-very-long-label-that-somebody-gave-to-a-module-in-building-4-of-7/A\n"
	  "phases = L1\n",
	  { ":1: [load b] inputs:", "longer than 63 bytes", "shorten" } },
	{ GOOD_LOAD "[load v]\nrole = virtual\n",
	  { ":4: [load v] key \"formula\" is missing", "", "" } },
	{ GOOD_LOAD "[load v]\nrole = virtual\nformula = pump\ninputs = h/B\n",
	  { ":4: [load v] role = virtual", "no inputs", "" } },
	{ "[load b]\ninputs = h/A\nphases = L1\nformula = b\n",
	  { ":1: [load b] formula: only a load with role = virtual", "", "" } },
	{ GOOD_LOAD "[load v]\nrole = virtual\nformula = pump + roof\n",
	  { ":4: [load v] formula: pump + roof", "no load \"roof\"", "blanks" } },
	{ GOOD_LOAD "[load v]\nrole = virtual\nformula = pump +\n",
	  { ":4: [load v] formula: pump +", "NAME + NAME", "" } },
	{ GOOD_LOAD "[load v]\nrole = virtual\nformula = pump - v\n",
	  { ":4: [load v]", "\"v\" is a part of itself", "" } },
	{ GOOD_LOAD "[load v]\nrole = virtual\nformula = pump + w\n"
		    "[load w]\nrole = virtual\nformula = x - pump\n"
		    "[load x]\nrole = virtual\nformula = v\n",
	  { ":10: [load x] formula: v", "part of itself by way of \"v\"", "change" } },
	{ "[gateway]\nname = x\n", { "no load", "[load NAME]", "" } },
	{ GOOD_LOAD "[http]\nlisten = localhost\n",
	  { ":5: [http] listen = localhost", "ADDRESS:PORT", "127.0.0.1:8080" } },
	{ GOOD_LOAD "[modbus]\nlisten = *:1502\n", { ":5: [modbus] listen", "0.0.0.0", "" } },
	{ GOOD_LOAD "[store]\n[influx]\nurl = ftp://x\n",
	  { ":6: [influx] url = ftp://x", "https://HOST:PORT", "" } },
	{ GOOD_LOAD "[store]\n[influx]\nurl = http://x:8086/write\n",
	  { ":6: [influx] url", "without a path", "" } },
	{ GOOD_LOAD "[influx]\nurl = http://x:8086\n",
	  { ":4: [influx]", "records of [store]", "add such a section" } },
	{ GOOD_LOAD "[mqtt]\ntopic = a/#\n", { ":5: [mqtt] topic = a/#", "without + and #", "" } },
	{ GOOD_LOAD "[mqtt]\nvendor_uuid = a/b\n",
	  { ":5: [mqtt] vendor_uuid = a/b", "without +, # and /", "" } },
	{ "[gateway]\nname = a/b\n[mqtt]\n" GOOD_LOAD,
	  { ":1: [gateway] name", "part of an MQTT topic", "use no" } },
	{ GOOD_LOAD "[mqtt]\nca_file = /ca.pem\n",
	  { ":4: [mqtt] ca_file", "tls = yes", "or remove them" } },
	{ GOOD_LOAD "[mqtt]\ntls = yes\nkey_file = /k.pem\n",
	  { ":4: [mqtt] cert_file and key_file", "give both", "" } },
	{ GOOD_LOAD "[quality]\nnominal_hz = 55\n",
	  { ":4: [quality] nominal_hz", "50 or 60", "or 0" } },
	{ GOOD_LOAD "[source]\nclock = system\nspeed = 2\n",
	  { ":4: [source] clock = system", "write speed = 1", "" } },
};

static void every_mistake_is_named_with_its_place_and_a_way_out(void **state)
{
	unsigned int n;
	unsigned int k;

	for (n = 0; n < sizeof(mistakes) / sizeof(mistakes[0]); n++) {
		struct installation in;
		struct config c;

		assert_int_equal(read_text(&c, &in, mistakes[n].text), -EINVAL);
		for (k = 0; k < 3; k++)
			if (!strstr(errors, mistakes[n].answer[k]))
				fail_msg("mistake:\n%s\nanswer: %s\nwithout: %s", mistakes[n].text,
					 errors, mistakes[n].answer[k]);
		if (strncmp(errors, "<3>/tmp/meterd-conf-", 20))
			fail_msg("answer without the file: %s", errors);
		installation_free(&in);
		config_free(&c);
	}
}

static void a_virtual_load_is_made_of_what_is_measured(void **state)
{
	struct installation in;
	struct config c;

	assert_int_equal(read_text(&c, &in,
				   "[load rest of it]\nrole = virtual\n"
				   "formula = all - pump - heat-pump 2\n"
				   "[load all]\nrole = virtual\nformula = - pump + grid + grid\n"
				   "[load grid]\ninputs = h/A\nphases = L1\n"
				   "[load pump]\ninputs = h/B\nphases = L1\n"
				   "[load heat-pump 2]\ninputs = h/C\nphases = L1\n"),
			 0);
	assert_int_equal(in.load[0].terms, 3);
	assert_int_equal(in.load[0].term[0].load, 2);
	assert_int_equal(in.load[0].term[0].factor, 2);
	assert_int_equal(in.load[0].term[1].load, 3);
	assert_int_equal(in.load[0].term[1].factor, -2);
	assert_int_equal(in.load[0].term[2].factor, -1);
	assert_int_equal(in.load[1].terms, 2);
	assert_int_equal(in.load[0].elements, 0);
	assert_int_equal(in.load[2].first, 0);
	installation_free(&in);
	config_free(&c);
}

static void all_mistakes_are_told_at_once(void **state)
{
	struct installation in;
	struct config c;

	assert_int_equal(read_text(&c, &in, "[a]\nb = 1\n[mqtt]\nport = 0\nx = 1\n"), -EINVAL);
	assert_non_null(strstr(errors, ":1:"));
	assert_non_null(strstr(errors, ":4:"));
	assert_non_null(strstr(errors, ":5:"));
	/* keys of an unknown section are not told one by one */
	assert_null(strstr(errors, ":2:"));
	installation_free(&in);
	config_free(&c);
}

static void a_name_of_63_bytes_is_whole_in_the_registers(void **state)
{
	struct registers *r = NULL;
	const struct energy_step step[2] = { { .below_range = true }, { 3600.0, 0.0, false } };
	struct installation in;
	struct config c;

	assert_int_equal(
		read_text(&c, &in,
			  "[load main board, building 4, east wing, second floor, sockets on t A]\n"
			  "inputs = hub1/A\nphases = L1\n"
			  "[load main board, building 4, east wing, second floor, sockets on t B]\n"
			  "inputs = hub1/B\nphases = L1\n"),
		0);
	assert_int_equal(strlen(in.load[0].name), LOAD_NAME_MAX);
	assert_int_equal(registers_open(&r, &in, NULL), 0);
	registers_add(r, step);
	assert_double_equal(registers_import_j(r, 0), 0.0, 0.0);
	assert_double_equal(registers_import_j(r, 1), 3600.0, 1e-2);
	registers_close(r);
	installation_free(&in);
	config_free(&c);
}

static void a_missing_file_is_named(void **state)
{
	struct config c;

	assert_int_equal(config_read(&c, "/nonexistent/meterd.conf", NULL), -ENOENT);
	config_free(&c);
}

static void noise_is_refused_without_harm(void **state)
{
	uint64_t seed = random_seed();
	unsigned int n;
	unsigned int k;

	for (n = 0; n < 300; n++) {
		static const char letters[] = "[]=;#, \tloadmqtthubA/1.5+-\n\n\"";
		struct installation in;
		struct config c;
		char text[400];

		for (k = 0; k < sizeof(text) - 1; k++)
			text[k] =
				letters[(unsigned int)(random_part(&seed) * (sizeof(letters) - 1))];
		text[k] = '\0';
		if (n % 3 == 0)
			memset(text, 'x', 300);
		read_text(&c, &in, text);
		installation_free(&in);
		config_free(&c);
	}
}

static void the_manual_page_has_every_key_and_default(void **state)
{
	static const char *const places[] = { "Documentation/man/meterd.conf.5",
					      "../Documentation/man/meterd.conf.5",
					      "/src/Documentation/man/meterd.conf.5" };
	static char page[65536];
	struct config_option o;
	FILE *f = NULL;
	unsigned int k;

	for (k = 0; !f && k < 3; k++)
		f = fopen(places[k], "r");
	assert_non_null(f);
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	for (k = 0; config_option(k, &o); k++) {
		char *section;
		char *end;
		char *at;
		char head[64];
		char key[96];

		/* ".SS [section]", then ".B key" in it, then "Default:" with the value before the
		 * next key */
		snprintf(head, sizeof(head), ".SS [%s%s]\n", o.section,
			 !strcmp(o.section, "input") ? " LABEL/CHANNEL"
			 : !strcmp(o.section, "load") || !strcmp(o.section, "contact") ||
					 !strcmp(o.section, "relay")
				 ? " NAME"
				 : "");
		section = strstr(page, head);
		if (!section)
			fail_msg("meterd.conf.5 has no section %s", head);
		end = strstr(section + 1, "\n.S");
		snprintf(key, sizeof(key), "\n.B %s\n", o.key);
		at = strstr(section, key);
		if (!at || (end && at > end))
			fail_msg("meterd.conf.5: [%s] has no key %s", o.section, o.key);
		if (!o.fallback)
			continue;
		snprintf(key, sizeof(key), "Default: \\fB%s\\fR.", o.fallback);
		end = strstr(at + 1, "\n.TP");
		at = strstr(at, key);
		if (!at || (end && at > end))
			fail_msg("meterd.conf.5: [%s] %s: no \"%s\"", o.section, o.key, key);
	}
	assert_true(k > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_file_is_understood),
		cmocka_unit_test(sections_left_out_are_off),
		cmocka_unit_test(every_mistake_is_named_with_its_place_and_a_way_out),
		cmocka_unit_test(a_virtual_load_is_made_of_what_is_measured),
		cmocka_unit_test(all_mistakes_are_told_at_once),
		cmocka_unit_test(a_name_of_63_bytes_is_whole_in_the_registers),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(noise_is_refused_without_harm),
		cmocka_unit_test(the_manual_page_has_every_key_and_default),
	};
	int fd = mkstemp(path);
	int failed;

	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
