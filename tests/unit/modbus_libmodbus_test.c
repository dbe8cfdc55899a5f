// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Modbus TCP: an independent client (libmodbus) finds a SunSpec meter as its specification
 * says; what is no Modbus, or too much of it, does no harm.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef HAVE_LIBRARY
#include <modbus/modbus.h>
#endif

#include "modbus-map.h"
#include "modbus-server.h"
#include "outputs.h"
#include "snapshot.h"
#include "sunspec.h"

#define UNIT 7
#define IMAGE_AT(model_register) (72 - 2 + 2 + (model_register))

/**
 * struct fixture - a server with a house of three phases
 * @loop: event loop
 * @server: it
 * @map: its registers
 * @last: the last reading
 * @in: the house
 * @load: its load
 * @reading: of it
 * @child: a client in a process of its own
 * @fd: a client here
 * @answer: what it heard
 * @length: bytes of it
 * @want: bytes it waits for; 0: the end
 */
struct fixture {
	sd_event *loop;
	struct modbus_server *server;
	struct modbus_map map;
	struct snapshot last;
	struct installation in;
	struct load load;
	struct load_reading reading;
	pid_t child;
	int fd;
	uint8_t answer[65536];
	size_t length;
	size_t want;
};

static void publish(struct fixture *f, uint64_t at_us)
{
	struct reading r = small_reading(1);
	unsigned int k;

	f->reading = (struct load_reading){ .name = "grid",
					    .elements = 3,
					    .p_w = -1500,
					    .q1_var = 120,
					    .s_va = 1505,
					    .pf = -0.9967,
					    .import_j = 3600.0 * 1000,
					    .export_j = 3600.0 * 250 };
	for (k = 0; k < 3; k++) {
		static const char *const phases[] = { "L1", "L2", "L3" };

		f->reading.element[k] = (struct element_reading){
			.input = "hub1/A",
			.phase = phases[k],
			.v_v = 230 + k,
			.i_a = 1 + k,
			.p_w = -500,
			.q1_var = 40,
			.s_va = 502,
			.energy = { .import_j = 3600.0 * 100 * (k + 1), .export_j = NAN },
		};
		r.voltage[k] = (struct voltage_reading){ .phase = phases[k],
							 .ln_v = 230 + k,
							 .ll_v = 400 + k };
	}
	f->reading.energy.reactive_vars[1] = 7200;
	r.voltages = 3;
	r.frequency_hz = 50.01;
	r.load = &f->reading;
	snapshot_take(&f->last, &r, at_us);
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct modbus_config config = { .listen = "127.0.0.1:0", .unit = UNIT, .power_box = "yes" };

	*state = f;
	f->in.topology = topology_find("3p+n");
	f->in.loads = 1;
	f->in.load = &f->load;
	f->load = (struct load){ .name = "grid", .role = LOAD_GRID };
	publish(f, now_ms() * 1000);
	return sd_event_new(&f->loop) < 0 ||
	       modbus_map_make(&f->map, &config, &f->in, "house", &f->last) ||
	       modbus_server_open(&f->server, f->loop, config.listen, modbus_map_read, &f->map);
}

static int stop(void **state)
{
	struct fixture *f = *state;

	modbus_server_close(f->server);
	sd_event_unref(f->loop);
	snapshot_free(&f->last);
	free(f);
	return 0;
}

