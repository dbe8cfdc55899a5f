// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All of this is text in sysfs: an IIO device is in the folder of its module, that in the
 * folder of its segment, or of the Power Box that it is behind.
 */
#include "site.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "words.h"

#define PATH_BYTES 1024
#define TEXT_BYTES 128
/* folders from an IIO device up to its segment, at most */
#define DEPTH_MAX 4
/* steps of waiting */
#define STEP_MS 500
#define VOLTAGE_STEPS 20
#define SETTLE_STEPS 6
/* what is nearer than this is the same */
#define SAME 0.01

void site_note(struct site_notes *notes, const char *format, ...)
{
	va_list args;

	if (notes->count == SITE_NOTES_MAX)
		return;
	va_start(args, format);
	vsnprintf(notes->text[notes->count++], SITE_NOTE_BYTES, format, args);
	va_end(args);
}

/* First line of a file; false, and empty, when there is none. */
static bool read_text(const char *folder, const char *name, char *text)
{
	char path[PATH_BYTES + 256];
	FILE *file;

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, TEXT_BYTES, file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return text[0];
}

static double read_number(const char *folder, const char *name)
{
	char text[TEXT_BYTES];

	return read_text(folder, name, text) ? strtod(text, NULL) : 0.0;
}

/* The folder of the segment that a device is on; @path has PATH_BYTES. */
static bool find_segment(const char *device, char *path)
{
	char *whole = realpath(device, NULL);
	bool fits = whole && strlen(whole) < PATH_BYTES;
	char *end;
	unsigned int k;

	if (fits)
		strcpy(path, whole);
	free(whole);
	if (!fits)
		return false;
	for (k = 0; k < DEPTH_MAX && (end = strrchr(path, '/')) && end != path; k++) {
		char file[PATH_BYTES + 16];

		*end = '\0';
		snprintf(file, sizeof(file), "%s/rescan", path);
		if (!access(file, F_OK))
			return true;
	}
	return false;
}

static void read_conductors(struct site *site, char *text)
{
	char *rest = text;
	const char *word;

	while (site->conductors < READING_PHASES_MAX && (word = strsep(&rest, " ")))
		if (*word && strlen(word) < SITE_CONDUCTOR_MAX)
			strcpy(site->conductor[site->conductors++], word);
}

static void read_mains(struct site *site, const char *segment)
{
	char text[TEXT_BYTES];
	unsigned int primary, secondary;

	snprintf(site->segment, sizeof(site->segment), "%s", strrchr(segment, '/') + 1);
	if (read_text(segment, "mains_topology", text))
		snprintf(site->topology, sizeof(site->topology), "%.15s", text);
	site->nominal_v = read_number(segment, "mains_voltage_uv") / 1e6;
	site->nominal_hz = read_number(segment, "mains_frequency_hz");
	if (read_text(segment, "mains_transformer_ratio", text) &&
	    sscanf(text, "%u %u", &primary, &secondary) == 2 && secondary)
		site->ratio = (double)primary / secondary;
	if (read_text(segment, "mains_conductors", text))
		read_conductors(site, text);
}

/* "in_KIND7END"; an attribute of a channel. */
static bool read_channel(const char *folder, const char *kind, unsigned int channel,
			 const char *end, char *text)
{
	char name[64];

	snprintf(name, sizeof(name), "in_%s%u%s", kind, channel, end);
	return read_text(folder, name, text);
}

/* Voltages of a device: samples, or RMS values of a Power Box, with either kernel's names. */
static unsigned int count_voltages(const char *folder)
{
	char text[TEXT_BYTES];
	unsigned int n = 0;

	while (n < READING_PHASES_MAX &&
	       (read_channel(folder, "voltage", n, "_label", text) ||
		read_channel(folder, "altvoltage", n, "_label", text) ||
		read_channel(folder, "altvoltage", n, "_rms_label", text)))
		n++;
	return n;
}

