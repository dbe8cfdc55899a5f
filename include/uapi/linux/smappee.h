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
#define SMAPPEE_FC_DISCOVER		0x42	/* reserved */
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

#endif
