"""Text that stands in pixels is found where tesseract is installed, and nothing of it can hold the examination up."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures_with_text import MARIA, OTHER, PETER, examined, files_of, found_in, letter, lines_of, printed, saved
from PIL import Image, ImageFile

from forensics.cli.sentences import of_index
from forensics.examination import recognition
from forensics.examination.index import index
from forensics.examination.isolation import Isolation
from forensics.examination.match import match
from forensics.examination.recognition import recognition_in_words
from forensics.examination.search import search
from forensics.extraction.extract import BytesReadable, extract, recognise
from forensics.extraction.recognition import Recogniser, find
from forensics.jobs import pool
from forensics.jobs.events import silent
from forensics.model import OK, Extraction, OutcomeKind, not_examined


@pytest.fixture
def tesseract() -> Recogniser:
    subprocess.run(["tesseract", "--version"], check=True, capture_output=True)
    found = find()
    assert found is not None
    return found


def bomb() -> bytes:
    """A PNG of some kilobytes that is 40,000 pixels wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    packer = zlib.compressobj()
    row = bytes(5_001)
    pixels = b"".join(packer.compress(row * 1_000) for _ in range(40)) + packer.flush()
    head = (40_000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def drive() -> dict[str, bytes]:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("scan.png", saved(printed(*letter(OTHER)), "PNG"))
    scan = saved(
        printed("A cover sheet without anybody on it"), "PDF", resolution=200, save_all=True,
        append_images=[printed(*letter(PETER))],
    )  # fmt: skip
    return {"letter.png": saved(printed(*letter(MARIA)), "PNG"), "scan.pdf": scan, "old.zip": zipped.getvalue()}


# ------------------------------------------------------------------------------------------------------- on a drive


def test_a_letter_in_pixels_is_found_by_search_and_by_match_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tesseract: Recogniser
) -> None:
    with examined(tmp_path, monkeypatch, drive()) as case:
        said = index(case, silent())
        match(case, silent())
        places = {
            MARIA: "E-001/vol0/letter.png!recognised!line ",
            PETER: "E-001/vol0/scan.pdf!page 2!recognised!line ",
            OTHER: "E-001/vol0/old.zip!scan.png!recognised!line ",
        }
        found = found_in(case)
        for member, place in places.items():
            assert found[member.member_id]
            assert all(one.startswith(place) for one in found[member.member_id])
            hits = search(case, query=f'"{member.ssn}"')["hits"]
            assert [hit["locator"].startswith(place.rpartition("!")[0]) for hit in hits] == [True]
        by = f"text recognised by tesseract {tesseract.version}; may be wrong"
        rows = files_of(case)
        for name in ("letter.png", "scan.pdf", "old.zip!scan.png"):
            assert (rows[name].outcome, rows[name].notes) == ("ok", by)
        told = {
            "wanted": True, "program": f"tesseract {tesseract.version}", "languages": list(tesseract.languages),
            "with_text": 3, "without_text": 0, "not_read": 0,
        }  # fmt: skip
        assert said["recognition"] == told
        (event,) = [event for event in case.ledger.events() if "recognition" in event.data]
        assert event.data["recognition"] == told
        assert said["isolation"]["programs"] is True
        (sentence,) = recognition_in_words(case.store.fact("recognition"))
        assert f"tesseract {tesseract.version} (" in sentence


def test_the_same_picture_is_read_once_and_told_of_at_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tesseract: Recogniser
) -> None:
    """A scan that is in twelve letters, and alone; what goes to the workers is counted as it goes."""
    scan = saved(printed(*letter(MARIA)), "PNG")
    files = {"scan.png": scan}
    for number in range(12):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("word/document.xml", f"<d>{number}</d>")
            archive.writestr("word/media/image1.png", scan)
        files[f"l{number}.docx"] = out.getvalue()
    asked: list[int] = []
    left = recognition._left

    def counted(*given: Any) -> Any:
        for item in left(*given):
            asked.append(item.id)
            yield item

    monkeypatch.setattr(recognition, "_left", counted)
    with examined(tmp_path, monkeypatch, files) as case:
        said = index(case, silent())
        assert said["recognition"]["with_text"] == 13
        assert 1 <= len(asked) <= 6, "those that wait for a worker meanwhile, and no others"
        by = f"text recognised by tesseract {tesseract.version}; may be wrong"
        rows = [row for name, row in files_of(case).items() if name.endswith(".png")]
        assert [(row.outcome, row.notes) for row in rows] == [("ok", by)] * 13
        match(case, silent())
        places = found_in(case)[MARIA.member_id]
        assert len(places) == len({place.rpartition("!recognised")[0] for place in places}) == 13


