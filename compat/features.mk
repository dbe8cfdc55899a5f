# SPDX-License-Identifier: GPL-2.0
#
# Feature tests of the target kernel's headers. Distributions backport, so what
# counts is what the header says, not the version number. The answers become
# macros for compat/compat.h, and for the missing headers a folder of ours. A dot
# stands for a parenthesis, which make would count.

# $(call smappee_has,HEADER,BASIC REGEX,MACRO)
smappee_has = $(shell grep -qs -e '$(2)' $(srctree)/include/linux/$(1) && echo -D$(3))

smappee_features := \
	$(call smappee_has,serdev.h,size_t .\*receive_buf.,SMAPPEE_HAVE_SERDEV_SIZE_T) \
	$(call smappee_has,serdev.h,ssize_t .\*write_buf.,SMAPPEE_HAVE_SERDEV_WRITE_SSIZE_T) \
	$(call smappee_has,serdev.h,serdev_controller_alloc.struct device .host,SMAPPEE_HAVE_SERDEV_HOST) \
	$(call smappee_has,virtio_config.h,^struct virtqueue_info,SMAPPEE_HAVE_VIRTQUEUE_INFO) \
	$(call smappee_has,device/bus.h,match..*const struct device_driver,SMAPPEE_HAVE_CONST_MATCH) \
	$(call smappee_has,device/bus.h,uevent..const struct device,SMAPPEE_HAVE_CONST_UEVENT) \
	$(call smappee_has,device.h,device_find_child.struct device .parent. const void,SMAPPEE_HAVE_CONST_FIND_CHILD) \
	$(call smappee_has,module.h,MODULE_INFO.import_ns. ns.,SMAPPEE_HAVE_STRING_NS) \
	$(call smappee_has,iio/iio.h,iio_get_masklength,SMAPPEE_HAVE_MASKLENGTH) \
	$(call smappee_has,iio/buffer.h,iio_push_to_buffers_with_ts.struct,SMAPPEE_HAVE_PUSH_WITH_TS) \
	$(call smappee_has,gpio/driver.h,int.*.\*set..struct gpio_chip,SMAPPEE_HAVE_GPIO_SET_INT) \
	$(call smappee_has,gpio/driver.h,int.*.\*set_rv..struct gpio_chip,SMAPPEE_HAVE_GPIO_SET_RV) \
	$(call smappee_has,../uapi/linux/iio/types.h,IIO_ALTCURRENT,SMAPPEE_HAVE_METERING) \
	$(if $(wildcard $(srctree)/include/linux/unaligned.h),,-I$(smappee_top)/compat/include)
