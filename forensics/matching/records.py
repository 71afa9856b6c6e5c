"""Source records: read from the organisation's own file, columns guessed and shown, values brought to one spelling."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from forensics.errors import EnvironmentFailed, Refused
from forensics.matching import normal
from forensics.model import ELEMENTS, SourceRecord

Row = Sequence[str]

FIELDS = (
    "record_key", "given_name", "middle_name", "family_name", "full_name", "suffix", "birth_date", "sex", "ssn",
    "member_id", "address", "city", "state", "postal_code", "country", "phone", "email", "guardian_name", "deceased",
    "member_until", "language", "confidential_address", "personal_representative", "program", "ssa_verified",
    "sensitive", *(element for element in ELEMENTS if element not in ("name", "birth_date", "ssn", "member_id",
    "address", "phone", "email")),
)  # fmt: skip
"""What a column may be mapped to (cli.md). Fields that this version does not use yet are accepted and listed."""

USED = (
    "record_key", "given_name", "middle_name", "family_name", "full_name", "suffix", "birth_date", "ssn", "member_id",
    "address", "city", "state", "postal_code", "phone", "email", "deceased",
)  # fmt: skip

_NAMES: dict[str, tuple[str, ...]] = {
    "member_id": (
        "memberid", "memberno", "membernumber", "subscriberid", "patientid", "enrolleeid", "planid", "mid", "hicn",
        "mbi",
    ),
    "given_name": ("firstname", "givenname", "first", "fname", "forename", "given"),
    "middle_name": ("middlename", "middle", "middleinitial", "mname", "mi"),
    "family_name": ("lastname", "familyname", "last", "lname", "surname", "family"),
    "full_name": ("fullname", "name", "membername", "patientname", "subscribername"),
    "suffix": ("suffix", "namesuffix"),
    "birth_date": ("birthdate", "dateofbirth", "dob", "birth", "birthday", "born"),
    "sex": ("sex", "gender"),
    "ssn": ("ssn", "socialsecuritynumber", "socialsecurity", "ssno", "taxid"),
    "address": ("address", "address1", "addressline1", "street", "streetaddress", "mailingaddress", "addr1", "addr"),
    "city": ("city", "town"),
    "state": ("state", "stateprovince", "st", "region"),
    "postal_code": ("postalcode", "zip", "zipcode", "postcode"),
    "country": ("country",),
    "phone": ("phone", "phonenumber", "telephone", "homephone", "tel", "mobile", "cellphone"),
    "email": ("email", "emailaddress", "mail"),
    "guardian_name": ("guardianname", "guardian", "parentname"),
    "deceased": ("deceased", "isdeceased", "deathdate", "dateofdeath"),
    "member_until": ("memberuntil", "termdate", "terminationdate", "enddate", "coverageend"),
    "language": ("language", "preferredlanguage"),
    "program": ("program", "programme", "plan", "lineofbusiness"),
    "record_key": ("recordkey", "rowid", "recordid", "key"),
}  # fmt: skip

PLACEHOLDER_SSNS = {digit * 9 for digit in "0123456789"} | {"123456789", "987654321", "078051120", "219099999"}
"""Repeated digits and the numbers once printed as samples (SSA, "Social Security Numbers: misused numbers")."""

PLACEHOLDER_DATES = {"1900-01-01", "1901-01-01", "1111-11-11", "1899-12-30", "9999-12-31"}

SHARED_BY_TOO_MANY = 25
"""A telephone number or address line of more records than this belongs to no person."""

_NO = {"", "n", "no", "false", "0", "f", "alive"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of records that was read and understood: its header, and which column is which field."""

    path: Path
    header: tuple[str, ...]
    mapping: dict[str, str]
    """Field → column, in the order of `FIELDS`."""
    key: str
    """The column whose value names a record."""


@dataclass(slots=True)
class Quality:
    """What was noticed while reading: counts only, never a value."""

    rows: int = 0
    records: int = 0
    without_name: int = 0
    without_birth_date: int = 0
    without_ssn: int = 0
    unreadable_dates: int = 0
    unreadable_ssns: int = 0
    placeholders: dict[str, int] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    ignored_columns: list[str] = field(default_factory=list)
    persons: int = 0
    """Distinct persons: records with one name, birth date and Social Security number or address count once."""


