"""Whether bytes are random to look at: what is encrypted and has no header of its own is told by nothing else."""

from __future__ import annotations

LEAST = 4 << 10
"""Bytes below which random ones cannot be told from others."""

_MOST = 400.0
"""Of Pearson's statistic over the 256 values of a byte: for random bytes it is 255 on average with a standard deviation
of 22.6, so that one sample in ten billion exceeds this. Deflate, JPEG and the codecs of films lie far above."""


def is_random(sample: bytes) -> bool:
    """Whether these bytes could have been drawn at random; never for fewer than `LEAST`.

    LZMA's output passes too, and what was overwritten at random: it says that nothing can be read here, not why.
    """
    if len(sample) < LEAST:
        return False
    # Loaded here: every worker comes through this module, and few contents get this far.
    import numpy as np

    expected = len(sample) / 256
    counts = np.bincount(np.frombuffer(sample, np.uint8), minlength=256)
    return bool(((counts - expected) ** 2).sum() / expected < _MOST)
