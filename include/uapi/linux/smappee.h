/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Register map, function codes and frame layouts of open modular energy
 * metering modules, shared by the kernel and user space. The canonical
 * description, with units, ranges and worked frames, is
 * Documentation/driver-api/smappee/protocol.rst; this file only gives the
 * numbers their names.
 */
#ifndef _UAPI_LINUX_SMAPPEE_H
#define _UAPI_LINUX_SMAPPEE_H

/* Unit addresses (Modbus over serial line, section 2.2). */
#define SMAPPEE_UNIT_BROADCAST		0
#define SMAPPEE_UNIT_MIN		1
#define SMAPPEE_UNIT_MAX		247
/* A scan looks at the device-tree list first, then at 1..this. */
#define SMAPPEE_UNIT_SCAN_MAX		32

/* Function codes. */
#define SMAPPEE_FC_READ_REGISTERS	0x03
#define SMAPPEE_FC_WRITE_REGISTERS	0x10
#define SMAPPEE_FC_READ_SAMPLES		0x41
#define SMAPPEE_FC_DISCOVER		0x42
#define SMAPPEE_FC_SYNC			0x43
#define SMAPPEE_FC_EXCEPTION		0x80	/* or-ed to the function code */

/* Exception codes. */
#define SMAPPEE_EX_ILLEGAL_FUNCTION	0x01
#define SMAPPEE_EX_ILLEGAL_ADDRESS	0x02
#define SMAPPEE_EX_ILLEGAL_VALUE	0x03
#define SMAPPEE_EX_DEVICE_FAILURE	0x04
#define SMAPPEE_EX_BUSY			0x06

/* Frame sizes in bytes, address and CRC included. */
#define SMAPPEE_FRAME_MIN		4
#define SMAPPEE_FRAME_MAX_MODBUS	256
#define SMAPPEE_FRAME_MAX_SAMPLES	4118
#define SMAPPEE_REGS_MAX		125

/* From the last byte of a request to the first edge of its answer, at most. */
#define SMAPPEE_TURNAROUND_US		2000

/* Identity block, laid out as that of the Power Box. */
#define SMAPPEE_REG_IDENTITY		0x1620
#define SMAPPEE_REG_TYPE		0x1620	/* u16 */
#define SMAPPEE_REG_SLOTS		0x1621	/* u16 */
#define SMAPPEE_REG_SERIAL		0x1622	/* u32, low word first */
#define SMAPPEE_REG_FW_MINOR		0x1624	/* u16 */
#define SMAPPEE_REG_FW_MAJOR		0x1625	/* u16 */
#define SMAPPEE_REG_STATUS		0x1626	/* u32, low word first */
#define SMAPPEE_REG_UPTIME		0x1628	/* u32, low word first, s */
#define SMAPPEE_REG_IDENTITY_COUNT	10

/* Module types. The open types are this project's own. */
#define SMAPPEE_TYPE_POWER_BOX		5400
#define SMAPPEE_TYPE_CT_HUB		5500
#define SMAPPEE_TYPE_SOLID_CORE		5600
#define SMAPPEE_TYPE_OPEN_VOLTAGE	9400
#define SMAPPEE_TYPE_OPEN_CT_HUB	9500
#define SMAPPEE_TYPE_OPEN_SOLID_CORE	9600
#define SMAPPEE_TYPE_OPEN_INPUT		9700
#define SMAPPEE_TYPE_OPEN_OUTPUT	9800

/* Bits of the status word. */
#define SMAPPEE_WORD_LOCKED		0x01	/* sync locked */
#define SMAPPEE_WORD_SATURATED		0x02	/* a channel is at a rail now */
#define SMAPPEE_WORD_FAIL_SAFE		0x04	/* fail-safe state in force */

