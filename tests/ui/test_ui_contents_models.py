"""The models of the page of contents: what Qt demands of them, folders of any size, and the shares of the bytes."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from forensics.casefile import case as casefolder
from forensics.casefile.contents_view import Kinds, Place, Shares
from forensics.casefile.coverage import IN_WORDS, Fate, Share
from forensics.casefile.examined import finish_entries
from forensics.casefile.search_view import SearchCounts, SearchHit, SearchPage
from forensics.casefile.store import Store
from forensics.casefile.stored import ExaminedEntry
from forensics.casefile.views import CaseView, NotExamined
from forensics.errors import Refused
from forensics.model import OK, EntryStatus, FileEntry, Locator, Region, Volume, not_examined
from ui import theme
from ui.models.files import FileModel, kinds_by_name
from ui.models.hits import PAGE, CellModel, HitModel, NotExaminedModel
from ui.models.tree import ContentsTree
from ui.pages.coverage import CoverageDialog, Ledger, Line, lines
from ui.session import Session
from ui.widgets.coverage_bar import CoverageBar
from ui.widgets.tables import CHIP_ROLE
from ui.widgets.text_pane import WIDEST, CellPane

FOLDERS = 12_000
FILES = 30_000
Display = Qt.ItemDataRole.DisplayRole


def keeps_the_rules_of_qt(model: Any) -> None:
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)


def entry(path: tuple[bytes, ...], n: int, exhibit: str = "E-001", deleted: bool = False, size: int = 10) -> FileEntry:
    region, address = (Region.DELETED, n) if deleted else (Region.LIVE, None)
    status = EntryStatus.DELETED if deleted else EntryStatus.LIVE
    return FileEntry(Locator(exhibit, 1, region, address, path), status, size, n, "", "", "", (), "FAT")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Two exhibits. The first has a folder of thirty thousand files and one of twelve thousand folders."""
    path = tmp_path_factory.mktemp("large") / "Large.dcase"
    details = casefolder.CaseDetails("1", "T", "O", ("business",), "Kim")
    folder, key, _ = casefolder.create(path, details, "correct horse battery staple")
    names = [b"HR", b"HR-old", b"HR0", b"a%b", b"a_b", "Ünï".encode(), b"z"]
    made = [entry((b"Files", b"f%05d.txt" % n), n) for n in range(FILES)]
    made += [entry((b"Folders", b"d%05d" % n, b"x.csv"), FILES + n) for n in range(FOLDERS)]
    made += [entry((name, b"sub", b"y.csv"), 60_000 + n) for n, name in enumerate(names)]
    made += [entry((b"HR", b"y.csv"), 60_100), entry((b"deleted.csv",), 60_101, deleted=True)]
    with Store(folder, key) as store:
        for exhibit in ("E-001", "E-002"):
            store.add_exhibit(exhibit, "2026-03-02T10:41:00Z", {})
        store.add_volumes(
            [
                Volume("E-001", 1, 0, 1 << 30, "partition", "FAT32", "RETURNED", 512, OK),
                Volume("E-001", 2, 1 << 30, 1 << 20, "partition", "", "", 512, not_examined("encrypted")),
                Volume("E-002", 1, 0, 1 << 30, "partition", "NTFS", "", 512, OK),
            ]
        )
        numbers = {(v.exhibit, v.number): number for number, v, _ in [*store.volumes("E-001"), *store.volumes("E-002")]}
        store.add_entries(numbers["E-001", 1], made)
        store.add_entries(numbers["E-002", 1], [entry((b"only.csv",), 1, "E-002", size=77)])
        finish_entries(store,
            [
                ExaminedEntry(s.id, "csv" if n % 2 else "pdf", {"sha256": f"{n // 2:064x}"}, OK,
                              notes=("its name says csv, its bytes do not",) if n < 3 else ())
                for n, s in enumerate(store.pending_entries(0, 100))
            ]
        )  # fmt: skip
    return path, key


@pytest.fixture
def session(qtbot: QtBot, large: tuple[Path, bytes]) -> Iterator[Session]:
    made = Session(CaseView(casefolder.CaseFolder(large[0]), large[1]))
    yield made
    made.close()


# --------------------------------------------------------------------------------------------------------------- tree


def loaded(qtbot: QtBot, session: Session, checked: bool = True) -> ContentsTree:
    """Qt's own check looks at every row after every change, and opens folders itself."""
    model = ContentsTree(session)
    if checked:
        keeps_the_rules_of_qt(model)
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.reload()
    return model


