"""An exhibit is kept from being written to, put back as it was, and what is claimed was measured."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from unit.loop_devices import as_nobody, drive, loop_device, mounted, partitioned, partitioned_device, read_only_flag

from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence.devices import measure_protection, protect
from forensics.model import HardwareBlocker, KernelFlag, Protection

BLOCKER = HardwareBlocker("Tableau", "T8u", "000123")


def writes_get_through(device: Path) -> bool:
    """Puts back the byte that stands there, so that nothing changes."""
    descriptor = os.open(device, os.O_RDWR | os.O_SYNC)
    try:
        os.pwrite(descriptor, os.pread(descriptor, 512, 0), 0)
    except PermissionError:
        return False
    finally:
        os.close(descriptor)
    return True


def test_a_file_is_said_to_be_one_and_nothing_else_is_claimed(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"x" * 512)
    with protect(path) as guard:
        assert guard.protection.method == "read-only file"
    assert guard.protection.flags == ()
    assert measure_protection(path) == guard.protection


def test_what_can_be_no_source_is_not_protected(tmp_path: Path) -> None:
    with pytest.raises(Refused), protect(tmp_path):
        pass
    with pytest.raises(EnvironmentFailed), protect(tmp_path / "nothing"):
        pass


@pytest.mark.needs_root
def test_the_flag_is_set_read_back_tried_and_put_back(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path)) as device:
        assert writes_get_through(device)
        with protect(device, notes=tmp_path / "notes") as guard:
            assert read_only_flag(device) == "1"
            assert not writes_get_through(device)
            inside = guard.protection
        assert read_only_flag(device) == "0"
        assert writes_get_through(device)
        assert inside.method == guard.protection.method == "read-only device"
        assert guard.protection.flags == (KernelFlag(str(device), False, True, True, False, "BLKROGET"),)
        assert guard.protection.set_by_us
        assert guard.protection.attempted_write == "refused: Operation not permitted"
        assert "put back as it was" in guard.protection.detail
        assert "block" not in guard.protection.detail.lower().replace("blkroget", "")
        assert not list((tmp_path / "notes").iterdir())
        assert not list(Path("/dev").glob(".drivecustody-*"))


@pytest.mark.needs_root
def test_the_write_that_is_tried_would_get_through_without_the_flag(tmp_path: Path) -> None:
    """The probe itself can tell: on a device without the flag the same write is not refused."""
    from forensics.evidence.devices.kernel_flag import attempt_write

    path = drive(tmp_path)
    before = path.read_bytes()
    with loop_device(path) as device:
        assert attempt_write(device) == "NOT REFUSED"
    assert path.read_bytes() == before


@pytest.mark.needs_root
def test_the_partitions_are_protected_with_their_drive(tmp_path: Path) -> None:
    with partitioned_device(partitioned(tmp_path)) as device:
        parts = [Path(f"{device}p{number}") for number in (1, 2)]
        with protect(device, notes=tmp_path) as guard:
            assert [read_only_flag(each) for each in (device, *parts)] == ["1", "1", "1"]
        assert [read_only_flag(each) for each in (device, *parts)] == ["0", "0", "0"]
        assert [flag.device for flag in guard.protection.flags] == [str(each) for each in (device, *parts)]
        assert all(flag.before is False and flag.restored is False for flag in guard.protection.flags)


@pytest.mark.needs_root
def test_a_flag_that_was_set_before_stays_set(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path), "--read-only") as device:
        with protect(device, notes=tmp_path) as guard:
            pass
        assert read_only_flag(device) == "1"
    assert guard.protection.method == "read-only device"
    assert not guard.protection.set_by_us
    assert "by us" not in guard.protection.detail


@pytest.mark.needs_root
def test_the_flag_is_put_back_after_an_error(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path)) as device:
        with pytest.raises(ZeroDivisionError), protect(device, notes=tmp_path) as guard:
            raise ZeroDivisionError
        assert read_only_flag(device) == "0"
        assert guard.protection.flags[0].restored is False


@pytest.mark.needs_root
def test_a_flag_that_somebody_clears_meanwhile_is_not_claimed(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path)) as device:
        with protect(device, notes=tmp_path) as guard:
            subprocess.run(["blockdev", "--setrw", device], check=True)
        assert guard.protection.method == "none measured"
        assert "CLEARED BY SOMEBODY ELSE" in guard.protection.detail


@pytest.mark.needs_root
def test_without_the_flag_none_is_measured_and_no_write_is_tried(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path)) as device:
        with protect(device, set_flag=False) as guard:
            assert read_only_flag(device) == "0"
        assert guard.protection.method == "none measured"
        assert guard.protection.attempted_write == "not tried: the flag is not set"
        assert measure_protection(device).method == "none measured"


@pytest.mark.needs_root
def test_a_hardware_blocker_is_declared_and_never_measured(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path)) as device:
        with protect(device, blocker=BLOCKER, set_flag=False) as alone:
            pass
        with protect(device, blocker=BLOCKER, notes=tmp_path) as both:
            pass
    assert alone.protection.method == "hardware blocker declared"
    assert both.protection.method == "hardware blocker declared; read-only device"
    for guard in (alone, both):
        assert "examiner declares a hardware blocker: Tableau T8u, serial number 000123" in guard.protection.detail
        assert "write-blocked" not in guard.protection.detail


@pytest.mark.needs_root
@pytest.mark.parametrize(("options", "how"), [((), "FOR WRITING"), (("-o", "ro"), "read-only")])
def test_a_mounted_device_is_refused_with_the_command_that_unmounts_it(
    tmp_path: Path, options: tuple[str, ...], how: str
) -> None:
    with loop_device(drive(tmp_path)) as device:
        with mounted(device, tmp_path / "a place", *options) as folder:
            with pytest.raises(Refused) as caught, protect(device, notes=tmp_path):
                pass
            assert f"is mounted {how} at {folder}" in caught.value.message
            assert caught.value.remedy == f"Unmount it first: umount '{folder}'"
            assert read_only_flag(device) == "0"
            assert ("mounted for writing" in measure_protection(device).detail) is (how == "FOR WRITING")
        with protect(device, notes=tmp_path):
            pass


@pytest.mark.needs_root
def test_mounts_inside_each_other_are_unmounted_from_within(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with partitioned_device(partitioned(tmp_path)) as device:
        for number in (1, 2):
            subprocess.run(["mke2fs", "-q", f"{device}p{number}"], check=True, capture_output=True)
        outer = tmp_path / "outer"
        with mounted(Path(f"{device}p1"), outer), mounted(Path(f"{device}p2"), outer / "inner"):
            with pytest.raises(Refused) as caught, protect(device, notes=tmp_path):
                pass
            assert caught.value.remedy == f"Unmount it first: umount {outer}/inner && umount {outer}"


@pytest.mark.needs_root
def test_a_drive_with_a_mounted_partition_is_refused(tmp_path: Path) -> None:
    with partitioned_device(partitioned(tmp_path)) as device:
        second = Path(f"{device}p2")
        subprocess.run(["mke2fs", "-q", second], check=True, capture_output=True)
        with mounted(second, tmp_path / "place"):
            with pytest.raises(Refused, match=str(second)), protect(device, notes=tmp_path):
                pass
            with protect(Path(f"{device}p1"), notes=tmp_path) as guard:
                assert read_only_flag(second) == "0"
            assert len(guard.protection.flags) == 1


@pytest.mark.needs_root
def test_nothing_can_mount_the_device_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    with partitioned_device(partitioned(tmp_path)) as device:
        subprocess.run(["mke2fs", "-q", f"{device}p2"], check=True, capture_output=True)
        with protect(device, notes=tmp_path) as guard:
            tried = subprocess.run(["mount", "-o", "ro", f"{device}p2", tmp_path / "place"], capture_output=True)
        assert tried.returncode != 0
        assert guard.protection.claimed


@pytest.mark.needs_root
def test_what_holds_the_device_unseen_is_refused_too(tmp_path: Path) -> None:
    """An exclusive claim of another process stands for a mount in another namespace: both hold the device so."""
    with loop_device(drive(tmp_path)) as device:
        claim = os.open(device, os.O_RDONLY | os.O_EXCL)
        try:
            with pytest.raises(Refused, match="mount table does not show") as caught, protect(device, notes=tmp_path):
                pass
            assert str(device) in caught.value.remedy
        finally:
            os.close(claim)


@pytest.mark.needs_root
def test_a_device_with_swap_on_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "swap"
    with path.open("wb") as stream:
        stream.truncate(4 << 20)
    subprocess.run(["mkswap", path], check=True, capture_output=True)
    with loop_device(path) as device:
        if subprocess.run(["swapon", device], capture_output=True).returncode != 0:
            pytest.skip("this computer takes no swap")
        try:
            with pytest.raises(Refused, match="swap on") as caught, protect(device, notes=tmp_path):
                pass
            assert caught.value.remedy == f"End that first: swapoff {device}"
        finally:
            subprocess.run(["swapoff", device], check=True)


KILLED = """
import os, signal, sys
from pathlib import Path
from forensics.evidence.devices import protect
with protect(Path(sys.argv[1]), notes=Path(sys.argv[2])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.needs_root
def test_a_flag_left_by_a_killed_run_is_known_and_put_back_by_the_next(tmp_path: Path) -> None:
    with loop_device(drive(tmp_path)) as device:
        killed = subprocess.run([sys.executable, "-c", KILLED, device, tmp_path / "notes"])
        assert killed.returncode == -signal.SIGKILL
        assert read_only_flag(device) == "1"
        with protect(device, notes=tmp_path / "notes") as guard:
            assert read_only_flag(device) == "1"
        assert read_only_flag(device) == "0"
    assert guard.protection.left_behind
    assert "earlier acquisition that was killed" in guard.protection.detail
    assert guard.protection.flags[0].before is False


@pytest.mark.needs_root
def test_a_note_of_another_device_of_the_same_name_does_not_count(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir(mode=0o700)
    with loop_device(drive(tmp_path), "--read-only") as device:
        (notes / f"{device.name}.json").write_text(json.dumps({"attachment": "1 7:0", "set": [device.name]}))
        with protect(device, notes=notes) as guard:
            pass
        assert read_only_flag(device) == "1"
    assert not guard.protection.left_behind


@pytest.mark.needs_root
def test_two_acquisitions_do_not_put_back_the_flag_under_each_other(tmp_path: Path) -> None:
    from forensics.evidence.devices.kernel_flag import Note

    with loop_device(drive(tmp_path)) as device:
        note = Note(device.name, tmp_path / "notes")
        with pytest.raises(Refused, match="another acquisition"), protect(device, notes=tmp_path / "notes"):
            pass
        note.close(keep=False)


@pytest.mark.needs_root
def test_a_folder_of_notes_that_is_somebody_elses_is_not_trusted(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    os.chown(notes, 65534, 65534)
    with loop_device(drive(tmp_path)) as device:
        with protect(device, notes=notes) as guard:
            assert read_only_flag(device) == "0"
        assert guard.protection.method == "none measured"
        assert "this user may not" in guard.protection.detail


@pytest.mark.needs_root
def test_a_user_without_rights_claims_only_what_sysfs_says(tmp_path: Path) -> None:
    from forensics.evidence.devices import kernel_flag  # noqa: F401  (the child cannot load it)

    with loop_device(drive(tmp_path), "--read-only") as device:

        def measured() -> dict[str, Any]:
            with protect(device) as guard:
                pass
            return asdict(guard.protection)

        protection = Protection.from_json(as_nobody(measured))
    assert protection.method == "read-only device"
    assert "read back by sysfs" in protection.detail
    assert protection.attempted_write.startswith("not tried: this user may not")
    assert "not claimed exclusively" in protection.detail
    assert not protection.claimed


def test_a_protection_survives_the_case_file_and_an_old_one_is_read() -> None:
    flag = KernelFlag("/dev/sdb", False, True, True, False)
    new = Protection("read-only device", "…", BLOCKER, (flag,), True, "refused: …", True)
    assert Protection.from_json(json.loads(json.dumps(asdict(new)))) == new
    assert Protection.from_json({"method": "none measured", "detail": ""}) == Protection("none measured", "")


@pytest.mark.needs_root
def test_nobody_is_told_to_unmount_the_disk_that_the_computer_runs_from(tmp_path: Path) -> None:
    number = Path("/").stat().st_dev
    device = Path("/dev") / Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve().name
    if not device.is_block_device():
        pytest.skip("the root of this computer is on no block device")
    with pytest.raises(Refused, match="runs from the device") as caught, protect(device, notes=tmp_path):
        pass
    assert "umount" not in caught.value.remedy
