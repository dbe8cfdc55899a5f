#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lights of modules as LED class devices. Wants the input module of the scenario io.ini.
. "$(dirname "$0")/common.sh"

module=$(first_of smappee-input)
[ -n "$module" ] || skip_all "no input module"
dev=$BUS/$module
leds_there() { [ -e "$dev"/smappee_bus.leds.*/leds ]; }
until_true 20 leds_there || skip_all "no LEDs: is leds-smappee there?"
leds=$(echo "$dev"/smappee_bus.leds.*/leds)
serial=$(<"$dev/serial_number")
chosen() { sed 's/.*\[\(.*\)\].*/\1/' "$leds/$serial::$1/trigger"; }
ktap_print_header
ktap_set_plan 10

expect "a status LED and one per input" 5 "$(ls "$leds" | wc -l)"
expect "they are LEDs of the class" "$(readlink -f "$leds/$serial::status")" \
	"$(readlink -f "/sys/class/leds/$serial::status")"
expect "the module is in control" smappee-module "$(chosen input-2)"
expect "other LEDs have no such trigger" 0 \
	"$(grep -ls smappee-module /sys/class/leds/*/trigger | grep -cv '[0-9]::')"
echo smappee-identify > "$leds/$serial::input-2/trigger"
expect "a trigger identifies" smappee-identify "$(chosen input-2)"
echo 0 > "$leds/$serial::input-2/brightness"
expect "brightness 0 takes it over" none "$(chosen input-2)"
echo smappee-module > "$leds/$serial::input-2/trigger"
expect "the trigger gives it back" smappee-module "$(chosen input-2)"
expect "a brightness that is no number is refused" 1 \
	"$( (echo full > "$leds/$serial::input-2/brightness") 2>/dev/null; echo $?)"
echo "${leds#"$dev"/}" | cut -d / -f 1 > /sys/bus/auxiliary/drivers/leds_smappee.smappee-leds/unbind
expect "without the driver there are none" 1 "$(ls "$leds" > /dev/null 2>&1; echo $((! !$?)))"
echo "${leds#"$dev"/}" | cut -d / -f 1 > /sys/bus/auxiliary/drivers/leds_smappee.smappee-leds/bind
until_true 20 leds_there
expect "and they come back" smappee-module "$(chosen status)"
ktap_finished
