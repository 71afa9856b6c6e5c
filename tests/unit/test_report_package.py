"""A package must give away any change; sha256sum, openssl, unzip and the bagit library judge the ones we make."""

from __future__ import annotations

import base64
import itertools
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import bagit
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from forensics import hashing
from forensics.errors import Defect, EnvironmentFailed, Refused
from forensics.model import Fact
from forensics.report.bag_zip import ZipWriter, read_members
from forensics.report.document import build
from forensics.report.package import STAMP, PackageSummary, add_stamp, build_package, is_plain_name, read_signature
from forensics.report.package_check import check_package
from forensics.report.signing import sign
from forensics.signatures import cms, timestamp
from tests.unit.local_authority import Authority, time_authority
from tests.unit.report_fixtures import MemorySigner, make_signer, report_facts

SIGNER = make_signer()
INFO = {
    "Source-Organization": "Northgate Health Plan",
    "External-Identifier": "2026-0417",
    "Bagging-Date": "2026-11-24",
}
LEFT_OUT = ["The image of E-001: by reference only", "The list of persons"]

SMALL: dict[str, Path | bytes] = {
    "custody/ledger.jsonl": b'{"seq":1}\n',
    "exhibits/E-001/acquisition.json": b"{}\n",
    "manifests/hashes.csv": b"sha256,md5\n",
    "empty.txt": b"",
    "verify_ledger.py": b"import sys\nprint('CHAIN OK', sys.argv[1:])\n",
}


