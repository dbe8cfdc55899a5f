#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The modules of the segment are found, and each has the driver that its modalias names.
. "$(dirname "$0")/common.sh"

[ -n "$modules" ] || skip_all "no module on /sys/bus/smappee"
set -- $modules
ktap_print_header
ktap_set_plan $((3 + 4 * $#))

expect "the segment counts as many modules as the bus has of it" \
	"$#" "$(<"$segment/modules")"
expect "one module is the reference" 1 "$(cat "$BUS/$number"-*/sync_state | grep -c reference)"
expect "the bus driver came by the device tree's modalias" smappee_bus \
	"$(modprobe -R "$(<"$segment/modalias")")"
for module do
	modalias=$(<"$BUS/$module/modalias")
	driver=$(modprobe -R "$modalias" 2>/dev/null)
	bound=$(readlink "$BUS/$module/driver")
	unit=$(<"$BUS/$module/unit")
	expect "$module: its name holds its unit" "$(printf %03d "$unit")" "${module#*-}"
	expect "$module: modalias $modalias leads to the driver that is bound" \
		"$driver" "$(echo "${bound##*/}" | tr - _)"
	expect "$module: its uevent says the same modalias" "MODALIAS=$modalias" \
		"$(grep ^MODALIAS= "$BUS/$module/uevent")"
	expect "$module: it has one IIO device" 1 "$(iio_of "$module" | grep -c .)"
done
ktap_finished
