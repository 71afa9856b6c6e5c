"""The contents as a tree and as shares: what lies in a folder, and how much of all bytes was examined."""

from __future__ import annotations

import array
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, func, or_, select

from forensics.casefile import schema

BEHIND_SLASH = "0"
"""The character behind `/`: a text that begins with `HR/` is at least `HR/` and less than `HR0`."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a node of the tree stands for: a volume by its number in the case; in it a folder, or all that is deleted.

    `folder` empty is the whole volume. A container is a folder too: its members lie in it.
    """

    volume: int
    folder: str = ""
    deleted: bool = False


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

    def folders_in(self, volume: int, folder: str = "", limit: int = 10_000) -> list[str]:
        """The names of the folders right in a folder, in order; found by leaps, however many files lie between."""
        t = schema.file_entry
        prefix = f"{folder}/" if folder else ""
        found: dict[str, None] = {}
        beyond: ColumnElement[bool] = t.c.folder > prefix
        with self._engine.connect() as connection:
            while len(found) < limit:
                query = select(func.min(t.c.folder)).where(t.c.volume_id == volume, beyond)
                if prefix:
                    query = query.where(t.c.folder < folder + BEHIND_SLASH)
                lowest = connection.scalar(query)
                if lowest is None:
                    break
                name = lowest[len(prefix) :].partition("/")[0]
                found[name] = None
                # `HR-old` sorts between `HR` and `HR/…`: only from inside of a folder may one leap behind it.
                at = prefix + name
                beyond = t.c.folder > at if lowest == at else t.c.folder >= at + BEHIND_SLASH
        return sorted(found)

    def file_ids_in(
        self, place: Place, order_by: str = "id", descending: bool = False, text: str = "", only: str = ""
    ) -> array.array[int]:
        """As `file_ids`, of what lies in a place of the tree and below it."""
        t = schema.file_entry
        query = select(t.c.id).where(t.c.volume_id == place.volume, *_inside(place), *filters(text, only))
        column = t.c[order_by]
        numbers = array.array("q")
        with self._engine.connect() as connection:
            streamed = connection.execution_options(yield_per=2_000)
            ordered = query.order_by(column.desc() if descending else column, t.c.id)
            for page in streamed.scalars(ordered).partitions():
                numbers.extend(page)
        return numbers

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


def filters(text: str, only: str) -> list[ColumnElement[bool]]:
    """The conditions of the filter field, and of the quick filter `only`: deleted, not_examined, archived, known."""
    t = schema.file_entry
    found: list[ColumnElement[bool]] = []
    if text:
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found.append(or_(t.c.name.like(pattern, escape="\\"), t.c.folder.like(pattern, escape="\\")))
    if only == "deleted":
        found.append(t.c.status.in_(("deleted", "deleted-uncertain")))
    elif only == "not_examined":
        found.append(t.c.outcome.in_(("not_examined", "failed")))
    elif only == "archived":
        found.append(t.c.status == "child")
    elif only == "known":
        found.append(t.c.id.in_(select(schema.known_file.c.entry_id)))
    return found


def _inside(place: Place) -> list[ColumnElement[bool]]:
    t = schema.file_entry
    found: list[ColumnElement[bool]] = []
    if place.folder:
        below = and_(t.c.folder >= f"{place.folder}/", t.c.folder < place.folder + BEHIND_SLASH)
        found.append(or_(t.c.folder == place.folder, below))
    if place.deleted:
        found.append(t.c.status.in_(("deleted", "deleted-uncertain")))
    return found
