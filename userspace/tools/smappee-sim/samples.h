/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * samples - the answer to read samples (0x41).
 */
#ifndef SIM_SAMPLES_H
#define SIM_SAMPLES_H

#include "module.h"

#include <stddef.h>
#include <stdint.h>

/**
 * struct samples_head - the fixed part of an answer
 * @unit: address
 * @format: SMAPPEE_FORMAT_*
 * @channels: channels per scan
 * @status: SMAPPEE_STATUS_*
 * @boot: boot counter
 * @index: index of the first scan given
 * @held: newer scans still held; set after the scans are packed
 */
struct samples_head {
	uint8_t unit;
	uint8_t format;
	uint8_t channels;
	uint8_t status;
	uint8_t boot;
	uint32_t index;
	uint16_t held;
};

/**
 * samples_frame() - write an answer
 * @out: room for SMAPPEE_FRAME_MAX_SAMPLES bytes
 * @head: its fixed part, but for @held
 * @codes: codes, channel after channel, each @stride long
 * @stride: distance of two channels
 * @scans: scans that may be given; fewer are if the data do not fit
 * @available: scans from the first one given to the newest held
 *
 * Return: length of the frame.
 */
size_t samples_frame(uint8_t *out, const struct samples_head *head, const int32_t *codes,
		     size_t stride, unsigned int scans, int64_t available);

/**
 * samples_answer() - what a module answers to read samples
 * @m: the module
 * @t: true time of the request's end, s
 * @index: index of the first scan wanted
 * @scans: most scans wanted, up to SMAPPEE_SAMPLES_SCANS_MAX
 * @out: room for SMAPPEE_FRAME_MAX_SAMPLES bytes
 *
 * Return: length of the frame.
 */
size_t samples_answer(struct module *m, double t, uint32_t index, unsigned int scans, uint8_t *out);

#endif
