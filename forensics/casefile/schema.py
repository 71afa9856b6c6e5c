"""The tables of a case. Everything that was derived from the exhibit or from the records lives here, encrypted."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 5

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

fact = Table(
    "fact",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
    comment="Case details, stage marks and results, each a JSON value",
)

exhibit = Table(
    "exhibit",
    metadata,
    Column("label", String, primary_key=True),
    Column("received_utc", String, nullable=False),
    Column("details", Text, nullable=False),
)

acquisition = Table(
    "acquisition",
    metadata,
    Column("exhibit", String, ForeignKey("exhibit.label"), primary_key=True),
    Column("document", Text, nullable=False),
)

volume = Table(
    "volume",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("exhibit", String, ForeignKey("exhibit.label"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("byte_offset", Integer, nullable=False),
    Column("byte_length", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("file_system", String, nullable=False),
    Column("label", String, nullable=False),
    Column("block_size", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("walked", Boolean, nullable=False, default=False),
    Column("layers", String, nullable=False, default="", comment="steps from the device's bytes, as in locators"),
    UniqueConstraint("exhibit", "number", "layers"),
)

layer = Table(
    "layer",
    metadata,
    Column("volume_id", Integer, ForeignKey("volume.id"), primary_key=True, comment="what was found in it"),
    Column("holder_id", Integer, ForeignKey("volume.id"), nullable=False, comment="what it was read out of"),
    Column("base", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("data_offset", Integer),
    Column("key", String, nullable=False, comment="the password that opened it"),
    comment="Volumes whose bytes are on the device in another form; see model.Layer",
)

file_entry = Table(
    "file_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("exhibit", String, ForeignKey("exhibit.label"), nullable=False),
    Column("volume_id", Integer, ForeignKey("volume.id"), nullable=False),
    Column("parent_id", Integer, ForeignKey("file_entry.id"), comment="the container a child came out of"),
    Column("depth", Integer, nullable=False),
    Column("locator", String, nullable=False),
    Column("name", String, nullable=False, comment="escaped for people; the bytes are in the locator"),
    Column("folder", String, nullable=False),
    Column("status", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("address", Integer, nullable=False),
    Column("modified", String, nullable=False),
    Column("created", String, nullable=False),
    Column("accessed", String, nullable=False),
    Column("clock", String, nullable=False),
    Column("runs", LargeBinary, nullable=False, comment="int64 triples: file offset, device offset, length"),
    Column("uncertain_because", String, nullable=False),
    Column("type", String),
    Column("md5", String),
    Column("sha1", String),
    Column("sha256", String),
    Column("outcome", String, comment="NULL is work left to do"),
    Column("reason", String, nullable=False, default=""),
    Column("has_pieces", Boolean, nullable=False, default=False),
    Column("notes", String, nullable=False, default="", comment="fixed phrases beside the outcome, by semicolon"),
    UniqueConstraint("locator"),
    Index(None, "outcome"),
    Index(None, "name"),
    Index(None, "folder"),
    Index(None, "size"),
    Index(None, "type"),
    Index(None, "modified"),
    Index(None, "status"),
    Index(None, "sha256"),
    Index(None, "volume_id", "folder"),
)

shadow_store = Table(
    "shadow_store",
    metadata,
    Column("volume_id", Integer, ForeignKey("volume.id"), primary_key=True, comment="what the shadow copy is"),
    Column("blocks", LargeBinary, nullable=False, comment="int64 pairs: start and end in the shadow copy"),
    Column("held", LargeBinary, nullable=False, comment="int64 pairs: start and end of addresses, merged"),
    comment="What the store of a shadow copy holds itself; everything else of it is the volume's or a newer store's",
)

same_content = Table(
    "same_content",
    metadata,
    Column("entry_id", Integer, ForeignKey("file_entry.id"), primary_key=True),
    Column("same_as", Integer, ForeignKey("file_entry.id"), nullable=False),
    comment="Entries of shadow copies whose content is that of another entry, which is examined in their place",
)

content = Table(
    "content",
    metadata,
    Column("entry_id", Integer, ForeignKey("file_entry.id"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("byte_offset", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    comment="What a container held and the image does not show in clear: Zstandard (RFC 8878) parts",
)

piece = Table(
    "piece",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entry_id", Integer, ForeignKey("file_entry.id"), nullable=False, index=True),
    Column("steps", Text, nullable=False),
    Column("unit", String, nullable=False),
    Column("is_table", Boolean, nullable=False),
    Column("first", Integer, nullable=False),
    Column("byte_offset", Integer, nullable=False),
    Column("byte_length", Integer, nullable=False),
    Column("encoding", String, nullable=False),
    Column("delimiter", String, nullable=False),
    Column("overlap", Integer, nullable=False),
    Column("data", LargeBinary, comment="Zstandard; NULL where the bytes stand in the content itself"),
)

search_part = Table(
    "search_part",
    metadata,
    Column("id", Integer, primary_key=True, comment="the row of the full-text index"),
    Column("piece_id", Integer, nullable=False, index=True),
    Column("entry_id", Integer, nullable=False, index=True),
    Column("byte_offset", Integer, nullable=False, comment="in the piece"),
    Column("first", Integer, nullable=False, comment="number of the first row or line; 0 where there are none"),
    Column("own", Integer, nullable=False, comment="characters that are not repeated at the start of the next part"),
    comment="The text of a piece in parts as `search` finds them",
)

search_body = Table(
    "search_body",
    metadata,
    Column("part_id", Integer, primary_key=True),
    Column("text", LargeBinary, nullable=False, comment="Zstandard: UTF-8; a table as lines of cells"),
)

search_piece = Table(
    "search_piece",
    metadata,
    Column("piece_id", Integer, primary_key=True, comment="a piece whose text is in the full-text index"),
    Column("reason", String, nullable=False, default="", comment="why its text is not; empty where it is"),
)

known_set = Table(
    "known_set",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("hashes", Integer, nullable=False),
    Column("added_utc", String, nullable=False),
    UniqueConstraint("name"),
)

known_file = Table(
    "known_file",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("set_id", Integer, ForeignKey("known_set.id"), primary_key=True),
    Column("by", String, nullable=False, comment="the algorithm whose digest is in the set"),
    Index(None, "set_id"),
    comment="Entries whose content is in a set of known files; the sets themselves stay outside of the case",
)

implausible = Table(
    "implausible",
    metadata,
    Column("entry_id", Integer, ForeignKey("file_entry.id"), primary_key=True),
    Column("kind", String, primary_key=True, comment="unread or zeros"),
    Column("bytes", Integer, nullable=False),
    Column("places", Integer, nullable=False),
    Column("first_offset", Integer, nullable=False, comment="device byte"),
)

volume_layout = Table(
    "volume_layout",
    metadata,
    Column("volume_id", Integer, ForeignKey("volume.id"), primary_key=True),
    Column("slack", LargeBinary, nullable=False, comment="int64 pairs: device offset, length; so the others"),
    Column("packed", LargeBinary, nullable=False),
    Column("allocated", LargeBinary, comment="NULL where the file system's map was not read"),
)

coverage = Table(
    "coverage",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("exhibit", String, ForeignKey("exhibit.label"), nullable=False),
    Column("volume", Integer, comment="its number; NULL outside all volumes"),
    Column("fate", String, nullable=False),
    Column("bytes", Integer, nullable=False),
    comment="Every byte of an exhibit once: the rows of one sum to its size",
)

source_set = Table(
    "source_set",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("as_of", String, nullable=False),
    Column("records", Integer, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("quality", Text, nullable=False),
    UniqueConstraint("sha256"),
)

source_record = Table(
    "source_record",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("set_id", Integer, ForeignKey("source_set.id"), nullable=False),
    *(
        Column(name, String, nullable=False, default="")
        for name in (
            "record_key", "given_name", "middle_name", "family_name", "suffix", "birth_date", "ssn", "member_id",
            "address", "city", "state", "postal_code", "phone", "email",
        )
    ),
    Column("deceased", Boolean, nullable=False, default=False),
    Column("extra", Text, nullable=False, default="", comment="JSON; empty where there is nothing"),
    Column("fingerprints", Text, nullable=False, default="", comment="in place of values; empty where these are here"),
    Column("last_set", Integer, nullable=False, default=0, comment="the newest snapshot that has these values"),
    Column(
        "standing_id", Integer, ForeignKey("source_record.id"),
        comment="the row with the newest values of this key; NULL where this is it",
    ),
    UniqueConstraint("set_id", "record_key"),
    Index(None, "record_key"),
    Index(None, "standing_id"),
)  # fmt: skip

also_in = Table(
    "also_in",
    metadata,
    Column("record", Integer, ForeignKey("source_record.id"), primary_key=True),
    Column("set_id", Integer, ForeignKey("source_set.id"), primary_key=True),
    comment="Further sets that have the values of a record, beside the one of its row",
)

match_unit = Table(
    "match_unit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("exhibit", String, nullable=False),
    Column("start", Integer, nullable=False, comment="device bytes; 0 for a piece"),
    Column("stop", Integer, nullable=False),
    Column("piece_id", Integer, ForeignKey("piece.id")),
    Column("road", String, nullable=False, default="", comment="linkage, where rows are compared for likeness"),
    Column("outcome", String, comment="NULL is work left to do"),
    Column("reason", String, nullable=False, default=""),
    Column("hits", Integer, nullable=False, default=0, comment="values of records in it, evidence or not"),
    Index(None, "outcome"),
)

table_rows = Table(
    "table_rows",
    metadata,
    Column("unit_id", Integer, ForeignKey("match_unit.id"), primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("shown", Integer, nullable=False, comment="rows that show a record"),
    Column("unmatched", Integer, comment="rows like persons that show none; NULL where the columns are not known"),
    Column("numbers", LargeBinary, nullable=False, comment="Zstandard: int64, the number of each unmatched row"),
    Column("persons", LargeBinary, nullable=False, comment="Zstandard: uint64, a hash of whose row each is"),
    comment="Pieces of tables that show records, and their rows that are in none",
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("unit_id", Integer, ForeignKey("match_unit.id"), nullable=False),
    Column("entry_id", Integer, ForeignKey("file_entry.id")),
    Column("tail", String, nullable=False, comment="the locator behind the entry's, or all of it"),
    Column("record", Integer, ForeignKey("source_record.id"), nullable=False),
    Column("region", String, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("elements", Integer, nullable=False, comment="bit n is ELEMENTS[n]"),
    Column("agree", Integer, nullable=False),
    Column("conflict", Integer, nullable=False),
    Column("road", String, nullable=False),
    Column("why", Text, nullable=False, default="", comment="what linkage weighs, in words without values"),
    Column("wide", Integer, nullable=False, default=0, comment="as agree, within twice the window; 0 where not asked"),
    Column("version", Integer, nullable=False, default=0, comment="the set of values that agrees"),
    Index(None, "record"),
    Index(None, "unit_id"),
)

exposure = Table(
    "exposure",
    metadata,
    Column("record", Integer, ForeignKey("source_record.id"), primary_key=True),
    Column("record_key", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("elements", Integer, nullable=False),
    Column("places", Integer, nullable=False),
    Column("live", Integer, nullable=False),
    Column("deleted", Integer, nullable=False),
    Column("unallocated", Integer, nullable=False),
    Column("archived", Integer, nullable=False),
    Column("first_place", String, nullable=False),
    Column("state", String, nullable=False),
    Column("minor", Boolean, nullable=False),
    Column("deceased", Boolean, nullable=False),
    Column("review", String, nullable=False, comment="what the newest decision says: pending, included, excluded"),
    Column("conflicts", Integer, nullable=False, default=0, comment="rows of evidence with a field that differs"),
    Column(
        "queue", Integer, nullable=False, default=0, comment="the order of review: conflicts first, weak tiers next"
    ),
    Index(None, "record_key"),
    Index(None, "review"),
    Index(None, "queue", "record_key"),
    Index(None, "tier"),
    Index(None, "places"),
    Index(None, "state"),
)

report_version = Table(
    "report_version",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("report_id", String, nullable=False),
    Column("utc", String, nullable=False),
    Column("signed", Boolean, nullable=False),
    Column("result_sha256", String, nullable=False, comment="of the assessment that it printed"),
    Column("counts", Text, nullable=False, comment="JSON"),
    Column("persons", LargeBinary, nullable=False, comment="Zstandard JSON lines: record_key, tier, elements, review"),
    comment="Who was counted in each report, so that two of them can be compared",
)

decoy_hits = Table(
    "decoy_hits",
    metadata,
    Column("unit_id", Integer, ForeignKey("match_unit.id"), primary_key=True),
    Column("codes", LargeBinary, nullable=False, comment="Zstandard: uint64, one a decoy found in this unit"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True, comment="the order in which it was decided"),
    Column("act", Integer, nullable=False, comment="rows decided at one stroke have one number"),
    Column("record_key", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", String, nullable=False),
    Column("utc", String, nullable=False),
    Column("undoes", Integer, ForeignKey("decision.id"), comment="the row that this one takes back"),
    Index(None, "record_key"),
    Index(None, "act"),
    comment="Never changed, only added to; keyed by record_key, so that it outlives a new match or assessment",
)

review_sample = Table(
    "review_sample",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("utc", String, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("population", Integer, nullable=False, comment="persons confirmed or probable when it was drawn"),
    Column("assessment_sha256", String, nullable=False, comment="of the result that it was drawn from"),
    Column("closed", String, nullable=False, default="", comment="when; empty while it takes answers"),
)

sample_item = Table(
    "sample_item",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sample_id", Integer, ForeignKey("review_sample.id"), nullable=False, index=True),
    Column("record_key", String, nullable=False, comment="the record that the reviewer compares with the place"),
    Column("locator", String, nullable=False),
    Column("stratum", String, nullable=False, comment="the file that it stands for"),
    Column("tier", String, nullable=False, comment="of the person whose place it is, when drawn; never shown"),
    Column("catch_row", Boolean, nullable=False, comment="made to be answered with no; never shown"),
)

sample_answer = Table(
    "sample_answer",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", Integer, ForeignKey("sample_item.id"), nullable=False, index=True),
    Column("reviewer", String, nullable=False),
    Column("answer", String, nullable=False),
    Column("utc", String, nullable=False),
    comment="Never changed; of one reviewer's answers to one item the newest counts",
)

reveal = Table(
    "reveal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("record_key", String, nullable=False),
    Column("what", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", String, nullable=False),
    Column("utc", String, nullable=False),
    comment="Who looked at whose values, and why; the ledger has the number of the row",
)