static float float_of(const uint16_t *at)
{
	uint32_t bits = (uint32_t)at[0] << 16 | at[1];
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* ---- the image --------------------------------------------------------- */

static void what_is_not_known_is_nan(void **state)
{
	struct fixture *f = *state;
	uint16_t image[SUNSPEC_REGISTERS];
	unsigned int k;

	sunspec_image(image, f->in.topology, "house", UNIT, NULL, 0);
	for (k = 0; k < 122; k += 2)
		assert_true(isnan(float_of(image + IMAGE_AT(k))));
	assert_int_equal(image[IMAGE_AT(122)], 0);
	sunspec_image(image, f->in.topology, "house", UNIT, &f->last.reading, 1);
	assert_true(isnan(float_of(image + IMAGE_AT(26))));
	/* VAh is not kept */
	sunspec_image(image, f->in.topology, "house", UNIT, &f->last.reading, 0);
	assert_true(isnan(float_of(image + IMAGE_AT(74))));
}

static void the_model_follows_from_the_topology(void **state)
{
	static const struct {
		const char *name;
		unsigned int model;
	} rows[] = {
		{ "1p", 211 }, { "2p+n", 212 }, { "3p+n", 213 }, { "high-leg", 213 }, { "3p", 214 }
	};
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		assert_int_equal(sunspec_model(topology_find(rows[k].name)), rows[k].model);
}

static void without_neutral_the_voltages_are_those_of_the_lines(void **state)
{
	struct fixture *f = *state;
	uint16_t image[SUNSPEC_REGISTERS];

	sunspec_image(image, topology_find("3p"), "house", UNIT, &f->last.reading, 0);
	assert_true(isnan(float_of(image + IMAGE_AT(10))));
	/* V12 is slot L3, V23 slot L2, V31 slot L1 */
	assert_true(float_of(image + IMAGE_AT(18)) == 232);
	assert_true(float_of(image + IMAGE_AT(20)) == 231);
	assert_true(float_of(image + IMAGE_AT(22)) == 230);
	assert_true(float_of(image + IMAGE_AT(26)) == -1500);
	assert_true(isnan(float_of(image + IMAGE_AT(28))));
}

static void an_old_reading_is_not_told(void **state)
{
	struct fixture *f = *state;
	uint16_t value[2];

	publish(f, now_ms() * 1000 - 11000000);
	assert_int_equal(modbus_map_read(&f->map, UNIT, SUNSPEC_BASE + IMAGE_AT(26), 2, value), 0);
	assert_true(isnan(float_of(value)));
	assert_int_equal(modbus_map_read(&f->map, 61, 0x0380, 2, value), 0);
	assert_int_equal(value[1], 0x7fc0);
	assert_int_equal(modbus_map_read(&f->map, 61, 0x3000, 2, value), 0);
	assert_int_equal(value[1], 0x8000);
	/* the last register, and one after it */
	assert_int_equal(modbus_map_read(&f->map, 61, 0xffff, 2, value), 2);
}

static void a_load_that_is_not_there_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct modbus_config config = { .unit = 1, .load = "boiler", .power_box = "no" };
	struct modbus_map map;

	assert_int_equal(modbus_map_make(&map, &config, &f->in, "house", &f->last), -EINVAL);
	config.load = NULL;
	f->load.role = LOAD_SUBMETER;
	assert_int_equal(modbus_map_make(&map, &config, &f->in, "house", &f->last), -EINVAL);
}

/* ---- an independent client --------------------------------------------- */

#ifdef HAVE_LIBRARY