def broken(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.holds is False]


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build_package(SMALL, tmp_path / "pack", SIGNER, INFO, LEFT_OUT)
    return tmp_path / "pack"


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    build_package(SMALL, tmp_path / "pack.zip", SIGNER, INFO, LEFT_OUT)
    return tmp_path / "pack.zip"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with a signed report and a checkpoint that is signed as the custody room signs it."""
    work = tmp_path_factory.mktemp("full")
    build(report_facts(SIGNER), work / "u.pdf")
    sign(work / "u.pdf", work / "r.pdf", SIGNER, reason="I made this report")
    checkpoint = b"custody-ledger/v1 test\n1\n" + b"0" * 64 + b"\n"
    parts = dict(SMALL)
    parts["report.pdf"] = work / "r.pdf"
    parts["custody/checkpoints/000001.txt"] = checkpoint
    parts["custody/checkpoints/000001.p7s"] = SIGNER.cades(checkpoint)
    build_package(parts, work / "full", SIGNER, INFO, LEFT_OUT)
    return work / "full"


def test_a_package_holds_and_says_what_was_made(tmp_path: Path) -> None:
    made = build_package(SMALL, tmp_path / "pack", SIGNER, INFO, LEFT_OUT)
    facts = check_package(tmp_path / "pack", trusted_roots_pem=SIGNER.chain_pem)
    assert broken(facts) == []
    assert {fact.check: fact.holds for fact in facts}["trusted"] is True
    assert made == PackageSummary(
        tmp_path / "pack",
        len(files_of(tmp_path / "pack")),
        sum(path.stat().st_size for path in files_of(tmp_path / "pack")),
        hashing.of_file(tmp_path / "pack" / "tagmanifest-sha256.txt"),
        True,
    )
    told = (tmp_path / "pack" / "bag-info.txt").read_text()
    assert "Left-Out: The list of persons\n" in told
    assert SIGNER.fingerprint in told


def test_the_bagit_library_and_sha256sum_accept_it(full: Path) -> None:
    assert bagit.Bag(str(full)).validate()
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        checked = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", manifest], cwd=full, capture_output=True)
        assert checked.returncode == 0, checked.stderr


def test_every_command_of_the_recipe_works_and_finds_a_change(full: Path) -> None:
    ran = subprocess.run(["sh", "-e", "VERIFY.txt"], cwd=full, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("CAdES Verification successful") == 3
    assert "no trusted time" in ran.stdout
    assert "added files: none" in ran.stdout
    assert "CHAIN OK ['data/custody/ledger.jsonl', 'data/custody/checkpoints/000001.txt']" in ran.stdout
    assert "Signature is Valid." in ran.stdout
    planted = full / "data" / "planted.txt"
    planted.write_text("x")
    try:
        ran = subprocess.run(["sh", "-e", "VERIFY.txt"], cwd=full, capture_output=True, text=True)
        assert ran.returncode != 0
        assert "added files: data/planted.txt" in ran.stdout
    finally:
        planted.unlink()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with time_authority(tmp_path_factory.mktemp("time") / "authority") as made:
        yield made


def stamped_by(authority: Authority) -> Callable[[bytes], bytes]:
    return lambda signature: timestamp.stamped(authority.url, signature)


def test_a_stamped_package_holds_is_judged_by_openssl_and_hides_no_byte_of_the_stamp(
    authority: Authority, tmp_path: Path
) -> None:
    made = build_package(SMALL, tmp_path / "pack", SIGNER, INFO, LEFT_OUT, stamped_by(authority))
    stamp = tmp_path / "pack" / STAMP
    facts = check_package(tmp_path / "pack", trusted_roots_pem=[*SIGNER.chain_pem, authority.root.read_bytes()])
    assert broken(facts) == []
    told = {fact.check: fact for fact in facts}
    assert told["time stamp"].holds is told["time stamp trusted"].holds is told["time"].holds is True
    assert made.stamp_sha256 == hashing.of_file(stamp)
    judged = ["openssl", "ts", "-verify", "-data", stamp.with_suffix(""), "-in", stamp, "-CAfile", authority.root]
    assert subprocess.run(judged, capture_output=True).returncode == 0
    assert bagit.Bag(str(tmp_path / "pack")).validate()
    data = stamp.read_bytes()
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert broken(timestamp.check(flipped, stamp.with_suffix("").read_bytes(), "s")[1]), place
    stamp.write_bytes(data[:-1] + b"\xff")
    assert f"pack/{STAMP}" in {fact.subject for fact in broken(check_package(tmp_path / "pack"))}


@pytest.mark.parametrize("name", ["pack", "pack.zip"])
def test_a_stamp_joins_a_finished_package_that_was_made_offline(
    name: str, authority: Authority, tmp_path: Path
) -> None:
    made = build_package(SMALL, tmp_path / name, SIGNER, INFO, LEFT_OUT)
    signature = read_signature(tmp_path / name)
    (tmp_path / "stick.tsq").write_bytes(timestamp.question(signature))
    authority.answer(tmp_path / "stick.tsq", tmp_path / "stick.tsr")
    answer = timestamp.accepted((tmp_path / "stick.tsr").read_bytes(), signature)
    _, zip_sha256 = add_stamp(tmp_path / name, answer)
    facts = check_package(tmp_path / name)
    assert broken(facts) == []
    assert next(fact for fact in facts if fact.check == "time stamp").holds is True
    assert zip_sha256 == (hashing.of_file(tmp_path / name) if name.endswith(".zip") else "")
    assert zip_sha256 != made.sha256 or not zip_sha256
    with pytest.raises(Refused, match="already"):
        add_stamp(tmp_path / name, answer)


def test_a_stamp_over_another_signature_or_without_any_is_found(authority: Authority, tmp_path: Path) -> None:
    build_package(SMALL, tmp_path / "pack", SIGNER, INFO, LEFT_OUT, stamped_by(authority))
    (tmp_path / "pack" / STAMP).write_bytes(timestamp.stamped(authority.url, b"something else"))
    assert [fact.check for fact in broken(check_package(tmp_path / "pack"))] == ["time stamp"]
    build_package(SMALL, tmp_path / "draft", None, INFO, LEFT_OUT)
    (tmp_path / "draft" / STAMP).write_bytes((tmp_path / "pack" / STAMP).read_bytes())
    assert "time stamp" in [fact.check for fact in broken(check_package(tmp_path / "draft"))]
    with pytest.raises(Refused):
        read_signature(tmp_path / "draft")


def test_a_flipped_byte_anywhere_in_any_file_is_found_and_the_file_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The two slow questions: one decides nothing here, the other has the same answer while its bytes are the same.
    monkeypatch.setattr(cms, "path_problem", lambda *_: None)
    really, known = cms.examine, dict[tuple[bytes, bytes], cms.Examined]()

    def remembered(untrusted: bytes, digest: cms.Digest) -> cms.Examined:
        key = (untrusted, digest("sha256"))
        if key not in known:
            known[key] = really(untrusted, digest)
        return known[key]

    monkeypatch.setattr(cms, "examine", remembered)
    for path in files_of(folder):
        data, name = path.read_bytes(), path.relative_to(folder).as_posix()
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert any(fact.subject == f"pack/{name}" for fact in broken(check_package(folder))), (name, place)
        path.write_bytes(data)
    assert broken(check_package(folder)) == []


def test_a_flipped_byte_anywhere_in_a_draft_is_found(tmp_path: Path) -> None:
    build_package({"a.txt": b"content"}, tmp_path / "pack", None, INFO, [])
    facts = check_package(tmp_path / "pack")
    assert broken(facts) == []
    assert next(fact for fact in facts if fact.check == "signature").holds is None
    for path in files_of(tmp_path / "pack"):
        data, name = path.read_bytes(), path.relative_to(tmp_path / "pack").as_posix()
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            found = [fact.subject for fact in broken(check_package(tmp_path / "pack"))]
            assert f"pack/{name}" in found, (name, place)
        path.write_bytes(data)


def test_a_flipped_byte_anywhere_in_the_zip_is_found(zipped: Path) -> None:
    data = zipped.read_bytes()
    for place in range(len(data)):
        zipped.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert broken(check_package(zipped)), place


def test_files_removed_renamed_planted_or_linked_are_named(folder: Path) -> None:
    ledger = folder / "data" / "custody" / "ledger.jsonl"

    def named() -> set[str]:
        return {fact.subject for fact in broken(check_package(folder))}

    for where in ("planted.txt", "data/planted.txt", "data/certs/.hidden"):
        (folder / where).write_text("x")
        assert f"pack/{where}" in named()
        (folder / where).unlink()
    (folder / "data" / "hollow").mkdir()
    assert "pack/data/hollow" in named()
    (folder / "data" / "hollow").rmdir()
    content = ledger.read_bytes()
    ledger.rename(folder / "data" / "custody" / "other.jsonl")
    assert {"pack/data/custody/ledger.jsonl", "pack/data/custody/other.jsonl"} <= named()
    outside = folder.parent / "outside"
    outside.write_bytes(content)
    (folder / "data" / "custody" / "other.jsonl").unlink()
    ledger.symlink_to(outside)
    assert "pack/data/custody/ledger.jsonl" in named()
    ledger.unlink()
    ledger.write_bytes(content)
    assert named() == set()
    for tag in ("bagit.txt", "bag-info.txt", "VERIFY.txt", "tagmanifest-sha256.txt", "tagmanifest-sha256.txt.p7s"):
        data = (folder / tag).read_bytes()
        (folder / tag).unlink()
        assert f"pack/{tag}" in named()
        (folder / tag).write_bytes(data)


def test_a_package_made_again_by_somebody_else_shows_the_other_certificate(tmp_path: Path) -> None:
    other = make_signer()
    build_package(SMALL, tmp_path / "pack", other, INFO, LEFT_OUT)
    facts = check_package(tmp_path / "pack", trusted_roots_pem=SIGNER.chain_pem)
    assert [fact.check for fact in broken(facts)] == ["trusted"]


def test_a_stored_certificate_that_no_standard_allows_is_a_finding_and_no_warning(folder: Path) -> None:
    """The sign bit of its serial number is set, which `cryptography` reads with no more than a warning."""
    (stored,) = (folder / "data" / "certs").glob("*signer*")
    certificate = x509.load_pem_x509_certificate(stored.read_bytes())
    der, serial = certificate.public_bytes(Encoding.DER), certificate.serial_number
    at = der.index(serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
    negative = base64.encodebytes(der[:at] + bytes([der[at] | 0x80]) + der[at + 1 :])
    stored.write_bytes(b"-----BEGIN CERTIFICATE-----\n" + negative + b"-----END CERTIFICATE-----\n")
    said = {(fact.check, fact.detail) for fact in broken(check_package(folder)) if stored.name in fact.subject}
    assert ("certificates as stored", "cannot be read") in said


def test_another_persons_signature_on_the_same_list_is_not_the_named_signers(folder: Path) -> None:
    other: MemorySigner = make_signer()
    listed = (folder / "tagmanifest-sha256.txt").read_bytes()
    (folder / "tagmanifest-sha256.txt.p7s").write_bytes(other.cades(listed))
    checks = {fact.check for fact in broken(check_package(folder))}
    assert checks == {"information", "certificates as stored"}


def test_a_manifest_that_lists_a_path_outside_is_refused(folder: Path) -> None:
    manifest = folder / "manifest-sha256.txt"
    manifest.write_bytes(manifest.read_bytes() + b"0" * 64 + b"  data/../../outside\n")
    assert "pack/manifest-sha256.txt" in {fact.subject for fact in broken(check_package(folder))}


def test_the_zip_is_accepted_by_independent_readers_and_holds_the_same_bag(folder: Path, zipped: Path) -> None:
    assert subprocess.run(["unzip", "-tqq", zipped], capture_output=True).returncode == 0
    with zipfile.ZipFile(zipped) as archive:
        assert archive.testzip() is None
        inside = {name.removeprefix("pack/"): archive.read(name) for name in archive.namelist()}
    apart = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_of(folder)}
    assert {name for name in inside if not name.endswith(".p7s")} == {n for n in apart if not n.endswith(".p7s")}
    assert inside["manifest-sha256.txt"] == apart["manifest-sha256.txt"]
    assert broken(check_package(zipped)) == []


def raw_zip(path: Path, members: list[tuple[str, bytes]]) -> None:
    with path.open("wb") as stream:
        writer = ZipWriter(stream)
        for name, data in members:
            writer.add(name, len(data), zlib.crc32(data), iter([data]))
        writer.finish()


@pytest.mark.parametrize(
    "name",
    ["pack/../evil", "/etc/passwd", "pack//x", "pack/./x", "other/x", "pack/a\\b", "pack/c:x", "pack/NUL.txt", "x"],
)
def test_names_that_lead_out_of_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    raw_zip(tmp_path / "pack.zip", [("pack/bagit.txt", b"x"), (name, b"x")])
    (fact,) = broken(check_package(tmp_path / "pack.zip"))
    assert fact.check == "form"
    assert name.replace("\\", "\\") in fact.subject


def test_a_name_that_stands_twice_in_a_zip_is_refused(tmp_path: Path) -> None:
    for second in ("pack/a.txt", "pack/A.txt"):
        raw_zip(tmp_path / "pack.zip", [("pack/a.txt", b"x"), (second, b"y")])
        (fact,) = broken(check_package(tmp_path / "pack.zip"))
        assert "twice" in fact.detail


def test_bytes_before_between_and_after_the_records_of_a_zip_are_refused(zipped: Path) -> None:
    data = zipped.read_bytes()
    central = data.index(b"PK\x01\x02")
    for changed in (b"\0" + data, data[:central] + b"\0" + data[central:], data + b"\0", data[:-1], data[:100], b""):
        zipped.write_bytes(changed)
        assert broken(check_package(zipped))


def test_a_zip_of_another_maker_with_the_same_contents_is_not_taken_for_ours(zipped: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zipped) as ours, zipfile.ZipFile(tmp_path / "pack2.zip", "w") as theirs:
        for name in ours.namelist():
            theirs.writestr(name, ours.read(name))
    assert broken(check_package(tmp_path / "pack2.zip"))


class _Sparse:
    """A file that stores no block of zeros: five GiB of evidence take a few kilobytes of disk."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        if len(data) == len(ZEROS):
            self._stream.seek(len(data), 1)
            return len(data)
        return self._stream.write(data)


