// SPDX-License-Identifier: GPL-2.0-or-later
#include "vendor.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"
#include "log.h"
#include "text.h"
#include "version.h"

#define AGGREGATION_S 300
#define NS_PER_S INT64_C(1000000000)
#define TEXT_BASE 4096
#define TEXT_PER_CHANNEL 2048
#define UUID_MAX 64
/* What the table of the vendor's serial numbers has for a CT hub. */
#define HUB_SERIAL "55000000%02u"

/**
 * struct means - a channel in the aggregation that runs
 */
struct means {
	double seconds;
	double i_a;
	double import_w;
	double export_w;
	double s_va;
	double q1_var;
	double pf_seconds;
	double pf;
};

struct vendor {
	struct mqtt *mqtt;
	struct mqtt_listener listener;
	const struct mqtt_config *config;
	const struct installation *in;
	char *topic; /* room for the last part after topic_length */
	size_t topic_length;
	struct text text;
	int64_t mark; /* number of the aggregation that runs, 0: none */
	double v_v[READING_PHASES_MAX];
	double v_seconds[READING_PHASES_MAX];
	double consumption_w; /* and its seconds */
	double consumption_s;
	double always_on_w; /* least mean consumption so far, NAN: none */
	struct means channel[INPUT_CHANNELS_MAX];
};

static void send_text(struct vendor *v, const char *last, bool retain)
{
	if (v->text.full) {
		log_error("mqtt: vendor topic %s: text too long", last);
		return;
	}
	strcpy(v->topic + v->topic_length, last);
	mqtt_send(v->mqtt, v->topic, v->text.at, v->text.length, 0, retain, NULL);
}

static struct text *begin(struct vendor *v)
{
	v->text.length = 0;
	v->text.full = false;
	return &v->text;
}

static int64_t now_ms(void)
{
	return (int64_t)(clock_us(CLOCK_REALTIME) / 1000);
}

static void send_config(struct vendor *v)
{
	struct text *t = begin(v);

	text_put(t, "{\"utcTimeStamp\":%" PRId64 ",\"deviceUuid\":", now_ms());
	text_json(t, v->config->vendor_uuid);
	text_put(t, ",\"serialNumber\":");
	text_json(t, v->config->vendor_serial);
	text_put(t, ",\"serviceLocationUuid\":");
	text_json(t, v->config->vendor_uuid);
	text_put(t,
		 ",\"serviceLocationId\":1,\"firmwareVersion\":\"meterd " SMAPPEE_VERSION
		 "\",\"aggregationPeriodSeconds\":%d,\"timeZone\":\"Etc/UTC\"}",
		 AGGREGATION_S);
	send_text(v, "config", true);
}

/* The number of the channel that feeds an element. */
static const struct input_channel *input_of(const struct vendor *v, unsigned int number)
{
	return &v->in->inputs.channel[v->in->inputs.voltages + number];
}

static const char *flow(const struct load *l)
{
	return l->role == LOAD_PRODUCTION ? "PRODUCTION" : "CONSUMPTION";
}

static bool at_grid(enum load_role role)
{
	return role == LOAD_GRID || role == LOAD_PRODUCTION;
}

/* Slots of line voltages have no phase of their own: the first one stands for it. */
static unsigned int phase_id(const char *phase)
{
	size_t n = strlen(phase);

	return n == 2 && phase[1] >= '1' && phase[1] <= '3' ? (unsigned int)(phase[1] - '1') : 0;
}

static const char *phase_type(const struct installation *in)
{
	if (!in->topology->three_phase)
		return in->topology->voltages == 1 ? "ONE" : "TWO";
	return in->topology->neutral ? "THREE_STAR" : "THREE_DELTA";
}

/**
 * for_channels() - call @put for each channel, with its load, element and number
 */