def texts(model: ContentsTree, parent: QModelIndex) -> list[str]:
    return [model.index(row, 0, parent).data() for row in range(model.rowCount(parent))]


def child(model: ContentsTree, parent: QModelIndex, text: str) -> QModelIndex:
    return model.index(texts(model, parent).index(text), 0, parent)


def opened(qtbot: QtBot, model: ContentsTree, index: QModelIndex) -> QModelIndex:
    model.fetchMore(index)
    qtbot.waitUntil(lambda: model.node(index).read, timeout=20_000)
    return index


def test_the_tree_shows_exhibits_volumes_and_what_is_deleted_before_a_folder_is_read(
    qtbot: QtBot, session: Session
) -> None:
    model = loaded(qtbot, session)
    root = QModelIndex()
    assert texts(model, root) == ["E-001", "E-002"]
    first = model.index(0, 0)
    assert texts(model, first) == ["RETURNED (FAT32)", "vol2, not examined"]
    assert texts(model, model.index(1, 0)) == ["vol1 (NTFS)"]
    volume = model.index(0, 0, first)
    assert texts(model, volume) == ["Deleted (1)"]
    assert model.hasChildren(volume)
    assert not model.canFetchMore(model.index(1, 0, first))
    assert not model.hasChildren(model.index(0, 0, volume))


def test_a_folder_shows_its_folders_once_and_in_order_when_it_is_opened(qtbot: QtBot, session: Session) -> None:
    model = loaded(qtbot, session)
    volume = opened(qtbot, model, model.index(0, 0, model.index(0, 0)))
    names = ["Files", "Folders", "HR", "HR-old", "HR0", "a%b", "a_b", "z", "Ünï"]
    assert texts(model, volume) == [*names, "Deleted (1)"]
    inside = opened(qtbot, model, child(model, volume, "HR"))
    assert texts(model, inside) == ["sub"]
    assert not model.canFetchMore(inside)
    empty = opened(qtbot, model, child(model, volume, "Files"))
    assert not model.hasChildren(empty)
    assert model.parent(child(model, inside, "sub")) == inside


def test_a_folder_of_twelve_thousand_folders_is_shown_to_its_end(qtbot: QtBot, session: Session) -> None:
    model = loaded(qtbot, session, checked=False)
    volume = opened(qtbot, model, model.index(0, 0, model.index(0, 0)))
    groups: list[int] = []
    model.rowsInserted.connect(lambda _, first, last: groups.append(last - first + 1))
    inside = opened(qtbot, model, child(model, volume, "Folders"))
    assert texts(model, inside) == [f"d{n:05d}" for n in range(FOLDERS)]
    assert len(groups) > 1
    assert max(groups) <= 2_000, "one answer must not hold the window up"


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_folders_add_up_however_short_they_are(session: Session, limit: int) -> None:
    """`HR-old` sorts between `HR` and `HR/…`, so that a page may end anywhere among them."""
    view = session.view
    number = view.volume_nodes()[0].id
    found: list[str] = []
    names, after = view.folders_in(number, limit=limit)
    for _ in range(100):
        assert len(names) <= limit
        found += names
        if not after:
            break
        names, after = view.folders_in(number, "", after, limit)
    assert sorted(set(found)) == ["Files", "Folders", "HR", "HR-old", "HR0", "a%b", "a_b", "z", "Ünï"]


def test_what_comes_into_a_folder_that_is_open_appears_there(qtbot: QtBot, tmp_path: Path) -> None:
    details = casefolder.CaseDetails("1", "T", "O", ("business",), "Kim")
    folder, key, _ = casefolder.create(tmp_path / "a.dcase", details, "correct horse battery staple")
    with Store(folder, key) as store:
        store.add_exhibit("E-001", "2026-03-02T10:41:00Z", {})
        store.add_volumes([Volume("E-001", 1, 0, 1 << 30, "partition", "FAT32", "", 512, OK)])
        (number, _, _) = store.volumes("E-001")[0]
        store.add_entries(number, [entry((b"b", b"1"), 1), entry((b"d", b"1"), 2), entry((b"gone",), 9, deleted=True)])
        session = Session(CaseView(folder, key))
        model = loaded(qtbot, session)
        volume = opened(qtbot, model, model.index(0, 0, model.index(0, 0)))
        assert texts(model, volume) == ["b", "d", "Deleted (1)"]
        store.add_entries(number, [entry((name, b"1"), n) for n, name in enumerate((b"a", b"c", b"e", b"e2"), 20)])
        model.reload()
        qtbot.waitUntil(lambda: texts(model, volume) == ["a", "b", "c", "d", "e", "e2", "Deleted (1)"], timeout=10_000)
        session.close()


