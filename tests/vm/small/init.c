// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All there is of user space on machines that boot from nothing but an initrd.
 *
 * It loads modules as udev does, by the modalias of each device that the kernel
 * announces, waits for the IIO devices of a segment, reads one of them through its
 * buffer, and says in TAP on the console what it found. Then it powers off.
 *
 *   /modules/alias   "PATTERN NAME" per line: which module drives what
 *   /modules/deps    "NAME FILE..." per line: what it needs, least dependent first
 *
 * The kernel's command line may have test.rate=HZ, the sampling rate, test.devices=N, how many
 * modules there are, test.mains=TOPOLOGY, what the segment shall say of the mains, and
 * test.log=kmsg, for what is said here to be part of the kernel's log.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SERDEV "/sys/bus/serial/devices"
#define BUS "/sys/bus/smappee/devices"
#define IIO "/sys/bus/iio/devices"

/* Modules of the scenario if nobody says another number, and the one whose samples are read. */
#define DEVICES "3"
#define HUB "0-002"
#define RATE "4000"
#define SCANS 8000
/* The kernel holds all of them: nobody has to be quick. */
#define SCANS_KEPT "8192"
#define SCAN_MAX 64
/* What must be, and may be, between two time stamps: crystals are off by some 100 ppm at most. */
#define PERIOD_TOLERANCE 0.01

static unsigned int tests;
static bool all_good = true;

static bool ok(bool good, const char *name, const char *detail)
{
	printf("%sok %u - %s: %s\n", good ? "" : "not ", ++tests, name, detail);
	all_good &= good;
	return good;
}

/* Text of a file without its newline; empty if it cannot be read. */
static const char *text_of(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (!good)
		printf("# %s: \"%s\" not written: %s\n", path, text, strerror(errno));
	if (fd >= 0)
		close(fd);
	return good;
}

/* Value of test.NAME on the kernel's command line, or @fallback. */
static const char *argument(const char *name, const char *fallback)
{
	static char line[1024];
	FILE *file = fopen("/proc/cmdline", "r");
	const char *value = fallback;

	if (!file || !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		if (strncmp(word, "test.", 5) == 0 && strncmp(word + 5, name, strlen(name)) == 0 &&
		    word[5 + strlen(name)] == '=')
			value = word + 6 + strlen(name);
	return value;
}

static void insert_file(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/modules/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		printf("# %s does not load: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* A module and what it needs. */
static void insert(const char *module)
{
	FILE *deps = fopen("/modules/deps", "r");
	char line[1024];

	while (deps && fgets(line, sizeof(line), deps)) {
		const char *word = strtok(line, " \n");

		if (!word || strcmp(word, module) != 0)
			continue;
		while ((word = strtok(NULL, " \n")))
			insert_file(word);
	}
	if (deps)
		fclose(deps);
}

/* The modules that drive MODALIAS; false if there is none. */
static bool load(const char *modalias)
{
	FILE *aliases = fopen("/modules/alias", "r");
	char pattern[256], module[64];
	bool found = false;

	while (aliases && fscanf(aliases, "%255s %63s", pattern, module) == 2) {
		if (fnmatch(pattern, modalias, 0) == 0) {
			insert(module);
			found = true;
		}
	}
	if (aliases)
		fclose(aliases);
	return found;
}

static int listen_to_kernel(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		printf("# no events of the kernel: %s\n", strerror(errno));
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned int count(const char *folder, const char *prefix)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir)))
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (dir)
		closedir(dir);
	return n;
}

/* Load what the events of the kernel ask for, until all IIO devices are there. */
static unsigned int wait_devices(unsigned int devices, int events, int64_t until_ms)
{
	struct pollfd ready = { .fd = events, .events = POLLIN };
	static char event[8192];

	while (count(IIO, "iio:device") < devices) {
		int64_t left = until_ms - now_ms();
		ssize_t len;

		if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
			break;
		len = recv(events, event, sizeof(event) - 1, 0);
		event[len > 0 ? len : 0] = '\0';
		for (const char *at = event; len > 0 && at < event + len; at += strlen(at) + 1) {
			if (strncmp(event, "add@", 4) == 0 && strncmp(at, "MODALIAS=", 9) == 0)
				load(at + 9);
		}
	}
	return count(IIO, "iio:device");
}

/* Storage bytes of a channel, from the text of its type, such as "le:s16/16>>0". */
static unsigned int bytes_of(const char *type)
{
	const char *slash = strchr(type, '/');

	return slash ? (unsigned int)strtoul(slash + 1, NULL, 10) / 8 : 0;
}

/* Switch on all channels of the buffer. Return the bytes of a scan; its time is the last eight. */
static unsigned int enable_channels(const char *iio)
{
	char folder[160], path[512], index_path[512];
	unsigned int size[64] = { 0 }, bytes = 0;
	DIR *dir;
	const struct dirent *entry;

	snprintf(folder, sizeof(folder), "%s/scan_elements", iio);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		unsigned long index;

		if (len < 4 || strcmp(entry->d_name + len - 3, "_en") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (!write_to(path, "1"))
			continue;
		snprintf(path, sizeof(path), "%s/%.*s_type", folder, (int)(len - 3), entry->d_name);
		snprintf(index_path, sizeof(index_path), "%s/%.*s_index", folder, (int)(len - 3),
			 entry->d_name);
		index = strtoul(text_of(index_path), NULL, 10);
		if (index < sizeof(size) / sizeof(size[0]))
			size[index] = bytes_of(text_of(path));
	}
	if (dir)
		closedir(dir);
	for (unsigned int i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		if (size[i])
			bytes = (bytes + size[i] - 1) / size[i] * size[i] + size[i];
	}
	return (bytes + 7) / 8 * 8;
}

