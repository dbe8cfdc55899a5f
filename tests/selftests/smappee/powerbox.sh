#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A Power Box and what is behind it: found by its identity, every attribute has its
# format, settings are kept by the box, scans come ten times a second.
. "$(dirname "$0")/common.sh"

# box and ct: the first Power Box, and the modules behind it
for path in "$BUS"/*; do
	[ -e "$path/type" ] && read -r type < "$path/type" && [ "$type" = 5400 ] || continue
	box=${path##*/}
	break
done
[ -n "$box" ] || skip_all "wants a Power Box"
ct=()
for path in "$BUS/$box".*; do
	[ -e "$path" ] && ct+=("${path##*/}")
done
[ ${#ct[@]} -gt 0 ] || skip_all "wants a module behind the Power Box"
module=$BUS/${ct[0]}

# got FILE - its text in $value, or "error"
got() { read -r value < "$1" || value=error; } 2> /dev/null

# put VALUE FILE - write; the reason of a failure in $value, or "ok"
put() {
	if printf '%s' "$1" 2> /dev/null > "$2"; then value=ok; else value=refused; fi
}

# is NAME PATTERN - $value matches the pattern of case
is() {
	local pattern="$2"
	# shellcheck disable=SC2254 # a pattern is wanted
	case $value in
	$pattern) ktap_test_pass "$1" ;;
	*)
		ktap_print_msg "$1: wanted $2, got \"$value\""
		ktap_test_fail "$1"
		;;
	esac
}

# keeps NAME FILE VALUE... - what is written can be read; then as it was
keeps() {
	local name=$1 file=$2 before wrong=
	shift 2
	got "$file"
	before=$value
	for wanted; do
		put "$wanted" "$file"
		[ "$value" = ok ] || wrong="$wrong $wanted=$value"
		got "$file"
		[ "$value" = "$wanted" ] || wrong="$wrong $wanted->$value"
	done
	put "$before" "$file"
	value=${wrong:-none}
	is "$name" none
}

# refuses NAME FILE VALUE... - none of these can be written, and nothing changes
refuses() {
	local name=$1 file=$2 before wrong=
	shift 2
	got "$file"
	before=$value
	for wanted; do
		put "$wanted" "$file"
		[ "$value" = refused ] || wrong="$wrong $wanted"
	done
	got "$file"
	[ "$value" = "$before" ] || wrong="$wrong changed-to-$value"
	value=${wrong:-none}
	is "$name" none
}

