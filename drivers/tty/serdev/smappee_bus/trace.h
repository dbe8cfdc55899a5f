/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM smappee

#if !defined(SMAPPEE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SMAPPEE_TRACE_H

#include <linux/minmax.h>
#include <linux/tracepoint.h>

#include "modbus-rtu.h"

/* Enough for all frames but sample blocks, and for the heads of those. */
#define SMAPPEE_TRACE_BYTES	32

TRACE_EVENT(smappee_transaction,
	TP_PROTO(unsigned int segment, const struct modbus_request *rq,
		 const u8 *answer, size_t len, int status, s64 took_ns),
	TP_ARGS(segment, rq, answer, len, status, took_ns),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u8, unit)
		__field(u8, function)
		__field(size_t, len)
		__field(int, status)
		__field(s64, took_ns)
		__dynamic_array(u8, head,
				min_t(size_t, len, SMAPPEE_TRACE_BYTES))
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->unit = rq->unit;
		__entry->function = rq->function;
		__entry->len = len;
		__entry->status = status;
		__entry->took_ns = took_ns;
		memcpy(__get_dynamic_array(head), answer,
		       __get_dynamic_array_len(head));
	),
	TP_printk("segment=%u unit=%u function=0x%02x len=%zu status=%d took_ns=%lld answer=%s",
		  __entry->segment, __entry->unit, __entry->function,
		  __entry->len, __entry->status, __entry->took_ns,
		  __print_hex(__get_dynamic_array(head),
			      __get_dynamic_array_len(head)))
);

TRACE_EVENT(smappee_block,
	TP_PROTO(unsigned int segment, u8 unit, u64 index, u16 scans, u16 held,
		 u8 status),
	TP_ARGS(segment, unit, index, scans, held, status),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u8, unit)
		__field(u64, index)
		__field(u16, scans)
		__field(u16, held)
		__field(u8, status)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->unit = unit;
		__entry->index = index;
		__entry->scans = scans;
		__entry->held = held;
		__entry->status = status;
	),
	TP_printk("segment=%u unit=%u index=%llu scans=%u held=%u status=0x%02x",
		  __entry->segment, __entry->unit, __entry->index,
		  __entry->scans, __entry->held, __entry->status)
);

/* Scans that a stream does not get. */
DECLARE_EVENT_CLASS(smappee_missing,
	TP_PROTO(unsigned int segment, u8 unit, u64 index, u64 scans),
	TP_ARGS(segment, unit, index, scans),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u8, unit)
		__field(u64, index)
		__field(u64, scans)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->unit = unit;
		__entry->index = index;
		__entry->scans = scans;
	),
	TP_printk("segment=%u unit=%u index=%llu scans=%llu", __entry->segment,
		  __entry->unit, __entry->index, __entry->scans)
);

/* The module has them no longer. */
DEFINE_EVENT(smappee_missing, smappee_gap,
	TP_PROTO(unsigned int segment, u8 unit, u64 index, u64 scans),
	TP_ARGS(segment, unit, index, scans)
);

/* They came, and nobody had read the buffer. */
DEFINE_EVENT(smappee_missing, smappee_overrun,
	TP_PROTO(unsigned int segment, u8 unit, u64 index, u64 scans),
	TP_ARGS(segment, unit, index, scans)
);

TRACE_EVENT(smappee_clock,
	TP_PROTO(unsigned int segment, u64 index, u32 phase, s64 seen_ns,
		 s64 clock_ns, u64 period, int status),
	TP_ARGS(segment, index, phase, seen_ns, clock_ns, period, status),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u64, index)
		__field(u32, phase)
		__field(s64, seen_ns)
		__field(s64, clock_ns)
		__field(u64, period)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->index = index;
		__entry->phase = phase;
		__entry->seen_ns = seen_ns;
		__entry->clock_ns = clock_ns;
		__entry->period = period;
		__entry->status = status;
	),
	TP_printk("segment=%u index=%llu phase=0x%08x seen_ns=%lld clock_ns=%lld period=0x%llx status=%d",
		  __entry->segment, __entry->index, __entry->phase,
		  __entry->seen_ns, __entry->clock_ns, __entry->period,
		  __entry->status)
);