def test_an_index_of_a_tree_that_is_gone_leads_to_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    """Views, tool tips and assistive programs may ask about an index from before a reset."""
    details = casefolder.CaseDetails("1", "T", "O", ("business",), "Kim")
    folder, key, _ = casefolder.create(tmp_path / "a.dcase", details, "correct horse battery staple")
    with Store(folder, key) as store:
        store.add_exhibit("E-001", "2026-03-02T10:41:00Z", {})
        store.add_volumes([Volume("E-001", 1, 0, 1 << 30, "partition", "FAT32", "", 512, OK)])
        (number, _, _) = store.volumes("E-001")[0]
        store.add_entries(number, [entry((b"b", b"1"), 1)])
        session = Session(CaseView(folder, key))
        model = loaded(qtbot, session)
        volume = opened(qtbot, model, model.index(0, 0, model.index(0, 0)))
        inside = child(model, volume, "b")
        store.add_volumes([Volume("E-001", 2, 1 << 30, 1 << 30, "partition", "NTFS", "", 512, OK)])
        with qtbot.waitSignal(model.modelReset, timeout=10_000):
            model.reload()
        gc.collect()
        for old in (volume, inside):
            assert model.node(old) is model.node(QModelIndex())
            assert not model.parent(old).isValid()
            assert not model.data(old)
            assert not model.canFetchMore(old)
        session.close()


def test_a_tree_without_a_case_behind_it_is_empty_and_asks_nothing(qtbot: QtBot, session: Session) -> None:
    model = ContentsTree(session)
    keeps_the_rules_of_qt(model)
    assert model.rowCount() == 0
    assert not model.canFetchMore(QModelIndex())
    model.fetchMore(QModelIndex())


# -------------------------------------------------------------------------------------------------------------- files


def files(qtbot: QtBot, model: FileModel) -> int:
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.reload()
    return model.rowCount()


def test_a_place_of_the_tree_shows_what_lies_in_it_and_below(qtbot: QtBot, session: Session) -> None:
    model = FileModel(session)
    number = session.view.volume_nodes()[0].id
    for place, count in (
        (None, FILES + FOLDERS + 10),
        (Place(number), FILES + FOLDERS + 9),
        (Place(number, "Files"), FILES),
        (Place(number, "Folders"), FOLDERS),
        (Place(number, "Folders/d00007"), 1),
        (Place(number, "HR"), 2),
        (Place(number, "a_b"), 1),
        (Place(number, deleted=True), 1),
        (Place(0, exhibit="E-002"), 1),
        (Place(0, exhibit="E-001"), FILES + FOLDERS + 9),
    ):
        model.go_into(place)
        assert files(qtbot, model) == count, place


def test_thirty_thousand_files_of_a_folder_are_there_within_a_second(session: Session) -> None:
    number = session.view.volume_nodes()[0].id
    begun = time.perf_counter()
    ids = session.view.file_ids_in(Place(number, "Files"), "name", True)
    assert time.perf_counter() - begun < 1
    assert len(ids) == FILES
    assert session.view.files([ids[0]])[ids[0]].name == "f29999.txt"


def test_only_one_type_or_a_misleading_name_or_a_repeated_content(qtbot: QtBot, session: Session) -> None:
    model, named = FileModel(session), kinds_by_name()
    for kinds, only, count in (
        (named["Spreadsheets and tables"], "", 50),
        (named["Text and documents"], "", 50),
        (named["Pictures"], "", 0),
        (named["Other types"], "", 0),
        (Kinds(("csv",), others=True), "", 50),
        (None, "misnamed", 3),
        (None, "repeated", 100),
        (named["Spreadsheets and tables"], "misnamed", 1),
    ):
        model.of_kinds(kinds)
        model.only(only)
        assert files(qtbot, model) == count, (kinds, only)


def test_where_else_a_content_is(session: Session) -> None:
    view = session.view
    ids = view.file_ids("id")
    assert view.same_content(ids[0]).count == 1
    assert view.same_content(ids[0]).locators == (view.files([ids[1]])[ids[1]].locator,)
    assert view.same_content(ids[500]).count == 0, "what was not hashed is nowhere else"
    assert view.place_of(ids[0]) == Place(view.volume_nodes()[0].id, "Files")


