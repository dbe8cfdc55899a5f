/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Setters of a gpio_chip that can fail: in the newest kernels set() and
 * set_multiple() return the error, before that set_rv() and set_multiple_rv() did
 * beside them, and before that an error could only be logged.
 */
#ifndef SMAPPEE_COMPAT_GPIO_SET_H
#define SMAPPEE_COMPAT_GPIO_SET_H

#include <linux/device.h>
#include <linux/gpio/driver.h>

#if defined(SMAPPEE_HAVE_GPIO_SET_INT)

#define COMPAT_GPIO_SETTERS(one, many)
#define compat_gpio_set_setters(gc, one, many)				\
	do { (gc)->set = one; (gc)->set_multiple = many; } while (0)

#elif defined(SMAPPEE_HAVE_GPIO_SET_RV)

#define COMPAT_GPIO_SETTERS(one, many)
#define compat_gpio_set_setters(gc, one, many)				\
	do { (gc)->set_rv = one; (gc)->set_multiple_rv = many; } while (0)

#else

static inline void compat_gpio_set_failed(struct gpio_chip *gc, int ret)
{
	if (ret)
		dev_err_ratelimited(gc->parent, "not switched: %pe\n",
				    ERR_PTR(ret));
}

#define COMPAT_GPIO_SETTERS(one, many)					\
static void one##_void(struct gpio_chip *gc, unsigned int offset,	\
		       int value)					\
{									\
	compat_gpio_set_failed(gc, one(gc, offset, value));		\
}									\
static void many##_void(struct gpio_chip *gc, unsigned long *mask,	\
			unsigned long *bits)				\
{									\
	compat_gpio_set_failed(gc, many(gc, mask, bits));		\
}
#define compat_gpio_set_setters(gc, one, many)				\
	do { (gc)->set = one##_void; (gc)->set_multiple = many##_void; } while (0)

#endif

#endif
