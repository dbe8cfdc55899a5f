/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runtime-folder - $RUNTIME_DIRECTORY, a folder in memory for what is to outlive this process and
 * not the machine. systemd makes it; without systemd it is made here.
 */
#ifndef METERD_RUNTIME_FOLDER_H
#define METERD_RUNTIME_FOLDER_H

/**
 * runtime_folder_take() - make a folder, or take it when nobody else can write there
 * @path: its name, the same at the next start
 *
 * Return: 0; -EPERM: it is another user's, or no folder, -EXDEV: it is not in memory, or
 * another -errno.
 */
int runtime_folder_take(const char *path);

/**
 * runtime_folder_need() - set $RUNTIME_DIRECTORY where it is not, to /dev/shm/meterd-UID
 *
 * Where that cannot be it stays unset, and the log says what that costs.
 */
void runtime_folder_need(void);

#endif
