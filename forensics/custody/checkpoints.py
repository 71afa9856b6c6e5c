"""Signed states of the ledger: number of entries and head at one moment, under a person's key.

The chain inside the ledger finds careless changes; a checkpoint finds careful ones, because a ledger that was sealed
anew no longer has the line that was signed. The newest lines are only as safe as the newest checkpoint that somebody
else holds: that copy is a receipt.

A checkpoint is a text of three lines (origin, size, head, after C2SP tlog-checkpoint) and beside it a detached CAdES
signature. Their hashes are the next entry of the ledger.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from forensics import hashing
from forensics.custody import additions, cades, kept_lists, ledger
from forensics.errors import EnvironmentFailed, NotIntact, Refused
from forensics.model import Fact, Signer
from forensics.signatures import cms, timestamp
from forensics.signatures.revocation import NONE_AT_HAND, RevocationLists

EVENT = "checkpoint"
FORMAT = "custody-ledger/v1"
_TEXT = re.compile(
    rf"{re.escape(FORMAT)} (?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{{0,18}})\n(?P<head>[0-9a-f]{{64}})\n"
)
_PART = re.compile(r"[0-9]{6}\.(txt|p7s)\.part")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk: `size` entries, `head` the SHA-256 of the last of them with its newline."""

    path_txt: Path
    path_p7s: Path
    size: int
    head: str


@dataclass(frozen=True, slots=True)
class _State:
    origin: str
    size: int
    head: str

    def text(self) -> bytes:
        return f"{FORMAT} {self.origin}\n{self.size}\n{self.head}\n".encode()


def make_checkpoint(custody_folder: Path, book: ledger.Ledger, origin: str, signer: Signer) -> Checkpoint:
    """Sign the ledger as it is now and record that in it.

    `origin` names the case: its number and its id. Writes `checkpoints/NNNNNN.txt` and `.p7s` and the signer's
    certificates to `certs/`, then appends the entry `checkpoint` with the hashes of both files. Cut short anywhere,
    the next call finishes or forgets it. Raises `NotIntact` rather than sign a damaged ledger.
    """
    if not origin.strip() or not origin.isprintable():
        raise Refused("A checkpoint needs the case's number and id in one line.", "Give the case a printable number.")
    folder = custody_folder / "checkpoints"
    try:
        with ledger.exclusive(folder / ".lock"):
            _finish_interrupted(folder, book)
            for fact in ledger.check(book.path):
                if fact.holds is False:
                    raise NotIntact(
                        f"The ledger is not intact and was not signed: {fact.check}, {fact.detail}.",
                        "Run `drivecustody verify` on the case.",
                    )
            state = _State(origin, *book.head())
            number = f"{_last_number(folder) + 1:06d}"
            p7s = signer.cades(state.text())
            names = store_certificates(custody_folder / "certs", signer)
            listed = kept_lists.store(custody_folder, signer)
            _write_new(folder / f"{number}.txt.part", state.text())
            _write_new(folder / f"{number}.p7s.part", p7s)
            # The entry is the commit: a file is a checkpoint once the ledger names it, and takes its name only then.
            book.append(
                EVENT,
                actor=signer.fingerprint,
                data={
                    "number": number,
                    "origin": origin,
                    "size": state.size,
                    "head": state.head,
                    "txt_sha256": hashing.of_bytes(state.text()),
                    "p7s_sha256": hashing.of_bytes(p7s),
                    "certificates": names,
                    **listed,
                },
            )
            _finish_interrupted(folder, book)
    except OSError as error:
        raise EnvironmentFailed(
            f"The checkpoint could not be written ({error.strerror or type(error).__name__}).",
            "Make room, or give the permission to write to the case folder, and run the command again.",
        ) from error
    return Checkpoint(folder / f"{number}.txt", folder / f"{number}.p7s", state.size, state.head)


