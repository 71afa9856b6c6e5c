"""The evidence package: a BagIt bag (RFC 8493) whose list of files is signed, checkable without this program.

What is handed over is payload (`data/`); what is about the bag stands beside it as tag files: the declaration,
`bag-info.txt`, `VERIFY.txt`, two scripts and the manifests. The tag manifest covers the payload manifest, and
the detached CAdES signature covers the tag manifest, so one signature covers every byte of every file but itself.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography import x509

from forensics import hashing
from forensics.errors import Defect, EnvironmentFailed, Refused
from forensics.model import Signer
from forensics.report.bag_zip import Member, NotAsWritten, ZipWriter, read_members
from forensics.report.files import write_whole
from forensics.report.typography import visible
from forensics.report.verify_recipe import LISTS, SIGNER, recipe

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
SIGNATURE = TAG_MANIFEST + ".p7s"
STAMP = SIGNATURE + ".tsr"
"""The answer of a time stamping authority over the signature. It may join later, so no manifest lists it."""
SIGNER_CERTIFICATE, ISSUERS = SIGNER, "data/certs/package-issuers.pem"
REVOCATION_LISTS = LISTS
LEDGER_SCRIPT, PACKAGE_SCRIPT = "verify_ledger.py", "verify_package.py"
SCRIPTS = (LEDGER_SCRIPT, PACKAGE_SCRIPT)
"""What checks a package without this program; they stand beside VERIFY.txt."""
SIGNED_LABEL, UNSIGNED = "Signature", "none: this package is a draft"

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,150}\Z")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}\Z")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)")
"""Names that Windows gives to devices whatever folder they stand in."""


def is_plain_name(untrusted: str) -> bool:
    """Whether a path is one that a package may hold: relative, ASCII, the same on every system, and inside the bag."""
    parts = untrusted.split("/")
    return all(_SEGMENT.match(part) and not part.endswith(".") and not _DEVICES.match(part) for part in parts)


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """What was made. `tagmanifest_sha256` stands for the whole package; `sha256` is of the ZIP, empty for a folder."""

    path: Path
    files: int
    bytes: int
    tagmanifest_sha256: str
    signed: bool
    sha256: str = ""
    stamp_sha256: str = ""


@dataclass(frozen=True, slots=True)
class _Measured:
    content: Path | bytes
    size: int
    sha256: str
    crc: int


def build_package(
    parts: Mapping[str, Path | bytes],
    out: Path,
    signer: Signer | None,
    info: Mapping[str, str],
    left_out: Sequence[str],
    stamp: Callable[[bytes], bytes] | None = None,
) -> PackageSummary:
    """Make the package `out`: a folder, or a ZIP where the name ends in `.zip`.

    `parts` are path in the package → file or bytes; all of them go under `data/` but `SCRIPTS`, which stand beside
    `VERIFY.txt`. `info` are further lines of `bag-info.txt` (label → value), `left_out` what a reader might
    look for and will not find, one line each. The signer's certificates are added under `data/certs/`. Without a
    signer the package says that it is a draft. `stamp` gives an authority's answer for the signature's bytes.

    `out` appears whole or not at all. Raises `Refused` where it exists, `EnvironmentFailed` where reading or writing
    fails, `Defect` for a name or label that a package cannot hold.
    """
    if out.exists():
        raise Refused(f"{out.name} exists already and a package is never overwritten.", "Choose another name.")
    unfinished = out.with_name(f"{out.name}.{secrets.token_hex(4)}.part")
    try:
        files = _files(parts, signer, info, left_out)
        if stamp and signer:
            files[STAMP] = _measure(stamp(_content(files[SIGNATURE])))
            files = dict(sorted(files.items()))
        if out.suffix.lower() == ".zip":
            _write_zip(files, unfinished, out.stem)
        else:
            _write_folder(files, unfinished)
        if out.exists():
            raise Refused(f"{out.name} exists already and a package is never overwritten.", "Choose another name.")
        unfinished.replace(out)
    except OSError as cause:
        raise EnvironmentFailed(
            f"The package {out.name} could not be made: {cause.strerror or 'reading or writing failed'}.",
            "Check free space and permissions, and that the files of the case are in place.",
        ) from cause
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            unfinished.unlink(missing_ok=True)
    return PackageSummary(
        out,
        len(files),
        sum(file.size for file in files.values()),
        files[TAG_MANIFEST].sha256,
        signer is not None,
        hashing.of_file(out) if out.suffix.lower() == ".zip" else "",
        files[STAMP].sha256 if STAMP in files else "",
    )


def _content(file: _Measured) -> bytes:
    return b"".join(_blocks(file.content))


def read_signature(path: Path) -> bytes:
    """The signature of a package, which a time stamp is over. Raises `Refused` where there is none."""
    try:
        if path.is_dir():
            return (path / SIGNATURE).read_bytes()
        with path.open("rb") as stream:
            member = _member(read_members(stream, path.stat().st_size), SIGNATURE)
            stream.seek(member.offset)
            return stream.read(member.size)
    except (OSError, NotAsWritten, LookupError) as cause:
        raise Refused(
            f"{path.name} is no signed package.", "Make one with --sign NAME; only a signature can be time-stamped."
        ) from cause


def add_stamp(path: Path, answer: bytes) -> tuple[str, str]:
    """Put an authority's answer beside the signature; returns the SHA-256 of the answer and, of a ZIP, of the new ZIP.

    Nothing else of the package changes. Raises `Refused` where there is one already.
    """
    taken = Refused("This package has a time stamp already.", "One is enough.")
    try:
        if path.is_dir():
            if (path / STAMP).exists():
                raise taken
            write_whole(path / STAMP, answer)
            return hashing.of_bytes(answer), ""
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        try:
            with path.open("rb") as stream, unfinished.open("xb") as out:
                members = read_members(stream, path.stat().st_size)
                top = members[0].name.partition("/")[0]
                if any(member.name == f"{top}/{STAMP}" for member in members):
                    raise taken
                writer = ZipWriter(out)
                for member in sorted([*members, None], key=lambda each: each.name if each else f"{top}/{STAMP}"):
                    if member is None:
                        writer.add(f"{top}/{STAMP}", len(answer), zlib.crc32(answer), iter([answer]))
                    else:
                        writer.add(member.name, member.size, member.crc, _range(stream, member.offset, member.size))
                writer.finish()
                _to_disk(out)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except (NotAsWritten, IndexError) as cause:
        raise Refused(f"{path.name} is not as it was written.", "Run `drivecustody verify` on it.") from cause
    except OSError as cause:
        raise EnvironmentFailed(
            f"{path.name} could not be written: {cause.strerror or 'the disk failed'}.", "Check space and permissions."
        ) from cause
    return hashing.of_bytes(answer), hashing.of_file(path)


def _member(members: Sequence[Member], name: str) -> Member:
    for member in members:
        if member.name.partition("/")[2] == name:
            return member
    raise LookupError(name)


def _range(stream: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    stream.seek(start)
    while length and (block := stream.read(min(length, hashing.BLOCK))):
        length -= len(block)
        yield block


def _files(
    parts: Mapping[str, Path | bytes], signer: Signer | None, info: Mapping[str, str], left_out: Sequence[str]
) -> dict[str, _Measured]:
    """Every file of the bag by its path, in the order to write them."""
    payload: dict[str, Path | bytes] = {f"data/{name}": part for name, part in parts.items() if name not in SCRIPTS}
    anchors: tuple[str, str] | None = None
    if signer:
        certificates = {SIGNER_CERTIFICATE: signer.certificate_pem}
        if signer.chain_pem:
            # The root first: `openssl x509` in VERIFY.txt prints the first certificate of the file.
            ordered = sorted(signer.chain_pem, key=lambda pem: not _is_root(pem))
            certificates[ISSUERS] = b"\n".join(pem.strip() for pem in ordered) + b"\n"
        anchors = (list(certificates)[-1], list(certificates)[-1])
        if certificates.keys() & payload.keys():
            raise Defect("A part of the package has the name that the signer's certificate takes.")
        payload.update(certificates)
    _require_names(payload)
    measured = {name: _measure(content) for name, content in sorted(payload.items())}
    tags: dict[str, _Measured] = {}
    for script in SCRIPTS:
        if script in parts:
            tags[script] = _measure(parts[script])
    text = recipe([*measured, *tags], anchors)
    tags["VERIFY.txt"] = _measure(text.encode("utf-8"))
    tags["bag-info.txt"] = _measure(_bag_info(measured, signer, info, left_out))
    tags["bagit.txt"] = _measure(DECLARATION)
    tags[MANIFEST] = _measure(manifest({name: file.sha256 for name, file in measured.items()}))
    tag_manifest = manifest({name: file.sha256 for name, file in tags.items()})
    tags[TAG_MANIFEST] = _measure(tag_manifest)
    if signer:
        tags[SIGNATURE] = _measure(signer.cades(tag_manifest))
    return dict(sorted((tags | measured).items()))


def _is_root(pem: bytes) -> bool:
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.issuer == certificate.subject


def _require_names(payload: Mapping[str, object]) -> None:
    folded: set[str] = set()
    for name in payload:
        if not is_plain_name(name):
            raise Defect(f"A package cannot hold a file named {visible(name)}.")
        folded.add(name.casefold())
    if len(folded) != len(payload):
        raise Defect("Two files of the package differ only in the case of their names.")
    for name in payload:
        if any(other.startswith(name.casefold() + "/") for other in folded):
            raise Defect(f"{name} would be a file and a folder.")


def manifest(digests: Mapping[str, str]) -> bytes:
    """A manifest in its one form: sorted by path, two spaces, line feeds; `sha256sum --check` reads it."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode("ascii")


