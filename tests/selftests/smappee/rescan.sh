#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rescan: the same modules are found again, and stay the same devices.
. "$(dirname "$0")/common.sh"

[ -n "$modules" ] || skip_all "no module on /sys/bus/smappee"
ktap_print_header
ktap_set_plan 4

inode() { for module in $modules; do stat -c %i "$BUS/$module/"; done; }
before=$(inode)
asked=$(<"$segment/transactions")
expect "rescan takes a 1" "" "$( (echo 1 > "$segment/rescan") 2>&1)"
more() { [ "$(<"$segment/transactions")" -gt $((asked + 20)) ]; }
until_true 20 more
expect "the line is asked" 0 $?
same() { [ "$(ls "$BUS" | grep "^$number-")" = "$modules" ]; }
until_true 20 same
expect "the same modules are there" 0 $?
expect "as the same devices" "$before" "$(inode)"
ktap_finished