static void for_channels(struct vendor *v, struct text *t,
			 void (*put)(struct vendor *v, struct text *t, const struct load *l,
				     const struct load_element *e, unsigned int number))
{
	unsigned int k;
	unsigned int e;
	bool more = false;

	for (k = 0; k < v->in->loads; k++)
		for (e = 0; e < v->in->load[k].elements; e++) {
			text_put(t, more ? "," : "");
			more = true;
			put(v, t, &v->in->load[k], &v->in->load[k].element[e],
			    v->in->load[k].first + e);
		}
}

static void put_old_channel(struct vendor *v, struct text *t, const struct load *l,
			    const struct load_element *e, unsigned int number)
{
	text_put(t, "{\"ctInput\":%u,\"name\":", number);
	text_json(t, l->name);
	text_put(t,
		 ",\"phase\":%u,\"inputChannelType\":\"%s\",\"inputChannelConnection\":\"%s\","
		 "\"reversed\":%s,\"nilm\":false,\"balanced\":false,"
		 "\"inputChannelCTType\":\"CT50_100_200\"}",
		 phase_id(v->in->topology->phase[e->slot]), flow(l),
		 at_grid(l->role) ? "GRID" : "SUBMETER", e->sign < 0 ? "true" : "false");
}

static void send_channel_config(struct vendor *v)
{
	struct text *t = begin(v);

	text_put(t, "{\"utcTimeStamp\":%" PRId64 ",\"inputChannels\":[", now_ms());
	for_channels(v, t, put_old_channel);
	text_put(t, "]}");
	send_text(v, "channelConfig", true);
}

static void put_formula(struct vendor *v, struct text *t, unsigned int number)
{
	const struct input_channel *c = input_of(v, number);

	text_put(t, "\"formula\":\"$" HUB_SERIAL "/%u$\"", c->device, c->within);
}

/* The vendor's ids of quantities: kind, phase, unit. */
static char phase_letter(unsigned int phase)
{
	return (char)('A' + phase);
}

static void put_type(struct text *t, const char *kind, const char *unit, unsigned int phase,
		     int kind_id, int unit_id)
{
	static const int phase_ids[READING_PHASES_MAX] = { 128, 64, 32 };

	text_put(t,
		 "{\"commodity\":\"ELECTRICITY\",\"measurementKind\":\"%s\",\"unit\":\"%s\","
		 "\"index\":0,\"phase\":\"PHASE%c\",\"channel\":0,\"mRID\":\"1.%d.%d.%d\"}",
		 kind, unit, phase_letter(phase), kind_id, phase_ids[phase], unit_id);
}

static void put_source(struct vendor *v, struct text *t, const struct load *l,
		       const struct load_element *e, unsigned int number)
{
	const struct input_channel *c = input_of(v, number);

	text_put(t,
		 "{\"busAddress\":{\"serialNumber\":\"" HUB_SERIAL "\",\"inputIndex\":%u},"
		 "\"type\":\"SCT2_50A\",\"reversed\":%s,\"version\":4,\"name\":\"CTHub-" HUB_SERIAL
		 "\",\"nilm\":false,\"measurementType\":",
		 c->device, c->within, e->sign < 0 ? "true" : "false", c->device);
	put_type(t, "ACTIVE_POWER", "WATT", phase_id(v->in->topology->phase[e->slot]), 37, 38);
	text_put(t, "}");
}

static void put_measurement(struct vendor *v, struct text *t, const struct load *l,
			    const struct load_element *e, unsigned int number)
{
	unsigned int phase = phase_id(v->in->topology->phase[e->slot]);

	text_put(t, "{\"version\":2,\"type\":\"CT\",\"name\":");
	text_json(t, l->name);
	text_put(t, ",");
	put_formula(v, t, number);
	text_put(t,
		 ",\"publishIndex\":%u,\"flow\":\"%s\",\"connectionType\":\"%s\","
		 "\"publishedMeasurementTypes\":[",
		 number, flow(l), at_grid(l->role) ? "GRID" : "SUBMETER");
	put_type(t, "ACTIVE_POWER", "WATT", phase, 37, 38);
	text_put(t, ",");
	put_type(t, "REACTIVE_POWER", "VOLTAMPEREREACTIVE", phase, 1003, 63);
	text_put(t, ",");
	put_type(t, "VOLTAGE", "VOLT", phase, 158, 29);
	text_put(t, ",");
	put_type(t, "CURRENT", "AMPERE", phase, 4, 5);
	text_put(t, "]}");
}

