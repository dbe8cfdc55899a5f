// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file, key by key, into a draft.
 */
#include "scenario-draft.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 199

/* Remember "section key"; false if it was there before. */
static bool first_time(struct draft *d, const char *section, const char *name)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "\n%s\t%s\n", section, name);
	char *more;

	if (d->seen && strstr(d->seen, text))
		return false;
	more = realloc(d->seen, d->seen_len + (size_t)len + 1);
	if (!more)
		return true;
	d->seen = more;
	memcpy(d->seen + d->seen_len, text, (size_t)len + 1);
	d->seen_len += (size_t)len;
	return true;
}

static struct load_draft *load_named(struct draft *d, const char *name)
{
	struct load_draft *l;

	for (unsigned int i = 0; i < d->loads; i++)
		if (!strcmp(d->load[i].name, name))
			return &d->load[i];
	if (d->loads == SIGNAL_LOADS_MAX || strlen(name) >= SIGNAL_NAME_MAX) {
		draft_fail(d, d->line,
			   "[load %s]: too many loads (at most %d) or a name of more than %d "
			   "characters",
			   name, SIGNAL_LOADS_MAX, SIGNAL_NAME_MAX - 1);
		return NULL;
	}
	l = &d->load[d->loads++];
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->line = d->line;
	return l;
}

static struct module_draft *module_named(struct draft *d, const char *name)
{
	struct module_draft *m;

	for (unsigned int i = 0; i < d->modules; i++)
		if (!strcmp(d->module[i].m.name, name))
			return &d->module[i];
	if (d->modules == SCENARIO_MODULES_MAX || strlen(name) > 32) {
		draft_fail(d, d->line,
			   "[module %s]: too many modules (at most %d) or a name of more than "
			   "32 characters",
			   name, SCENARIO_MODULES_MAX);
		return NULL;
	}
	m = &d->module[d->modules++];
	snprintf(m->m.name, sizeof(m->m.name), "%s", name);
	m->line = d->line;
	m->m.box.commissioned = true;
	m->m.box.turnaround_s = 3e-3;
	m->m.box.busy_s = 0.2;
	m->m.noise_lsb = 0.5;
	m->m.capture_ns = 10;
	m->m.wander_period_s = 600;
	m->m.reference = true;
	return m;
}

/* Split "load heat pump" and find the draft of the thing. */
static bool find_place(struct draft *d, const char *section, char kind[16], struct place *p)
{
	const char *blank = strchr(section, ' ');
	size_t len = blank ? (size_t)(blank - section) : strlen(section);
	const char *name = blank ? blank + strspn(blank, " ") : "";

	snprintf(kind, 16, "%.*s", len < 16 ? (int)len : 15, section);
	p->d = d;
	if (!strcmp(kind, "load") && *name)
		p->load = load_named(d, name);
	else if (!strcmp(kind, "module") && *name)
		p->module = module_named(d, name);
	else if (!strcmp(kind, "load") || !strcmp(kind, "module"))
		draft_fail(d, d->line, "[%s]: the name is missing; write [%s NAME]", section, kind);
	else if (*name)
		draft_fail(d, d->line, "[%s]: unknown section; only module and load have names",
			   section);
	return !d->error[0];
}

/* Which kind the module is shows only at the end of its section. */
static void note_strays(const struct key *k, struct module_draft *m, unsigned int line)
{
	for (unsigned int kind = 0; kind < KINDS; kind++)
		if (!(k->kinds & 1u << kind) && !m->stray[kind].name)
			m->stray[kind] = (struct stray){ k->name, line };
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct draft *d = user;
	struct place p = { 0 };
	const struct key *k;
	char kind[16];

	if (d->error[0] || !find_place(d, section, kind, &p))
		return 0;
	k = draft_key(kind, name, &p.argument);
	if (!k)
		draft_unknown_key(d, section, kind, name);
	else if (!first_time(d, section, name))
		draft_fail(d, d->line, "[%s] %s: given twice; keep one", section, name);
	else if (!k->take(&p, value))
		draft_fail(d, d->line, "[%s] %s = %s: not allowed; give %s", section, name, value,
			   k->allowed);
	else if (p.module)
		note_strays(k, p.module, d->line);
	return !d->error[0];
}

/* inih's own line counter is not handed to the handler in Debian's build. */
static char *next_line(char *text, int size, void *user)
{
	struct draft *d = user;
	char *got = fgets(text, size, d->in);

	if (!got)
		return NULL;
	d->line++;
	if (strlen(text) + 1 == (size_t)size && !strchr(text, '\n')) {
		d->long_line = d->line;
		return NULL;
	}
	return got;
}

int draft_read(struct draft *d)
{
	int ret;

	d->in = fopen(d->path, "re");
	if (!d->in) {
		ret = -errno;
		snprintf(d->error, SCENARIO_ERROR_MAX, "%s: %s", d->path, strerror(-ret));
		return ret;
	}
	ret = ini_parse_stream(next_line, d, take, d);
	fclose(d->in);
	if (d->long_line)
		draft_fail(d, d->long_line, "line longer than %d characters", LINE_MAX_LEN - 1);
	else if (ret > 0)
		draft_fail(d, (unsigned int)ret, "neither [section] nor key = value");
	return d->error[0] ? -EINVAL : 0;
}
