"""Says of a package, file by file, whether it is what was made: nothing changed, nothing missing, nothing planted."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509

from forensics import hashing
from forensics.errors import EnvironmentFailed
from forensics.model import Fact
from forensics.report import package
from forensics.report.bag_zip import Member, NotAsWritten, read_members
from forensics.report.package import MANIFEST, SIGNATURE, STAMP, TAG_MANIFEST
from forensics.report.signing import check_certificate
from forensics.report.typography import visible
from forensics.signatures import cms, revocation, timestamp

_MOST_BYTES = 64 << 20
"""Tag files are read whole; a manifest of this size would list half a million files."""

_LINE = re.compile(rb"([0-9a-f]{64})  ([\x21-\x7e]+)\n")
_NEEDED = ("VERIFY.txt", "bag-info.txt", "bagit.txt", MANIFEST)


class _Bag(Protocol):
    """The files that are really there, by their path in the bag, with their digests."""

    @property
    def digests(self) -> Mapping[str, str]: ...

    def read(self, name: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Folder:
    root: Path
    digests: Mapping[str, str]

    def read(self, name: str) -> bytes:
        with (self.root / name).open("rb") as stream:
            return stream.read(_MOST_BYTES)


@dataclass(frozen=True, slots=True)
class _Zip:
    path: Path
    members: Mapping[str, Member]

    @property
    def digests(self) -> Mapping[str, str]:
        return {name: member.sha256 for name, member in self.members.items()}

    def read(self, name: str) -> bytes:
        member = self.members[name]
        with self.path.open("rb") as stream:
            stream.seek(member.offset)
            return stream.read(min(member.size, _MOST_BYTES))


def check_package(
    path: Path,
    *,
    trusted_roots_pem: Sequence[bytes] = (),
    lists: revocation.RevocationLists = revocation.NONE_AT_HAND,
) -> list[Fact]:
    """Separate facts about a package, folder or ZIP; never raises for what is in it.

    Checks: `form` (ZIP byte for byte, or plain files only), `declaration`, `tag manifest`, `payload manifest`,
    `information`, `signature`, `container`, `certificate`, `revocation`, `trusted`, `time`, `certificates as stored`,
    and where there is a stamp `time stamp` and `time stamp trusted`. A fact that does not hold names the file as its
    subject, the package's name before it; one that holds sums up. The ledger and the report inside have checks of
    their own.
    Raises `EnvironmentFailed` where the package cannot be read.
    """
    bag: _Bag | None
    try:
        if path.is_dir():
            bag, facts = _open_folder(path)
        else:
            bag, facts = _open_zip(path)
        if bag is None:
            return facts
        return [*facts, *_check(bag, path.name, trusted_roots_pem, lists)]
    except OSError as cause:
        raise EnvironmentFailed(f"The package {path.name} could not be read.", "Check the medium it is on.") from cause


def _open_folder(path: Path) -> tuple[_Bag, list[Fact]]:
    digests: dict[str, str] = {}
    odd: list[Fact] = []
    for entry in sorted(path.rglob("*")):
        name = entry.relative_to(path).as_posix()
        kind = entry.lstat().st_mode
        if stat.S_ISDIR(kind):
            # An empty folder is in no manifest; it can hold no evidence, but it was not there.
            if not any(entry.iterdir()):
                odd.append(Fact(_of(path.name, name), "form", False, "an empty folder that was not made"))
        elif not stat.S_ISREG(kind):
            odd.append(Fact(_of(path.name, name), "form", False, "neither a file nor a folder"))
        else:
            digests[name] = hashing.of_file(entry)
    return _Folder(path, digests), odd or [Fact(path.name, "form", True, "plain files only")]


def _open_zip(path: Path) -> tuple[_Bag | None, list[Fact]]:
    try:
        with path.open("rb") as stream:
            members = read_members(stream, path.stat().st_size)
    except NotAsWritten as problem:
        subject = _of(path.name, problem.name) if problem.name else path.name
        return None, [Fact(subject, "form", False, str(problem))]
    if not members:
        return None, [Fact(path.name, "form", False, "not a ZIP of the form that a package has")]
    top = members[0].name.partition("/")[0]
    inside: dict[str, Member] = {}
    for member in members:
        folder, _, name = member.name.partition("/")
        if folder != top or not package.is_plain_name(member.name):
            problem_text = "outside the one folder of the package, or a name that leads elsewhere"
            return None, [Fact(_of(path.name, member.name), "form", False, problem_text)]
        if name.casefold() in {each.casefold() for each in inside}:
            return None, [Fact(_of(path.name, member.name), "form", False, "this name stands in the ZIP twice")]
        inside[name] = member
    return _Zip(path, inside), [Fact(path.name, "form", True, "every byte of the ZIP is as it was written")]


def _of(package_name: str, name: str) -> str:
    return f"{package_name}/{visible(name)}"


def _check(
    bag: _Bag, name: str, trusted_roots_pem: Sequence[bytes], lists: revocation.RevocationLists
) -> Iterator[Fact]:
    there = bag.digests
    for needed in (*_NEEDED, TAG_MANIFEST):
        if needed not in there:
            yield Fact(_of(name, needed), "form", False, "missing")
    if "bagit.txt" in there:
        holds = bag.read("bagit.txt") == package.DECLARATION
        yield Fact(_of(name, "bagit.txt"), "declaration", holds, "" if holds else "not the declaration of BagIt 1.0")
    tags = {each for each in there if not each.startswith("data/")} - {TAG_MANIFEST, SIGNATURE, STAMP}
    payload = {each for each in there if each.startswith("data/")}
    for file, check, expected in ((TAG_MANIFEST, "tag manifest", tags), (MANIFEST, "payload manifest", payload)):
        if file in there:
            yield from _check_manifest(bag, name, file, check, expected)
    if STAMP in there and SIGNATURE not in there:
        yield Fact(_of(name, STAMP), "time stamp", False, "planted: there is no signature that it could be over")
    if "bag-info.txt" in there:
        yield from _check_signature(bag, name, trusted_roots_pem, lists)


def _check_manifest(bag: _Bag, name: str, file: str, check: str, expected: set[str]) -> Iterator[Fact]:
    listed = _parse_manifest(bag.read(file))
    if listed is None:
        yield Fact(_of(name, file), check, False, "not written as a manifest is: sorted, plain names, one line each")
        return
    wrong = 0
    for each in sorted(expected | listed.keys()):
        if each not in listed:
            problem = "planted: in no manifest"
        elif each not in bag.digests:
            problem = "missing"
        elif bag.digests[each] != listed[each]:
            problem = "its SHA-256 is not the one listed"
        else:
            continue
        wrong += 1
        yield Fact(_of(name, each), check, False, problem)
    detail = f"{wrong:,} file(s) differ from this list" if wrong else f"{len(listed):,} file(s) are as listed"
    yield Fact(_of(name, file), check, not wrong, detail)


def _parse_manifest(untrusted: bytes) -> dict[str, str] | None:
    listed: dict[str, str] = {}
    place = 0
    while line := _LINE.match(untrusted, place):
        listed[line[2].decode("ascii")] = line[1].decode("ascii")
        place = line.end()
    # Written again and compared: that finds a repeated, unsorted or trailing line, all of which readers take silently.
    if package.manifest(listed) != untrusted or not all(package.is_plain_name(each) for each in listed):
        return None
    return listed


def _check_signature(
    bag: _Bag, name: str, trusted_roots_pem: Sequence[bytes], lists: revocation.RevocationLists
) -> Iterator[Fact]:
    lines = bag.read("bag-info.txt").decode("utf-8", "replace").split("\n")
    told = [line.partition(": ")[2] for line in lines if line.startswith(package.SIGNED_LABEL + ": ")]
    oxum = [line.partition(": ")[2] for line in lines if line.startswith("Payload-Oxum: ")]
    if len(told) != 1 or len(oxum) != 1 or not re.fullmatch(r"\d+\.\d+", oxum[0]):
        yield Fact(_of(name, "bag-info.txt"), "information", False, "does not say once how much, and by whom signed")
        return
    count = sum(1 for each in bag.digests if each.startswith("data/"))
    agrees = int(oxum[0].partition(".")[2]) == count
    yield Fact(_of(name, "bag-info.txt"), "information", agrees, f"{oxum[0]} said, {count} payload files there")
    signed = SIGNATURE in bag.digests
    if not signed and told[0] == package.UNSIGNED:
        yield Fact(_of(name, TAG_MANIFEST), "signature", None, "a draft: nobody signed this package")
        return
    if not signed or told[0] == package.UNSIGNED:
        problem = "missing, though bag-info.txt names a signer" if not signed else "planted: bag-info.txt says draft"
        yield Fact(_of(name, SIGNATURE), "signature", False, problem)
        return
    content = bag.read(TAG_MANIFEST) if TAG_MANIFEST in bag.digests else b""
    seen = cms.examine(bag.read(SIGNATURE), lambda algorithm: hashlib.new(algorithm, content).digest())
    who = f"{visible(cms.common_name(seen.signer))}, SHA-256 {cms.fingerprint(seen.signer)}" if seen.signer else ""
    subject = _of(name, SIGNATURE)
    yield Fact(subject, "signature", not seen.forgery, "; ".join(seen.forgery) or who)
    unstamped = () if seen.stamp is None else ("it has unsigned attributes",)
    form = (*seen.alterations, *unstamped)
    yield Fact(subject, "container", not form, "; ".join(form))
    if seen.signer and not told[0].endswith(f"certificate SHA-256 {cms.fingerprint(seen.signer)}"):
        yield Fact(_of(name, "bag-info.txt"), "information", False, "names another signer than the signature")
    yield _as_stored(bag, name, seen)
    roots = x509.load_pem_x509_certificates(b"\n".join(trusted_roots_pem)) if trusted_roots_pem else []
    proved: datetime | None = None
    if STAMP in bag.digests:
        proved, facts = timestamp.check(bag.read(STAMP), bag.read(SIGNATURE), _of(name, STAMP), roots)
        yield from facts
    kept = (bag.read(file) for file in bag.digests if file.startswith(package.REVOCATION_LISTS))
    lists = lists + revocation.RevocationLists.read(kept)
    yield from check_certificate(seen, subject, roots, seen.claimed, proved, lists)


def _as_stored(bag: _Bag, name: str, seen: cms.Examined) -> Fact:
    """The certificates inside the signature must be those in `certs/`, which the manifest covers."""
    stored: list[x509.Certificate] = []
    for file in (package.SIGNER_CERTIFICATE, package.ISSUERS):
        if file in bag.digests:
            try:
                stored += package.load_certificates(bag.read(file))
            except ValueError:
                return Fact(_of(name, file), "certificates as stored", False, "cannot be read")
    holds = bool(seen.chain) and all(each in stored for each in seen.chain)
    detail = "" if holds else "the signature carries other certificates than data/certs"
    return Fact(_of(name, SIGNATURE), "certificates as stored", holds, detail)
