/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kernels without deferred actions lack of the test interface. Included
 * before all else when tests are built on one of them; nothing else in the tests
 * looks at versions.
 */
#ifndef SMAPPEE_KUNIT_COMPAT_H
#define SMAPPEE_KUNIT_COMPAT_H

#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>

/**
 * struct compat_action - something to be done when a test ends
 * @action: what
 * @context: its argument
 */
struct compat_action {
	void (*action)(void *context);
	void *context;
};

static inline int compat_action_init(struct kunit_resource *resource, void *context)
{
	resource->data = context;
	return 0;
}

static inline void compat_action_run(struct kunit_resource *resource)
{
	struct compat_action *todo = resource->data;

	todo->action(todo->context);
	kfree(todo);
}

static inline int kunit_add_action_or_reset(struct kunit *test, void (*action)(void *context),
					    void *context)
{
	struct compat_action *todo = kmalloc(sizeof(*todo), GFP_KERNEL);

	if (!todo) {
		action(context);
		return -ENOMEM;
	}
	todo->action = action;
	todo->context = context;
	kunit_alloc_resource(test, compat_action_init, compat_action_run, GFP_KERNEL, todo);
	return 0;
}

static inline char *kunit_kstrdup(struct kunit *test, const char *text, gfp_t gfp)
{
	size_t size = strlen(text) + 1;
	char *copy = kunit_kmalloc(test, size, gfp);

	return copy ? memcpy(copy, text, size) : NULL;
}

#define KUNIT_EXPECT_MEMEQ(test, left, right, size) \
	KUNIT_EXPECT_EQ(test, 0, memcmp(left, right, size))

/*
 * These kernels never free a GPIO chip that went while its lines were held, and the
 * next chip with names for its lines makes gpio_name_to_desc() follow a null pointer.
 */
#define GPIO_LINES_OUTLIVE_CHIPS	false

#endif
