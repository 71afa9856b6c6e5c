"""Pictures are read after everything else of `index`; stopped or killed, the reading goes on where it was."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from case_tables import PASSPHRASE, tables
from pictures_with_text import MARIA, OTHER, PETER, examined, files_of, found_in, letter, lines_of, printed, saved
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import text
from worked_example import COMMAND, drivecustody

from forensics.casefile import database, protection, schema
from forensics.casefile.case import CaseFolder
from forensics.errors import Cancelled, Refused
from forensics.examination import run as whole_way
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.search import search
from forensics.extraction.extract import BytesReadable, extract, recognise
from forensics.extraction.recognition import LATE_MOST, Recogniser, find
from forensics.jobs.events import Event, Job, silent
from forensics.model import OK, not_examined


@pytest.fixture
def tesseract() -> Recogniser:
    found = find()
    assert found is not None
    return found


def mixed_drive() -> dict[str, bytes]:
    """Pictures first by name, then what must not wait for them."""
    said = f"{PETER.ssn},{PETER.first_name},{PETER.last_name}"
    return {
        # Behind its end each has another byte: the same picture would be read once.
        **{f"a{n}.png": saved(printed(*letter(MARIA), size=(1200, 500)), "PNG") + bytes([n]) for n in range(6)},
        "z.csv": f"SSN,First Name,Last Name\n{said}\n".encode(),
    }


class Heard:
    """A job that hears its events, and stops at one of them."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.events: list[Event] = []
        self._stop_at = stop_at
        self.job = Job(self._hear)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if self._stop_at is not None and event.get("phase") == "read pictures" and event["done"] >= self._stop_at:
            self.job.stop()

    @property
    def phases(self) -> list[str]:
        return list(dict.fromkeys(e["phase"] for e in self.events if e["event"] == "progress"))


def test_pictures_are_read_last_and_a_stopped_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tesseract: Recogniser
) -> None:
    with examined(tmp_path, monkeypatch, mixed_drive()) as case:
        stopped = Heard(stop_at=2)
        with pytest.raises(Cancelled):
            index(case, stopped.job)
        assert stopped.phases == ["list entries", "examine contents", "index text", "read pictures"]
        # What else is there is ready to be searched, and each picture is read or listed as not examined.
        assert len(search(case, query=f'"{PETER.ssn}"')["hits"]) == 1
        rows = files_of(case)
        read = {name for name, row in rows.items() if row.notes.startswith("text recognised")}
        left = {name for name, row in rows.items() if row.reason == "image, no text examined"}
        assert min(len(read), len(left)) > 0
        assert read | left == {f"a{n}.png" for n in range(6)}
        # It is not noted as left out while its turn is still to come.
        assert not [event for event in stopped.events if event["event"] == "noted"]
        again = Heard()
        said = index(case, again.job)
        counts = [e for e in again.events if e.get("phase") == "read pictures"]
        assert (counts[0]["done"], counts[-1]["done"], counts[-1]["total"]) == (0, len(left), len(left))
        assert counts[0]["unit"] == "items"
        assert (said["recognition"]["with_text"], said["not_examined"]) == (6, 0)
        assert len(search(case, query=f'"{MARIA.ssn}"')["hits"]) == 6
        once_more = Heard()
        index(case, once_more.job)
        assert "read pictures" not in once_more.phases


def test_a_picture_that_a_shadow_copy_has_again_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tesseract: Recogniser
) -> None:
    picture = saved(printed(*letter(MARIA), size=(1200, 500)), "PNG")
    with examined(tmp_path, monkeypatch, {"a.png": picture, "b.png": picture}) as case:
        index(case, silent(), recognition=False)
        number = {name: row.id for name, row in files_of(case).items()}
        with case.store.begin() as connection:
            same = {"entry_id": number["b.png"], "same_as": number["a.png"]}
            connection.execute(schema.same_content.insert(), [same])
        said = index(case, silent())
        assert (said["recognition"]["with_text"], said["recognition"]["not_read"]) == (1, 0)
        assert {name: row.outcome for name, row in files_of(case).items()} == {"a.png": "ok", "b.png": "ok"}
        assert len(search(case, query=f'"{MARIA.ssn}"')["hits"]) == 1


def test_what_the_bytes_of_a_picture_say_is_still_scanned_when_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tesseract: Recogniser
) -> None:
    """A camera or a program writes beside the pixels; that text is on no line of the picture."""
    said = f"{PETER.first_name} {PETER.last_name} {PETER.ssn} {PETER.birth_date}"
    photo = saved(printed(*letter(MARIA)), "JPEG", comment=said.encode())
    with examined(tmp_path, monkeypatch, {"photo.jpg": photo}) as case:
        index(case, silent())
        match(case, silent())
        assert set(found_in(case)) == {MARIA.member_id, PETER.member_id}
        assert all("recognised" not in place for place in found_in(case)[PETER.member_id])


def test_a_page_image_with_a_fax_line_is_read_and_a_page_with_text_of_its_own_is_not(tesseract: Recogniser) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(612, 360))
    for edge, member in (("FROM CLINIC  03/02/2015 09:14  P 1/2", OTHER), ("word " * 60, PETER)):
        canvas.drawImage(ImageReader(printed(*letter(member))), 0, 0, 612, 360)
        canvas.drawString(5, 348, edge)
        canvas.showPage()
    canvas.save()
    scan = BytesReadable(out.getvalue())
    assert extract(scan, b"").outcome == not_examined("some page images, no text examined")
    found = recognise(scan, b"", (), tesseract)
    assert found.outcome == OK
    assert OTHER.ssn in lines_of(found)["page 1", "recognised"]
    assert list(lines_of(found)) == [("page 1", "recognised")]


