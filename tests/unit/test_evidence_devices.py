"""What is said of a device is what the system told of it, and no more."""

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
from unit.loop_devices import drive, loop_device, mounted, partitioned, partitioned_device

from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence import devices
from forensics.evidence.devices import LogRow, describe, history, list_devices, measure_protection, protection
from forensics.evidence.devices.linux import Linux, lsblk
from forensics.evidence.devices.occupancy import Occupancy, unmount_command
from forensics.evidence.devices.system_log import Log, limited, read_journal, read_ring
from forensics.model import Device, Lun, Mount, PartitionGlance

# ------------------------------------------------------------------------------------------------------ this machine


def test_a_file_is_described_and_only_its_opening_is_claimed(tmp_path: Path) -> None:
    path = drive(tmp_path)
    assert (describe(path).path, describe(path).size) == (str(path), 4 << 20)
    assert measure_protection(path).method == "read-only file"


def test_a_source_that_is_none_is_refused_here_too(tmp_path: Path) -> None:
    for ask in (describe, measure_protection):
        with pytest.raises(Refused):
            ask(tmp_path)
        with pytest.raises(EnvironmentFailed):
            ask(tmp_path / "nothing")


@pytest.mark.needs_root
def test_a_loop_device_is_listed_with_size_and_read_only_state(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path), "--read-only") as path:
        (device,) = [device for device in list_devices() if device.path == str(path)]
        assert (device.size, device.sector_size, device.read_only, device.mounted_at) == (4 << 20, 512, True, ())
        assert (device.bus, device.hidden_areas) == ("loop", "not applicable: a file of this computer")
        assert str(tmp_path / "drive") in device.notes[0]
        assert describe(path) == device


@pytest.mark.needs_root
def test_partitions_are_seen_with_their_place_and_size(tmp_path: Path) -> None:
    with partitioned_device(partitioned(tmp_path)) as path:
        assert [(each.path, each.start, each.size) for each in describe(path).partitions] == [
            (f"{path}p1", 1 << 20, 4 << 20),
            (f"{path}p2", 5 << 20, 4 << 20),
        ]
        assert describe(Path(f"{path}p2")).size == 4 << 20


@pytest.mark.needs_root
def test_mounts_and_open_files_of_others_are_seen(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path)) as path:
        with mounted(path, tmp_path / "a place") as folder:
            assert describe(path).mounts == (Mount(str(path), str(folder), True),)
        with mounted(path, tmp_path / "a place", "-o", "ro"):
            assert describe(path).mounts == (Mount(str(path), str(folder), False),)
        with path.open("rb") as stream:
            holder = subprocess.Popen(["sleep", "60"], stdin=stream)
        try:
            assert f"open in process {holder.pid} (sleep)" in describe(path).in_use
        finally:
            holder.kill()
            holder.wait()


@pytest.mark.needs_root
def test_listing_reads_nothing_from_the_device(tmp_path: Path) -> None:
    """The kernel counts what is read from a block device (sysfs `stat`: the first number are completed reads)."""
    with loop_device(drive(tmp_path)) as path:

        def reads() -> str:
            return Path(f"/sys/class/block/{path.name}/stat").read_text().split()[0]

        before = reads()
        list_devices()
        describe(path)
        measure_protection(path)
        assert reads() == before
        subprocess.run(["dd", f"if={path}", "of=/dev/null", "count=8", "iflag=direct"], check=True, capture_output=True)
        assert reads() != before


def test_a_system_without_lsblk_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EnvironmentFailed, match="lsblk"):
        list_devices()


def test_other_systems_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.sys, "platform", "sunos5")
    with pytest.raises(EnvironmentFailed) as caught:
        list_devices()
    assert caught.value.remedy