def understand(path: Path, overrides: Mapping[str, str], key: str = "") -> SourceFile:
    """Guess the columns of a file of records; `overrides` maps columns to fields and wins.

    Raises `Refused` for a file that is no table, a column that is not there, a field that does not exist, and where
    neither an identifier nor name and birth date can be found.
    """
    with _rows(path) as rows:
        header = tuple(cell.strip() for cell in next(rows, ()))
        sample = [row for row, _ in zip(rows, range(200), strict=False)]
    if len(header) < 2 or not sample:
        raise Refused(
            f"{path.name} holds no table of records.",
            "Give a CSV, TSV, Parquet or XLSX file with a header line and one row a record.",
        )
    if any(map(_is_value, header)):
        raise Refused(
            f"{path.name} has no header line: its first line holds the values of a record.",
            "Put a line with the names of the columns first.",
        )
    repeated = [name for name, count in Counter(header).items() if count > 1 and name]
    if repeated:
        raise Refused(f"{path.name} has the column {repeated[0]} twice.", "Rename one of them.")
    for column, name in overrides.items():
        if column not in header:
            raise Refused(f"{path.name} has no column {column}.", f"Its columns are: {', '.join(header)}.")
        if name not in FIELDS:
            raise Refused(f"There is no record field {name}.", f"The fields are: {', '.join(FIELDS)}.")
    guessed = _guess(header, sample)
    for column, name in overrides.items():
        guessed = {f: c for f, c in guessed.items() if c != column and f != name}
        guessed[name] = column
    if key and key not in header:
        raise Refused(f"{path.name} has no column {key}.", f"Its columns are: {', '.join(header)}.")
    key = key or guessed.get("record_key", "") or guessed.get("member_id", "") or guessed.get("ssn", "")
    if not key:
        raise Refused(
            f"No column of {path.name} was recognised as the key of a record.",
            f"Name it with --key; the columns are: {', '.join(header)}.",
        )
    named = "full_name" in guessed or {"given_name", "family_name"} <= guessed.keys()
    if not (named and ("birth_date" in guessed or "ssn" in guessed or "member_id" in guessed)):
        raise Refused(
            f"{path.name} lacks what identifies a person: a name, with a birth date, SSN or member id.",
            f"Map the columns with --map COLUMN=FIELD; they are: {', '.join(header)}.",
        )
    guessed["record_key"] = key
    return SourceFile(path, header, {f: guessed[f] for f in FIELDS if f in guessed}, key)


def _is_value(cell: str) -> bool:
    """Whether this is somebody's number, date or address and not the name of a column; such a cell is never shown."""
    return bool(normal.ssn(cell) or normal.dates(cell) or normal.phone(cell) or "@" in cell)


def read(source: SourceFile, quality: Quality) -> Iterator[SourceRecord]:
    """The records of a file in its order, normalised; `quality` is complete when the last was taken.

    Raises `Refused` where the key is missing in a row or stands in two.
    """
    place = {name: source.header.index(column) for name, column in source.mapping.items()}
    quality.ignored_columns = [
        column for column in source.header if column not in {source.mapping.get(name) for name in USED}
    ]
    seen: dict[str, int] = {}
    phones: Counter[str] = Counter()
    with _rows(source.path) as rows:
        next(rows)
        for line, row in enumerate(rows, 2):
            if not any(cell.strip() for cell in row):
                continue
            quality.rows += 1
            record = _record(row, place, quality)
            if not record.record_key:
                raise Refused(
                    f"Row {line} of {source.path.name} has nothing in its key column {source.key}.",
                    "Choose a column that is filled in every row with --key.",
                )
            if record.record_key in seen:
                raise Refused(
                    f"Rows {seen[record.record_key]} and {line} of {source.path.name} have the same {source.key}.",
                    "Choose a column whose values are unique with --key, or remove the double rows.",
                )
            seen[record.record_key] = line
            quality.records += 1
            quality.without_name += not (record.given_name and record.family_name)
            quality.without_birth_date += not record.birth_date
            quality.without_ssn += not record.ssn
            if record.phone:
                phones[record.phone] += 1
            yield record
    shared = sum(count for count in phones.values() if count > SHARED_BY_TOO_MANY)
    if shared:
        quality.shared["phone"] = shared


class DistinctPersons:
    """Counts persons as records go by: records that share full name and birth date, and with it the Social Security
    number or the address line, are one person. Keeps a hash of each value and none of the values."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._owner: dict[int, int] = {}

    def add(self, record: SourceRecord) -> None:
        place = len(self._parents)
        self._parents.append(place)
        who = (normal.fold(record.given_name), normal.fold(record.family_name), record.birth_date)
        if not all(who):
            return
        for kind, value in (("ssn", record.ssn), ("address", normal.alphanumeric(record.address))):
            if value:
                first = self._owner.setdefault(hash((*who, kind, value)), place)
                if first != place:
                    self._parents[self._root(place)] = self._root(first)

    def _root(self, place: int) -> int:
        parents = self._parents
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def count(self) -> int:
        return sum(place == parent for place, parent in enumerate(self._parents))


# ----------------------------------------------------------------------------------------------------------- reading


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[Row]]:
    """The rows of a file as text cells, header first."""
    if not path.is_file():
        raise EnvironmentFailed(f"There is no file {path.name}.", "Check the path of the source records.")
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            yield _parquet_rows(path)
        elif suffix in (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"):
            yield _sheet_rows(path)
        else:
            encoding = _encoding(path)
            with path.open(encoding=encoding, errors="replace") as lines:
                delimiter = max(",;\t|", key=lines.readline(1 << 16).count)
            with path.open(newline="", encoding=encoding) as lines:
                yield csv.reader(_without_nul(lines), delimiter=delimiter)
    except PermissionError as error:
        raise EnvironmentFailed(f"{path.name} cannot be read.", "Check its permissions.") from error
    except (csv.Error, UnicodeError) as error:
        raise Refused(f"{path.name} is not a table this program can read.", "Save it as CSV in UTF-8.") from error


def _without_nul(lines: io.TextIOWrapper) -> Iterator[str]:
    for line in lines:
        yield line.replace("\0", "")


_NOT_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def _encoding(path: Path) -> str:
    """The encoding of the whole file: the first accent of a long one may stand far behind its start."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf_8, cp1252 = True, True
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            if stream.tell() == len(block) and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            cp1252 = cp1252 and not _NOT_IN_CP1252.search(block)
            try:
                if utf_8:
                    decoder.decode(block)
            except UnicodeDecodeError:
                utf_8 = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        utf_8 = False
    # Windows-1252 is Latin-1 with quotes and dashes where that has control characters.
    return "utf-8-sig" if utf_8 else "cp1252" if cp1252 else "latin-1"


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file.schema_arrow.names
            for batch in file.iter_batches(50_000):
                yield from zip(
                    *([_cell(value) for value in column.to_pylist()] for column in batch.columns), strict=True
                )
    except pyarrow.ArrowException as error:
        raise Refused(f"{path.name} cannot be read as Parquet.", "Save it again, or as CSV in UTF-8.") from error


