/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module-dir - the folder of a module in sysfs, found by what people call it, and its
 * attributes. What is asked for is never made part of a path.
 */
#ifndef LIB_MODULE_DIR_H
#define LIB_MODULE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * module_dir_open() - find the folder of a module
 * @dir: folder with one folder per module; NULL means MODULES_DIR
 * @wanted: its label, serial number or device name
 *
 * Return: a descriptor, -ENOENT: there is none, -EEXIST: two have this label, or -errno.
 */
int module_dir_open(const char *dir, const char *wanted);

/**
 * module_dir_read() - read an attribute, without the end of its line
 *
 * Return: 0 or -errno: that of the driver, when the module does not answer for example.
 */
int module_dir_read(int module, const char *name, char *text, size_t size);

/** module_dir_number() - read an attribute that is a number of at most 64 bits; 0 or -errno */
int module_dir_number(int module, const char *name, uint64_t *value);

/** module_dir_write() - write an attribute; 0 or -errno */
int module_dir_write(int module, const char *name, const char *text);

#endif
