"""The bodyfile of The Sleuth Kit, version 3: one line an entry, read by `mactime` and most timeline tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

HEAD = (
    "# MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime",
    "# Times of FAT have no zone: they stand here as if they were UTC.",
)


@dataclass(frozen=True, slots=True)
class BodyEntry:
    """One entry; `name` is its locator. Times are ISO 8601, empty where there is none, local where without a zone."""

    name: str
    deleted: bool
    address: int
    size: int
    md5: str
    accessed: str
    modified: str
    changed: str
    created: str


def bodyfile(entries: Iterable[BodyEntry]) -> Iterator[str]:
    """The lines, without their ends."""
    yield from HEAD
    for e in entries:
        # mactime turns %XX back into bytes, and a name may hold the sign that separates its fields, or a line break.
        name = e.name.replace("%", "%25").replace("|", "%7C") + (" (deleted)" if e.deleted else "")
        times = "|".join(str(seconds(time)) for time in (e.accessed, e.modified, e.changed, e.created))
        yield f"{e.md5 or 0}|{name}|{e.address}|r/rrwxrwxrwx|0|0|{e.size}|{times}"


def seconds(time: str) -> int:
    """Seconds since 1970-01-01, 0 where there is no time or it is none; mactime reads neither negative nor parts."""
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        return 0
    return max(0, int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()))