def _finish_interrupted(folder: Path, book: ledger.Ledger) -> None:
    """Give recorded checkpoints their names, and remove what a crash left before it was recorded."""
    parts = sorted(path for path in folder.glob("*.part") if _PART.fullmatch(path.name))
    if not parts:
        return
    recorded = _recorded(book.path.read_bytes() if book.path.is_file() else b"")
    for part in parts:
        number, kind, _ = part.name.split(".")
        if number not in recorded:
            part.unlink()
        elif recorded[number][1].get(f"{kind}_sha256") == hashing.of_file(part) and not part.with_suffix("").exists():
            part.rename(part.with_suffix(""))


def _last_number(folder: Path) -> int:
    return max((int(path.name[:6]) for path in folder.glob("[0-9][0-9][0-9][0-9][0-9][0-9].*")), default=0)


def store_certificates(folder: Path, signer: Signer) -> list[str]:
    """Keep the signer's certificates under their SHA-256, which are returned."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for each in (signer.certificate_pem, *signer.chain_pem):
        certificate = x509.load_pem_x509_certificate(each)
        names.append(cms.fingerprint(certificate))
        path = folder / f"{names[-1]}.pem"
        if not path.exists():
            part = path.with_suffix(".pem.part")
            part.unlink(missing_ok=True)
            _write_new(part, certificate.public_bytes(Encoding.PEM))
            part.rename(path)
    return names


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _recorded(ledger_bytes: bytes) -> dict[str, tuple[int, dict[str, Any]]]:
    """Number of a checkpoint → line that records it, and what that line says."""
    return {str(data.get("number")): (line, data) for line, data in ledger.entries_of(ledger_bytes, EVENT)}


# -------------------------------------------------------------------------------------------------------- checking


def check_checkpoints(
    custody_folder: Path, roots: Sequence[x509.Certificate] = (), lists: RevocationLists = NONE_AT_HAND
) -> list[Fact]:
    """Separate facts about every checkpoint of a case, and about every certificate kept beside them.

    Finds every changed byte of a `.txt`, a `.p7s`, a `.tsr` or a certificate, a file that is missing or was never
    recorded, and a ledger that no longer has the line that was signed. Without `roots` none is trusted: its
    fingerprint stands in the detail, for a person to compare. `lists` are revocation lists besides those kept here.
    """
    path = custody_folder / ledger.FILE_NAME
    data = path.read_bytes() if path.is_file() else b""
    digests = _line_digests(data)
    recorded = _recorded(data)
    folder = custody_folder / "checkpoints"
    certificates, facts = _stored_certificates(custody_folder / "certs")
    kept, kept_facts = kept_lists.check(custody_folder, data)
    facts += kept_facts
    lists = lists + kept
    own = [path for path in folder.glob("[!.]*") if not additions.is_addition(path.name)]
    found = {path.name.split(".")[0] for path in own if path.suffix in (".txt", ".p7s")}
    facts += [
        Fact(f"checkpoints/{path.name}", "recorded in the ledger", False, "no entry records this file")
        for path in sorted(own)
        if path.suffix not in (".txt", ".p7s", ".part")
    ]
    numbers = sorted(found | recorded.keys())
    if not numbers:
        return [*facts, Fact("checkpoints", "made", None, "no state of this ledger was signed yet")]
    origins: set[str] = set()
    for number in numbers:
        line, entry = recorded.get(number, (0, {}))
        subject = f"checkpoints/{number}"
        text, p7s = _bytes_of(folder / f"{number}.txt"), _bytes_of(folder / f"{number}.p7s")
        if text is None or p7s is None:
            gone = ", ".join(kind for kind, data in ((".txt", text), (".p7s", p7s)) if data is None)
            facts.append(Fact(subject, "files present", False, f"missing: {gone}"))
            continue
        state, state_facts = _check_text(text, subject, digests)
        facts += state_facts
        if state:
            origins.add(state.origin)
        proved = additions.proved_time(folder / f"{number}.tsr", p7s)
        facts += cades.check(text, p7s, subject, certificates, roots)
        facts.append(cades.check_revocation(p7s, subject, lists, proved))
        facts.append(_check_record(subject, line, entry, state, text, p7s))
    facts += additions.check_additions(custody_folder, data, certificates, roots, lists)
    facts.append(Fact("checkpoints", "one case", len(origins) <= 1, "; ".join(sorted(origins))))
    return facts


def check_receipt(
    receipt: Path,
    ledger_or_folder: Path,
    roots: Sequence[x509.Certificate] = (),
    lists: RevocationLists = NONE_AT_HAND,
) -> list[Fact]:
    """Facts about a checkpoint that somebody else kept, held against the ledger as it is now.

    `receipt` is its `.txt` (or `.p7s`), with or without the other beside it; `ledger_or_folder` a ledger file or a
    custody folder. Finds that the ledger was cut off before the receipt's size, or written anew up to it.
    """
    folder = ledger_or_folder if ledger_or_folder.is_dir() else ledger_or_folder.parent
    book = folder / ledger.FILE_NAME if ledger_or_folder.is_dir() else ledger_or_folder
    subject = f"receipt {receipt.name}"
    text = _bytes_of(receipt.with_suffix(".txt") if receipt.suffix == ".p7s" else receipt)
    if text is None:
        return [Fact(subject, "text form", False, "the text of the receipt is not there, or is far too long")]
    state, facts = _check_text(text, subject, _line_digests(book.read_bytes() if book.is_file() else b""))
    own = {theirs.origin for path in sorted((folder / "checkpoints").glob("*.txt")) if (theirs := _state_in(path))}
    if state and own:
        same = state.origin in own
        facts.append(Fact(subject, "one case", same, state.origin if same else "the receipt is of another case"))
    p7s = _bytes_of(receipt.with_suffix(".p7s"))
    if p7s is None:
        facts.append(Fact(subject, "signature intact", None, "no .p7s beside it: the text alone is compared"))
    else:
        certificates, _ = _stored_certificates(folder / "certs")
        kept, _ = kept_lists.check(folder, b"")
        answer = _bytes_of(receipt.with_suffix(".tsr"))
        proved = additions.proved_time(receipt.with_suffix(".tsr"), p7s)
        facts += cades.check(text, p7s, subject, certificates or None, roots)
        facts.append(cades.check_revocation(p7s, subject, lists + kept, proved))
        if answer is not None:
            facts += timestamp.check(answer, p7s, subject, roots)[1]
    return facts


def write_receipt(custody_folder: Path, number: str, out: Path) -> list[Path]:
    """Copies of a checkpoint for somebody else to keep: its text, signatures and time stamps, and the certificates.

    `out` is a new folder. Raises `Refused` where it exists or there is no such checkpoint.
    """
    folder = custody_folder / "checkpoints"
    if not re.fullmatch(r"[0-9]{6}", number) or not (folder / f"{number}.txt").is_file():
        raise Refused(
            f"There is no checkpoint {number}.", "Make one: `drivecustody custody CASE checkpoint --sign NAME`."
        )
    if out.exists():
        raise Refused(f"{out.name} exists already.", "Choose another name for the folder of the receipt.")
    try:
        out.mkdir(parents=True)
        made = []
        for path in sorted(folder.glob(f"{number}*")):
            if path.suffix in (".txt", ".p7s", ".tsr"):
                made.append(out / path.name)
                _write_new(made[-1], path.read_bytes())
        for kind in ("certs", kept_lists.FOLDER):
            for path in _files(custody_folder / kind):
                (out / kind).mkdir(exist_ok=True)
                made.append(out / kind / path.name)
                _write_new(made[-1], path.read_bytes())
    except OSError as error:
        raise EnvironmentFailed(
            f"The receipt could not be written ({error.strerror or type(error).__name__}).", "Choose another place."
        ) from error
    return made


def newest(custody_folder: Path) -> str:
    """The number of the newest checkpoint. Raises `Refused` where there is none."""
    number = _last_number(custody_folder / "checkpoints")
    if not number:
        raise Refused("Nobody signed this ledger yet.", "First: `drivecustody custody CASE checkpoint --sign NAME`.")
    return f"{number:06d}"


def _line_digests(data: bytes) -> list[str]:
    return [hashing.of_bytes(line + b"\n") for line in data.split(b"\n")[:-1]]


def _bytes_of(path: Path) -> bytes | None:
    """The file's bytes; None where there is no such file, or one too long to be what its name says."""
    if not path.is_file() or path.stat().st_size > cms.MOST_BYTES:
        return None
    return path.read_bytes()