/* The last measurement is the location itself; it has no name there either. */
static void put_location(struct text *t)
{
	static const char *const kinds[] = {
		"ALWAYS_ON",
		"LOADTOTAL_ACTIVE_POWER",
		"PRODUCTIONTOTAL_ACTIVE_POWER",
		"IMPORTTOTAL_ACTIVE_POWER",
		"EXPORTTOTAL_ACTIVE_POWER",
	};
	unsigned int k;

	text_put(t, ",{\"version\":2,\"type\":\"SERVICE_LOCATION\",\"formula\":\"\","
		    "\"publishIndex\":-1,\"flow\":\"UNKNOWN\",\"connectionType\":\"UNKNOWN\","
		    "\"publishedMeasurementTypes\":[");
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		text_put(t,
			 "%s{\"commodity\":\"ELECTRICITY\",\"measurementKind\":\"%s\","
			 "\"unit\":\"WATT\",\"index\":0,\"phase\":\"NOTAPPLICABLE\",\"channel\":0,"
			 "\"mRID\":\"1.%u.0.38\"}",
			 k ? "," : "", kinds[k], 1008 + k);
	text_put(t, "]}");
}

static void send_channel_config_v2(struct vendor *v)
{
	struct text *t = begin(v);

	text_put(t,
		 "{\"utcTimeStamp\":%" PRId64 ",\"dataProcessingSpecification\":"
		 "{\"serviceLocationId\":1,\"phaseType\":\"%s\",\"dataSources\":[",
		 now_ms(), phase_type(v->in));
	for_channels(v, t, put_source);
	text_put(t, "],\"measurements\":[");
	for_channels(v, t, put_measurement);
	put_location(t);
	text_put(t, "]}}");
	send_text(v, "channelConfigV2", true);
}

static void send_sensor_config(struct vendor *v)
{
	struct text *t = begin(v);

	text_put(t, "{\"utcTimeStamp\":%" PRId64 ",\"gwSensors\":[],\"switchSensors\":[]}",
		 now_ms());
	send_text(v, "sensorConfig", true);
}

static void on_connected(void *user)
{
	struct vendor *v = user;

	send_config(v);
	send_channel_config(v);
	send_channel_config_v2(v);
	send_sensor_config(v);
}

static bool put_channel_power(struct vendor *v, struct text *t, const struct element_reading *e,
			      unsigned int number, bool more)
{
	if (!isfinite(e->p_w) || !isfinite(e->i_a))
		return false;
	text_put(t, "%s{\"publishIndex\":%u,\"ctInput\":%u,", more ? "," : "", number, number);
	put_formula(v, t, number);
	text_put(t, ",\"power\":%.0f,\"phaseId\":%u,\"current\":%.0f", rint(e->p_w) + 0.0,
		 phase_id(e->phase), rint(e->i_a * 10));
	/* one of two clamps has no energy of its own */
	if (isfinite(e->energy.import_j) && isfinite(e->energy.export_j))
		text_put(t, ",\"exportEnergy\":%.0f,\"importEnergy\":%.0f",
			 rint(e->energy.export_j), rint(e->energy.import_j));
	if (isfinite(e->s_va))
		text_put(t, ",\"apparentPower\":%.0f", rint(e->s_va));
	if (isfinite(e->pf))
		text_put(t, ",\"cosPhi\":%.0f", rint(e->pf * 100) + 0.0);
	text_put(t, "}");
	return true;
}

/**
 * struct sums - totals of a reading, as the vendor counts them: power of what is at
 *	the grid, energy of all channels
 */
struct sums {
	double p_w;
	double q1_var;
	double import_j;
	double export_j;
};

static struct sums sum_up(const struct reading *r)
{
	struct sums s = { 0 };
	unsigned int k;
	unsigned int e;