@pytest.mark.parametrize("udev", [True, False])
def test_lsblk_is_not_asked_what_it_might_read_from_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, udev: bool
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "forensics.evidence.devices.linux.ask",
        lambda command, _: asked.extend(command) or b'{"blockdevices": []}',
    )
    if udev:
        (tmp_path / "run/udev/data").mkdir(parents=True)
    assert lsblk(None, tmp_path) == []
    assert ("--output-all" in asked) is udev
    assert udev or not {"FSTYPE", "LABEL", "SERIAL", "MODEL"} & set(asked[-1].split(","))


# ------------------------------------------------------------------------------------------------- trees made by hand


class Machine:
    """A /sys, /proc and the answers of lsblk, as Linux has them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.nodes: list[dict[str, object]] = []
        (root / "sys/class/block").mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)

    def usb(self, port: str, **values: str) -> Path:
        folder = self.root / "sys/devices/pci0000:00/0000:00:14.0/usb1" / port
        write(folder, **values)
        return folder

    def block(self, name: str, above: Path, size: int, device: dict[str, str] | None = None, **node: object) -> Path:
        """A block device under `above`; its `device` link points to `above` itself, as that of a SCSI disk does."""
        folder = above / "block" / name
        write(folder, size=str(size // 512), dev=f"8:{16 * len(self.nodes)}", ro="0")
        write(above, **(device or {}))
        (folder / "device").symlink_to(above)
        (self.root / "sys/class/block" / name).symlink_to(folder)
        self.nodes.append(
            {
                "name": name,
                "kname": name,
                "path": f"/dev/{name}",
                "type": "disk",
                "size": size,
                "rm": False,
                "ro": False,
                "hotplug": False,
                "log-sec": 512,
                "phy-sec": 512,
                **node,
            }
        )
        return folder

    def partition(self, folder: Path, name: str, number: int, start: int, size: int) -> None:
        dev = folder.joinpath("dev").read_text().strip().partition(":")
        write(
            folder / name,
            partition=str(number),
            start=str(start // 512),
            size=str(size // 512),
            ro="0",
            dev=f"{dev[0]}:{int(dev[2]) + number}",
        )
        (self.root / "sys/class/block" / name).symlink_to(folder / name)

    def proc(self, mountinfo: str = "", swaps: str = "") -> None:
        write(self.root / "proc/self", mountinfo=mountinfo)
        write(self.root / "proc", swaps="Filename\tType\tSize\tUsed\tPriority\n" + swaps)

    @property
    def linux(self) -> Linux:
        return Linux(self.root, lambda _: self.nodes)  # type: ignore[arg-type]

    @property
    def found(self) -> dict[str, Device]:
        return {Path(device.path).name: device for device in self.linux.devices()}


def write(folder: Path, **values: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in values.items():
        (folder / name).write_text(text + "\n")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


STICK = {
    "idVendor": "0781",
    "idProduct": "5581",
    "serial": "4C530001231120115142",
    "manufacturer": "SanDisk",
    "product": "Ultra",
    "bcdDevice": "0110",
}
GIB = 1 << 30


def scsi(usb: Path, address: str) -> Path:
    host, _, _, _ = address.split(":")
    return usb / f"{usb.name}:1.0" / f"host{host}" / f"target{address.rpartition(':')[0]}" / address


def test_a_usb_stick_is_known_by_the_device_above_its_disk(machine: Machine) -> None:
    usb = machine.usb("1-2", **STICK)
    folder = machine.block(
        "sdb",
        scsi(usb, "6:0:0:0"),
        30 * GIB,
        {"vendor": "SanDisk ", "model": "Ultra           ", "rev": "1.00"},
        rm=True,
        hotplug=True,
        tran="usb",
        pttype="dos",
        children=[
            {
                "name": "sdb1",
                "kname": "sdb1",
                "fstype": "vfat",
                "fsver": "FAT32",
                "label": "STICK",
                "parttypename": "W95 FAT32 (LBA)",
            }
        ],
    )
    machine.partition(folder, "sdb1", 1, 1 << 20, 29 * GIB)
    device = machine.found["sdb"]
    assert (device.vendor, device.model, device.serial) == ("SanDisk", "Ultra", "4C530001231120115142")
    assert (device.usb_id, device.usb_release, device.firmware) == ("0781:5581", "1.10", "1.00")
    assert (device.bus, device.usb_port, device.lun, device.removable) == ("usb", "1-2", 0, True)
    assert device.luns == (Lun(0, "/dev/sdb", 30 * GIB),)
    assert device.partitions == (
        PartitionGlance("/dev/sdb1", 29 * GIB, 1 << 20, "W95 FAT32 (LBA)", "vfat FAT32", "STICK"),
    )
    assert device.table == "dos"
    assert device.hidden_areas.startswith("not applicable to USB mass storage")
    assert not any("card reader" in note for note in device.notes)
    assert any("locked private area" in note for note in device.notes)


def test_the_serial_number_of_a_card_reader_is_not_taken_for_the_cards(machine: Machine) -> None:
    usb = machine.usb("1-4.1", idVendor="058f", idProduct="6362", serial="058F63626476", product="Mass Storage Device")
    machine.block("sdc", scsi(usb, "7:0:0:0"), 16 * GIB, {"model": "USB Reader"}, rm=True)
    machine.block("sdd", scsi(usb, "7:0:0:1"), 0, {"model": "USB Reader"}, rm=True)
    assert set(machine.found) == {"sdc"}
    device = machine.found["sdc"]
    assert (device.serial, device.usb_port) == ("058F63626476", "1-4.1")
    assert device.luns == (Lun(0, "/dev/sdc", 16 * GIB), Lun(1, "/dev/sdd", 0))
    assert any("the serial number is the reader's, not that of the card" in note for note in device.notes)
    assert any("a drive without a medium besides: unit 1, /dev/sdd" in note for note in device.notes)


def test_a_virtual_cd_is_an_exhibit_of_its_own_and_named_with_its_stick(machine: Machine) -> None:
    usb = machine.usb("2-1", **STICK)
    machine.block("sdb", scsi(usb, "6:0:0:1"), 4 * GIB, rm=True)
    machine.block("sr0", scsi(usb, "6:0:0:0"), 6 << 20, type="rom", rm=True)
    machine.block("sde", scsi(machine.usb("2-3", **STICK), "9:0:0:0"), GIB)
    found = machine.found
    assert found["sr0"].optical
    assert any("virtual CD of the maker" in note for note in found["sr0"].notes)
    assert any("optical drive (perhaps a virtual CD) of 6,291,456 bytes" in note for note in found["sdb"].notes)
    assert not any("card reader" in note for note in found["sdb"].notes)
    assert found["sde"].luns == (Lun(0, "/dev/sde", GIB),)


def test_a_stick_without_a_serial_number_is_said_to_have_none(machine: Machine) -> None:
    values = {name: text for name, text in STICK.items() if name != "serial"}
    machine.block("sdb", scsi(machine.usb("1-2", **values), "6:0:0:0"), GIB, rm=True)
    assert machine.found["sdb"].serial == ""
    assert any("no serial number" in note for note in machine.found["sdb"].notes)


def test_an_nvme_drive_says_model_serial_and_firmware_itself(machine: Machine) -> None:
    controller = machine.root / "sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0"
    machine.block(
        "nvme0n1",
        controller,
        512 * GIB,
        {"model": "Samsung SSD 980 PRO", "serial": "S5GXNX0R", "firmware_rev": "5B2QGXA7"},
        tran="nvme",
    )
    device = machine.found["nvme0n1"]
    assert (device.model, device.serial, device.firmware) == ("Samsung SSD 980 PRO", "S5GXNX0R", "5B2QGXA7")
    assert (device.bus, device.usb_id, device.luns) == ("nvme", "", ())
    assert "NVMe" in device.hidden_areas


def test_a_card_in_a_slot_of_the_computer_has_its_own_serial_number(machine: Machine) -> None:
    card = machine.root / "sys/devices/pci0000:00/0000:02:00.0/mmc_host/mmc0/mmc0:aaaa"
    machine.block("mmcblk0", card, 32 * GIB, {"name": "SC32G", "serial": "0x2a3b4c5d", "manfid": "0x000003"})
    device = machine.found["mmcblk0"]
    assert (device.bus, device.vendor, device.model, device.serial) == ("mmc", "0x000003", "SC32G", "0x2a3b4c5d")
    assert any("card's own" in note for note in device.notes)


def test_a_sata_drives_hidden_areas_are_not_determined_and_that_is_said(machine: Machine) -> None:
    above = machine.root / "sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
    machine.block("sda", above, 500 * GIB, {"vendor": "ATA", "model": "WDC WD5000"}, tran="sata", serial="WD-1")
    device = machine.found["sda"]
    assert (device.serial, device.bus) == ("WD-1", "sata")
    assert device.hidden_areas.startswith("not determined")


def test_the_memory_of_the_computer_is_no_exhibit(machine: Machine) -> None:
    machine.block("zram0", machine.root / "sys/devices/virtual", GIB)
    assert machine.found == {}


def test_mounts_are_read_with_escapes_options_and_whatever_number_btrfs_gives(machine: Machine) -> None:
    folder = machine.block("sdb", scsi(machine.usb("1-2", **STICK), "6:0:0:0"), GIB)
    machine.partition(folder, "sdb1", 1, 1 << 20, 1 << 29)
    machine.partition(folder, "sdb2", 2, 1 << 29, 1 << 28)
    machine.proc(
        "36 27 8:1 / /media/a\\040b rw,nosuid - vfat /dev/sdb1 rw,uid=1000\n"
        "37 27 0:52 /@ /media/btrfs ro,relatime - btrfs /dev/sdb2 rw\n"
        "38 27 8:17 / /other rw - ext4 /dev/sdc1 rw\n"
        "39 27 8:2 / /media/error rw - ext4 /dev/sdb2 ro,errors=remount-ro\n"
    )
    device = machine.found["sdb"]
    assert device.mounts == (
        Mount("/dev/sdb1", "/media/a b", True),
        Mount("/dev/sdb2", "/media/btrfs", False),
        Mount("/dev/sdb2", "/media/error", False),
    )
    assert device.mounted_at == ("/media/a b", "/media/btrfs", "/media/error")
    assert unmount_command(device.mounts[0]) == "umount '/media/a b'"


def test_swap_mappings_and_raids_on_a_drive_are_named_with_the_way_to_end_them(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = machine.block("sdb", scsi(machine.usb("1-2", **STICK), "6:0:0:0"), GIB)
    for number in (1, 2, 3):
        machine.partition(folder, f"sdb{number}", number, number << 20, 1 << 20)
    for name, values in {"dm-0": {"dm/name": "luks-abc"}, "md0": {"md/level": "raid1"}}.items():
        for file, text in values.items():
            write(machine.root / "sys/devices/virtual/block" / name / Path(file).parent, **{Path(file).name: text})
        write(machine.root / "sys/devices/virtual/block" / name, dev="253:0" if name == "dm-0" else "9:0")
        (machine.root / "sys/class/block" / name).symlink_to(machine.root / "sys/devices/virtual/block" / name)
    for part, holder in {"sdb1": "dm-0", "sdb2": "md0"}.items():
        (folder / part / "holders").mkdir()
        (folder / part / "holders" / holder).symlink_to(machine.root / "sys/devices/virtual/block" / holder)
    machine.proc("40 27 253:0 / /media/secret rw - ext4 /dev/mapper/luks-abc rw\n", "/dev/sdb3 partition 1 0 -2\n")
    held = Occupancy(machine.root).holders(["sdb", "sdb1", "sdb2", "sdb3"])
    assert [holder.remedy for holder in held] == [
        "dmsetup remove luks-abc",
        "mdadm --stop /dev/md0",
        "swapoff /dev/sdb3",
    ]
    device = machine.found["sdb"]
    assert device.in_use[:2] == ("the mapping luks-abc on /dev/sdb1", "RAID md0 on /dev/sdb2")
    assert device.mounted_at == ("/media/secret",)
    monkeypatch.setattr(protection, "Occupancy", lambda: Occupancy(machine.root))
    with pytest.raises(Refused, match="/dev/dm-0 is mounted FOR WRITING at /media/secret"):
        protection._require_unused(["sdb", "sdb1"])
    machine.proc()
    with pytest.raises(Refused) as caught:
        protection._require_unused(["sdb", "sdb1", "sdb2"])
    assert caught.value.remedy == "End that first: dmsetup remove luks-abc && mdadm --stop /dev/md0"


def test_a_device_survives_the_case_file_and_one_of_an_older_case_is_read(machine: Machine) -> None:
    folder = machine.block("sdb", scsi(machine.usb("1-2", **STICK), "6:0:0:0"), GIB)
    machine.partition(folder, "sdb1", 1, 1 << 20, 1 << 29)
    machine.proc("36 27 8:1 / /media/x rw - vfat /dev/sdb1 rw\n", "/dev/sdb1 partition 1 0 -2\n")
    device = machine.found["sdb"]
    assert device.partitions
    assert device.mounts
    assert device.in_use
    assert Device.from_json(json.loads(json.dumps(asdict(device)))) == device
    old = {"path": "/dev/sdb", "size": 512, "vendor": "SanDisk", "model": "Ultra", "serial": "4C53",
           "usb_id": "0781:5581", "sector_size": 512, "removable": True, "read_only": False,
           "mounted_at": ["/media/x"]}  # fmt: skip
    assert Device.from_json(old) == Device(
        "/dev/sdb", 512, "SanDisk", "Ultra", "4C53", "0781:5581", removable=True, mounted_at=("/media/x",)
    )


# ------------------------------------------------------------------------------------------------------------- logs

JOURNAL = """
{"__REALTIME_TIMESTAMP": "1700000000000000", "MESSAGE": "usb 1-2: new high-speed USB device number 3 using xhci_hcd"}
{"__REALTIME_TIMESTAMP": "1700000001000000", "MESSAGE": "sd 5:0:0:0: [sdb] Attached SCSI removable disk"}
{"__REALTIME_TIMESTAMP": "1700000002000000", "MESSAGE": "usb 1-2: USB disconnect, device number 3"}
{"__REALTIME_TIMESTAMP": "1700000010000000", "MESSAGE": "usb 1-2: new SuperSpeed USB device number 4 using xhci_hcd"}
{"__REALTIME_TIMESTAMP": "1700000011000000", "MESSAGE": "usb-storage 1-2:1.0: USB Mass Storage device detected"}
{"__REALTIME_TIMESTAMP": "1700000012000000", "MESSAGE": "scsi host6: usb-storage 1-2:1.0"}
{"__REALTIME_TIMESTAMP": "1700000012500000", "MESSAGE": "sd 6:0:0:0: [sdb] 61440000 512-byte logical blocks"}
{"__REALTIME_TIMESTAMP": "1700000012600000", "MESSAGE": "sd 7:0:0:0: [sdbc] Attached SCSI disk"}
{"__REALTIME_TIMESTAMP": "1700000012700000", "MESSAGE": "usb 1-2.4: new full-speed USB device number 9 using xhci_hcd"}
{"__REALTIME_TIMESTAMP": "1700000012800000", "MESSAGE": "usb 3-1-2: reset; scsi 16:0:0:0: other"}
{"__REALTIME_TIMESTAMP": "1700000013000000", "MESSAGE": [69, 88, 84, 52, 45, 102, 115, 32, 40, 115, 100, 98, 49, 41, 58, 32, 109, 111, 117, 110, 116, 101, 100]}
{"__REALTIME_TIMESTAMP": "1700000014000000", "_COMM": "udisksd", "MESSAGE": "Mounted /dev/sdb1 at /media/x/STICK on behalf of uid 1000"}
not json
{"MESSAGE": "no time"}
"""  # noqa: E501
LOG = Log("journalctl", tuple(read_journal(JOURNAL)))


def test_the_log_is_limited_to_the_device_since_it_was_last_plugged_in() -> None:
    said = limited(LOG, ["sdb", "sdb1"], "1-2", "6:0:0:0")
    assert said.available
    assert said.since_plugged_in
    assert [row.text.split()[0] for row in said.rows] == ["usb", "usb-storage", "scsi", "sd", "EXT4-fs", "Mounted"]
    assert said.rows[0].time == "2023-11-14T22:13:30+00:00"
    assert said.rows[4].text == "EXT4-fs (sdb1): mounted"


def test_without_the_moment_of_plugging_in_the_log_says_so() -> None:
    said = limited(LOG, ["sdb", "sdb1"], "", "")
    assert not said.since_plugged_in
    assert "lines may be missing, or of another device" in said.detail
    assert len(said.rows) == 4


def test_of_a_log_full_of_errors_its_beginning_and_its_end_are_kept() -> None:
    rows = tuple(LogRow("2026", f"I/O error, dev sdb, sector {number} op") for number in range(1000))
    said = limited(Log("dmesg", rows), ["sdb"], "", "")
    assert (said.rows[0], said.rows[-1], len(said.rows)) == (rows[0], rows[-1], 500)
    assert "the first 200 and the last 300 of 1,000 lines" in said.detail


def test_the_kernels_ring_is_read_where_there_is_no_journal() -> None:
    ring = "2026-11-24T10:00:01,123456+00:00 sd 6:0:0:0: [sdb] Write Protect is off\n  continued\n"
    (row,) = read_ring(ring)
    assert (row.time, row.text) == ("2026-11-24T10:00:01.123456+00:00", "sd 6:0:0:0: [sdb] Write Protect is off")


def test_a_log_that_cannot_be_read_is_said_to_be_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    said = history(Device("/dev/loop0", 512))
    assert not said.available
    assert said.detail == "No log could be read (journalctl: it is not installed; dmesg: it is not installed)."


# ---------------------------------------------------------------------------------------------------------- the card


def test_the_command_prints_a_card_for_each_device(machine: Machine) -> None:
    from forensics.cli.sentences import of_devices

    usb = machine.usb("1-2", **STICK)
    folder = machine.block("sdb", scsi(usb, "6:0:0:0"), 30 * GIB, rm=True, tran="usb", pttype="dos")
    machine.partition(folder, "sdb1", 1, 1 << 20, 29 * GIB)
    machine.proc("36 27 8:1 / /media/x rw - vfat /dev/sdb1 rw\n")
    log = {
        "available": True,
        "detail": "from journalctl, since it was plugged in",
        "since_plugged_in": True,
        "rows": [{"time": "2026-11-24T10:00:01+00:00", "text": "FAT-fs (sdb1): dirty"}],
    }
    text = "\n".join(of_devices({"devices": [{**asdict(machine.found["sdb"]), "history": log}]}))
    for said in (
        "/dev/sdb   SanDisk Ultra",
        "32,212,254,720 bytes",
        "4C530001231120115142",
        "0781:5581",
        "USB port 1-2",
        "MOUNTED FOR WRITING at /media/x",
        "umount /media/x",
        "not applicable to USB",
        "/dev/sdb1",
        "FAT-fs (sdb1): dirty",
    ):
        assert said in text, said
    steering = {**asdict(machine.found["sdb"]), "model": "Ultra\x1b[2J"}
    assert "\x1b" not in "".join(of_devices({"devices": [steering]}))
    many = [{"time": str(number), "text": "sdb"} for number in range(100)]
    text = "\n".join(of_devices({"devices": [{**asdict(machine.found["sdb"]), "history": {**log, "rows": many}}]}))
    assert "84 lines left out" in text
    assert text.endswith("99  sdb")
    assert of_devices({"devices": []}) == ["No drive is plugged in."]
