// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that talks to input and output modules: each read of an attribute and each
 * relay waits for the module, so meterd's own loop does not do it. It gives a heartbeat only
 * when it is told to, one for each time, and ends with its socket: a meterd that hangs or is
 * gone cannot hide behind it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gpio-line.h"
#include "io-wire.h"
#include "lib/identify.h"
#include "lib/module-dir.h"
#include "log.h"

#define ATTRIBUTE_MAX 32
#define CHIP_MAX 64
/* triggers of a LED: the configuration does not fit; the module is in control */
#define PROBLEM "smappee-problem"
#define IN_CONTROL "smappee-module"

/**
 * struct watched - a contact whose state is of interest
 * @line: its line, NULL: not taken
 * @closed: its state
 */
struct watched {
	struct gpio_line *line;
	bool closed;
};

/**
 * struct worker - the process
 * @plan: the plan
 * @dir: folder of the bus, or NULL
 * @serial: of each module that was set up, 0: not yet
 * @watched: by contact
 */
struct worker {
	const struct io_plan *plan;
	const char *dir;
	uint64_t serial[IO_MODULES_MAX];
	struct watched watched[CONTACTS_MAX];
};

/* An attribute that is not there is not one of this kind of module. */
static int missing(int error)
{
	return error == -ENOENT ? -ENODEV : error;
}

static bool is_silent(int module)
{
	char text[ATTRIBUTE_MAX];

	return !module_dir_read(module, "state", text, sizeof(text)) && !strcmp(text, "silent");
}

/* "/dev/gpiochip3" of the module. */
static int chip_of(int module, char *path, size_t size)
{
	int copy = openat(module, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int error = -ENODEV;

	if (!folder) {
		if (copy >= 0)
			close(copy);
		return -EIO;
	}
	while (error && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, "gpiochip", 8))
			continue;
		snprintf(path, size, "/dev/%.32s", entry->d_name);
		error = 0;
	}
	closedir(folder);
	return error;
}

static int set_if_other(int module, unsigned int input, const char *what, unsigned int value)
{
	char name[ATTRIBUTE_MAX], text[ATTRIBUTE_MAX];
	uint64_t is;
	int error;

	snprintf(name, sizeof(name), "in%u_%s", input + 1, what);
	error = module_dir_number(module, name, &is);
	if (error || is == value)
		return error;
	snprintf(text, sizeof(text), "%u", value);
	return module_dir_write(module, name, text);
}

/* Debounce times of a module that is new here; it keeps them. */
static int set_up(struct worker *w, unsigned int m, int module)
{
	unsigned int k;
	int error = 0;

	for (k = 0; k < w->plan->contacts && !error; k++) {
		const struct contact *c = &w->plan->contact[k];

		if (c->module != m)
			continue;
		error = set_if_other(module, c->input, "min_closed_ms", c->min_closed_ms);
		error = error ? error
			      : set_if_other(module, c->input, "min_open_ms", c->min_open_ms);
		if (error == -EACCES) {
			log_warning("[contact %s] min_closed_ms, min_open_ms: not allowed to set "
				    "them; be in the group iio (60-smappee.rules)",
				    c->name);
			error = 0;
		}
	}
	return missing(error);
}

static void drop_lines(struct worker *w, unsigned int m)
{
	unsigned int k;

	for (k = 0; k < w->plan->contacts; k++) {
		if (w->plan->contact[k].module != m)
			continue;
		gpio_line_close(w->watched[k].line);
		w->watched[k].line = NULL;
	}
	w->serial[m] = 0;
}

static int watch(struct worker *w, unsigned int k, int module)
{
	struct watched *x = &w->watched[k];
	char chip[CHIP_MAX];
	int error = chip_of(module, chip, sizeof(chip));
	int level;

	if (!error)
		error = gpio_line_watch(&x->line, chip, w->plan->contact[k].input);
	if (error)
		return error;
	level = gpio_line_level(x->line);
	if (level < 0) {
		gpio_line_close(x->line);
		x->line = NULL;
		return level;
	}
	x->closed = level;
	return 0;
}

/* One that is silent is told by the looks. */
static int beat(struct worker *w, uint32_t modules)
{
	unsigned int k;
	int error = 0;

	for (k = 0; k < w->plan->modules; k++) {
		int module =
			modules & 1U << k ? module_dir_open(w->dir, w->plan->module[k]) : -ENOENT;
		int ret;

		if (module < 0)
			continue;
		ret = module_dir_write(module, "heartbeat", "1");
		if (ret && !is_silent(module))
			error = ret;
		close(module);
	}
	return error;
}

