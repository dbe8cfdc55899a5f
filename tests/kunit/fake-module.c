// SPDX-License-Identifier: GPL-2.0
/*
 * What the modules of the fake segment say, written from protocol.rst alone:
 * registers, blocks of samples in all four formats, sync.
 */

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/timekeeping.h>
#include <linux/unaligned.h>

#include <kunit/test.h>

#include "fake-box.h"
#include "fake-io.h"
#include "fake-line.h"

u16 fake_crc16(const u8 *bytes, size_t len)
{
	u16 crc = 0xffff;

	while (len--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
	}
	return crc;
}

u32 fake_crc32(const u8 *bytes, size_t len)
{
	u32 crc = ~0;

	while (len--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

size_t fake_seal(u8 *frame, size_t len)
{
	put_unaligned_le16(fake_crc16(frame, len), frame + len);
	return len + 2;
}

s32 fake_sample(u8 unit, unsigned int channel, u64 index, bool wide)
{
	s32 value = unit * 1000 + channel * 100 + (s32)(index % 5003) * 3;

	return wide ? value * 200 : value;
}

static u64 fake_index_at(const struct fake_module *module, u64 ns)
{
	return mul_u64_u32_div(ns - module->start_ns, module->rate, NSEC_PER_SEC);
}

u64 fake_module_next(const struct fake_module *module)
{
	return fake_index_at(module, ktime_get_ns()) + 1;
}

static struct fake_module *fake_free_place(struct fake_line *line)
{
	for (int i = 0; i < FAKE_MODULES_MAX; i++) {
		if (!line->module[i].used)
			return &line->module[i];
	}
	return NULL;
}

static struct fake_module *fake_reference(struct fake_line *line)
{
	for (int i = 0; i < FAKE_MODULES_MAX; i++) {
		if (line->module[i].used && line->module[i].reference)
			return &line->module[i];
	}
	return NULL;
}

static struct fake_module *fake_module_new(struct fake_line *line, u8 unit, u32 serial)
{
	struct fake_module *module = fake_free_place(line);

	KUNIT_ASSERT_NOT_NULL(line->test, module);
	*module = (struct fake_module){
		.used = true,
		.unit = unit,
		.serial = serial,
		.fw_minor = 7,
		.fw_major = 1,
		.protocol = SMAPPEE_PROTOCOL_VERSION,
		.rate = 4000,
		.rates = SMAPPEE_RATES_2000 | SMAPPEE_RATES_4000,
		.format = SMAPPEE_FORMAT_S16,
		.formats = BIT(SMAPPEE_FORMAT_S16) | BIT(SMAPPEE_FORMAT_S24) |
			   BIT(SMAPPEE_FORMAT_S16_PACKED) | BIT(SMAPPEE_FORMAT_S24_PACKED),
		.depth = 2048,
		.sync_offset_ns = 12,
		.boot = 5,
		.start_ns = ktime_get_ns(),
	};
	return module;
}

struct fake_module *fake_voltage(struct fake_line *line, u8 unit, u32 serial)
{
	struct fake_module *module = fake_module_new(line, unit, serial);

	module->type = SMAPPEE_TYPE_OPEN_VOLTAGE;
	module->channels = 3;
	module->kind = SMAPPEE_KIND_VOLTAGE;
	module->scale = 30517578;	/* 1000 V full scale */
	return module;
}

struct fake_module *fake_hub(struct fake_line *line, u8 unit, u32 serial)
{
	struct fake_module *module = fake_module_new(line, unit, serial);

	module->type = SMAPPEE_TYPE_OPEN_CT_HUB;
	module->channels = 4;
	module->kind = SMAPPEE_KIND_CURRENT;
	module->scale = 4577637;	/* 150 A full scale */
	module->sync_state = SMAPPEE_SYNC_LOCKED;
	return module;
}

unsigned int fake_module_leds(const struct fake_module *module)
{
	switch (module->type) {
	case SMAPPEE_TYPE_OPEN_CT_HUB:
	case SMAPPEE_TYPE_OPEN_SOLID_CORE:
	case SMAPPEE_TYPE_OPEN_INPUT:
		return 1 + module->channels;
	default:
		return 1;
	}
}

static void fake_restart(struct fake_line *line, struct fake_module *module)
{
	memset(module->led, 0, sizeof(module->led));
	module->boot++;
	module->sync_sequence = 0;
	module->sync_ns = 0;
	module->oldest = 0;
	if (module->reference || !fake_reference(line))
		module->start_ns = ktime_get_ns();
}

void fake_module_restart(struct fake_line *line, struct fake_module *module)
{
	spin_lock(&line->lock);
	fake_restart(line, module);
	spin_unlock(&line->lock);
}

static size_t fake_exception(u8 *out, const u8 *request, u8 code)
{
	out[0] = request[0];
	out[1] = request[1] | SMAPPEE_FC_EXCEPTION;
	out[2] = code;
	return fake_seal(out, 3);
}

static u16 fake_sync_state(const struct fake_module *module)
{
	return module->reference ? SMAPPEE_SYNC_REFERENCE : module->sync_state;
}

static bool fake_has_index(const struct fake_module *module)
{
	return module->reference || module->sync_state == SMAPPEE_SYNC_LOCKED;
}

static u16 fake_identity(const struct fake_module *module, unsigned int n)
{
	u32 uptime = div_u64(ktime_get_ns() - module->start_ns, NSEC_PER_SEC);
	const u16 block[SMAPPEE_REG_IDENTITY_COUNT] = {
		module->type, module->channels,
		lower_16_bits(module->serial), upper_16_bits(module->serial),
		module->fw_minor, module->fw_major,
		fake_has_index(module), 0,
		lower_16_bits(uptime), upper_16_bits(uptime),
	};

	return block[n];
}

static u16 fake_waveform(const struct fake_module *module, unsigned int n)
{
	const u16 block[SMAPPEE_REG_WAVEFORM_COUNT] = {
		module->protocol, module->rate, module->rates, module->format,
		module->formats, min_t(u32, module->depth, U16_MAX), module->channels,
		fake_sync_state(module),
		lower_16_bits(module->sync_offset_ns), upper_16_bits(module->sync_offset_ns),
		module->boot, module->reference,
	};

	return block[n];
}

/* false: no such register */
static bool fake_register(const struct fake_module *module, u16 reg, u16 *value)
{
	unsigned int channel = (reg - SMAPPEE_REG_CHANNEL) / SMAPPEE_REG_CHANNEL_STRIDE;
	u32 scale = module->scale + channel;

	if (reg >= SMAPPEE_REG_IDENTITY &&
	    reg < SMAPPEE_REG_IDENTITY + SMAPPEE_REG_IDENTITY_COUNT) {
		*value = fake_identity(module, reg - SMAPPEE_REG_IDENTITY);
		return true;
	}
	if (!module->dark && reg >= SMAPPEE_REG_LEDS &&
	    reg <= SMAPPEE_REG_LEDS + fake_module_leds(module)) {
		*value = fake_module_leds(module);
		if (reg >= SMAPPEE_REG_LED)
			*value = module->led[reg - SMAPPEE_REG_LED];
		return true;
	}
	if (module->io)
		return fake_io_register(module, reg, value);
	if (!module->protocol)
		return false;
	if (reg >= SMAPPEE_REG_WAVEFORM &&
	    reg < SMAPPEE_REG_WAVEFORM + SMAPPEE_REG_WAVEFORM_COUNT) {
		*value = fake_waveform(module, reg - SMAPPEE_REG_WAVEFORM);
		return true;
	}
	if (reg < SMAPPEE_REG_CHANNEL || channel >= SMAPPEE_CHANNELS_MAX)
		return false;
	*value = 0;
	if (channel >= module->channels)
		return true;
	switch ((reg - SMAPPEE_REG_CHANNEL) % SMAPPEE_REG_CHANNEL_STRIDE) {
	case SMAPPEE_CHANNEL_KIND:
		*value = module->kind;
		break;
	case SMAPPEE_CHANNEL_SENSOR:
		*value = module->kind == SMAPPEE_KIND_CURRENT ? 3 + channel : 0;
		break;
	case SMAPPEE_CHANNEL_SCALE:
		*value = lower_16_bits(scale);
		break;
	case SMAPPEE_CHANNEL_SCALE + 1:
		*value = upper_16_bits(scale);
		break;
	}
	return true;
}

static size_t fake_read_registers(const struct fake_module *module, const u8 *request, u8 *out)
{
	u16 first = get_unaligned_be16(request + 2);
	u16 count = get_unaligned_be16(request + 4);
	u16 value;

	if (!count || count > SMAPPEE_REGS_MAX)
		return fake_exception(out, request, SMAPPEE_EX_ILLEGAL_VALUE);
	out[0] = request[0];
	out[1] = request[1];
	out[2] = 2 * count;
	for (unsigned int i = 0; i < count; i++) {
		if (!fake_register(module, first + i, &value))
			return fake_exception(out, request, SMAPPEE_EX_ILLEGAL_ADDRESS);
		put_unaligned_be16(value, out + 3 + 2 * i);
	}
	return fake_seal(out, 3 + 2 * count);
}

static u16 fake_rate_bit(u16 rate)
{
	switch (rate) {
	case 2000:
		return SMAPPEE_RATES_2000;
	case 4000:
		return SMAPPEE_RATES_4000;
	case 8000:
		return SMAPPEE_RATES_8000;
	default:
		return 0;
	}
}

static u8 fake_write(struct fake_line *line, struct fake_module *module, u16 reg, u16 value)
{
	if (reg >= SMAPPEE_REG_LED && reg < SMAPPEE_REG_LED + fake_module_leds(module)) {
		if (value > SMAPPEE_LED_TWO)
			return SMAPPEE_EX_ILLEGAL_VALUE;
		module->led[reg - SMAPPEE_REG_LED] = value;
		return 0;
	}
	if (module->io)
		return fake_io_write(module, reg, value);
	switch (reg) {
	case SMAPPEE_REG_RATE:
		if (!(module->rates & fake_rate_bit(value)))
			return SMAPPEE_EX_ILLEGAL_VALUE;
		module->rate = value;
		fake_restart(line, module);
		return 0;
	case SMAPPEE_REG_FORMAT:
		if (value > SMAPPEE_FORMAT_S24_PACKED || !(module->formats & BIT(value)))
			return SMAPPEE_EX_ILLEGAL_VALUE;
		module->format = value;
		return 0;
	case SMAPPEE_REG_REFERENCE:
		if (value > 1 || (value && module->kind != SMAPPEE_KIND_VOLTAGE))
			return SMAPPEE_EX_ILLEGAL_VALUE;
		module->reference = value;
		return 0;
	default:
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	}
}

static size_t fake_write_registers(struct fake_line *line, struct fake_module *module,
				   const u8 *request, size_t len, u8 *out)
{
	u16 first = get_unaligned_be16(request + 2);
	u16 count = get_unaligned_be16(request + 4);
	u8 code;

	if (!count || request[6] != 2 * count || len != 9 + 2 * count)
		return fake_exception(out, request, SMAPPEE_EX_ILLEGAL_VALUE);
	for (unsigned int i = 0; i < count; i++) {
		code = fake_write(line, module, first + i, get_unaligned_be16(request + 7 + 2 * i));
		if (code)
			return fake_exception(out, request, code);
	}
	memcpy(out, request, 6);
	return fake_seal(out, 6);
}

/* A follower's index is the reference's. */
static const struct fake_module *fake_clock(struct fake_line *line,
					    const struct fake_module *module)
{
	return fake_reference(line) ?: module;
}

static s32 fake_residual(const s32 *x, unsigned int n, unsigned int order)
{
	switch (order) {
	case 0:
		return x[n];
	case 1:
		return x[n] - x[n - 1];
	default:
		return x[n] - 2 * x[n - 1] + x[n - 2];
	}
}

static unsigned int fake_width(s32 value)
{
	unsigned int width = 0;

	if (value < 0)
		value = ~value;
	else if (!value)
		return 0;
	while (value >> width)
		width++;
	return width + 1;
}

/* Packs one channel; returns where the next byte goes. */
static u8 *fake_pack(u8 *out, const s32 *x, unsigned int scans, unsigned int order, bool wide)
{
	unsigned int n = min(order, scans);

	*out++ = order;
	for (unsigned int i = 0; i < n; i++) {
		if (wide)
			put_unaligned_be24(x[i], out);
		else
			put_unaligned_be16(x[i], out);
		out += wide ? 3 : 2;
	}
	while (n < scans) {
		unsigned int group = min(scans - n, SMAPPEE_PACK_GROUP);
		unsigned int width = 0, bits = 0;

		for (unsigned int i = n; i < n + group; i++)
			width = max(width, fake_width(fake_residual(x, i, order)));
		*out++ = width;
		memset(out, 0, DIV_ROUND_UP(width * group, 8));
		for (unsigned int i = n; i < n + group; i++) {
			s32 value = fake_residual(x, i, order);

			for (int bit = width - 1; bit >= 0; bit--, bits++) {
				if (value >> bit & 1)
					out[bits / 8] |= 0x80 >> bits % 8;
			}
		}
		out += DIV_ROUND_UP(width * group, 8);
		n += group;
	}
	return out;
}

static size_t fake_data(struct fake_line *line, const struct fake_module *module, u64 first,
			unsigned int scans, u8 *out)
{
	bool wide = module->format == SMAPPEE_FORMAT_S24 ||
		    module->format == SMAPPEE_FORMAT_S24_PACKED;
	u8 *p = out;

	if (module->format == SMAPPEE_FORMAT_S16_PACKED ||
	    module->format == SMAPPEE_FORMAT_S24_PACKED) {
		for (unsigned int c = 0; c < module->channels; c++) {
			for (unsigned int i = 0; i < scans; i++)
				line->samples[i] = fake_sample(module->unit, c, first + i, wide);
			p = fake_pack(p, line->samples, scans, c % 3, wide);
		}
		return p - out;
	}
	for (unsigned int i = 0; i < scans; i++) {
		for (unsigned int c = 0; c < module->channels; c++) {
			s32 value = fake_sample(module->unit, c, first + i, wide);

			if (wide)
				put_unaligned_be24(value, p);
			else
				put_unaligned_be16(value, p);
			p += wide ? 3 : 2;
		}
	}
	return p - out;
}

static size_t fake_read_samples(struct fake_line *line, const struct fake_module *module,
				const u8 *request, u8 *out)
{
	const struct fake_module *clock = fake_clock(line, module);
	u32 wanted = get_unaligned_be32(request + SMAPPEE_SAMPLES_REQ_INDEX);
	unsigned int most = get_unaligned_be16(request + SMAPPEE_SAMPLES_REQ_SCANS);
	u64 next = fake_module_next(clock);
	u64 oldest = next > module->depth ? next - module->depth : 0;
	u64 first = next - (u32)((u32)next - wanted);
	unsigned int scans = 0, held = 0;
	u8 status = 0;
	size_t bytes;

	if (most > SMAPPEE_SAMPLES_SCANS_MAX)
		return fake_exception(out, request, SMAPPEE_EX_ILLEGAL_VALUE);
	oldest = max(oldest, module->oldest);
	if (module->reference)
		status |= SMAPPEE_STATUS_REFERENCE | SMAPPEE_STATUS_LOCKED;
	else if (module->sync_state == SMAPPEE_SYNC_LOCKED)
		status |= SMAPPEE_STATUS_LOCKED;

	if ((s32)(wanted - (u32)next) >= 0 || !fake_has_index(module)) {
		first = next;
	} else {
		if ((s32)(wanted - (u32)oldest) < 0) {
			first = oldest;
			status |= SMAPPEE_STATUS_OVERWRITTEN;
		}
		/* packed at its worst is a little longer than plain */
		scans = min3(most, (unsigned int)(next - first), 4000U / (3 * module->channels));
		held = min(next - first - scans, 65535ULL);
	}
	out[0] = request[0];
	out[1] = request[1];
	out[SMAPPEE_SAMPLES_FORMAT] = module->format;
	out[SMAPPEE_SAMPLES_CHANNELS] = module->channels;
	out[SMAPPEE_SAMPLES_STATUS] = status;
	out[SMAPPEE_SAMPLES_BOOT] = module->boot;
	put_unaligned_be32(first, out + SMAPPEE_SAMPLES_INDEX);
	put_unaligned_be16(scans, out + SMAPPEE_SAMPLES_SCANS);
	put_unaligned_be16(held, out + SMAPPEE_SAMPLES_HELD);
	bytes = scans ? fake_data(line, module, first, scans, out + SMAPPEE_SAMPLES_DATA) : 0;
	put_unaligned_be16(bytes, out + SMAPPEE_SAMPLES_BYTES);
	bytes += SMAPPEE_SAMPLES_DATA;
	put_unaligned_be32(fake_crc32(out, bytes), out + bytes);
	return fake_seal(out, bytes + 4);
}

static size_t fake_sync(struct fake_line *line, struct fake_module *module, const u8 *request,
			u8 *out)
{
	u64 edge = module->sync_ns;
	u64 index = 0;
	u32 rest = 0;

	if (!module->reference)
		return fake_exception(out, request, SMAPPEE_EX_ILLEGAL_FUNCTION);
	if (edge >= module->start_ns) {
		u64 scaled = (edge - module->start_ns) * module->rate;

		index = div64_u64_rem(scaled, NSEC_PER_SEC, &scaled);
		rest = div_u64(scaled << 32, NSEC_PER_SEC);
	}
	out[0] = request[0];
	out[1] = request[1];
	out[SMAPPEE_SYNC_SEQ] = module->sync_sequence;
	out[SMAPPEE_SYNC_BOOT] = module->boot;
	put_unaligned_be32(module->sync_sequence || edge ? index : 0, out + SMAPPEE_SYNC_INDEX);
	put_unaligned_be32(rest, out + SMAPPEE_SYNC_PHASE);
	put_unaligned_be16(module->rate, out + SMAPPEE_SYNC_RATE);
	module->sync_sequence++;
	/* the answer's first edge comes after the request and the turnaround */
	module->sync_ns = ktime_get_ns() + line->turnaround_us * NSEC_PER_USEC +
			  DIV_ROUND_UP_ULL(SMAPPEE_SYNC_REQ_LEN * 10 * NSEC_PER_SEC, line->baud);
	return fake_seal(out, SMAPPEE_SYNC_LEN - 2);
}

static u64 fake_key(u16 type, u32 serial)
{
	return (u64)type << 20 | serial;
}

static size_t fake_discover(struct fake_module *module, const u8 *request, u8 *out)
{
	u64 wanted = fake_key(get_unaligned_be16(request + 6), get_unaligned_be32(request + 8));
	u64 key = fake_key(module->type, module->serial);
	u8 operation = request[2], unit = request[3], bits = request[4];
	u64 mask = (1ULL << bits) - 1;

	if (unit > SMAPPEE_UNIT_MAX || bits > 34 || request[5] || (wanted & ~mask) ||
	    (key & mask) != wanted)
		return 0;
	switch (operation) {
	case SMAPPEE_DISCOVER_SEARCH:
		if (unit ? module->unit != unit : module->unit && module->known)
			return 0;
		break;
	case SMAPPEE_DISCOVER_ASSIGN:
		if (bits != 34)
			return 0;
		if (!module->stubborn)
			module->unit = unit;
		break;
	case SMAPPEE_DISCOVER_RELEASE:
		if (!unit || module->unit == unit)
			module->unit = 0;
		return 0;
	default:
		return 0;
	}
	memcpy(out, request, 6);
	out[0] = module->unit;
	out[2] |= SMAPPEE_DISCOVER_ANSWER;
	put_unaligned_be16(module->type, out + 6);
	put_unaligned_be32(module->serial, out + 8);
	return fake_seal(out, 12);
}

static size_t fake_one_answer(struct fake_line *line, struct fake_module *module,
			      const u8 *request, size_t len, u8 *out)
{
	if (module->box)
		return request[0] ? fake_box_answer(module, request, len, out) : 0;
	if (!request[0])
		return request[1] == SMAPPEE_FC_DISCOVER ? fake_discover(module, request, out) : 0;
	module->known = true;
	switch (request[1]) {
	case SMAPPEE_FC_READ_REGISTERS:
		return fake_read_registers(module, request, out);
	case SMAPPEE_FC_WRITE_REGISTERS:
		return fake_write_registers(line, module, request, len, out);
	case SMAPPEE_FC_READ_SAMPLES:
		return fake_read_samples(line, module, request, out);
	case SMAPPEE_FC_SYNC:
		return fake_sync(line, module, request, out);
	default:
		return fake_exception(out, request, SMAPPEE_EX_ILLEGAL_FUNCTION);
	}
}

/* A low bit of either is low; the second one is a byte late every other time. */
static size_t fake_clash(struct fake_line *line, u8 *out, size_t len, const u8 *other,
			 size_t other_len)
{
	unsigned int late = line->clashes++ & 1;

	for (size_t i = 0; i < other_len; i++)
		out[i + late] = i + late < len ? out[i + late] & other[i] : other[i];
	return max(len, other_len + late);
}

/* Whoever babbles says its identity where nobody has answered. */
static size_t fake_babble(struct fake_line *line, const u8 *request, u8 *out)
{
	u8 self[8] = { 0, SMAPPEE_FC_READ_REGISTERS, 0x16, 0x20, 0, SMAPPEE_REG_IDENTITY_COUNT };

	for (int i = 0; request[0] && i < FAKE_MODULES_MAX; i++) {
		const struct fake_module *module = &line->module[i];

		if (!module->used || !module->babbles || module->silent)
			continue;
		self[0] = module->unit;
		return fake_read_registers(module, self, out);
	}
	return 0;
}

size_t fake_module_answer(struct fake_line *line, const u8 *request, size_t len, u8 *out)
{
	size_t answer = 0, other;

	for (int i = 0; i < FAKE_MODULES_MAX; i++) {
		struct fake_module *module = &line->module[i];

		if (!module->used || module->silent || (request[0] && module->unit != request[0]))
			continue;
		if (!answer) {
			answer = fake_one_answer(line, module, request, len, out);
			continue;
		}
		other = fake_one_answer(line, module, request, len, line->other);
		if (other)
			answer = fake_clash(line, out, answer, line->other, other);
	}
	return answer ?: fake_babble(line, request, out);
}
