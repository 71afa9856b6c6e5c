"""Text that stands in pixels, read by tesseract where it is installed: another program, held by the worker's own locks.

| phase | caller | process | duty |
|---|---|---|---|
| find | the verb | parent | asks tesseract for its version and languages; None where there is none |
| begin | `recognise` | worker, once a content | gives the content its time |
| read | an extractor | worker, once a picture | grey pixels in, lines of text out, by pipes: no file is written |

tesseract is killed with its worker, at the end of the picture's time, and when it answers more than a page can hold.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from forensics.extraction.content import Damaged, NotExamined

PICTURE_SECONDS = 60.0
"""What one picture or page may take. A page of dense print takes two to four seconds."""

CONTENT_SECONDS = 900.0
"""What all pages of one content may take together."""

LATE_MOST = 3
"""Pictures in a row that may come to the end of their time before the rest of the content is left."""

ANSWER_LIMIT = 4 << 20
"""Bytes of text out of one picture; the densest page has some 20,000."""

_PROBE_SECONDS = 20.0
_LANGUAGES_MOST = 3
_NO_LANGUAGES = frozenset({"osd", "equ"})
"""Data that tesseract lists among its languages: for the orientation of a page, and for formulas."""

_ENVIRONMENT = {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C"}
"""There is a worker for each processor already, and tesseract's own threads make each slower."""

RECOGNISED_BY = "text recognised by"
NONE_RECOGNISED = "no text found by"
# tesseract(1), --psm. What finds columns by itself takes the rows of a table apart.
_WHICH_SIDE_IS_UP, _ONE_COLUMN = "0", "4"
_SURE = 4.0
"""From which confidence on a page is turned."""

_FEW_LETTERS = 20
"""A picture of which fewer are read is not turned, unless it looks like paper."""

_PAPER, _INK = (170, 0.6), (110, 0.001)
"""Of grey from 0 to 255: paper is at least so light and such a share of a page; ink is at most so dark, and so much."""