def _state(untrusted: bytes) -> _State | None:
    try:
        found = _TEXT.fullmatch(untrusted.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    return _State(found["origin"], int(found["size"]), found["head"]) if found else None


def _state_in(path: Path) -> _State | None:
    return _state(_bytes_of(path) or b"")


def _check_text(text: bytes, subject: str, digests: list[str]) -> tuple[_State | None, list[Fact]]:
    state = _state(text)
    if state is None:
        return None, [
            Fact(subject, "text form", False, f"is not a {FORMAT} checkpoint"),
            Fact(subject, "agrees with the ledger", None, "there is nothing to compare"),
        ]
    here = f"size {state.size}, head {state.head}"
    if state.size > len(digests):
        agrees, detail = False, f"{here}: the ledger was cut off, it has {len(digests)} entries"
    elif state.head != ([ledger.NO_HEAD, *digests][state.size]):
        agrees, detail = False, f"{here}: the ledger was changed at or before line {state.size}"
    else:
        agrees, detail = True, f"{here}; {len(digests) - state.size} newer entries are not covered"
    return state, [
        Fact(subject, "text form", True, state.origin),
        Fact(subject, "agrees with the ledger", agrees, detail),
    ]


def _check_record(
    subject: str, line: int, entry: dict[str, Any], state: _State | None, text: bytes, p7s: bytes
) -> Fact:
    name = "recorded in the ledger"
    if not entry:
        return Fact(subject, name, False, "no entry records this checkpoint")
    differing = [
        key
        for key, seen in (
            ("txt_sha256", hashing.of_bytes(text)),
            ("p7s_sha256", hashing.of_bytes(p7s)),
            ("origin", state.origin if state else None),
            ("size", state.size if state else None),
            ("head", state.head if state else None),
        )
        if entry.get(key) != seen
    ]
    if state and line <= state.size:
        differing.append("place")
    return Fact(
        subject, name, not differing, f"line {line}" + (f" differs in {', '.join(differing)}" * bool(differing))
    )


def _stored_certificates(folder: Path) -> tuple[list[x509.Certificate], list[Fact]]:
    """The certificates that are what their file names say, and one fact for each file."""
    certificates, facts = [], []
    for path in _files(folder):
        subject = f"certs/{path.name}"
        certificate = _certificate_in(path)
        detail = "" if certificate else "the file is not as written, or its name is not its SHA-256"
        facts.append(Fact(subject, "certificate as stored", certificate is not None, detail))
        if certificate:
            certificates.append(certificate)
    return certificates, facts


def _certificate_in(path: Path) -> x509.Certificate | None:
    """The certificate, or None where the file is not byte for byte what was written under that name."""
    untrusted = _bytes_of(path) or b""
    try:
        _, _, der = pem.unarmor(untrusted)
    except ValueError:
        return None
    # The name comes before the parser: bytes that are not the ones we stored are not given to it.
    if path.name != f"{hashing.of_bytes(der)}.pem":
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return None
    return certificate if certificate.public_bytes(Encoding.PEM) == untrusted else None


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file() and path.suffix != ".part")
