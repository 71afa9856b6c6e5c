"""A changed byte anywhere in a signed report must show; pdfsig, openssl and qpdf judge the ones we make."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyhanko.pdf_utils import embed
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field
from reportlab.pdfgen.canvas import Canvas

from forensics.errors import EnvironmentFailed, Refused
from forensics.model import Fact
from forensics.report import wording
from forensics.report.document import build
from forensics.report.signing import (
    SignedReport,
    check_bytes,
    check_pdf,
    container_faults,
    examine_container,
    sign,
)
from forensics.signatures import cms
from tests.unit.local_authority import time_authority
from tests.unit.report_fixtures import MemorySigner, make_signer, report_facts

SIGNER = make_signer()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SignedReport]:
    folder = tmp_path_factory.mktemp("signed")
    build(report_facts(SIGNER), folder / "unsigned.pdf")
    signed = sign(folder / "unsigned.pdf", folder / "report.pdf", SIGNER, reason="I made this report", location="Lab 2")
    return folder / "report.pdf", signed


@pytest.fixture(scope="module")
def report(made: tuple[Path, SignedReport]) -> bytes:
    return made[0].read_bytes()


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    """OpenSSL's time stamping authority behind this machine's loopback."""
    with time_authority(tmp_path / "authority") as made:
        yield made.url


def broken(facts: list[Fact]) -> list[str]:
    return [fact.check for fact in facts if fact.holds is False]


def fact(facts: list[Fact], check: str) -> Fact:
    return next(each for each in facts if each.check == check)


def byte_range(pdf: bytes) -> list[int]:
    found = re.search(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", pdf)
    assert found
    return [int(each) for each in found.groups()]


def flipped(data: bytes, place: int, mask: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def seen_without_a_reader(pdf: bytes, ranges: list[int]) -> bool:
    """Whether the container alone gives a change away: two of the checks that `check_bytes` makes, without pyHanko."""
    if container_faults(pdf, ranges):
        return True
    seen = examine_container(pdf, ranges)
    return bool(seen.forgery or seen.alterations or (seen.stamp and seen.stamp.faults))


def test_a_signed_report_holds_and_each_fact_stands_apart(made: tuple[Path, SignedReport]) -> None:
    path, signed = made
    facts = check_pdf(path)
    assert broken(facts) == []
    assert [each.check for each in facts] == [
        "readable", "signed", "content", "container", "certificate", "revocation", "trusted", "time", "certified",
        "changes since", "long term", "whole file",
    ]  # fmt: skip
    assert SIGNER.fingerprint in fact(facts, "content").detail
    assert fact(facts, "time").holds is None
    assert "no trusted time" in fact(facts, "time").detail
    assert signed == SignedReport(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def test_trust_is_asserted_only_under_a_root_the_user_named(made: tuple[Path, SignedReport]) -> None:
    path, _ = made
    assert fact(check_pdf(path), "trusted").holds is None
    assert fact(check_pdf(path, trusted_roots_pem=SIGNER.chain_pem), "trusted").holds is True
    assert fact(check_pdf(path, trusted_roots_pem=make_signer().chain_pem), "trusted").holds is False


def test_pdfsig_qpdf_and_pdffonts_accept_it(made: tuple[Path, SignedReport]) -> None:
    path, _ = made
    told = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True).stdout
    assert "Signature is Valid." in told
    assert "Total document signed" in told
    assert "ETSI.CAdES.detached" in told
    assert told.count("The signature form field is not signed.") == 4
    assert subprocess.run(["qpdf", "--check", path], capture_output=True).returncode == 0
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True).stdout.splitlines()[2:]
    assert fonts
    assert all(line.split()[-5] == "yes" for line in fonts)


def test_openssl_verifies_the_signature_taken_out_of_the_pdf(made: tuple[Path, SignedReport], tmp_path: Path) -> None:
    pdf = made[0].read_bytes()
    start, first, second, last = byte_range(pdf)
    (tmp_path / "content").write_bytes(pdf[start:first] + pdf[second : second + last])
    raw = bytes.fromhex(pdf[first + 1 : second - 1].decode())
    (tmp_path / "p7s").write_bytes(raw[: 4 + int.from_bytes(raw[2:4], "big")])
    (tmp_path / "root.pem").write_bytes(SIGNER.chain_pem[0])
    command = (
        "openssl cms -verify -cades -binary -inform DER -in p7s -content content -CAfile root.pem -purpose any -out out"
    )
    verified = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr


def test_the_cover_names_the_signer_and_says_that_there_is_no_trusted_time(
    made: tuple[Path, SignedReport], tmp_path: Path
) -> None:
    # pdftotext leaves out what annotations show, until qpdf makes it part of the page.
    flat = tmp_path / "flat.pdf"
    subprocess.run(["qpdf", "--flatten-annotations=all", made[0], flat], check=True)
    text = subprocess.run(["pdftotext", "-layout", "-l", "1", flat, "-"], capture_output=True, text=True).stdout
    assert "no trusted time: the signer’s clock" in text
    assert "I made this report" in text
    assert SIGNER.fingerprint[:32] in text


def test_every_byte_outside_the_signed_range_is_watched(report: bytes) -> None:
    ranges = byte_range(report)
    _, first, second, _ = ranges
    for mask in (1, 0x20):
        missed = [
            place for place in range(first, second) if not seen_without_a_reader(flipped(report, place, mask), ranges)
        ]
        assert missed == []


def test_every_byte_inside_the_signed_range_is_digested(report: bytes) -> None:
    """The digest covers them by definition; that the check asks for it is shown on a sample, and at all borders."""
    _, first, second, _ = byte_range(report)
    places = {0, 1, first - 1, second, len(report) - 1, *range(7, first, 4001), *range(second, len(report), 171)}
    for place in sorted(places):
        assert broken(check_bytes(flipped(report, place), "r.pdf")), place


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_no_changed_byte_of_a_whole_small_signed_pdf_goes_unseen(tmp_path: Path) -> None:
    """A one-page document with the marks that `sign` asks for, every byte of it changed in turn."""
    canvas = Canvas(str(tmp_path / "small.pdf"), pagesize=(612, 792), invariant=1)
    canvas.setSubject(wording.signing_subject(SIGNER.fingerprint))
    canvas.drawString(72, 700, "A small document")
    canvas.save()
    sign(tmp_path / "small.pdf", tmp_path / "signed.pdf", SIGNER, reason="test")
    pdf = (tmp_path / "signed.pdf").read_bytes()
    missed = [place for place in range(len(pdf)) if not broken(check_bytes(flipped(pdf, place), "r.pdf"))]
    assert missed == []


def test_bytes_after_the_signature_and_a_shortened_file_are_seen(report: bytes) -> None:
    for changed in (report + b"\n", report + b"%", report[:-1], report[: byte_range(report)[1]]):
        assert broken(check_bytes(changed, "r.pdf"))


def test_a_late_attachment_is_seen_though_pdfsig_calls_the_signature_valid(report: bytes, tmp_path: Path) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(report))
    attached = embed.EmbeddedFileObject.from_file_data(writer, data=b"late", mime_type="text/plain")
    embed.embed_file(writer, embed.FileSpec(file_spec_string="late.txt", file_name="late.txt", embedded_data=attached))
    late = tmp_path / "late.pdf"
    with late.open("wb") as stream:
        writer.write(stream)
    assert "Signature is Valid." in subprocess.run(["pdfsig", "-nocert", late], capture_output=True, text=True).stdout
    assert set(broken(check_pdf(late))) >= {"changes since", "whole file"}


def countersigned(pdf: bytes, who: MemorySigner, field: str) -> bytes:
    meta = PdfSignatureMetadata(field_name=field, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    signed = PdfSigner(meta, signer=who.pdf_signer()).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)))
    return bytes(signed.getvalue())


def test_three_later_signatures_in_the_fields_made_for_them_keep_the_first_one_whole(
    report: bytes, tmp_path: Path
) -> None:
    pdf = report
    for name, field in (("Wes Witness", "Witness"), ("Cass Custodian", "Custodian"), ("Tara Transfer", "Transfer 1")):
        pdf = countersigned(pdf, make_signer(name), field)
    facts = check_bytes(pdf, "r.pdf")
    assert broken(facts) == []
    assert sum(each.check == "content" and each.holds is True for each in facts) == 4
    (tmp_path / "r.pdf").write_bytes(pdf)
    told = subprocess.run(["pdfsig", "-nocert", tmp_path / "r.pdf"], capture_output=True, text=True).stdout
    assert told.count("Signature is Valid.") == 4


def test_a_field_added_after_certification_breaks_it(report: bytes) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(report))
    append_signature_field(writer, SigFieldSpec("Extra", on_page=0, box=(10, 10, 60, 40)))
    stream = io.BytesIO()
    writer.write(stream)
    assert "changes since" in broken(check_bytes(stream.getvalue(), "r.pdf"))


def test_a_report_signed_again_by_somebody_else_shows_the_other_certificate(tmp_path: Path) -> None:
    other = make_signer()
    build(report_facts(other), tmp_path / "u.pdf")
    sign(tmp_path / "u.pdf", tmp_path / "r.pdf", other, reason="x")
    facts = check_pdf(tmp_path / "r.pdf", trusted_roots_pem=SIGNER.chain_pem)
    assert fact(facts, "content").holds is True
    assert other.fingerprint in fact(facts, "content").detail
    assert fact(facts, "trusted").holds is False


def test_a_draft_and_a_report_for_another_certificate_are_not_signed(tmp_path: Path) -> None:
    build(report_facts(), tmp_path / "draft.pdf")
    with pytest.raises(Refused, match="draft"):
        sign(tmp_path / "draft.pdf", tmp_path / "r.pdf", SIGNER, reason="x")
    build(report_facts(make_signer()), tmp_path / "other.pdf")
    with pytest.raises(Refused, match="another certificate"):
        sign(tmp_path / "other.pdf", tmp_path / "r.pdf", SIGNER, reason="x")
    assert not (tmp_path / "r.pdf").exists()
    assert broken(check_pdf(tmp_path / "draft.pdf")) == ["signed"]


def test_a_signed_report_is_never_written_over_another_file(tmp_path: Path) -> None:
    build(report_facts(SIGNER), tmp_path / "u.pdf")
    (tmp_path / "r.pdf").write_bytes(b"mine")
    with pytest.raises(Refused):
        sign(tmp_path / "u.pdf", tmp_path / "r.pdf", SIGNER, reason="x")
    assert (tmp_path / "r.pdf").read_bytes() == b"mine"


def test_a_time_stamp_is_taken_checked_and_watched_byte_by_byte(authority: str, tmp_path: Path) -> None:
    build(report_facts(SIGNER), tmp_path / "u.pdf")
    sign(tmp_path / "u.pdf", tmp_path / "r.pdf", SIGNER, reason="x", timestamper_url=authority)
    facts = check_pdf(tmp_path / "r.pdf")
    assert broken(facts) == []
    assert fact(facts, "time").holds is True
    assert "Time Unit 1" in fact(facts, "time").detail
    pdf = (tmp_path / "r.pdf").read_bytes()
    ranges = byte_range(pdf)
    missed = [p for p in range(ranges[1], ranges[2], 9) if not seen_without_a_reader(flipped(pdf, p), ranges)]
    assert missed == []
    told = subprocess.run(["pdfsig", "-nocert", tmp_path / "r.pdf"], capture_output=True, text=True).stdout
    assert "Signature is Valid." in told


def test_an_authority_that_cannot_be_reached_leaves_no_signed_file(tmp_path: Path) -> None:
    build(report_facts(SIGNER), tmp_path / "u.pdf")
    with pytest.raises(EnvironmentFailed, match="time stamp"):
        sign(tmp_path / "u.pdf", tmp_path / "r.pdf", SIGNER, reason="x", timestamper_url="http://127.0.0.1:1/")
    with pytest.raises(Refused, match="URL"):
        sign(tmp_path / "u.pdf", tmp_path / "r.pdf", SIGNER, reason="x", timestamper_url="file:///etc/passwd")
    assert not (tmp_path / "r.pdf").exists()


@pytest.mark.parametrize(
    "hostile", [b"", b"%PDF-1.7\n", b"\0" * 5000, b"%PDF-1.4\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF"]
)
def test_a_file_that_is_no_pdf_is_a_fact_not_a_crash(hostile: bytes) -> None:
    assert broken(check_bytes(hostile, "r.pdf")) == ["readable"]


def test_a_signature_with_an_unsigned_attribute_added_is_seen() -> None:
    """Unsigned attributes of a CMS can be added by anybody; openssl accepts them."""
    content = b"list of files\n"
    seen = cms.examine(SIGNER.cades(content), lambda name: hashlib.new(name, content).digest())
    assert (seen.forgery, seen.alterations, seen.complete) == ((), (), True)
    parsed = cms.cms.ContentInfo.load(SIGNER.cades(content))
    who = parsed["content"]["signer_infos"][0]
    who["unsigned_attrs"] = cms.cms.CMSAttributes(
        [cms.cms.CMSAttribute({"type": "signing_time", "values": [cms.cms.Time({"utc_time": seen_time()})]})]
    )
    changed = cms.examine(parsed.dump(force=True), lambda name: hashlib.new(name, content).digest())
    assert changed.form or (changed.stamp and changed.stamp.faults)


def seen_time() -> object:
    import datetime

    return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_another_certificate_of_the_same_name_does_not_pass_as_the_signers(report: bytes) -> None:
    twin = dataclasses.replace(make_signer(SIGNER.name, SIGNER.organisation))
    facts = check_bytes(report, "r.pdf", twin.chain_pem)
    assert fact(facts, "trusted").holds is False
