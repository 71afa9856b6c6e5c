"""Random bytes are told from those that a program packed or wrote."""

import bz2
import io
import lzma
import random
import zlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from PIL import Image

from forensics.randomness import LEAST, is_random

TEXT = "\n".join(f"{n},{n * 7919 % 1000003},Quill {n % 97},1961-02-{n % 28 + 1:02}" for n in range(90_000)).encode()


@pytest.mark.parametrize("size", [LEAST, 10_000, 64 << 10, 1 << 20])
def test_encrypted_bytes_look_random(size: int) -> None:
    cipher = Cipher(algorithms.AES(b"k" * 32), modes.CTR(b"n" * 16)).encryptor()
    assert is_random(cipher.update(TEXT[:size].ljust(size, b"\0")))


def test_one_random_sample_in_a_thousand_is_not_mistaken() -> None:
    source = random.Random(20261128)
    assert all(is_random(source.randbytes(16 << 10)) for _ in range(1000))


def _picture() -> bytes:
    noise = np.random.default_rng(1).normal(128, 40, (400, 400, 3)).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    "made",
    [
        TEXT, zlib.compress(TEXT), bz2.compress(TEXT), _picture(), bytes(64 << 10), bytes(range(256)) * 4 + TEXT[:8192],
        random.Random(1).randbytes(60 << 10) + bytes(4 << 10),
    ],
    ids=["text", "deflate", "bzip2", "jpeg", "zeros", "a ramp before text", "random with zeros behind"],
)  # fmt: skip
def test_what_a_program_wrote_does_not(made: bytes) -> None:
    assert not is_random(made[: 64 << 10])


def test_too_few_bytes_tell_nothing() -> None:
    assert not is_random(random.Random(1).randbytes(LEAST - 1))


def test_lzma_cannot_be_told_apart_and_says_so_by_its_header_alone() -> None:
    assert is_random(lzma.compress(TEXT)[1000:20000])
