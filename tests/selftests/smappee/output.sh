#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Relays as GPIO lines, with the tools of libgpiod 2.x and 1.6, and their fail-safe
# state when whoever writes the heartbeat is killed or hangs. Wants an output module
# whose device tree says 3 s, off and on.
. "$(dirname "$0")/common.sh"

module=$(first_of smappee-output)
[ -n "$module" ] || skip_all "no output module"
old=/opt/libgpiod-1.6
dev=$BUS/$module
chip=$(basename "$(ls -d "$dev"/gpiochip[0-9]* | head -n 1)")
[ "$(<"$dev/fail_safe_timeout_sec")" = 3 ] || skip_all "wants a time-out of 3 s"
relays() { echo "$(<"$dev/relay1_state") $(<"$dev/relay2_state")"; }
alive() { while :; do echo 1 > "$dev/heartbeat"; sleep 0.3; done; }
ktap_print_header
ktap_set_plan 20

expect "the fail-safe state is that of the device tree" "off on" "$(cat "$dev/relay1_fail_safe" "$dev/relay2_fail_safe" | xargs)"
in_force() { [ "$(<"$dev/fail_safe")" = 1 ]; }
until_true 10 in_force
expect "with nobody there it is in force" "0 1" "$(relays)"
expect "and a relay is not switched" 1 "$(gpioset -t0 -c "$chip" 0=1 2>&1 | grep -ci busy)"

alive &
writer=$!
ends() { [ "$(<"$dev/fail_safe")" = 0 ]; }
until_true 20 ends
expect "the heartbeat ends it" "0 1" "$(relays)"
gpioset -t0 -c "$chip" 0=1
expect "gpioset 2.x switches one and leaves the other" "1 1" "$(relays)"
gpioset -t0 -c "$chip" 0=0 1=0
expect "gpioset 2.x switches both" "0 0" "$(relays)"
expect "gpioget 2.x reads relays as they are" "inactive inactive" "$(gpioget --as-is --unquoted -c "$chip" 0 1 2>&1 | sed 's/[^ ]*=//g')"
if [ -x "$old/gpioset" ]; then
	LD_LIBRARY_PATH=$old "$old/gpioset" "$chip" 0=1 1=0
	expect "gpioset 1.6 switches both" "1 0" "$(relays)"
	LD_LIBRARY_PATH=$old "$old/gpio-line" set "/dev/$chip" 1 1
	LD_LIBRARY_PATH=$old "$old/gpio-line" set "/dev/$chip" 0 0
	expect "meterd's line on 1.6 switches one by one" "0 1" "$(relays)"
	LD_LIBRARY_PATH=$old "$old/gpioset" "$chip" 0=1 1=0
else
	ktap_test_skip "meterd's line on 1.6: $old is not there"
	ktap_test_skip "gpioset 1.6: $old is not there"
	gpioset -t0 -c "$chip" 0=1 1=0
fi
sleep 4
expect "a time-out with heartbeats switches nothing" "1 0" "$(relays)"
expect "somebody else switched it last" host "$(<"$dev/last_change")"

kill -STOP $writer
# echo has been stopped anywhere: the time runs from its last heartbeat
sleep 1
expect "before the time-out nothing falls back" "1 0" "$(relays)"
sleep 2.5
expect "a writer that hangs: fail-safe state within the time-out" "0 1" "$(relays)"
expect "for this reason" fail-safe "$(<"$dev/last_change")"
kill -CONT $writer
until_true 20 ends
expect "it goes on: the state ends" 0 $?
gpioset -t0 -c "$chip" 0=1 1=0
kill $writer; wait $writer 2>/dev/null
sleep 3.5
expect "a writer that is killed: fail-safe state within the time-out" "0 1" "$(relays)"

alive &
writer=$!
until_true 20 ends
gpioset -t0 -c "$chip" 0=1 1=0
echo "$module" > /sys/bus/smappee/drivers/smappee-output/unbind
kill $writer; wait $writer 2>/dev/null
echo "$module" > /sys/bus/smappee/drivers/smappee-output/bind
expect "neither unbinding nor binding the driver switches" "1 0" "$(relays)"
sleep 3.5
expect "the module's time goes on meanwhile" "0 1" "$(relays)"
expect "a wrong state is refused" 1 "$( (echo maybe > "$dev/relay1_fail_safe") 2>/dev/null; echo $?)"
expect "what it restarts with can be set" "keep" "$(echo keep > "$dev/relay1_restart"; cat "$dev/relay1_restart")"
ktap_finished
