"""Signs the report, and says what a signed report proves, each fact apart: "valid" hides half a dozen of them."""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import tsp
from cryptography import x509
from pyhanko.pdf_utils.content import PdfContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from reportlab.pdfgen.canvas import Canvas

from forensics import hashing
from forensics.errors import Defect, Refused
from forensics.model import Fact, Signer
from forensics.report import long_term, signature_fields, wording
from forensics.report.files import write_whole
from forensics.report.typography import INK, MONO, MUTED, REGULAR, STRONG, load_fonts, visible, width, wrapped
from forensics.signatures import cms, revocation, timestamp

MOST_BYTES = 512 << 20
"""A report is some hundred kilobytes; a larger file than this is not read into memory."""

# pyHanko logs what it meets in hostile files, with their contents; the facts say what matters instead.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL + 1)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class SignedReport:
    """The signed file: SHA-256 of all its bytes, which belongs into the manifest and the ledger, and its size."""

    sha256: str
    size: int


# --------------------------------------------------------------------------------------------------------- signing


class _Page(PdfContent):
    """A page made in memory, as the appearance of a signature: pyHanko's own text stamps do not embed their font."""

    def __init__(self, pdf: bytes, box: BoxConstraints) -> None:
        super().__init__(box=box)
        self._pdf = pdf

    def render(self) -> bytes:
        page = self._ensure_writer.import_page_as_xobject(PdfFileReader(io.BytesIO(self._pdf)))
        self.resources.xobject["/Appearance"] = page
        return b"/Appearance Do"


