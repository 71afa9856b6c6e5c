"""A small made-up case for the window, and the application in which the window is shown."""

from __future__ import annotations

import gc
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from forensics.casefile import case as casefolder
from forensics.casefile.examined import finish_entries
from forensics.casefile.store import Store
from forensics.casefile.stored import ExaminedChild, ExaminedEntry, SourceSet
from forensics.casefile.views import CaseView
from forensics.model import (
    OK,
    Acquisition,
    Device,
    EntryStatus,
    Exposure,
    FileEntry,
    Locator,
    Protection,
    Region,
    SourceRecord,
    Tier,
    Volume,
    not_examined,
)
from ui import app as ui_app
from ui.main_window import MainWindow

PASSPHRASE = "correct horse battery staple"

KINDS = (("csv", "csv"), ("xlsx", "xlsx"), ("pdf", "pdf"), ("txt", "text"), ("jpg", "jpeg"), ("zip", "zip"))
FOLDERS = ((b"HR", b"Members"), (b"Claims", b"2025"), (b"Personal",), ())
STATES = ("CA", "TX", "NY", "FL", "OH", "WA", "")


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    return QApplication


@pytest.fixture(scope="session")
def qapp(qapp_cls: type[QApplication]) -> QApplication:
    return ui_app.make_application(["tests"])


