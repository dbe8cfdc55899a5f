// SPDX-License-Identifier: GPL-2.0
/*
 * The mains that a segment's voltage module is wired to: the node "mains" of the
 * segment's node (Documentation/devicetree/bindings/iio/meter/mains.yaml).
 *
 * A property that makes no sense is named in the log and has no effect; all that
 * can be used is. Nothing here touches the line.
 */
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/property.h>
#include <linux/serdev.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"
#include "mains.h"

#define MAINS_NODE		"mains"
#define MAINS_MIN_UV		50000000
#define MAINS_MAX_UV		1000000000
#define MAINS_RATIO_MAX		100000

/**
 * struct mains_topology - a way in which mains are made up
 * @name: in the firmware description and in sysfs
 * @conductors: phase conductors
 */
struct mains_topology {
	const char *name;
	unsigned int conductors;
};

static const struct mains_topology mains_topologies[] = {
	{ "1p", 1 },
	{ "2p+n", 2 },
	{ "3p+n", 3 },
	{ "3p", 3 },
	{ "high-leg", 3 },
};

/**
 * smappee_mains_is_node() - is this node that of the mains, and not of a module?
 * @node: child of a segment's node
 *
 * Return: whether it is.
 */
bool smappee_mains_is_node(const struct fwnode_handle *node)
{
	const char *name = fwnode_get_name(node);

	return name && !strcmp(name, MAINS_NODE);
}

static const struct mains_topology *mains_topology(struct device *dev,
						   struct fwnode_handle *node)
{
	const char *name;
	unsigned int i;

	if (fwnode_property_read_string(node, "topology", &name)) {
		dev_err(dev,
			"%pfwP: topology is missing or no text: must be 1p, 2p+n, 3p+n, 3p or high-leg; ignored\n",
			node);
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(mains_topologies); i++)
		if (!strcmp(name, mains_topologies[i].name))
			return &mains_topologies[i];
	dev_err(dev,
		"%pfwP: topology = \"%s\": must be 1p, 2p+n, 3p+n, 3p or high-leg; ignored\n",
		node, name);

	return NULL;
}

/* A property that is one number. Returns whether it is there, and is. */
static bool mains_number(struct device *dev, struct fwnode_handle *node,
			 const char *prop, u32 *value)
{
	if (!fwnode_property_present(node, prop))
		return false;
	if (fwnode_property_count_u32(node, prop) == 1 &&
	    !fwnode_property_read_u32(node, prop, value))
		return true;
	dev_err(dev, "%pfwP: %s: must be one number; ignored\n", node, prop);

	return false;
}

static void mains_voltage(struct smappee_mains *mains, struct device *dev,
			  struct fwnode_handle *node)
{
	static const char prop[] = "nominal-voltage-microvolt";
	u32 value;

	if (!mains_number(dev, node, prop, &value))
		return;
	if (value < MAINS_MIN_UV || value > MAINS_MAX_UV)
		dev_err(dev, "%pfwP: %s = %u: must be %u to %u; ignored\n",
			node, prop, value, MAINS_MIN_UV, MAINS_MAX_UV);
	else
		mains->voltage_uv = value;
}

static void mains_frequency(struct smappee_mains *mains, struct device *dev,
			    struct fwnode_handle *node)
{
	static const char prop[] = "nominal-frequency-hz";
	u32 value;

	if (!mains_number(dev, node, prop, &value))
		return;
	if (value != 50 && value != 60)
		dev_err(dev, "%pfwP: %s = %u: must be 50 or 60; ignored\n",
			node, prop, value);
	else
		mains->frequency_hz = value;
}

static void mains_ratio(struct smappee_mains *mains, struct device *dev,
			struct fwnode_handle *node)
{
	static const char prop[] = "potential-transformer-ratio";
	u32 ratio[2];

	if (!fwnode_property_present(node, prop))
		return;
	if (fwnode_property_count_u32(node, prop) != ARRAY_SIZE(ratio) ||
	    fwnode_property_read_u32_array(node, prop, ratio,
					   ARRAY_SIZE(ratio))) {
		dev_err(dev,
			"%pfwP: %s: must be two numbers, primary and secondary; ignored\n",
			node, prop);
		return;
	}
	if (!ratio[1] || ratio[0] < ratio[1] || ratio[0] > MAINS_RATIO_MAX) {
		dev_err(dev,
			"%pfwP: %s = %u %u: must be 1 to %u, the first not less than the second; ignored\n",
			node, prop, ratio[0], ratio[1], MAINS_RATIO_MAX);
		return;
	}
	mains->primary = ratio[0];
	mains->secondary = ratio[1];
}

/* Letters, digits and "+_.-", as many as there is room for. */
static bool mains_is_name(const char *name)
{
	size_t len = strlen(name);
	size_t i;

	for (i = 0; i < len; i++)
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && !strchr("+_.-", name[i])))
			return false;

	return len && len < SMAPPEE_CONDUCTOR_NAME;
}

