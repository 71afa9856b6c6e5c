"""A drive with APFS from the index to the evidence: a volume, an encrypted one, snapshots; each byte with its fate."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from apfs_images import PASSWORD, apfs
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from member_tables import row, table

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.casefile.coverage import Fate
from forensics.demonstration.members import make_members
from forensics.evidence.apfs import Blocks, Superblock, superblocks
from forensics.evidence.apfs_files import OLDER_LEFT
from forensics.evidence.apfs_keys import Decrypting, volume_key
from forensics.evidence.apfs_tree import records_of
from forensics.evidence.image import open_image
from forensics.examination.acquire import acquire
from forensics.examination.export_formats import document
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent

MIB = 1 << 20
FIRST, SECOND, THIRD = MIB, 8 * MIB, 16 * MIB
SIZE = 64 * MIB
MEMBERS = list(make_members(40, np.random.default_rng(11)))
LISTED, HIDDEN, STRAY = MEMBERS[:20], MEMBERS[20], MEMBERS[21]

LARGE = (397_312, 322_342)
"""Where the extended attribute `xattr-large` stands in the container of `apfs`, and its bytes (dissect.apfs)."""

IN_THE_ENCRYPTED = 606
"""Bytes of the file `.fseventsd/…` into which a row of the encrypted volume is written."""


def filled(text: bytes, size: int) -> bytes:
    return text + b"\n" * (size - len(text))


def encrypted_with_a_row(folder: Path) -> tuple[bytes, str]:
    """The encrypted container with a member in one of its files, encrypted by OpenSSL; and the path of that file."""
    data = bytearray(apfs("apfs-encrypted"))
    (folder / "encrypted.dd").write_bytes(data)

    with open_image([folder / "encrypted.dd"]) as image:
        blocks = Blocks(image, 0)
        (volume,) = superblocks(blocks)
        assert isinstance(volume, Superblock)
        key = volume_key(blocks, volume.identifier, PASSWORD)
        assert key is not None
        records = records_of(blocks, volume, volume.map_tree, Decrypting(blocks, key))
    number, inode = next((n, i) for n, i in records.inodes.items() if i.size == IN_THE_ENCRYPTED)
    name = next(name for names in records.names.values() for name, target in names if target == number)
    ((_, _, block, tweak),) = records.extents[inode.stream]
    plain = filled(table([HIDDEN]), 4096)
    for sector in range(8):
        mode = modes.XTS(struct.pack("<QQ", tweak * 8 + sector, 0))
        made = Cipher(algorithms.AES(key), mode).encryptor().update(plain[sector * 512 : sector * 512 + 512])
        data[block * 4096 + sector * 512 : block * 4096 + sector * 512 + 512] = made
    return bytes(data), f".fseventsd/{name.decode()}"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[tuple[OpenCase, str]]:
    first = bytearray(apfs("apfs"))
    at, size = LARGE
    first[at : at + size] = filled(table(LISTED), size)
    # In blocks that belong to nothing: the last of the container.
    first[-4096:-3500] = filled("  ".join(row(STRAY)).encode(), 596)
    second, hidden = encrypted_with_a_row(tmp_path)
    drive = bytearray(SIZE)
    entries = b""
    for start, container in ((FIRST, bytes(first)), (SECOND, second), (THIRD, apfs("apfs-snapshots"))):
        drive[start : start + len(container)] = container
        entries += bytes(4) + b"\xaf" + bytes(3) + struct.pack("<II", start // 512, len(container) // 512)
    drive[446 : 446 + len(entries)] = entries
    drive[510:512] = b"\x55\xaa"
    (tmp_path / "drive.img").write_bytes(drive)
    (tmp_path / "records.csv").write_bytes(table(MEMBERS))
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        opened = new(tmp_path / "c.dcase", details, "correct horse battery staple")
    with opened:
        receive(opened, silent(), exhibit="E-001", received_from="A", received_by="B")
        acquire(opened, silent(), exhibit="E-001", source=tmp_path / "drive.img")
        yield opened, hidden


def places(case: OpenCase) -> dict[str, set[str]]:
    return {
        record.record_key: {item.locator for item in evidence}
        for _, record, evidence in case.store.evidence_by_record()
    }


def test_what_is_on_apfs_is_found_at_its_place(case: tuple[OpenCase, str], tmp_path: Path) -> None:
    opened, hidden = case
    before = index(opened, silent())
    states = {volume.name: volume.outcome.reason or "ok" for _, volume, _ in opened.store.volumes("E-001")}
    assert {name.partition("/")[2]: state for name, state in states.items() if "/" in name} == {
        "apfs1": "ok", "apfs1-snapshots": "ok", "apfs1-older-snapshots": OLDER_LEFT,
    } | {"apfs1": states["vol2/apfs1"]}  # fmt: skip
    assert [state for name, state in states.items() if name.endswith("/apfs1")] == ["ok", "encrypted (APFS)", "ok"]
    told = before["coverage"]["E-001"]
    assert told["size"] == SIZE == sum(count for shares in told["volumes"].values() for count in shares.values())
    listed = told["volumes"]["vol2"]
    assert listed[Fate.LIVE] > LARGE[1]
    assert sum(listed.values()) == len(apfs("apfs"))

    add_records(opened, silent(), file=tmp_path / "records.csv")
    match(opened, silent())
    found = places(opened)
    assert {one.member_id for one in (*LISTED, STRAY)} <= set(found)
    assert HIDDEN.member_id not in found
    assert found[LISTED[0].member_id] == {"E-001/vol2/apfs1/dir/xattr-large%3Axattr-large!row 2"}
    (stray,) = found[STRAY.member_id]
    assert stray.startswith("E-001/unallocated@0x")
    assert any(STRAY.last_name in line["text"] for line in passage(opened, stray))

    index(opened, silent(), passwords=["wrong", PASSWORD])
    states = {volume.name: volume.outcome.reason or "ok" for _, volume, _ in opened.store.volumes("E-001")}
    assert [states[name] for name in states if name.endswith("/decrypted")] == ["ok"]
    match(opened, silent())
    (place,) = places(opened)[HIDDEN.member_id]
    assert place.endswith(f"/apfs1/decrypted/{hidden}!row 2")
    assert any(HIDDEN.last_name in line["text"] for line in passage(opened, place))
    with opened.view() as view:
        hashes = {item.locator for item in view.hashes()}
        left = {item.locator: item.reason for item in view.not_examined()}
        data, _ = document(view, "dfxml")
    assert f"fs_offset='{LARGE[0]}' img_offset='{FIRST + LARGE[0]}'".encode() in data
    assert len([locator for locator in hashes if "/apfs1-snapshots/Snapshot " in locator and "/file" in locator]) == 64
    assert OLDER_LEFT in left.values()
