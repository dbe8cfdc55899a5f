#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Channels, labels, scales and types of the IIO devices.
. "$(dirname "$0")/common.sh"

[ -n "$modules" ] || skip_all "no module on /sys/bus/smappee"
set -- $modules
ktap_print_header
ktap_set_plan $((7 * $#))

for module do
	iio=$(iio_of "$module")
	type=$(<"$BUS/$module/type")
	case $type in
	9400) name=smappee-voltage kind=voltage labels="L1 L2 L3 " ;;
	*) name=smappee-ct kind=current labels="A B C D " ;;
	esac
	slots=$(<"$BUS/$module/slots")
	read -r -a label <<< "$labels"
	labels="${label[*]:0:slots}"
	expect "$module: name" "$name" "$(<"$iio/name")"
	expect "$module: label is the module's" "$(<"$BUS/$module/label")" "$(<"$iio/label")"
	found= scales= types= channel=0
	while [ "$channel" -lt "$slots" ]; do
		found="$found$(<"$iio/in_$kind${channel}_label") "
		scale=$(<"$iio/in_$kind${channel}_scale")
		case $scale in
		*[!0-9.]* | ????.* | '') ;;
		*[1-9]*) scales=$scales. ;;
		esac
		types="$types $(<"$iio/scan_elements/in_$kind${channel}_type")"
		channel=$((channel + 1))
	done
	expect "$module: labels of the channels" "$labels" "${found% }"
	expect "$module: scales are positive, in mV or mA" "$(printf '%*s' "$slots" '' | tr ' ' .)" "$scales"
	expect_match "$module: samples are of the CPU's byte order" \
		'( le:s16/16>>0| le:s24/32>>0)+' "$types"
	expect "$module: there is a time stamp of 64 bits" "le:s64/64>>0" \
		"$(<"$iio/scan_elements/in_timestamp_type")"
	expect "$module: no channel too many" "$slots" "$(ls "$iio" | grep -c "^in_${kind}[0-9]*_label")"
done
ktap_finished
