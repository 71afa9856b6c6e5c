"""Windows and macOS are known from recorded outputs only: what their programs print becomes the same `Device`.

The structures are those of Microsoft's pages on MSFT_Disk and of public outputs of diskutil and system_profiler; the
values are made up. None of this has run on Windows or on a Mac.
"""

import json
import os
import plistlib
import stat
from pathlib import Path
from typing import Any

import pytest

from forensics.errors import EnvironmentFailed
from forensics.evidence import source as source_module
from forensics.evidence.devices import describe, list_devices, macos, protect, windows
from forensics.evidence.devices.macos import MacOS
from forensics.evidence.devices.windows import Windows
from forensics.evidence.source import NoDevicesHere, open_source, require_source
from forensics.model import Device, Lun, Mount, PartitionGlance

GIB = 1 << 30

# ----------------------------------------------------------------------------------------------------------- Windows

VOLUME = "\\\\?\\Volume{6f0c1b2a-0000-0000-0000-100000000000}\\"


def disk(number: int, bus: object, **more: Any) -> dict[str, Any]:
    return {"Number": number, "FriendlyName": "Kingston DataTraveler 3.0", "Manufacturer": "Kingston",
            "Model": "DataTraveler 3.0", "SerialNumber": "6CF049E2C1BDE0", "FirmwareVersion": "PMAP",
            "Location": "Integrated : Adapter 0 : Port 4", "BusType": bus, "PartitionStyle": "MBR",
            "Size": 30943995904, "LogicalSectorSize": 512, "PhysicalSectorSize": 4096, "IsReadOnly": False,
            "IsSystem": False, "IsBoot": False, **more}  # fmt: skip


def drive(index: int, unit: int, parent: str) -> dict[str, Any]:
    return {"Index": index, "MediaType": "Removable Media", "Parent": parent,
            "PNPDeviceID": f"USBSTOR\\DISK&VEN_KINGSTON&PROD_DT_3.0&REV_PMAP\\6CF049E2C1BDE0&{unit}"}  # fmt: skip


PARENT = "USB\\VID_0951&PID_1666\\6CF049E2C1BDE0"
RECORDED = {
    "disks": [
        disk(0, "NVMe", FriendlyName="Samsung SSD 980 PRO 1TB", Manufacturer=None, Model="Samsung SSD 980 PRO 1TB",
             SerialNumber="0025_38B1_11B3_8D8E.", FirmwareVersion="5B2QGXA7", PartitionStyle="GPT",
             Size=1000204886016, IsSystem=True, IsBoot=True),
        disk(1, "USB"),
        disk(2, 7, Size=16 * GIB, IsReadOnly=True),
        disk(3, "USB", Size=None),
    ],
    "partitions": [
        {"DiskNumber": 0, "PartitionNumber": 1, "Offset": 1048576, "Size": 104857600, "Type": "System",
         "AccessPaths": ["\\\\?\\Volume{aaaa}\\"]},
        {"DiskNumber": 1, "PartitionNumber": 1, "Offset": 1048576, "Size": 30942947328, "Type": "FAT32",
         "AccessPaths": ["E:\\", VOLUME]},
        {"DiskNumber": 2, "PartitionNumber": 1, "Offset": 0, "Size": 16 * GIB, "Type": "IFS", "AccessPaths": None},
    ],
    "volumes": [{"Path": VOLUME, "FileSystem": "FAT32", "FileSystemLabel": "STICK"}],
    "drives": [
        {"Index": 0, "MediaType": "Fixed hard disk media", "Parent": "PCI\\VEN_144D", "PNPDeviceID": "SCSI\\X"},
        drive(1, 0, PARENT),
        drive(2, 1, PARENT),
        drive(3, 0, "USB\\VID_058F&PID_6362\\7&2A3B4C5D&0&2"),
    ],
}  # fmt: skip


def recorded(value: Any) -> Windows:
    return Windows(lambda: json.dumps(value).encode())


def test_a_stick_on_windows() -> None:
    device = recorded(RECORDED).devices()[1]
    assert device == Device(
        path="\\\\.\\PhysicalDrive1", size=30943995904, vendor="Kingston", model="DataTraveler 3.0",
        serial="6CF049E2C1BDE0", usb_id="0951:1666", sector_size=512, removable=True, read_only=False,
        mounted_at=("E:\\",), physical_sector_size=4096, firmware="PMAP", bus="usb",
        usb_port="Integrated : Adapter 0 : Port 4", lun=0,
        luns=(Lun(0, "\\\\.\\PhysicalDrive1", 30943995904), Lun(1, "\\\\.\\PhysicalDrive2", 16 * GIB)),
        table="mbr",
        partitions=(
            PartitionGlance("\\\\.\\PhysicalDrive1 partition 1", 30942947328, 1048576, "FAT32", "FAT32", "STICK"),
        ),
        mounts=(Mount("\\\\.\\PhysicalDrive1 partition 1", "E:\\", True),),
        hidden_areas=device.hidden_areas, notes=device.notes,
    )  # fmt: skip
    assert device.hidden_areas.startswith("not applicable to USB mass storage")
    assert any("card reader" in note for note in device.notes)
    assert any("lists no optical units" in note for note in device.notes)