/* Waveform block of open modules. */
#define SMAPPEE_REG_WAVEFORM		0x1700
#define SMAPPEE_REG_PROTOCOL		0x1700	/* u16, 1 */
#define SMAPPEE_REG_RATE		0x1701	/* u16, Hz, writable */
#define SMAPPEE_REG_RATES		0x1702	/* u16, SMAPPEE_RATES_* */
#define SMAPPEE_REG_FORMAT		0x1703	/* u16, SMAPPEE_FORMAT_*, writable */
#define SMAPPEE_REG_FORMATS		0x1704	/* u16, BIT(SMAPPEE_FORMAT_*) */
#define SMAPPEE_REG_DEPTH		0x1705	/* u16, scans kept */
#define SMAPPEE_REG_CHANNELS		0x1706	/* u16 */
#define SMAPPEE_REG_SYNC_STATE		0x1707	/* u16, SMAPPEE_SYNC_* */
#define SMAPPEE_REG_SYNC_OFFSET		0x1708	/* s32, low word first, ns */
#define SMAPPEE_REG_BOOT		0x170a	/* u16, restarts, wraps at 256 */
#define SMAPPEE_REG_REFERENCE		0x170b	/* u16, 1: this module is the reference, writable */
#define SMAPPEE_REG_WAVEFORM_COUNT	12

#define SMAPPEE_PROTOCOL_VERSION	1

#define SMAPPEE_RATES_2000		0x0001
#define SMAPPEE_RATES_4000		0x0002
#define SMAPPEE_RATES_8000		0x0004

/* Channel block: SMAPPEE_REG_CHANNEL + 4 * channel. */
#define SMAPPEE_REG_CHANNEL		0x1710
#define SMAPPEE_REG_CHANNEL_STRIDE	4
#define SMAPPEE_CHANNEL_KIND		0	/* u16, SMAPPEE_KIND_* */
#define SMAPPEE_CHANNEL_SENSOR		1	/* u16, CT type code */
#define SMAPPEE_CHANNEL_SCALE		2	/* u32, low word first, nV or nA per LSB */
#define SMAPPEE_CHANNELS_MAX		8

#define SMAPPEE_KIND_NONE		0
#define SMAPPEE_KIND_VOLTAGE		1
#define SMAPPEE_KIND_CURRENT		2

/* Input block of open input modules. */
#define SMAPPEE_REG_INPUT		0x1800
#define SMAPPEE_REG_INPUT_BOOT		0x1800	/* u16, restarts, wraps */
#define SMAPPEE_REG_INPUT_LEVELS	0x1801	/* u16, bit n: input n is closed */
#define SMAPPEE_REG_INPUT_EDGES		0x1802	/* u32, number of the next edge */
#define SMAPPEE_REG_INPUT_CLOCK		0x1804	/* u32, ms since the restart */
#define SMAPPEE_REG_INPUT_EPOCH		0x1806	/* u16, another one: counters began at 0 */
#define SMAPPEE_REG_INPUT_COUNT		0x1808	/* u32, pulses, by input */
#define SMAPPEE_REG_INPUT_CLOSED	0x1818	/* u16, ms, by input, writable */
#define SMAPPEE_REG_INPUT_OPEN		0x1820	/* u16, ms, by input, writable */
#define SMAPPEE_REG_INPUT_EDGE		0x1840	/* the last edges, a ring */
#define SMAPPEE_REG_INPUT_END		0x18c0

#define SMAPPEE_INPUTS_MAX		8
#define SMAPPEE_INPUT_DEBOUNCE_MAX	10000	/* ms */
#define SMAPPEE_INPUT_DEBOUNCE		10	/* ms, until somebody writes */
#define SMAPPEE_EDGES			32	/* that a module remembers */
#define SMAPPEE_EDGE_STRIDE		4
#define SMAPPEE_EDGE_TIME		0	/* u32, ms of the module's clock */
#define SMAPPEE_EDGE_WHAT		2	/* u16, input and SMAPPEE_EDGE_CLOSED */
#define SMAPPEE_EDGE_NUMBER		3	/* u16, low bits of its number */
#define SMAPPEE_EDGE_CLOSED		0x0100
#define SMAPPEE_EDGE_INPUT		0x00ff

