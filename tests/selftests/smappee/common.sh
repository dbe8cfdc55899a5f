# SPDX-License-Identifier: GPL-2.0
#
# What the selftests share: where things are, and expectations in KTAP. In bash, whose read,
# patterns and clock need no process: under emulation a process takes longer than most of
# what is tested here.

here=$(dirname "$(readlink -f "$0")")
. "$here/../kselftest/ktap_helpers.sh"

# What it took without the harness.
trap 'ktap_print_msg "$SECONDS s"' EXIT

BUS=/sys/bus/smappee/devices
IIO=/sys/bus/iio/devices

# The segment with the most modules is the one that is tested.
number=$(ls "$BUS" 2>/dev/null | cut -d - -f 1 | sort | uniq -c | sort -n | sed -n '$s/.* //p')
modules=$(ls "$BUS" 2>/dev/null | grep "^$number-")
segment=$(readlink -f "$BUS/${modules%%[[:space:]]*}/..")

# skip_all REASON - nothing here can run
skip_all() {
	ktap_print_header
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# expect NAME WANTED GOT - equality, and both in the failure's message
expect() {
	if [ "$2" = "$3" ]; then
		ktap_test_pass "$1"
	else
		ktap_print_msg "$1: wanted \"$2\", got \"$3\""
		ktap_test_fail "$1"
	fi
}

# expect_match NAME PATTERN GOT - extended regular expression for the whole of GOT
expect_match() {
	if [[ $3 =~ ^($2)$ ]]; then
		ktap_test_pass "$1"
	else
		ktap_print_msg "$1: \"$3\" does not match $2"
		ktap_test_fail "$1"
	fi
}

# iio_of MODULE - the IIO device of a module of the bus
iio_of() {
	for path in "$BUS/$1"/iio:device*; do
		[ -d "$path" ] && echo "$IIO/${path##*/}"
	done
}

# until_true SECONDS COMMAND... - wait for a condition
until_true() {
	deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# first_of DRIVER - the first module that a driver has
first_of() {
	for path in /sys/bus/smappee/drivers/"$1/$number"-[0-9]*; do
		[ -e "$path" ] && echo "${path##*/}" && return
	done
}
