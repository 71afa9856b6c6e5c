"""The key of a case: 256 random bits, wrapped by a passphrase, and by certificates whose holders may open it too.

Losing `key.json`, or the passphrase with every such certificate's key, loses the case.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import unicodedata
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from forensics.errors import EnvironmentFailed, Refused

KEY_BYTES = 32
MEMORY_KIB = 256 * 1024
ITERATIONS = 3
LANES = 4
"""Argon2id (RFC 9106) at 256 MiB and three passes: about 0.3 s on a workstation, and as much for each guess."""

MOST_MEMORY_KIB, MOST_ITERATIONS, MOST_LANES = 4 << 20, 64, 64
"""What a key file may ask for: one that was tampered with must not take the machine's memory or hours."""

CIPHER, KDF, VERSION = "AES-256-GCM", "argon2id", 1


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _wrapping_key(passphrase: str, salt: bytes, memory_kib: int, iterations: int, lanes: int) -> bytes:
    kdf = Argon2id(salt=salt, length=KEY_BYTES, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
    # Composed, so that an accent opens the case whichever way a keyboard wrote it.
    return kdf.derive(unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass"))


def _passphrase_wrap(key: bytes, case_id: str, passphrase: str) -> dict[str, Any]:
    if not passphrase:
        raise Refused(
            "A case needs a passphrase.", "Give one with --passphrase-file, DRIVECUSTODY_PASSPHRASE or at the prompt."
        )
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    kek = _wrapping_key(passphrase, salt, MEMORY_KIB, ITERATIONS, LANES)
    return {
        "kdf": KDF,
        "memory_kib": MEMORY_KIB,
        "iterations": ITERATIONS,
        "lanes": LANES,
        "salt": _b64(salt),
        "cipher": CIPHER,
        "nonce": _b64(nonce),
        "wrapped": _b64(AESGCM(kek).encrypt(nonce, key, case_id.encode())),
    }


def create_key(path: Path, case_id: str, passphrase: str) -> bytes:
    """A new case key, wrapped into the file at `path` (mode 0600, never overwritten).

    Raises `Refused` for an empty passphrase.
    """
    key = secrets.token_bytes(KEY_BYTES)
    document = {"version": VERSION, "case_id": case_id, "wraps": [_passphrase_wrap(key, case_id, passphrase)]}
    _write(path, document)
    return key


def _write(path: Path, document: dict[str, Any]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(document, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())


def _replace(path: Path, document: dict[str, Any]) -> None:
    """The key file in one step: at every instant there is a whole one, for without it the case is lost."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        _write(part, document)
        part.replace(path)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise EnvironmentFailed(
            f"key.json could not be written: {error.strerror}. The old one stands.", "Make room and try again."
        ) from error


def unlock(path: Path, passphrase: str) -> bytes:
    """The case key. Raises `Refused` where the passphrase is wrong or the key file is damaged."""
    document = _read(path)
    try:
        for wrap in document["wraps"]:
            if "recipient" not in wrap and (key := _opened(wrap, document["case_id"], passphrase)):
                return key
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged() from error
    raise Refused("The passphrase does not open this case.", "Check the passphrase and try again.")


def _opened(wrap: dict[str, Any], case_id: str, passphrase: str) -> bytes | None:
    salt, nonce, wrapped = (base64.b64decode(wrap[part], validate=True) for part in ("salt", "nonce", "wrapped"))
    cost = wrap["memory_kib"], wrap["iterations"], wrap["lanes"]
    within = zip(cost, (MOST_MEMORY_KIB, MOST_ITERATIONS, MOST_LANES), strict=True)
    if (wrap["kdf"], wrap["cipher"]) != (KDF, CIPHER) or not all(0 < asked <= most for asked, most in within):
        raise ValueError("unknown wrap")
    try:
        return AESGCM(_wrapping_key(passphrase, salt, *cost)).decrypt(nonce, wrapped, case_id.encode())
    except InvalidTag:
        return None


def _damaged() -> Refused:
    return Refused("key.json is damaged.", "Restore it from the backup of the case.")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["version"] != VERSION:
            raise Refused("key.json is damaged, or made by a later version.", "Restore it from the backup of the case.")
        if not isinstance(document["case_id"], str) or not all(isinstance(wrap, dict) for wrap in document["wraps"]):
            raise _damaged()
    except FileNotFoundError:
        raise Refused(
            "This folder is not a case: it has no key.json.", "Give the path of a NAME.dcase folder."
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged() from error
    checked: dict[str, Any] = document
    return checked


# ---------------------------------------------------------------------------------------------------- other openings


def change_passphrase(path: Path, key: bytes, passphrase: str) -> None:
    """Let this passphrase open the case from now on, and no other; certificates that open it still do.

    A copy of the old key file still opens it with the old passphrase: the case key itself does not change.
    Raises `Refused` for an empty passphrase.
    """
    document = _read(path)
    kept = [wrap for wrap in document["wraps"] if "recipient" in wrap]
    fresh = _passphrase_wrap(key, document["case_id"], passphrase)
    _replace(path, {**document, "wraps": [fresh, *kept]})


def wrap_to_certificate(path: Path, key: bytes, certificate: x509.Certificate) -> str:
    """Let the holder of a certificate's private key open the case too; returns the certificate's SHA-256.

    The key is CMS EnvelopedData (RFC 5652), so `openssl cms -decrypt` opens it as well. Raises `Refused` where the
    certificate's key is not RSA, or where it opens the case already.
    """
    document = _read(path)
    recipient = certificate.fingerprint(hashes.SHA256()).hex()
    if any(wrap.get("recipient") == recipient for wrap in document["wraps"]):
        raise Refused("This certificate opens the case already.", "Nothing needs to be done.")
    # The case stands beside the key, so that a wrap moved from another case's file does not open as this one's.
    content = key + document["case_id"].encode()
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).set_content_encryption_algorithm(AES256)
    try:
        sealed = builder.add_recipient(certificate).encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    except TypeError as error:
        raise Refused("This certificate has no RSA key.", "Give an RSA encryption certificate.") from error
    wrap = {"recipient": recipient, "format": "cms-enveloped", "wrapped": _b64(sealed)}
    _replace(path, {**document, "wraps": [*document["wraps"], wrap]})
    return recipient


def recipients(path: Path) -> list[str]:
    """The certificates, by SHA-256, whose holders can open the case."""
    return [str(wrap["recipient"]) for wrap in _read(path)["wraps"] if "recipient" in wrap]


def unlock_by_key(path: Path, certificate: x509.Certificate, private: rsa.RSAPrivateKey) -> bytes:
    """The case key, by the private key of a certificate it was wrapped to.

    Raises `Refused` where the case was not wrapped to that certificate, or the wrap does not open.
    """
    document = _read(path)
    recipient = certificate.fingerprint(hashes.SHA256()).hex()
    for wrap in document["wraps"]:
        if wrap.get("recipient") == recipient:
            try:
                sealed = base64.b64decode(wrap["wrapped"], validate=True)
                content = pkcs7.pkcs7_decrypt_der(sealed, certificate, private, [])
            except (ValueError, KeyError, TypeError, UnsupportedAlgorithm) as error:
                raise _damaged() from error
            if content[KEY_BYTES:] != document["case_id"].encode():
                raise _damaged()
            return content[:KEY_BYTES]
    raise Refused(
        "This case was not opened to that certificate.", "Use its passphrase, or a certificate that it was wrapped to."
    )