_TURNS = {
    b"90": Image.Transpose.ROTATE_270, b"180": Image.Transpose.ROTATE_180, b"270": Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What tesseract says is clockwise, Pillow's are the other way round."""

TOO_LONG = "text recognition took longer than its limit"
FAILED = "text recognition ended with an error"

# prctl(2), include/uapi/linux/prctl.h
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A tesseract of this machine, and how long it may take. `language_data` is the folder of its languages."""

    program: Path
    version: str
    languages: tuple[str, ...]
    language_data: Path | None
    turns: bool
    """Whether it can tell which side of a page is up."""

    picture_seconds: float = PICTURE_SECONDS
    content_seconds: float = CONTENT_SECONDS

    @property
    def readable(self) -> tuple[Path, ...]:
        """What workers must be allowed to read, and to start."""
        return (self.program, *([self.language_data] if self.language_data else []))

    def begin(self) -> Recognition:
        """Start the time of one content."""
        return Recognition(self, time.monotonic() + self.content_seconds)


class Recognition:
    """The reading of the pictures of one content."""

    def __init__(self, recogniser: Recogniser, until: float) -> None:
        self.recogniser = recogniser
        self._until = until
        self._late = 0

    def note(self, some: bool) -> str:
        """The phrase for a content on whose pictures there was some text, or none."""
        by, caution = (RECOGNISED_BY, "; may be wrong") if some else (NONE_RECOGNISED, "")
        return f"{by} tesseract {self.recogniser.version}{caution}"

    def check(self) -> None:
        """Raise `NotExamined` where no picture need be made ready any more: the time of the content is over, or one
        picture after another came to the end of its own."""
        if time.monotonic() >= self._until or self._late >= LATE_MOST:
            raise NotExamined(TOO_LONG)

    def read(self, picture: Image.Image) -> list[str]:
        """The lines of text on a picture of mode L, without the empty ones.

        Raises `NotExamined` when its time or that of the content is over, `Damaged` when tesseract fails.
        """
        self.check()
        until = min(self._until, time.monotonic() + self.recogniser.picture_seconds)
        try:
            text = self._text(picture, until)
            # Asked of what has letters, or looks like paper, only: it takes as long as a photograph without any. A
            # page that lies on its side is read as nonsense or as nothing.
            if self.recogniser.turns and (len(re.findall(r"\w", text)) >= _FEW_LETTERS or _is_paper(picture)):
                turn = self._turn(picture, until)
                text = text if turn is None else self._text(picture.transpose(turn), until)
        except NotExamined:
            self._late += 1
            raise
        self._late = 0
        return [line for line in text.replace("\f", "\n").splitlines() if line.strip()]

    def _text(self, picture: Image.Image, until: float) -> str:
        return _answer(_command(self.recogniser, _ONE_COLUMN), _pgm(picture), until).decode("utf-8", "replace")

    def _turn(self, picture: Image.Image, until: float) -> Image.Transpose | None:
        try:
            said = _answer(_command(self.recogniser, _WHICH_SIDE_IS_UP), _pgm(picture), until)
        except Damaged:
            # Too few letters to tell.
            return None
        turn = re.search(rb"^Rotate: (90|180|270)$", said, re.MULTILINE)
        sure = re.search(rb"^Orientation confidence: (\d+(?:\.\d+)?)$", said, re.MULTILINE)
        return _TURNS[turn[1]] if turn and sure and float(sure[1]) >= _SURE else None


def _is_paper(picture: Image.Image) -> bool:
    """Whether most of a picture of mode L is light, and something on it dark."""
    shades = picture.histogram()
    pixels = picture.width * picture.height
    return sum(shades[_PAPER[0] :]) >= _PAPER[1] * pixels and sum(shades[: _INK[0] + 1]) >= _INK[1] * pixels


def _pgm(picture: Image.Image) -> bytes:
    """Netpbm's pgm(5): a header no parser stumbles over, then the pixels."""
    return b"P5\n%d %d\n255\n" % picture.size + picture.tobytes()


def find() -> Recogniser | None:
    """The tesseract on the PATH; None where there is none, it does not answer, or it has no language."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    said = _ask(program, "--version")
    version = re.match(r"tesseract v?(\d[\w.]*)", said)
    listed = re.match(
        r"List of available languages(?: in \"([^\"\n]+)\")? ?\(\d+\):?\n", known := _ask(program, "--list-langs")
    )
    if not version or not listed:
        return None
    names = known[listed.end() :].split()
    languages = sorted(
        {name for name in names if re.fullmatch(r"\w+", name)} - _NO_LANGUAGES, key=lambda n: (n != "eng", n)
    )
    if not languages:
        return None
    folder = Path(listed[1]) if listed[1] else None
    return Recogniser(Path(program).resolve(), version[1], tuple(languages[:_LANGUAGES_MOST]), folder, "osd" in names)


def _ask(program: str, option: str) -> str:
    try:
        done = subprocess.run([program, option], capture_output=True, timeout=_PROBE_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # Version 3 and 4 print both on the error stream.
    return (done.stdout or done.stderr).decode("utf-8", "replace")


def _command(recogniser: Recogniser, segmentation: str) -> list[str]:
    data = ["--tessdata-dir", str(recogniser.language_data)] if recogniser.language_data else []
    languages = ["-l", "+".join(recogniser.languages)] if segmentation != _WHICH_SIDE_IS_UP else ["-l", "osd"]
    return [str(recogniser.program), "stdin", "stdout", *data, *languages, "--psm", segmentation, "--dpi", "300"]


def _answer(command: list[str], data: bytes, until: float) -> bytes:
    """What the program prints when it is given the data, by this moment of the monotonic clock. It is not alive when
    this returns or raises."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT,
            cwd="/" if os.name == "posix" else None, start_new_session=os.name == "posix", preexec_fn=_dies_with_us(),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise Damaged("text recognition could not be started") from error
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(max(0.0, until - time.monotonic()), end)
    feeder = threading.Thread(target=_feed, args=(process, data))
    timer.start()
    feeder.start()
    try:
        assert process.stdout is not None
        text = process.stdout.read(ANSWER_LIMIT + 1)
        if len(text) <= ANSWER_LIMIT:
            process.wait()
    finally:
        timer.cancel()
        _kill(process)
        feeder.join()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    if late.is_set():
        raise NotExamined(TOO_LONG)
    if len(text) > ANSWER_LIMIT:
        raise NotExamined("more recognised text than a page can hold")
    if process.returncode != 0:
        raise Damaged(FAILED)
    return text


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    # It may end before it has read everything; its status says why.
    with suppress(OSError), process.stdin:
        process.stdin.write(data)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started; nothing if it ended and was waited for."""
    if process.returncode is not None:
        return
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _dies_with_us() -> Callable[[], None] | None:
    """What the new process does before it becomes tesseract: ask to be killed when this one dies, and write no file."""
    if sys.platform != "linux":
        return None
    import resource

    prctl, us = ctypes.CDLL(None).prctl, os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        if os.getppid() != us:
            os._exit(1)

    return prepare