@pytest.fixture(scope="module", autouse=True)
def _collected_here(qapp: QApplication) -> Iterator[None]:
    """Cycles are collected between tests as the window does it between events; other suites get Python's way back."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    """Every test starts, and leaves the application, in the light palette."""
    from ui import theme

    gc.collect(1)
    if theme.is_dark():
        theme.apply(qapp, False)
    yield
    if theme.is_dark():
        theme.apply(qapp, False)


def details() -> casefolder.CaseDetails:
    return casefolder.CaseDetails(
        "2026-0417", "Returned USB drive – former benefits analyst", "Northgate Health Plan",
        ("hipaa_covered_entity",), "A. Okafor", returned="2026-03-02", first_known="2026-02-27",
        known_by="the privacy officer",
    )  # fmt: skip


def entries(count: int) -> list[FileEntry]:
    """Files over four folders: every seventh deleted, every fifth with a time in UTC, the rest without a zone."""
    made = []
    for n in range(count):
        extension = KINDS[n % 6][0]
        path = (*FOLDERS[n % 4], b"members_%04d.%s" % (n, extension.encode()))
        deleted = n % 7 == 0
        region, address = (Region.DELETED, 900 + n) if deleted else (Region.LIVE, None)
        locator = Locator("E-001", 1, region, address, path)
        status = EntryStatus.DELETED if deleted else EntryStatus.LIVE
        when = f"2025-08-{1 + n % 28:02d}T{n % 24:02d}:14:{n % 60:02d}" + ("Z" if n % 5 == 0 else "")
        made.append(FileEntry(locator, status, 1 + n * 7919 % 5_000_000, 900 + n, when, when, "", (), "FAT"))
    return made


def fill(folder: casefolder.CaseFolder, key: bytes, files: int = 200, persons: int = 120) -> None:
    """Write what the verbs would: an exhibit, its image, files (one container, two not examined), records, persons."""
    said = "4e5f" * 16
    with Store(folder, key) as store:
        store.add_exhibit("E-001", "2026-03-02T10:41:00Z", {"seal": "00417-A", "from": "Courier"})
        store.add_acquisition(
            Acquisition(
                "E-001", "/dev/sdb", "e01", 61_530_439_680, 512, {"sha256": said, "md5": "0" * 32}, ("E-001.E01",), (),
                0, "2026-03-02T14:10:22Z", "2026-03-02T14:32:10Z",
                Protection("read-only device", "BLKROGET = 1"),
                Device("/dev/sdb", 61_530_439_680, "SanDisk", "Ultra USB 3.0", "4C530001230514117283", "0781:5591"),
                True, "second read",
            )
        )  # fmt: skip
        store.add_volumes([Volume("E-001", 1, 1 << 20, 61_529_391_104, "partition", "FAT32", "RETURNED", 32768, OK)])
        number, _, _ = store.volumes("E-001")[0]
        store.add_entries(number, entries(files))
        examined = []
        for stored in store.pending_entries(0, files):
            kind = KINDS[(stored.entry.address - 900) % 6][1]
            digest = {"sha256": hashlib.sha256(str(stored.entry.locator).encode()).hexdigest()}
            n = stored.entry.address - 900
            if n in (17, 41):
                examined.append(ExaminedEntry(stored.id, kind, digest, not_examined("encrypted")))
            elif n == 5:
                child = ExaminedChild(b"contacts.csv", b"key,name\n", None)
                examined.append(ExaminedEntry(stored.id, kind, digest, OK, children=(child,)))
            else:
                examined.append(ExaminedEntry(stored.id, kind, digest, OK))
        finish_entries(store, examined)
        finish_entries(
            store,
            [
                ExaminedEntry(s.id, "csv", {"sha256": hashlib.sha256(b"key,name\n").hexdigest()}, OK)
                for s in store.pending_entries(0)
            ],
        )
        store.add_source_set(
            SourceSet("members_2026-03-01.csv", "ab" * 32, "2026-03-01", persons * 4, {"member": "record_key"}),
            (
                SourceRecord(f"M{10_000_000 + 7 * n}", "Given", "", "Family", state=STATES[n % 7])
                for n in range(persons * 4)
            ),
        )
        found = []
        tiers: dict[str, int] = {"confirmed": 0, "probable": 0, "possible": 0}
        with_ssn = 0
        for (record, source), n in zip(store.source_records(), range(persons), strict=False):
            tier = Tier.CONFIRMED if n % 10 < 7 else Tier.PROBABLE if n % 10 < 9 else Tier.POSSIBLE
            tiers[tier] += 1
            elements = {"name", "birth_date", "address"} | ({"ssn"} if n % 4 == 0 else set())
            elements |= {"member_id", "phone"} if tier is Tier.CONFIRMED else set()
            with_ssn += n % 4 == 0 and tier is not Tier.POSSIBLE
            found.append(
                (
                    record,
                    Exposure(
                        source.record_key, tier, tuple(sorted(elements)), 1 + n % 3, 1, n % 2, n % 3 == 0, n % 5 == 0,
                        f"E-001/vol1/HR/Members/members_{n:04d}.csv!row {n + 2}", source.state, n % 9 == 0,
                        n % 31 == 0, "pending",
                    ),
                )
            )  # fmt: skip
        affected = tiers["confirmed"] + tiers["probable"]
        states: dict[str, int] = {}
        for _, person in found:
            if person.tier is not Tier.POSSIBLE:
                states[person.state] = states.get(person.state, 0) + 1
        store.put_fact("indexed", True)
        store.put_fact("matched", True)
        store.replace_exposure(
            found,
            {
                "source_records": persons * 4, "persons_after_merge": persons * 4, "floor": affected, "estimate": None,
                "low": None, "high": None, "ceiling": affected + tiers["possible"],
                "estimate_status": "not measured: decoys were not run", "tiers": tiers,
                "elements": {"ssn": {"n": with_ssn, "low": None, "high": None}}, "states": states, "minors": 12,
                "deceased": 3, "not_in_records": 5,
                "not_examined": {"items": 2, "bytes": 1000, "reasons": {"encrypted": 2}},
            },
            {"total": 216, "live": 108, "deleted": 48, "unallocated": 36, "archived": 24},
        )  # fmt: skip
    lines, before = [], "0" * 64
    happened = (
        ("case-created", {"number": "2026-0417"}),
        ("started", {"verb": "receive", "options": {"exhibit": "E-001"}}),
        ("finished", {"verb": "receive", "outcome": "ok", "received": {"from": "Courier", "seal": "00417-A"}}),
        ("started", {"verb": "acquire", "options": {"source": "/dev/sdb", "format": "e01"}}),
        ("finished", {"verb": "acquire", "outcome": "ok", "sha256": said}),
        ("started", {"verb": "index", "options": {}}),
        ("interrupted", {"verb": "index", "started_seq": 5}),
        ("finished", {"verb": "assess", "outcome": "ok"}),
    )
    for n, (event, data) in enumerate(happened):
        line = {
            "seq": n, "utc": f"2026-03-02T1{n}:10:22Z", "actor": "A. Okafor", "event": event, "exhibit": "E-001",
            "data": data,
        }  # fmt: skip
        before = hashlib.sha256((before + json.dumps(line)).encode()).hexdigest()
        lines.append(json.dumps({**line, "sha256": before}))
    (folder.custody / "ledger.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def write_pdf(path: Path) -> None:
    """Two pages with a line of text each, by reportlab."""
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path))
    for page in (1, 2):
        canvas.setFont("Helvetica", 14)
        canvas.drawString(72, 760, f"Draft report of case 2026-0417, page {page}")
        canvas.showPage()
    canvas.save()


@pytest.fixture(scope="session")
def examined_case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A case after every step, with a draft report: its folder and key."""
    path = tmp_path_factory.mktemp("cases") / "Northgate.dcase"
    folder, key, _ = casefolder.create(path, details(), PASSPHRASE)
    fill(folder, key)
    write_pdf(folder.reports / "draft-2026-03-04T091200Z.pdf")
    return path, key


@pytest.fixture(scope="session")
def new_case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A case in which nothing has happened yet."""
    path = tmp_path_factory.mktemp("cases") / "New.dcase"
    _, key, _ = casefolder.create(path, details(), PASSPHRASE)
    return path, key


def view_of(case: tuple[Path, bytes]) -> CaseView:
    return CaseView(casefolder.CaseFolder(case[0]), case[1])


@pytest.fixture
def examined_view(examined_case: tuple[Path, bytes]) -> CaseView:
    return view_of(examined_case)


@pytest.fixture
def new_view(new_case: tuple[Path, bytes]) -> CaseView:
    return view_of(new_case)


@pytest.fixture
def passphrase() -> str:
    return PASSPHRASE


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, settings: QSettings) -> Iterator[MainWindow]:
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


@pytest.fixture
def open_window(qtbot: QtBot, window: MainWindow, examined_case: tuple[Path, bytes]) -> MainWindow:
    """The window with the examined case, its summary and its first rows read."""
    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(view_of(examined_case))
    files, persons = window.contents.model, window.exposure.model
    assert files is not None
    assert persons is not None
    qtbot.waitUntil(lambda: files.rowCount() > 0 and persons.rowCount() > 0, timeout=10_000)
    return window