/* LED block of open modules: LED 0 is the status LED. */
#define SMAPPEE_REG_LEDS		0x1900	/* u16, how many */
#define SMAPPEE_REG_LED			0x1901	/* u16, SMAPPEE_LED_*, by LED, writable */
#define SMAPPEE_LEDS_MAX		9

#define SMAPPEE_LED_MODULE		0	/* what the module wants */
#define SMAPPEE_LED_OFF			1
#define SMAPPEE_LED_ON			2
#define SMAPPEE_LED_IDENTIFY		3	/* three pulses per second */
#define SMAPPEE_LED_SLOW		4	/* a short pulse every 3 s */
#define SMAPPEE_LED_ONE			5	/* one per second */
#define SMAPPEE_LED_TWO			6	/* two per second */

/* Output block of open output modules. */
#define SMAPPEE_REG_OUTPUT		0x1a00
#define SMAPPEE_REG_OUTPUT_BOOT		0x1a00	/* u16, restarts, wraps */
#define SMAPPEE_REG_OUTPUT_RELAYS	0x1a01	/* u16, bit n: relay n is on */
#define SMAPPEE_REG_OUTPUT_SWITCH	0x1a02	/* u16, bit n: take the state of bit 8 + n */
#define SMAPPEE_REG_OUTPUT_CAUSE	0x1a03	/* u16, SMAPPEE_CAUSE_* */
#define SMAPPEE_REG_OUTPUT_TIMEOUT	0x1a04	/* u16, s, 0 none, writable */
#define SMAPPEE_REG_OUTPUT_SAFE		0x1a05	/* u16, on in bit n, stays in bit 8 + n, writable */
#define SMAPPEE_REG_OUTPUT_HEARTBEAT	0x1a06	/* u16, write 1 */
#define SMAPPEE_REG_OUTPUT_LEFT		0x1a07	/* u16, s */
#define SMAPPEE_REG_OUTPUT_IN_FORCE	0x1a08	/* u16, 1: the fail-safe state is */
#define SMAPPEE_REG_OUTPUT_START	0x1a09	/* u16, state after a restart, writable */
#define SMAPPEE_REG_OUTPUT_COUNT	10

#define SMAPPEE_RELAYS_MAX		8
#define SMAPPEE_RELAY_STAYS		8	/* shift of the bits that keep a state */

#define SMAPPEE_CAUSE_RESTART		0
#define SMAPPEE_CAUSE_HOST		1
#define SMAPPEE_CAUSE_FAIL_SAFE		2

/* Sample formats. */
#define SMAPPEE_FORMAT_S16		1
#define SMAPPEE_FORMAT_S24		2
#define SMAPPEE_FORMAT_S16_PACKED	3
#define SMAPPEE_FORMAT_S24_PACKED	4

/* Sync state of a module. */
#define SMAPPEE_SYNC_FREE		0
#define SMAPPEE_SYNC_LOCKING		1
#define SMAPPEE_SYNC_LOCKED		2
#define SMAPPEE_SYNC_REFERENCE		3

/* Read samples (0x41): request, 10 bytes. */
#define SMAPPEE_SAMPLES_REQ_INDEX	2	/* be32, first index wanted */
#define SMAPPEE_SAMPLES_REQ_SCANS	6	/* be16, most scans wanted */
#define SMAPPEE_SAMPLES_REQ_LEN		10