	for (k = 0; k < r->loads; k++) {
		const struct load_reading *l = &r->load[k];

		if (at_grid(l->role) && l->elements) {
			s.p_w += l->p_w;
			s.q1_var += l->q1_var;
		}
		/* two clamps without neutral have their energy together */
		if (l->elements && !isfinite(l->element[0].energy.import_j)) {
			s.import_j += l->energy.import_j;
			s.export_j += l->energy.export_j;
			continue;
		}
		for (e = 0; e < l->elements; e++) {
			s.import_j += l->element[e].energy.import_j;
			s.export_j += l->element[e].energy.export_j;
		}
	}
	return s;
}

static void put_total(struct text *t, const char *key, double value)
{
	if (isfinite(value))
		text_put(t, "\"%s\":%.0f,", key, rint(value) + 0.0);
}

static void send_realtime(struct vendor *v, const struct reading *r)
{
	struct text *t = begin(v);
	struct sums s = sum_up(r);
	bool more = false;
	unsigned int k;
	unsigned int e;

	text_put(t, "{");
	put_total(t, "totalPower", s.p_w);
	put_total(t, "totalReactivePower", s.q1_var);
	put_total(t, "totalExportEnergy", s.export_j);
	put_total(t, "totalImportEnergy", s.import_j);
	put_total(t, "measuredFrequency", r->frequency_hz * 1e6);
	text_put(t, "\"monitorStatus\":0,\"utcTimeStamp\":%" PRId64 ",\"channelPowers\":[",
		 r->utc_ns / NS_PER_S * 1000);
	for (k = 0; k < r->loads; k++)
		for (e = 0; e < r->load[k].elements; e++)
			more |= put_channel_power(v, t, &r->load[k].element[e],
						  v->in->load[k].first + e, more);
	text_put(t, "],\"voltages\":[");
	for (k = 0, more = false; k < r->voltages; k++) {
		if (!isfinite(r->voltage[k].ln_v))
			continue;
		text_put(t, "%s{\"voltage\":%.0f,\"phaseId\":%u}", more ? "," : "",
			 rint(r->voltage[k].ln_v), k);
		more = true;
	}
	text_put(t, "]}");
	send_text(v, "realtime", false);
}

static void add_channel(struct means *m, const struct element_reading *e, double seconds)
{
	if (!isfinite(e->p_w) || !isfinite(e->i_a) || !isfinite(e->s_va) || !isfinite(e->q1_var))
		return;
	m->seconds += seconds;
	m->i_a += e->i_a * seconds;
	m->import_w += fmax(e->p_w, 0) * seconds;
	m->export_w += fmax(-e->p_w, 0) * seconds;
	m->s_va += e->s_va * seconds;
	m->q1_var += e->q1_var * seconds;
	if (!isfinite(e->pf))
		return;
	m->pf_seconds += seconds;
	m->pf += e->pf * seconds;
}

static void add_means(struct vendor *v, const struct reading *r)
{
	double seconds = (double)(r->end_ns - r->start_ns) / NS_PER_S;
	unsigned int k;
	unsigned int e;

	for (k = 0; k < r->voltages; k++) {
		if (!isfinite(r->voltage[k].ln_v))
			continue;
		v->v_v[k] += r->voltage[k].ln_v * seconds;
		v->v_seconds[k] += seconds;
	}
	if (isfinite(r->totals.consumption_w)) {
		v->consumption_w += r->totals.consumption_w * seconds;
		v->consumption_s += seconds;
	}
	for (k = 0; k < r->loads; k++)
		for (e = 0; e < r->load[k].elements; e++)
			add_channel(&v->channel[v->in->load[k].first + e], &r->load[k].element[e],
				    seconds);
}