static int switch_relay(struct worker *w, uint32_t relay, bool on)
{
	const struct relay *r;
	char chip[CHIP_MAX];
	int module;
	int error;

	if (relay >= w->plan->relays)
		return -EINVAL;
	r = &w->plan->relay[relay];
	module = module_dir_open(w->dir, w->plan->module[r->module]);
	if (module < 0)
		return module;
	error = is_silent(module) ? -ETIMEDOUT : chip_of(module, chip, sizeof(chip));
	close(module);
	return error ? error : gpio_line_set(chip, r->relay, on);
}

/* Return: whether meterd is still there. */
static bool tell(const struct io_message *m)
{
	return send(STDIN_FILENO, m, sizeof(*m), MSG_NOSIGNAL) == (ssize_t)sizeof(*m);
}

/* Answer a question that does not look. */
static bool act(struct worker *w, struct io_message *m)
{
	m->error = m->order == IO_BEAT ? beat(w, m->what) : switch_relay(w, m->what, m->on);
	return tell(m);
}

/*
 * Heartbeats and switches do not wait for the rest of a look. There is one look at a time,
 * so what comes during one is not another.
 */
static void act_first(struct worker *w)
{
	struct io_message m;

	while (recv(STDIN_FILENO, &m, sizeof(m), MSG_DONTWAIT) == (ssize_t)sizeof(m))
		act(w, &m);
}

static int read_pulses(int module, const struct contact *c, struct io_module *to)
{
	char name[ATTRIBUTE_MAX];

	snprintf(name, sizeof(name), "in%u_pulses", c->input + 1);
	return missing(module_dir_number(module, name, &to->pulses[c->input]));
}

static int look_at_input(struct worker *w, unsigned int k, int module, struct io_module *to)
{
	const struct contact *c = &w->plan->contact[k];
	int error = 0;

	if (c->kind != CONTACT_STATE)
		return read_pulses(module, c, to);
	if (!w->watched[k].line)
		error = watch(w, k, module);
	if (!error)
		to->closed[c->input] = w->watched[k].closed;
	return error;
}

/* One that somebody else has does not spoil the others. */
static bool is_of_one(int error)
{
	return error == -EBUSY || error == -ENODEV || error == -EPERM || error == -EACCES;
}

static int look_at_inputs(struct worker *w, unsigned int m, int module, struct io_module *to)
{
	bool any = false;
	uint64_t before = 0, after = 0;
	unsigned int k;
	int error = 0;

	for (k = 0; k < w->plan->contacts && !error; k++) {
		int *of_one = &to->input_error[w->plan->contact[k].input];

		if (w->plan->contact[k].module != m)
			continue;
		act_first(w);
		if (!any)
			error = missing(module_dir_number(module, "pulse_epoch", &before));
		any = true;
		*of_one = error ? 0 : look_at_input(w, k, module, to);
		if (!is_of_one(*of_one))
			error = error ? error : *of_one;
	}
	if (any && !error)
		error = module_dir_number(module, "pulse_epoch", &after);
	/* a module that has lost its memory between two reads: look again later */
	if (!error && before != after)
		error = -EAGAIN;
	to->epoch = (uint32_t)after;
	return error;
}

static int look_at_relays(struct worker *w, unsigned int m, int module, struct io_module *to)
{
	bool any = false;
	uint64_t value = 0;
	unsigned int k;
	int error = 0;

	for (k = 0; k < w->plan->relays && !error; k++) {
		const struct relay *r = &w->plan->relay[k];
		char name[ATTRIBUTE_MAX];

		if (r->module != m)
			continue;
		act_first(w);
		any = true;
		snprintf(name, sizeof(name), "relay%u_state", r->relay + 1);
		error = missing(module_dir_number(module, name, &value));
		to->on[r->relay] = !error && value;
	}
	if (!any || error)
		return error;
	error = module_dir_number(module, "fail_safe", &value);
	to->fail_safe = !!value;
	if (!error)
		error = module_dir_number(module, "fail_safe_timeout_sec", &value);
	to->timeout_s = (uint32_t)value;
	return error ? error : module_dir_read(module, "last_change", to->cause, IO_CAUSE_MAX);
}

