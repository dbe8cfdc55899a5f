/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * light-led - writes a look to a multicolour LED of the kernel.
 */
#ifndef METERD_LIGHT_LED_H
#define METERD_LIGHT_LED_H

#include "light.h"

/**
 * light_led_show() - let a LED have a look
 * @device: folder of the LED, such as /sys/class/leds/rgb:status
 * @look: colour and pattern
 *
 * The kernel's trigger "pattern" does the rest, so that the light goes on breathing
 * while meterd has other things to do. Colours are written as the LED has them
 * (multi_index) and scaled to its greatest brightness, never down to nothing. A LED
 * that can only be on or off flashes where others breathe.
 *
 * Return: 0; -ENOENT when there is no such LED, -EINVAL when it has not got the
 * colours red, green and blue; -EACCES, and other errors of open() and write(). Files
 * of a trigger are made when the trigger is chosen, and open to others than root only
 * after udev has been there: try again later.
 */
int light_led_show(const char *device, const struct light_look *look);

#endif
