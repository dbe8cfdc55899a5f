/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Auxiliary devices under a module.
 */
#ifndef SMAPPEE_FUNCTIONS_H
#define SMAPPEE_FUNCTIONS_H

struct smappee_module;

void smappee_functions_add(struct smappee_module *module);
void smappee_functions_remove(struct smappee_module *module);

#endif
