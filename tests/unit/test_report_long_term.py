"""A report stamped by an authority carries what is needed to check it later, and every byte of that is watched."""

from __future__ import annotations

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
from pyhanko.sign.fields import SigSeedSubFilter

from forensics.custody.identities import Identities, Identity
from forensics.errors import EnvironmentFailed
from forensics.model import Fact
from forensics.report.document import build
from forensics.report.signing import check_bytes, check_pdf, sign
from tests.unit.local_authority import Authority, time_authority
from tests.unit.report_fixtures import make_signer, report_facts


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with time_authority(tmp_path_factory.mktemp("time") / "authority") as made:
        yield made


@pytest.fixture(scope="module")
def dana(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    people = Identities(tmp_path_factory.mktemp("identities"))
    people.create_authority("Test Health Plan", "pw")
    return people.load(people.create("Dana Examiner", "pw").name, "pw")


@pytest.fixture(scope="module")
def path(authority: Authority, dana: Identity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    build(report_facts(dana), folder / "u.pdf")  # type: ignore[arg-type]
    sign(folder / "u.pdf", folder / "r.pdf", dana, reason="I made this report", timestamper_url=authority.url)
    return folder / "r.pdf"


def broken(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(each.subject, each.check) for each in facts if each.holds is False]


def test_signature_lists_and_stamp_over_the_file_hold_in_every_fact(
    path: Path, authority: Authority, dana: Identity
) -> None:
    facts = check_pdf(path, trusted_roots_pem=[dana.chain_pem[-1], authority.root.read_bytes()])
    assert broken(facts) == []
    by_check: dict[str, list[Fact]] = {}
    for each in facts:
        by_check.setdefault(each.check, []).append(each)
    assert by_check["long term"][0].holds is True
    assert "PAdES B-LTA" in by_check["long term"][0].detail
    # The list is the one in the file: none was given.
    assert (by_check["revocation"][0].holds, by_check["revocation"][0].detail[:10]) == (True, "not on CRL")
    assert [each.holds for each in by_check["time stamp trusted"]] == [True]
    assert by_check["certified"][0].holds is True
    assert by_check["whole file"][0].holds is True
    assert broken(check_pdf(path)) == []


def test_pdfsig_and_openssl_agree(path: Path, authority: Authority, dana: Identity, tmp_path: Path) -> None:
    told = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True).stdout
    # poppler 22.12 shows a time stamp over the file and does not judge it; openssl does.
    assert told.count("Signature is Valid.") == 1
    assert "Total document signed" in told
    assert "Time Unit 1" in told
    assert subprocess.run(["qpdf", "--check", path], capture_output=True).returncode == 0
    pdf = path.read_bytes()
    ranges = [tuple(map(int, each)) for each in re.findall(rb"/ByteRange\s*\[\s*(\d+) (\d+) (\d+) (\d+)\s*\]", pdf)]
    assert len(ranges) == 2
    assert ranges[-1][2] + ranges[-1][3] == len(pdf)
    _, first, second, last = ranges[-1]
    raw = bytes.fromhex(pdf[first + 1 : second - 1].decode())
    (tmp_path / "token").write_bytes(raw[: 4 + int.from_bytes(raw[2:4], "big")])
    (tmp_path / "data").write_bytes(pdf[:first] + pdf[second : second + last])
    command = ["openssl", "ts", "-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", authority.root]
    judged = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "Verification: OK" in judged.stdout + judged.stderr


def test_a_changed_byte_of_what_was_embedded_or_of_its_stamp_shows(path: Path) -> None:
    pdf = path.read_bytes()
    ranges = [tuple(map(int, each)) for each in re.findall(rb"/ByteRange\s*\[\s*(\d+) (\d+) (\d+) (\d+)\s*\]", pdf)]
    end_of_first = ranges[0][2] + ranges[0][3]
    _, first, second, _ = ranges[-1]
    token = range(first, second)
    added = [place for place in range(end_of_first, len(pdf)) if place not in token]
    tokens = [first, first + 1, second - 1, *range(first, second, 211)]
    for place in [*added[::97], added[-1], *tokens]:
        changed = pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]
        assert broken(check_bytes(changed, "r.pdf")), place


def test_a_witness_signs_afterwards_and_an_attachment_does_not_pass(path: Path, tmp_path: Path) -> None:
    pdf = path.read_bytes()
    meta = PdfSignatureMetadata(field_name="Witness", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    signer = PdfSigner(meta, signer=make_signer("Wes Witness").pdf_signer())
    later = bytes(signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf))).getvalue())
    assert broken(check_bytes(later, "r.pdf")) == []
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    attached = embed.EmbeddedFileObject.from_file_data(writer, data=b"late", mime_type="text/plain")
    embed.embed_file(writer, embed.FileSpec(file_spec_string="late.txt", file_name="late.txt", embedded_data=attached))
    stream = io.BytesIO()
    writer.write(stream)
    assert {check for _, check in broken(check_bytes(stream.getvalue(), "r.pdf"))} >= {"changes since", "whole file"}


def test_the_update_cut_off_leaves_a_whole_signature_and_another_level_and_digest(path: Path) -> None:
    """The earlier revision is valid by itself, which is why the digest of the whole file stands in the ledger."""
    pdf = path.read_bytes()
    _, _, second, last = map(int, re.findall(rb"/ByteRange\s*\[\s*(\d+) (\d+) (\d+) (\d+)\s*\]", pdf)[0])
    cut = pdf[: second + last]
    facts = check_bytes(cut, "r.pdf")
    assert broken(facts) == []
    assert [each.holds for each in facts if each.check == "long term"] == [None]
    assert hashlib.sha256(cut).digest() != hashlib.sha256(pdf).digest()


def test_without_a_list_or_an_authority_it_is_no_more_than_it_says(
    authority: Authority, dana: Identity, tmp_path: Path
) -> None:
    other = make_signer()
    build(report_facts(other), tmp_path / "u.pdf")
    sign(tmp_path / "u.pdf", tmp_path / "r.pdf", other, reason="x", timestamper_url=authority.url)
    level = [each for each in check_pdf(tmp_path / "r.pdf") if each.check == "long term"]
    assert [each.holds for each in level] == [None]
    build(report_facts(dana), tmp_path / "v.pdf")  # type: ignore[arg-type]
    authority.garbles = True
    try:
        with pytest.raises(EnvironmentFailed, match="authority"):
            sign(tmp_path / "v.pdf", tmp_path / "s.pdf", dana, reason="x", timestamper_url=authority.url)
    finally:
        authority.garbles = False
    assert not (tmp_path / "s.pdf").exists()