def test_a_document_on_which_picture_after_picture_hangs_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tesseract: Recogniser
) -> None:
    program = tmp_path / "tesseract"
    program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/asked\nexec sleep 60\n")
    program.chmod(0o755)
    # RLIMIT_FSIZE would keep the stand-in from counting.
    monkeypatch.setattr("forensics.extraction.recognition._dies_with_us", lambda: None)
    slow = replace(tesseract, program=program, picture_seconds=0.4)
    pages = [printed("Dear Okapi", size=(400, 300)) for _ in range(12)]
    scan = saved(pages[0], "PDF", save_all=True, append_images=pages[1:])
    began = time.monotonic()
    found = recognise(BytesReadable(scan), b"", (), slow)
    assert found.outcome == not_examined("text recognition took too long for some pages")
    assert time.monotonic() - began < 10
    assert (tmp_path / "asked").read_text().count("x") == LATE_MOST


def fresh(folder: Path, files: dict[str, bytes]) -> Path:
    """A case with an image of these files, not examined yet."""
    image = folder / "drive.img"
    image.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.vfat", image], check=True, capture_output=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        subprocess.run(["mcopy", "-i", image, folder / name, f"::{name}"], check=True)
    case = folder / "fresh.dcase"
    drivecustody(
        "new", case, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "hipaa_covered_entity",
        "--examiner", "E", env=PASSPHRASE,
    )  # fmt: skip
    drivecustody("receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B", env=PASSPHRASE)
    drivecustody("import-image", case, "--exhibit", "E-001", image, env=PASSPHRASE)
    return case


def unread(case: Path) -> int:
    folder = CaseFolder(case)
    engine = database.reader(folder.database, protection.unlock(folder.key_file, PASSPHRASE["DRIVECUSTODY_PASSPHRASE"]))
    with engine.connect() as connection:
        found: Any = connection.execute(
            text("SELECT count(*) FROM file_entry WHERE reason = 'image, no text examined'")
        )
        left = int(found.scalar())
    engine.dispose()
    return left


def killed_while_reading(case: Path) -> None:
    """Run `index` until some of the pictures were read, then kill it; its workers and their tesseract die too."""
    child = subprocess.Popen(
        [COMMAND, "index", case, "--json"], env={**os.environ, **PASSPHRASE}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    reading = False
    for line in child.stdout:
        event = json.loads(line)
        reading = reading or event.get("phase") == "read pictures"
        if reading and event["event"] == "changed":
            break
    below = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []


def test_a_reading_killed_again_and_again_ends_in_the_same_tables(tmp_path: Path, tesseract: Recogniser) -> None:
    pictures = {f"a{n}.png": saved(printed(*letter(MARIA)[: n % 4 + 1]), "PNG") for n in range(24)}
    case = fresh(tmp_path, {**pictures, "blank.png": saved(Image.new("L", (900, 600), 200), "PNG")})
    undisturbed, killed = tmp_path / "undisturbed.dcase", tmp_path / "killed.dcase"
    shutil.copytree(case, undisturbed)
    shutil.copytree(case, killed)
    drivecustody("index", undisturbed, env=PASSPHRASE)
    lefts = [25]
    for _ in range(3):
        killed_while_reading(killed)
        lefts.append(unread(killed))
    assert all(left < before for before, left in pairwise(lefts)), lefts
    assert lefts[-1] > 0
    drivecustody("index", killed, env=PASSPHRASE)
    assert unread(killed) == 0
    assert tables(killed) == tables(undisturbed)


def test_no_recognition_is_an_option_of_index_and_of_run(tmp_path: Path, tesseract: Recogniser) -> None:
    case = fresh(tmp_path, {"letter.png": saved(printed(*letter(MARIA)), "PNG")})
    drivecustody("index", case, "--no-recognition", env=PASSPHRASE)
    assert unread(case) == 1
    drivecustody("index", case, env=PASSPHRASE)
    assert unread(case) == 0
    records, one = tmp_path / "records.csv", tmp_path / "one.dcase"
    head = "SSN,First Name,Last Name,DOB,Member ID"
    records.write_text(f"{head}\n{MARIA.ssn},{MARIA.first_name},{MARIA.last_name},{MARIA.birth_date},W1\n")
    arguments = ("run", one, tmp_path / "drive.img", "--records", records)
    drivecustody(*arguments, "--no-recognition", env=PASSPHRASE)
    assert unread(one) == 1
    refused = subprocess.run(
        [COMMAND, *map(str, arguments)], env={**os.environ, **PASSPHRASE}, capture_output=True, text=True
    )
    assert refused.returncode == 3
    assert "--no-recognition" in refused.stderr


def test_a_run_begun_before_there_was_the_choice_had_it_on() -> None:
    class Store:
        def fact(self, name: str) -> dict[str, Any]:
            return {name: value for name, value in order.as_json().items() if name != "recognition"}

    class Case:
        store = Store()

    order = whole_way.Order(Path("/a"), Path("/b"), "", {}, "", {})
    whole_way._remember(Case(), order)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="--no-recognition"):
        whole_way._remember(Case(), replace(order, recognition=False))  # type: ignore[arg-type]
