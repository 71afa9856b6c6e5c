"""An archive may lie about everything; what cannot be opened is listed, and nothing is written anywhere."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import subprocess
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest
import pyzipper

from forensics.extraction import content
from forensics.extraction.archives import EXPANDS, LOCKED, Zip
from forensics.extraction.content import Damaged
from forensics.extraction.extract import BytesReadable, extract
from forensics.model import OK, Child, failed, not_examined


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def opened(data: bytes) -> dict[bytes, Child]:
    return {child.untrusted_name: child for child in extract(BytesReadable(data), b"").children}


def locked(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"secret")
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_members_come_out_as_they_went_in(method: int) -> None:
    members = {"a.csv": b"1,2\n" * 100_000, "b/ü.txt": b"text", "empty": b""}
    assert {name: child.data for name, child in opened(packed(members, method)).items()} == {
        name.encode(): data for name, data in members.items()
    }


def test_an_archive_whose_members_are_all_locked_is_one_row() -> None:
    extraction = extract(BytesReadable(locked({"a.csv": b"1", "b.csv": b"2"})), b"x.zip")
    assert (extraction.type, extraction.outcome, extraction.children) == ("zip", not_examined(LOCKED), ())


def test_one_locked_member_among_open_ones_is_a_row_of_its_own(tmp_path: Path) -> None:
    for name in ("open.csv", "secret.csv"):
        (tmp_path / name).write_text("a,b\n" * 10)
    subprocess.run(["zip", "-q", "x.zip", "open.csv"], cwd=tmp_path, check=True)
    subprocess.run(["zip", "-q", "-P", "secret", "x.zip", "secret.csv"], cwd=tmp_path, check=True)
    extraction = extract(BytesReadable((tmp_path / "x.zip").read_bytes()), b"x.zip")
    assert extraction.outcome == OK
    assert extraction.children == (
        Child(b"open.csv", b"a,b\n" * 10),
        Child(b"secret.csv", b"", not_examined(LOCKED)),
    )


def test_names_are_bytes_and_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = packed({"XXXXXXXXXXXX": b"x", "/etc/passwd": b"y"}).replace(b"XXXXXXXXXXXX", b"../../\xff\x00\n\xe2\x80\xae")
    assert set(opened(data)) == {b"../../\xff\x00\n\xe2\x80\xae", b"/etc/passwd"}
    assert list(tmp_path.iterdir()) == []


def test_a_flat_bomb_costs_its_own_member_only() -> None:
    children = opened(packed({"zeros": bytes(200 << 20), "list.csv": b"1,2\n"}))
    assert children[b"zeros"] == Child(b"zeros", b"", not_examined(EXPANDS))
    assert children[b"list.csv"].data == b"1,2\n"


def test_a_member_that_lies_about_its_size_is_stopped_all_the_same() -> None:
    data = bytearray(packed({"zeros": bytes(100 << 20)}))
    central = data.rfind(b"PK\1\2")
    struct.pack_into("<I", data, central + 24, 10)
    assert opened(bytes(data))[b"zeros"].outcome == not_examined(EXPANDS)


def test_members_over_the_same_bytes_are_refused() -> None:
    data = packed({f"member{n}": b"x" * 1000 for n in range(3)})
    end = data.rfind(b"PK\5\6")
    (offset,) = struct.unpack_from("<I", data, end + 16)
    directory = data[offset : offset + 46 + 7] * 1000
    forged = data[:offset] + directory
    forged += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), offset, 0)
    extraction = extract(BytesReadable(forged), b"")
    assert extraction.outcome == not_examined("members overlap, as in a ZIP bomb")
    assert not extraction.children


def test_an_archive_sixty_deep_gives_one_level_a_call() -> None:
    data = b"123-45-6789"
    for level in range(60):
        data = packed({f"level{level}.zip": data})
    for _ in range(60):
        (child,) = extract(BytesReadable(data), b"").children
        data = child.data
    assert data == b"123-45-6789"


def test_a_hundred_thousand_members_are_listed_in_seconds() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{n}"), b"x")
    began = time.process_time()
    extraction = extract(BytesReadable(out.getvalue()), b"")
    assert (len(extraction.children), extraction.outcome) == (100_000, OK)
    assert time.process_time() - began < 10


def test_more_members_than_the_limit_are_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.extraction.archives.CHILDREN_COUNT", 10)
    extraction = extract(BytesReadable(packed({f"{n}": b"x" for n in range(11)})), b"")
    assert extraction.outcome == not_examined("more than 10 members")


def test_a_damaged_member_is_listed_with_what_could_be_read() -> None:
    data = bytearray(packed({"a.csv": b"1,2,3,4,5,6", "b.csv": b"7"}, zipfile.ZIP_STORED))
    data[data.find(b"1,2,3")] = ord("9")
    children = opened(bytes(data))
    assert children[b"a.csv"] == Child(b"a.csv", b"9,2,3,4,5,6", failed("the member's checksum differs"))
    assert children[b"b.csv"] == Child(b"b.csv", b"7")


def test_a_program_in_front_hides_no_archive() -> None:
    stub = b"MZ" + bytes(1000)
    extraction = extract(BytesReadable(stub + packed({"a.csv": b"1"})), b"setup.exe")
    assert (extraction.type, extraction.children) == ("zip", (Child(b"a.csv", b"1"),))


def test_a_zip_without_its_end_fails_instead_of_being_empty() -> None:
    data = packed({"a.csv": b"1" * 1000})
    assert extract(BytesReadable(data[:-30]), b"").outcome == failed("the archive has no central directory")
    with pytest.raises(Damaged):
        Zip(BytesReadable(b"PK\3\4"))


def test_zip64_sizes_are_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("big", "w", force_zip64=True) as member,
    ):
        member.write(b"x" * 100_000)
    assert opened(out.getvalue())[b"big"].data == b"x" * 100_000


def test_compressed_streams_one_after_another_and_padding_are_read() -> None:
    for make in (gzip.compress, bz2.compress):
        extraction = extract(BytesReadable(make(b"one ") + make(b"two") + b"\0" * 512), b"list.csv.gz")
        assert (extraction.outcome, [c.data for c in extraction.children]) == (OK, [b"one two"])
    assert extract(BytesReadable(gzip.compress(b"x")), b"list.csv.gz").children[0].untrusted_name == b"list.csv"
    assert extract(BytesReadable(gzip.compress(b"x")), b"a.tgz").children[0].untrusted_name == b"a.tar"


def test_a_cut_stream_keeps_what_came_and_says_so() -> None:
    data = gzip.compress(bytes(range(256)) * 4000, compresslevel=0)
    extraction = extract(BytesReadable(data[: len(data) // 2]), b"")
    assert extraction.outcome == failed("the compressed data is cut short")
    assert len(extraction.children[0].data) > 400_000


def test_a_large_stream_comes_out_byte_for_byte() -> None:
    data = b"".join(n.to_bytes(4, "big") for n in range(2_000_000))
    for make in (zlib.compressobj(9, wbits=31), zlib.compressobj(1, wbits=31)):
        out = make.compress(data) + make.flush()
        (child,) = extract(BytesReadable(out), b"").children
        assert child.data == data


def test_a_tar_without_room_lists_what_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.extraction.archives.CHILD_LIMIT", 100)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, size in (("small", 10), ("large", 200)):
            entry = tarfile.TarInfo(name)
            entry.size = size
            archive.addfile(entry, io.BytesIO(bytes(size)))
    extraction = extract(BytesReadable(out.getvalue()), b"")
    assert [(c.untrusted_name, c.outcome) for c in extraction.children] == [
        (b"small", OK),
        (b"large", not_examined(EXPANDS)),
    ]


def test_locked_away_formats_are_not_examined() -> None:
    extraction = extract(BytesReadable(b"LUKS\xba\xbe" + bytes(100)), b"")
    assert (extraction.type, extraction.outcome) == ("luks", not_examined("encrypted container"))


def test_pictures_and_unknown_bytes_are_left_to_the_scan_of_all_bytes() -> None:
    unread = not_examined("image, no text examined")
    for data, outcome in (
        (b"\x89PNG\r\n\x1a\n" + bytes(100), unread),
        (b"\xff\xd8\xff" + bytes(9), unread),
        (bytes(range(256)) * 10, OK),
    ):
        extraction = extract(BytesReadable(data), b"")
        assert (extraction.outcome, extraction.pieces, extraction.children) == (outcome, (), ())


def test_limits_leave_room_in_a_workers_memory() -> None:
    assert content.CHILD_LIMIT <= content.CHILDREN_LIMIT
    assert 3 * content.CHILDREN_LIMIT < 3 << 30