def test_without_tesseract_the_pictures_are_told_and_a_later_index_with_it_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tesseract: Recogniser
) -> None:
    with examined(tmp_path, monkeypatch, drive()) as case:
        path = os.environ["PATH"]
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
        said = index(case, silent())
        monkeypatch.setenv("PATH", path)
        rows = files_of(case)
        assert (rows["scan.pdf"].outcome, rows["scan.pdf"].reason) == ("not_examined", "page images, no text examined")
        for name in ("letter.png", "old.zip!scan.png"):
            assert (rows[name].outcome, rows[name].reason) == ("not_examined", "image, no text examined")
        with case.view() as view:
            listed = {item.locator.removeprefix("E-001/vol0/"): item.reason for item in view.not_examined()}
        assert listed == {
            "letter.png": "image, no text examined", "old.zip!scan.png": "image, no text examined",
            "scan.pdf": "page images, no text examined",
        }  # fmt: skip
        told = {"wanted": True, "program": "", "languages": [], "with_text": 0, "without_text": 0, "not_read": 3}
        assert (said["not_examined"], said["recognition"]) == (3, told)
        assert "3 pictures and scans were not read for text; tesseract would: " in " ".join(of_index(said))
        assert said["isolation"]["programs"] is False
        assert recognition_in_words(case.store.fact("recognition")) == (
            "3 pictures and scans were not examined for text.",
        )
        match(case, silent())
        assert not found_in(case)
        unwanted = index(case, silent(), recognition=False)
        assert unwanted["recognition"] == {**told, "wanted": False}
        assert "3 pictures and scans were not read for text; index without --no-" in " ".join(of_index(unwanted))
        later = index(case, silent())
        assert (later["not_examined"], later["recognition"]["with_text"]) == (0, 3)
        assert len(files_of(case)) == len(rows)
        match(case, silent())
        assert set(found_in(case)) == {MARIA.member_id, PETER.member_id, OTHER.member_id}


# ------------------------------------------------------------------------------------------------------ one content


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
def test_pictures_of_every_kind_are_read(kind: str, tesseract: Recogniser) -> None:
    found = recognise(BytesReadable(saved(printed(*letter(MARIA)), kind)), b"", (), tesseract)
    assert (found.type, found.outcome) == (kind.lower(), OK)
    assert MARIA.ssn in lines_of(found)["recognised",]


