"""Encrypted volumes of a drive from the list of passwords to the evidence, each byte with its fate and its place."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encrypted_volumes import BITLOCKER_PASSWORD, BITLOCKER_SIZE, bitlocker, fat, luks
from member_tables import row, table

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.casefile.coverage import Fate
from forensics.demonstration.members import make_members
from forensics.evidence.luks import OTHER_CIPHER
from forensics.examination.acquire import acquire
from forensics.examination.index import index
from forensics.examination.look import Looks
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent

MIB = 1 << 20
PASSWORD = "rosebud 1941"
MEMBERS = list(make_members(60, np.random.default_rng(5)))
LISTED, STRAY = MEMBERS[:40], MEMBERS[40]
STRAY_AT = 6 * MIB + 4096 * 3 + 77
FIRST, SECOND = MIB, 30 * MIB


def stray() -> bytes:
    return "  ".join(row(STRAY)).encode()


@pytest.fixture
def case(tmp_path: Path) -> Iterator[OpenCase]:
    """E-001 has a LUKS2 volume that the list opens, and a LUKS1 volume whose password nobody knows."""
    inside = fat(tmp_path / "inside", 8 * MIB, {"list.csv": table(list(LISTED))}, stray(), STRAY_AT)
    (tmp_path / "inside").write_bytes(inside)
    luks(tmp_path / "one", inside, PASSWORD, "--type", "luks2", "--pbkdf", "pbkdf2")
    luks(tmp_path / "two", bytes(MIB), "nobody knows", "--type", "luks1")
    drive = tmp_path / "drive.img"
    with drive.open("wb") as stream:
        for at, name in ((FIRST, "one"), (SECOND, "two")):
            stream.seek(at)
            stream.write((tmp_path / name).read_bytes())
        stream.truncate(SECOND + 20 * MIB)
    parts = ((FIRST, 24 * MIB), (SECOND, 17 * MIB))
    lines = ["label: dos", *(f"start={at // 512}, size={size // 512}" for at, size in parts), ""]
    table_of = "\n".join(lines)
    subprocess.run(["sfdisk", "-q", drive], input=table_of.encode(), check=True, capture_output=True)
    (tmp_path / "records.csv").write_bytes(table(list(MEMBERS)))
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        opened = new(tmp_path / "c.dcase", details, "correct horse battery staple")
    with opened:
        for label, source in (("E-001", drive), ("E-002", tmp_path / "inside")):
            receive(opened, silent(), exhibit=label, received_from="A", received_by="B")
            acquire(opened, silent(), exhibit=label, source=source)
        yield opened


def fates(result: dict[str, Any], exhibit: str) -> dict[str, dict[str, int]]:
    told = result["coverage"][exhibit]
    assert sum(count for shares in told["volumes"].values() for count in shares.values()) == told["size"]
    volumes: dict[str, dict[str, int]] = told["volumes"]
    return volumes


def found_on(case: OpenCase, exhibit: str) -> dict[str, set[str]]:
    """Record key → places on the exhibit, of the records found there."""
    places = {
        record.record_key: {item.locator for item in evidence if item.locator.startswith(exhibit)}
        for _, record, evidence in case.store.evidence_by_record()
    }
    return {key: where for key, where in places.items() if where}


def states(case: OpenCase) -> dict[str, str]:
    return {v.name: v.outcome.reason or "ok" for _, v, _ in case.store.volumes("E-001")}


def test_a_list_of_passwords_opens_a_volume_and_what_is_in_it_is_found_at_its_place(
    case: OpenCase, tmp_path: Path
) -> None:
    before = index(case, silent())
    assert states(case) == {"vol2": "encrypted (LUKS)", "vol4": "encrypted (LUKS)"}
    locked = fates(before, "E-001")
    assert locked["vol2"] == {Fate.ENCRYPTED: 24 * MIB}
    add_records(case, silent(), file=tmp_path / "records.csv")
    match(case, silent())
    assert not found_on(case, "E-001")
    in_clear = found_on(case, "E-002")
    assert len(in_clear) >= 41

    after = index(case, silent(), passwords=["wrong", PASSWORD])
    assert states(case) == {"vol2": "ok", "vol2/decrypted": "ok", "vol4": "encrypted (LUKS)"}
    opened = fates(after, "E-001")
    assert opened["vol4"] == {Fate.ENCRYPTED: 17 * MIB}
    expected = dict(fates(after, "E-002")["vol0"])
    expected[Fate.FILE_SYSTEM] += 16 * MIB
    assert opened["vol2"] == expected, "as the same file system has them in clear, and the header of LUKS"
    with case.view() as view:
        hashes = {item.locator: item.sha256 for item in view.hashes()}
        (left,) = [item for item in view.not_examined() if item.locator.startswith("E-001/vol")]
    assert left.locator == "E-001/vol4"
    assert hashes["E-001/vol2/decrypted/list.csv"] == hashlib.sha256(table(list(LISTED))).hexdigest()

    match(case, silent())
    found = found_on(case, "E-001")
    assert set(found) == set(in_clear)
    assert found[LISTED[0].member_id] == {"E-001/vol2/decrypted/list.csv!row 2"}
    (place,) = found[STRAY.member_id]
    assert place.startswith("E-001/vol2/decrypted/unallocated@0x")
    assert abs(int(place.partition("@")[2].partition("+")[0], 16) - STRAY_AT) <= len(stray())

    (shown,) = passage(case, place)
    assert STRAY.last_name in shown["text"]
    rows = passage(case, "E-001/vol2/decrypted/list.csv!row 2")
    assert any(LISTED[0].last_name in line["text"] for line in rows)
    looks = Looks(case)
    look = looks.open("E-001/vol2/decrypted/list.csv", "to see it")
    assert (look["size"], look["device_offset"]) == (len(table(list(LISTED))), None)
    assert looks._read(looks._opened[look["look"]], 0, 9) == table(list(LISTED))[:9]
    looks.close()


def test_each_password_is_tried_once_on_each_volume_and_stands_nowhere_in_clear(case: OpenCase) -> None:
    index(case, silent(), passwords=["wrong", PASSWORD])
    tried = case.store.fact("passwords_tried_on_volumes")
    assert sorted(tried.values()) == [3, 3], "the empty one too"
    index(case, silent())
    assert case.store.fact("passwords_tried_on_volumes") == tried
    index(case, silent(), passwords=["nobody knows"])
    assert sorted(case.store.fact("passwords_tried_on_volumes").values()) == [3, 4]
    assert states(case)["vol4"] == "ok"
    assert states(case)["vol4/decrypted"] == "no known file system"
    for path in (path for path in case.folder.path.rglob("*") if path.is_file()):
        for secret in (PASSWORD, "nobody knows"):
            assert secret.encode() not in path.read_bytes()


def test_a_bitlocker_drive_is_examined_with_its_recovery_password(case: OpenCase, tmp_path: Path) -> None:
    drive = tmp_path / "togo.img"
    bitlocker(drive, {"list.csv": table(list(LISTED))})
    receive(case, silent(), exhibit="E-003", received_from="A", received_by="B")
    acquire(case, silent(), exhibit="E-003", source=drive)
    result = index(case, silent(), passwords=["243067548680059818148852287771550088628265631653"])
    shares = fates(result, "E-003")["vol0"]
    assert sum(shares.values()) == BITLOCKER_SIZE
    assert shares[Fate.LIVE] == len(table(list(LISTED)))
    with case.view() as view:
        hashes = {item.locator: item.sha256 for item in view.hashes()}
    assert hashes["E-003/vol0/decrypted/list.csv"] == hashlib.sha256(table(list(LISTED))).hexdigest()


def test_what_no_password_can_open_says_what_would(case: OpenCase, tmp_path: Path) -> None:
    """Two data segments, as a volume has that is being encrypted anew; the checksum is made to fit."""
    drive = tmp_path / "odd.img"
    luks(drive, bytes(MIB), PASSWORD, "--type", "luks2", "--pbkdf", "pbkdf2")
    data = bytearray(drive.read_bytes())
    for at in (0, 16384):
        text = bytes(data[at + 4096 : at + 16384]).rstrip(b"\0")
        more = text.replace(b'"segments":{', b'"segments":{"1":{"type":"linear","offset":"0","size":"512"},')
        assert more != text
        data[at + 4096 : at + 16384] = more.ljust(12288, b"\0")
        data[at + 448 : at + 512] = bytes(64)
        digest = hashlib.sha256(data[at : at + 16384]).digest()
        data[at + 448 : at + 448 + len(digest)] = digest
    drive.write_bytes(data)
    receive(case, silent(), exhibit="E-003", received_from="A", received_by="B")
    acquire(case, silent(), exhibit="E-003", source=drive)
    index(case, silent(), passwords=[BITLOCKER_PASSWORD, PASSWORD])
    (volume,) = [v for _, v, _ in case.store.volumes("E-003")]
    assert volume.outcome.reason == OTHER_CIPHER
