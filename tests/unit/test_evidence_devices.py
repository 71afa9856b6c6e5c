"""What is said of a device is what was measured, and no more."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence import devices
from forensics.evidence.devices import describe, list_devices, measure_protection


@contextmanager
def loop_device(path: Path, *options: str) -> Iterator[Path]:
    command = ["losetup", "--find", "--show", *options, path]
    device = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    try:
        yield Path(device)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def drive(folder: Path) -> Path:
    path = folder / "drive"
    with path.open("wb") as stream:
        stream.truncate(4 << 20)
    subprocess.run(["mke2fs", "-q", path], check=True, capture_output=True)
    return path


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
        assert describe(path) == device


@pytest.mark.needs_root
def test_protection_is_what_the_kernel_says_and_is_never_called_write_blocked(tmp_path: Path) -> None:
    path = drive(tmp_path)
    with loop_device(path, "--read-only") as device:
        protected = measure_protection(device)
        flag = subprocess.run(["blockdev", "--getro", device], capture_output=True, check=True, text=True).stdout
        assert (protected.method, flag.strip()) == ("read-only device", "1")
    with loop_device(path) as device:
        open_to_writing = measure_protection(device)
        assert open_to_writing.method == "none measured"
    assert "block" not in (protected.detail + open_to_writing.detail).lower().replace("blkroget", "")


@pytest.mark.needs_root
def test_a_file_system_mounted_for_writing_is_put_on_record(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    with loop_device(drive(tmp_path)) as device:
        subprocess.run(["mount", device, tmp_path / "mount"], check=True)
        try:
            assert "mounted for writing" in measure_protection(device).detail
            assert describe(device).mounted_at == (str(tmp_path / "mount"),)
        finally:
            subprocess.run(["umount", tmp_path / "mount"], check=True)
        assert "mounted" not in measure_protection(device).detail
        subprocess.run(["mount", "-o", "ro", device, tmp_path / "mount"], check=True)
        try:
            assert "mounted for writing" not in measure_protection(device).detail
        finally:
            subprocess.run(["umount", tmp_path / "mount"], check=True)


def test_the_usb_device_above_a_drive_is_found_with_its_whole_serial(tmp_path: Path) -> None:
    """A folder tree as sysfs has it: block device below SCSI disk below USB interface below USB device."""
    usb = tmp_path / "devices" / "usb1" / "1-2"
    block = usb / "1-2:1.0" / "host6" / "target6:0:0" / "6:0:0:0" / "block" / "sdb"
    block.mkdir(parents=True)
    for name, text in {
        "idVendor": "0781",
        "idProduct": "5581",
        "serial": "4C530001231120115142",
        "product": "Ultra",
    }.items():
        (usb / name).write_text(text + "\n")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "sdb").symlink_to(block)
    assert devices._usb_ancestor("sdb", tmp_path / "class") == {
        "idVendor": "0781",
        "idProduct": "5581",
        "serial": "4C530001231120115142",
        "product": "Ultra",
    }
    assert devices._usb_ancestor("sdc", tmp_path / "class") == {}


def test_other_systems_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.sys, "platform", "win32")
    with pytest.raises(EnvironmentFailed) as caught:
        list_devices()
    assert caught.value.remedy


def test_a_system_without_lsblk_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EnvironmentFailed, match="lsblk"):
        list_devices()