/* Read samples (0x41): answer. */
#define SMAPPEE_SAMPLES_FORMAT		2	/* u8, SMAPPEE_FORMAT_* */
#define SMAPPEE_SAMPLES_CHANNELS	3	/* u8 */
#define SMAPPEE_SAMPLES_STATUS		4	/* u8, SMAPPEE_STATUS_* */
#define SMAPPEE_SAMPLES_BOOT		5	/* u8 */
#define SMAPPEE_SAMPLES_INDEX		6	/* be32, index of the first scan */
#define SMAPPEE_SAMPLES_SCANS		10	/* be16, scans in this answer */
#define SMAPPEE_SAMPLES_HELD		12	/* be16, newer scans still held */
#define SMAPPEE_SAMPLES_BYTES		14	/* be16, bytes of data */
#define SMAPPEE_SAMPLES_DATA		16
#define SMAPPEE_SAMPLES_TAIL		6	/* be32 CRC-32, CRC-16 */
#define SMAPPEE_SAMPLES_DATA_MAX	4096

#define SMAPPEE_STATUS_LOCKED		0x01	/* index is aligned to the reference */
#define SMAPPEE_STATUS_SATURATED	0x02	/* a sample of this block is at a rail */
#define SMAPPEE_STATUS_OVERWRITTEN	0x04	/* older scans that were asked for are gone */
#define SMAPPEE_STATUS_REFERENCE	0x08	/* this module is the reference */

#define SMAPPEE_SAMPLES_SCANS_MAX	1024

/* Packed data: per channel a head byte, then samples and residuals. */
#define SMAPPEE_PACK_GROUP		16	/* residuals that share a width */
#define SMAPPEE_PACK_ORDER_MAX		2

/* Sync (0x43): request, 4 bytes; answer, 16 bytes. */
#define SMAPPEE_SYNC_REQ_LEN		4
#define SMAPPEE_SYNC_SEQ		2	/* u8, number of this answer */
#define SMAPPEE_SYNC_BOOT		3	/* u8 */
#define SMAPPEE_SYNC_INDEX		4	/* be32, at the first edge of answer SEQ - 1 */
#define SMAPPEE_SYNC_PHASE		8	/* be32, 2^-32 of a sample period */
#define SMAPPEE_SYNC_RATE		12	/* be16, Hz, nominal */
#define SMAPPEE_SYNC_LEN		16

/*
 * Discover (0x42): request to unit 0 and answer have the same layout, 14 bytes.
 * The key of a module is type << 20 | serial; its lowest bits are compared.
 */
#define SMAPPEE_DISCOVER_OPERATION	2	/* u8, SMAPPEE_DISCOVER_SEARCH... */
#define SMAPPEE_DISCOVER_UNIT		3	/* u8 */
#define SMAPPEE_DISCOVER_BITS		4	/* u8, bits of the key compared */
#define SMAPPEE_DISCOVER_RESERVED	5	/* u8, 0 */
#define SMAPPEE_DISCOVER_TYPE		6	/* be16 */
#define SMAPPEE_DISCOVER_SERIAL		8	/* be32 */
#define SMAPPEE_DISCOVER_LEN		14

#define SMAPPEE_DISCOVER_SEARCH		0x01	/* unit 0: new modules; else those with it */
#define SMAPPEE_DISCOVER_ASSIGN		0x02	/* all bits; unit 0: no address any more */
#define SMAPPEE_DISCOVER_RELEASE	0x03	/* not answered; unit 0: whatever the address */
#define SMAPPEE_DISCOVER_ANSWER		0x80	/* or-ed to the operation in an answer */

#define SMAPPEE_KEY_SERIAL_BITS		20
#define SMAPPEE_KEY_BITS		34
#define SMAPPEE_TYPE_MAX		9999
#define SMAPPEE_SERIAL_MAX		999999

/*
 * Power Box: a register module, by its public register map
 * (Documentation/driver-api/smappee/power-box.rst). Addresses are those of the
 * first item, a stride is the distance of two items in registers. f32, s32 and
 * u32 take two registers, LOW word first, bytes big-endian inside each.
 */
