"""The page on which a drive is chosen, imaged and judged: with the real command on a real file and a loop device."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_drive import MIB, SECTOR, FaultyDrive, content_of_a_drive, faulty_drive, why_not, without
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot
from unit.loop_devices import drive, loop_device, mounted
from window_looks import assert_fits, overflowing

from forensics.casefile import case as casefolder
from forensics.casefile.store import Store
from forensics.casefile.views import CaseView
from forensics.model import Acquisition, BadRange, Device, Mount, PartitionGlance, Protection
from ui import theme
from ui.bridge import Ending, Progress
from ui.devices import Candidate, name_of, obstacle, proof, read_devices
from ui.main_window import MainWindow
from ui.models import acquisition
from ui.models.acquisition import BadRangeModel, Happening, HappeningModel, told
from ui.summary import read as read_summary
from ui.tally import Tally, byte_range, duration_text
from ui.unfinished import unfinished_image
from ui.widgets.acquire_options import AcquireOptions
from ui.widgets.device_card import DeviceCard
from ui.widgets.speed_plot import SpeedPlot, round_top

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not Path("/dev/loop-control").exists(),
    reason="only root may attach loop devices",
)

STICK = Device(
    "/dev/sdb", 61_530_439_680, "SanDisk", "Ultra USB 3.0", "4C530001230514117283", "0781:5591", removable=True,
    read_only=True, physical_sector_size=512, bus="usb", table="dos",
    partitions=(PartitionGlance("/dev/sdb1", 61_529_391_104, 1 << 20, "0xc", "vfat", "RETURNED"),),
)  # fmt: skip
MOUNTED = Device(
    "/dev/sdc", 1_000_204_886_016, "Western Digital", "My Passport", "575833314539", "1058:25e2",
    mounted_at=("/media/okafor/My Passport",), mounts=(Mount("/dev/sdc1", "/media/okafor/My Passport", True),),
)  # fmt: skip
SYSTEM = Device("/dev/nvme0n1", 512_110_190_592, "", "SSD 980", "S5GXNX0R", mounted_at=("/", "/boot/efi"))
HELD = Device("/dev/sde", 8_004_304_896, "Generic", "Flash Disk", in_use=("swap on /dev/sde1",))
NAMELESS = Device("/dev/sdd", 8_004_304_896, "Generic", "Flash Disk", removable=True)


# ------------------------------------------------------------------------------------------------------------ a case


@pytest.fixture(scope="session")
def one_received(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A case with one exhibit that has no image; to be copied, because making one takes seconds by design."""
    path = tmp_path_factory.mktemp("cases") / "Received.dcase"
    details = casefolder.CaseDetails("2026-0417", "Returned drive", "Northgate", ("business",), "A. Okafor")
    folder, key, _ = casefolder.create(path, details, "correct horse battery staple")
    with Store(folder, key) as store:
        store.add_exhibit("E-001", "2026-03-02T10:41:00Z", {"description": "USB stick"})
    return path, key


@pytest.fixture
def received(tmp_path: Path, one_received: tuple[Path, bytes]) -> tuple[Path, bytes]:
    """A case of its own with one exhibit that has no image."""
    return Path(shutil.copytree(one_received[0], tmp_path / "Received.dcase")), one_received[1]