class _Authority(TimeStamper):
    """A time stamping authority behind a URL that the user configured."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = timestamp.require_url(url)

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        try:
            return tsp.TimeStampResp.load(timestamp.ask(self._url, req.dump()), strict=True)
        except ValueError as cause:
            raise timestamp.no_time() from cause


def sign(
    path_in: Path,
    path_out: Path,
    signer: Signer,
    *,
    reason: str,
    location: str = "",
    timestamper_url: str | None = None,
) -> SignedReport:
    """Certify the report of `document.build` and write it to `path_out`, which must not exist.

    PAdES B-B, or B-T where an authority is named, and B-LTA where the identity's revocation list is here too; only
    filling in the empty fields of the cover stays allowed (DocMDP level 2, ISO 32000-1, 12.8.2.2). The result is
    checked with `check_pdf` before it is written. Raises `Refused` for a draft, a report made for another certificate,
    an identity whose chain lacks its root, or an existing file; `EnvironmentFailed` where the authority fails.
    """
    if path_out.exists():
        raise Refused(f"{path_out.name} exists already and a report is never overwritten.", "Choose another file name.")
    writer = IncrementalPdfFileWriter(io.BytesIO(path_in.read_bytes()))
    _require_made_for(writer, signer)
    media_box = writer.prev.root["/Pages"]["/Kids"][0]["/MediaBox"]
    _require_whole_chain(signer)
    placed = signature_fields.boxes(float(media_box[2]) - float(media_box[0]))
    for name, box in placed.items():
        append_signature_field(writer, SigFieldSpec(name, on_page=0, box=_whole(box)))
    own = _whole(placed[signature_fields.EXAMINER])
    material = long_term.context(signer, timestamper_url) if timestamper_url else None
    metadata = PdfSignatureMetadata(
        field_name=signature_fields.EXAMINER,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.FILL_FORMS,
        name=signer.name,
        reason=reason,
        location=location or None,
        validation_context=material,
        embed_validation_info=material is not None,
        use_pades_lta=material is not None,
        dss_settings=long_term.WITHIN_THE_STAMP,
    )
    pdf_signer = PdfSigner(
        metadata,
        signer=signer.pdf_signer(),
        timestamper=_Authority(timestamper_url) if timestamper_url else None,
        stamp_style=_appearance(own, signer, reason, location, trusted_time=bool(timestamper_url)),
    )
    try:
        signed = pdf_signer.sign_pdf(writer).getvalue()
    except SigningError as cause:
        if not timestamper_url:
            raise
        raise timestamp.no_time() from cause
    for fact in check_bytes(signed, path_out.name):
        if fact.holds is False:
            if timestamper_url and fact.check == "time":
                raise timestamp.no_time()
            raise Defect(f"The report that was just signed fails its own check: {fact.check}: {fact.detail}")
    write_whole(path_out, signed)
    return SignedReport(hashlib.sha256(signed).hexdigest(), len(signed))


def _require_made_for(writer: IncrementalPdfFileWriter, signer: Signer) -> None:
    """Refuse what would be signed by mistake: the text of the report names the certificate, or says draft."""
    subject = str(writer.prev.trailer["/Info"].get("/Subject", "")) if "/Info" in writer.prev.trailer else ""
    if subject == wording.signing_subject(None):
        raise Refused("This report is a draft: its pages say that it is not signed.", "Make it again with --sign.")
    if subject != wording.signing_subject(signer.fingerprint):
        raise Refused("This report was made for another certificate.", "Make it again with the identity that signs.")


def _require_whole_chain(signer: Signer) -> None:
    chain = [x509.load_pem_x509_certificate(pem) for pem in signer.chain_pem]
    if chain and not any(certificate.issuer == certificate.subject for certificate in chain):
        raise Refused(
            "The identity has issuers but not their root, so the signature could not be checked to its last byte.",
            "Import the identity again from a file that holds the whole chain of certificates.",
        )


def _whole(box: signature_fields.Box) -> tuple[int, int, int, int]:
    left, bottom, right, top = (round(side) for side in box)
    return left, bottom, right, top


def _appearance(
    box: tuple[int, int, int, int], signer: Signer, reason: str, location: str, *, trusted_time: bool
) -> StaticStampStyle:
    """What stands in the signature field, with embedded fonts."""
    load_fonts()
    room, height = box[2] - box[0], box[3] - box[1]
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(room, height), initialFontName=REGULAR, invariant=1)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    clock = "time stamped by an authority" if trusted_time else "no trusted time: the signer’s clock"
    left, edge = 12.0, room * 0.44
    canvas.setFillColor(INK)
    size = 13.0
    while width(visible(signer.name), STRONG, size) > edge - left - 8 and size > 6:
        size -= 0.5
    canvas.setFont(STRONG, size)
    canvas.drawString(left, height - 24, visible(signer.name))
    canvas.setFont(REGULAR, 8)
    canvas.setFillColor(MUTED)
    canvas.drawString(left, height - 38, wrapped(visible(signer.organisation), REGULAR, 8, edge - left - 8)[0])
    canvas.drawString(left, 10, "Digitally signed; to check it see annex G")
    lines: tuple[tuple[str, str, str], ...] = (
        ("Time", f"{now} ({clock})", REGULAR),
        ("Reason", reason, REGULAR),
        ("Place", location, REGULAR),
        ("SHA-256", signer.fingerprint[:32], MONO),
        ("", signer.fingerprint[32:], MONO),
    )
    baseline = height - 14.0
    for label, value, font in lines:
        if not value:
            continue
        canvas.setFont(REGULAR, 7)
        canvas.setFillColor(MUTED)
        canvas.drawString(edge, baseline, label)
        canvas.setFont(font, 7)
        canvas.setFillColor(INK)
        canvas.drawString(edge + 38, baseline, wrapped(visible(value), font, 7, room - edge - 44)[0])
        baseline -= 10.5
    canvas.showPage()
    canvas.save()
    inside = SimpleBoxLayoutRule(x_align=_align(), y_align=_align(), margins=Margins())
    page = _Page(stream.getvalue(), BoxConstraints(width=room, height=height))
    return StaticStampStyle(border_width=0, background=page, background_layout=inside, background_opacity=1.0)


def _align() -> Any:
    from pyhanko.pdf_utils.layout import AxisAlignment

    return AxisAlignment.ALIGN_MID


# -------------------------------------------------------------------------------------------------------- checking


def check_pdf(
    path: Path,
    *,
    trusted_roots_pem: Sequence[bytes] = (),
    lists: revocation.RevocationLists = revocation.NONE_AT_HAND,
) -> list[Fact]:
    """What the signatures of a PDF prove, as separate facts; never raises for what is in the file.

    Checks: `readable`, `signed`, and for each signature (its field is named in the subject) `content` (digest and
    signature value), `container` (every byte of the signature itself is as it was written), `certificate` (the chain
    holds under its own root), `trusted` (that root is one of `trusted_roots_pem`; None where none is given),
    `revocation` (by `lists`),
    `certified` (DocMDP), `changes since`, `time`; of a time stamp over the file
    `content`, `time stamp`, `time stamp trusted` and `changes since`; at last `long term`: what is embedded to check it
    when its authorities are gone, and `whole file`: nothing lies outside the newest signature.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        return [Fact(path.name, "readable", False, f"{size:,} bytes are too many for a report")]
    return check_bytes(path.read_bytes(), path.name, trusted_roots_pem, lists)