#define SMAPPEE_PB_UNIT			61
#define SMAPPEE_PB_BIT_RATE		38400
#define SMAPPEE_PB_FW_MAJOR_MIN		1	/* older ones have another layout */
#define SMAPPEE_PB_FW_MINOR_MIN		44
#define SMAPPEE_PB_REFRESH_MS		100
#define SMAPPEE_PB_PHASES		3
#define SMAPPEE_PB_CHANNELS		28	/* what the arrays are indexed by */
#define SMAPPEE_PB_SLOTS		28	/* physical CT inputs, mapped to channels */
#define SMAPPEE_PB_METERS		27	/* virtual meters */
#define SMAPPEE_PB_ENTRIES		10	/* of the device table */

/* Measurements, read only, by phase, channel or virtual meter. */
#define SMAPPEE_PB_REG_VOLTAGE		0x0000	/* f32, V, RMS to neutral, by phase */
#define SMAPPEE_PB_REG_CURRENT		0x0080	/* f32, A, RMS, by channel */
#define SMAPPEE_PB_REG_ACTIVE		0x0100	/* f32, W, 1 s */
#define SMAPPEE_PB_REG_ACTIVE_1		0x0102	/* f32, W, fundamental, 1 s */
#define SMAPPEE_PB_REG_REACTIVE		0x0180	/* f32, var, 1 s */
#define SMAPPEE_PB_REG_REACTIVE_1	0x0182	/* f32, var, fundamental, 1 s */
#define SMAPPEE_PB_REG_APPARENT		0x0300	/* f32, VA, 1 s */
#define SMAPPEE_PB_REG_APPARENT_1	0x0302	/* f32, VA, fundamental, 1 s */
#define SMAPPEE_PB_STRIDE		4	/* of all of the above */
#define SMAPPEE_PB_REG_ACTIVE_100MS	0x0380	/* f32, W, 100 ms */
#define SMAPPEE_PB_ACTIVE_100MS_STRIDE	2
#define SMAPPEE_PB_REG_METER_ACTIVE	0x03c0	/* f32, W, by virtual meter */
#define SMAPPEE_PB_METER_ACTIVE_STRIDE	2
#define SMAPPEE_PB_REG_NOMINAL		0x03f6	/* f32, Hz, 50 or 60 */
#define SMAPPEE_PB_REG_FREQUENCY	0x03f8	/* f32, Hz */
#define SMAPPEE_PB_REG_IMPORT		0x3000	/* s32, Wh, by channel */
#define SMAPPEE_PB_REG_EXPORT		0x3002	/* s32, Wh */
#define SMAPPEE_PB_ENERGY_STRIDE	4
#define SMAPPEE_PB_REG_METER_IMPORT	0x3100	/* s32, Wh, by virtual meter */
#define SMAPPEE_PB_REG_METER_EXPORT	0x3102	/* s32, Wh */
#define SMAPPEE_PB_METER_ENERGY_STRIDE	8

/* Settings; kept over a restart when they were saved. */
#define SMAPPEE_PB_REG_IDENTIFY		0x0900	/* u16, by slot, write 1 */
#define SMAPPEE_PB_REG_PHASE		0x1000	/* u16, by channel, SMAPPEE_PB_PHASE_* */
#define SMAPPEE_PB_REG_CT_TYPE		0x1100	/* u16, by channel, SMAPPEE_PB_CT_* */
#define SMAPPEE_PB_REG_SLOT_MAP		0x1140	/* u16, by channel: its slot */
#define SMAPPEE_PB_REG_PHANTOM		0x1180	/* u16, SMAPPEE_PB_PHANTOM_* */
#define SMAPPEE_PB_REG_UNIT		0x1181	/* u16 */
#define SMAPPEE_PB_REG_METER_MASK	0x1400	/* u32, by virtual meter: channels */
#define SMAPPEE_PB_METER_MASK_STRIDE	2
#define SMAPPEE_PB_REG_SAVE		0xfde8	/* u16, write 1; then busy for a while */