ZEROS = bytes(1 << 20)


@pytest.mark.nightly
def test_a_member_beyond_four_gibibytes_is_read_by_the_standard_library_and_by_us(tmp_path: Path) -> None:
    blocks = 5 << 10
    crc = 0
    for _ in range(blocks):
        crc = zlib.crc32(ZEROS, crc)
    with (tmp_path / "pack.zip").open("wb") as stream:
        writer = ZipWriter(_Sparse(stream))  # type: ignore[arg-type]
        writer.add("pack/large", blocks * len(ZEROS), crc, itertools.repeat(ZEROS, blocks))
        writer.add("pack/small", 1, zlib.crc32(b"x"), iter([b"x"]))
        writer.finish()
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert archive.testzip() is None
        assert archive.getinfo("pack/large").file_size == 5 << 30
        assert archive.read("pack/small") == b"x"
    with (tmp_path / "pack.zip").open("rb") as stream:
        members = read_members(stream, (tmp_path / "pack.zip").stat().st_size)
    assert [(member.name, member.size) for member in members] == [("pack/large", 5 << 30), ("pack/small", 1)]


def test_a_package_is_never_written_over_another_and_leaves_nothing_when_it_fails(tmp_path: Path) -> None:
    for out in (tmp_path / "pack", tmp_path / "pack.zip"):
        build_package(SMALL, out, SIGNER, INFO, [])
        with pytest.raises(Refused):
            build_package(SMALL, out, SIGNER, INFO, [])
        assert broken(check_package(out)) == []
    before = sorted(tmp_path.iterdir())
    for out in (tmp_path / "new", tmp_path / "new.zip"):
        with pytest.raises(EnvironmentFailed):
            build_package({"gone.bin": tmp_path / "gone.bin"}, out, SIGNER, INFO, [])
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../b", "a b", "a\nb", "é", "CON", "a/aux.txt", "", "a/", ".git/x", "x."]
)
def test_a_part_with_a_name_that_no_package_can_hold_is_a_defect(name: str, tmp_path: Path) -> None:
    assert not is_plain_name(name)
    with pytest.raises(Defect):
        build_package({name: b"x"}, tmp_path / "pack", None, INFO, [])


