"""Private keys at rest: PKCS#12 files that are slow to try passphrases on.

PKCS#12 is what cards, browsers, openssl and other programs take in and give out.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from forensics.custody.cades import SigningKey
from forensics.errors import EnvironmentFailed, Refused

ROUNDS = 600_000
"""PBKDF2-HMAC-SHA256 rounds (OWASP Password Storage Cheat Sheet, 2023); opening a key then takes about 0.1 s."""


def write_private(path: Path, data: bytes) -> None:
    """A new file that only its owner can read, on the disk when this returns. Raises `FileExistsError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def unlock(path: Path, passphrase: str, what: str) -> tuple[SigningKey, x509.Certificate, tuple[x509.Certificate, ...]]:
    """The key in a PKCS#12 file, its certificate and the others in it. `what` is how a message calls the file.

    Raises `Refused` where the passphrase does not open it or it holds no key that could sign.
    """
    try:
        found = pkcs12.load_pkcs12(path.read_bytes(), passphrase.encode())
    except ValueError as error:
        raise Refused(
            f"The passphrase does not open {what}, or the file is damaged.",
            "Try again; nobody can recover it. If it is lost, make a new identity.",
        ) from error
    except UnsupportedAlgorithm as error:
        raise Refused(
            f"The way in which {what} is protected is outdated.", "Export it again with AES-256 and SHA-256."
        ) from error
    except OSError as error:
        raise EnvironmentFailed(f"The key file could not be read ({error.strerror}).", "Check the folder.") from error
    key, held = found.key, found.cert
    if held is None or not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Refused("The file holds no private key with its certificate.", "Export the key together with it.")
    return key, held.certificate, tuple(other.certificate for other in found.additional_certs)


def lock(
    name: str,
    key: SigningKey,
    certificate: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    passphrase: str,
) -> bytes:
    """PKCS#12 (RFC 7292) with PBES2, AES-256-CBC and HMAC-SHA256, every derivation of `ROUNDS` rounds."""
    protection = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(passphrase.encode())
    )
    data = pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, issuers or None, protection)
    return _slow_mac(data, passphrase)


def _slow_mac(data: bytes, passphrase: str) -> bytes:
    """The same file with its integrity code derived in `ROUNDS` rounds.

    `cryptography` derives that code in 2,048 rounds whatever is asked for the key, and a passphrase can be tried on
    either: the quicker one would decide. Derivation after RFC 7292, appendix B.2, with ID 3; SHA-256 gives the 32
    bytes wanted in one block, so the steps that make more are not needed.
    """
    pfx = asn1_pkcs12.Pfx.load(data)
    salt = os.urandom(32)
    password = passphrase.encode("utf-16-be") + b"\0\0"
    derived = b"\x03" * 64 + _repeated(salt) + _repeated(password)
    for _ in range(ROUNDS):
        derived = hashlib.sha256(derived).digest()
    code = hmac.digest(derived, pfx["auth_safe"]["content"].native, "sha256")
    pfx["mac_data"] = {
        "mac": {"digest_algorithm": {"algorithm": "sha256"}, "digest": code},
        "mac_salt": salt,
        "iterations": ROUNDS,
    }
    dumped: bytes = pfx.dump()
    return dumped


def _repeated(part: bytes) -> bytes:
    """`part` over and over, to the next whole number of 64-byte blocks (SHA-256's)."""
    return (part * 64)[: -(-len(part) // 64) * 64]