@pytest.fixture
def page_window(
    qtbot: QtBot, window: MainWindow, received: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """The window on the page, with what this machine has plugged in left out."""
    window.acquisition.start._looked = True
    open_case(qtbot, window, received)
    window.acquisition.start._looked = True
    window.show_page(window.acquisition)
    yield window
    if window.command:
        window.cancel_job()
        qtbot.waitUntil(lambda: window.command is None, timeout=30_000)


def open_case(qtbot: QtBot, window: MainWindow, case: tuple[Path, bytes]) -> None:
    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(CaseView(casefolder.CaseFolder(case[0]), case[1]))


def offer(window: MainWindow, *devices: Device) -> list[DeviceCard]:
    window.acquisition.start._show_cards([Candidate(device) for device in devices])
    return window.acquisition.start.cards


def choose(window: MainWindow, source: Path, typed: str) -> None:
    """Choose a file and type its size, as a person would."""
    start = window.acquisition.start
    start.add_file(source)
    start.typed.setText(typed)


def wait_done(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.command is None, timeout=120_000)
    page = window.acquisition
    qtbot.waitUntil(lambda: page.panels.currentWidget() is not page.running, timeout=10_000)


def rows(model: HappeningModel) -> list[tuple[str, str]]:
    return [(str(model.index(n, 1).data()), str(model.index(n, 2).data())) for n in reversed(range(model.rowCount()))]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "returned.dd"
    path.write_bytes(random.Random(4).randbytes(3_000_000) + bytes(2_120_000))
    return path


def big(tmp_path: Path, size: int = 2 << 30) -> Path:
    """A file that takes seconds to be read and nothing to be kept."""
    path = tmp_path / "big.dd"
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


# ------------------------------------------------------------------------------------------------------------ before


def test_without_an_exhibit_the_page_says_to_receive_one_and_has_the_button(
    qtbot: QtBot, window: MainWindow, new_case: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_case(qtbot, window, new_case)
    asked: list[str] = []
    monkeypatch.setattr("ui.actions.fill_in", lambda wanted, *_: asked.append(wanted))
    window.show_page(window.acquisition)
    page = window.acquisition
    assert page.is_empty
    assert page._empty is not None
    assert page._empty.title.text() == "No exhibit was received yet"
    button = next(b for b in page._empty.findChildren(type(page.verify_button)) if b.isVisible())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked == ["receive"]
    assert not page.exhibit.isVisible()


def test_asking_for_an_acquisition_elsewhere_leads_to_the_page(qtbot: QtBot, page_window: MainWindow) -> None:
    page_window.show_page(page_window.case)
    assert page_window.case.next_button.text().strip() == "Acquire…"
    qtbot.mouseClick(page_window.case.next_button, Qt.MouseButton.LeftButton)
    assert page_window.stack.currentWidget() is page_window.acquisition
    assert page_window.acquisition.panels.currentWidget() is page_window.acquisition.start
    assert page_window.rail.buttons[1].isChecked()


def test_nothing_starts_before_the_end_of_the_serial_was_typed(qtbot: QtBot, page_window: MainWindow) -> None:
    start = page_window.acquisition.start
    cards = offer(page_window, STICK, NAMELESS)
    wanted: list[Any] = []
    page_window.acquisition.wish_wanted.disconnect()
    page_window.acquisition.wish_wanted.connect(wanted.append)
    assert not start.start_button.isVisible()
    qtbot.mouseClick(cards[0], Qt.MouseButton.LeftButton)
    assert start.capacity.text() == "61.5 GB"
    assert start.serial.text() == STICK.serial
    assert start.facts.value("Capacity") == "61,530,439,680 bytes"
    assert "last 4 characters of the serial" in start.asked.text()
    for typed in ("", "728", "7284", "0514117283x"):
        start.typed.setText(typed)
        assert not start.start_button.isEnabled(), typed
    qtbot.mouseClick(start.start_button, Qt.MouseButton.LeftButton)
    assert wanted == []
    start.typed.clear()
    qtbot.keyClicks(start.typed, "7283")
    assert start.start_button.isEnabled()
    qtbot.mouseClick(start.start_button, Qt.MouseButton.LeftButton)
    folder = str(page_window.summary.folder) if page_window.summary else ""
    assert wanted[0].verb == "acquire"
    assert wanted[0].arguments == (folder, "--exhibit", "E-001", "/dev/sdb")
    assert not start.start_button.isEnabled(), "the next start must be confirmed anew"


def test_choosing_another_drive_forgets_what_was_typed(page_window: MainWindow) -> None:
    cards = offer(page_window, STICK, NAMELESS)
    start = page_window.acquisition.start
    cards[0].radio.setChecked(True)
    start.typed.setText("7283")
    cards[1].radio.setChecked(True)
    assert start.typed.text() == ""
    assert not start.start_button.isEnabled()
    assert "the size in GB" in start.asked.text()
    start.typed.setText("8,0")
    assert start.start_button.isEnabled()


@pytest.mark.parametrize(
    ("device", "word", "remedy"),
    [
        (MOUNTED, "Mounted", "umount '/media/okafor/My Passport'"),
        (SYSTEM, "System disk", "never acquired from here"),
        (HELD, "Held", "swapoff"),
    ],
    ids=["mounted", "system", "held"],
)
def test_a_drive_that_is_used_cannot_be_started_and_the_remedy_is_shown(
    page_window: MainWindow, device: Device, word: str, remedy: str
) -> None:
    card = offer(page_window, device)[0]
    assert card.state.text() == word
    assert remedy in card.remedy.text()
    start = page_window.acquisition.start
    card.radio.setChecked(True)
    start.typed.setText(proof(card.candidate).expected)
    assert not start.start_button.isEnabled()
    assert not start.start_button.isVisible()
    assert start.warning.isVisible()
    assert remedy in start.problem.text()
    assert start.warning.property("kind") == "bad"
    assert start.check.title.text() == f"Refused: {word.lower()}"


def test_the_options_of_the_command_are_given_only_where_they_differ(qtbot: QtBot) -> None:
    options = AcquireOptions()
    qtbot.addWidget(options)
    assert options.arguments() == []
    options.compression.setCurrentIndex(options.compression.findData("small"))
    options.segment.setCurrentIndex(options.segment.findData("650MiB"))
    options.second_copy.setText("/mnt/second")
    options.retries.setCurrentIndex(options.retries.findData("3"))
    options.second_read.setChecked(True)
    options.blocked.setChecked(True)
    assert "make, model and serial" in options.problem
    for field, text in zip(options.blocker, ("Tableau", "T8u", "01D4F"), strict=True):
        field.setText(text)
    assert options.problem == ""
    options.blocker[-1].setText("01 D4F")
    assert "without spaces" in options.problem
    options.blocker[-1].setText("01D4F")
    rest = ["--retries", "3", "--second-read", "--blocker", "Tableau T8u 01D4F"]
    copy = ["--second-copy", "/mnt/second"]
    assert options.arguments() == ["--compression", "small", "--segment-size", "650MiB", *copy, *rest]
    options.format.setCurrentIndex(options.format.findData("raw"))
    assert not options.compression.isEnabled()
    assert options.arguments() == ["--format", "raw", *copy, *rest]
    options.fix(True)
    assert options.arguments() == rest, "an unfinished image goes on as it was begun"
    assert not options.format.isEnabled()


def leave_unfinished(case: Path, serial: str = STICK.serial, size: int = STICK.size) -> Path:
    """What a killed acquisition leaves, by the room that writes it."""
    from forensics.evidence.ewf_writer import new_stamp
    from forensics.examination.unfinished import Unfinished

    folder = casefolder.CaseFolder(case).images("E-001")
    folder.mkdir(parents=True)
    (folder / "E-001.E01").write_bytes(b"x" * 4096)
    Unfinished(
        size, 512, serial, "e01", "fast", 2 << 30, ("md5", "sha256"), "", new_stamp(), ("2026-03-02T14:10:22Z",)
    ).save(folder)
    return folder


def test_an_unfinished_acquisition_is_told_and_starting_over_asks_first(
    qtbot: QtBot, window: MainWindow, received: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = leave_unfinished(received[0])
    open_case(qtbot, window, received)
    page, start = window.acquisition, window.acquisition.start
    start._looked = True
    window.show_page(page)
    assert page.exhibit.currentText() == "E-001 · unfinished"
    assert start.unfinished.isVisible()
    assert start.unfinished.title.text() == "An unfinished acquisition is there"
    assert "Begun 2026-03-02 14:10:22 UTC" in start.unfinished_said.text()
    assert "Starting goes on with it" in start.unfinished_said.text()
    wanted: list[Any] = []
    page.wish_wanted.disconnect()
    page.wish_wanted.connect(wanted.append)
    cards = offer(window, STICK, NAMELESS)
    cards[1].radio.setChecked(True)
    start.typed.setText("8.0")
    assert not start.start_button.isEnabled()
    assert "another size" in start.problem.text()
    cards[0].radio.setChecked(True)
    start.typed.setText("7283")
    assert start.start_button.text().strip() == "Go on with E-001"
    assert not start.options.format.isEnabled()
    qtbot.mouseClick(start.start_button, Qt.MouseButton.LeftButton)
    assert "--restart" not in wanted[0].arguments
    start.start_over.setChecked(True)
    start.typed.setText("7283")
    assert start.start_button.text().strip() == "Start over with E-001…"
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    qtbot.mouseClick(start.start_button, Qt.MouseButton.LeftButton)
    assert len(wanted) == 1
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    qtbot.mouseClick(start.start_button, Qt.MouseButton.LeftButton)
    assert wanted[1].arguments[-2:] == ("--restart", "/dev/sdb")
    assert not start.start_over.isChecked()
    (folder / "acquisition.state.json").unlink()
    left = unfinished_image(folder)
    assert left is not None
    assert not left.can_go_on


def test_an_image_is_not_taken_in_over_an_unfinished_acquisition_unasked(
    qtbot: QtBot, window: MainWindow, received: tuple[Path, bytes], tmp_path: Path
) -> None:
    leave_unfinished(received[0])
    open_case(qtbot, window, received)
    start = window.acquisition.start
    start._looked = True
    window.show_page(window.acquisition)
    image = tmp_path / "made.E01"
    image.write_bytes(b"x" * 2_000_000)
    choose(window, image, "2.0")
    assert start.kind.currentData() == "import-image"
    assert not start.start_button.isEnabled()
    assert "replaces the unfinished one" in start.problem.text()
    start.start_over.setChecked(True)
    assert start.start_button.isEnabled()


def test_a_finished_image_leaves_nothing_unfinished(tmp_path: Path) -> None:
    assert unfinished_image(tmp_path / "absent") is None
    assert unfinished_image(tmp_path) is None
    (tmp_path / "E-001.raw.partial").write_bytes(b"x")
    assert unfinished_image(tmp_path) is not None
    (tmp_path / "acquisition.json").write_text("{}")
    assert unfinished_image(tmp_path) is None


# ------------------------------------------------------------------------------------------- with the real command


def test_a_file_is_imaged_from_the_page_and_its_hashes_are_those_of_the_file(
    qtbot: QtBot, page_window: MainWindow, source: Path
) -> None:
    page = page_window.acquisition
    choose(page_window, source, "5.0")
    assert not page.start.start_button.isEnabled()
    choose(page_window, source, "5.1")
    qtbot.mouseClick(page.start.start_button, Qt.MouseButton.LeftButton)
    assert page.panels.currentWidget() is page.running
    assert page.pause_button.isVisible()
    assert page.cancel_button.isVisible()
    assert not page.exhibit.isVisible()
    wait_done(qtbot, page_window)
    happened = rows(page.running.model)
    assert ("Start", "5,120,000 bytes are read; this is start 1") in happened
    assert ("Phase", "Reading the source: 5.1 MB") in happened
    assert ("Phase", "Reading the image back: 5.1 MB") in happened
    assert any(kind == "Check" and "read-only file" in message for kind, message in happened)
    assert page.running.protection.number.text() == "A file"
    assert page.panels.currentWidget() is page.done
    expected = hashlib.sha256(source.read_bytes()).hexdigest()
    assert page.done.hashes.value("SHA-256") == expected
    assert page.done.unreadable.number.text() == "0"
    assert page.done.verified.number.text() == "Yes"
    assert "libewf" in page.done.verified.note.text()
    assert page.done.made.value("Segments (1)") == "E-001.E01"
    assert not page.done.table.isVisible()
    assert page.exhibit.currentText() == "E-001 · imaged"
    qtbot.mouseClick(page.done.copy_button, Qt.MouseButton.LeftButton)
    assert f"SHA-256 {expected}" in QGuiApplication.clipboard().text().splitlines()
    assert not page.pause_button.isVisible()
    qtbot.mouseClick(page.verify_button, Qt.MouseButton.LeftButton)
    assert page_window.command is not None
    wait_done(qtbot, page_window)
    assert page_window.banner.sentence.text() == "Verifying the image: done."


def test_pausing_stops_the_reading_and_cancelling_keeps_what_was_read(
    qtbot: QtBot, page_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, running = page_window.acquisition, page_window.acquisition.running
    source = big(tmp_path)
    choose(page_window, source, "2.1")
    page.start.options.compression.setCurrentIndex(2)
    qtbot.mouseClick(page.start.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: running.tally is not None and running.tally.done > 0, timeout=30_000)
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    assert page.pause_button.text().strip() == "&Go on"
    assert running.ends.text() == "Paused"
    assert page_window.rail.strip.phase.text() == "Paused"
    qtbot.wait(400)
    assert running.tally is not None
    stands = running.tally.done
    assert 0 < stands < 2 << 30
    qtbot.wait(1_200)
    assert running.tally.done == stands
    assert running.speed.number.text() == "0.0 MB/s"
    assert page_window.command is not None
    qtbot.mouseClick(page_window.rail.strip.pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: running.tally is not None and running.tally.done > stands, timeout=30_000)
    assert page.pause_button.text().strip() == "&Pause"
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    asked: list[str] = []

    def question(parent: object, title: str, text: str, *_: object) -> QMessageBox.StandardButton:
        asked.append(text)
        return QMessageBox.StandardButton.Yes

    monkeypatch.setattr(QMessageBox, "question", question)
    qtbot.mouseClick(page.cancel_button, Qt.MouseButton.LeftButton)
    assert "kept" in asked[0]
    assert "goes on from here" in asked[0]
    assert not page.pause_button.isEnabled()
    wait_done(qtbot, page_window)
    qtbot.waitUntil(lambda: page.exhibit.currentText() == "E-001 · unfinished", timeout=10_000)
    assert page.panels.currentWidget() is page.start
    assert page.start.unfinished.isVisible()
    left = page_window.summary.unfinished["E-001"] if page_window.summary else None
    assert left is not None
    assert left.can_go_on
    assert left.compression == "none"
    assert left.stored > 1 << 20, "what was read is kept"
    choose(page_window, source, "2.1")
    assert page.start.start_button.text().strip() == "Go on with E-001"
    qtbot.mouseClick(page.start.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(kind == "Resumed" for kind, _ in rows(running.model)), timeout=30_000)
    page_window.cancel_job()
    wait_done(qtbot, page_window)


def test_refusing_to_cancel_lets_the_reading_go_on(
    qtbot: QtBot, page_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_window.acquisition
    choose(page_window, big(tmp_path, 1 << 30), "1.1")
    qtbot.mouseClick(page.start.start_button, Qt.MouseButton.LeftButton)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    qtbot.mouseClick(page.cancel_button, Qt.MouseButton.LeftButton)
    assert page_window.command is not None
    assert not page_window.command.cancelling
    page_window.cancel_job()
    wait_done(qtbot, page_window)


@needs_root
def test_a_mounted_loop_device_cannot_be_started_and_an_unmounted_one_is_imaged(
    qtbot: QtBot, window: MainWindow, received: tuple[Path, bytes], tmp_path: Path
) -> None:
    window.show_page(window.acquisition)
    open_case(qtbot, window, received)
    page, start = window.acquisition, window.acquisition.start
    image = drive(tmp_path)
    with loop_device(image) as device:
        with mounted(device, tmp_path / "mnt"):
            window.show_page(page)
            start.look()
            card = found(qtbot, window, device)
            assert card.state.text() == "Mounted"
            card.radio.setChecked(True)
            start.typed.setText(proof(card.candidate).expected)
            assert not start.start_button.isEnabled()
            assert f"umount {tmp_path / 'mnt'}" in start.problem.text()
        before = hashlib.sha256(image.read_bytes()).hexdigest()
        with device.open("rb"):
            qtbot.mouseClick(start.refresh_button, Qt.MouseButton.LeftButton)
            qtbot.waitUntil(lambda: start.refresh_button.isEnabled(), timeout=30_000)
        card = found(qtbot, window, device)
        assert card.state.text() == "In use", "something merely has it open"
        card.radio.setChecked(True)
        assert "the size in MB" in start.asked.text()
        qtbot.keyClicks(start.typed, "4.2")
        qtbot.mouseClick(start.start_button, Qt.MouseButton.LeftButton)
        assert page.running.device.value("Attached").startswith(str(device))
        wait_done(qtbot, window)
    assert page.done.hashes.value("SHA-256") == before
    assert page.running.protection.number.text() == "Active"
    assert page.done.protection_state.text() == "Active"
    assert page.done.protection.value("Kernel’s flag").startswith(f"{device}: not set before, set while reading")
    assert any(kind == "Check" and "read-only device" in said for kind, said in rows(page.running.model))


def found(qtbot: QtBot, window: MainWindow, device: Path) -> DeviceCard:
    def cards() -> list[DeviceCard]:
        return [card for card in window.acquisition.start.cards if card.candidate.device.path == str(device)]

    qtbot.waitUntil(lambda: bool(cards()), timeout=30_000)
    return cards()[0]


# ------------------------------------------------------------------------------------------------- a drive that fails


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[FaultyDrive]:
    """A real block device whose faults are on the far side of the kernel."""
    if reason := why_not():
        pytest.skip(reason)
    with faulty_drive(tmp_path / "drive", content_of_a_drive(16 * MIB)) as made:
        yield made
        assert made.traffic.writes == 0, "the exhibit was written to"


def start_device(qtbot: QtBot, window: MainWindow, device: Path) -> None:
    """Look for the device, choose it, type its size, and start."""
    start = window.acquisition.start
    qtbot.mouseClick(start.refresh_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: start.refresh_button.isEnabled(), timeout=30_000)
    card = found(qtbot, window, device)
    card.radio.setChecked(True)
    start.typed.setText(proof(card.candidate).expected)
    assert start.start_button.isEnabled(), start.problem.text()
    qtbot.mouseClick(start.start_button, Qt.MouseButton.LeftButton)


@needs_root
def test_a_plug_that_is_pulled_leaves_an_image_that_goes_on_and_its_bad_sectors_are_listed(
    qtbot: QtBot, page_window: MainWindow, failing: FaultyDrive
) -> None:
    page = page_window.acquisition
    bad = (BadRange(3 * SECTOR, SECTOR), BadRange(21_000 * SECTOR, 3 * SECTOR))
    failing.plant(bad)
    failing.pull_out(after=12 * MIB)
    start_device(qtbot, page_window, failing.device)
    wait_done(qtbot, page_window)
    assert page_window.banner.isVisible()
    assert "disconnected" in page_window.banner.sentence.text()
    assert page.panels.currentWidget() is page.start
    assert page.exhibit.currentText() == "E-001 · unfinished"
    failing.plant(bad)
    start_device(qtbot, page_window, failing.device)
    wait_done(qtbot, page_window)
    assert page.panels.currentWidget() is page.done
    model = page.done.model
    assert [(model.index(n, 0).data(), model.index(n, 1).data()) for n in range(model.rowCount())] == [
        ("3", "3"), ("21,000", "21,002"),
    ]  # fmt: skip
    assert page.done.table.isVisible()
    assert page.done.unreadable.number.text() == "4"
    content = without(failing.content, bad)
    assert page.done.hashes.value("SHA-256") == hashlib.sha256(content).hexdigest()
    assert page.done.made.value("Went on").startswith("2 starts")


@needs_root
def test_bad_sectors_of_a_real_drive_are_rows_while_it_is_read(
    qtbot: QtBot, page_window: MainWindow, failing: FaultyDrive
) -> None:
    failing.plant((BadRange(21_000 * SECTOR, 3 * SECTOR),))
    start_device(qtbot, page_window, failing.device)
    wait_done(qtbot, page_window)
    happened = rows(page_window.acquisition.running.model)
    assert ("Unreadable", "LBA 21,000 to 21,002: could not be read; zeros stand for it") in happened
    assert page_window.acquisition.running.unreadable.number.text() == "3"


def end(window: MainWindow) -> None:
    window.acquisition.finish(Ending("acquire", "ok"))


def begin(window: MainWindow, device: Device = STICK) -> list[float]:
    """Show a run that the test itself tells about; the clock is in the list."""
    now = [0.0]
    window.acquisition.running._clock = lambda: now[0]
    window.acquisition._reading = Candidate(device)
    window.acquisition.begin("acquire")
    return now


def test_unreadable_sectors_are_counted_and_listed_while_reading(page_window: MainWindow) -> None:
    page, now = page_window.acquisition, begin(page_window)
    page.show_progress("acquire", Progress("image", 0, STICK.size, "bytes", None))
    page.noted("bad", "E-001@4096000+4096", "could not be read; zeros stand for it")
    page.noted("bad", "E-001@0x3d0800+512", "could not be read; zeros stand for it")
    page.noted("mystery", "E-001", "something new")
    page.noted("digest", "E-001@0+1048576", "sha256 " + "4e5f" * 16)
    now[0] = 2.0
    page.running.tick()
    assert page.running.unreadable.number.text() == "9"
    assert page.running.unreadable.note.text() == "2 ranges since this start"
    assert rows(page.running.model)[-3:] == [
        ("Unreadable", "LBA 8,000 to 8,007: could not be read; zeros stand for it"),
        ("Unreadable", "LBA 7,812: could not be read; zeros stand for it"),
        ("Mystery", "something new"),
    ]
    assert page.running.hashes.value("SHA-256") == "4e5f" * 16
    assert page.running.hashed.text() == "so far, over 1.0 MB"
    end(page_window)


def test_a_job_that_does_every_step_is_shown_here_as_long_as_it_images(page_window: MainWindow) -> None:
    page = page_window.acquisition
    page.begin("run")
    page.show_progress("run", Progress("read records", 1, None, "items", None))
    assert page.panels.currentWidget() is page.start
    page.show_progress("run", Progress("image", 1 << 20, 4 << 20, "bytes", 3.0))
    assert page.panels.currentWidget() is page.running
    assert page.running.share.text() == "25.0 %"
    page.show_progress("run", Progress("verify", 1 << 20, 4 << 20, "bytes", 3.0))
    assert page.panels.currentWidget() is page.running
    page.show_progress("run", Progress("list entries", 1, 9, "items", None))
    assert page.panels.currentWidget() is page.start
    end(page_window)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("read-only device: The kernel's flag was set.", "Active"),
        ("hardware blocker declared: Tableau.", "Declared"),
        ("read-only file: The source is a file.", "A file"),
        ("none measured: The kernel's read-only device flag was not set; no blocker was declared.", "None"),
    ],
)
def test_the_protection_card_claims_what_was_measured_and_no_more(
    page_window: MainWindow, reason: str, word: str
) -> None:
    begin(page_window)
    page_window.acquisition.noted("check", "E-001", reason)
    assert page_window.acquisition.running.protection.number.text() == word
    assert page_window.acquisition.running.evidence.text() == reason.partition(": ")[2]
    end(page_window)


def test_progress_is_told_with_the_time_that_is_left_and_the_clock(page_window: MainWindow) -> None:
    page, now = page_window.acquisition, begin(page_window)
    for second in range(1, 6):
        now[0] = float(second)
        page.show_progress("acquire", Progress("image", 46_000_000 * second, STICK.size, "bytes", 461.0))
        page.running.tick()
    assert page.running.share.text() == "0.3 %"
    assert page.running.amount.text() == "Reading the source  ·  230.0 MB of 61.5 GB"
    assert page.running.ends.text().startswith("7 min 41 s left  ·  ends about ")
    assert page.running.ends.text().endswith(" UTC")
    assert page.running.speed.number.text() == "46.0 MB/s"
    assert page.running.elapsed.number.text() == "5 s"
    assert (
        page.running.plot.accessibleDescription() == "Now 46.0 MB/s; lowest 46.0, highest 46.0 in the last 10 minutes"
    )
    end(page_window)


def test_a_finished_image_lists_its_unreadable_ranges_by_sector(
    qtbot: QtBot, window: MainWindow, received: tuple[Path, bytes]
) -> None:
    with Store(casefolder.CaseFolder(received[0]), received[1]) as store:
        store.add_exhibit("E-002", "2026-03-03T10:41:00Z", {})
        store.add_acquisition(
            Acquisition(
                "E-001", "/dev/sdb", "e01", STICK.size, 512, {"sha256": "4e5f" * 16}, ("E-001.E01",),
                (BadRange(4_096_000, 4096), BadRange(0x3D0800, 512)), 0, "2026-03-02T14:10:22Z",
                "2026-03-02T14:32:10Z", Protection("read-only device", "BLKROGET = 1"), STICK, False, "",
            )
        )  # fmt: skip
    open_case(qtbot, window, received)
    page = window.acquisition
    page.start._looked = True
    window.show_page(page)
    assert page.exhibit.currentText() == "E-002 · no image yet", "what is to be done comes first"
    page.exhibit.activated.emit(0)
    assert page.panels.currentWidget() is page.done
    model = page.done.model
    assert [[str(model.index(row, column).data()) for column in range(5)] for row in range(2)] == [
        ["8,000", "8,007", "8", "4,096,000", "4,096"],
        ["7,812", "7,812", "1", "3,999,744", "512"],
    ]
    assert page.done.table.isVisible()
    assert page.done.unreadable.number.text() == "9"
    assert page.done.bad_said.text().startswith("4,608 bytes stand as zeros")
    assert page.done.elapsed.number.text() == "21 min 48 s"
    assert page.done.verified.number.text() == "No"
    assert page.done.protection.value("Method") == "read-only device"


# ------------------------------------------------------------------------------------------------------- every state


def looking(window: MainWindow) -> None:
    offer(window, STICK, MOUNTED, NAMELESS, SYSTEM)


def confirmed(window: MainWindow) -> None:
    offer(window, STICK, MOUNTED)[0].radio.setChecked(True)
    options = window.acquisition.start.options
    window.acquisition.start.typed.setText("7283")
    options.fold.setChecked(True)
    options.blocked.setChecked(True)


def refused(window: MainWindow) -> None:
    offer(window, SYSTEM)[0].radio.setChecked(True)


def reading(window: MainWindow) -> None:
    page, now = window.acquisition, begin(window)
    page.noted("check", "E-001", "read-only device: The kernel's read-only flag was set and read back by BLKROGET.")
    for second in range(1, 300):
        now[0] = float(second)
        speed = 19_000_000 if 200 < second < 230 else 46_000_000
        page.running.progress(Progress("image", speed * second, STICK.size, "bytes", 461.0))
        page.running.tick()
    page.noted("bad", "E-001@4096000+4096", "could not be read; zeros stand for it")
    for name, length in (("md5", 32), ("sha1", 40), ("sha256", 64)):
        page.noted("digest", "E-001@0+1048576", f"{name} {'a' * length}")
    page.running.tick()


def paused(window: MainWindow) -> None:
    reading(window)
    window.acquisition.show_paused(True)


@pytest.mark.parametrize("size", [(1024, 680), (1440, 900)], ids=["small", "large"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("state", [looking, confirmed, refused, reading, paused])
def test_in_every_state_no_word_is_cut_off_and_nothing_lies_outside(
    qtbot: QtBot,
    qapp: QApplication,
    page_window: MainWindow,
    state: Callable[[MainWindow], None],
    dark: bool,
    size: tuple[int, int],
) -> None:
    theme.apply(qapp, dark)
    page_window.resize(*size)
    state(page_window)
    assert_fits(qtbot, page_window)
    assert overflowing(page_window) == []
    assert page_window.grab().toImage().pixelColor(300, 8).name() == theme.now().bg
    end(page_window)


def test_a_drive_is_chosen_and_started_by_the_keyboard_alone(qtbot: QtBot, page_window: MainWindow) -> None:
    cards = offer(page_window, STICK, NAMELESS)
    start, wanted = page_window.acquisition.start, []
    page_window.acquisition.wish_wanted.disconnect()
    page_window.acquisition.wish_wanted.connect(wanted.append)
    page_window.activateWindow()
    cards[0].radio.setFocus()
    qtbot.keyClick(cards[0].radio, Qt.Key.Key_Space)
    assert start.chosen is cards[0].candidate
    reached = []
    for _ in range(30):
        at = QApplication.focusWidget()
        reached.append(at)
        if at is start.typed:
            qtbot.keyClicks(at, "7283")
        if at is start.start_button:
            qtbot.keyClick(at, Qt.Key.Key_Space)
            break
        qtbot.keyClick(at, Qt.Key.Key_Tab)
    assert start.typed in reached
    assert len(wanted) == 1


# ------------------------------------------------------------------------------------------------------ plain values


def test_a_device_of_another_version_is_read_as_far_as_it_is_known() -> None:
    told_now = {
        "devices": [
            {
                "path": "/dev/sdb", "size": 1000, "serial": "X1", "flux": {"a": 1}, "firmware": None,
                "partitions": [{"path": "/dev/sdb1", "size": 9, "start": None, "new": 1}, {"size": 3}, "junk"],
                "mounts": [{"path": "/dev/sdb1", "at": "/mnt", "writable": True}],
            },
            {"path": "/dev/sdc"}, "junk",
        ]
    }  # fmt: skip
    (device,) = read_devices(told_now)
    assert (device.path, device.size, device.serial, device.firmware) == ("/dev/sdb", 1000, "X1", "")
    assert device.partitions == (PartitionGlance("/dev/sdb1", 9),)
    assert obstacle(device) is not None
    assert read_devices({}) == ()


def test_a_name_says_the_vendor_once() -> None:
    assert name_of(Device("/dev/sda", 1, "SanDisk", "SanDisk Ultra")) == "SanDisk Ultra"
    assert name_of(Device("/dev/sda", 1, "SanDisk", "Ultra")) == "SanDisk Ultra"
    assert name_of(Device("/dev/loop0", 1)) == "loop0"


@pytest.mark.parametrize(
    ("locator", "place"),
    [
        ("E-001@4096+512", (4096, 512)),
        ("E-001@0x1000+0x200", (4096, 512)),
        ("E-001", None),
        ("E-001@+5", None),
        ("E-001@1+2 or so", None),
    ],
)
def test_a_place_is_read_in_decimal_and_hexadecimal(locator: str, place: tuple[int, int] | None) -> None:
    assert byte_range(locator) == place
    assert told("bad", locator, "r", 512) == ("LBA 8: r" if place else "r")


def test_pauses_count_neither_in_the_average_nor_in_the_speed() -> None:
    tally = Tally(0.0)
    tally.progress(Progress("image", 0, 100_000_000, "bytes", None))
    for second in range(1, 11):
        tally.progress(Progress("image", 10_000_000 * min(second, 5), 100_000_000, "bytes", None))
        tally.paused = second > 5
        tally.tick(float(second))
    assert tally.average == 10_000_000
    assert tally.speed == 0.0
    assert tally.permille == 500
    assert len(tally.plotted(10.0)) == 9
    assert tally.plotted(700.0) == []
    assert tally.progress(Progress("verify", 0, 100_000_000, "bytes", None))
    assert not tally.progress(Progress("verify", 1, 100_000_000, "bytes", None))


def test_a_moment_is_too_short_to_tell_a_speed() -> None:
    tally = Tally(0.0)
    for second in (1.0, 2.0, 3.0):
        tally.progress(Progress("image", int(second * 40_000_000), 1 << 30, "bytes", None))
        tally.tick(second)
    tally.progress(Progress("image", 124_000_000, 1 << 30, "bytes", None))
    tally.tick(3.01)
    tally.progress(Progress("image", 160_000_000, 1 << 30, "bytes", None))
    tally.tick(4.0)
    assert [speed for _, speed in tally.samples] == [40_000_000, 40_000_000, 40_000_000]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59, "59 s"), (461, "7 min 41 s"), (7_320, "2 h 2 min"), (-3, "0 s")]
)
def test_a_duration_is_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("highest", "axis"), [(0, (1, 0.5)), (49.8, (60, 20)), (100, (100, 50)), (7, (8, 2))])
def test_the_axis_of_the_plot_ends_at_a_round_number(highest: float, axis: tuple[float, float]) -> None:
    assert round_top(highest) == axis


def test_the_plot_is_drawn_in_both_themes_and_says_its_numbers(qtbot: QtBot, qapp: QApplication) -> None:
    plot = SpeedPlot("Read speed")
    qtbot.addWidget(plot)
    plot.resize(400, 160)
    assert plot.accessibleDescription() == "No speed measured yet"
    empty = plot.grab().toImage()
    plot.show_points([(10.0, 20e6), (0.0, 46e6), (300.0, 19e6)])
    assert plot.accessibleDescription() == "Now 46.0 MB/s; lowest 19.0, highest 46.0 in the last 10 minutes"
    for dark in (False, True):
        theme.apply(qapp, dark)
        image = plot.grab().toImage()
        assert image != empty
        accent = theme.now().accent
        assert any(image.pixelColor(x, y).name() == accent for x in range(0, 400) for y in range(0, 160))


def test_the_models_keep_the_rules_of_qt(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquisition, "KEPT", 20)
    happened, bad = HappeningModel(), BadRangeModel()
    for model in (happened, bad):
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    for n in range(23):
        happened.add(Happening("14:10:22", "bad", f"{n}"))
    assert happened.rowCount() == 20
    assert happened.index(0, 2).data() == "22"
    assert happened.rowCount(happened.index(0, 0)) == 0
    bad.show([BadRange(0, 512), BadRange(4096, 4096)], 4096)
    assert bad.index(1, 0).data() == "1"
    assert bad.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "First LBA: 1"
    bad.show([], 512)
    happened.clear()
    assert happened.data(QModelIndex()) is None


def test_the_summary_tells_what_is_unfinished_and_of_no_finished_image(
    received: tuple[Path, bytes], examined_view: CaseView
) -> None:
    assert read_summary(examined_view).unfinished == {}
    examined_view.close()
    leave_unfinished(received[0])
    with CaseView(casefolder.CaseFolder(received[0]), received[1]) as view:
        left = read_summary(view).unfinished
    assert list(left) == ["E-001"]
    assert (left["E-001"].size, left["E-001"].serial) == (STICK.size, STICK.serial)
