"""Who can open the case: its passphrase, and the holders of certificates that its key was wrapped to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from forensics.casefile import protection
from forensics.casefile.case import CaseFolder
from forensics.custody import key_files
from forensics.errors import Refused
from forensics.examination import letters
from forensics.examination.open_case import OpenCase, verb
from forensics.jobs.events import Job


@verb("passphrase-change")
def change(case: OpenCase, job: Job, new: str) -> dict[str, Any]:
    """Let this passphrase open the case, and the old one no more."""
    del job
    protection.change_passphrase(case.folder.key_file, case.key, new)
    return {"recipients": protection.recipients(case.folder.key_file)}


@verb("passphrase-add-certificate")
def add_certificate(case: OpenCase, job: Job, certificate: Path) -> dict[str, Any]:
    """Let the holder of this certificate's private key open the case too, as an organisation's way back in."""
    del job
    recipient = protection.wrap_to_certificate(case.folder.key_file, case.key, letters.recipient(certificate))
    return {"recipients": protection.recipients(case.folder.key_file), "custody": {"certificate_sha256": recipient}}


def recover(path: Path, job: Job, key_file: Path, passphrase: str, new: str) -> dict[str, Any]:
    """Open the case by the private key of a certificate it was wrapped to, and give it a new passphrase.

    Raises `Refused` where that key does not open it.
    """
    private, certificate, _ = key_files.unlock(key_file, passphrase, "the key file")
    if not isinstance(private, rsa.RSAPrivateKey):
        raise Refused("This key cannot decrypt.", "Give the encryption key, `encryption.p12`, not the signing key.")
    folder = CaseFolder(path)
    with OpenCase(folder, protection.unlock_by_key(folder.key_file, certificate, private)) as case:
        with case.held("passphrase-recover"):
            case.record("opened-by-certificate", {"certificate_sha256": letters.fingerprint(certificate)})
        return change(case, job, new)