def check_bytes(
    untrusted: bytes,
    name: str,
    trusted_roots_pem: Sequence[bytes] = (),
    lists: revocation.RevocationLists = revocation.NONE_AT_HAND,
) -> list[Fact]:
    """`check_pdf` of bytes in memory; `name` is what the facts call them."""
    # pyHanko answers hostile bytes with many kinds of exception, some of them plain KeyError; all mean "not readable".
    try:
        reader = PdfFileReader(io.BytesIO(untrusted), strict=True)
        found = list(reader.embedded_signatures)
    except Exception as problem:
        return [Fact(name, "readable", False, f"the structure of the PDF cannot be read ({type(problem).__name__})")]
    if not found:
        return [
            Fact(name, "readable", True),
            Fact(name, "signed", False, "there is no signature in it: nothing shows that it is unchanged"),
        ]
    facts = [Fact(name, "readable", True), Fact(name, "signed", True, f"{len(found)} signature(s)")]
    roots = x509.load_pem_x509_certificates(b"\n".join(trusted_roots_pem)) if trusted_roots_pem else []
    lists = lists + long_term.embedded_lists(reader)
    for index, signature in enumerate(found):
        try:
            facts += _check_signature(untrusted, name, signature, index == 0, roots, lists)
        except Exception as problem:
            facts.append(Fact(name, "content", False, f"a signature cannot be read ({type(problem).__name__})"))
    facts.append(long_term.level(reader, name, found))
    facts.append(_whole_file(untrusted, name, found[-1]))
    return facts


def _whole_file(untrusted: bytes, name: str, newest: Any) -> Fact:
    ranges = [int(each) for each in newest.byte_range]
    end = ranges[2] + ranges[3] if len(ranges) == 4 else -1
    if end == len(untrusted):
        return Fact(name, "whole file", True, "the newest signature covers every byte but itself")
    return Fact(name, "whole file", False, f"{len(untrusted) - end:,} bytes lie past the newest signature")


def container_faults(untrusted: bytes, byte_range: Sequence[int]) -> list[str]:
    """What is wrong with the place of a signature in the file: `<`, hexadecimal, padding and `>`, and nothing else.

    Signers write their digits in one case (pyHanko in upper case) and pad with `0`; a PDF reader takes any mixture, and
    so would not see a digit that changed its case.
    """
    if len(byte_range) != 4 or byte_range[0] != 0:
        return ["the signed range does not begin with the file"]
    _, first, second, _ = byte_range
    gap = untrusted[first:second]
    if not re.fullmatch(rb"<(?:(?:[0-9A-F]{2})+|(?:[0-9a-f]{2})+)>", gap):
        return ["the signature is not written as it was made"]
    raw = bytes.fromhex(gap[1:-1].decode("ascii"))
    return [] if not raw[_der_length(raw) :].strip(b"\0") else ["the padding after the signature is not empty"]


def _der_length(raw: bytes) -> int:
    """Bytes of the DER value that `raw` begins with; 0 where it begins with none."""
    if len(raw) < 2:
        return 0
    if raw[1] < 0x80:
        return 2 + raw[1]
    count = raw[1] & 0x7F
    return 2 + count + int.from_bytes(raw[2 : 2 + count], "big")


def examine_container(untrusted: bytes, byte_range: Sequence[int]) -> cms.Examined:
    """The signature that stands in the gap of the range, checked against the bytes of the range."""
    _, first, second, length = byte_range
    raw = bytes.fromhex(untrusted[first + 1 : second - 1].decode("ascii"))
    signed = (untrusted[:first], untrusted[second : second + length])

    def digest(algorithm: str) -> bytes:
        running = hashing.new(algorithm)
        for part in signed:
            running.update(part)
        return running.digest()

    return cms.examine(raw[: _der_length(raw)], digest)


