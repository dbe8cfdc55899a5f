/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bus of modular energy meters: what drivers of modules need, and all they need.
 *
 * See Documentation/driver-api/smappee/client.rst.
 */
#ifndef _LINUX_SMAPPEE_BUS_H
#define _LINUX_SMAPPEE_BUS_H

#include <linux/device.h>
#include <linux/stringify.h>
#include <linux/time.h>
#include <linux/types.h>
#include <uapi/linux/smappee.h>

/**
 * struct smappee_device_id - a type of module that a driver is for
 * @type: SMAPPEE_TYPE_*; 0 ends a table
 * @driver_data: the driver's own
 */
struct smappee_device_id {
	u16 type;
	unsigned long driver_data;
};

/**
 * MODULE_ALIAS_SMAPPEE() - let a driver be loaded for a type of module
 * @type: SMAPPEE_TYPE_*
 *
 * The kernel's tables of module aliases do not know this bus, so a driver says
 * it once per entry of its id table. The "s" of the slots ends the type: 950 is
 * not 9500.
 */
#define MODULE_ALIAS_SMAPPEE(type) \
	MODULE_ALIAS("smappee:t" __stringify(type) "s*")

/**
 * struct smappee_channel - one input of a waveform module
 * @kind: SMAPPEE_KIND_*
 * @sensor: CT type code, 0 for voltages
 * @scale: nV or nA per LSB of a 16-bit sample; a 24-bit LSB is 1/256 of it
 */
struct smappee_channel {
	u16 kind;
	u16 sensor;
	u32 scale;
};

/* The input of a register module whose slot no channel shows. */
#define SMAPPEE_CHANNEL_NONE	0xff

/**
 * struct smappee_input - one CT input of a module behind a Power Box
 * @slot: the box's number of it
 * @channel: where the box's arrays show it, or SMAPPEE_CHANNEL_NONE
 */
struct smappee_input {
	u8 slot;
	u8 channel;
};

/* Phase conductors of mains, and room for the name of one. */
#define SMAPPEE_CONDUCTORS_MAX	3
#define SMAPPEE_CONDUCTOR_NAME	16

/**
 * struct smappee_mains - what the firmware says of the mains of a segment
 * @topology: "1p", "2p+n", "3p+n", "3p" or "high-leg"; NULL: not known
 * @voltage_uv: nominal RMS voltage between the first phase conductor and neutral, or
 *		between phase conductors where there is none, uV; 0: not known
 * @frequency_hz: nominal frequency; 0: not known
 * @primary: voltage of the mains ...
 * @secondary: ... for this one at the terminals, with potential transformers between
 *	       them; 0: there are none
 * @names: entries in @name; 0: not known
 * @name: names of the phase conductors, by voltage channel
 */
struct smappee_mains {
	const char *topology;
	u32 voltage_uv;
	u32 frequency_hz;
	u32 primary;
	u32 secondary;
	unsigned int names;
	char name[SMAPPEE_CONDUCTORS_MAX][SMAPPEE_CONDUCTOR_NAME];
};

/**
 * struct smappee_device - a module on a segment
 * @dev: the device
 * @unit: unit address; that of the Power Box for a module behind one
 * @entry: entry in the Power Box's device table; -1 for all other modules
 * @type: type code, SMAPPEE_TYPE_*
 * @slots: measuring slots: 1 to 8, 1 to 21 behind a Power Box
 * @serial: serial number, 1 to 999999
 * @firmware_major: firmware
 * @firmware_minor: firmware
 * @label: label from the firmware description, or the printed serial number
 * @channels: channels per scan, 0 if it is no waveform module
 * @channel: the channels
 * @rates: sampling rates supported, SMAPPEE_RATES_*
 * @format: sample format that the bus has chosen, SMAPPEE_FORMAT_*
 * @input: CT inputs of a module behind a Power Box, as many as @slots
 *
 * All but @dev are constant while the device exists.
 */
struct smappee_device {
	struct device dev;
	u8 unit;
	s8 entry;
	u16 type;
	u16 slots;
	u32 serial;
	u16 firmware_major;
	u16 firmware_minor;
	const char *label;
	u8 channels;
	struct smappee_channel channel[SMAPPEE_CHANNELS_MAX];
	u16 rates;
	u8 format;
	struct smappee_input input[SMAPPEE_PB_ENTRY_SLOTS_MAX];
};

#define to_smappee_device(d) container_of_const(d, struct smappee_device, dev)

/**
 * struct smappee_driver - a driver of modules
 * @driver: the driver; the bus sets bus and owner
 * @id_table: types that it is for
 * @probe: a module appeared; may sleep
 * @remove: it is gone or the driver is
 */
struct smappee_driver {
	struct device_driver driver;
	const struct smappee_device_id *id_table;
	int (*probe)(struct smappee_device *sdev);
	void (*remove)(struct smappee_device *sdev);
};

int __smappee_driver_register(struct smappee_driver *sdrv,
			      struct module *owner);
