/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A segment that exists only in memory: a serdev controller with a port and a
 * segment node of the device tree, a wire, and open modules that speak the
 * protocol of Documentation/driver-api/smappee/protocol.rst. The modules are
 * written from that page alone and share no code with the drivers.
 *
 * One worker is the wire: it takes the host's bytes, lets the addressed module
 * answer after its turnaround and the time that the bytes need at the line's
 * rate, and hands the answer to the driver from process context, as a tty does.
 */
#ifndef SMAPPEE_KUNIT_FAKE_LINE_H
#define SMAPPEE_KUNIT_FAKE_LINE_H

#include <linux/jiffies.h>
#include <linux/of.h>
#include <linux/prandom.h>
#include <linux/serdev.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/smappee.h>

struct fake_box;
struct fake_io;
struct kunit;

#define FAKE_MODULES_MAX	20
#define FAKE_FAULTS_MAX		16
#define FAKE_LOG		8192	/* requests kept, a power of two */

/* What can happen to one answer. */
enum fake_fault_kind {
	FAKE_DROP,		/* the module does not answer */
	FAKE_CORRUPT,		/* a bit in the middle is flipped */
	FAKE_TRUNCATE,		/* the last bytes are missing */
	FAKE_DELAY,		/* comes value ms late */
	FAKE_WRONG_UNIT,	/* says that it is from unit value */
	FAKE_WRONG_FUNCTION,	/* answers function value, with a good CRC */
	FAKE_EXCEPTION,		/* answers exception value */
	FAKE_WRONG_INDEX,	/* samples: first index is value off, CRCs good */
	FAKE_DOUBLE,		/* the answer comes twice */
	FAKE_GARBAGE,		/* value bytes of noise come first */
};

/**
 * struct fake_fault - a fault that waits for its answer
 * @kind: what happens
 * @unit: whose answer, 0 for any
 * @function: answer to which function code, 0 for any
 * @count: how many answers yet; 0 is a free place
 * @value: see enum fake_fault_kind
 */
struct fake_fault {
	enum fake_fault_kind kind;
	u8 unit;
	u8 function;
	unsigned int count;
	int value;
};

/**
 * struct fake_module - one open module
 * @used: this place is taken
 * @unit: address on the line, 0: it has none
 * @known: somebody has asked at its address since it started
 * @stubborn: it does not take an address
 * @babbles: it answers requests to units that are not there
 * @silent: does not answer
 * @type: type code
 * @serial: serial number
 * @fw_minor: firmware, minor
 * @fw_major: firmware, major
 * @protocol: version of the waveform block; 0: there is no such block
 * @channels: channels per scan, also its slots
 * @kind: SMAPPEE_KIND_* of all channels
 * @scale: of channel c, nV or nA per LSB, plus c
 * @rate: nominal rate, Hz
 * @rates: rates supported
 * @format: sample format
 * @formats: sample formats supported
 * @depth: scans kept; its register shows 65535 at most
 * @sync_state: SMAPPEE_SYNC_*
 * @sync_offset_ns: last measured offset
 * @boot: boot counter
 * @reference: register 0x170b
 * @start_ns: when index 0 was sampled, CLOCK_MONOTONIC
 * @oldest: scans before this one are gone, whatever the depth says
 * @sync_sequence: of the next sync answer
 * @sync_ns: first edge of the last sync answer
 * @dark: it has no LEDs
 * @led: what each of its LEDs does
 * @box: what it is if it is a Power Box
 * @io: what it is if it is an input or output module
 */
struct fake_module {
	bool used;
	u8 unit;
	bool known;
	bool stubborn;
	bool babbles;
	bool silent;
	u16 type;
	u32 serial;
	u16 fw_minor;
	u16 fw_major;
	u16 protocol;
	u16 channels;
	u16 kind;
	u32 scale;
	u16 rate;
	u16 rates;
	u16 format;
	u16 formats;
	u32 depth;
	u16 sync_state;
	s32 sync_offset_ns;
	u8 boot;
	u16 reference;
	u64 start_ns;
	u64 oldest;
	u8 sync_sequence;
	u64 sync_ns;
	bool dark;
	u16 led[SMAPPEE_LEDS_MAX];
	struct fake_box *box;
	struct fake_io *io;
};

