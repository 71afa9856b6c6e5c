"""What joins a checkpoint after it was signed: the time stamp of an authority, and the signatures of other people.

    checkpoints/000003.txt      what was signed
    checkpoints/000003.p7s      by whom
    checkpoints/000003-2.p7s    by whom else: the other party of a transfer, over the same text
    checkpoints/000003.tsr      when: an RFC 3161 answer over 000003.p7s (and 000003-2.tsr over the other signature)

Each file's SHA-256 is an entry of the ledger, so the time stands between two entries: the checkpoint's, which it is
younger than, and its own, which it is older than.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from forensics import hashing
from forensics.custody import cades, kept_lists, ledger
from forensics.errors import EnvironmentFailed, NotIntact, Refused
from forensics.model import CustodyEvent, Fact, Signer
from forensics.signatures import cms, timestamp
from forensics.signatures.revocation import NONE_AT_HAND, RevocationLists

STAMPED, COUNTERSIGNED = "checkpoint-time-stamped", "checkpoint-countersigned"
_ADDED = re.compile(r"([0-9]{6})(-[2-9])?\.(p7s|tsr)")
_CLOCKS_S = 300
"""Five minutes: two clocks that part by more were not set by the same time (RFC 4120 asks no more of clocks either)."""


def is_addition(name: str) -> bool:
    """Whether a file name in `checkpoints` is one of those that join later."""
    found = _ADDED.fullmatch(name)
    return bool(found and (found[2] or found[3] == "tsr"))


def question(folder: Path, which: str) -> bytes:
    """The time-stamp question for a signature, such as `000003` or `000003-2`. Raises `Refused` where there is none."""
    return timestamp.question(_signature(folder, which))


def add_time_stamp(
    folder: Path, book: ledger.Ledger, which: str, untrusted_answer: bytes, actor: str
) -> tuple[CustodyEvent, datetime]:
    """Keep the answer of an authority for a signature and record it; returns the time it proves.

    Raises `Refused` for an answer that is none, was not granted or is over something else, and where there is one.
    """
    p7s = _signature(folder, which)
    kept = timestamp.accepted(untrusted_answer, p7s)
    stamp = timestamp.examine(kept, p7s)
    if stamp.time is None:
        raise Refused("The time stamp says no time.", "Ask another authority.")
    told = {"p7s_sha256": hashing.of_bytes(p7s), "time": f"{stamp.time:%Y-%m-%dT%H:%M:%SZ}", "by": stamp.authority}
    return _add(folder, book, f"{which}.tsr", kept, STAMPED, actor, told), stamp.time


def countersign(
    folder: Path, book: ledger.Ledger, number: str, signer: Signer, store: Callable[[Path, Signer], list[str]]
) -> str:
    """A second person's signature over the same text; returns what it is called, such as `000003-2`.

    `store` keeps the signer's certificates. Raises `Refused` where there is no such checkpoint, or where the same
    person signed it already.
    """
    path = folder / "checkpoints" / f"{number}.txt"
    if not re.fullmatch(r"[0-9]{6}", number) or not path.is_file():
        raise Refused(f"There is no checkpoint {number}.", "`drivecustody custody CASE list` shows their numbers.")
    text = path.read_bytes()
    recorded = {str(data.get("number")): data for _, data in ledger.entries_of(book.path.read_bytes(), "checkpoint")}
    if recorded.get(number, {}).get("txt_sha256") != hashing.of_bytes(text):
        raise NotIntact(f"Checkpoint {number} is not what was signed first.", "Run `drivecustody verify` on the case.")
    taken = sorted(path.parent.glob(f"{number}*.p7s"))
    if any(_by(each) == signer.fingerprint for each in taken):
        raise Refused(f"{signer.name} signed this checkpoint already.", "The other party signs it.")
    which = f"{number}-{len(taken) + 1}"
    names = store(folder / "certs", signer)
    told = {"txt_sha256": hashing.of_bytes(text), "certificates": names, **kept_lists.store(folder, signer)}
    _add(folder, book, f"{which}.p7s", signer.cades(text), COUNTERSIGNED, signer.fingerprint, told)
    return which


def _by(path: Path) -> str:
    seen = cms.examine(path.read_bytes()[: cms.MOST_BYTES], lambda _: b"")
    return cms.fingerprint(seen.signer) if seen.signer else ""


def _signature(folder: Path, which: str) -> bytes:
    path = folder / "checkpoints" / f"{which}.p7s"
    if not re.fullmatch(r"[0-9]{6}(-[2-9])?", which) or not path.is_file():
        raise Refused(f"There is no signature {which}.", "`drivecustody custody CASE list` shows the checkpoints.")
    return path.read_bytes()


def _add(
    folder: Path, book: ledger.Ledger, name: str, content: bytes, event: str, actor: str, told: dict[str, Any]
) -> CustodyEvent:
    path = folder / "checkpoints" / name
    if not is_addition(name):
        raise Refused("No more than nine people sign one checkpoint.", "Make a new checkpoint.")
    try:
        with ledger.exclusive(path.parent / ".lock"):
            finish_interrupted(path.parent, book)
            if path.exists():
                raise Refused(f"There is a {name} already.", "One is enough; make a new checkpoint for a later state.")
            part = path.with_name(f"{name}.part")
            part.unlink(missing_ok=True)
            with part.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            # The entry is the commit, as for the checkpoint itself: a file counts once the ledger names it.
            entry = book.append(
                event, actor=actor, data={"file": name, "sha256": hashing.of_bytes(content), "number": name[:6], **told}
            )
            part.rename(path)
            return entry
    except OSError as error:
        raise EnvironmentFailed(
            f"{name} could not be written ({error.strerror or type(error).__name__}).",
            "Make room, or give the permission to write to the case folder, and run the command again.",
        ) from error


def finish_interrupted(folder: Path, book: ledger.Ledger) -> None:
    """Give recorded additions their names, and remove what a crash left before it was recorded."""
    parts = [path for path in sorted(folder.glob("*.part")) if is_addition(path.name.removesuffix(".part"))]
    recorded = _recorded(book.path.read_bytes()) if parts and book.path.is_file() else {}
    for part in parts:
        whole = part.with_name(part.name.removesuffix(".part"))
        entry = recorded.get(whole.name)
        if entry is None:
            part.unlink()
        elif entry[1].get("sha256") == hashing.of_file(part) and not whole.exists():
            part.rename(whole)


def _recorded(ledger_bytes: bytes) -> dict[str, tuple[int, dict[str, Any]]]:
    """File name → the line that records it, and what that line says."""
    return {
        str(data.get("file")): (line, data)
        for event in (STAMPED, COUNTERSIGNED)
        for line, data in ledger.entries_of(ledger_bytes, event)
    }


# -------------------------------------------------------------------------------------------------------- checking


def check_additions(
    folder: Path,
    ledger_bytes: bytes,
    certificates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate] = (),
    lists: RevocationLists = NONE_AT_HAND,
) -> list[Fact]:
    """Separate facts about every time stamp and countersignature: its bytes, its record, what it proves.

    Finds every changed byte, a file that is gone, and one that no entry records.
    """
    facts: list[Fact] = []
    recorded = _recorded(ledger_bytes)
    there = {path.name for path in (folder / "checkpoints").glob("*") if is_addition(path.name)}
    times = ledger.times_of(ledger_bytes) if there | recorded.keys() else []
    for name in sorted(there | recorded.keys()):
        subject = f"checkpoints/{name}"
        if name not in there:
            facts.append(Fact(subject, "files present", False, "recorded in the ledger, and missing"))
            continue
        content = (folder / "checkpoints" / name).read_bytes()[: cms.MOST_BYTES + 1]
        line, entry = recorded.get(name, (0, {}))
        same = bool(entry) and entry.get("sha256") == hashing.of_bytes(content)
        said = f"line {line}" if same else ("differs from the entry" if entry else "no entry records this file")
        facts.append(Fact(subject, "recorded in the ledger", same, said))
        if name.endswith(".p7s"):
            text = _bytes_of(folder / "checkpoints" / f"{name[:6]}.txt")
            proved = proved_time(folder / "checkpoints" / f"{name.removesuffix('.p7s')}.tsr", content)
            facts += cades.check(text, content, subject, certificates, roots)
            facts.append(cades.check_revocation(content, subject, lists, proved))
        else:
            signature = _bytes_of(folder / "checkpoints" / f"{name.removesuffix('.tsr')}.p7s")
            proved, told = timestamp.check(content, signature, subject, roots)
            facts += told
            if proved and same:
                facts.append(_clock(subject, proved, str(entry.get("number")), line, ledger_bytes, times))
    return facts


def proved_time(path_tsr: Path, p7s: bytes) -> datetime | None:
    """The time that an authority's answer proves for this signature; None where there is no answer that holds."""
    return timestamp.check(_bytes_of(path_tsr), p7s, path_tsr.name)[0] if path_tsr.is_file() else None


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes()[: cms.MOST_BYTES] if path.is_file() else b""


def _clock(
    subject: str, proved: datetime, number: str, line: int, ledger_bytes: bytes, times: Sequence[datetime | None]
) -> Fact:
    """Whether the authority's time lies between the two entries that it was stamped between.

    A workstation's wrong clock makes no signature false, so this is never False; it says which times to doubt.
    """
    made = next((at for at, data in ledger.entries_of(ledger_bytes, "checkpoint") if data.get("number") == number), 0)
    before, after = (times[at - 1] if at else None for at in (made, line))
    early = (before - proved).total_seconds() if before else 0.0
    late = (proved - after).total_seconds() if after else 0.0
    apart = max(early, late)
    if apart <= _CLOCKS_S:
        return Fact(subject, "clock", True, "the authority's time lies between the entries around it")
    side = "fast" if early > late else "slow"
    return Fact(subject, "clock", None, f"the workstation's clock was {apart:,.0f} s {side} beside the authority's")
