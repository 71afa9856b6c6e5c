"""The key of a case: 256 random bits, wrapped by a passphrase; losing `key.json` or the passphrase loses the case."""

from __future__ import annotations

import base64
import json
import os
import secrets
import unicodedata
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from forensics.errors import Refused

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


def create_key(path: Path, case_id: str, passphrase: str) -> bytes:
    """A new case key, wrapped into the file at `path` (mode 0600, never overwritten).

    Raises `Refused` for an empty passphrase.
    """
    if not passphrase:
        raise Refused(
            "A case needs a passphrase.", "Give one with --passphrase-file, DRIVECUSTODY_PASSPHRASE or at the prompt."
        )
    key, salt, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(16), secrets.token_bytes(12)
    wrapped = AESGCM(_wrapping_key(passphrase, salt, MEMORY_KIB, ITERATIONS, LANES)).encrypt(
        nonce, key, case_id.encode()
    )
    document = {
        "version": VERSION,
        "case_id": case_id,
        "wraps": [
            {
                "kdf": KDF,
                "memory_kib": MEMORY_KIB,
                "iterations": ITERATIONS,
                "lanes": LANES,
                "salt": _b64(salt),
                "cipher": CIPHER,
                "nonce": _b64(nonce),
                "wrapped": _b64(wrapped),
            }
        ],
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(document, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    return key


def unlock(path: Path, passphrase: str) -> bytes:
    """The case key. Raises `Refused` where the passphrase is wrong or the key file is damaged."""
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["version"] != VERSION:
            raise Refused("key.json is damaged, or made by a later version.", "Restore it from the backup of the case.")
        for wrap in document["wraps"]:
            salt, nonce, wrapped = (
                base64.b64decode(wrap[part], validate=True) for part in ("salt", "nonce", "wrapped")
            )
            cost = wrap["memory_kib"], wrap["iterations"], wrap["lanes"]
            within = zip(cost, (MOST_MEMORY_KIB, MOST_ITERATIONS, MOST_LANES), strict=True)
            if (wrap["kdf"], wrap["cipher"]) != (KDF, CIPHER) or not all(0 < asked <= most for asked, most in within):
                raise ValueError("unknown wrap")
            kek = _wrapping_key(passphrase, salt, *cost)
            try:
                return AESGCM(kek).decrypt(nonce, wrapped, document["case_id"].encode())
            except InvalidTag:
                continue
    except FileNotFoundError:
        raise Refused(
            "This folder is not a case: it has no key.json.", "Give the path of a NAME.dcase folder."
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused("key.json is damaged.", "Restore it from the backup of the case.") from error
    raise Refused("The passphrase does not open this case.", "Check the passphrase and try again.")
