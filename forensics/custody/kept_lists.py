"""The revocation lists of the signers' authorities, kept as they were when somebody signed.

A stranger who checks a signature years later has no other way to know that its certificate was good that day.

    crls/SHA-256.crl   in DER; the entry of the signature names it
"""

from __future__ import annotations

import os
from pathlib import Path

from forensics import hashing
from forensics.custody import ledger
from forensics.model import Fact, Signer
from forensics.signatures import revocation

FOLDER, FIELD = "crls", "revocation_list"
_NAMING = ("checkpoint", "checkpoint-countersigned")
"""Events whose entries name the list that was kept with them."""


def store(custody_folder: Path, signer: Signer) -> dict[str, str]:
    """Keep the signer's list under its SHA-256; what the entry of the signature says of it, nothing without a list."""
    if signer.revocation_list is None:
        return {}
    folder = custody_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = hashing.of_bytes(signer.revocation_list)
    path = folder / f"{name}.crl"
    if not path.exists():
        part = path.with_suffix(".crl.part")
        with part.open("wb") as stream:
            stream.write(signer.revocation_list)
            stream.flush()
            os.fsync(stream.fileno())
        part.rename(path)
    return {FIELD: name}


def check(custody_folder: Path, ledger_bytes: bytes) -> tuple[revocation.RevocationLists, list[Fact]]:
    """The lists that are what their names say, and a fact about each file and each one that an entry names."""
    named = {
        str(data[FIELD]) for event in _NAMING for _, data in ledger.entries_of(ledger_bytes, event) if FIELD in data
    }
    found, facts = [], []
    there = {path.name for path in (custody_folder / FOLDER).glob("*") if path.is_file() and path.suffix != ".part"}
    for name in sorted(there | {f"{digest}.crl" for digest in named}):
        subject = f"{FOLDER}/{name}"
        if name not in there:
            facts.append(Fact(subject, "revocation list as stored", False, "an entry names it, and it is missing"))
            continue
        data = (custody_folder / FOLDER / name).read_bytes()[: revocation.MOST_BYTES + 1]
        holds = name == f"{hashing.of_bytes(data)}.crl"
        told = "" if holds else "the file is not as written, or its name is not its SHA-256"
        facts.append(Fact(subject, "revocation list as stored", holds, told))
        if holds:
            found.append(data)
    return revocation.RevocationLists.read(found), facts
