"""What health plans exchange: X12 (834, 835, 837, 270 …) and HL7 version 2, one row a person.

The fields of a person stand in several segments; a row brings them together, so that they are compared together. All
that a segment says besides stands in the last column: nothing of the file is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from forensics.extraction.content import Content, Damaged, one_line, pieces
from forensics.model import Child, Piece, Unit

PERSONS = ("persons",)
_COLUMNS = (
    "segment", "name", "id", "ssn", "birth date", "sex", "address", "city", "state", "postal code", "contact", "other",
)  # fmt: skip
_SEGMENTS_A_ROW = 400
"""A loop has no more; where a file never begins a new one, its rows still end."""

_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})(?!\d)")


@dataclass(slots=True)
class _Person:
    """One row in the making; `segment` is the number of the segment with which it begins."""

    segment: int
    cells: dict[str, list[str]] = field(default_factory=dict)
    taken: int = 0

    def add(self, column: str, *values: str) -> None:
        if text := " ".join(value for value in values if value):
            self.cells.setdefault(column, []).append(text)

    def row(self) -> str:
        cells = (one_line(" ".join(self.cells.get(column, ()))) for column in _COLUMNS[1:])
        return "\t".join([str(self.segment), *cells])

    @property
    def empty(self) -> bool:
        return not self.cells


def _day(value: str) -> str:
    """CCYYMMDD as ISO 8601; anything else as it stands."""
    found = _DAY.match(value)
    return "-".join(found.groups()) if found else value


def _decoded(content: Content) -> str:
    data = content.whole()
    # Loaded here: it brings NumPy along, and `sniff` asks this module about everything.
    from forensics.extraction.tables import encoding_of

    found = encoding_of(content.head, content.size)
    encoding, start = found or ("latin-1", 0)
    text = data[start:]
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        return text.decode("latin-1")


# --------------------------------------------------------------------------------------------------------------- X12

# ASC X12.5: ISA has 16 elements of fixed length; the separators are what stands between and behind them.
_ISA_LENGTH = 106
_BREAKS = frozenset(("ST", "INS", "HL", "CLP", "SE", "GE", "IEA"))


def is_x12(text: str) -> bool:
    """Whether a text begins with an interchange header."""
    if not text.startswith("ISA") or len(text) < _ISA_LENGTH or text[3].isalnum():
        return False
    return (
        text[: _ISA_LENGTH - 2].count(text[3]) == 16 and text[_ISA_LENGTH - 1 :].lstrip("\r\n" + text[105])[:2] == "GS"
    )


def extract_x12(content: Content) -> Iterator[Piece | Child]:
    """One stream `persons`: a row a member, subscriber, patient or claim, its segment number in the first column."""
    text = _decoded(content)
    if len(text) < _ISA_LENGTH:
        raise Damaged("the interchange header is cut short")
    yield from pieces(_x12_rows(text), PERSONS, Unit.ROW, table=True)
    if "IEA" not in (segment.strip()[:3] for segment in text[-2000:].split(text[105])):
        raise Damaged("the interchange ends without its last segment")


def _x12_rows(text: str) -> Iterator[str]:
    element, component, terminator = text[3], text[104], text[105]
    yield "\t".join(_COLUMNS)
    person = _Person(1)
    of_person = True
    for number, raw in enumerate(text.split(terminator), 1):
        segment = raw.strip("\r\n ")
        if not segment:
            continue
        parts = segment.split(element)
        kind, value = parts[0], parts + [""] * 12
        begins = kind in _BREAKS or (kind == "NM1" and value[2] == "1" and "name" in person.cells and value[1] != "74")
        if begins or person.taken >= _SEGMENTS_A_ROW:
            if not person.empty:
                yield person.row()
            person, of_person = _Person(number), True
        person.taken += 1
        used = False
        if kind == "NM1":
            of_person = value[2] == "1"
            if of_person:
                person.add("name", value[4], value[5], value[3], value[7])
                # X12 code source 66: 34 is a Social Security number.
                person.add("ssn" if value[8] in ("34", "SY") else "id", value[9])
                used = True
        elif kind == "REF" and value[1] == "SY":
            person.add("ssn", value[2])
            used = True
        elif kind == "REF" and value[1] in ("0F", "1L", "1W", "23", "EA", "IG", "MI"):
            person.add("id", value[2])
            used = True
        elif kind == "DMG":
            person.add("birth date", _day(value[2]))
            person.add("sex", value[3])
            used = True
        elif kind == "N3" and of_person:
            person.add("address", value[1], value[2])
            used = True
        elif kind == "N4" and of_person:
            person.add("city", value[1])
            person.add("state", value[2])
            person.add("postal code", value[3])
            used = True
        elif kind == "PER" and of_person:
            person.add("contact", value[4], value[6], value[8])
            used = True
        elif kind == "CLP":
            person.add("id", value[1])
        if not used:
            person.add("other", segment.replace(element, " ").replace(component, " "))
    if not person.empty:
        yield person.row()


# ------------------------------------------------------------------------------------------------------------- HL7 v2

_HL7_START = re.compile(r"\x0b?(?:FHS|BHS|MSH)([^\w\s])[^\w\s]{3,5}\1")
_PERSON_SEGMENTS = {
    # HL7 2.5.1, chapters 3 and 6: column → number of the field.
    "PID": {"name": (5, 9), "id": (2, 3, 4, 18), "ssn": (19,), "birth date": (7,), "sex": (8,), "address": (11,),
            "contact": (13, 14)},
    "NK1": {"name": (2,), "id": (33,), "ssn": (37,), "birth date": (16,), "sex": (15,), "address": (4,),
            "contact": (5, 6)},
    "GT1": {"name": (3,), "id": (2,), "ssn": (12,), "birth date": (8,), "sex": (9,), "address": (5,),
            "contact": (6, 7)},
    "IN1": {"name": (16,), "id": (36, 49), "birth date": (18,), "sex": (43,), "address": (19,)},
}  # fmt: skip


def is_hl7(text: str) -> bool:
    """Whether a text begins with a message, batch or file header of HL7 version 2."""
    return bool(_HL7_START.match(text))


def extract_hl7(content: Content) -> Iterator[Piece | Child]:
    """One stream `persons`: a row a patient, next of kin, guarantor or insured, and one for the rest of a message."""
    yield from pieces(_hl7_rows(_decoded(content)), PERSONS, Unit.ROW, table=True)


def _hl7_rows(text: str) -> Iterator[str]:
    yield "\t".join(_COLUMNS)
    separators = "|^~\\&"
    patient = _Person(1)
    for number, line in enumerate(re.split(r"[\r\n\x0b\x1c]+", text.lstrip("\x0b")), 1):
        kind = line[:3]
        if kind in ("MSH", "BHS", "FHS"):
            if not patient.empty:
                yield patient.row()
            patient = _Person(number)
            separators = line[3:8] if len(line) >= 8 else separators
        if not line:
            continue
        places = _PERSON_SEGMENTS.get(kind)
        fields = line.split(separators[0])
        if places is None:
            patient.taken += 1
            patient.add("other", _plain(line, separators))
            if patient.taken >= _SEGMENTS_A_ROW:
                yield patient.row()
                patient = _Person(number)
            continue
        person = patient if kind == "PID" and "name" not in patient.cells else _Person(number)
        used = set()
        for column, numbers in places.items():
            for place in numbers:
                if place < len(fields) and fields[place]:
                    used.add(place)
                    _add_field(person, column, fields[place], separators)
        rest = separators[0].join(value for place, value in enumerate(fields) if place not in used)
        person.add("other", _plain(rest, separators))
        if person is not patient:
            yield person.row()
    if not patient.empty:
        yield patient.row()


def _add_field(person: _Person, column: str, value: str, separators: str) -> None:
    component, repetition = separators[1], separators[2]
    for repeated in value.split(repetition):
        parts = [_plain(part, separators) for part in repeated.split(component)]
        if column == "name":
            # XPN: family, given, middle.
            person.add("name", *parts[1:3], parts[0], *parts[3:5])
        elif column == "birth date":
            # A time of day may follow.
            person.add("birth date", _day(parts[0][:8]))
        elif column == "address":
            # XAD: street, other, city, state, postal code.
            for inner, of_address in zip(("address", "address", "city", "state", "postal code"), parts, strict=False):
                person.add(inner, of_address)
        else:
            person.add(column, parts[0] if column in ("id", "ssn") else " ".join(filter(None, parts)))
            if column == "id":
                person.add("other", *parts[1:])


def _plain(value: str, separators: str) -> str:
    """Components as words, and the escapes of the separators as themselves (HL7 2.5.1, 2.7)."""
    field_mark, component, repetition, escape, sub = list((separators + "|^~\\&"[len(separators) :])[:5])
    plain = re.sub("[" + re.escape(field_mark + component + repetition + sub) + "]+", " ", value)
    for letter, mark in (("F", field_mark), ("S", component), ("R", repetition), ("T", sub), ("E", escape)):
        plain = plain.replace(f"{escape}{letter}{escape}", mark)
    return plain
