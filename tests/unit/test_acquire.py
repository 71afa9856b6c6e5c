"""The verb `acquire` on a real case: going on, refusing what does not belong together, copies and second readings."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forensics.casefile.case import CaseDetails
from forensics.custody.ledger import Ledger
from forensics.errors import Cancelled, NotIntact, Refused
from forensics.evidence.image import open_image
from forensics.examination.acquire import Wish, acquire
from forensics.examination.images import MANIFEST, ZEROS, verify_image
from forensics.examination.index import index
from forensics.examination.open_case import OpenCase
from forensics.examination.receive import new, receive
from forensics.examination.unfinished import STATE
from forensics.jobs import events
from forensics.jobs.events import Event, Job, silent
from forensics.model import HardwareBlocker
from tests.unit.loop_devices import loop_device, mounted
from tests.unit.review_fixtures import cheap_guesses

__all__ = ["cheap_guesses"]


MIB = 1 << 20
SIZE = 24 * MIB
EXHIBIT = "E-001"
NO_WISH = Wish()


@pytest.fixture
def case(tmp_path: Path, cheap_guesses: None) -> Iterator[OpenCase]:
    details = CaseDetails(
        number="1", title="T", organisation="O", entity_types=("business",), examiner="Kim"
    )  # fmt: skip
    opened = new(tmp_path / "a.dcase", details, "correct horse battery staple")
    receive(opened, silent(), exhibit=EXHIBIT, received_from="A", received_by="B")
    with opened:
        yield opened


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PROGRESS_EVERY_S", 0.0)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    path = tmp_path / "drive"
    path.write_bytes(hashlib.shake_128(b"drive").digest(SIZE // 2) + b"a row of text\n" * 400_000 + bytes(SIZE))
    with path.open("r+b") as stream:
        stream.truncate(SIZE)
    return path


def watched(at: Callable[[Event, Job], None]) -> tuple[Job, list[Event]]:
    """A job that gives each of its events to `at` as well."""
    heard: list[Event] = []

    def emit(event: Event) -> None:
        heard.append(event)
        at(event, job)

    job = Job(emit)
    return job, heard


def interrupt(case: OpenCase, drive: Path, wish: Wish = NO_WISH, at: int = 10 * MIB, phase: str = "image") -> None:
    def stop(event: Event, job: Job) -> None:
        if event.get("phase") == phase and event["done"] >= at:
            job.stop()

    with pytest.raises(Cancelled):
        acquire(case, watched(stop)[0], exhibit=EXHIBIT, source=drive, wish=wish)


def ledger(case: OpenCase) -> list[tuple[str, Any]]:
    return [(event.event, event.data) for event in Ledger(case.folder.custody).events()]


def require_image(case: OpenCase, drive: Path) -> None:
    (acquisition,) = case.store.acquisitions()
    assert acquisition.hashes["sha256"] == hashlib.sha256(drive.read_bytes()).hexdigest()
    assert acquisition.verified
    folder = case.folder.images(EXHIBIT)
    with open_image([folder / name for name in acquisition.segments]) as image:
        assert image.read_at(0, SIZE) == drive.read_bytes()
    manifest = json.loads((folder / MANIFEST).read_text())
    for name, digest in manifest["files_sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    left = {path.name for path in folder.iterdir()} - {*manifest["files_sha256"], MANIFEST}
    assert not left, "an acquisition that ended leaves nothing of its making"


@pytest.mark.parametrize(
    "wish",
    [
        Wish(format="raw"),
        Wish(format="raw", segment_size=5 * MIB + 512),
        Wish(compression="small", segment_size=4 * MIB),
    ],
    ids=str,
)
def test_an_interrupted_acquisition_goes_on_as_it_was_begun(case: OpenCase, drive: Path, wish: Wish) -> None:
    interrupt(case, drive, wish)
    interrupt(case, drive, at=14 * MIB)
    job, heard = watched(lambda _event, _job: None)
    acquire(case, job, exhibit=EXHIBIT, source=drive)
    require_image(case, drive)
    (acquisition,) = case.store.acquisitions()
    assert acquisition.format == (wish.format or "e01")
    assert len(acquisition.begun) == 3
    kept = [data["kept_bytes"] for event, data in ledger(case) if event == "acquisition-gone-on-with"]
    assert len(kept) == 2
    assert 0 < kept[0] <= kept[1] <= SIZE
    first = next(event["done"] for event in heard if event.get("phase") == "image")
    assert first > kept[1], "the drive is read again only where the image has nothing"
    if acquisition.format == "e01":
        judged = subprocess.run(
            ["ewfverify", "-q", case.folder.images(EXHIBIT) / acquisition.segments[0]], capture_output=True, text=True
        )
        assert "SUCCESS" in judged.stdout


def test_an_acquisition_interrupted_while_it_is_verified_is_gone_on_with(case: OpenCase, drive: Path) -> None:
    interrupt(case, drive, at=1, phase="verify")
    acquire(case, silent(), exhibit=EXHIBIT, source=drive)
    require_image(case, drive)


def test_another_drive_is_refused_and_nothing_is_lost(case: OpenCase, drive: Path, tmp_path: Path) -> None:
    interrupt(case, drive)
    larger = tmp_path / "larger"
    larger.write_bytes(drive.read_bytes() + bytes(512))
    with pytest.raises(Refused, match="another size"):
        acquire(case, silent(), exhibit=EXHIBIT, source=larger)
    twin = tmp_path / "twin"
    twin.write_bytes(hashlib.shake_128(b"twin").digest(SIZE))
    with pytest.raises(Refused, match="begun from another drive, or the drive was written to"):
        acquire(case, silent(), exhibit=EXHIBIT, source=twin)
    acquire(case, silent(), exhibit=EXHIBIT, source=drive)
    require_image(case, drive)


def test_other_options_are_refused_until_it_is_begun_anew(case: OpenCase, drive: Path) -> None:
    interrupt(case, drive, Wish(compression="none"))
    with pytest.raises(Refused, match="another compression: none") as refused:
        acquire(case, silent(), exhibit=EXHIBIT, source=drive, wish=Wish(compression="small"))
    assert "--restart" in refused.value.remedy
    acquire(case, silent(), exhibit=EXHIBIT, source=drive, wish=Wish(compression="small"), restart=True)
    require_image(case, drive)
    assert any(event == "unfinished-image-removed" for event, _ in ledger(case))
    assert len(case.store.acquisitions()[0].begun) == 1


@pytest.mark.parametrize("wish", [Wish(), Wish(format="raw"), Wish(format="raw", segment_size=7 * MIB)], ids=str)
def test_a_second_copy_is_whole_and_verified_also_after_an_interruption(
    case: OpenCase, drive: Path, tmp_path: Path, wish: Wish
) -> None:
    copies = tmp_path / "copies"
    interrupt(case, drive, replace(wish, second_copy=str(copies)))
    interrupt(case, drive, at=1, phase="verify")
    acquire(case, silent(), exhibit=EXHIBIT, source=drive)
    require_image(case, drive)
    first = case.folder.images(EXHIBIT) / case.store.acquisitions()[0].segments[0]
    with open_image([copies / name for name in case.store.acquisitions()[0].segments]) as image:
        assert image.read_at(0, SIZE) == drive.read_bytes()
    assert (copies / f"{EXHIBIT}.{MANIFEST}").read_bytes() == (first.parent / MANIFEST).read_bytes()
    assert case.store.acquisitions()[0].second_copy == str(copies)


def test_a_second_copy_that_rots_while_it_is_verified_is_no_copy(case: OpenCase, drive: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"

    def rot(event: Event, _job: Job) -> None:
        if event.get("phase") == "verify" and event["done"] == SIZE:
            with (copies / f"{EXHIBIT}.raw").open("r+b") as stream:
                stream.seek(SIZE // 4)
                stream.write(b"rot")

    acquire(
        case, watched(rot)[0], exhibit=EXHIBIT, source=drive, wish=Wish(format="raw", second_copy=str(copies))
    )  # fmt: skip
    require_image(case, drive)
    (acquisition,) = case.store.acquisitions()
    assert acquisition.second_copy == ""
    assert "does not have the hashes" in acquisition.second_copy_failure


def test_somebody_elses_image_in_the_folder_of_the_copy_stays(case: OpenCase, drive: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / f"{EXHIBIT}.E01").write_bytes(b"of another case")
    for _ in range(2):
        with pytest.raises(Refused, match="never overwritten"):
            acquire(case, silent(), exhibit=EXHIBIT, source=drive, wish=Wish(second_copy=str(copies)))
    assert (copies / f"{EXHIBIT}.E01").read_bytes() == b"of another case"
    assert not (case.folder.images(EXHIBIT) / STATE).exists()


def test_a_second_reading_that_agrees_says_so(case: OpenCase, drive: Path) -> None:
    acquire(case, silent(), exhibit=EXHIBIT, source=drive, second_read=True)
    require_image(case, drive)
    again = case.store.acquisitions()[0].second_read
    assert again is not None
    assert again.equal
    assert again.sha256 == hashlib.sha256(drive.read_bytes()).hexdigest()


@pytest.mark.parametrize("format", ["e01", "raw"])
def test_a_source_that_says_something_else_the_second_time_is_found_out_and_both_readings_are_kept(
    case: OpenCase, drive: Path, format: str
) -> None:
    changed = ((5 * MIB + 1024, b"other bytes"), (SIZE - 512, b"x" * 512))
    before = drive.read_bytes()

    def change(event: Event, _job: Job) -> None:
        if event.get("phase") == "image" and event["done"] == SIZE:
            with drive.open("r+b") as stream:
                for offset, data in changed:
                    stream.seek(offset)
                    stream.write(data)

    with pytest.raises(NotIntact, match="did not give the same bytes twice"):
        acquire(
            case, watched(change)[0], exhibit=EXHIBIT, source=drive, wish=Wish(format=format), second_read=True
        )  # fmt: skip
    (acquisition,) = case.store.acquisitions()
    assert acquisition.second_read is not None
    assert [(e.offset, e.length) for e in acquisition.second_read.differing] == [
        (5 * MIB + 1024, 512),
        (SIZE - 512, 512),
    ]
    assert acquisition.second_read.sha256 == hashlib.sha256(drive.read_bytes()).hexdigest()
    assert acquisition.hashes["sha256"] == hashlib.sha256(before).hexdigest()
    kept = case.folder.images(EXHIBIT) / "second-read.raw"
    assert kept.read_bytes()[5 * MIB + 1024 :][:512] == drive.read_bytes()[5 * MIB + 1024 :][:512]
    (said,) = (data for event, data in ledger(case) if event == "second-read-differs")
    assert said["hashes"] == acquisition.hashes
    assert said["manifest_sha256"] == hashlib.sha256((kept.parent / MANIFEST).read_bytes()).hexdigest(), (
        "without it nobody who verifies the case looks at this image"
    )
    manifest = json.loads((case.folder.images(EXHIBIT) / MANIFEST).read_text())
    assert {"second-read.raw", "second-read.map"} <= set(manifest["files_sha256"])


def test_a_paused_acquisition_waits_and_then_ends_as_if_nothing_was(case: OpenCase, drive: Path) -> None:
    waited: list[tuple[float, float]] = []

    def pause(event: Event, job: Job) -> None:
        if event.get("phase") == "image" and event["done"] >= 8 * MIB:
            if not waited:
                job.pause()
                waited.append((time.monotonic(), 0.0))
                threading.Timer(0.6, job.resume).start()
            elif not waited[0][1]:
                waited[0] = (waited[0][0], time.monotonic())

    acquire(case, watched(pause)[0], exhibit=EXHIBIT, source=drive)
    require_image(case, drive)
    assert waited[0][1] - waited[0][0] >= 0.6


def test_a_stop_ends_a_paused_acquisition(case: OpenCase, drive: Path) -> None:
    def pause(event: Event, job: Job) -> None:
        if event.get("phase") == "image" and event["done"] >= 8 * MIB:
            job.pause()
            threading.Timer(0.2, job.stop).start()

    with pytest.raises(Cancelled):
        acquire(case, watched(pause)[0], exhibit=EXHIBIT, source=drive)
    acquire(case, silent(), exhibit=EXHIBIT, source=drive)
    require_image(case, drive)


def test_a_file_whose_middle_the_drive_sent_as_zeros_is_named_in_the_case(case: OpenCase, tmp_path: Path) -> None:
    drive = tmp_path / "stick"
    drive.write_bytes(bytes(SIZE))
    subprocess.run(["mkfs.vfat", "-F", "16", drive], check=True, capture_output=True)
    rows = b"key,name\n" + b"1001,Somebody Else\n" * 30_000
    (tmp_path / "sound.csv").write_bytes(rows)
    (tmp_path / "hollow.csv").write_bytes(rows[: 2 * MIB // 10] + bytes(200_000) + rows[:50_000])
    for name in ("sound.csv", "hollow.csv"):
        subprocess.run(["mcopy", "-i", drive, tmp_path / name, f"::{name}"], check=True, capture_output=True)
    acquire(case, silent(), exhibit=EXHIBIT, source=drive)
    index(case, silent())
    with case.view() as view:
        (doubtful,) = view.implausible()
    assert doubtful.locator.lower().endswith("hollow.csv")
    assert doubtful.kind == "zeros"
    assert 5 * 32768 <= doubtful.bytes <= 200_000
    assert not any(drive.read_bytes()[doubtful.first_offset :][:32768])


@pytest.mark.parametrize("format", ["raw", "e01"])
def test_a_flipped_byte_is_named_by_its_place_in_any_format(case: OpenCase, drive: Path, format: str) -> None:
    """A raw image has no checksum of its own."""
    acquire(case, silent(), exhibit=EXHIBIT, source=drive, wish=Wish(format=format, compression="none"))
    segment = case.folder.images(EXHIBIT) / case.store.acquisitions()[0].segments[0]
    sectors = drive.read_bytes()[9 * MIB :][:4096]
    at = segment.read_bytes().index(sectors)
    with segment.open("r+b") as stream:
        stream.seek(at)
        stream.write(bytes([sectors[0] ^ 1]))
    with pytest.raises(NotIntact) as found:
        verify_image(case, silent())
    # The raw image by its piece of 4 MiB, E01 by its chunk of 32 KiB.
    first, last = (16_384, 24_575) if format == "raw" else (18_432, 18_495)
    assert f"{first:,} to {last:,}" in found.value.message or f"{first} to {last}" in found.value.message


@pytest.mark.needs_root
def test_a_device_is_held_read_only_meanwhile_and_a_mounted_one_is_refused(case: OpenCase, tmp_path: Path) -> None:
    drive = tmp_path / "stick"
    drive.write_bytes(bytes(SIZE))
    subprocess.run(["mkfs.ext4", "-q", "-F", drive], check=True, capture_output=True)
    with loop_device(drive) as device:
        with mounted(device, tmp_path / "mount"), pytest.raises(Refused, match="FOR WRITING") as refused:
            acquire(case, silent(), exhibit=EXHIBIT, source=device)
        assert "umount" in refused.value.remedy
        assert not case.folder.images(EXHIBIT).exists(), "nothing is begun that a rule forbids"
        flags = []

        def look(event: Event, _job: Job) -> None:
            if event.get("phase") == "image":
                flags.append(subprocess.run(["blockdev", "--getro", device], capture_output=True).stdout.strip())

        job, _ = watched(look)
        blocker = HardwareBlocker("Tableau", "T8u", "0001")
        acquire(case, job, exhibit=EXHIBIT, source=device, blocker=blocker)
        after = subprocess.run(["blockdev", "--getro", device], capture_output=True).stdout.strip()
    assert set(flags) == {b"1"}
    assert after == b"0"
    (acquisition,) = case.store.acquisitions()
    assert acquisition.protection.method == "hardware blocker declared; read-only device"
    assert acquisition.protection.blocker == blocker
    assert acquisition.protection.attempted_write.startswith("refused")
    assert acquisition.seen_before is not None
    require_image(case, drive)


@pytest.mark.parametrize(
    "change", [lambda _: b"something else", lambda made: made[:-9], lambda made: made[:10] + b"\xff" + made[11:]]
)
def test_a_changed_map_of_zeros_is_not_intact_and_no_defect(
    case: OpenCase, drive: Path, change: Callable[[bytes], bytes]
) -> None:
    acquire(case, silent(), exhibit=EXHIBIT, source=drive)
    path = case.folder.images(EXHIBIT) / ZEROS
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(NotIntact, match="map of zeros") as found:
        index(case, silent())
    assert "verify" in found.value.remedy
