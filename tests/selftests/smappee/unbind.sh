#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A driver is unbound from one module while two are read: that reader ends, the other
# goes on, and the module can be bound again.
. "$(dirname "$0")/common.sh"

module=$(first_of smappee-ct)
iio=$(iio_of "$module")
voltage=$(iio_of "$(first_of smappee-voltage)")
[ -n "$iio" ] && [ -n "$voltage" ] || skip_all "wants a voltage and a current module"
ktap_print_header
ktap_set_plan 5

dir=$(mktemp -d)
iio_readdev -T 20000 -b 200 -s 12000 "${voltage##*/}" > "$dir/other" 2>/dev/null &
other=$!
iio_readdev -b 200 "${iio##*/}" > "$dir/gone" 2>/dev/null &
gone=$!
flows() { [ -s "$dir/gone" ] && [ -s "$dir/other" ]; }
until_true 20 flows
expect "both are read" 0 $?
echo "$module" > /sys/bus/smappee/drivers/smappee-ct/unbind
absent() { [ -z "$(iio_of "$module")" ]; }
until_true 10 absent
expect "its IIO device is gone" 0 $?
timeout 20 tail --pid=$gone -f /dev/null
expect "its reader has ended" 0 $?
kill $gone 2>/dev/null
wait $other
expect "the other reader got all its scans" 192000 "$(stat -c %s "$dir/other")"
echo "$module" > /sys/bus/smappee/drivers/smappee-ct/bind
present() { [ -n "$(iio_of "$module")" ]; }
until_true 10 present
expect "bound again, the IIO device is back" 0 $?
rm -rf "$dir"
ktap_finished
