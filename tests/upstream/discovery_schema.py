# SPDX-License-Identifier: GPL-2.0-or-later
"""Home Assistant's device discovery, the parts that meterd uses, from its documentation."""
import json

SCHEMA = json.loads(r"""
{
  "title": "Home Assistant MQTT device discovery, the parts that meterd uses, from its documentation",
  "type": "object",
  "required": ["device", "origin", "components"],
  "additionalProperties": false,
  "properties": {
    "device": {
      "type": "object", "required": ["identifiers"], "additionalProperties": false,
      "properties": {
        "identifiers": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        "name": {"type": "string"}, "manufacturer": {"type": "string"}, "model": {"type": "string"},
        "sw_version": {"type": "string"}, "serial_number": {"type": "string"}
      }
    },
    "origin": {
      "type": "object", "required": ["name"], "additionalProperties": false,
      "properties": {"name": {"type": "string", "minLength": 1}, "sw_version": {"type": "string"},
                     "support_url": {"type": "string"}}
    },
    "availability": {"$ref": "#/$defs/availability"},
    "availability_mode": {"$ref": "#/$defs/availability_mode"},
    "state_topic": {"$ref": "#/$defs/topic"},
    "qos": {"enum": [0, 1, 2]},
    "components": {
      "type": "object", "minProperties": 1,
      "propertyNames": {"pattern": "^[a-z0-9_-]+$"},
      "additionalProperties": {"oneOf": [{"$ref": "#/$defs/sensor"}, {"$ref": "#/$defs/binary_sensor"},
                                         {"$ref": "#/$defs/switch"}, {"$ref": "#/$defs/button"}]}
    }
  },
  "$defs": {
    "topic": {"type": "string", "minLength": 1, "pattern": "^[^#+]+$"},
    "template": {"type": "string", "pattern": "^\\{\\{ .* \\}\\}$"},
    "availability": {
      "type": "array",
      "items": {"type": "object", "required": ["topic"], "additionalProperties": false,
                "properties": {"topic": {"$ref": "#/$defs/topic"}, "value_template": {"$ref": "#/$defs/template"},
                               "payload_available": {"type": "string"}, "payload_not_available": {"type": "string"}}}
    },
    "availability_mode": {"enum": ["all", "any", "latest"]},
    "category": {"enum": ["config", "diagnostic"]},
    "sensor": {
      "type": "object", "required": ["platform", "unique_id"], "additionalProperties": false,
      "properties": {
        "platform": {"const": "sensor"}, "unique_id": {"type": "string", "minLength": 1},
        "name": {"type": "string"}, "value_template": {"$ref": "#/$defs/template"},
        "state_class": {"enum": ["measurement", "total", "total_increasing"]},
        "device_class": {"enum": ["power", "reactive_power", "apparent_power", "power_factor", "energy",
                                  "voltage", "current", "frequency", "gas", "water"]},
        "state_topic": {"$ref": "#/$defs/topic"}, "availability": {"$ref": "#/$defs/availability"},
        "availability_mode": {"$ref": "#/$defs/availability_mode"},
        "unit_of_measurement": {"type": "string"}, "entity_category": {"$ref": "#/$defs/category"},
        "suggested_display_precision": {"type": "integer", "minimum": 0},
        "expire_after": {"type": "integer", "minimum": 1}
      },
      "allOf": [
        {"$comment": "units that a device class allows; a power factor may have none",
         "if": {"required": ["device_class"]},
         "then": {"oneOf": [
           {"properties": {"device_class": {"const": "power"}, "unit_of_measurement": {"enum": ["mW", "W", "kW"]}}, "required": ["unit_of_measurement"]},
           {"properties": {"device_class": {"const": "reactive_power"}, "unit_of_measurement": {"enum": ["var", "kvar"]}}, "required": ["unit_of_measurement"]},
           {"properties": {"device_class": {"const": "apparent_power"}, "unit_of_measurement": {"enum": ["VA", "kVA"]}}, "required": ["unit_of_measurement"]},
           {"properties": {"device_class": {"const": "power_factor"}, "unit_of_measurement": {"enum": ["%"]}}},
           {"properties": {"device_class": {"const": "energy"}, "unit_of_measurement": {"enum": ["Wh", "kWh", "MWh", "MJ", "GJ"]}, "state_class": {"enum": ["total", "total_increasing"]}}, "required": ["unit_of_measurement", "state_class"]},
           {"properties": {"device_class": {"const": "voltage"}, "unit_of_measurement": {"enum": ["mV", "V"]}}, "required": ["unit_of_measurement"]},
           {"properties": {"device_class": {"const": "current"}, "unit_of_measurement": {"enum": ["mA", "A"]}}, "required": ["unit_of_measurement"]},
           {"properties": {"device_class": {"const": "gas"}, "unit_of_measurement": {"enum": ["m³", "ft³", "CCF"]}, "state_class": {"enum": ["total", "total_increasing"]}}, "required": ["unit_of_measurement", "state_class"]},
           {"properties": {"device_class": {"const": "water"}, "unit_of_measurement": {"enum": ["L", "gal", "m³", "ft³", "CCF"]}, "state_class": {"enum": ["total", "total_increasing"]}}, "required": ["unit_of_measurement", "state_class"]},
           {"properties": {"device_class": {"const": "frequency"}, "unit_of_measurement": {"enum": ["Hz", "kHz"]}}, "required": ["unit_of_measurement"]}
         ]}}
      ]
    },
    "binary_sensor": {
      "type": "object", "required": ["platform", "unique_id"], "additionalProperties": false,
      "properties": {
        "platform": {"const": "binary_sensor"}, "unique_id": {"type": "string", "minLength": 1},
        "name": {"type": "string"}, "value_template": {"$ref": "#/$defs/template"},
        "state_topic": {"$ref": "#/$defs/topic"}, "availability": {"$ref": "#/$defs/availability"},
        "availability_mode": {"$ref": "#/$defs/availability_mode"},
        "device_class": {"enum": ["problem"]}, "entity_category": {"$ref": "#/$defs/category"},
        "expire_after": {"type": "integer", "minimum": 1},
        "payload_on": {"type": "string"}, "payload_off": {"type": "string"}
      }
    },
    "switch": {
      "type": "object", "required": ["platform", "unique_id", "command_topic"], "additionalProperties": false,
      "properties": {
        "platform": {"const": "switch"}, "unique_id": {"type": "string", "minLength": 1},
        "name": {"type": "string"}, "value_template": {"$ref": "#/$defs/template"},
        "command_topic": {"$ref": "#/$defs/topic"}, "state_topic": {"$ref": "#/$defs/topic"},
        "availability": {"$ref": "#/$defs/availability"}, "availability_mode": {"$ref": "#/$defs/availability_mode"},
        "device_class": {"enum": ["outlet", "switch"]}, "entity_category": {"$ref": "#/$defs/category"},
        "payload_on": {"type": "string"}, "payload_off": {"type": "string"},
        "state_on": {"type": "string"}, "state_off": {"type": "string"}
      }
    },
    "button": {
      "type": "object", "required": ["platform", "unique_id", "command_topic"], "additionalProperties": false,
      "properties": {
        "platform": {"const": "button"}, "unique_id": {"type": "string", "minLength": 1},
        "name": {"type": "string"}, "command_topic": {"$ref": "#/$defs/topic"},
        "availability": {"$ref": "#/$defs/availability"}, "availability_mode": {"$ref": "#/$defs/availability_mode"},
        "device_class": {"enum": ["identify", "restart", "update"]}, "entity_category": {"$ref": "#/$defs/category"},
        "payload_press": {"type": "string"}
      }
    }
  }
}
""")