static unsigned long lost_scans(void)
{
	return strtoul(text_of(BUS "/" HUB "/lost_scans"), NULL, 10);
}

/*
 * Read SCANS scans. Return how many came; *wrong gets the steps that are none of a
 * period, *lost what was lost before the first: it has no time yet.
 */
static unsigned int read_scans(const char *device, unsigned int bytes, unsigned int *wrong,
			       unsigned long *lost)
{
	int fd = open(device, O_RDONLY | O_NONBLOCK);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	static char data[SCAN_MAX * 256];
	unsigned int scans = 0;
	int64_t before = 0, period_ns;

	period_ns = 1000000000 / strtol(argument("rate", RATE), NULL, 10);
	*wrong = 0;
	while (fd >= 0 && scans < SCANS && poll(&ready, 1, 10000) > 0) {
		ssize_t len = read(fd, data, 256 * (size_t)bytes);

		for (ssize_t at = 0; at + bytes <= len && scans < SCANS; at += bytes) {
			int64_t time_ns, step;

			memcpy(&time_ns, data + at + bytes - 8, 8);
			step = time_ns - before;
			if (!scans)
				*lost = lost_scans();
			if (scans++)
				*wrong += llabs(step - period_ns) > period_ns * PERIOD_TOLERANCE;
			before = time_ns;
		}
	}
	if (fd >= 0)
		close(fd);
	return scans;
}

/* The IIO device of the CT hub, the module that is read. */
static bool find_hub(char *iio, size_t size)
{
	DIR *dir = opendir(BUS "/" HUB);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		found = strncmp(entry->d_name, "iio:device", 10) == 0;
		if (found)
			snprintf(iio, size, IIO "/%.32s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void buffered_read(void)
{
	char iio[64] = "", path[256], device[64], detail[160];
	unsigned int bytes, scans, wrong = 0;
	unsigned long lost = 0;

	if (!ok(find_hub(iio, sizeof(iio)), "the CT hub is an IIO device", iio))
		return;
	snprintf(device, sizeof(device), "/dev/%s", strrchr(iio, '/') + 1);
	snprintf(path, sizeof(path), "%s/sampling_frequency", iio);
	write_to(path, argument("rate", RATE));
	snprintf(path, sizeof(path), "%s/current_timestamp_clock", iio);
	write_to(path, "monotonic");
	bytes = enable_channels(iio);
	snprintf(path, sizeof(path), "%s/buffer/length", iio);
	write_to(path, SCANS_KEPT);
	snprintf(path, sizeof(path), "%s/buffer/enable", iio);
	write_to(path, "1");
	scans = bytes && bytes <= SCAN_MAX ? read_scans(device, bytes, &wrong, &lost) : 0;
	lost = lost_scans() - lost;
	write_to(path, "0");
	snprintf(detail, sizeof(detail), "%u scans of %u bytes from %s", scans, bytes, device);
	ok(scans == SCANS, "all scans of some seconds are read through the buffer", detail);
	snprintf(detail, sizeof(detail), "%u of %u steps are not one period", wrong, scans);
	ok(scans == SCANS && wrong == 0, "and each comes one period after the one before", detail);
	snprintf(detail, sizeof(detail), "%lu scans", lost);
	ok(lost == 0, "and none is lost meanwhile", detail);
}

/* What the firmware says of the mains, if there is something to say. */
static void mains(const char *topology)
{
	const char *said = text_of(SERDEV "/serial0-0/mains_topology");

	if (topology)
		ok(strcmp(said, topology) == 0,
		   "the segment says what the overlay of the mains says", said);
}

/* The kernel's log, for the host to judge. */
static void show_log(void)
{
	static char log[1 << 18];
	int len = klogctl(3, log, sizeof(log) - 1);

	log[len > 0 ? len : 0] = '\0';
	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		printf("## %s\n", line);
}

int main(void)
{
	char modalias[256], target[256] = "";
	unsigned int devices, found;
	bool to_kmsg;
	int events;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	to_kmsg = strcmp(argument("log", ""), "kmsg") == 0;
	if (to_kmsg && !freopen("/dev/kmsg", "w", stdout))
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* what the port's driver left on the line ends here */
	putchar('\n');
	events = listen_to_kernel();
	snprintf(modalias, sizeof(modalias), "%s", text_of(SERDEV "/serial0-0/modalias"));
	ok(strncmp(modalias, "of:", 3) == 0,
	   "the firmware's description gives the port a device with a modalias", modalias);
	ok(load(modalias), "for which depmod knows a module", modalias);
	devices = (unsigned int)strtoul(argument("devices", DEVICES), NULL, 10);
	found = wait_devices(devices, events, now_ms() + 120000);
	if (readlink(SERDEV "/serial0-0/driver", target, sizeof(target) - 1) < 0)
		snprintf(target, sizeof(target), "no driver");
	ok(strstr(target, "smappee-bus") != NULL, "the driver of the bus is bound to it", target);
	snprintf(target, sizeof(target), "%u modules, %u IIO devices", count(BUS, "0-"), found);
	ok(found == devices && count(BUS, "0-") == devices,
	   "the modules on the line are found, with drivers", target);
	mains(argument("mains", NULL));
	buffered_read();
	if (!to_kmsg)
		show_log();
	printf("1..%u\n", tests);
	fflush(stdout);
	tcdrain(1);
	reboot(RB_POWER_OFF);
	return 0;
}
