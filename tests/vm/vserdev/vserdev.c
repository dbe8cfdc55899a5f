// SPDX-License-Identifier: GPL-2.0
/*
 * A serial port on a virtio console, for tests of the bus at rates that an
 * emulated UART does not carry: QEMU's PL011 costs an exit from the guest for
 * every byte. The bus driver cannot tell the difference: it sees a serdev
 * controller with a client node below it. There is no baud rate and no pacing
 * here, as there is none in QEMU's UARTs; the simulator models wire time.
 *
 * Not part of the product. It takes a virtio console away from the kernel's own
 * driver: unbind that one first, then bind this one.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_ids.h>
#include <linux/workqueue.h>

#include "serdev-controller.h"
#include "virtqueue-info.h"

#define VSERDEV_BUFFERS		16
#define VSERDEV_BUFFER_BYTES	4096

/**
 * struct vserdev - a port
 * @ctrl: what the bus driver talks to
 * @rx: queue of buffers that the host fills
 * @tx: queue of buffers that the host reads
 * @tx_lock: protects @tx
 * @receive: hands what has arrived to the client; the only user of @rx
 * @open: the client wants data; otherwise they are dropped
 */
struct vserdev {
	struct serdev_controller *ctrl;
	struct virtqueue *rx;
	struct virtqueue *tx;
	spinlock_t tx_lock;
	struct work_struct receive;
	bool open;
};

static void vserdev_offer(struct vserdev *v, void *buffer)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer, VSERDEV_BUFFER_BYTES);
	if (virtqueue_add_inbuf(v->rx, &sg, 1, buffer, GFP_KERNEL))
		kfree(buffer);
}

static void vserdev_receive(struct work_struct *work)
{
	struct vserdev *v = container_of(work, struct vserdev, receive);
	unsigned int len;
	void *buffer;

	do {
		virtqueue_disable_cb(v->rx);
		while ((buffer = virtqueue_get_buf(v->rx, &len))) {
			if (READ_ONCE(v->open))
				serdev_controller_receive_buf(v->ctrl, buffer,
							      len);
			vserdev_offer(v, buffer);
		}
		virtqueue_kick(v->rx);
	} while (!virtqueue_enable_cb(v->rx));
}

static void vserdev_rx_done(struct virtqueue *vq)
{
	struct vserdev *v = vq->vdev->priv;

	queue_work(system_highpri_wq, &v->receive);
}

static void vserdev_reap(struct vserdev *v)
{
	unsigned int len;
	void *buffer;

	lockdep_assert_held(&v->tx_lock);
	while ((buffer = virtqueue_get_buf(v->tx, &len)))
		kfree(buffer);
}

static serdev_written_t vserdev_write_buf(struct serdev_controller *ctrl,
					  const u8 *data, size_t len)
{
	struct vserdev *v = serdev_controller_get_drvdata(ctrl);
	struct scatterlist sg;
	void *buffer;
	int ret;

	buffer = kmemdup(data, len, GFP_ATOMIC);
	if (!buffer)
		return -ENOMEM;

	sg_init_one(&sg, buffer, len);
	spin_lock(&v->tx_lock);
	vserdev_reap(v);
	ret = virtqueue_add_outbuf(v->tx, &sg, 1, buffer, GFP_ATOMIC);
	if (!ret)
		virtqueue_kick(v->tx);
	spin_unlock(&v->tx_lock);
	if (ret) {
		kfree(buffer);
		return ret;
	}

	return len;
}

static int vserdev_open(struct serdev_controller *ctrl)
{
	struct vserdev *v = serdev_controller_get_drvdata(ctrl);

	WRITE_ONCE(v->open, true);

	return 0;
}

static void vserdev_close(struct serdev_controller *ctrl)
{
	struct vserdev *v = serdev_controller_get_drvdata(ctrl);

	WRITE_ONCE(v->open, false);
	/* No callback runs after a port was closed. */
	flush_work(&v->receive);
}

static unsigned int vserdev_set_baudrate(struct serdev_controller *ctrl,
					 unsigned int speed)
{
	return speed;
}