static void add_input(struct site *site, const char *label, const char *channel, int number)
{
	struct site_input *in = &site->input[site->inputs];

	if (site->inputs == INPUT_CHANNELS_MAX ||
	    strlen(label) + strlen(channel) + 1 >= sizeof(in->name))
		return;
	strcpy(in->name, label);
	strcat(in->name, "/");
	strcat(in->name, channel);
	strcpy(in->load, in->name);
	in->load[strlen(label)] = ' ';
	in->number = (unsigned int)number;
	site->inputs++;
}

/* The k-th input: one with a sensor, or one whose power a Power Box tells. */
static bool input_label(const char *folder, unsigned int k, char *text)
{
	if (read_channel(folder, "current", k, "_scale", text))
		return read_channel(folder, "current", k, "_label", text);
	return (read_channel(folder, "power", k, "_label", text) ||
		read_channel(folder, "power", k, "_active_label", text)) &&
	       !strchr(text, ' ');
}

static void read_inputs(struct site *site, const char *folder, const char *label)
{
	char text[TEXT_BYTES];
	unsigned int k;

	for (k = 0; k < INPUT_DEVICE_CHANNELS_MAX; k++)
		if (input_label(folder, k, text))
			add_input(site, label, text, (int)k);
}

/* "iio:device2" before "iio:device10". */
static int by_number(const struct dirent **a, const struct dirent **b)
{
	size_t n = strlen((*a)->d_name), m = strlen((*b)->d_name);

	return n == m ? strcmp((*a)->d_name, (*b)->d_name) : n < m ? -1 : 1;
}

static int is_device(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "iio:device", 10);
}

/**
 * struct walk - a walk through the IIO devices
 * @site: what is found
 * @config: which devices may be used
 * @segment: that of the voltages
 */
struct walk {
	struct site *site;
	const struct config *config;
	char segment[PATH_BYTES];
};

/* Is it the module that [topology] voltages names, if it names one? */
static bool has_the_voltages(const struct walk *w, const char *label)
{
	const struct config_list *list = &w->config->voltages;
	const char *slash = list->count ? strrchr(list->word[0], '/') : NULL;

	return !slash || (strlen(label) == (size_t)(slash - list->word[0]) &&
			  !strncmp(label, list->word[0], strlen(label)));
}

static void look_for_voltages(struct walk *w, const char *folder, const char *label)
{
	unsigned int n = count_voltages(folder);
	char segment[PATH_BYTES];

	if (!n || w->site->terminals || !has_the_voltages(w, label))
		return;
	w->site->terminals = n;
	if (!find_segment(folder, segment))
		return;
	strcpy(w->segment, segment);
	read_mains(w->site, segment);
}

/* Those of another segment have other instants; they cannot be joined. */
static void look_for_inputs(struct walk *w, const char *folder, const char *label)
{
	char segment[PATH_BYTES];

	if (label[0] && find_segment(folder, segment) && !strcmp(segment, w->segment))
		read_inputs(w->site, folder, label);
}

static void walk(struct walk *w, const char *sysfs,
		 void (*look)(struct walk *w, const char *folder, const char *label))
{
	char path[PATH_BYTES], name[TEXT_BYTES], label[TEXT_BYTES];
	struct dirent **list = NULL;
	int n, k;

	snprintf(path, sizeof(path), "%s/bus/iio/devices", sysfs);
	n = scandir(path, &list, is_device, by_number);
	for (k = 0; k < n; k++) {
		snprintf(path, sizeof(path), "%s/bus/iio/devices/%.64s", sysfs, list[k]->d_name);
		read_text(path, "label", label);
		if (read_text(path, "name", name) && words_allow(w->config->source.devices, name))
			look(w, path, label);
		free(list[k]);
	}
	free(list);
}

