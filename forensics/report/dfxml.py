"""Digital Forensics XML 1.1.1 as `fiwalk` writes it: what stands where on the device, for other tools to compare.

The order of elements is that of the schema of the DFXML working group. `id` holds the locator, which is unique.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from forensics.model import Run

HEAD = """<?xml version='1.0' encoding='UTF-8'?>
<dfxml xmlns='http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML'
 xmlns:dc='http://purl.org/dc/elements/1.1/' version='1.1.1'>
  <metadata><dc:type>Disk Image</dc:type></metadata>"""

_DAY, _FAT_TIME = "86400", "2"


@dataclass(frozen=True, slots=True)
class DfxmlVolume:
    """A volume; `offset` is in bytes of the device, `number` the slot of `mmls`."""

    number: int
    offset: int
    length: int
    sector_size: int
    block_size: int
    file_system: str


@dataclass(frozen=True, slots=True)
class DfxmlFile:
    """One entry of a volume. `runs` hold bytes of the device; hashes are empty where the content was not read."""

    locator: str
    path: str
    deleted: bool
    archived: bool
    size: int
    address: int
    modified: str
    accessed: str
    created: str
    runs: tuple[Run, ...]
    md5: str
    sha1: str
    sha256: str


def dfxml(
    program: str, version: str, image: str, volumes: Iterable[tuple[DfxmlVolume, Iterable[DfxmlFile]]]
) -> Iterator[str]:
    """The document in lines, without their ends."""
    yield HEAD
    yield f"  <creator version='1.0'><program>{escape(program)}</program><version>{escape(version)}</version></creator>"
    yield f"  <source><image_filename>{escape(image)}</image_filename></source>"
    for volume, files in volumes:
        yield f"  <volume offset='{volume.offset}'>"
        yield f"    <partition_offset>{volume.offset}</partition_offset>"
        yield f"    <sector_size>{volume.sector_size}</sector_size>"
        if volume.block_size:
            yield f"    <block_size>{volume.block_size}</block_size>"
        yield f"    <ftype_str>{escape(volume.file_system.lower())}</ftype_str>"
        if volume.block_size:
            yield f"    <block_count>{max(1, volume.length // volume.block_size)}</block_count>"
        for file in files:
            yield from _file(volume, file)
        yield "  </volume>"
    yield "</dfxml>"


def _file(volume: DfxmlVolume, f: DfxmlFile) -> Iterator[str]:
    yield "    <fileobject>"
    yield f"      <filename>{escape(f.path)}</filename>"
    yield f"      <partition>{volume.number}</partition>"
    yield f"      <id>{escape(f.locator)}</id>"
    yield "      <name_type>r</name_type>"
    yield f"      <filesize>{f.size}</filesize>"
    yield "      <unalloc>1</unalloc>" if f.deleted else "      <alloc>1</alloc>"
    if not f.archived:
        yield f"      <inode>{f.address}</inode>"
        fat = "fat" in volume.file_system.lower()
        for name, time in (("mtime", f.modified), ("atime", f.accessed), ("crtime", f.created)):
            if time:
                day = "T" not in time
                precision = _DAY if day else _FAT_TIME if fat else ""
                prec = f" prec={quoteattr(precision)}" if precision else ""
                yield f"      <{name}{prec}>{escape(time)}{'T00:00:00' if day else ''}</{name}>"
    if f.runs:
        yield "      <byte_runs>"
        for run in f.runs:
            yield (
                f"        <byte_run file_offset='{run.file_offset}' fs_offset='{run.device_offset - volume.offset}'"
                f" img_offset='{run.device_offset}' len='{run.length}'/>"
            )
        yield "      </byte_runs>"
    for kind, digest in (("md5", f.md5), ("sha1", f.sha1), ("sha256", f.sha256)):
        if digest:
            yield f"      <hashdigest type='{kind}'>{digest}</hashdigest>"
    yield "    </fileobject>"
