"""Whether the extension of a name claims another type than the bytes are: a way to hide a file, or a sign of damage.

Only extensions that name one kind of content count, and only those of this table are ever quoted.
"""

from __future__ import annotations

_TEXT = frozenset(
    {"text", "utf-16 text", "csv", "json", "xml", "html", "eml", "mbox", "rtf", "hl7", "x12", "fhir", "fhir xml"}
) | {"c-cda"}
_ZIPPED = frozenset({"zip", "epub", "xlsx", "xlsm", "xlsb", "docx", "pptx", "ods", "odt", "odp"})
_MEDIA = frozenset({"audio", "video"})
"""One container holds either, and libmagic's names for both begin so."""

_LOCKABLE = frozenset({"encrypted-office"})

_CLAIMS: dict[str, frozenset[str]] = {
    "jpg": frozenset({"jpeg"}),
    "jpeg": frozenset({"jpeg"}),
    "png": frozenset({"png"}),
    "gif": frozenset({"gif"}),
    "tif": frozenset({"tiff"}),
    "tiff": frozenset({"tiff"}),
    "bmp": frozenset({"bmp"}),
    "webp": frozenset({"webp"}),
    "pdf": frozenset({"pdf"}),
    "txt": _TEXT,
    "log": _TEXT,
    "csv": _TEXT,
    "tsv": _TEXT,
    "json": _TEXT,
    "xml": _TEXT,
    "htm": _TEXT,
    "html": _TEXT,
    "eml": _TEXT,
    "rtf": _TEXT,
    # Excel and Word write and open each of their formats, web pages and text under their old names too.
    "xls": _TEXT | _LOCKABLE | {"xls", "xlsx", "xlsm", "xlsb"},
    "doc": _TEXT | _LOCKABLE | {"doc", "docx"},
    "ppt": _LOCKABLE | {"ppt", "pptx"},
    "xlsx": _LOCKABLE | {"xlsx", "xlsm"},
    "xlsm": _LOCKABLE | {"xlsm", "xlsx"},
    "xlsb": _LOCKABLE | {"xlsb"},
    "docx": _LOCKABLE | {"docx"},
    "pptx": _LOCKABLE | {"pptx"},
    "ods": frozenset({"ods"}),
    "odt": frozenset({"odt"}),
    "odp": frozenset({"odp"}),
    "epub": frozenset({"epub"}),
    "zip": _ZIPPED,
    "7z": frozenset({"7z"}),
    "rar": frozenset({"rar"}),
    "cab": frozenset({"cab"}),
    "gz": frozenset({"gzip"}),
    "tgz": frozenset({"gzip"}),
    "bz2": frozenset({"bz2"}),
    "xz": frozenset({"xz"}),
    "zst": frozenset({"zstd"}),
    "tar": frozenset({"tar"}),
    "pst": frozenset({"pst"}),
    "ost": frozenset({"pst"}),
    "msg": frozenset({"msg"}),
    "mdb": frozenset({"access"}),
    "accdb": frozenset({"access"}),
    "parquet": frozenset({"parquet"}),
    "exe": frozenset({"exe"}) | _ZIPPED | {"7z", "rar", "cab"},
    "dll": frozenset({"exe"}),
    "heic": frozenset({"heif"}),
    "iso": frozenset({"iso"}),
    "one": frozenset({"onenote"}),
    "kdbx": frozenset({"keepass"}),
    **dict.fromkeys(("mp3", "wav", "m4a", "flac", "ogg", "wma", "mp4", "mov", "avi", "mkv", "wmv", "m4v"), _MEDIA),
}


def misleading_name(kind: str, untrusted_name: bytes) -> list[str]:
    """One phrase where the extension claims another type than `kind`; none where it claims nothing, or the truth."""
    extension = untrusted_name.rpartition(b".")[2].lower().decode("ascii", "replace")
    claimed = _CLAIMS.get(extension) if b"." in untrusted_name else None
    if claimed is None or not claimed.isdisjoint((kind, kind.partition("/")[0])) or kind in ("empty", "unreadable"):
        return []
    return [f"its name says {extension}, its bytes do not"]