static int by_name(const void *a, const void *b)
{
	const struct site_input *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void site_read(struct site *site, const char *sysfs, const struct config *config)
{
	struct walk w = { .site = site, .config = config };

	*site = (struct site){ .ratio = 1.0 };
	walk(&w, sysfs, look_for_voltages);
	walk(&w, sysfs, look_for_inputs);
	/* the order in which devices were found is none */
	qsort(site->input, site->inputs, sizeof(site->input[0]), by_name);
}

/* Return: false: SIGHUP came. */
static bool pause_step(void)
{
	const struct timespec t = { 0, STEP_MS * 1000000L };
	sigset_t hangup;

	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	return sigtimedwait(&hangup, NULL, &t) != SIGHUP;
}

static bool wait_for_inputs(struct site *site, const char *sysfs, const struct config *config)
{
	unsigned int before = site->inputs;
	unsigned int same = 0;
	bool said = false;

	while (same < SETTLE_STEPS) {
		if (!said && !(site->terminals && site->inputs))
			log_notice("no [load] is configured: waiting for a voltage module and CT "
				   "modules");
		said = true;
		sd_notify(0, "READY=1\nWATCHDOG=1\nSTATUS=Waiting for modules");
		if (!pause_step())
			return false;
		site_read(site, sysfs, config);
		same = site->terminals && site->inputs && site->inputs == before ? same + 1 : 0;
		before = site->inputs;
	}
	log_notice("no [load] is configured: each of %u current inputs is a load", site->inputs);
	return true;
}

bool site_wait(struct site *site, const char *sysfs, const struct config *config)
{
	unsigned int k;

	*site = (struct site){ .ratio = 1.0 };
	if (config->source.replay || strncmp(config->source.uri, "local:", 6))
		return true;
	site_read(site, sysfs, config);
	for (k = 0; !config->topology && !site->terminals && k < VOLTAGE_STEPS; k++) {
		sd_notify(0, "WATCHDOG=1\nSTATUS=Waiting for the voltage module");
		if (!pause_step())
			return false;
		site_read(site, sysfs, config);
	}
	return config->loads || wait_for_inputs(site, sysfs, config);
}

static bool differ(double a, double b)
{
	return a > 0.0 && b > 0.0 && fabs(a / b - 1.0) > SAME;
}

static void compare_ratio(const struct site *site, const struct config *config,
			  struct site_notes *notes)
{
	unsigned int k;

	for (k = 0; k < config->voltage_ratio.count; k++) {
		double ratio = strtod(config->voltage_ratio.word[k], NULL);

		if (ratio == 1.0 || site->ratio == 1.0 || !differ(ratio, site->ratio))
			continue;
		site_note(notes,
			  "[topology] voltage_ratio = %s, but the device tree has potential "
			  "transformers of %g; the configuration is used, correct one of them",
			  config->voltage_ratio.word[k], site->ratio);
		return;
	}
}

static void compare_names(const struct site *site, const struct config *config,
			  struct site_notes *notes)
{
	unsigned int k, c;

	for (k = 0; site->conductors && k < config->voltages.count; k++) {
		const char *slash = strrchr(config->voltages.word[k], '/');
		const char *name = slash ? slash + 1 : config->voltages.word[k];

		for (c = 0; c < site->conductors; c++)
			if (!strcmp(site->conductor[c], name))
				break;
		if (c < site->conductors || !strncmp(name, "voltage", 7))
			continue;
		site_note(notes,
			  "[topology] voltages: %s, but the device tree calls the conductors "
			  "%s%s%s%s%s; "
			  "correct one of them",
			  config->voltages.word[k], site->conductor[0],
			  site->conductors > 1 ? ", " : "", site->conductor[1],
			  site->conductors > 2 ? ", " : "", site->conductor[2]);
	}
}

void site_compare(const struct site *site, const struct config *config, struct site_notes *notes)
{
	if (config->topology && site->topology[0] && strcmp(config->topology, site->topology))
		site_note(notes,
			  "[topology] type = %s, but the device tree says %s; the configuration is "
			  "used, correct one of them",
			  config->topology, site->topology);
	if (differ(config->quality.nominal_v, site->nominal_v))
		site_note(notes,
			  "[quality] nominal_v = %g, but the device tree says %g V; the "
			  "configuration "
			  "is used, correct one of them",
			  config->quality.nominal_v, site->nominal_v);
	if (differ(config->quality.nominal_hz, site->nominal_hz))
		site_note(notes,
			  "[quality] nominal_hz = %g, but the device tree says %g Hz; the "
			  "configuration is used, correct one of them",
			  config->quality.nominal_hz, site->nominal_hz);
	compare_ratio(site, config, notes);
	compare_names(site, config, notes);
}
