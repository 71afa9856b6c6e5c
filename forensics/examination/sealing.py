"""A list for somebody who has no certificate: an AES-256 ZIP under a passphrase that nobody chose."""

from __future__ import annotations

import io
import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that cannot be taken for one another when they are read out."""

GROUPS, LETTERS = 6, 5
"""Thirty letters of 31: 148 bits, so that the thousand rounds of the format (PBKDF2-HMAC-SHA1) do not matter."""


def zipped(data: bytes, name: str) -> tuple[bytes, str]:
    """The data as the one member of a WinZip AES-256 archive (AE-2), and the passphrase that opens it.

    7-Zip and WinZip open it. Send the passphrase by another road than the file.
    """
    import pyzipper

    passphrase = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))
    stream = io.BytesIO()
    with pyzipper.AESZipFile(stream, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(passphrase.encode())
        archive.setencryption(pyzipper.WZ_AES, nbits=256)
        archive.writestr(name, data)
    return stream.getvalue(), passphrase