# --------------------------------------------------------------------------------------------------------------- hits


class Searched:
    """Stands in for a case in which a search finds this many places; keeps what it was asked."""

    def __init__(self, hits: int) -> None:
        self.hits, self.asked = hits, list[str]()

    def search_counts(self, query: str) -> SearchCounts:
        self.asked.append("counts")
        if query == '"':
            raise Refused("A quote is not closed.", "Close it.")
        return SearchCounts(self.hits, 1, self.hits, 0, 0, query)

    def search_page(self, query: str, after: str, limit: int) -> SearchPage:
        self.asked.append(f"page {after}")
        first = int(after or 0)
        last = min(self.hits, first + limit)
        snippet = (("x" * 60, False), (query, True), (" behind", False))
        found = tuple(SearchHit("text", f"E-001/vol1/{n}", n, "live", "csv", snippet) for n in range(first, last))
        return SearchPage(found, str(last) if last < self.hits else "")

    def close(self) -> None:
        pass


@pytest.fixture
def searched(qtbot: QtBot) -> Iterator[tuple[HitModel, Searched]]:
    view = Searched(PAGE * 2 + 5)
    fake: Any = view
    session = Session(fake)
    yield HitModel(session), view
    session.close()


def test_hits_keep_the_rules_of_qt_to_the_last_page(qtbot: QtBot, searched: tuple[HitModel, Searched]) -> None:
    """Qt's own check asks for all that there is to fetch."""
    model, view = searched
    keeps_the_rules_of_qt(model)
    model.search("okapi")
    qtbot.waitUntil(lambda: model.rowCount() == view.hits, timeout=10_000)
    model.search("")
    assert model.rowCount() == 0


def test_a_search_counts_first_and_reads_a_page_at_a_time(qtbot: QtBot, searched: tuple[HitModel, Searched]) -> None:
    model, view = searched
    with qtbot.waitSignal(model.counted, timeout=5_000) as counted:
        model.search("okapi")
    assert counted.args[0].passages == PAGE * 2 + 5
    qtbot.waitUntil(lambda: model.rowCount() == PAGE, timeout=5_000)
    assert view.asked == ["counts", "page "]
    for rows in (2 * PAGE, 2 * PAGE + 5):
        assert model.canFetchMore(QModelIndex())
        model.fetchMore(QModelIndex())
        assert not model.canFetchMore(QModelIndex()), "a page that is on its way is not asked for again"
        qtbot.waitUntil(lambda rows=rows: model.rowCount() == rows, timeout=5_000)
    assert not model.canFetchMore(QModelIndex())
    assert model.index(PAGE * 2 + 4, 1).data() == f"E-001/vol1/{PAGE * 2 + 4}"
    assert model.hit(PAGE * 2 + 5) is None


def test_what_was_found_is_in_sight_in_one_line_and_whole_in_the_tool_tip(
    qtbot: QtBot, searched: tuple[HitModel, Searched]
) -> None:
    model, _ = searched
    model.search("okapi")
    qtbot.waitUntil(lambda: model.rowCount() > 0, timeout=5_000)
    index = model.index(0, 0)
    assert index.data().startswith("… ")
    assert index.data().index("okapi") < 24
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "x" * 60 + "okapi behind"
    assert model.index(0, 3).data(Qt.ItemDataRole.AccessibleTextRole) == "Status: Live"


def test_a_query_that_is_none_is_refused_and_finds_nothing(qtbot: QtBot, searched: tuple[HitModel, Searched]) -> None:
    model, view = searched
    with qtbot.waitSignal(model.refused, timeout=5_000) as refused:
        model.search('"')
    assert "quote is not closed" in refused.args[0]
    qtbot.wait(50)
    assert view.asked == ["counts"]
    assert model.rowCount() == 0
    assert not model.canFetchMore(QModelIndex())


def test_hits_of_an_earlier_query_do_not_come_under_a_later_one(
    qtbot: QtBot, searched: tuple[HitModel, Searched]
) -> None:
    model, _ = searched
    for query in ("first", "second", ""):
        model.search(query)
    qtbot.wait(150)
    assert model.rowCount() == 0
    model.search("third")
    qtbot.waitUntil(lambda: model.rowCount() == PAGE, timeout=5_000)
    assert "third" in model.index(0, 0).data()