/**
 * struct fake_request - a request that the host sent
 * @time_ns: when it was complete, CLOCK_MONOTONIC
 * @unit: to whom
 * @function: function code
 * @index: samples: first scan; registers: first register
 * @count: scans or registers
 * @value: write: first value
 */
struct fake_request {
	u64 time_ns;
	u8 unit;
	u8 function;
	u32 index;
	u16 count;
	u16 value;
};

/* A node of the device tree with room for the few properties used here. */
struct fake_node {
	struct device_node np;
	struct property prop[6];
	__be32 cell;
	char name[16];
};

/*
 * The controller, its wire and its modules. The lock protects everything that
 * the wire's worker shares with tests and with the driver; it is never held while
 * the driver is called.
 */
struct fake_line {
	struct kunit *test;
	struct device *host;
	struct serdev_controller *ctrl;
	bool added;
	bool open;
	unsigned int baud;
	int baud_offset;	/* the port does so much more than asked for */
	unsigned int turnaround_us;
	bool stalled;		/* the port takes nothing */
	size_t stall_after;	/* it stalls after so many bytes; 0: it does not */
	unsigned int noise_percent;	/* answers that are damaged at random */
	unsigned int lies_percent;	/* answers that lie (fake-liar.c) */
	u8 told[64];		/* an earlier answer */
	size_t told_len;
	unsigned int jitter_us;	/* the host notices an answer up to so much late */
	bool echo;		/* the transceiver hears what the host sends */
	unsigned int echo_spoilt;	/* so many echoes have a wrong bit */
	struct rnd_state rnd;
	size_t write_chunk;	/* write_buf takes at most so much; 0: all */
	size_t read_chunk;	/* the driver gets at most so much at once */

	const char *compatible;	/* of the segment's node */
	struct fake_node port;
	struct fake_node segment;
	struct fake_node mains;
	struct fake_node label[FAKE_MODULES_MAX];
	unsigned int labels;

	spinlock_t lock;	/* all below */
	struct fake_module module[FAKE_MODULES_MAX];
	struct fake_fault fault[FAKE_FAULTS_MAX];
	struct fake_request log[FAKE_LOG];
	unsigned int requests;	/* since the start; log holds the last ones */
	unsigned int bad_requests;
	u64 wire_bytes;		/* in both directions */
	u64 sample_bytes;	/* of those, samples */
	size_t longest_bytes;	/* of one request and its answer */
	u8 rx[512];
	size_t rx_len;

	/* the worker's own */
	struct workqueue_struct *wire;
	struct work_struct work;
	u8 answer[2 * SMAPPEE_FRAME_MAX_SAMPLES + 64];
	s32 samples[SMAPPEE_SAMPLES_SCANS_MAX];
	u8 other[SMAPPEE_FRAME_MAX_SAMPLES];
	unsigned int clashes;	/* requests that several modules answered */

	wait_queue_head_t seen;	/* woken after each answer */
	unsigned int exchanges;	/* requests that were dealt with */
};

/**
 * fake_line_new() - a line without modules, not yet registered.
 * @test: owner; everything is undone when it ends
 *
 * Return: the line; the test is ended when there is no memory.
 */
struct fake_line *fake_line_new(struct kunit *test);

/**
 * fake_line_add() - register the controller: the driver probes and scans.
 * @line: the line with its modules and labels
 *
 * Returns after probe (asynchronous probes included).
 */
void fake_line_add(struct fake_line *line);

/** fake_line_remove() - the port goes, as by an unbind of its driver. */
void fake_line_remove(struct fake_line *line);

/** fake_line_local_echo() - the device tree says that the segment hears itself. */
void fake_line_local_echo(struct fake_line *line);

/**
 * fake_line_mains() - a property of the mains node
 * @line: before fake_line_add()
 * @name: of the property
 * @value: as in a device tree blob: texts with their NULs, big endian cells
 * @len: its bytes
 */
void fake_line_mains(struct fake_line *line, const char *name, const void *value, int len);

/** fake_line_serial() - the node of fake_line_label() just made is for this serial number. */
void fake_line_serial(struct fake_line *line, const char *serial);

