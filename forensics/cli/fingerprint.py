"""`records fingerprint` on the command line: what an organisation runs that keeps its records to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forensics.cli.options import ControlOption, Day, Json, Shell, SourceQuery, SourceTable, column_mapping, day
from forensics.jobs.events import Job

Result = dict[str, Any]

KeyFile = Annotated[
    Path | None, typer.Option("--key-file", metavar="FILE", help="The key that fingerprints are made with.")
]


def fingerprint(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, TSV, XLSX, Parquet or SQLite.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to hand over.")],
    key_file: KeyFile = None,
    url: Annotated[bool, typer.Option("--url", help="IN is a file whose first line is an SQLAlchemy URL.")] = False,
    table: SourceTable = "",
    query: SourceQuery = "",
    name: Annotated[str, typer.Option(help="What to call this set.")] = "",
    as_of: Day = "",
    key: Annotated[str, typer.Option(metavar="COLUMN", help="The column that names a record.")] = "",
    map: Annotated[list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD")] = None,
    json: Json = False,
    control: ControlOption = "",
) -> None:
    """Write keyed fingerprints of the records, to be handed over in their place. Needs no case."""
    mapping = column_mapping(map or [])
    as_of_day = day(as_of, "--as-of")

    def work(job: Job) -> Result:
        from forensics.examination.fingerprints import make_fingerprints
        from forensics.matching.records import Origin

        return make_fingerprints(
            job, origin=Origin(source, url, table, query), out=out, key_file=key_file, name=name, as_of=as_of_day,
            key=key, mapping=mapping,
        )  # fmt: skip

    Shell("records", None, json, None, control).perform(work, _said)


def _said(result: Result) -> list[str]:
    made = "was made; keep it" if result["key_made"] else "was there; it is kept"
    return [
        f"{result['out']}: fingerprints of {result['records']:,} records (SHA-256 {result['sha256']}).",
        f"  The key {made} in {result['key_file']}. Send it by another way than the fingerprints, and to nobody else:",
        "  whoever holds both can try every Social Security number in about a minute.",
        "  A person is called by a token in the result; the key and your own table tell whose it is.",
    ]
