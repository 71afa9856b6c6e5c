"""The list of contents in the formats of other tools: bodyfile for mactime, DFXML, hashdeep, sha256sum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from forensics import __version__
from forensics.casefile.listing_view import ListedFile
from forensics.casefile.views import CaseView
from forensics.model import LAYER_BITS
from forensics.report.bodyfile import BodyEntry, bodyfile
from forensics.report.dfxml import DfxmlFile, DfxmlVolume, dfxml

KINDS = ("bodyfile", "dfxml", "hashdeep", "sha256sum")

HASHDEEP = ("%%%% HASHDEEP-1.0", "%%%% size,md5,sha1,sha256,filename", "## Names are the locators of the contents.")
"""The head of the file format of hashdeep(1)."""


_Counted = Callable[[Iterable[ListedFile]], Iterator[ListedFile]]


def document(view: CaseView, kind: str) -> tuple[bytes, int]:
    """The document and how many entries it has. One volume's entries are in it by locator."""
    listed = 0

    def counted(files: Iterable[ListedFile]) -> Iterator[ListedFile]:
        nonlocal listed
        for file in files:
            listed += 1
            yield file

    if kind == "bodyfile":
        lines: Iterable[str] = bodyfile(
            BodyEntry(f.locator, f.status.startswith("deleted"), f.address, f.size, f.md5, f.accessed, f.modified, "",
                      f.created)
            for f in counted(view.listing()) if not f.archived
        )  # fmt: skip
    elif kind == "dfxml":
        lines = _dfxml(view, counted)
    else:
        hashed = counted(f for f in view.listing() if f.sha256)
        if kind == "sha256sum":
            # No locator holds a line break or a backslash, so none has to be escaped as sha256sum(1) would.
            lines = (f"{f.sha256}  {f.locator}" for f in hashed)
        else:
            # hashdeep takes all that follows the last digest as the name, commas included.
            rows = (f"{f.size},{f.md5},{f.sha1},{f.sha256},{f.locator}" for f in hashed)
            lines = (line for part in (HASHDEEP, rows) for line in part)
    data = b"".join(line.encode("utf-8") + b"\n" for line in lines)
    return data, listed


def _dfxml(view: CaseView, counted: _Counted) -> Iterator[str]:
    sectors = {a.exhibit: a.sector_size for a in view.acquisitions()}
    images = ", ".join(name for a in view.acquisitions() for name in a.segments[:1])
    volumes = []
    for exhibit in view.exhibits():
        of_exhibit = [v for v in view.volumes() if v.exhibit == exhibit.label]
        for volume, number in zip(of_exhibit, view.volume_numbers(exhibit.label), strict=True):
            # What is in a layer has no place on the image that DFXML could name: no runs, and no offset.
            on_image = not volume.offset >> LAYER_BITS
            made = DfxmlVolume(
                volume.number, volume.offset if on_image else 0, volume.length,
                sectors.get(volume.exhibit, 512), volume.block_size, volume.file_system,
            )  # fmt: skip
            volumes.append((made, map(_dfxml_file, counted(view.listing(number, with_runs=on_image)))))
    return dfxml("DriveCustody", __version__, images, volumes)


def _dfxml_file(f: ListedFile) -> DfxmlFile:
    return DfxmlFile(
        f.locator, f.path, f.status.startswith("deleted"), f.archived, f.size, f.address, f.modified, f.accessed,
        f.created, f.runs, f.md5, f.sha1, f.sha256,
    )  # fmt: skip
