"""The tree of contents: exhibits, volumes, folders, what is deleted; a folder's folders are read when it is opened."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from forensics.casefile.contents_view import Place, VolumeNode
from forensics.casefile.views import CaseView
from ui import theme
from ui.session import Session
from ui.widgets.parts import size_text

Index = QModelIndex | QPersistentModelIndex

_numbers = count(1)


@dataclass(eq=False)
class Node:
    """One line of the tree. `place` is None for an exhibit, whose `locator` is shown as bytes.

    An index holds its `number`, given once and never again, and not the node: Qt keeps indexes beyond a reset and
    does not keep what they point to alive.
    """

    text: str
    icon: str
    place: Place | None
    locator: str = ""
    volume: str = ""
    """The locator of a volume that was not examined."""
    about: str = ""
    """What a tool tip says beyond the text."""
    parent: Node | None = None
    row: int = 0
    children: list[Node] = field(default_factory=list)
    read: bool = False
    asked: bool = False
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def may_have_more(self) -> bool:
        return not self.read and self.place is not None and not self.place.deleted


class ContentsTree(QAbstractItemModel):
    """Never waits: a folder is empty until its answer is there."""

    loaded = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._root = Node("", "", None, read=True)
        self._nodes: dict[int, Node] = {}

    def reload(self) -> None:
        """Read the exhibits and volumes again, and of the folders that are open what came into them."""
        self._session.ask("contents tree", _roots, self._take_roots)

    def _take_roots(self, volumes: list[VolumeNode]) -> None:
        root = _tree(volumes)
        if _shape(root) != _shape(self._root):
            self.beginResetModel()
            self._root = root
            self._nodes = {node.number: node for node in _below(root)}
            self.endResetModel()
            self.loaded.emit()
            return
        for node in _below(self._root):
            if node.read and node.asked:
                self._ask(node)

    def node(self, index: Index) -> Node:
        """The node of an index; the root for one that is invalid or of a tree before this one."""
        return self._nodes.get(index.internalId(), self._root) if index.isValid() else self._root

    def _index_of(self, node: Node) -> QModelIndex:
        return QModelIndex() if node is self._root else self.createIndex(node.row, 0, node.number)

    # ------------------------------------------------------------------------------------------- what Qt asks for

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        children = self.node(parent).children
        if column or not 0 <= row < len(children):
            return QModelIndex()
        return self._index_of(children[row])

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        above = self.node(index).parent if index.isValid() else None
        return QModelIndex() if above is None else self._index_of(above)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.column() > 0 else len(self.node(parent).children)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, ARG002
        return 1

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        node = self.node(parent)
        return bool(node.children) or node.may_have_more

    def canFetchMore(self, parent: Index) -> bool:
        node = self.node(parent)
        return node.may_have_more and not node.asked

    def fetchMore(self, parent: Index) -> None:
        node = self.node(parent)
        if not node.asked and node.place is not None:
            node.asked = True
            self._ask(node)

    def _ask(self, node: Node, after: str = "") -> None:
        place = node.place
        assert place is not None
        self._session.ask(
            f"contents folder {node.number}",
            lambda view: view.folders_in(place.volume, place.folder, after),
            lambda page: self._take_folders(node, *page),
        )

    def _take_folders(self, node: Node, names: list[str], after: str) -> None:
        """A page of a folder's folders; the next is asked for at once, so that a large folder fills up by itself."""
        if not self._holds(node):
            return
        place = node.place
        assert place is not None
        here = self._index_of(node)
        had = [child.text for child in node.children if child.icon == "folder"]
        new = sorted(set(names).difference(had))
        prefix = f"{place.folder}/" if place.folder else ""
        for at, group in _between(had, new):
            self.beginInsertRows(here, at, at + len(group) - 1)
            made = [Node(name, "folder", Place(place.volume, prefix + name), parent=node) for name in group]
            node.children[at:at] = made
            self._nodes.update((child.number, child) for child in made)
            for row in range(at, len(node.children)):
                node.children[row].row = row
            self.endInsertRows()
        if after:
            self._ask(node, after)
        elif not node.read:
            node.read = True
            self.dataChanged.emit(here, here)

    def _holds(self, node: Node) -> bool:
        """Whether a node is of the tree that is shown, and not of one before it."""
        while node.parent is not None:
            node = node.parent
        return node is self._root

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        node = self.node(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return node.text
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return node.text + node.about
        if role == Qt.ItemDataRole.DecorationRole:
            return theme.icon(node.icon, "muted", 16)
        return None


def _roots(view: CaseView) -> list[VolumeNode]:
    return view.volume_nodes()


def _tree(volumes: list[VolumeNode]) -> Node:
    root = Node("", "", None, read=True)
    exhibits: dict[str, Node] = {}
    for volume in volumes:
        above = exhibits.get(volume.exhibit)
        if above is None:
            whole = Node(volume.exhibit, "usb", None, volume.exhibit, read=True)
            above = exhibits[volume.exhibit] = _under(root, whole)
        said = volume.file_system or "no file system"
        name = f"{volume.label} ({said})" if volume.label else f"vol{volume.number} ({said})"
        if volume.outcome in ("not_examined", "failed"):
            locator = "/".join(filter(None, (f"{volume.exhibit}/vol{volume.number}", volume.layers)))
            about = f", {size_text(volume.size)}" if volume.size else ""
            named = volume.label or volume.file_system
            closed = f"{name if named else f'vol{volume.number}'}, not examined"
            _under(above, Node(closed, "lock", None, volume.exhibit, locator, about, read=True))
            continue
        node = _under(above, Node(name, "database", Place(volume.id)))
        if volume.deleted:
            deleted = Place(volume.id, deleted=True)
            _under(node, Node(f"Deleted ({volume.deleted:,})", "trash", deleted, read=True))
    return root


def _below(root: Node) -> Iterator[Node]:
    waiting = list(root.children)
    while waiting:
        node = waiting.pop()
        waiting += node.children
        yield node


def _under(parent: Node, node: Node) -> Node:
    node.parent, node.row = parent, len(parent.children)
    parent.children.append(node)
    return node


def _between(had: list[str], new: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Where new names go among those that are there, both in order; names that go together in one group."""
    done = 0
    for at, group in groupby(new, lambda name: bisect(had, name)):
        names = list(group)
        yield at + done, names
        done += len(names)


def _shape(node: Node) -> list[Any]:
    """What of a tree can change without a folder being opened."""
    return [(child.text, _shape(child)) for child in node.children if child.icon != "folder"]