# ------------------------------------------------------------------------------------------- not examined, and cells


def test_what_was_not_examined_stands_by_reason_and_the_largest_first(qtbot: QtBot) -> None:
    model = NotExaminedModel()
    keeps_the_rules_of_qt(model)
    items = [NotExamined("E-001/vol1/b", 1, "too large"), NotExamined("E-001/vol1/a", 5, "encrypted"),
             NotExamined("E-001/vol1/c", 9, "encrypted")]  # fmt: skip
    model.show(items)
    assert [model.index(row, 1).data() for row in range(3)] == ["E-001/vol1/c", "E-001/vol1/a", "E-001/vol1/b"]
    assert model.index(0, 2).data(Qt.ItemDataRole.AccessibleTextRole) == "Size: 9 B"
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    model.show(list(items))
    assert resets == [], "the same list must not lose what is selected"
    model.show([])
    assert model.rowCount() == 0
    assert model.item(0) is None


def test_cells_have_the_numbers_of_their_rows_and_the_found_one_is_marked_not_by_colour_alone(qtbot: QtBot) -> None:
    model = CellModel()
    keeps_the_rules_of_qt(model)
    model.show([["a", "b", "c"], ["d"], []], 41, (0, 1))
    assert (model.rowCount(), model.columnCount()) == (3, 3)
    assert model.headerData(1, Qt.Orientation.Vertical) == "42"
    assert model.headerData(2, Qt.Orientation.Horizontal) == "3"
    assert model.index(1, 2).data() == ""
    assert model.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "Row 42, column 1: d"
    marked = [
        (row, at) for row in range(3) for at in range(3)
        if model.index(row, at).data(Qt.ItemDataRole.BackgroundRole) is not None
    ]  # fmt: skip
    assert marked == [(0, 1)]
    assert model.index(0, 1).data(Qt.ItemDataRole.FontRole).underline()
    assert model.index(0, 0).data(Qt.ItemDataRole.FontRole) is None
    model.show([], 0)
    assert (model.rowCount(), model.columnCount()) == (0, 0)


# ------------------------------------------------------------------------------------------------------- coverage bar


