"""JSON, FHIR and C-CDA as records: what belongs to one object or person stands in one row, escapes undone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from forensics.extraction import tables
from forensics.extraction.content import Content, one_line, pieces
from forensics.extraction.xml_parts import parse
from forensics.model import Child, Piece, Unit

RECORDS = ("records",)
_TREE_LIMIT = 64 << 20
"""Bytes of JSON or XML that are taken apart: the objects take about ten times as much."""

_COLUMNS_LIMIT = 256
_LONG_LIST = 50
_DEEPEST = 200
_OF_A_PERSON = re.compile(r"birth|dob|ssn|social|member.?id|mrn|subscriber|last.?name|family|surname", re.IGNORECASE)
_A_NAME = re.compile(r"[A-Za-z_@$][\w .@$:/-]*\Z")

Record = list[tuple[str, str]]
"""Path and value of every leaf, in their order."""


# ------------------------------------------------------------------------------------------------- JSON and FHIR in it


def extract_json(content: Content) -> Iterator[Piece | Child]:
    """One stream `records`: a row an object of a list, or a line; its values by the path that leads to them.

    What is no JSON after all, or too large to be taken apart, is text as it stands.
    """
    try:
        records = _json_records(content) if content.size <= _TREE_LIMIT else []
    except (ValueError, RecursionError):
        records = []
    if records:
        yield from pieces(_table(records), RECORDS, Unit.ROW, table=True)
    else:
        yield from tables.extract(content)


def _json_records(content: Content) -> list[Record]:
    data = content.whole()
    try:
        values = [json.loads(data)]
    except ValueError:
        # One value a line: NDJSON, as FHIR exports in bulk and programs write their logs.
        lines = [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]
        values = [json.loads(line) for line in lines]
    records: list[Record] = []
    for value in values:
        _collect(value, records)
    return records


def _collect(value: Any, records: list[Record]) -> None:
    """Split a value into the records it holds: the objects of a list, the resources of a bundle."""
    if isinstance(value, list):
        for item in value:
            _collect(item, records)
        return
    record: Record = []
    apart: list[Any] = []
    _leaves(value, "", record, apart, 0)
    if record:
        records.append(record)
    for inner in apart:
        _collect(inner, records)


def _leaves(value: Any, path: str, record: Record, apart: list[Any], depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("nested deeper than the limit")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not _A_NAME.match(key):
                record.append((path, key))
            _leaves(inner, f"{path}.{key}" if path else key, record, apart, depth + 1)
    elif isinstance(value, list):
        if len(value) > _LONG_LIST or any(_is_person(item) for item in value):
            apart.append(value)
        else:
            for item in value:
                _leaves(item, path, record, apart, depth + 1)
    elif value is not None and value != "":
        record.append((path, str(value) if not isinstance(value, bool) else ("TRUE" if value else "FALSE")))


def _is_person(item: Any) -> bool:
    """Whether an object of a list is a record of its own: a FHIR resource, or something with a person's fields."""
    if not isinstance(item, dict):
        return False
    inner = item.get("resource")
    if "resourceType" in item or (isinstance(inner, dict) and "resourceType" in inner):
        return True
    # A FHIR name has `family` and `given`: it is a part of a person, no person.
    return "given" not in item and any(_OF_A_PERSON.search(key) for key in item)


def _table(records: list[Record]) -> Iterator[str]:
    columns: dict[str, int] = {}
    for record in records:
        for path, _ in record:
            if len(columns) < _COLUMNS_LIMIT:
                columns.setdefault(path, len(columns))
    yield "\t".join([*(one_line(path) or "value" for path in columns), "other"])
    for record in records:
        cells: list[list[str]] = [[] for _ in range(len(columns) + 1)]
        for path, value in record:
            cells[columns.get(path, len(columns))].append(one_line(value))
        yield "\t".join(" ".join(cell) for cell in cells)


