"""Shadow copies as layers: which bytes are the volume's, which are kept, and what is said where they cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from shadow_copies import PASSWORDS, VSS_SHA256, vss

from forensics.casefile.shadows import not_stored
from forensics.evidence import shadow
from forensics.evidence.content import open_content
from forensics.evidence.files import list_volume
from forensics.evidence.image import Image, open_image
from forensics.evidence.layers import attach
from forensics.evidence.shadow import HEADER, Found, as_kept, has_shadow_copies, merged, shadow_copies, touches
from forensics.evidence.volumes import layer_volume, volumes
from forensics.model import LAYER_BITS, EntryStatus, OutcomeKind, Volume

VSS1_SHA256 = "d830fe9e2f75e66edfe0f9b0730c0ec8148233ed9c2ab5601195c293d593d9a9"
VSS2_SHA256 = "d47ca0497f4aa3098a7d0b5407a6406a4f8d747e6207fdbc197e2224fb4838ae"
"""`vshadowmount vss.raw mnt; sha256sum mnt/vss*`, by libvshadow 20190323 of Debian."""


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Image]:
    (tmp_path / "vss.raw").write_bytes(vss())
    with open_image([tmp_path / "vss.raw"]) as opened:
        yield opened


def volume_of(image: Image) -> Volume:
    (volume,) = volumes(image, "E-001")
    return volume


def copies(image: Image) -> list[Found]:
    return shadow_copies(image, volume_of(image), 1)


def test_the_sample_is_the_one_that_was_taken() -> None:
    assert hashlib.sha256(vss()).hexdigest() == VSS_SHA256


def test_a_shadow_copy_has_the_bytes_that_another_reader_gives(image: Image) -> None:
    for found, expected in zip(copies(image), (VSS1_SHA256, VSS2_SHA256), strict=True):
        base = found.layer.base
        whole = b"".join(image.read_at(base + at, 1 << 20) for at in range(0, found.layer.size, 1 << 20))
        assert hashlib.sha256(whole).hexdigest() == expected


def test_what_nobody_touched_has_the_addresses_of_the_volume_and_the_rest_those_of_the_layer(image: Image) -> None:
    volume = volume_of(image)
    live = {entry.locator.path: entry for entry in list_volume(image, volume, "E-001")[0]}
    found = copies(image)[0]
    listed, _ = list_volume(image, layer_volume(image, volume, found.layer), "E-001")
    kept = image.layers[found.layer.base >> LAYER_BITS]
    assert isinstance(kept, shadow.Shadow)
    seen = {entry.locator.path: as_kept(entry, found.layer, kept) for entry in listed}
    untouched = {path for path, entry in seen.items() if entry.runs and entry.runs[0].device_offset < volume.length}
    assert untouched
    assert all(seen[path].runs == live[path].runs for path in untouched)
    assert all(run.device_offset >= found.layer.base for run in seen[(b"$MFT",)].runs)
    passwords = next(entry for path, entry in seen.items() if path == (b"passwords.txt",))
    content = open_content(image, layer_volume(image, volume, found.layer), passwords)
    assert content.read_at(0, content.size) == PASSWORDS
    assert str(passwords.locator) == "E-001/vol0/vss1/passwords.txt"
    # What is said to be the same is the same, byte for byte.
    for entry in listed:
        same = as_kept(entry, found.layer, kept)
        for run, there in zip(entry.runs, same.runs, strict=True):
            if there.device_offset < found.layer.base:
                assert image.read_at(run.device_offset, run.length) == image.read_at(there.device_offset, run.length)
        assert same.status is not EntryStatus.DELETED


def test_another_process_opens_the_layer_by_what_it_is_told(image: Image) -> None:
    (_, second) = copies(image)
    expected = image.read_at(second.layer.base + 0x1A58000, 4096)
    with open_image(image.segments) as again:
        attach(again, second.layer)
        assert again.read_at(second.layer.base + 0x1A58000, 4096) == expected
    assert expected != image.read_at(0x1A58000, 4096)


def test_without_the_library_they_are_named_with_the_remedy(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "pyvshadow", None)
    (found,) = copies(image)
    assert found.outcome is not None
    assert found.outcome.kind is OutcomeKind.NOT_EXAMINED
    assert "install" in found.outcome.reason
    assert found.layer.name == "vss0"


def test_a_damaged_catalog_is_named_and_a_volume_without_snapshots_has_none(image: Image, tmp_path: Path) -> None:
    volume = volume_of(image)
    data = bytearray(vss())
    data[0x17E4000 : 0x17E4000 + 16] = b"\xff" * 16
    (tmp_path / "damaged.raw").write_bytes(data)
    with open_image([tmp_path / "damaged.raw"]) as damaged:
        (found,) = shadow_copies(damaged, volume, 1)
        assert found.outcome is not None
        assert found.outcome.reason == shadow.UNREADABLE
    data[HEADER + 48 : HEADER + 56] = bytes(8)
    (tmp_path / "none.raw").write_bytes(data)
    with open_image([tmp_path / "none.raw"]) as none:
        assert not has_shadow_copies(none, volume)
        assert shadow_copies(none, volume, 1) == []


def test_ranges_are_merged_met_and_what_lies_between_them_is_left_out() -> None:
    ranges = merged([(30, 40), (0, 10), (10, 20), (35, 50)])
    assert ranges == [(0, 20), (30, 50)]
    assert [touches(ranges, *pair) for pair in ((20, 30), (19, 20), (29, 31), (50, 60), (0, 100))] == [
        False, True, True, False, True,
    ]  # fmt: skip
    shadows = [(1000, 1100, [(1010, 1020), (1040, 1050)])]
    assert list(not_stored(shadows, 1000, 1060)) == [(1000, 1010), (1020, 1040), (1050, 1060)]
    assert list(not_stored(shadows, 1015, 1045)) == [(1020, 1040)]
    assert list(not_stored(shadows, 0, 60)) == []