def _sheet_rows(path: Path) -> Iterator[Row]:
    import python_calamine

    try:
        with python_calamine.CalamineWorkbook.from_path(path) as book:
            rows = book.get_sheet_by_index(0).to_python(skip_empty_area=True)
    except python_calamine.CalamineError as error:
        raise Refused(f"{path.name} cannot be opened as a workbook.", "Save it again as XLSX or CSV.") from error
    for row in rows:
        yield [_cell(value) for value in row]


def _cell(value: object) -> str:
    if value is None or value != value:  # not a number, which is how data frames say that nothing is there
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


# ------------------------------------------------------------------------------------------------- columns and cells


def _guess(header: Sequence[str], sample: Sequence[Row]) -> dict[str, str]:
    """Field → column, by the name of the column and, where the names say nothing, by what stands in it."""
    found: dict[str, str] = {}
    plain = {column: re.sub(r"[^a-z0-9]", "", column.lower()) for column in header if column}
    for name, spellings in _NAMES.items():
        for spelling in spellings:
            match = [column for column in plain if plain[column] == spelling and column not in found.values()]
            if match:
                found[name] = match[0]
                break
    for name, looks in (("ssn", normal.ssn), ("birth_date", normal.single_date)):
        if name in found:
            continue
        for place, column in enumerate(header):
            cells = [row[place].strip() for row in sample if place < len(row) and row[place].strip()]
            grouped = name != "ssn" or sum("-" in cell for cell in cells) > len(cells) / 2
            if (
                column not in found.values()
                and cells
                and grouped
                and sum(map(bool, map(looks, cells))) > 0.95 * len(cells)
            ):
                found[name] = column
                break
    return found


def _record(row: Row, place: Mapping[str, int], quality: Quality) -> SourceRecord:
    def cell(name: str) -> str:
        at = place.get(name, -1)
        return row[at].strip() if 0 <= at < len(row) else ""

    given, middle, family = cell("given_name"), cell("middle_name"), cell("family_name")
    if not family and (full := cell("full_name")):
        given, middle, family = _split_name(full)
    birth_date = _without_placeholder(normal.single_date(cell("birth_date")), PLACEHOLDER_DATES, "birth_date", quality)
    quality.unreadable_dates += bool(cell("birth_date") and not normal.dates(cell("birth_date")))
    ssn = _without_placeholder(normal.ssn(cell("ssn")), PLACEHOLDER_SSNS, "ssn", quality)
    quality.unreadable_ssns += bool(cell("ssn") and not normal.ssn(cell("ssn")))
    return SourceRecord(
        record_key=cell("record_key"),
        given_name=given,
        middle_name=middle,
        family_name=family,
        suffix=cell("suffix"),
        birth_date=birth_date,
        ssn=ssn,
        member_id=cell("member_id"),
        address=cell("address"),
        city=cell("city"),
        state=cell("state").upper(),
        postal_code=cell("postal_code"),
        phone=normal.phone(cell("phone")),
        email=cell("email"),
        deceased=cell("deceased").lower() not in _NO,
    )


def _without_placeholder(value: str, placeholders: set[str], name: str, quality: Quality) -> str:
    if value not in placeholders:
        return value
    quality.placeholders[name] = quality.placeholders.get(name, 0) + 1
    return ""


def _split_name(full: str) -> tuple[str, str, str]:
    """Given, middle and family name of `Last, First Middle` or `First Middle Last`."""
    if "," in full:
        family, _, rest = full.partition(",")
        given, _, middle = rest.strip().partition(" ")
        return given, middle.strip(), family.strip()
    parts = full.split()
    if len(parts) < 2:
        return "", "", full
    return parts[0], " ".join(parts[1:-1]), parts[-1]