static bool mains_names_good(struct device *dev, struct fwnode_handle *node,
			     const char *prop, const char *const *names,
			     unsigned int count)
{
	unsigned int i, k;

	for (i = 0; i < count; i++) {
		if (!mains_is_name(names[i])) {
			dev_err(dev,
				"%pfwP: %s = \"%s\": must be 1 to %u of A-Z a-z 0-9 + _ . -; all names ignored\n",
				node, prop, names[i], SMAPPEE_CONDUCTOR_NAME - 1);
			return false;
		}
		for (k = 0; k < i; k++) {
			if (strcmp(names[i], names[k]))
				continue;
			dev_err(dev,
				"%pfwP: %s = \"%s\" twice: each conductor must have another name; all names ignored\n",
				node, prop, names[i]);
			return false;
		}
	}

	return true;
}

static void mains_names(struct smappee_mains *mains, struct device *dev,
			struct fwnode_handle *node, unsigned int conductors)
{
	static const char prop[] = "conductor-names";
	const char *names[SMAPPEE_CONDUCTORS_MAX];
	unsigned int i;
	int count;

	if (!fwnode_property_present(node, prop))
		return;
	count = fwnode_property_string_array_count(node, prop);
	if (count < 1 || count > SMAPPEE_CONDUCTORS_MAX ||
	    (conductors && count != conductors)) {
		dev_err(dev,
			"%pfwP: %s: %d names: must be one for each phase conductor, %u to %u; ignored\n",
			node, prop, max(count, 0), conductors ?: 1,
			conductors ?: SMAPPEE_CONDUCTORS_MAX);
		return;
	}
	count = fwnode_property_read_string_array(node, prop, names, count);
	if (count < 0 || !mains_names_good(dev, node, prop, names, count))
		return;
	for (i = 0; i < count; i++)
		strscpy(mains->name[i], names[i], sizeof(mains->name[i]));
	mains->names = count;
}

/**
 * smappee_mains_parse() - read what the firmware says of a segment's mains
 * @mains: all zero; gets what makes sense
 * @dev: the segment
 */
void smappee_mains_parse(struct smappee_mains *mains, struct device *dev)
{
	const struct mains_topology *topology;
	struct fwnode_handle *node;

	node = device_get_named_child_node(dev, MAINS_NODE);
	if (!node)
		return;

	topology = mains_topology(dev, node);
	if (topology)
		mains->topology = topology->name;
	mains_voltage(mains, dev, node);
	mains_frequency(mains, dev, node);
	mains_ratio(mains, dev, node);
	mains_names(mains, dev, node, topology ? topology->conductors : 0);
	fwnode_handle_put(node);
}

/**
 * smappee_segment_mains() - the mains that a module's segment is for
 * @sdev: the module
 *
 * Return: what the firmware says of them, as long as the device exists; what it does
 * not say is zero.
 */
const struct smappee_mains *smappee_segment_mains(struct smappee_device *sdev)
{
	return &to_smappee_module(&sdev->dev)->segment->mains;
}
EXPORT_SYMBOL_NS_GPL(smappee_segment_mains, SMAPPEE_BUS_NS);

static const struct smappee_mains *mains_of(struct device *dev)
{
	struct smappee_segment *segment =
		serdev_device_get_drvdata(to_serdev_device(dev));

	return &segment->mains;
}

static ssize_t mains_topology_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", mains_of(dev)->topology);
}
static DEVICE_ATTR_RO(mains_topology);

static ssize_t mains_voltage_uv_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", mains_of(dev)->voltage_uv);
}
static DEVICE_ATTR_RO(mains_voltage_uv);

static ssize_t mains_frequency_hz_show(struct device *dev,
				       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", mains_of(dev)->frequency_hz);
}
static DEVICE_ATTR_RO(mains_frequency_hz);

static ssize_t mains_conductors_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	const struct smappee_mains *mains = mains_of(dev);
	unsigned int i;
	int len = 0;

	for (i = 0; i < mains->names; i++)
		len += sysfs_emit_at(buf, len, "%s%s", i ? " " : "",
				     mains->name[i]);

	return len + sysfs_emit_at(buf, len, "\n");
}
static DEVICE_ATTR_RO(mains_conductors);

static ssize_t mains_transformer_ratio_show(struct device *dev,
					    struct device_attribute *attr,
					    char *buf)
{
	const struct smappee_mains *mains = mains_of(dev);

	return sysfs_emit(buf, "%u %u\n", mains->primary, mains->secondary);
}
static DEVICE_ATTR_RO(mains_transformer_ratio);

static struct attribute *mains_attrs[] = {
	&dev_attr_mains_topology.attr,
	&dev_attr_mains_voltage_uv.attr,
	&dev_attr_mains_frequency_hz.attr,
	&dev_attr_mains_conductors.attr,
	&dev_attr_mains_transformer_ratio.attr,
	NULL
};

/* An attribute is there if the firmware says it. */
static umode_t mains_visible(struct kobject *kobj, struct attribute *attr,
			     int n)
{
	const struct smappee_mains *mains = mains_of(kobj_to_dev(kobj));
	bool known = false;

	if (attr == &dev_attr_mains_topology.attr)
		known = mains->topology;
	else if (attr == &dev_attr_mains_voltage_uv.attr)
		known = mains->voltage_uv;
	else if (attr == &dev_attr_mains_frequency_hz.attr)
		known = mains->frequency_hz;
	else if (attr == &dev_attr_mains_conductors.attr)
		known = mains->names;
	else if (attr == &dev_attr_mains_transformer_ratio.attr)
		known = mains->secondary;

	return known ? attr->mode : 0;
}

const struct attribute_group smappee_mains_group = {
	.attrs = mains_attrs,
	.is_visible = mains_visible,
};