/** fake_line_label() - a module@UNIT child with a label in the device tree. */
void fake_line_label(struct fake_line *line, u8 unit, const char *label);

/** fake_line_fault() - let something happen to the next @count answers. */
void fake_line_fault(struct fake_line *line, enum fake_fault_kind kind, u8 unit, u8 function,
		     unsigned int count, int value);

/** fake_line_inject() - bytes on the line that nobody asked for. */
void fake_line_inject(struct fake_line *line, const u8 *bytes, size_t len);

/** fake_line_resume() - let a stalled port send again. */
void fake_line_resume(struct fake_line *line);

/** fake_line_serdev() - the segment's serdev device. */
struct device *fake_line_serdev(struct fake_line *line);

/**
 * fake_line_count() - how many requests of a kind the host has sent
 * @line: the line
 * @unit: to whom, 0 for any
 * @function: function code, 0 for any
 *
 * Return: number of such requests among the last FAKE_LOG.
 */
unsigned int fake_line_count(struct fake_line *line, u8 unit, u8 function);

/** fake_line_find() - copy the @nth request of that kind; false if there are fewer. */
bool fake_line_find(struct fake_line *line, u8 unit, u8 function, unsigned int nth,
		    struct fake_request *request);

/** fake_line_pause() - until the next answer has gone out, or for a moment. */
void fake_line_pause(struct fake_line *line);

/**
 * fake_line_wait() - wait until a condition holds, looking after each answer
 * @line: the line
 * @condition: may sleep
 * @timeout_ms: for so long
 *
 * Return: the condition when it held or when @timeout_ms had passed.
 */
#define fake_line_wait(line, condition, timeout_ms)				\
({										\
	unsigned long fake_line_end = jiffies + msecs_to_jiffies(timeout_ms);	\
	struct fake_line *fake_line_waiting = (line);				\
	bool fake_line_holds;							\
										\
	while (!(fake_line_holds = (condition)) &&				\
	       time_before(jiffies, fake_line_end))				\
		fake_line_pause(fake_line_waiting);				\
	fake_line_holds;							\
})

/*
 * Modules (fake-module.c).
 */

/** fake_voltage() - add a voltage module, 3 channels, the reference when told so. */
struct fake_module *fake_voltage(struct fake_line *line, u8 unit, u32 serial);

/** fake_hub() - add a CT hub, 4 channels, locked. */
struct fake_module *fake_hub(struct fake_line *line, u8 unit, u32 serial);

/** fake_module_leds() - how many LEDs a module has. */
unsigned int fake_module_leds(const struct fake_module *module);

/** fake_module_restart() - as after a power cut: new boot, new index if it is the reference. */
void fake_module_restart(struct fake_line *line, struct fake_module *module);

/** fake_module_next() - index of the next scan of a module. */
u64 fake_module_next(const struct fake_module *module);

/** fake_sample() - what channel @channel of unit @unit samples at @index. */
s32 fake_sample(u8 unit, unsigned int channel, u64 index, bool wide);

/**
 * fake_module_answer() - the answer of the addressed module
 * @line: lock held
 * @request: a whole frame with a good CRC
 * @len: its length
 * @out: place for the answer
 *
 * Return: length of the answer, 0 for silence.
 */
size_t fake_module_answer(struct fake_line *line, const u8 *request, size_t len, u8 *out);

/*
 * A peer that lies (fake-liar.c).
 */

/** fake_line_lie() - a lie in place of an answer, which has room; returns its length. */
size_t fake_line_lie(struct fake_line *line, u8 *answer, size_t len);

/** fake_line_tell() - the liar hears this answer, and may give it later. */
void fake_line_tell(struct fake_line *line, const u8 *answer, size_t len);

/** fake_crc16() - the CRC of Modbus, bit by bit. */
u16 fake_crc16(const u8 *bytes, size_t len);

/** fake_crc32() - the CRC of Ethernet, bit by bit. */
u32 fake_crc32(const u8 *bytes, size_t len);

/** fake_seal() - append the CRC-16; returns the new length. */
size_t fake_seal(u8 *frame, size_t len);

#endif