def turned(image: Image.Image) -> bytes:
    """A JPEG whose pixels lie on their side, and whose EXIF tells the camera was held so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def clear(image: Image.Image) -> bytes:
    """Black ink on nothing: without the paper the picture is black on black."""
    sheet = Image.new("LA", image.size, (0, 0))
    sheet.putalpha(image.point(lambda value: 255 - value))
    return saved(sheet, "PNG")


def deep(image: Image.Image) -> bytes:
    return saved(Image.fromarray(np.asarray(image).astype(np.uint16) * 17), "TIFF")


def large(image: Image.Image) -> bytes:
    return saved(image.resize((6_800, 4_000)), "JPEG")


@pytest.mark.parametrize("make", [turned, clear, deep, large])
def test_odd_pictures_are_read(make: Callable[[Image.Image], bytes], tesseract: Recogniser) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = recognise(BytesReadable(make(printed(*letter(MARIA)))), b"", (), replace(tesseract, turns=False))
    assert found.outcome == OK
    assert MARIA.ssn in lines_of(found)["recognised",]


def test_a_page_that_lies_on_its_side_is_turned(tesseract: Recogniser) -> None:
    words = ("It is a page of some length that tells which of its sides is the upper one.",) * 8
    page = printed(*letter(MARIA), *words).transpose(Image.Transpose.ROTATE_90)
    found = recognise(BytesReadable(saved(page, "PNG")), b"", (), tesseract)
    assert MARIA.ssn in lines_of(found)["recognised",]


def test_a_row_of_a_printed_table_stays_on_its_line(tesseract: Recogniser) -> None:
    gap = " " * 24
    rows = [gap.join((m.ssn, m.last_name, m.birth_date)) for m in (MARIA, PETER, OTHER) * 4]
    found = lines_of(recognise(BytesReadable(saved(printed(*rows), "PNG")), b"", (), tesseract))["recognised",]
    assert sum(MARIA.ssn in line and MARIA.birth_date in line for line in found.splitlines()) == 4


def test_every_page_of_a_fax_is_read(tesseract: Recogniser) -> None:
    fax = saved(printed(*letter(MARIA)), "TIFF", save_all=True, append_images=[printed(*letter(PETER))])
    found = lines_of(recognise(BytesReadable(fax), b"", (), tesseract))
    assert MARIA.ssn in found["page 1", "recognised"]
    assert PETER.ssn in found["page 2", "recognised"]


def test_what_holds_no_text_is_said_so_and_icons_are_not_tried(tesseract: Recogniser) -> None:
    blank = recognise(BytesReadable(saved(Image.new("L", (800, 600), 90), "PNG")), b"", (), tesseract)
    assert (blank.outcome, blank.notes) == (OK, (f"no text found by tesseract {tesseract.version}",))
    never = replace(tesseract, program=Path("/nowhere/at/all"))
    small = BytesReadable(saved(Image.new("L", (64, 64)), "PNG"))
    for icon in (extract(small, b""), recognise(small, b"", (), never)):
        assert (icon.outcome, icon.notes) == (OK, ("image too small for text recognition",))


def test_an_image_of_enormous_size_is_refused_before_a_pixel_is_decoded(
    tesseract: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(_: object) -> None:
        pytest.fail("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    found = recognise(BytesReadable(bomb()), b"", (), tesseract)
    assert found.outcome == not_examined("larger than the limit of 150 million pixels")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF"])
def test_a_damaged_picture_fails_alone(kind: str, tesseract: Recogniser) -> None:
    whole = saved(printed(*letter(MARIA)), kind)
    found = recognise(BytesReadable(whole[: len(whole) // 3]), b"", (), tesseract)
    assert found.outcome.kind in (OutcomeKind.FAILED, OutcomeKind.NOT_EXAMINED)


# -------------------------------------------------------------------------------------------------- a bad tesseract


def stand_in(folder: Path, body: str) -> Path:
    """A program that calls itself tesseract; `body` is what it does when it is to read a picture."""
    folder.mkdir()
    path = folder / "tesseract"
    path.write_text(
        textwrap.dedent(
            """\
            #!/bin/sh
            case "$1" in
            --version) echo "tesseract 5.9.9"; exit 0;;
            --list-langs) echo "List of available languages (2):"; echo eng; echo osd; exit 0;;
            esac
            """
        )
        + body
        + "\n"
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Recogniser]:
    def make(body: str) -> Recogniser:
        stand_in(tmp_path / "bin", body)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        found = find()
        assert found is not None
        assert (found.version, found.languages, found.turns) == ("5.9.9", ("eng",), True)
        return found

    return make


def read(item: tuple[bytes, Recogniser]) -> Extraction:
    return recognise(BytesReadable(item[0]), b"", (), item[1])


def in_a_worker(data: bytes, recogniser: Recogniser, seconds: float = 60) -> pool.Result[Any, Extraction]:
    locks = Isolation().locks([], recogniser.readable)
    (result,) = pool.run(read, [(data, recogniser)], workers=1, seconds=seconds, locks=locks)
    return result


SHEET = saved(printed("Dear Okapi"), "PNG")

linux = pytest.mark.skipif(sys.platform != "linux", reason="a stand-in is a shell script")


@linux
def test_a_tesseract_that_hangs_ends_with_a_status_and_leaves_nothing_behind(
    tmp_path: Path, bad: Callable[[str], Recogniser]
) -> None:
    hanging = replace(bad(f"sleep 98.{os.getpid()}"), picture_seconds=1.0)
    began = time.monotonic()
    result = in_a_worker(SHEET, hanging)
    assert result.value is not None
    assert result.value.outcome == not_examined("text recognition took longer than its limit")
    assert time.monotonic() - began < 20
    assert not running(f"98.{os.getpid()}")


@linux
def test_a_tesseract_dies_with_its_worker(bad: Callable[[str], Recogniser]) -> None:
    result = in_a_worker(SHEET, bad(f"exec sleep 97.{os.getpid()}"), seconds=2)
    assert result.outcome.kind is OutcomeKind.FAILED
    until = time.monotonic() + 10
    while (left := running(f"97.{os.getpid()}")) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def running(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"sleep" in words and word.encode() in words:
            found.append(path.parent.name)
    return found


@linux
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("exit 3", "text recognition ended with an error"),
        ("kill -11 $$", "text recognition ended with an error"),
        ("exec cat /dev/zero", "more recognised text than a page can hold"),
        ("cat > /dev/null; echo x > planted; exec cat planted", "text recognition ended with an error"),
    ],
)
def test_a_tesseract_that_fails_floods_or_writes_ends_with_a_status(
    body: str, reason: str, bad: Callable[[str], Recogniser]
) -> None:
    result = in_a_worker(SHEET, bad(body))
    assert result.value is not None
    assert result.value.outcome.reason == reason
    assert not Path("/planted").exists()


@linux
def test_a_page_that_hangs_costs_itself_and_the_time_of_a_content_ends(bad: Callable[[str], Recogniser]) -> None:
    slow = replace(bad("exec sleep 60"), picture_seconds=0.5, content_seconds=1.2)
    pages = [printed("Dear Okapi", size=(400, 300)) for _ in range(30)]
    scan = saved(pages[0], "PDF", save_all=True, append_images=pages[1:])
    began = time.monotonic()
    found = recognise(BytesReadable(scan), b"", (), slow)
    assert found.outcome == not_examined("text recognition took too long for some pages")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("said", ["", "tesseract 5.3.0", "Tessellation 3"])
def test_what_does_not_answer_as_tesseract_does_is_not_used(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = stand_in(tmp_path / "bin", "")
    program.write_text(f"#!/bin/sh\necho {said}\n")
    monkeypatch.setenv("PATH", str(program.parent))
    assert find() is None
