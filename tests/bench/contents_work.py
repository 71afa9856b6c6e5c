"""One part of ours over a source, or a library alone as anybody would call it; `contents.py` measures it.

A program of its own, so that nobody is charged with what the bench needs for itself.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.model import FileEntry, Volume

sys.path.insert(0, str(Path(__file__).parents[2]))


def work(what: str, folder: Path) -> None:
    """One part over a source of this folder: `list files.ext4` and the like."""
    part, _, name = what.partition(" ")
    parts = {
        "list": _list, "start": _start, "hash": _hash, "extract": _extract, "calamine": _calamine, "pdfium": _pdfium,
    }  # fmt: skip
    parts[part](folder / name)


def _listed(path: Path) -> list[tuple[Volume, list[FileEntry]]]:
    from forensics.examination.listing import ListEntries, ListVolumes, list_entries, list_volumes

    return [
        (volume, list_entries(ListEntries("E-001", (path,), volume))[0])
        for volume in list_volumes(ListVolumes("E-001", (path,)))
    ]


def _list(path: Path) -> None:
    print(sum(len(entries) for _volume, entries in _listed(path)))


def _start(_path: Path) -> None:
    """The interpreter and the modules that a worker of `index` has, without any work."""
    import forensics.examination.units  # noqa: F401


def _hash(path: Path) -> None:
    from forensics import hashing
    from forensics.evidence.content import open_content
    from forensics.evidence.image import open_image

    with open_image([path]) as image:
        for volume, entries in _listed(path):
            contents = (open_content(image, volume, entry) for entry in entries)
            print("\n".join(hashing.of_bytes(content.read_at(0, content.size)) for content in contents))


def _extract(path: Path) -> None:
    from forensics.extraction.extract import BytesReadable, extract

    found = extract(BytesReadable(path.read_bytes()), path.name.encode())
    print(found.type, found.outcome.kind, sum(piece.length for piece in found.pieces))


def _calamine(folder: Path) -> None:
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(folder / "table.xlsx")
    print(sum(1 for name in book.sheet_names for _ in book.get_sheet_by_name(name).iter_rows()))


def _pdfium(folder: Path) -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(folder / "pages.pdf") as document:
        print(sum(len(page.get_textpage().get_text_range()) for page in document))


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]))