def test_other_disks_on_windows() -> None:
    system, _, second = recorded(RECORDED).devices()
    assert (system.bus, system.in_use) == ("nvme", ("system disk", "Windows started from it"))
    assert (system.usb_id, system.luns, system.mounted_at) == ("", (), ())
    assert system.hidden_areas.startswith("not determined")
    assert (second.bus, second.lun, second.read_only, second.mounts) == ("usb", 1, True, ())
    for name in ("\\\\.\\physicaldrive2", "\\\\.\\PhysicalDrive2\\"):
        assert recorded(RECORDED).device(Path(name)) == second
    assert not recorded(RECORDED).histories([second])[0].available


def test_a_serial_number_that_windows_made_up_is_not_the_sticks() -> None:
    (device,) = recorded({**RECORDED, "disks": [disk(3, "USB", SerialNumber="")]}).devices()
    assert (device.serial, device.usb_id) == ("", "058f:6362")


@pytest.mark.parametrize("said", [b"", b"null", b"[]", b"{}", b'{"disks": [{}], "drives": []}', b"Access denied"])
def test_what_windows_is_not_known_to_say_is_an_error_with_a_remedy(said: bytes) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        Windows(lambda: said).devices()
    assert caught.value.remedy


# ------------------------------------------------------------------------------------------------------------- macOS

LISTED = {
    "AllDisks": ["disk0", "disk4", "disk4s1", "disk4s2", "disk5"],
    "AllDisksAndPartitions": [
        {"Content": "GUID_partition_scheme", "DeviceIdentifier": "disk0", "OSInternal": False, "Size": 500277792768,
         "Partitions": [{"Content": "Apple_APFS", "DeviceIdentifier": "disk0s2", "Size": 494384795648}]},
        {"Content": "FDisk_partition_scheme", "DeviceIdentifier": "disk4", "OSInternal": False, "Size": 31914983424,
         "Partitions": [
             {"Content": "Windows_FAT_32", "DeviceIdentifier": "disk4s1", "MountPoint": "/Volumes/BOOT",
              "Size": 268435456, "VolumeName": "BOOT"},
             {"Content": "Linux", "DeviceIdentifier": "disk4s2", "Size": 31642353664},
         ]},
        {"Content": "", "DeviceIdentifier": "disk5", "MountPoint": "/Volumes/CD", "Size": 6291456, "VolumeName": "CD"},
    ],
    "VolumesFromDisks": ["BOOT"],
    "WholeDisks": ["disk0", "disk4", "disk5"],
}  # fmt: skip
INFO: dict[str, dict[str, Any]] = {
    "disk0": {"BusProtocol": "Apple Fabric", "DeviceBlockSize": 4096, "MediaName": "APPLE SSD AP0512Z",
              "RemovableMedia": False, "TotalSize": 500277792768, "WritableMedia": True},
    "disk4": {"BusProtocol": "USB", "DeviceBlockSize": 512, "MediaName": "Ultra",
              "RemovableMediaOrExternalDevice": True, "TotalSize": 31914983424, "WritableMedia": True},
    "disk4s1": {"WritableVolume": True},
    "disk5": {"BusProtocol": "USB", "DeviceBlockSize": 2048, "OpticalMediaType": "CD-ROM", "TotalSize": 6291456,
              "RemovableMediaOrExternalDevice": True, "WritableMedia": False, "WritableVolume": False},
}  # fmt: skip
USB = {
    "SPUSBDataType": [
        {"_name": "USB31Bus", "host_controller": "AppleT6000USBXHCI"},
        {"_name": "USB31Bus", "_items": [
            {"_name": "USB3.1 Hub", "vendor_id": "0x2109  (VIA Labs, Inc.)", "product_id": "0x0817", "_items": [
                {"_name": "Ultra", "bcd_device": "1.10", "location_id": "0x02110000 / 4", "manufacturer": "SanDisk",
                 "product_id": "0x5581", "vendor_id": "0x0781  (SanDisk Corporation)",
                 "serial_num": "4C530001231120115142",
                 "Media": [
                     {"_name": "Ultra", "bsd_name": "disk4", "Logical Unit": 0, "size_in_bytes": 31914983424},
                     {"_name": "U3", "bsd_name": "disk5", "Logical Unit": 1, "size_in_bytes": 6291456},
                 ]},
            ]},
        ]},
    ]
}  # fmt: skip