def _bag_info(
    payload: Mapping[str, _Measured], signer: Signer | None, info: Mapping[str, str], left_out: Sequence[str]
) -> bytes:
    signature = f"CAdES by {signer.name}, certificate SHA-256 {signer.fingerprint}" if signer else UNSIGNED
    own = [
        ("Payload-Oxum", f"{sum(file.size for file in payload.values())}.{len(payload)}"),
        (SIGNED_LABEL, signature),
        *(("Left-Out", text) for text in left_out),
    ]
    given = list(info.items())
    for label, _ in given:
        if not _LABEL.match(label) or label in {name for name, _ in own}:
            raise Defect(f"{visible(label)} cannot be a label of bag-info.txt.")
    return "".join(f"{label}: {visible(value)}\n" for label, value in given + own).encode("utf-8")


def _measure(content: Path | bytes) -> _Measured:
    digest, crc, size = hashing.new("sha256"), 0, 0
    for block in _blocks(content):
        digest.update(block)
        crc, size = zlib.crc32(block, crc), size + len(block)
    return _Measured(content, size, digest.hexdigest(), crc)


def _blocks(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        if content:
            yield content
        return
    with content.open("rb") as stream:
        while block := stream.read(hashing.BLOCK):
            yield block


def _changed(name: str) -> EnvironmentFailed:
    return EnvironmentFailed(
        f"{name} changed while the package was made.", "Make sure that no other job works on this case, and try again."
    )


def _write_folder(files: Mapping[str, _Measured], folder: Path) -> None:
    folder.mkdir()
    for name, file in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashing.new("sha256")
        with target.open("xb") as stream:
            for block in _blocks(file.content):
                digest.update(block)
                stream.write(block)
            _to_disk(stream)
        if digest.hexdigest() != file.sha256:
            raise _changed(name)


def _write_zip(files: Mapping[str, _Measured], path: Path, top: str) -> None:
    """The bag under one folder named like the ZIP, as RFC 8493, section 4, asks of a serialized bag."""
    if not is_plain_name(top):
        raise Refused(
            "The name of a ZIP package is also a folder's name inside it, and this one would not suit every system.",
            "Use letters, digits, '.', '-' and '_' only.",
        )
    with path.open("xb") as stream:
        writer = ZipWriter(stream)
        for name, file in files.items():
            try:
                writer.add(f"{top}/{name}", file.size, file.crc, _blocks(file.content))
            except ValueError as cause:
                raise _changed(name) from cause
        writer.finish()
        _to_disk(stream)


def _to_disk(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def load_certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file. Raises `ValueError` where there are none or they cannot be read.

    What `cryptography` would only warn of (a negative serial number, say) counts as not readable.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return x509.load_pem_x509_certificates(pem)
        except Warning as doubt:
            raise ValueError("a certificate that RFC 5280 does not allow") from doubt
