"""The contents as a tree and as shares: what lies in a folder, and how much of all bytes was examined."""

from __future__ import annotations

import array
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, func, or_, select

from forensics.casefile import schema

BEHIND_SLASH = "0"
"""The character behind `/`: a text that begins with `HR/` is at least `HR/` and less than `HR0`."""

MISNAMED = "its name says"
"""How the note begins that `extraction.extensions` makes."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a node of the tree stands for: a volume by its number in the case; in it a folder, or all that is deleted.

    `folder` empty is the whole volume. A container is a folder too: its members lie in it. Without a volume, an
    `exhibit` with all of its volumes.
    """

    volume: int
    folder: str = ""
    deleted: bool = False
    exhibit: str = ""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Types of content, as `index` names them; with `others` all but these."""

    types: tuple[str, ...]
    others: bool = False


@dataclass(frozen=True, slots=True)
class Same:
    """Where else a content is: how many other entries have its SHA-256, and the locators of the first of them."""

    count: int
    locators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VolumeNode:
    """A volume of the tree. `id` is its number in the case, `number` the slot of `mmls`; sizes in bytes; `layers` as in
    locators (`decrypted`), empty for what the device shows as it is."""

    id: int
    exhibit: str
    number: int
    file_system: str
    label: str
    size: int
    outcome: str
    deleted: int
    layers: str = ""


@dataclass(frozen=True, slots=True)
class Shares:
    """Bytes of files by what became of them. Slack and unallocated space are no files and not among them."""

    examined: int
    not_examined: int
    waiting: int


FILE_COLUMNS = ("name", "folder", "type", "size", "modified", "status", "outcome", "sha256")


class ContentsView:
    """The part of `CaseView` that the tree of contents asks."""

    _engine: Engine

    def volume_nodes(self) -> list[VolumeNode]:
        """The volumes of all exhibits, and how many deleted entries each has."""
        v, e = schema.volume, schema.file_entry
        gone = (
            select(func.count())
            .where(e.c.volume_id == v.c.id, e.c.status.in_(("deleted", "deleted-uncertain")))
            .scalar_subquery()
        )
        query = select(
            v.c.id, v.c.exhibit, v.c.number, v.c.file_system, v.c.label, v.c.byte_length, v.c.outcome, gone, v.c.layers
        ).order_by(v.c.exhibit, v.c.number, v.c.layers)
        with self._engine.connect() as connection:
            return [VolumeNode(*row) for row in connection.execute(query)]

    def folders_in(self, volume: int, folder: str = "", after: str = "", limit: int = 2_000) -> tuple[list[str], str]:
        """The names of the folders right in a folder, at most `limit` of them, and what asks for those that follow,
        empty at the end. Found by leaps, however many files lie between. A name may come on two pages.
        """
        t = schema.file_entry
        prefix = f"{folder}/" if folder else ""
        found: dict[str, None] = {}
        # `>` is from inside of a folder, `=` from behind one.
        bound = after or f">{prefix}"
        with self._engine.connect() as connection:
            while True:
                beyond = t.c.folder > bound[1:] if bound[0] == ">" else t.c.folder >= bound[1:]
                query = select(func.min(t.c.folder)).where(t.c.volume_id == volume, beyond)
                if prefix:
                    query = query.where(t.c.folder < folder + BEHIND_SLASH)
                lowest = connection.scalar(query)
                if lowest is None:
                    return list(found), ""
                if len(found) == limit:
                    return list(found), bound
                name = lowest[len(prefix) :].partition("/")[0]
                found[name] = None
                # `HR-old` sorts between `HR` and `HR/…`: only from inside of a folder may one leap behind it.
                at = prefix + name
                bound = f">{at}" if lowest == at else f"={at}{BEHIND_SLASH}"

    def file_ids_in(
        self,
        place: Place | None,
        order_by: str = "id",
        descending: bool = False,
        text: str = "",
        only: str = "",
        kinds: Kinds | None = None,
    ) -> array.array[int]:
        """The numbers of the entries that fit, in order, of what lies in a place of the tree and below it.

        8 bytes a row, so that a table can hold a million. `text` filters on name or folder; `only` is deleted,
        not_examined, archived, known, misnamed (its name says another type than its bytes), repeated (its content is
        there more than once), or empty. Raises `ValueError` for a column that does not exist.
        """
        t = schema.file_entry
        if order_by != "id" and order_by not in FILE_COLUMNS:
            raise ValueError(f"no such column: {order_by}")
        inside = [] if place is None else _inside(place)
        query = select(t.c.id).where(*inside, *filters(text, only, kinds))
        column = t.c[order_by]
        numbers = array.array("q")
        with self._engine.connect() as connection:
            # In pages: fetching a million rows at once would hold the window's thread up.
            streamed = connection.execution_options(yield_per=2_000)
            ordered = query.order_by(column.desc() if descending else column, t.c.id)
            for page in streamed.scalars(ordered).partitions():
                numbers.extend(page)
        return numbers

    def misnamed(self) -> list[tuple[str, str]]:
        """Locator and note of every entry whose name says another type than its bytes, by locator."""
        t = schema.file_entry
        query = select(t.c.locator, t.c.notes).where(*filters("", "misnamed")).order_by(t.c.locator)
        with self._engine.connect() as connection:
            return [
                (locator, next(note for note in notes.split("; ") if note.startswith(MISNAMED)))
                for locator, notes in connection.execute(query)
            ]

    def place_of(self, entry: int) -> Place | None:
        """The folder in which an entry lies; None where there is no such entry."""
        t = schema.file_entry
        with self._engine.connect() as connection:
            row = connection.execute(select(t.c.volume_id, t.c.folder).where(t.c.id == entry)).one_or_none()
        return None if row is None else Place(row.volume_id, row.folder)

    def same_content(self, entry: int, most: int = 5) -> Same:
        """Where else the content of an entry is; nowhere for one that is empty or has no hash."""
        t = schema.file_entry
        here = select(t.c.sha256).where(t.c.id == entry, t.c.size > 0).scalar_subquery()
        others = select(t.c.locator).where(t.c.sha256 == here, t.c.id != entry)
        with self._engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(others.subquery())) or 0
            first = connection.scalars(others.order_by(t.c.locator).limit(most)).all() if count else ()
        return Same(int(count), tuple(first))

    def entry_at(self, locator: str) -> int | None:
        """The number of the entry with this locator; None where there is none."""
        t = schema.file_entry
        with self._engine.connect() as connection:
            return connection.scalar(select(t.c.id).where(t.c.locator == locator))

    def shares(self) -> Shares:
        """Bytes of the files of the image, and of those without an outcome or with a bad one."""
        t = schema.file_entry
        query = (
            select(t.c.outcome, func.coalesce(func.sum(t.c.size), 0))
            .where(t.c.parent_id.is_(None))
            .group_by(t.c.outcome)
        )
        with self._engine.connect() as connection:
            sizes: dict[str | None, int] = {row[0]: row[1] for row in connection.execute(query)}
        return Shares(
            sizes.get("ok", 0) + sizes.get("empty", 0), sizes.get("not_examined", 0) + sizes.get("failed", 0),
            sizes.get(None, 0),
        )  # fmt: skip


def filters(text: str, only: str, kinds: Kinds | None = None) -> list[ColumnElement[bool]]:
    """The conditions of `file_ids_in`."""
    t = schema.file_entry
    found: list[ColumnElement[bool]] = []
    if text:
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found.append(or_(t.c.name.like(pattern, escape="\\"), t.c.folder.like(pattern, escape="\\")))
    if kinds is not None:
        # What is not examined yet has no type, and is of none of them.
        found.append(t.c.type.not_in(kinds.types) if kinds.others else t.c.type.in_(kinds.types))
    if only == "deleted":
        found.append(t.c.status.in_(("deleted", "deleted-uncertain")))
    elif only == "not_examined":
        found.append(t.c.outcome.in_(("not_examined", "failed")))
    elif only == "archived":
        found.append(t.c.status == "child")
    elif only == "known":
        found.append(t.c.id.in_(select(schema.known_file.c.entry_id)))
    elif only == "misnamed":
        found.append(t.c.notes.like(f"%{MISNAMED}%"))
    elif only == "repeated":
        more = select(t.c.sha256).where(t.c.size > 0).group_by(t.c.sha256).having(func.count() > 1)
        found.append(and_(t.c.size > 0, t.c.sha256.in_(more)))
    return found


def _inside(place: Place) -> list[ColumnElement[bool]]:
    t = schema.file_entry
    found: list[ColumnElement[bool]] = []
    if place.volume:
        found.append(t.c.volume_id == place.volume)
    if place.exhibit:
        found.append(t.c.exhibit == place.exhibit)
    if place.folder:
        below = and_(t.c.folder >= f"{place.folder}/", t.c.folder < place.folder + BEHIND_SLASH)
        found.append(or_(t.c.folder == place.folder, below))
    if place.deleted:
        found.append(t.c.status.in_(("deleted", "deleted-uncertain")))
    return found
