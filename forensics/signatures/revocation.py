"""Revocation lists: whether a certificate had been taken back when it signed (RFC 5280, sections 5 and 6.3).

A list says what its issuer knew at one moment. The question here is about another one, that of the signature: a
certificate that was revoked later leaves the earlier signature as good as the time that is proved for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from asn1crypto import pem
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from forensics.model import Fact

CHECK = "revocation"
MOST_BYTES = 8 << 20
"""A list of this size would hold some two hundred thousand entries; more is not parsed."""

_UNDERSTOOD = {x509.CRLNumber.oid, x509.AuthorityKeyIdentifier.oid}


def load(untrusted: bytes) -> x509.CertificateRevocationList:
    """A revocation list in DER or PEM. Raises `ValueError` where it is none.

    A list for some certificates or reasons only, an indirect one and one of changes count as none: they cannot say
    that a certificate is not revoked (RFC 5280, sections 5.2.4 and 5.2.5).
    """
    if len(untrusted) > MOST_BYTES:
        raise ValueError("too large for a revocation list")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            der = pem.unarmor(untrusted)[2] if pem.detect(untrusted) else untrusted
            listed = x509.load_der_x509_crl(der)
            critical = {each.oid for each in listed.extensions if each.critical}
        except Warning as doubt:
            raise ValueError("a revocation list that RFC 5280 does not allow") from doubt
    if critical - _UNDERSTOOD:
        raise ValueError("a revocation list of a kind that is not understood")
    return listed


def _signed_by(listed: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    if listed.issuer != issuer.subject:
        return False
    try:
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.crl_sign:
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        return bool(listed.is_signature_valid(issuer.public_key()))  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


@dataclass(frozen=True, slots=True)
class RevocationLists:
    """The lists at hand, of whatever issuer and age."""

    held: tuple[x509.CertificateRevocationList, ...] = ()

    def __add__(self, more: RevocationLists) -> RevocationLists:
        return RevocationLists((*self.held, *more.held))

    def of(self, issuer: x509.Certificate) -> list[x509.CertificateRevocationList]:
        """Those that this issuer signed, the newest first."""
        mine = [each for each in self.held if _signed_by(each, issuer)]
        return sorted(mine, key=lambda each: each.last_update_utc, reverse=True)

    @classmethod
    def read(cls, untrusted: Iterable[bytes]) -> RevocationLists:
        """What of these bytes is a list; the rest is passed over."""
        found = []
        for each in untrusted:
            try:
                found.append(load(each))
            # `cryptography` and asn1crypto answer hostile bytes with many kinds of exception; all mean "no list".
            except Exception:  # noqa: S112
                continue
        return cls(tuple(found))


NONE_AT_HAND = RevocationLists()


def check(
    chain: Sequence[x509.Certificate],
    subject: str,
    lists: RevocationLists,
    *,
    claimed: datetime | None,
    proved: datetime | None = None,
) -> Fact:
    """One fact about the first certificate of a chain, and the issuers between it and the root, when it signed.

    `claimed` is the signer's clock, `proved` what a time stamp says. False: it was revoked before. None: nobody can
    say, for want of a list, because it had run out before, or because only the signer's clock says "before".
    """
    moment = proved or claimed
    if len(chain) < 2 or moment is None:
        return Fact(subject, CHECK, None, "not asked: no issuer, or no time of signing, is known")
    # A hostile certificate or list makes the parsers below raise what they like; none of it is an answer.
    try:
        return Fact(subject, CHECK, *_worst(chain, lists, moment, proved is not None))
    except Exception as problem:
        return Fact(subject, CHECK, None, f"a certificate or list cannot be read ({type(problem).__name__})")


def _worst(
    chain: Sequence[x509.Certificate], lists: RevocationLists, moment: datetime, proved: bool
) -> tuple[bool | None, str]:
    answers = [_one(certificate, issuer, lists, moment, proved) for certificate, issuer in pairwise(chain)]
    return min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer[0]])


def _one(
    certificate: x509.Certificate, issuer: x509.Certificate, lists: RevocationLists, moment: datetime, proved: bool
) -> tuple[bool | None, str]:
    mine = lists.of(issuer)
    if not mine:
        return None, "no CRL of its issuer at hand"
    for listed in mine:
        entry = listed.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is None:
            continue
        since, why = _since(entry)
        told = f"revoked on {_utc(since)}{why}, says {_named(listed)}"
        if since <= moment:
            return False, f"{told}: before the signature of {_utc(moment)}"
        if proved:
            return True, f"{told}: after the signature, whose time stamp says {_utc(moment)}"
        return None, f"{told}; that it signed before rests on its own clock alone ({_utc(moment)})"
    newest = mine[0]
    if newest.next_update_utc is not None and newest.next_update_utc < moment:
        return None, f"the newest CRL at hand had run out before the signature: {_named(newest)}"
    return True, f"not on {_named(newest)}"


def _since(entry: x509.RevokedCertificate) -> tuple[datetime, str]:
    """From when on it counts as revoked, and why: a compromise may have been found after it happened (5.3.2)."""
    since, why = entry.revocation_date_utc, ""
    for extension in entry.extensions:
        if isinstance(extension.value, x509.CRLReason):
            why = f" ({extension.value.reason.name.replace('_', ' ')})"
        elif isinstance(extension.value, x509.InvalidityDate):
            since = min(since, extension.value.invalidity_date_utc)
    return since, why


def _named(listed: x509.CertificateRevocationList) -> str:
    try:
        number = f" {listed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number}"
    except x509.ExtensionNotFound:
        number = ""
    until = _utc(listed.next_update_utc) if listed.next_update_utc else "not said"
    return f"CRL{number} (this update {_utc(listed.last_update_utc)}, next update {until})"


def _utc(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
