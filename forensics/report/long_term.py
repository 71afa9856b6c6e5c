"""PAdES B-LTA: what a signature needs to be checked when its authorities are gone, inside the file and time-stamped.

Behind the signature comes an update with all certificates and revocation lists (DSS, ETSI EN 319 142-1, 5.4.2), and
behind that a time stamp over the whole file until there (5.4.3). A certified file allows both (ISO 32000-2, 12.8.2.2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, TimestampDSSContentSettings
from pyhanko.sign.validation import validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from forensics.model import Fact, Signer
from forensics.signatures import cms, revocation, timestamp

CHECK = "long term"
WITHIN_THE_STAMP = DSSContentSettings(
    include_vri=False, next_ts_settings=TimestampDSSContentSettings(include_vri=False, update_before_ts=True)
)
"""Everything is embedded before the last time stamp, so that nothing of the file lies outside it. The VRI entries that
would have to come later are optional, and ETSI EN 319 142-1 discourages them."""

_TOKEN = "/DocTimeStamp"  # noqa: S105  a type of signature dictionary


def _parsed(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def context(signer: Signer, url: str) -> ValidationContext | None:
    """What pyHanko collects the embedded material with; None where there is no revocation list to embed.

    It takes signer and authority as they are: nobody is trusted by it, that is for whoever checks. The authority is
    asked once for this, for its certificates. Raises `EnvironmentFailed` where it is silent.
    """
    if signer.revocation_list is None:
        return None
    kept = timestamp.stamped(url, b"certificates")
    stamp = timestamp.examine(kept, b"certificates")
    chain = [x509.load_pem_x509_certificate(pem) for pem in (signer.certificate_pem, *signer.chain_pem)]
    return ValidationContext(
        trust_roots=[_parsed(chain[-1]), *(_parsed(each) for each in stamp.chain[-1:])],
        other_certs=[_parsed(each) for each in (*chain, *stamp.chain)],
        crls=[asn1_crl.CertificateList.load(signer.revocation_list)],
        allow_fetching=False,
        revocation_mode="soft-fail",
        moment=datetime.now(UTC),
    )


def is_stamp(signature: Any) -> bool:
    """Whether an embedded signature is a time stamp over the file, and no person's."""
    return bool(signature.sig_object_type == _TOKEN)


def embedded_lists(reader: Any) -> revocation.RevocationLists:
    """The revocation lists that the file carries; hostile, and worth what their issuers' signatures are."""
    # pyHanko raises its own error without a DSS, and many kinds for a hostile one; all mean "none".
    try:
        held = DocumentSecurityStore.read_dss(reader).crls
        return revocation.RevocationLists.read([each.get_object().data for each in held])
    except Exception:
        return revocation.NONE_AT_HAND


def check_stamp(
    signature: Any, raw: bytes, signed: Sequence[bytes], subject: str, roots: Sequence[x509.Certificate]
) -> Iterator[Fact]:
    """`content`, `time stamp`, `time stamp trusted` and `changes since` of a time stamp over the file."""

    def digest(algorithm: str) -> bytes:
        running = hashlib.new(algorithm)
        for part in signed:
            running.update(part)
        return running.digest()

    stamp = cms.examine_token(raw, digest)
    nobody = ValidationContext(trust_roots=[], allow_fetching=False, revocation_mode="soft-fail")
    status = validate_pdf_timestamp(signature, validation_context=nobody)
    holds = status.intact and status.valid and not stamp.faults
    yield Fact(subject, "content", holds, "; ".join(stamp.faults))
    yield from timestamp.facts_of(stamp, subject, roots, timestamp.CHECKS)
    level = status.modification_level
    allowed = level is not None and level <= ModificationLevel.FORM_FILLING
    yield Fact(subject, "changes since", allowed, f"level {level.name.lower() if level is not None else 'unknown'}")


def level(reader: Any, name: str, found: Sequence[Any]) -> Fact:
    """How long the file can be checked: what of the material for that is in it."""
    lists = len(embedded_lists(reader).held)
    stamps = sum(is_stamp(each) for each in found)
    if not lists:
        return Fact(name, CHECK, None, "no revocation list is embedded (PAdES B-B or B-T)")
    if not stamps:
        return Fact(name, CHECK, None, f"{lists} revocation list(s) embedded, and no time stamp over them (PAdES B-LT)")
    return Fact(name, CHECK, True, f"{lists} revocation list(s) and {stamps} time stamp(s) over the file (PAdES B-LTA)")
