"""The coverage ledger: every byte of an exhibit by what became of it, as sums that anybody can add up again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from forensics.casefile.contents_view import VolumeNode
from forensics.casefile.coverage import IN_WORDS, Share
from forensics.casefile.views import CaseView
from ui import theme
from ui.widgets.parts import button, label, row
from ui.widgets.tables import CHIP_ROLE, Table

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the dialog needs of a case: the shares, the volumes, and the size of each exhibit's image."""

    shares: tuple[Share, ...]
    volumes: tuple[VolumeNode, ...]
    sizes: dict[str, int]

    @classmethod
    def of(cls, view: CaseView) -> Ledger:
        sizes = {acquisition.exhibit: acquisition.size for acquisition in view.acquisitions()}
        return cls(tuple(view.coverage()), tuple(view.volume_nodes()), sizes)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a sum where `examined` is None, else bytes of one fate. `of` are the bytes that a share is of."""

    place: str
    words: str
    examined: bool | None
    bytes: int
    of: int


def lines(ledger: Ledger) -> Iterator[Line]:
    """For each exhibit all fates and their sum, which is the size of its image; then the same of each volume."""
    names = {(v.exhibit, v.number): _name(v) for v in reversed(ledger.volumes) if not v.layers}
    for exhibit, size in sorted(ledger.sizes.items()):
        shares = [share for share in ledger.shares if share.exhibit == exhibit]
        if not shares:
            continue
        by_fate: dict[Any, int] = {}
        for share in shares:
            by_fate[share.fate] = by_fate.get(share.fate, 0) + share.bytes
        whole = [Share(exhibit, None, fate, count) for fate, count in by_fate.items()]
        yield from _block(exhibit, whole, "All bytes of the image", size)
        numbers = sorted({share.volume for share in shares if share.volume is not None})
        for number in numbers:
            inside = [share for share in shares if share.volume == number]
            name = names.get((exhibit, number), f"vol{number}")
            yield from _block(name, inside, "All bytes of the volume", size)
        if outside := [share for share in shares if share.volume is None]:
            yield from _block("No volume", outside, "All bytes outside of volumes", size)


def _name(volume: VolumeNode) -> str:
    said = volume.label or f"vol{volume.number}"
    return f"{said} ({volume.file_system})" if volume.file_system else said


def _block(place: str, shares: Sequence[Share], total: str, size: int) -> Iterator[Line]:
    order = list(IN_WORDS)
    for share in sorted(shares, key=lambda share: order.index(share.fate)):
        yield Line(place, IN_WORDS[share.fate], share.examined, share.bytes, size)
    yield Line(place, total, None, sum(share.bytes for share in shares), size)


class LedgerModel(QAbstractTableModel):
    COLUMNS = (("Where", 180), ("What became of the bytes", 400), ("Examined", 95), ("Bytes", 140), ("Share", 80))

    def __init__(self, found: Sequence[Line], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines = tuple(found)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.COLUMNS):
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section > 2:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return self.COLUMNS[section][0] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line, column = self._lines[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            text = self._text(line, column)
            return f"{self.COLUMNS[column][0]}: {text}" if role == Qt.ItemDataRole.AccessibleTextRole else text
        if role == CHIP_ROLE and column == 2 and line.examined is not None:
            return "ok" if line.examined else "bad"
        if role == Qt.ItemDataRole.TextAlignmentRole and column > 2:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole and line.examined is None:
            return theme.font(13, QFont.Weight.DemiBold)
        return None

    @staticmethod
    def _text(line: Line, column: int) -> str:
        share = 100 * line.bytes / line.of if line.of else 0.0
        examined = "" if line.examined is None else "Yes" if line.examined else "No"
        return (line.place, line.words, examined, f"{line.bytes:,}", f"{share:.1f} %")[column]


class CoverageDialog(QDialog):
    """The ledger of a case as a table that can be walked by keyboard."""

    def __init__(self, ledger: Ledger, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Coverage")
        self.resize(980, 560)
        self.setMinimumWidth(960)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(12)
        column.addWidget(label("Every byte of the image, each once", "h2"))
        found = list(lines(ledger))
        told = (
            "Of several things that fit a byte the first counts: unreadable, encrypted, not examined, a live file, and "
            "so on down the list. What was searched as raw bytes has no file that could be opened."
            if found
            else "The bytes are weighed when the examination of the contents has ended."
        )
        column.addWidget(label(told, "muted", wrap=True))
        self.table = Table(
            LedgerModel(found, self), [wide for _, wide in LedgerModel.COLUMNS], "Coverage of every byte"
        )
        column.addWidget(self.table, 1)
        close = button("Close", primary=True)
        close.clicked.connect(self.accept)
        column.addLayout(row(label(""), close, stretch=(1, 0)))