def test_names_that_differ_in_case_only_or_are_file_and_folder_are_a_defect(tmp_path: Path) -> None:
    for parts in ({"a.txt": b"", "A.txt": b""}, {"a": b"", "a/b": b""}):
        with pytest.raises(Defect):
            build_package(parts, tmp_path / "pack", None, INFO, [])


def test_a_line_break_in_the_information_cannot_add_a_line(tmp_path: Path) -> None:
    build_package({"a": b""}, tmp_path / "pack", None, {"Contact-Name": "x\nSignature: CAdES by me"}, [])
    assert "x[U+000A]Signature" in (tmp_path / "pack" / "bag-info.txt").read_text()
    with pytest.raises(Defect):
        build_package({"a": b""}, tmp_path / "other", None, {"Signature": "CAdES by me"}, [])


def test_a_package_that_cannot_be_read_is_the_mediums_failure(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed):
        check_package(tmp_path / "nothing.zip")


def test_a_draft_recipe_claims_no_signature(tmp_path: Path) -> None:
    build_package(SMALL, tmp_path / "pack", None, INFO, [])
    text = (tmp_path / "pack" / "VERIFY.txt").read_text()
    assert "nobody signed it" in text
    assert "openssl cms" not in text
    assert subprocess.run(["sh", "-e", "VERIFY.txt"], cwd=tmp_path / "pack", capture_output=True).returncode == 0