def _check_signature(
    untrusted: bytes,
    name: str,
    signature: Any,
    first: bool,
    roots: Sequence[x509.Certificate],
    lists: revocation.RevocationLists,
) -> Iterator[Fact]:
    subject = f"{name}, signature {visible(str(signature.field_name))}"
    byte_range = [int(each) for each in signature.byte_range]
    if faults := container_faults(untrusted, byte_range):
        yield Fact(subject, "container", False, "; ".join(faults))
        return
    if long_term.is_stamp(signature):
        _, start, second, length = byte_range
        raw = bytes.fromhex(untrusted[start + 1 : second - 1].decode("ascii"))
        parts = (untrusted[:start], untrusted[second : second + length])
        yield from long_term.check_stamp(signature, raw[: _der_length(raw)], parts, subject, roots)
        return
    seen = examine_container(untrusted, byte_range)
    context = ValidationContext(trust_roots=[], allow_fetching=False, revocation_mode="soft-fail")
    status = validate_pdf_signature(signature, signer_validation_context=context, ts_validation_context=context)
    holds = status.intact and status.valid and not seen.forgery
    yield Fact(subject, "content", holds, "; ".join(seen.forgery) or _who(seen))
    yield Fact(subject, "container", not seen.alterations, "; ".join(seen.alterations))
    yield from check_certificate(seen, subject, roots, signature.self_reported_timestamp, lists=lists)
    if first:
        limited = signature.docmdp_level in (MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS)
        yield Fact(subject, "certified", limited, "only later signatures are allowed" if limited else "no DocMDP limit")
    level = status.modification_level
    allowed = level is not None and level <= ModificationLevel.FORM_FILLING and status.docmdp_ok is not False
    yield Fact(subject, "changes since", allowed, f"level {level.name.lower() if level is not None else 'unknown'}")


def _who(seen: cms.Examined) -> str:
    return f"{visible(cms.common_name(seen.signer))}, SHA-256 {cms.fingerprint(seen.signer)}" if seen.signer else ""


def check_certificate(
    seen: cms.Examined,
    subject: str,
    roots: Sequence[x509.Certificate],
    claimed: datetime | None,
    proved: datetime | None = None,
    lists: revocation.RevocationLists = revocation.NONE_AT_HAND,
) -> Iterator[Fact]:
    """The facts `certificate`, `revocation`, `trusted` and `time` of a signature.

    `claimed` is the signer's clock, `proved` what a time stamp apart from the signature says.
    """
    claimed = claimed or seen.claimed
    stamp = seen.stamp
    stamped = proved or (stamp.time if stamp and not stamp.faults else None)
    moment = stamped or claimed or datetime.now(UTC)
    if not seen.chain:
        yield Fact(subject, "certificate", None, "no certificate could be read")
        return
    top = seen.chain[-1]
    if seen.forgery or seen.alterations:
        yield Fact(subject, "certificate", None, "not asked of a signature that is not as it was made")
    elif seen.complete:
        problem = cms.path_problem(seen.chain, [top], moment)
        named = f"root {visible(cms.common_name(top))}, SHA-256 {cms.fingerprint(top)}"
        yield Fact(subject, "certificate", problem is None, problem or f"holds under its own {named}")
    else:
        yield Fact(subject, "certificate", None, "the root is not embedded")
    yield revocation.check(seen.chain, subject, lists, claimed=claimed, proved=stamped)
    if roots:
        problem = cms.path_problem(seen.chain, roots, moment)
        yield Fact(subject, "trusted", problem is None, problem or "leads to a root you named")
    else:
        yield Fact(subject, "trusted", None, "not asserted: compare the root's fingerprint with one you know")
    if proved is not None:
        yield Fact(subject, "time", True, f"{proved.isoformat()}, by the time stamp beside it")
    elif stamp is None:
        told = f"; the signer's clock said {claimed.isoformat()}" if claimed else ""
        yield Fact(subject, "time", None, f"no trusted time{told}")
    elif stamp.faults or stamp.time is None:
        yield Fact(subject, "time", False, "; ".join(stamp.faults))
    else:
        said = f"{stamp.time.isoformat()} by {visible(stamp.authority)}; its certificate is not asserted"
        yield Fact(subject, "time", True, said)