static bool put_means(struct text *t, const struct means *m, unsigned int number, bool more)
{
	if (m->seconds <= 0)
		return false;
	text_put(t,
		 "%s{\"averageRMSCurrent\":%.0f,\"averageImportRMSActivePower\":%.0f,"
		 "\"averageExportRMSActivePower\":%.0f,\"averageRMSApparentPower\":%.0f,"
		 "\"averageRMSReactivePower\":%.0f,",
		 more ? "," : "", m->i_a / m->seconds * 1e3, m->import_w / m->seconds * 1e3,
		 m->export_w / m->seconds * 1e3, m->s_va / m->seconds * 1e3,
		 rint(m->q1_var / m->seconds * 1e3) + 0.0);
	if (m->pf_seconds > 0)
		text_put(t, "\"averagePowerfactor\":%.0f,",
			 rint(m->pf / m->pf_seconds * 100) + 0.0);
	text_put(t, "\"ctInput\":%u,\"publishIndex\":%u}", number, number);
	return true;
}

static void send_aggregated(struct vendor *v, int64_t end_ms)
{
	struct text *t = begin(v);
	bool more = false;
	unsigned int k;

	text_put(t, "{\"intervalDatas\":[{\"utcEndtime\":%" PRId64 ",\"averageRMSVoltages\":[",
		 end_ms);
	for (k = 0; k < v->in->topology->slots; k++)
		text_put(t, v->v_seconds[k] > 0 ? "%s%.0f" : "%snull", k ? "," : "",
			 v->v_seconds[k] > 0 ? v->v_v[k] / v->v_seconds[k] * 10 : 0);
	text_put(t, "],");
	if (v->consumption_s > 0)
		v->always_on_w = fmin(v->always_on_w, v->consumption_w / v->consumption_s);
	put_total(t, "alwaysOn", v->always_on_w * 1e3);
	text_put(t, "\"channelIntervalDatas\":[");
	for (k = 0; k < INPUT_CHANNELS_MAX; k++)
		more |= put_means(t, &v->channel[k], k, more);
	text_put(t, "],\"version\":2}]}");
	send_text(v, "aggregated", false);
}

void vendor_publish(struct vendor *v, const struct reading *r)
{
	int64_t mark = r->utc_ns / NS_PER_S / AGGREGATION_S;

	if (!v || r->loads != v->in->loads)
		return;
	if (v->mark && mark != v->mark) {
		send_aggregated(v, (v->mark + 1) * AGGREGATION_S * 1000);
		memset(v->channel, 0, sizeof(v->channel));
		memset(v->v_v, 0, sizeof(v->v_v));
		memset(v->v_seconds, 0, sizeof(v->v_seconds));
		v->consumption_w = 0;
		v->consumption_s = 0;
	}
	v->mark = mark;
	add_means(v, r);
	send_realtime(v, r);
}

int vendor_open(struct vendor **out, struct mqtt *m, const struct mqtt_config *config,
		const struct installation *in)
{
	static const char longest[] = "channelConfigV2";
	const char *uuid = config->vendor_uuid;
	struct vendor *v;
	int length;
	int error;

	if (strlen(uuid) > UUID_MAX || strpbrk(uuid, "+#/")) {
		log_error("[mqtt] vendor_uuid = %s: cannot be a part of a topic; use at most %d "
			  "characters without +, # and /",
			  uuid, UUID_MAX);
		return -EINVAL;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->mqtt = m;
	v->config = config;
	v->in = in;
	v->always_on_w = NAN;
	v->listener = (struct mqtt_listener){ .connected = on_connected, .user = v };
	v->text.size = TEXT_BASE + in->inputs.channels * TEXT_PER_CHANNEL;
	v->text.at = malloc(v->text.size);
	length = asprintf(&v->topic, "servicelocation/%s/%s", uuid, longest);
	error = v->text.at && length > 0 ? mqtt_listen(m, &v->listener) : -ENOMEM;
	if (error) {
		vendor_close(v);
		return error;
	}
	v->topic_length = (size_t)length - (sizeof(longest) - 1);
	*out = v;
	return 0;
}

void vendor_close(struct vendor *v)
{
	if (!v)
		return;
	free(v->text.at);
	free(v->topic);
	free(v);
}