ktap_print_header
ktap_set_plan $((39 + 3 * ${#ct[@]}))

# who is there
got "$BUS/$box/unit"
is "the box is at unit 61" 61
got "$BUS/$box/serial_number"
is "serial_number is that of a Power Box" '5400[0-9][0-9][0-9][0-9][0-9][0-9]'
got "$BUS/$box/firmware"
is "firmware" '[1-9]*.[0-9]*'
got "$BUS/$box/slots"
is "slots: three voltages" 3
got "$BUS/$box/state"
is "state" idle
value=$(readlink "$BUS/$box/driver")
is "its driver came by the modalias" '*/smappee-powerbox'
for name in "${ct[@]}"; do
	got "$BUS/$name/type"
	is "$name: type" '5[56][02]0'
	value=$(readlink "$BUS/$name/driver")
	is "$name: driver" '*/smappee-powerbox'
	value=$(readlink -f "$BUS/$name")
	is "$name: it is a child of the box" "*/$box/$name"
done
number=${box%%-*}
value=$(iio_of "$box")
boxio=$value
is "the box has an IIO device" "$IIO/iio:device*"
io=$(iio_of "${ct[0]}")
got "$boxio/in_altvoltage_frequency"
is "frequency of the mains" '[456][0-9].[0-9]*'

# what IIO calls the values, on kernels with names for metering and without
inputs=$(<"$module/slots")
if [ -e "$io/in_power0_active_raw" ]; then
	channels=(power0_active power32_active power64_reactive power96_apparent altcurrent0_rms)
	mask=$boxio/in_power26_active_channels
else
	channels=(power0 power32 power64 power96 current0)
	mask=$boxio/in_power26_channels
fi
labels=("A" "A mean" "A reactive" "A apparent" "A current" "A import" "A export")
channels+=(energy0 energy32)
wrong=
for i in "${!channels[@]}"; do
	at=$io/in_${channels[i]}
	got "${at}_raw"
	case $value in -[0-9]* | [0-9]*) ;; *) wrong="$wrong ${at##*/}_raw=$value" ;; esac
	got "${at}_label"
	[ "$value" = "${labels[i]}" ] || wrong="$wrong ${at##*/}_label=$value"
	got "$io/scan_elements/${at##*/}_type"
	[ "$value" = "le:s32/32>>0" ] || wrong="$wrong ${at##*/}_type=$value"
done
value=${wrong:-none}
is "an input has its seven values, as attributes and in scans" none
elements=("$io"/scan_elements/*_en)
value=$((${#elements[@]} - 7 * inputs))
is "and no other but the time stamp is in a scan" 1
got "$io/in_power_scale"
is "power is in mW" 1
got "$io/in_energy_scale"
is "energy is in Wh" 3600

value=$(iio_attr -c "${io##*/}" 2> /dev/null | grep -ic 'format: le:s32/32>>0')
is "libiio sees them, too" $((7 * inputs))

# the regmap of each module, where the kernel shows it
maps=/sys/kernel/debug/regmap
if [ -d "$maps/$box" ]; then
	value=$(grep '^1181: ' "$maps/$box/registers")
	is "regmap: the box's holds no register that is none of its settings" ""
	value=$(grep -Ec '^(1[01]0[0-9a-f]): ' "$maps/${ct[0]}/registers")
	is "regmap: a module's holds two settings of each input" $((2 * inputs))
else
	ktap_test_skip "regmap: the box's"
	ktap_test_skip "regmap: a module's"
fi

# settings
keeps "virtual meter: a mask of channels" "$mask" 0x0000001 0xfffffff 0x0a50000 0x0000000
refuses "virtual meter: no channel beyond the last" "$mask" 0x10000000 -1 L1 " "
keeps "associated voltage: lines, reversed ones, and line to line" \
	"$module/input0_associated_voltage" none L1-N L2-N L3-N N-L1 N-L2 N-L3 \
	L1-L2 L2-L1 L2-L3 L3-L2 L1-L3 L3-L1
refuses "associated voltage: nothing else" "$module/input0_associated_voltage" L4-N N L1 1 " "
keeps "CT type: 0 to 15" "$module/input0_ct_type" 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
refuses "CT type: nothing else" "$module/input0_ct_type" 16 -1 closed " "
keeps "phantom voltages: all four" "$BUS/$box/phantom_voltages" \
	three-phase two-phase star-point off
refuses "phantom voltages: nothing else" "$BUS/$box/phantom_voltages" 4 on " "
put 1 "$module/input1_identify"
is "identify takes a 1" ok
put x "$module/input1_identify"
is "identify takes no x" refused

# save: the box is busy for a while, and who saves waits for its end
begin=${EPOCHREALTIME/./}
put 1 "$BUS/$box/save"
took_ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
is "save takes a 1" ok
ktap_print_msg "save took $took_ms ms"
# the driver gives up when it has asked for two seconds, which is an error
value=$((took_ms >= 200))
is "it ends when the box is no longer busy" 1
got "$module/input0_ct_type"
is "then settings are read at once" '[0-9]*'
got "$BUS/$box/state"
is "and a busy box is not a silent one" idle

# buffers: a scan for each poll of the powers
dir=$(mktemp -d)
got "$BUS/$box/lost_scans"
got "$io/lost_scans"
lost=$value
echo monotonic > "$io/current_timestamp_clock"
iio_readdev -T 10000 -b 5 -s 100 "${io##*/}" > "$dir/scans" 2> "$dir/errors" &
reader=$!
streaming() { got "$module/state" && [ "$value" = streaming ]; }
until_true 10 streaming
is "state while it is read" streaming

# control goes first: a write waits for the transaction that is underway
got "$module/input1_associated_voltage"
worst=0 sum=0 late=0
for i in {1..40}; do
	begin=${EPOCHREALTIME/./}
	printf %s "$value" > "$module/input1_associated_voltage"
	took=$((${EPOCHREALTIME/./} - begin))
	sum=$((sum + took))
	[ $took -gt $worst ] && worst=$took
	[ $took -lt 100000 ] || late=$((late + 1))
	# another moment of the cycle each time
	sleep "0.0$((31 + i))"
done
ktap_print_msg "write of a setting: mean $((sum / 40)) us, worst $worst us"
# a host that stands still holds up whoever waits then: one in ten may meet that
value=$((late <= 4))
is "a setting is written within 100 ms while powers are read" 1

wait $reader
bytes=$(stat -c %s "$dir/scans")
size=$((bytes / 100))
value=$((bytes > 0 && bytes % 100 == 0 && size % 8 == 0))
is "100 scans came" 1
first=0 last=0 least=1000000000 most=0
while read -r -a scan; do
	time_ns=${scan[-1]}
	if [ "$last" = 0 ]; then
		first=$time_ns
	else
		apart=$((time_ns - last))
		[ $apart -lt $least ] && least=$apart
		[ $apart -gt $most ] && most=$apart
	fi
	last=$time_ns
done < <(od -An -v -t d8 -w"$size" "$dir/scans")
mean=$(((last - first) / 99000))
ktap_print_msg "scans are $mean us apart, $((least / 1000)) to $((most / 1000)) us"
# An emulated processor on a busy host may stand still, once for longer, but each cycle
# counts; that none is lost otherwise is KUnit's to show, whose clock stands still, too.
got "$io/lost_scans"
lost=$((value - lost))
others=$(((last - first - most) / 98000))
value=$((least > 40000000 && mean > 99500 && others < 125000 && most < 5000000000))
is "they are 100 ms apart on the mean" 1
cycles=$(((last - first + 50000000) / 100000000))
# what was lost before the first scan and after the last one is not between them
value=$((cycles - 99 <= lost && cycles - 99 >= lost - 2))
is "scans and lost scans are all cycles that there were" 1
ktap_print_msg "$lost scans of 100 were lost"
value=$((lost - most / 100000000 <= 20))
is "most scans were not lost" 1
rm -rf "$dir"

# the slot map: modules whose inputs have other channels come again
got "$BUS/$box/slot_map"
map=$value
is "slot map: 28 slots" "$(printf '[0-9]* %.0s' {1..27})[0-9]*"
# shellcheck disable=SC2206 # words are wanted
slots=($map)
first=${slots[0]}
slots[0]=${slots[27]}
slots[27]=$first
put "${slots[*]}" "$BUS/$box/slot_map"
got "$BUS/$box/slot_map"
is "slot map: it can be written" "${slots[*]}"
put "$map" "$BUS/$box/slot_map"
refuses "slot map: nothing but 28 slots" "$BUS/$box/slot_map" 0 "$map 0" "${map/27/28}" x

# the tracepoint that only a box makes fire
tracing=/sys/kernel/tracing
value="no tracepoints"
if [ -d $tracing/events/smappee ]; then
	echo > $tracing/trace
	echo 1 > $tracing/events/smappee/smappee_poll/enable
	polled() { grep -q " smappee_poll: segment=$number unit=61 " $tracing/trace; }
	until_true 10 polled
	value=$?
	echo 0 > $tracing/events/smappee/smappee_poll/enable
fi
is "smappee_poll is seen" 0
ktap_finished
