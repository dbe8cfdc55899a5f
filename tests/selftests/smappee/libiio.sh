#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's libiio tools work on the devices.
. "$(dirname "$0")/common.sh"

command -v iio_info >/dev/null || skip_all "iio_info is not installed"
voltage=$(iio_of "$(first_of smappee-voltage)")
[ -n "$voltage" ] || skip_all "wants a voltage module"
set -- "$BUS"/*
ktap_print_header
ktap_set_plan 5

info=$(iio_info 2>/dev/null)
expect "iio_info lists every module" "$#" "$(printf '%s\n' "$info" | grep -Ec 'smappee-(voltage|ct|power)')"
expect_match "iio_info shows our attributes" '.*lost_scans.*' "$(echo $info)"
expect "iio_attr reads a scale" "$(<"$voltage/in_voltage0_scale")" \
	"$(iio_attr -c "${voltage##*/}" voltage0 scale 2>/dev/null | grep -o '[0-9]*\.[0-9]*' | tail -n 1)"
# three 16-bit channels and the time stamp, aligned: 16 bytes a scan
bytes=$(iio_readdev -T 20000 -b 4000 -s 4000 "${voltage##*/}" 2>/dev/null | wc -c)
expect "iio_readdev reads 4000 scans" 64000 "$bytes"
expect "and nothing was dropped" 0 "$(<"$voltage/overruns")"
ktap_finished
