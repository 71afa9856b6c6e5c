"""The NTFS volume with two shadow copies of `images`, and where things are in it."""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path

VSS = Path(__file__).parent / "images" / "vss.raw.xz"
VSS_SHA256 = "e633f0be5fb9ee9a07d44ba5223b786012ce89e9f0024f93d743568e6d052f16"

PASSWORDS = (
    b"place,user,password \r\nbank,joesmith,superrich \r\nalarm system,-,1234 \r\ntreasure chest,-,1111 \r\n"
    b"uber secret laire,admin,admin \r\n"
)
"""The content of passwords.txt, which stands in its record of the MFT."""

PASSWORDS_SIZE = len(PASSWORDS)
STORED_PASSWORDS = 0x81E128
"""Where the store of the first shadow copy holds it: a change there shows in this shadow copy alone."""


@cache
def vss() -> bytes:
    return lzma.decompress(VSS.read_bytes())
