"""7z archives, unpacked in memory within the limits."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from typing import Any

import py7zr
from py7zr.exceptions import ArchiveError, PasswordRequired
from py7zr.io import Py7zIO, WriterFactory

from forensics.extraction.archives import EXPANDS
from forensics.extraction.content import (
    CHILD_LIMIT,
    CHILDREN_COUNT,
    CHILDREN_LIMIT,
    RATIO_FREE,
    RATIO_LIMIT,
    Content,
    Damaged,
    Found,
    NotExamined,
)
from forensics.extraction.locked import LOCKED, note_of, tries
from forensics.model import Child, failed


def extract(content: Content) -> Iterator[Found]:
    """Each file of the archive as a child. What was whole before damage or a limit is kept."""
    for password in tries(content):
        members = _Members(max(RATIO_FREE, RATIO_LIMIT * content.size))
        names: list[str] = []
        problem = ""
        try:
            with content.stream() as stream, py7zr.SevenZipFile(stream, password=password or None) as archive:
                if archive.needs_password() and not password:
                    continue
                if len(archive.files.files_list) > CHILDREN_COUNT:
                    raise NotExamined(f"more than {CHILDREN_COUNT:,} members")
                for number, entry in enumerate(archive.files.files_list):
                    names.append(str(entry["filename"]))
                    # The library would refuse the whole archive for one name that climbs out of a folder.
                    entry["filename"] = f"m{number}"
                locked = archive.needs_password()
                archive.extractall(factory=members)
        except PasswordRequired:
            continue
        except (ArchiveError, lzma.LZMAError, EOFError, ValueError, OSError, TypeError, KeyError) as error:
            if password and not any(member.done for member in members.made.values()):
                continue
            problem = f"the archive is damaged ({type(error).__name__})"
        if not problem and locked:
            yield note_of(password)
        for number, member in members.made.items():
            name = names[number].encode("utf-8", "surrogateescape")
            data = bytes(member.data)
            whole = member.done or not problem
            yield Child(name, data) if whole else Child(name, data, failed("the member is damaged or cut short"))
        if problem:
            raise Damaged(problem)
        return
    raise NotExamined(LOCKED)


class _Member(Py7zIO):
    """One member as it is unpacked."""

    def __init__(self, all_of_them: _Members) -> None:
        self.data = bytearray()
        self.done = False
        self._all = all_of_them

    def write(self, s: bytes | bytearray) -> int:
        self._all.left -= len(s)
        if self._all.left < 0 or len(self.data) + len(s) > CHILD_LIMIT:
            raise NotExamined(EXPANDS)
        self.data += s
        return len(s)

    def read(self, size: int | None = None) -> bytes:  # noqa: ARG002
        return bytes(self.data)

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: ARG002
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return len(self.data)

    def close(self) -> None:
        self.done = True


class _Members(WriterFactory):
    """All members of one archive, by number, and how many bytes they may still take together."""

    def __init__(self, ratio_limit: int) -> None:
        self.made: dict[int, _Member] = {}
        self.left = min(ratio_limit, CHILDREN_LIMIT)

    def create(self, filename: str) -> Any:
        member = self.made[int(filename.rpartition("m")[2])] = _Member(self)
        return member