# ------------------------------------------------------------------------------------------------------ FHIR in XML

_FHIR = "{http://hl7.org/fhir}"


def extract_fhir_xml(content: Content) -> Iterator[Piece | Child]:
    """One stream `records`: a row a resource of a bundle."""
    root = parse(content.whole())
    inside = [inner for holder in root.iter(f"{_FHIR}resource") for inner in holder if isinstance(inner.tag, str)]
    records = [_fhir_record(resource) for resource in inside or [root]]
    yield from pieces(_table(records), RECORDS, Unit.ROW, table=True)


def _fhir_record(resource: Any) -> Record:
    record: Record = []
    for element in resource.iter():
        if not isinstance(element.tag, str):
            continue
        names = [element.tag.rpartition("}")[2]]
        for above in element.iterancestors():
            if above is resource:
                break
            names.append(above.tag.rpartition("}")[2])
        path = ".".join(reversed(names)) if element is not resource else "resource"
        for name in ("value", "url", "id"):
            if said := element.get(name):
                record.append((path, said))
        if element.text and element.text.strip():
            record.append((path, element.text))
    return record


# -------------------------------------------------------------------------------------------------------------- C-CDA

_CDA = "{urn:hl7-org:v3}"
_ROLES = ("patientRole", "guardian", "relatedEntity", "associatedEntity", "assignedEntity", "assignedAuthor")
_CDA_COLUMNS = ("role", "name", "id", "birth date", "sex", "address", "contact", "other")


def extract_cda(content: Content) -> Iterator[Piece | Child]:
    """A stream `persons`, a row a patient or whoever takes part; a stream `text`, the narrative of the sections."""
    root = parse(content.whole())
    yield from pieces(_cda_rows(root), ("persons",), Unit.ROW, table=True)
    yield from pieces(_cda_lines(root), ("text",), Unit.LINE)


def _cda_rows(root: Any) -> Iterator[str]:
    yield "\t".join(_CDA_COLUMNS)
    for role in root.iter(*(f"{_CDA}{name}" for name in _ROLES)):
        cells: dict[str, list[str]] = {column: [] for column in _CDA_COLUMNS}
        cells["role"].append(role.tag.rpartition("}")[2])
        for element in role.iter():
            tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
            if tag == "guardian" and element is not role:
                continue
            _cda_cell(cells, tag, element)
        yield "\t".join(one_line(" ".join(filter(None, cells[column]))) for column in _CDA_COLUMNS)


def _cda_cell(cells: dict[str, list[str]], tag: str, element: Any) -> None:
    above = element.getparent().tag.rpartition("}")[2] if element.getparent() is not None else ""
    text = (element.text or "").strip()
    if tag == "id":
        cells["id"].append(element.get("extension", ""))
    elif tag == "birthTime":
        value = element.get("value", "")
        cells["birth date"].append(f"{value[:4]}-{value[4:6]}-{value[6:8]}" if value[:8].isdigit() else value)
    elif tag == "administrativeGenderCode":
        cells["sex"].append(element.get("code", ""))
    elif tag == "telecom":
        cells["contact"].append(element.get("value", ""))
    elif tag == "name" or above == "name":
        cells["name"].append(text)
    elif tag == "addr" or above == "addr":
        cells["address"].append(text)
    else:
        cells["other"] += [text, element.get("displayName", "")]


def _cda_lines(root: Any) -> Iterator[str]:
    for narrative in root.iter(f"{_CDA}title", f"{_CDA}text"):
        rows = list(narrative.iter(f"{_CDA}tr"))
        for row in rows:
            cells = row.iter(f"{_CDA}td", f"{_CDA}th")
            yield "\t".join(" ".join("".join(cell.itertext()).split()) for cell in cells)
        if not rows:
            for part in list(narrative.iter(f"{_CDA}paragraph", f"{_CDA}item")) or [narrative]:
                if line := " ".join("".join(part.itertext()).split()):
                    yield line