/*
 * Somebody in front of a module that has not what the plan says sees that, too. A LED that
 * shows something else is somebody's who chose that, such as identify: it is left alone.
 */
static void show_problem(int module, const struct io_module *found)
{
	bool wrong = found->relay_error == -ENODEV;
	unsigned int k;

	for (k = 0; k < IO_INPUTS; k++)
		wrong |= found->input_error[k] == -ENODEV;
	if (identify_shows(module, "", wrong ? IN_CONTROL : PROBLEM))
		identify_trigger(module, "", wrong ? PROBLEM : IN_CONTROL);
}

/* A module of another kind than the plan says may have the rest of it. */
static int look_at_all(struct worker *w, unsigned int m, int module, struct io_module *to)
{
	unsigned int k;
	int error = 0;

	if (to->serial != w->serial[m]) {
		drop_lines(w, m);
		error = set_up(w, m, module);
	}
	if (!error) {
		w->serial[m] = to->serial;
		error = look_at_inputs(w, m, module, to);
	}
	for (k = 0; k < IO_INPUTS && error == -ENODEV; k++)
		to->input_error[k] = error;
	if (error && error != -ENODEV)
		return error;
	error = look_at_relays(w, m, module, to);
	if (error != -ENODEV)
		return error;
	to->relay_error = error;
	return 0;
}

static int look(struct worker *w, unsigned int m, struct io_module *to)
{
	int module = module_dir_open(w->dir, w->plan->module[m]);
	int error;

	if (module < 0)
		return module;
	error = module_dir_number(module, "serial_number", &to->serial);
	if (!error && is_silent(module))
		error = -ETIMEDOUT;
	if (!error)
		error = look_at_all(w, m, module, to);
	if (!error)
		show_problem(module, to);
	close(module);
	return error;
}

static void answer_look(struct worker *w, struct io_message *m)
{
	struct io_module *to = &m->module;

	*to = (struct io_module){ 0 };
	memset(to->closed, IO_UNKNOWN, sizeof(to->closed));
	memset(to->on, IO_UNKNOWN, sizeof(to->on));
	if (m->what >= w->plan->modules) {
		to->error = -EINVAL;
		return;
	}
	to->error = look(w, m->what, to);
	if (to->error == -ENOENT || to->error == -EEXIST)
		drop_lines(w, m->what);
}

static bool serve(struct worker *w)
{
	struct io_message m;

	if (recv(STDIN_FILENO, &m, sizeof(m), 0) != (ssize_t)sizeof(m))
		return false;
	if (m.order != IO_LOOK)
		return act(w, &m);
	m.error = 0;
	answer_look(w, &m);
	return tell(&m);
}

static bool take_edges(struct worker *w, unsigned int k)
{
	struct watched *x = &w->watched[k];
	struct gpio_edge edge;
	int error;

	while (!(error = gpio_line_edge(x->line, &edge))) {
		struct io_message m = {
			.order = IO_EDGE, .what = k, .on = edge.high, .time_ns = edge.time_ns
		};

		x->closed = edge.high;
		if (!tell(&m))
			return false;
	}
	if (error != -EAGAIN)
		drop_lines(w, w->plan->contact[k].module);
	return true;
}

/* Wait for questions and edges. Return: whether meterd is still there. */
static bool turn(struct worker *w)
{
	struct pollfd p[CONTACTS_MAX + 1] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	unsigned int k;

	for (k = 0; k < w->plan->contacts; k++) {
		struct gpio_line *line = w->watched[k].line;

		p[k + 1] =
			(struct pollfd){ .fd = line ? gpio_line_fd(line) : -1, .events = POLLIN };
	}
	if (poll(p, k + 1, -1) < 0)
		return errno == EINTR;
	for (k = 0; k < w->plan->contacts; k++) {
		short what = w->watched[k].line ? p[k + 1].revents : 0;

		if (what & (POLLERR | POLLHUP | POLLNVAL))
			drop_lines(w, w->plan->contact[k].module);
		else if (what && !take_edges(w, k))
			return false;
	}
	return !p[0].revents || serve(w);
}

_Noreturn void io_work(int socket, const struct io_plan *plan, const char *dir)
{
	struct worker *w = calloc(1, sizeof(*w));

	prctl(PR_SET_NAME, "meterd-io");
	if (!w || dup2(socket, STDIN_FILENO) < 0)
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	w->plan = plan;
	w->dir = dir;
	while (turn(w))
		;
	_exit(EXIT_SUCCESS);
}
