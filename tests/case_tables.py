"""The tables that `index` fills, to hold one case against another."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from forensics.casefile import database, protection
from forensics.casefile.case import CaseFolder

PASSPHRASE = {"DRIVECUSTODY_PASSPHRASE": "a passphrase for tests"}

# Numbers of rows follow the order in which workers ended, so rows are compared by the locator they belong to.
TABLES = {
    "volume": (
        "SELECT exhibit, number, byte_offset, byte_length, kind, file_system, label, block_size, outcome, reason, "
        "walked FROM volume"
    ),
    "file_entry": (
        "SELECT f.locator, p.locator, f.depth, f.name, f.folder, f.status, f.size, f.address, f.modified, f.created, "
        "f.accessed, f.clock, f.runs, f.uncertain_because, f.type, f.md5, f.sha1, f.sha256, f.outcome, f.reason, "
        "f.has_pieces FROM file_entry f LEFT JOIN file_entry p ON p.id = f.parent_id"
    ),
    "piece": (
        "SELECT f.locator, p.steps, p.unit, p.is_table, p.first, p.byte_offset, p.byte_length, p.encoding, "
        "p.delimiter, p.overlap, p.data FROM piece p JOIN file_entry f ON f.id = p.entry_id"
    ),
    "content": (
        "SELECT f.locator, c.part, c.byte_offset, c.data FROM content c JOIN file_entry f ON f.id = c.entry_id"
    ),
    "volume_layout": (
        "SELECT v.number, l.slack, l.packed, l.allocated FROM volume_layout l JOIN volume v ON v.id = l.volume_id"
    ),
    "shadow_store": ("SELECT v.number, s.blocks, s.held FROM shadow_store s JOIN volume v ON v.id = s.volume_id"),
    "same_content": (
        "SELECT f.locator, o.locator FROM same_content s JOIN file_entry f ON f.id = s.entry_id "
        "JOIN file_entry o ON o.id = s.same_as"
    ),
    "coverage": "SELECT exhibit, volume, fate, bytes FROM coverage",
    "implausible": (
        "SELECT f.locator, i.kind, i.bytes, i.places, i.first_offset FROM implausible i "
        "JOIN file_entry f ON f.id = i.entry_id"
    ),
}


def tables(case: Path) -> dict[str, list[tuple[object, ...]]]:
    folder = CaseFolder(case)
    key = protection.unlock(folder.key_file, PASSPHRASE["DRIVECUSTODY_PASSPHRASE"])
    engine = database.reader(folder.database, key)
    with engine.connect() as connection:
        found = {name: sorted(map(repr, connection.execute(text(query)))) for name, query in TABLES.items()}
    engine.dispose()
    return found  # type: ignore[return-value]
