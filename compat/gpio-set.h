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

/* Which members of struct gpio_chip take them. */
#if defined(SMAPPEE_HAVE_GPIO_SET_INT)
#define compat_gpio_set			set
#define compat_gpio_set_multiple	set_multiple
#elif defined(SMAPPEE_HAVE_GPIO_SET_RV)
#define compat_gpio_set			set_rv
#define compat_gpio_set_multiple	set_multiple_rv
#else
#define compat_gpio_set			set
#define compat_gpio_set_multiple	set_multiple
#define SMAPPEE_GPIO_SET_VOID
#endif

/* What they return, and how: an error that cannot be returned is logged. */
#ifdef SMAPPEE_GPIO_SET_VOID
#define compat_gpio_set_t		void
static inline void compat_gpio_set_result(struct gpio_chip *gc, int ret)
{
	if (ret)
		dev_err_ratelimited(gc->parent, "not switched: %pe\n",
				    ERR_PTR(ret));
}
#else
#define compat_gpio_set_t		int
static inline int compat_gpio_set_result(struct gpio_chip *gc, int ret)
{
	return ret;
}
#endif

#endif
