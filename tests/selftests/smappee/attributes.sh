#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The attributes of Documentation/ABI/testing/sysfs-bus-smappee have their formats.
. "$(dirname "$0")/common.sh"

[ -n "$modules" ] || skip_all "no module on /sys/bus/smappee"
set -- $modules
ktap_print_header
ktap_set_plan $((11 + 11 * $#))

for name in speed modules transactions crc_errors timeouts retries lost_scans repaired_blocks; do
	expect_match "segment: $name" '[0-9]+' "$(<"$segment/$name")"
done
expect "segment: speed is that of the device tree" \
	"$(od -An -tu4 --endian=big "$segment/of_node/current-speed" | tr -d ' ')" "$(<"$segment/speed")"
expect "segment: rescan cannot be read" 1 "$(cat "$segment/rescan" >/dev/null 2>&1; echo $?)"
expect "segment: nothing was lost before anybody read" 0 "$(<"$segment/lost_scans")"

for module do
	at=$BUS/$module
	type=$(<"$at/type")
	serial=$(<"$at/serial_number")
	label=$serial
	if [ -e "$at/of_node/label" ]; then read -r -d '' label < "$at/of_node/label"; fi
	expect_match "$module: type" '9400|9500|9600' "$type"
	expect_match "$module: serial_number is type and six digits" "$type[0-9]{6}" "$serial"
	expect_match "$module: firmware" '[0-9]+\.[0-9]+' "$(<"$at/firmware")"
	expect_match "$module: slots" '[1-8]' "$(<"$at/slots")"
	expect "$module: label is that of the device tree, or the serial number" \
		"$label" "$(<"$at/label")"
	expect_match "$module: state" 'idle|streaming' "$(<"$at/state")"
	expect_match "$module: it is locked or the reference" 'locked|reference' "$(<"$at/sync_state")"
	expect_match "$module: it is within 500 ns" '-?([0-9]|[0-9][0-9]|[1-4][0-9][0-9]|500)' \
		"$(<"$at/sync_offset_ns")"
	expect_match "$module: boot_count" '[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-5][0-9]' "$(<"$at/boot_count")"
	expect_match "$module: counters" '([0-9]+ ){4}' \
		"$(for c in lost_scans repaired_blocks crc_errors timeouts; do printf '%s ' "$(<"$at/$c")"; done)"
	expect "$module: counters cannot be written" 1 "$( (echo 0 > "$at/lost_scans") 2>/dev/null; [ $? = 0 ]; echo $?)"
done
ktap_finished
