"""Pictures: the text on them, where it can be recognised. Each frame of a TIFF is a page; others have one."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

from PIL import Image

from forensics.extraction.content import Content, Damaged, Found, Note, NotExamined, one_line, pieces
from forensics.extraction.recognition import Recognition
from forensics.model import Unit

NOT_READ = "image, no text examined"
"""Why a picture is not examined, until its text was looked for."""

TOO_SMALL = "image too small for text recognition"
RECOGNISED = "recognised"
SOME_LEFT = "text recognition took too long for some pages"
SOME_FAILED = "text recognition ended with an error for some pages"

LEAST = 100
"""Pixels of the longer side, and a fifth of it of the shorter one: icons and bullets hold no person."""

PIXELS_LIMIT = 150_000_000
"""A sheet of DIN A0 at 300 dpi has 139 million."""

PIXELS_ENOUGH = 12_000_000
"""A sheet of letter size at 300 dpi has 8.4 million; what is larger is read at this size."""

LONGEST = 32_000
"""Pixels of a side; tesseract takes up to 32,767."""

_FRAMES_LIMIT = 10_000


def extract(content: Content) -> Iterator[Found]:
    """Nothing, and quickly: whether the picture is left to be read, or is an icon. `read` takes its time."""
    if content.type != "tiff" and _is_icon(content):
        yield Note(TOO_SMALL)
        return
    raise NotExamined(NOT_READ)


def _is_icon(content: Content) -> bool:
    try:
        with _opened(content) as image:
            return too_small(image.size)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except Exception:
        # What its header hides is told when it is read.
        return False


def read(content: Content, reader: Recognition) -> Iterator[Found]:
    """One stream `recognised` of lines, in `page n` where a TIFF has several frames."""
    some, left = False, ""
    with _opened(content) as image:
        _refuse_huge(image)
        frames = min(getattr(image, "n_frames", 1), _FRAMES_LIMIT) if content.type == "tiff" else 1
        if frames == 1 and too_small(image.size):
            yield Note(TOO_SMALL)
            return
        for number in range(frames):
            if number:
                image.seek(number)
                _refuse_huge(image)
            if too_small(image.size):
                continue
            steps = (f"page {number + 1}", RECOGNISED) if frames > 1 else (RECOGNISED,)
            try:
                reader.check()
                lines = reader.read(grey(image))
            except NotExamined:
                if frames == 1:
                    raise
                left = SOME_LEFT
                continue
            except Damaged:
                if frames == 1:
                    raise
                left = left or SOME_FAILED
                continue
            some = some or bool(lines)
            yield from pieces(map(one_line, lines), steps, Unit.LINE)
    yield Note(reader.note(some))
    if left:
        raise NotExamined(left)


def too_small(size: tuple[int, int]) -> bool:
    return max(size) < LEAST or min(size) < LEAST // 5


def _opened(content: Content) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow warns at a size of its own; ours is asked right after.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            # Pillow names its readers so; no other one is ever tried.
            return Image.open(content.stream(), formats=(content.type.upper(),))
    except Image.DecompressionBombError as error:
        raise NotExamined(_HUGE) from error
    except OSError as error:
        raise Damaged("the picture could not be opened") from error


_HUGE = f"larger than the limit of {PIXELS_LIMIT // 1_000_000} million pixels"


def _refuse_huge(image: Image.Image) -> None:
    """Before a pixel is decoded: a picture of a few kilobytes may claim, and be, any size."""
    if image.width * image.height > PIXELS_LIMIT:
        raise NotExamined(_HUGE)


def grey(image: Image.Image) -> Image.Image:
    """The picture upright in 256 greys on white paper, no larger than `PIXELS_ENOUGH`."""
    shrink = min(1.0, math.sqrt(PIXELS_ENOUGH / (image.width * image.height)), LONGEST / max(image.size))
    size = max(1, int(image.width * shrink)), max(1, int(image.height * shrink))
    if image.format == "JPEG":
        # Decoded at the least size of the codec's that is as large: a quarter of the time for a large photograph.
        image.draft("L", size)
    picture = image
    if picture.mode.startswith(("I", "F")):
        picture = _scaled(picture)
    elif picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture)
        picture = paper
    picture = picture.convert("L")
    if shrink < 1:
        picture = picture.resize(size, Image.Resampling.BOX)
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return picture.transpose(turn) if turn is not None else picture


# EXIF 2.32, 4.6.4 A: where the first row and the first column of the pixels are to be seen.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _scaled(picture: Image.Image) -> Image.Image:
    """Pixels of 16 or 32 bits, from the darkest there is to the lightest."""
    # Loading it takes longer than reading most documents, whose reader needs this module too.
    import numpy as np

    values = np.nan_to_num(np.asarray(picture, np.float32))
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(((values - low) * (255 / (high - low or 1))).astype(np.uint8))