static void vserdev_set_flow_control(struct serdev_controller *ctrl, bool on)
{
}

static int vserdev_set_parity(struct serdev_controller *ctrl,
			      enum serdev_parity parity)
{
	return parity == SERDEV_PARITY_NONE ? 0 : -EINVAL;
}

static void vserdev_wait_until_sent(struct serdev_controller *ctrl,
				    long timeout)
{
}

static const struct serdev_controller_ops vserdev_ops = {
	.write_buf = vserdev_write_buf,
	.open = vserdev_open,
	.close = vserdev_close,
	.set_baudrate = vserdev_set_baudrate,
	.set_flow_control = vserdev_set_flow_control,
	.set_parity = vserdev_set_parity,
	.wait_until_sent = vserdev_wait_until_sent,
};

static int vserdev_find_queues(struct virtio_device *vdev, struct vserdev *v)
{
	struct virtqueue_info info[] = {
		{ "input", vserdev_rx_done },
		{ "output", NULL },
	};
	struct virtqueue *vqs[2];
	int ret;

	ret = virtio_find_vqs(vdev, ARRAY_SIZE(vqs), vqs, info, NULL);
	if (ret)
		return ret;
	v->rx = vqs[0];
	v->tx = vqs[1];

	return 0;
}

static int vserdev_probe(struct virtio_device *vdev)
{
	struct vserdev *v;
	unsigned int i;
	int ret;

	v = devm_kzalloc(&vdev->dev, sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	vdev->priv = v;
	spin_lock_init(&v->tx_lock);
	INIT_WORK(&v->receive, vserdev_receive);

	ret = vserdev_find_queues(vdev, v);
	if (ret)
		return ret;

	ret = -ENOMEM;
	v->ctrl = serdev_controller_alloc(&vdev->dev, &vdev->dev, 0);
	if (!v->ctrl)
		goto queues;
	v->ctrl->ops = &vserdev_ops;
	v->ctrl->dev.of_node = vdev->dev.of_node;
	serdev_controller_set_drvdata(v->ctrl, v);

	virtio_device_ready(vdev);
	for (i = 0; i < VSERDEV_BUFFERS; i++) {
		void *buffer = kmalloc(VSERDEV_BUFFER_BYTES, GFP_KERNEL);

		if (buffer)
			vserdev_offer(v, buffer);
	}
	virtqueue_kick(v->rx);

	ret = serdev_controller_add(v->ctrl);
	if (ret)
		goto controller;

	return 0;

controller:
	virtio_reset_device(vdev);
	cancel_work_sync(&v->receive);
	serdev_controller_put(v->ctrl);
queues:
	vdev->config->del_vqs(vdev);
	return ret;
}

static void vserdev_free_unused(struct virtqueue *vq)
{
	void *buffer;

	while ((buffer = virtqueue_detach_unused_buf(vq)))
		kfree(buffer);
}

static void vserdev_remove(struct virtio_device *vdev)
{
	struct vserdev *v = vdev->priv;

	serdev_controller_remove(v->ctrl);
	virtio_reset_device(vdev);
	cancel_work_sync(&v->receive);
	vserdev_free_unused(v->rx);
	spin_lock(&v->tx_lock);
	vserdev_reap(v);
	spin_unlock(&v->tx_lock);
	vserdev_free_unused(v->tx);
	vdev->config->del_vqs(vdev);
	serdev_controller_put(v->ctrl);
}

static const struct virtio_device_id vserdev_ids[] = {
	{ VIRTIO_ID_CONSOLE, VIRTIO_DEV_ANY_ID },
	{ }
};

static struct virtio_driver vserdev_driver = {
	.driver.name = "vserdev",
	.id_table = vserdev_ids,
	.probe = vserdev_probe,
	.remove = vserdev_remove,
};
module_virtio_driver(vserdev_driver);

MODULE_DESCRIPTION("Serial port on a virtio console, for tests");
MODULE_AUTHOR("The open metering gateway developers");
MODULE_LICENSE("GPL");