/* Associated voltage: low nibble positive, high nibble negative terminal. */
#define SMAPPEE_PB_PHASE_NONE		0x00
#define SMAPPEE_PB_PHASE_L1		0x01
#define SMAPPEE_PB_PHASE_L2		0x02
#define SMAPPEE_PB_PHASE_L3		0x04
#define SMAPPEE_PB_PHASE_L1_REVERSED	0x10
#define SMAPPEE_PB_PHASE_L2_REVERSED	0x20
#define SMAPPEE_PB_PHASE_L3_REVERSED	0x40
#define SMAPPEE_PB_PHASE_L1_L2		0x21
#define SMAPPEE_PB_PHASE_L2_L1		0x12
#define SMAPPEE_PB_PHASE_L2_L3		0x42
#define SMAPPEE_PB_PHASE_L3_L2		0x24
#define SMAPPEE_PB_PHASE_L1_L3		0x41
#define SMAPPEE_PB_PHASE_L3_L1		0x14

/* CT types. */
#define SMAPPEE_PB_CT_SCT01_50A		0	/* 50, 100 and 200 A */
#define SMAPPEE_PB_CT_SCT01_400A	1	/* 400 and 800 A */
#define SMAPPEE_PB_CT_ROGOWSKI_600A	2	/* 100 mV */
#define SMAPPEE_PB_CT_SCT02_50A		3
#define SMAPPEE_PB_CT_SCT02_100A	4
#define SMAPPEE_PB_CT_SCT02_200A	5
#define SMAPPEE_PB_CT_SCT02_400A	6
#define SMAPPEE_PB_CT_SCT02_800A	7
#define SMAPPEE_PB_CT_SCT03_50A		8
#define SMAPPEE_PB_CT_SCT03_100A	9
#define SMAPPEE_PB_CT_SCT03_200A	10
#define SMAPPEE_PB_CT_ROGOWSKI_400A	11	/* 100 mV */
#define SMAPPEE_PB_CT_CLOSED		12	/* Solid Core */
#define SMAPPEE_PB_CT_NO_PHASE		13	/* no phase adjustment */
#define SMAPPEE_PB_CT_NO_SHIFT		14	/* no shift correction */
#define SMAPPEE_PB_CT_ROGOWSKI_200A	15
#define SMAPPEE_PB_CT_TYPES		16

#define SMAPPEE_PB_PHANTOM_OFF		0
#define SMAPPEE_PB_PHANTOM_THREE	1	/* 120 degrees */
#define SMAPPEE_PB_PHANTOM_TWO		2	/* 180 degrees */
#define SMAPPEE_PB_PHANTOM_STAR		3	/* virtual star point */

/*
 * Device table: the modules behind the Power Box. Entries are not packed; type 0
 * is an empty one. Its own head has the same layout at SMAPPEE_REG_IDENTITY.
 */
#define SMAPPEE_PB_REG_TABLE		0x1480
#define SMAPPEE_PB_ENTRY_STRIDE		0x20
#define SMAPPEE_PB_ENTRY_TYPE		0x00	/* u16 */
#define SMAPPEE_PB_ENTRY_SLOTS		0x01	/* u16 */
#define SMAPPEE_PB_ENTRY_SERIAL		0x02	/* s32 */
#define SMAPPEE_PB_ENTRY_FW_MINOR	0x04	/* u16 */
#define SMAPPEE_PB_ENTRY_FW_MAJOR	0x05	/* u16 */
#define SMAPPEE_PB_ENTRY_STATUS		0x06	/* s32, bits not known */
#define SMAPPEE_PB_ENTRY_LAST		0x08	/* s32, unit not known */
#define SMAPPEE_PB_ENTRY_SLOT		0x0a	/* u16, slot number of its input A */
#define SMAPPEE_PB_ENTRY_GAP		8	/* from this input on one register later */
#define SMAPPEE_PB_ENTRY_SLOTS_MAX	21
#define SMAPPEE_TYPE_CT_HUB_2		5520	/* seen once, another CT Hub */

#endif
