"""What is locked: the passwords tried on it, and Office documents opened with one.

The list is the examiner's (`index --passwords-file`), and with it the empty password, and the one with which Excel
itself locks workbooks that are only write protected ([MS-OFFCRYPTO] 2.4.2.3). Nothing is guessed beyond that.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from forensics.extraction.content import Content, Damaged, Found, Note, NotExamined
from forensics.model import Child

LOCKED = "password protected"
OPENED = Note("password protected; opened with a password of the list")
OPENS_ALONE = Note("encrypted, but opens without a password")
_OOXML = "encrypted-office"
_OF_EXCEL = "VelvetSweatshop"


def tries(content: Content) -> tuple[str, ...]:
    """The passwords to try, each once: the one of nobody first."""
    return tuple(dict.fromkeys(("", *content.passwords)))


def note_of(password: str) -> Note:
    """What to say of a content that this password opened."""
    return OPENS_ALONE if password in ("", _OF_EXCEL) else OPENED


def extract_encrypted(content: Content) -> Iterator[Found]:
    """An encrypted DOCX, XLSX or PPTX: the document as a child, where a password opens it."""
    yield from decrypted(content, content.whole())


def decrypted(content: Content, data: bytes) -> Iterator[Found]:
    """The document without its encryption, as a child. Raises `NotExamined` where no password opens it."""
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError

    for password in dict.fromkeys((_OF_EXCEL, *content.passwords)):
        out = io.BytesIO()
        try:
            document = msoffcrypto.OfficeFile(io.BytesIO(data))
            # The binary formats always verify, and do not know the word.
            document.load_key(password=password, **({"verify_password": True} if content.type == _OOXML else {}))
            document.decrypt(out)
        except FileFormatError:
            raise Damaged("the encryption of the document could not be read") from None
        except (InvalidKeyError, DecryptionError, ValueError, UnicodeError):
            continue
        if out.tell():
            yield note_of(password)
            yield Child(b"decrypted", out.getvalue())
            return
    raise NotExamined(LOCKED)
