// SPDX-License-Identifier: GPL-2.0
/*
 * A segment on COM1 of QEMU's "q35" machine, described as firmware of a PC would do
 * it: PRP0001 stands for a device that the properties describe as a device tree does.
 */
DefinitionBlock ("", "SSDT", 2, "SMPPEE", "SEGMENT", 1)
{
	External (\_SB.PCI0.SF8.COM1, DeviceObj)

	Scope (\_SB.PCI0.SF8.COM1)
	{
		/* The model does not pace bytes, but the driver sets what the clock can make. */
		Name (_DSD, Package () {
			ToUUID ("daffd814-6eba-4d8c-8a91-bc9bbf4aa301"),
			Package () {
				Package () { "clock-frequency", 64000000 },
			}
		})

		Device (SEG0)
		{
			Name (_HID, "PRP0001")
			Name (_UID, "SEG0")
			Method (_STA) { Return (0x0F) }
			Name (_CRS, ResourceTemplate () {
				UARTSerialBusV2 (4000000, DataBitsEight, StopBitsOne, 0x00, LittleEndian,
					ParityTypeNone, FlowControlNone, 16, 16, "\\_SB.PCI0.SF8.COM1",
					0x00, ResourceConsumer, , Exclusive)
			})
			Name (_DSD, Package () {
				ToUUID ("daffd814-6eba-4d8c-8a91-bc9bbf4aa301"),
				Package () {
					Package () { "compatible", "smappee,waveform-segment" },
					Package () { "current-speed", 4000000 },
				}
			})
		}
	}
}