def widths(bar: CoverageBar) -> dict[str, int]:
    """How many pixels of the bar's middle line have each colour."""
    picture: QImage = bar.grab().toImage()
    found: dict[str, int] = {}
    for x in range(picture.width()):
        name = picture.pixelColor(x, picture.height() // 2).name()
        found[name] = found.get(name, 0) + 1
    return found


def test_the_shares_are_the_bytes_of_the_files_and_nothing_twice(examined_view: CaseView) -> None:
    shares = examined_view.shares()
    rows = [row for row in examined_view.all_files() if row.status != "child"]
    bad = sum(row.size for row in rows if row.outcome in ("not_examined", "failed"))
    assert shares == Shares(sum(row.size for row in rows) - bad, bad, 0)
    assert bad > 0


def test_the_bar_shows_the_shares_in_proportion_and_says_them(qtbot: QtBot) -> None:
    bar = CoverageBar()
    qtbot.addWidget(bar)
    bar.resize(400, 10)
    bar.show_shares(Shares(300, 0, 0))
    assert widths(bar) == {theme.now().ok: 400}
    bar.show_shares(Shares(3 << 20, 1 << 20, 0))
    assert widths(bar)[theme.now().ok] == 300
    assert bar.accessibleDescription() == "3.0 MiB examined, 1.0 MiB not examined, 0 B waiting"
    bar.show_shares(Shares(1 << 40, 1, 0))
    assert widths(bar)[theme.now().ok] < 400, "one byte that was not examined is in sight"
    bar.show_shares(Shares(0, 0, 0))
    assert widths(bar) == {theme.now().surface2: 400}


def test_the_bar_of_the_ledger_has_every_byte_in_one_of_three_parts(qtbot: QtBot) -> None:
    bar = CoverageBar()
    qtbot.addWidget(bar)
    bar.resize(400, 10)
    mib = 1 << 20
    bar.show_ledger(
        [Share("E-001", 1, Fate.LIVE, mib), Share("E-001", 1, Fate.SLACK, mib), Share("E-001", 1, Fate.DELETED, mib),
         Share("E-001", None, Fate.OUTSIDE, 4 * mib), Share("E-001", 2, Fate.ENCRYPTED, mib)]
    )  # fmt: skip
    assert widths(bar)[theme.now().ok] == 100
    assert bar.accessibleDescription() == (
        "2.0 MiB examined as contents, 5.0 MiB searched as raw bytes, 1.0 MiB not examined"
    )
    assert bar.toolTip().startswith("Every byte: ")


def test_the_ledger_sums_to_the_image_and_its_volumes_to_it(qtbot: QtBot, examined_view: CaseView) -> None:
    nodes = tuple(node for node in examined_view.volume_nodes() if node.exhibit == "E-001")
    number, size = nodes[0].number, 1000
    shares = (
        Share("E-001", number, Fate.LIVE, 300), Share("E-001", number, Fate.UNALLOCATED, 250),
        Share("E-001", 99, Fate.ENCRYPTED, 200), Share("E-001", None, Fate.OUTSIDE, 200),
        Share("E-001", None, Fate.UNREADABLE, 50),
    )  # fmt: skip
    found = list(lines(Ledger(shares, nodes, {"E-001": size})))
    assert [line.place for line in found if line.examined is None] == [
        "E-001", f"{nodes[0].label} ({nodes[0].file_system})", "vol99", "No volume",
    ]  # fmt: skip
    sums = [line for line in found if line.examined is None]
    assert [(line.words, line.bytes) for line in sums[:1]] == [("All bytes of the image", size)]
    assert sum(line.bytes for line in sums[1:]) == size
    block: list[Line] = []
    for line in found:
        if line.examined is None:
            assert line.bytes == sum(one.bytes for one in block)
            block = []
        else:
            assert line.words in IN_WORDS.values()
            block.append(line)
    dialog = CoverageDialog(Ledger(shares, nodes, {"E-001": size}))
    qtbot.addWidget(dialog)
    model = dialog.table.model()
    keeps_the_rules_of_qt(model)
    assert model.rowCount() == len(found)
    total = found.index(sums[0])
    assert model.index(total, 3).data() == f"{size:,}"
    assert model.index(total, 4).data() == "100.0 %"
    assert {model.index(row, 2).data(CHIP_ROLE) for row in range(total)} <= {"ok", "bad"}


def test_a_case_without_a_ledger_says_when_there_will_be_one(qtbot: QtBot) -> None:
    dialog = CoverageDialog(Ledger((), (), {"E-001": 5}))
    qtbot.addWidget(dialog)
    assert dialog.table.model().rowCount() == 0


def test_a_name_that_misleads_is_in_sight_in_the_table(qtbot: QtBot, session: Session) -> None:
    model = FileModel(session)
    model.only("misnamed")
    qtbot.waitUntil(lambda: model.rowCount() == 3 and model.row_at(0) is not None, timeout=10_000)
    told = [(model.index(row, 2).data(), model.index(row, 2).data(CHIP_ROLE)) for row in range(3)]
    assert all(text.endswith(", not csv") and chip == "warn" for text, chip in told)
    model.only("")
    qtbot.waitUntil(lambda: model.rowCount() > 3 and model.row_at(5000) is not None, timeout=10_000)
    assert model.index(5000, 2).data(CHIP_ROLE) is None


def test_columns_of_a_table_are_as_wide_as_what_stands_in_them(qtbot: QtBot) -> None:
    pane = CellPane()
    qtbot.addWidget(pane)
    pane.resize(900, 400)
    pane.show_text(
        "id\x1fssn\x1fremark\x1f\n1\x1f123-45-6789\x1f" + "long " * 200 + "\x1fx", 1, "E-001/vol1/a.csv", None
    )
    metrics = pane.table.fontMetrics()
    assert pane.table.columnWidth(1) >= metrics.horizontalAdvance("123-45-6789") + 8
    assert pane.table.columnWidth(0) < pane.table.columnWidth(1)
    assert pane.table.columnWidth(2) == WIDEST


def test_a_volume_that_was_not_examined_leads_to_its_line_in_the_list(qtbot: QtBot, session: Session) -> None:
    model = loaded(qtbot, session)
    closed = model.index(1, 0, model.index(0, 0))
    assert closed.data(Qt.ItemDataRole.ToolTipRole) == "vol2, not examined, 1.0 MiB"
    unexamined = NotExaminedModel()
    unexamined.show([NotExamined("E-001/vol1/a", 5, "a"), NotExamined("E-001/vol2", 1 << 20, "b")])
    assert unexamined.row_of(model.node(closed).volume) == 1
    assert unexamined.row_of("E-001/vol7") is None