def mac(listed: Any = LISTED, usb: Any = USB) -> MacOS:
    def answer(command: list[str]) -> bytes:
        if command[0] == "system_profiler":
            return json.dumps(usb).encode()
        if command[1] == "list":
            return plistlib.dumps(listed)
        return plistlib.dumps(INFO[command[-1]])

    return MacOS(answer)


def test_a_stick_on_macos() -> None:
    device = mac().devices()[1]
    assert device == Device(
        path="/dev/disk4", size=31914983424, vendor="SanDisk", model="Ultra", serial="4C530001231120115142",
        usb_id="0781:5581", sector_size=512, removable=True, read_only=False, mounted_at=("/Volumes/BOOT",),
        usb_release="1.10", bus="usb", usb_port="0x02110000 / 4", lun=0,
        luns=(Lun(0, "/dev/disk4", 31914983424), Lun(1, "/dev/disk5", 6291456)), table="dos",
        partitions=(
            PartitionGlance("/dev/disk4s1", 268435456, None, "Windows_FAT_32", "", "BOOT"),
            PartitionGlance("/dev/disk4s2", 31642353664, None, "Linux", "", ""),
        ),
        mounts=(Mount("/dev/disk4s1", "/Volumes/BOOT", True),),
        hidden_areas=device.hidden_areas, notes=device.notes,
    )  # fmt: skip


def test_other_disks_on_macos() -> None:
    internal, _, disc = mac().devices()
    assert (internal.model, internal.bus, internal.table, internal.removable) == (
        "APPLE SSD AP0512Z", "apple fabric", "gpt", False,
    )  # fmt: skip
    assert (disc.optical, disc.read_only, disc.lun) == (True, True, 1)
    assert disc.mounts == (Mount("/dev/disk5", "/Volumes/CD", False),)
    assert mac().device(Path("/dev/rdisk5")) == disc
    assert not mac().histories([disc])[0].available


def test_a_mac_without_a_usb_report_still_lists_its_disks() -> None:
    device = mac(usb={}).devices()[1]
    assert (device.model, device.serial, device.usb_id) == ("Ultra", "", "")


@pytest.mark.parametrize("listed", [{}, {"AllDisksAndPartitions": [{}]}, []])
def test_what_macos_is_not_known_to_say_is_an_error_with_a_remedy(listed: Any) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        mac(listed).devices()
    assert caught.value.remedy
    with pytest.raises(EnvironmentFailed):
        MacOS(lambda _: b"<not a plist").devices()


# ----------------------------------------------------------------------------------------------------- the right one


@pytest.mark.parametrize(("platform", "module", "name"), [("win32", windows, "Windows"), ("darwin", macos, "MacOS")])
def test_each_system_is_asked_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch, platform: str, module: Any, name: str
) -> None:
    given = recorded(RECORDED) if platform == "win32" else mac()
    monkeypatch.setattr("forensics.evidence.devices.sys.platform", platform)
    monkeypatch.setattr(module, name, lambda: given)
    assert list_devices() == given.devices()
    if platform == "win32":
        assert describe(Path("\\\\.\\PhysicalDrive1")) == given.devices()[1]


def test_without_powershell_or_diskutil_that_is_said() -> None:
    for system in (Windows(), MacOS()):
        with pytest.raises(EnvironmentFailed, match="is missing"):
            system.devices()


def test_a_drive_is_not_read_on_a_system_where_that_was_not_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(source_module.sys, "platform", "win32")
    for ask in (require_source, open_and_close, protect_and_end):
        with pytest.raises(NoDevicesHere, match="operating system"):
            ask(Path("\\\\.\\PhysicalDrive1"))
    monkeypatch.setattr(source_module.sys, "platform", "darwin")
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((stat.S_IFBLK, *[0] * 9)))
    for ask in (require_source, open_and_close, protect_and_end):
        with pytest.raises(NoDevicesHere):
            ask(Path("/dev/disk4"))


def open_and_close(path: Path) -> None:
    with open_source(path):
        pass


def protect_and_end(path: Path) -> None:
    with protect(path):
        pass


def test_a_file_is_read_on_systems_without_preadv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(range(256)) * 9)
    monkeypatch.delattr(os, "preadv")
    monkeypatch.delattr(os, "O_DIRECT")
    with open_source(tmp_path / "image") as source:
        buffer = bytearray(700)
        assert source.read_into(memoryview(buffer), 512) == 700
        assert bytes(buffer) == (bytes(range(256)) * 9)[512:1212]
        assert source.read_into(memoryview(buffer), 2000) == 304
