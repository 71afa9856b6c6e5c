"""Which lines of a log say that somebody mounted the drive before it was acquired."""

from __future__ import annotations

import pytest

from forensics.evidence.devices.system import LogRow
from forensics.evidence.devices.system_log import mounted


@pytest.mark.parametrize(
    "text",
    [
        "EXT4-fs (sdb1): mounted filesystem with ordered data mode. Opts: (null). Quota mode: none.",
        "EXT4-fs (sdb1): mounted filesystem 7c02e8b8-ffd1 r/w with ordered data mode. Quota mode: none.",
        "EXT4-fs (sdb1): re-mounted 7c02e8b8-ffd1 r/w. Quota mode: none.",
        "XFS (sdb1): Mounting V5 Filesystem 4b1c2c5e",
        "BTRFS info (device sdb1): first mount of filesystem 5f3a",
        "Mounted /dev/sdb1 at /media/kim/RETURNED on behalf of uid 1000",
    ],
)
def test_a_mount_before_the_acquisition_is_seen(text: str) -> None:
    assert mounted([LogRow("2026-11-24T10:00:00+00:00", text)])


@pytest.mark.parametrize(
    "text",
    [
        "EXT4-fs (sdb1): mounted filesystem 7c02e8b8-ffd1 ro with ordered data mode. Quota mode: none.",
        "EXT4-fs (sdb1): unmounting filesystem 7c02e8b8-ffd1.",
        "sd 6:0:0:0: [sdb] Attached SCSI removable disk",
        "Unmounted /dev/sdb1 on behalf of uid 1000",
    ],
)
def test_what_is_no_mount_or_one_for_reading_only_is_not(text: str) -> None:
    assert not mounted([LogRow("2026-11-24T10:00:00+00:00", text)])
