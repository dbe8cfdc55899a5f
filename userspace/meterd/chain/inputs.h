/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs - which channels of which devices the chain needs.
 *
 * Made once from the configuration and fixed afterwards: a device that is not
 * there has its place all the same. Channels are numbered through, the voltages
 * first, then one current per element of the loads. This number is what the rest of
 * the chain calls a channel.
 */
#ifndef METERD_INPUTS_H
#define METERD_INPUTS_H

#include <stdint.h>

#define INPUT_DEVICES_MAX 128
#define INPUT_CHANNELS_MAX 320
#define INPUT_DEVICE_CHANNELS_MAX 16

/**
 * struct input_device - one device of the source
 * @label: its label; NULL: the first device that has the voltage channels
 * @channels: how many of its channels are needed
 * @channel: their numbers
 */
struct input_device {
	const char *label;
	unsigned int channels;
	unsigned int channel[INPUT_DEVICE_CHANNELS_MAX];
};

/**
 * struct input_channel - one channel
 * @name: its label within the device, "L1", "A"
 * @device: index of its device
 * @within: its index in the device's @channel
 */
struct input_channel {
	const char *name;
	unsigned int device;
	unsigned int within;
};

/**
 * struct inputs - all of them; the strings belong to the configuration
 * @devices: entries in @device
 * @device: the devices
 * @channels: entries in @channel
 * @voltages: the first @voltages channels are voltages, all others currents
 * @channel: the channels
 */
struct inputs {
	unsigned int devices;
	struct input_device device[INPUT_DEVICES_MAX];
	unsigned int channels;
	unsigned int voltages;
	struct input_channel channel[INPUT_CHANNELS_MAX];
};

#endif