/* Runs in a process of its own; its exit status is the line that failed, 0 for none. */
static int walk(unsigned int port)
{
	modbus_t *m = modbus_new_tcp("127.0.0.1", (int)port);
	uint16_t v[125];
	unsigned int at;

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			return __LINE__ % 255 + 1;                                                 \
	} while (0)
	CHECK(m && !modbus_set_slave(m, UNIT) && !modbus_connect(m));
	CHECK(modbus_read_registers(m, 40000, 4, v) == 4);
	CHECK(v[0] == 0x5375 && v[1] == 0x6e53 && v[2] == 1 && v[3] == 66);
	CHECK(modbus_read_registers(m, 40004, 66, v) == 66);
	CHECK(v[0] == ('m' << 8 | 'e') && v[48] == ('h' << 8 | 'o') && v[64] == UNIT);
	at = 40002 + 2 + 66;
	CHECK(modbus_read_input_registers(m, (int)at, 2, v) == 2);
	CHECK(v[0] == 213 && v[1] == 124);
	CHECK(modbus_read_registers(m, (int)at + 2, 124, v) == 124);
	CHECK(modbus_get_float_abcd(v + 0) == 6);
	CHECK(modbus_get_float_abcd(v + 4) == 2);
	CHECK(modbus_get_float_abcd(v + 8) == 231);
	CHECK(modbus_get_float_abcd(v + 10) == 230);
	CHECK(modbus_get_float_abcd(v + 18) == 400);
	CHECK(fabsf(modbus_get_float_abcd(v + 24) - 50.01F) < 1e-4F);
	CHECK(modbus_get_float_abcd(v + 26) == -1500);
	CHECK(modbus_get_float_abcd(v + 28) == -500);
	CHECK(modbus_get_float_abcd(v + 34) == 1505);
	CHECK(modbus_get_float_abcd(v + 42) == 120);
	CHECK(fabsf(modbus_get_float_abcd(v + 52) + 500.0F / 502) < 1e-6F);
	CHECK(modbus_get_float_abcd(v + 58) == 250);
	CHECK(modbus_get_float_abcd(v + 66) == 1000);
	CHECK(modbus_get_float_abcd(v + 98) == 2);
	at += 2 + 124;
	CHECK(modbus_read_registers(m, (int)at, 2, v) == 2);
	CHECK(v[0] == 0xffff && v[1] == 0);
	/* beyond the end, before the begin, writes, another unit */
	CHECK(modbus_read_registers(m, (int)at, 3, v) == -1 && errno == EMBXILADD);
	CHECK(modbus_read_registers(m, 39999, 2, v) == -1 && errno == EMBXILADD);
	CHECK(modbus_write_register(m, 40100, 1) == -1 && errno == EMBXILFUN);
	CHECK(modbus_write_registers(m, 40100, 2, v) == -1 && errno == EMBXILFUN);
	modbus_set_slave(m, UNIT + 1);
	CHECK(modbus_read_registers(m, 40000, 2, v) == -1 && errno == EMBXGTAR);
	/* what was written for a Power Box finds one: as its users read it */
	modbus_set_slave(m, 61);
	CHECK(modbus_read_registers(m, 0x1620, 6, v) == 6);
	CHECK(v[0] == 5400 && v[5] == 1 && v[4] >= 44);
	CHECK(modbus_read_registers(m, 0x0000, 12, v) == 12);
	CHECK(modbus_get_float_cdab(v) == 230 && modbus_get_float_cdab(v + 8) == 232);
	CHECK(modbus_read_registers(m, 0x0080, 112, v) == 112);
	CHECK(modbus_get_float_cdab(v + 4) == 2 && modbus_get_float_cdab(v + 12) == 0);
	CHECK(modbus_read_registers(m, 0x0380, 56, v) == 56);
	CHECK(modbus_get_float_cdab(v + 2) == -500 && modbus_get_float_cdab(v + 6) == 0);
	CHECK(modbus_read_registers(m, 0x03f6, 4, v) == 4);
	CHECK(modbus_get_float_cdab(v) == 50 &&
	      fabsf(modbus_get_float_cdab(v + 2) - 50.01F) < 1e-4F);
	CHECK(modbus_read_registers(m, 0x3000, 12, v) == 12);
	CHECK(v[0] == 100 && v[1] == 0 && v[8] == 300);
	/* an energy that is not known */
	CHECK(v[2] == 0 && v[3] == 0x8000);
	CHECK(modbus_read_registers(m, 0x1000, 28, v) == 28);
	CHECK(v[0] == 1 && v[1] == 2 && v[2] == 4 && v[3] == 0);
	CHECK(modbus_read_registers(m, 0x0400, 1, v) == -1 && errno == EMBXILADD);
	CHECK(modbus_write_register(m, 0x1000, 1) == -1 && errno == EMBXILFUN);
	modbus_close(m);
	modbus_free(m);
	return 0;
}