TRACE_EVENT(smappee_module,
	TP_PROTO(unsigned int segment, u8 unit, bool silent, u16 sync_state,
		 u8 boot),
	TP_ARGS(segment, unit, silent, sync_state, boot),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u8, unit)
		__field(bool, silent)
		__field(u16, sync_state)
		__field(u8, boot)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->unit = unit;
		__entry->silent = silent;
		__entry->sync_state = sync_state;
		__entry->boot = boot;
	),
	TP_printk("segment=%u unit=%u silent=%d sync_state=%u boot=%u",
		  __entry->segment, __entry->unit, __entry->silent,
		  __entry->sync_state, __entry->boot)
);

TRACE_EVENT(smappee_epoch,
	TP_PROTO(unsigned int segment, u64 index, s64 time_ns, u64 period,
		 s64 real_ns),
	TP_ARGS(segment, index, time_ns, period, real_ns),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u64, index)
		__field(s64, time_ns)
		__field(u64, period)
		__field(s64, real_ns)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->index = index;
		__entry->time_ns = time_ns;
		__entry->period = period;
		__entry->real_ns = real_ns;
	),
	TP_printk("segment=%u index=%llu time_ns=%lld period=0x%llx real_ns=%lld",
		  __entry->segment, __entry->index, __entry->time_ns,
		  __entry->period, __entry->real_ns)
);

TRACE_EVENT(smappee_poll,
	TP_PROTO(unsigned int segment, u8 unit, u16 address, u16 count,
		 int status, s64 late_ns),
	TP_ARGS(segment, unit, address, count, status, late_ns),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u8, unit)
		__field(u16, address)
		__field(u16, count)
		__field(int, status)
		__field(s64, late_ns)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->unit = unit;
		__entry->address = address;
		__entry->count = count;
		__entry->status = status;
		__entry->late_ns = late_ns;
	),
	TP_printk("segment=%u unit=%u address=0x%04x count=%u status=%d late_ns=%lld",
		  __entry->segment, __entry->unit, __entry->address,
		  __entry->count, __entry->status, __entry->late_ns)
);

/* What enumeration did with a module. */
#define SMAPPEE_ENUMERATE_ADDED		0
#define SMAPPEE_ENUMERATE_REMOVED	1
#define SMAPPEE_ENUMERATE_REFUSED	2

TRACE_EVENT(smappee_enumerate,
	TP_PROTO(unsigned int segment, u8 unit, u16 type, u32 serial, u8 what),
	TP_ARGS(segment, unit, type, serial, what),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(u8, unit)
		__field(u16, type)
		__field(u32, serial)
		__field(u8, what)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->unit = unit;
		__entry->type = type;
		__entry->serial = serial;
		__entry->what = what;
	),
	TP_printk("segment=%u unit=%u type=%u serial=%u what=%s",
		  __entry->segment, __entry->unit, __entry->type,
		  __entry->serial,
		  __print_symbolic(__entry->what, { 0, "added" },
				   { 1, "removed" }, { 2, "refused" }))
);

TRACE_EVENT(smappee_fault,
	TP_PROTO(unsigned int segment, unsigned int fault),
	TP_ARGS(segment, fault),
	TP_STRUCT__entry(
		__field(unsigned int, segment)
		__field(unsigned int, fault)
	),
	TP_fast_assign(
		__entry->segment = segment;
		__entry->fault = fault;
	),
	TP_printk("segment=%u fault=%s", __entry->segment,
		  __print_symbolic(__entry->fault, { 0, "drop_byte" },
				   { 1, "corrupt" }, { 2, "write" },
				   { 3, "late" }))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
