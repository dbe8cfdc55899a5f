#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sampling_frequency: one for the segment, refused while anybody reads.
. "$(dirname "$0")/common.sh"

voltage=$(iio_of "$(first_of smappee-voltage)")
ct=$(iio_of "$(first_of smappee-ct)")
[ -n "$voltage" ] && [ -n "$ct" ] || skip_all "wants a voltage and a current module"
ktap_print_header
ktap_set_plan 12

available=$(<"$voltage/sampling_frequency_available")
expect_match "rates are those of the protocol" '(2000|4000|8000)( (4000|8000))*' "$available"
expect "all devices have the same rates" "$available" "$(<"$ct/sampling_frequency_available")"
before=$(<"$voltage/sampling_frequency")

set_rate() { (echo "$2" > "$1/sampling_frequency") 2>&1 | sed 's/.*: //'; }

for rate in 2000 4000; do
	expect "$rate can be set" "" "$(set_rate "$voltage" $rate)"
	expect "$rate reads back" "$rate" "$(<"$voltage/sampling_frequency")"
	expect "$rate is that of the other modules too" "$rate" "$(<"$ct/sampling_frequency")"
done
expect "a rate between is refused" "Invalid argument" "$(set_rate "$ct" 3000)"
expect "and changes nothing" 4000 "$(<"$ct/sampling_frequency")"

echo 1 > "$ct/scan_elements/in_current0_en"
echo 1 > "$ct/buffer/enable"
expect "while a buffer is on, another device's rate is busy" \
	"Device or resource busy" "$(set_rate "$voltage" 2000)"
echo 0 > "$ct/buffer/enable"
echo 0 > "$ct/scan_elements/in_current0_en"
expect "after that it can be set again" "" "$(set_rate "$voltage" "$before")"
ktap_finished