static bool child_has_ended(void *context)
{
	struct fixture *f = context;
	int status;

	if (waitpid(f->child, &status, WNOHANG) != f->child)
		return false;
	f->length = WIFEXITED(status) ? (size_t)WEXITSTATUS(status) : 255;
	return true;
}

static void libmodbus_walks_the_models(void **state)
{
	struct fixture *f = *state;

	f->child = fork();
	if (!f->child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(walk(modbus_server_port(f->server)));
	}
	assert_true(turn_until(f->loop, child_has_ended, f));
	if (f->length)
		fail_msg("the check in line %zu (modulo 255) failed", f->length - 1);
}

#else

static void libmodbus_walks_the_models(void **state)
{
	print_message("SKIP: built without libmodbus (Debian: libmodbus-dev)\n");
	skip();
}

#endif

/* ---- hostile clients --------------------------------------------------- */

static int connected(struct fixture *f)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(modbus_server_port(f->server)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static bool has_heard(void *context)
{
	struct fixture *f = context;
	ssize_t n = recv(f->fd, f->answer + f->length, sizeof(f->answer) - f->length, 0);

	if (n > 0)
		f->length += (size_t)n;
	if (f->want)
		return f->length >= f->want;
	return !n || (n < 0 && errno == ECONNRESET);
}

static const uint8_t request[] = { 0x12, 0x34, 0, 0, 0, 6, UNIT, 3, 0x9c, 0x40, 0, 2 };
static const uint8_t answer[] = { 0x12, 0x34, 0, 0, 0, 7, UNIT, 3, 4, 0x53, 0x75, 0x6e, 0x53 };

static void one_request_is_answered(struct fixture *f)
{
	f->fd = connected(f);
	f->length = 0;
	f->want = sizeof(answer);
	assert_true(send(f->fd, request, sizeof(request), 0) > 0);
	assert_true(turn_until(f->loop, has_heard, f));
	assert_memory_equal(f->answer, answer, sizeof(answer));
	close(f->fd);
}

static void a_request_in_single_bytes_is_answered(void **state)
{
	struct fixture *f = *state;
	size_t k;

	f->fd = connected(f);
	f->want = sizeof(answer);
	for (k = 0; k < sizeof(request); k++) {
		assert_int_equal(send(f->fd, request + k, 1, 0), 1);
		turn_for(f->loop, 5);
	}
	assert_true(turn_until(f->loop, has_heard, f));
	assert_memory_equal(f->answer, answer, sizeof(answer));
	close(f->fd);
}

static void requests_in_one_piece_are_answered_in_order(void **state)
{
	struct fixture *f = *state;
	uint8_t many[100 * sizeof(request)];
	size_t k;

	f->fd = connected(f);
	f->want = 100 * sizeof(answer);
	for (k = 0; k < 100; k++) {
		memcpy(many + k * sizeof(request), request, sizeof(request));
		many[k * sizeof(request) + 1] = (uint8_t)k;
	}
	assert_int_equal(send(f->fd, many, sizeof(many), 0), sizeof(many));
	assert_true(turn_until(f->loop, has_heard, f));
	for (k = 0; k < 100; k++)
		assert_int_equal(f->answer[k * sizeof(answer) + 1], k);
	close(f->fd);
}

static void what_is_no_modbus_ends_the_connection(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[12];
		size_t length;
	} rows[] = {
		{ "another protocol", { 0, 1, 0, 1, 0, 6, UNIT, 3 }, 8 },
		{ "a length of 0", { 0, 1, 0, 0, 0, 0, UNIT, 3 }, 8 },
		{ "a length of 1", { 0, 1, 0, 0, 0, 1, UNIT, 3 }, 8 },
		{ "a length of 255", { 0, 1, 0, 0, 0, 255, UNIT, 3 }, 8 },
		{ "a length of 65535", { 0, 1, 0, 0, 255, 255, UNIT, 3 }, 8 },
		{ "HTTP", "GET / HTTP/", 11 },
	};
	struct fixture *f = *state;
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		f->fd = connected(f);
		f->length = f->want = 0;
		assert_true(send(f->fd, rows[k].bytes, rows[k].length, 0) > 0);
		if (!turn_within(f->loop, has_heard, f, 20000))
			fail_msg("%s: still connected", rows[k].what);
		assert_int_equal(f->length, 0);
		close(f->fd);
	}
	one_request_is_answered(f);
}