void smappee_driver_unregister(struct smappee_driver *sdrv);

#define smappee_driver_register(sdrv) \
	__smappee_driver_register(sdrv, THIS_MODULE)

#define module_smappee_driver(sdrv) \
	module_driver(sdrv, smappee_driver_register, smappee_driver_unregister)

/**
 * struct smappee_times - clocks of a block's scans
 * @offset_ns: what to add to a time in CLOCK_MONOTONIC to get it in
 *	       @CLOCK_REALTIME, in @CLOCK_BOOTTIME, in @CLOCK_TAI and in
 *	       @CLOCK_MONOTONIC_RAW, in this order
 */
struct smappee_times {
	s64 offset_ns[4];
};

/**
 * smappee_times_offset() - what turns a time into that of another clock
 * @times: the offsets
 * @clock: the other clock
 *
 * A coarse clock gets the time of the fine one.
 *
 * Return: ns to add to CLOCK_MONOTONIC; 0 for that and for clocks without an
 * offset to it.
 */
static inline s64 smappee_times_offset(const struct smappee_times *times,
				       clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return times->offset_ns[0];
	case CLOCK_BOOTTIME:
		return times->offset_ns[1];
	case CLOCK_TAI:
		return times->offset_ns[2];
	case CLOCK_MONOTONIC_RAW:
		return times->offset_ns[3];
	default:
		return 0;
	}
}

/**
 * struct smappee_block - scans in a row, decoded
 * @index: index of the first, 64 bits
 * @scans: how many, at least 1
 * @bits: width of a sample: 16 (s16) or 24 (s32), CPU endian
 * @data: the scans; the channels of a scan one after the other
 * @stride: bytes from one scan in @data to the next. The samples of a scan are
 *	    followed by room up to the next multiple of 8 bytes and then 8 bytes
 *	    more, which the driver may write to.
 * @time_ns: time of each scan, CLOCK_MONOTONIC
 * @times: how these times read on other clocks, for all scans of the block
 *
 * A block is valid for the call it is passed to. Two devices of a segment get
 * the same @time_ns and @times for the same index.
 */
struct smappee_block {
	u64 index;
	unsigned int scans;
	unsigned int bits;
	void *data;
	size_t stride;
	const s64 *time_ns;
	const struct smappee_times *times;
};

struct smappee_poller;

/**
 * struct smappee_poll - what one poll of a Power Box gave
 * @time_ns: when it answered, CLOCK_MONOTONIC; the same for the box and for all
 *	     modules behind it
 * @times: how this time reads on other clocks
 * @poller: whose registers these are, for smappee_poll_regs()
 *
 * It is valid for the call it is passed to.
 */
struct smappee_poll {
	s64 time_ns;
	const struct smappee_times *times;
	const struct smappee_poller *poller;
};

/**
 * struct smappee_sink - where a module's scans go
 * @push: takes a block of a waveform module
 * @poll: takes a poll of a Power Box or of a module behind one
 *
 * A driver sets the one that its modules have. They are called in a kernel thread,
 * one call at a time; they may sleep, but all modules of the segment wait for it
 * meanwhile. They must not take a lock that is held around smappee_stream_stop().
 */
struct smappee_sink {
	void (*push)(struct smappee_sink *sink,
		     const struct smappee_block *block);
	void (*poll)(struct smappee_sink *sink,
		     const struct smappee_poll *poll);
};

int smappee_stream_start(struct smappee_device *sdev,
			 struct smappee_sink *sink);
void smappee_stream_stop(struct smappee_device *sdev);

unsigned int smappee_stream_rate(struct smappee_device *sdev);
unsigned int smappee_stream_rates(struct smappee_device *sdev);
int smappee_stream_set_rate(struct smappee_device *sdev, unsigned int rate_hz);

const u16 *smappee_poll_regs(const struct smappee_poll *poll, u16 address,
			     u16 count);
int smappee_poll_read(struct smappee_device *sdev, u16 address, u16 count,
		      u16 *values);

int smappee_read_registers(struct smappee_device *sdev, u16 address, u16 count,
			   u16 *values);
int smappee_write_registers(struct smappee_device *sdev, u16 address, u16 count,
			    const u16 *values);

const struct smappee_mains *smappee_segment_mains(struct smappee_device *sdev);

unsigned int smappee_renewals(struct smappee_device *sdev);
void smappee_rescan(struct smappee_device *sdev);

int smappee_watch_registers(struct smappee_device *sdev, u16 address, u16 count,
			    u16 *values, s64 *time_ns);
int smappee_watch_boot(struct smappee_device *sdev, u16 boot);

u64 smappee_lost_scans(struct smappee_device *sdev);
u64 smappee_repaired_blocks(struct smappee_device *sdev);
u64 smappee_overruns(struct smappee_device *sdev);
void smappee_count_overruns(struct smappee_device *sdev, u64 index,
			    unsigned int scans);

#endif
