"""RFC 3161 time stamps: the question, the answer of an authority, and what an answer on a medium proves.

A question (`.tsq`) holds a digest and nothing else of what is stamped, so it may go to an authority by network or on a
stick. An answer (`.tsr`) is kept in one form, whatever status text an authority wrapped it in; `openssl ts -verify
-data FILE -in FILE.tsr` reads it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from asn1crypto import cms, tsp
from cryptography import x509

from forensics.errors import EnvironmentFailed, Refused
from forensics.model import Fact
from forensics.signatures.cms import (
    MOST_BYTES,
    STAMPING,
    TimeStamp,
    common_name,
    der,
    examine_token,
    fingerprint,
    path_problem,
)

TIMEOUT_S = 30
_GRANTED = der(0x30, der(0x02, b"\0"))
"""PKIStatusInfo of an answer without remarks (RFC 3161, section 2.4.2)."""

_REMEDY = "Try again, name another authority, or go on without one: there is then no trusted time, and it says so."


def question(data: bytes) -> bytes:
    """A time-stamp request in DER for the SHA-256 of `data`, with a nonce, asking for the authority's certificates."""
    digest = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(data).digest()}
    asked = {"version": "v1", "message_imprint": digest, "nonce": secrets.randbits(63) | 1, "cert_req": True}
    encoded: bytes = tsp.TimeStampReq(asked).dump()
    return encoded


def require_url(url: str) -> str:
    """The URL of an authority. Raises `Refused` for what is none."""
    if not re.match(r"https?://[^\s]+\Z", url):
        raise Refused("A time stamping authority is named by an http or https URL.", "Check --timestamp.")
    return url


def ask(url: str, query: bytes) -> bytes:
    """What the authority behind a URL that the user configured answers, unchecked.

    The only network this room uses. Raises `Refused` for a URL that is none, `EnvironmentFailed` where it is silent.
    """
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    request = urllib.request.Request(require_url(url), query, headers)  # noqa: S310 (scheme checked above)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
            answer: bytes = reply.read(MOST_BYTES)
            return answer
    except (OSError, ValueError) as cause:
        raise no_time() from cause


def no_time() -> EnvironmentFailed:
    """What to raise where an authority gave nothing that can be used."""
    return EnvironmentFailed("The time stamping authority gave no time stamp that can be used.", _REMEDY)


def stamped(url: str, data: bytes) -> bytes:
    """The answer of the authority for `data`, checked and in the form to keep. Raises like `ask`."""
    query = question(data)
    answer = ask(url, query)
    try:
        return accepted(answer, data, tsp.TimeStampReq.load(query)["nonce"].native)
    except Refused as cause:
        raise no_time() from cause


def accepted(untrusted_answer: bytes, data: bytes, nonce: int | None = None) -> bytes:
    """An answer in the form to keep: status granted, and the token, byte for byte.

    Raises `Refused` where it is no answer, was not granted, is over something else, or answers another nonce.
    """
    remedy = "Bring the answer of the authority to the question that was written for this file."
    try:
        answer = tsp.TimeStampResp.load(untrusted_answer, strict=True)
        status = answer["status"]["status"].native
        token: bytes = answer["time_stamp_token"].dump()
    except Exception as cause:
        raise Refused("This is not the answer of a time stamping authority.", remedy) from cause
    if status not in ("granted", "granted_with_mods"):
        raise Refused("The time stamping authority refused to stamp this.", remedy)
    kept = der(0x30, _GRANTED, token)
    stamp = examine(kept, data)
    if stamp.faults:
        raise Refused(f"The time stamp cannot be used: {stamp.faults[0]}.", remedy)
    if nonce is not None and stamp.nonce != nonce:
        raise Refused("The time stamp answers another question.", remedy)
    return kept


def examine(untrusted: bytes, data: bytes) -> TimeStamp:
    """What a kept answer says about `data`, and every way in which its bytes are not as they were kept."""
    return examine_token(_token(untrusted), lambda algorithm: hashlib.new(algorithm, data).digest())


def _token(untrusted: bytes) -> bytes:
    """The token in a kept answer; nothing where any byte around it is not as it would be written."""
    try:
        token: bytes = tsp.TimeStampResp.load(untrusted, strict=True)["time_stamp_token"].dump()
    except Exception:
        return b""
    return token if der(0x30, _GRANTED, token) == untrusted else b""


def certificates(answer: bytes) -> list[bytes]:
    """The certificates, in DER, that a kept answer carries; none where it cannot be read."""
    try:
        token = cms.ContentInfo.load(_token(answer), strict=True)
        return [each.chosen.dump() for each in token["content"]["certificates"]]
    except Exception:
        return []


CHECKS = ("time stamp", "time stamp trusted")


def check(
    untrusted: bytes, data: bytes, subject: str, roots: Sequence[x509.Certificate] = ()
) -> tuple[datetime | None, list[Fact]]:
    """Two facts about a kept answer, and the time it proves (None where it proves none).

    `time stamp`: its bytes, what it is over, and its certificate at that time. `time stamp trusted`: whether that
    leads to one of `roots`; None where none is given.
    """
    stamp = examine(untrusted, data)
    facts = list(facts_of(stamp, subject, roots, CHECKS))
    return (stamp.time if facts[0].holds else None), facts


def facts_of(
    stamp: TimeStamp, subject: str, roots: Sequence[x509.Certificate], names: tuple[str, str]
) -> Iterator[Fact]:
    """The two facts of `check` about a stamp that was examined, under these names."""
    faults = list(stamp.faults)
    if not faults and stamp.time is not None and stamp.complete:
        purposes = frozenset({"time_stamping"})
        problem = path_problem(stamp.chain, [stamp.chain[-1]], stamp.time, STAMPING, purposes)
        faults += [f"its certificate: {problem}"] if problem else []
    if faults or stamp.time is None or not stamp.chain:
        yield Fact(subject, names[0], False, "; ".join(faults) or "it says no time")
        yield Fact(subject, names[1], None, "not asked of a time stamp that is not as it was made")
        return
    yield Fact(subject, names[0], True, f"{stamp.time.astimezone(UTC).isoformat()} by {stamp.authority}")
    top = stamp.chain[-1]
    if roots:
        problem = path_problem(stamp.chain, roots, stamp.time, STAMPING, frozenset({"time_stamping"}))
        yield Fact(subject, names[1], problem is None, problem or "leads to a root you named")
    else:
        said = f"not asserted: {common_name(top)}, SHA-256 {fingerprint(top)}"
        yield Fact(subject, names[1], None, said)
