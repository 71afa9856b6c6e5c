"""OLE compound files ([MS-CFB]): reading their streams, and making one of a storage that is embedded in another.

A document embedded in an old Office file is a storage with streams, not a file. Written out as a compound file of its
own it goes through the same examination as any other.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import olefile

from forensics.extraction.content import CHILD_LIMIT, Content, Found, NotExamined, one_line, pieces
from forensics.model import Child, Piece, Unit

Tree = Mapping[str, "bytes | Tree"]
"""Streams and storages by name."""

_SECTOR = 512
_FREE, _END_OF_CHAIN, _FAT_SECTOR, _DIFAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_MINI_CUTOFF, _MINI_SECTOR = 4096, 64
_MAJOR_STREAMS = ("WordDocument", "Workbook", "Book", "PowerPoint Document")
_DEEPEST = 12


_VECTOR = 0x1000
"""[MS-OLEPS] 2.15: the flag of a property that has many values; how many stands before them."""


class _Bounded(olefile.OleFileIO):  # type: ignore[misc]
    """olefile, which counts as far as a vector says: for values of a kind unknown to it without getting anywhere."""

    def _parse_property(self, s: bytes, offset: int, property_id: int, property_type: int, *how: Any) -> Any:
        if property_type & _VECTOR and int.from_bytes(s[offset : offset + 4], "little") > len(s):
            raise ValueError("more values than bytes")
        return super()._parse_property(s, offset, property_id, property_type, *how)


def opened(data: bytes) -> Any:
    """The compound file as olefile reads it; a context manager. Damage is skipped where it can be."""
    return _Bounded(io.BytesIO(data))


def stream(compound: Any, *path: str) -> bytes:
    """The bytes of a stream, empty where there is none of this name."""
    return bytes(compound.openstream(list(path)).read()) if compound.exists(list(path)) else b""


def tree(compound: Any, prefix: tuple[str, ...] = ()) -> dict[str, Any]:
    """All streams and storages below `prefix`. Raises `NotExamined` where they are nested or grow beyond the limit."""
    found: dict[str, Any] = {}
    size = 0
    for path in compound.listdir(streams=True, storages=False):
        if tuple(path[: len(prefix)]) != prefix or len(path) == len(prefix):
            continue
        if len(path) > _DEEPEST:
            raise NotExamined("storages nested deeper than the limit")
        here = found
        for name in path[len(prefix) : -1]:
            here = here.setdefault(name, {})
            if not isinstance(here, dict):
                break
        else:
            data = bytes(compound.openstream(path).read())
            size += len(data)
            if size > CHILD_LIMIT:
                raise NotExamined("more packed content than the limit")
            here[path[-1]] = data
    return found


def embedded(compound: Any) -> Iterator[Child]:
    """Documents and files that the compound file embeds, wherever in it they stand."""
    storages = [tuple(path) for path in compound.listdir(streams=False, storages=True)]
    taken: list[tuple[str, ...]] = []
    for path in sorted(storages, key=len):
        if any(path[: len(other)] == other for other in taken):
            continue
        name = path[-1].encode("utf-8", "replace")
        held = {p[len(path)] for p in map(tuple, compound.listdir()) if p[: len(path)] == path and len(p) > len(path)}
        if held & set(_MAJOR_STREAMS):
            taken.append(path)
            yield Child(name, rebuilt(tree(compound, path)))
            continue
        for inner in ("Package", "CONTENTS", "EmbeddedOdf"):
            if inner in held and (data := stream(compound, *path, inner)):
                yield Child(name, data)
        if "\x01Ole10Native" in held:
            yield from _native(stream(compound, *path, "\x01Ole10Native"), name)


def _native(data: bytes, fallback: bytes) -> Iterator[Child]:
    """The file in an OLE 1.0 package ([MS-OLEDS] 2.3.6): size, label, path, another path, then the bytes."""
    if len(data) < 8:
        return
    at = 6
    label_end = data.find(b"\0", at)
    path_end = data.find(b"\0", label_end + 1)
    if min(label_end, path_end) < 0 or path_end - at > 1024:
        yield Child(fallback, data[4:])
        return
    label = data[at:label_end]
    at = path_end + 1 + 4
    (length,) = struct.unpack_from("<I", data, at) if at + 4 <= len(data) else (0,)
    at += 4 + length
    (size,) = struct.unpack_from("<I", data, at) if at + 4 <= len(data) else (0,)
    body = data[at + 4 : at + 4 + size]
    yield Child(label or fallback, body) if body else Child(fallback, data[4:])


def embedded_object(data: bytes, fallback: bytes) -> Iterator[Child]:
    """The file in an embedded object of OLE 1.0 ([MS-OLEDS] 2.2.5), as RTF has it; all bytes where it is none."""
    at, names = 8, []
    for _ in range(3):
        (length,) = struct.unpack_from("<I", data, at) if at + 4 <= len(data) else (len(data),)
        names.append(data[at + 4 : at + 4 + length].rstrip(b"\0"))
        at += 4 + length
    if data[4:8] != b"\2\0\0\0" or at + 4 > len(data):
        yield Child(fallback, data)
        return
    (size,) = struct.unpack_from("<I", data, at)
    body = data[at + 4 : at + 4 + size]
    if names[0] == b"Package":
        yield from _native(struct.pack("<I", len(body)) + body, fallback)
    else:
        yield Child(fallback, body)


def properties(compound: Any) -> Iterator[Piece]:
    """Title, authors, company and what else the property sets say: a stream `properties`, one a line."""
    try:
        metadata = compound.get_metadata()
    except Exception:
        # The document does not hang on them, and olefile raises what struct and datetime raise.
        return
    lines = []
    for name in (*metadata.SUMMARY_ATTRIBS, *metadata.DOCSUM_ATTRIBS):
        value = getattr(metadata, name, None)
        if isinstance(value, bytes):
            value = value.rstrip(b"\0").decode("cp1252", "replace")
        if value and name not in ("thumbnail", "codepage", "codepage_doc", "security") and not isinstance(value, int):
            lines.append(one_line(f"{name}: {value}"))
    yield from pieces(lines, ("properties",), Unit.LINE)


def extract_any(content: Content) -> Iterator[Found]:
    """What a compound file of no known kind embeds, and its properties. A directory that is lost fails it."""
    with opened(content.whole()) as compound:
        yield from properties(compound)
        yield from embedded(compound)


# ----------------------------------------------------------------------------------------------------------- writing


def rebuilt(streams: Tree) -> bytes:
    """A compound file (version 3) that holds these streams and storages, byte for byte."""
    entries: list[tuple[str, int, bytes, int]] = []  # name, kind (1 storage, 2 stream, 5 root), data, first child
    siblings: dict[int, int] = {}

    def add(name: str, node: bytes | Tree, kind: int) -> int:
        number = len(entries)
        if isinstance(node, bytes):
            entries.append((name, kind, node, _FREE))
            return number
        entries.append((name, kind, b"", _FREE))
        last = _FREE
        # [MS-CFB] 2.6.4 orders names by length first; a chain of right siblings in that order is a valid search tree.
        for inner in sorted(node, key=lambda name: (len(name), name.upper())):
            child = add(inner, node[inner], 2 if isinstance(node[inner], bytes) else 1)
            if last == _FREE:
                entries[number] = (name, kind, b"", child)
            else:
                siblings[last] = child
            last = child
        return number

    add("Root Entry", streams, 5)
    body: list[bytes] = []
    fat: list[int] = []
    starts: list[int] = []

    def chain(data: bytes, table: list[int], unit: int, into: list[bytes]) -> int:
        """Append data in sectors of `unit` bytes and their chain; where it begins."""
        count = -(-len(data) // unit)
        start = len(table)
        table += [start + n + 1 for n in range(count - 1)] + [_END_OF_CHAIN] * bool(count)
        into.append(data + bytes(count * unit - len(data)))
        return start if count else _END_OF_CHAIN

    small: list[bytes] = []
    mini_fat: list[int] = []
    for _, _, data, _ in entries:
        mini = len(data) < _MINI_CUTOFF
        starts.append(chain(data, mini_fat, _MINI_SECTOR, small) if mini else chain(data, fat, _SECTOR, body))
    # The root's own stream holds all small ones.
    name, kind, _, first = entries[0]
    entries[0] = (name, kind, b"".join(small), first)
    starts[0] = chain(entries[0][2], fat, _SECTOR, body)
    mini_fat += [_FREE] * (-len(mini_fat) % (_SECTOR // 4))
    mini_start = chain(struct.pack(f"<{len(mini_fat)}I", *mini_fat), fat, _SECTOR, body)
    directory = b"".join(
        _entry(name, kind, child, siblings.get(number, _FREE), starts[number], len(data))
        for number, (name, kind, data, child) in enumerate(entries)
    )
    directory_start = chain(directory, fat, _SECTOR, body)
    fat_sectors = difat_sectors = 0
    while True:
        total = len(fat) + fat_sectors + difat_sectors
        need = -(-total * 4 // _SECTOR)
        need_difat = -(-max(0, need - 109) // 127)
        if (need, need_difat) == (fat_sectors, difat_sectors):
            break
        fat_sectors, difat_sectors = need, need_difat
    fat_start = len(fat)
    difat_start = fat_start + fat_sectors
    fat += [_FAT_SECTOR] * fat_sectors + [_DIFAT_SECTOR] * difat_sectors
    fat += [_FREE] * (-len(fat) % (_SECTOR // 4))
    places = [fat_start + n for n in range(fat_sectors)]
    difat = b""
    for n in range(difat_sectors):
        share = places[109 + 127 * n : 109 + 127 * (n + 1)]
        following = difat_start + n + 1 if n + 1 < difat_sectors else _END_OF_CHAIN
        difat += struct.pack("<128I", *share, *[_FREE] * (127 - len(share)), following)
    head = struct.pack(
        "<8s16s5H6x9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0, fat_sectors,
        directory_start, 0, _MINI_CUTOFF, mini_start, len(mini_fat) * 4 // _SECTOR,
        difat_start if difat_sectors else _END_OF_CHAIN, difat_sectors,
    )  # fmt: skip
    head += struct.pack("<109I", *places[:109], *[_FREE] * max(0, 109 - len(places)))
    return b"".join([head, *body, struct.pack(f"<{len(fat)}I", *fat), difat])


def _entry(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
    """[MS-CFB] 2.6.1: one directory entry of 128 bytes."""
    wide = name.encode("utf-16-le")[:62] + b"\0\0"
    return struct.pack(
        "<64sH2B3I16sI8s8sIQ", wide, len(wide), kind, 1, _FREE, right, child, b"", 0, b"", b"", start, size
    )
