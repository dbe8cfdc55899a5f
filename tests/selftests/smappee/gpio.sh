#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Inputs as GPIO lines and as counters, with the tools of libgpiod 2.x and 1.6. Wants
# the input module of the scenario io.ini: in1 2 pulses a second, in2 closed, in4 10.
. "$(dirname "$0")/common.sh"

module=$(first_of smappee-input)
[ -n "$module" ] || skip_all "no input module"
old=/opt/libgpiod-1.6
awk=$(command -v awk || command -v mawk)
dev=$BUS/$module
chip=$(basename "$(ls -d "$dev"/gpiochip[0-9]* | head -n 1)")
tool16() { name=$1; shift; LD_LIBRARY_PATH=$old timeout 20 "$old/$name" "$@"; }
ktap_print_header
ktap_set_plan 19

info=$(gpioinfo -c "$chip" 2>&1)
expect "four lines" 4 "$(echo "$info" | grep -c 'line *[0-9]*:')"
expect_match "a line has the name of the device tree" '.*line *0:.*"?gas"?.*input.*' "$(echo "$info" | grep 'line *0:')"
expect "gpioget 2.x by name: closed" '"door"=active' "$(gpioget door 2>&1)"
expect "gpioget 2.x: open" '"water"=inactive' "$(gpioget water 2>&1)"

# Ten edges: five pulses of 100 ms, two a second.
lost=$(<"$dev/lost_edges")
events=$(timeout 20 gpiomon -n 10 --format '%E %S' gas 2>&1)
expect "gpiomon 2.x: ten edges" 10 "$(echo "$events" | wc -l)"
expect "gpiomon 2.x: rising and falling in turn" 0 \
	"$(echo "$events" | $awk '$1 == last { n++ } { last = $1 } END { print n + 0 }')"
# Stamped when they are read: late by up to a poll, an answer and the guest's scheduling.
# A host that stands still once makes two of the four intervals wrong.
expect_match "gpiomon 2.x: pulses are half a second apart, within 0.1 s" '[0-2]' "$(echo "$events" |
	$awk '$1 == "rising" { if (last && ($2 - last < 0.4 || $2 - last > 0.6)) n++; last = $2 } END { print n + 0 }')"

# While somebody waits; otherwise the module is asked once a second, and a host that stands still
# for longer than its memory of 32 edges loses those that nobody wanted.
expect "no edge was lost meanwhile" "$lost" "$(<"$dev/lost_edges")"

if [ -x "$old/gpioget" ]; then
	expect "gpioget 1.6: both" "1 0" "$(tool16 gpioget "$chip" 1 2 2>&1)"
	expect "gpiomon 1.6: four edges" 4 "$(tool16 gpiomon -n 4 "$chip" 0 2>&1 | grep -c EDGE)"
	events=$(tool16 gpio-line watch "/dev/$chip" 0 6 2>&1)
	expect "meterd's line on 1.6: six edges, each later than the one before" 6 "$(echo "$events" | grep -c 'ing later$')"
	expect "meterd's line on 1.6: in turn" 0 \
		"$(echo "$events" | $awk '/ing/ && $1 == last { n++ } { last = $1 } END { print n + 0 }')"
	expect "meterd's line on 1.6: closed is 1" 1 "$(tool16 gpio-line watch "/dev/$chip" 1 0 2>&1)"
else
	ktap_test_skip "meterd's line on 1.6: $old is not there"
	ktap_test_skip "meterd's line on 1.6: $old is not there"
	ktap_test_skip "meterd's line on 1.6: $old is not there"
	ktap_test_skip "gpioget 1.6: $old is not there"
	ktap_test_skip "gpiomon 1.6: $old is not there"
fi

# Ten pulses a second by the guest's clock, which is read before and after each look at the
# counter, as a look may take any time. A pulse more or less is one at an end.
read -r before _ < /proc/uptime; read -r pulses < "$dev/in4_pulses"; read -r started _ < /proc/uptime
sleep 3
read -r ended _ < /proc/uptime; read -r more < "$dev/in4_pulses"; read -r after _ < /proc/uptime
rate=$(echo "$((more - pulses)) $before $started $ended $after" |
	$awk '{ most = ($1 + 1) / ($4 - $3); least = ($1 - 1) / ($5 - $2);
		print (most > 9.5 && least < 10.5 ? "10/s" : least " to " most "/s") }')
expect "in4 counts ten a second" "10/s" "$rate"
beyond() { [ "$(<"$dev/in4_pulses")" -gt 4294967296 ]; }
until_true 60 beyond
expect "in4 counts on beyond 32 bits" 0 $?
expect "an open input counts nothing" 0 "$(<"$dev/in3_pulses")"
expect "the module debounces" 10 "$(<"$dev/in1_min_closed_ms")"
echo 300 > "$dev/in1_min_closed_ms"
pulses=$(<"$dev/in1_pulses")
sleep 1.2
expect "what is shorter than the shortest pulse is none" "$pulses" "$(<"$dev/in1_pulses")"
echo 10 > "$dev/in1_min_closed_ms"
expect "a time out of range is refused" 1 "$( (echo 10001 > "$dev/in1_min_open_ms") 2>/dev/null; echo $?)"
ktap_finished
