#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each tracepoint of the bus can be switched on, and what it is for makes it fire: a
# segment that is bound anew, a stream, a buffer that nobody reads, a fault on request.
# smappee_poll is powerbox.sh's; scans are only missing (smappee_gap) when a module is, which
# the line's other end has to make so: tests/vm/check.py does, in its stage "chain".
. "$(dirname "$0")/common.sh"

tracing=/sys/kernel/tracing
events=$tracing/events/smappee
[ -d "$events" ] || skip_all "no tracepoints ($events)"
iio=$(iio_of "$(first_of smappee-ct)")
[ -n "$iio" ] || skip_all "wants a current module"
driver=/sys/bus/serial/drivers/smappee-bus
inject=/sys/kernel/debug/smappee/segment$number/inject
wanted="smappee_enumerate smappee_module smappee_transaction smappee_clock smappee_epoch smappee_block smappee_overrun"
[ -e "$inject/corrupt" ] && wanted="$wanted smappee_fault"
known=$(cd "$events" && ls -d smappee_*)

ktap_print_header
ktap_set_plan $(($(echo $known | wc -w) + $(echo $wanted | wc -w) + 1))

for event in $known; do
	echo 1 > "$events/$event/enable"
	expect "$event can be switched on" 1 "$(<"$events/$event/enable")"
done
echo > $tracing/trace

# what happens seldom first: what happens often would push it out of the ring
for event in smappee_transaction smappee_clock smappee_epoch smappee_block; do
	echo 0 > "$events/$event/enable"
done
n=$(echo $modules | wc -w)
port=${segment##*/}
echo "$port" > $driver/unbind
echo "$port" > $driver/bind
back() { [ "$(ls $BUS | grep -c "^$number-")" = "$n" ] && iio=$(iio_of "$(first_of smappee-ct)") && [ -n "$iio" ]; }
until_true 30 back
expect "a segment that is bound anew has its modules" 0 $?
sampled() { [ "$(<"$BUS/$(first_of smappee-ct)/sync_state")" = locked ]; }
until_true 20 sampled
for element in "$iio"/scan_elements/*_en; do
	echo 1 > "$element"
done
echo 64 > "$iio/buffer/length"
echo 1 > "$iio/buffer/enable"
[ -e "$inject/corrupt" ] && echo 1 > "$inject/corrupt"

# seen EVENT - is it in the trace?
seen() { grep -q " $1: segment=" $tracing/trace; }
all_seen() {
	for event in $wanted; do
		case $event in
		smappee_transaction|smappee_clock|smappee_epoch|smappee_block) ;;
		*) seen "$event" || return 1 ;;
		esac
	done
}
until_true 20 all_seen
for event in smappee_transaction smappee_clock smappee_epoch smappee_block; do
	echo 1 > "$events/$event/enable"
	until_true 10 seen "$event"
done
echo 0 > "$iio/buffer/enable"
echo 0 > "$events/enable"
for event in $wanted; do
	seen "$event"
	expect "$event is seen" 0 $?
done
echo > $tracing/trace
ktap_finished
