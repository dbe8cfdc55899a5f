#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# On a line that flips bits, damaged blocks are asked for again and no scan is lost.
# The line's other end says so in $SMAPPEE_BIT_ERRORS, since nobody here can flip a bit.
. "$(dirname "$0")/common.sh"

[ -n "$SMAPPEE_BIT_ERRORS" ] || skip_all "the line has no bit errors (SMAPPEE_BIT_ERRORS)"
iio=$(iio_of "$(first_of smappee-ct)")
[ -n "$iio" ] || skip_all "wants a current module"
ktap_print_header
ktap_set_plan 4

errors=$(<"$segment/crc_errors")
repaired=$(<"$segment/repaired_blocks")
lost=$(<"$segment/lost_scans")
bytes=$(iio_readdev -T 20000 -b 400 -s 20000 "${iio##*/}" 2>/dev/null | wc -c)
expect "all scans came" 320000 "$bytes"
expect_match "wrong check sums were counted" '[1-9][0-9]*' $(($(<"$segment/crc_errors") - errors))
expect_match "blocks were repaired" '[1-9][0-9]*' $(($(<"$segment/repaired_blocks") - repaired))
expect "no scan was lost" "$lost" "$(<"$segment/lost_scans")"
ktap_finished