static void impossible_requests_are_exceptions(void **state)
{
	static const struct {
		uint8_t pdu[8];
		unsigned int length;
		uint8_t exception;
	} rows[] = {
		{ { 3, 0x9c, 0x40, 0, 0 }, 5, 3 },     { { 3, 0x9c, 0x40, 0, 126 }, 5, 3 },
		{ { 3, 0x9c, 0x40, 255, 255 }, 5, 3 }, { { 3, 0x9c, 0x40, 0 }, 4, 3 },
		{ { 3, 0x9c, 0x40, 0, 2, 0 }, 6, 3 },  { { 3 }, 1, 3 },
		{ { 3, 255, 255, 0, 2 }, 5, 2 },       { { 4, 0, 0, 0, 1 }, 5, 2 },
		{ { 16, 0x9c, 0x40, 0, 1, 2 }, 6, 1 }, { { 0x83 }, 1, 1 },
	};
	struct fixture *f = *state;
	uint8_t out[MODBUS_TCP_MAX];
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		uint8_t in[16] = { 0, 1, 0, 0, 0, (uint8_t)(rows[k].length + 1), UNIT };
		size_t length;
		int taken;

		memcpy(in + 7, rows[k].pdu, rows[k].length);
		taken = modbus_tcp_answer(in, 7 + rows[k].length, modbus_map_read, &f->map, out,
					  &length);
		assert_int_equal(taken, 7 + rows[k].length);
		assert_int_equal(length, 9);
		assert_int_equal(out[7], rows[k].pdu[0] | 0x80);
		if (out[8] != rows[k].exception)
			fail_msg("row %zu: exception %u", k, out[8]);
	}
}

static void a_client_that_does_not_read_stops_only_itself(void **state)
{
	struct fixture *f = *state;
	int deaf = connected(f);
	int small = 1024;
	uint64_t begin;
	unsigned int k;

	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (k = 0; k < 20000; k++) {
		send(deaf, request, sizeof(request), MSG_NOSIGNAL);
		if (k % 100 == 0)
			turn_for(f->loop, 1);
	}
	begin = now_ms();
	one_request_is_answered(f);
	assert_true(now_ms() - begin < HUNG_MS / 2); /* it is sent away after a minute */
	close(deaf);
}

static bool has_no_clients(void *context)
{
	struct fixture *f = context;

	return !modbus_server_clients(f->server);
}

static void the_number_of_connections_is_bounded(void **state)
{
	struct fixture *f = *state;
	int fd[3 * MODBUS_CLIENTS_MAX];
	size_t k;

	for (k = 0; k < sizeof(fd) / sizeof(fd[0]); k++) {
		fd[k] = connected(f);
		turn_for(f->loop, 2);
		assert_true(modbus_server_clients(f->server) <= MODBUS_CLIENTS_MAX);
	}
	one_request_is_answered(f);
	for (k = 0; k < sizeof(fd) / sizeof(fd[0]); k++)
		close(fd[k]);
	assert_true(turn_until(f->loop, has_no_clients, f));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_known_is_nan),
		TEST(the_model_follows_from_the_topology),
		TEST(without_neutral_the_voltages_are_those_of_the_lines),
		TEST(an_old_reading_is_not_told),
		TEST(a_load_that_is_not_there_is_an_error),
		TEST(libmodbus_walks_the_models),
		TEST(a_request_in_single_bytes_is_answered),
		TEST(requests_in_one_piece_are_answered_in_order),
		TEST(what_is_no_modbus_ends_the_connection),
		TEST(impossible_requests_are_exceptions),
		TEST(a_client_that_does_not_read_stops_only_itself),
		TEST(the_number_of_connections_is_bounded),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
