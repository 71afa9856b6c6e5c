"""The raw scan against `slow_scan`, on mixtures of what stands on drives: same places, same records, nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slow_scan import Held, Hit, slow_scan

from forensics.detection import scan as raw_scan
from forensics.detection.scan import KINDS, MARGIN, Asked, Hits, scan, scan_for
from forensics.matching.chance import Decoys
from forensics.matching.index import RecordIndex
from forensics.model import Kind, SourceRecord

RECORDS = [
    SourceRecord("K1", "Maria", "", "Ibanez", birth_date="1961-02-03", ssn="899770123", member_id="MBR-2045551"),
    SourceRecord("K2", "Josef", "", "Munoz", birth_date="2004-12-25", ssn="012345678", member_id="W0012345678"),
    SourceRecord("K3", "Anna", "", "Lee", birth_date="1988-07-08", ssn="001234567", member_id="777001"),
    SourceRecord("K4", "Tomas", "", "Maria", birth_date="1961-03-02", ssn="898765432", member_id="12345678901234567"),
]
INDEX = RecordIndex.build(enumerate(RECORDS, 1))
CALLED = {1: ("maria", "ibanez"), 2: ("josef", "munoz"), 3: ("anna", "lee"), 4: ("tomas", "maria")}
HELD = Held(
    {record.ssn.encode(): number for number, record in enumerate(RECORDS, 1)},
    {b"2045551": 1, b"0012345678": 2, b"777001": 3, b"12345678901234567": 4},
    {
        (frozenset(word.encode() for word in words), date.fromisoformat(RECORDS[number - 1].birth_date)): number
        for number, words in CALLED.items()
    },
)

NUMBERS = [
    "899770123", "899-77-0123", "899 77 0123", "899.77.0123", "899\u201377\u20130123", "899\u00a077\u00a00123",
    "899-77 0123", "899--77--0123", "12345678", "012345678", "1234567", "001-23-4567", "5899770123", "55899770123",
    "899770123899770123", "MBR-2045551", "02045551", "W0012345678", "777001", "12345678901234567", "7770012045551",
    "9" * 70, "1" * 40 + "898765432",
]  # fmt: skip
DATES = [
    "1961-02-03", "1961/2/3", "02/03/1961", "3/2/1961", "2/3/61", "03.02.61", "19610203", "02031961", "3-Feb-61",
    "3-Feb-1961", "February 3, 1961", "3 FEB 1961", "03Feb1961", "3. February 1961", "25/12/2004", "12/25/04",
    "25-Dec-04", "2004 12 25", "Dec 25 2004", "7/8/88", "8/7/88", "1988-07-08", "08 July 1988", "02-03-1961",
    "13/1/70", "1/13/70", "2/30/1961", "31 June 1961", "1961-13-01", "12/25/1704",
]  # fmt: skip
WORDS = [
    "Maria", "IBANEZ", "ibanez", "Josef", "Munoz", "Anna", "Lee", "Tomas", "de", "la", "Luz", "J", "Jr", "plan", "May",
    "x" * 33, "Ärger", "O\u2019Neil", "Mariah",
]  # fmt: skip
BETWEEN = ["", " ", ", ", "\t", "\n", ",", "; ", "-", "/", ".", "'", "." * 23, "." * 30, "<b>", "\u2014", " \u00a0"]
FILLERS = [b"", b"\x00", b"\xff" * 3, b"\x00" * 70, b"\x91\x92", b"~" * 100, b"\xc2\xe2\x80", b"7", b"5,", b"q " * 300]

token = st.one_of(
    st.sampled_from(NUMBERS), st.sampled_from(DATES), st.sampled_from(WORDS), st.sampled_from(WORDS),
    st.text("0123456789", min_size=1, max_size=20),
)  # fmt: skip
BORN = {
    1: ["1961-02-03", "2/3/61", "02.03.1961", "19610203", "3-Feb-61", "3-Feb-1961", "February 3, 1961", "03FEB1961"],
    2: ["25/12/2004", "12/25/04", "25-Dec-04", "2004 12 25", "Dec 25 2004"],
    3: ["7/8/88", "1988-07-08", "08 July 1988", "07081988"],
    4: ["3/2/1961", "02/03/61", "03/02/1961", "1961/3/2", "2 Mar 1961"],
}
MIDDLE = [" ", ",", ", ", " J. ", " Luz ", " de la ", " Luz, Jr ", "." * 24, "." * 25, "\u00a0"]


@st.composite
def persons(draw: st.DrawFn) -> str:
    """A name and a birth date, most of them one person's, on either side of something."""
    number = draw(st.sampled_from(sorted(CALLED)))
    words = draw(st.permutations(CALLED[number]))
    name = draw(st.sampled_from(MIDDLE)).join(
        draw(st.sampled_from([str.title, str.upper, str.lower]))(w) for w in words
    )
    born = draw(st.sampled_from(BORN[number]) | st.sampled_from(DATES))
    gap = draw(st.sampled_from([" ", ",", " born ", ";x;"]) | st.integers(40, 100).map(lambda many: "." * many))
    return f"{name}{gap}{born}" if draw(st.booleans()) else f"{born}{gap}{name}"


text = st.lists(st.tuples(token | persons(), st.sampled_from(BETWEEN)), min_size=1, max_size=10).map(
    lambda pairs: "".join(word + between for word, between in pairs)
)
ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "cp037")


def written(part: str, encoding: str) -> bytes:
    """The text among so much of its own kind as the scan says that it needs."""
    around = " ." * {"cp037": 64, "utf-16-le": 4, "utf-16-be": 4}.get(encoding, 0)
    if encoding == "cp037":
        around = " " * 128
    return f"{around}{part}{around}".encode(encoding, "replace")


mixture = st.lists(
    st.tuples(st.one_of(st.sampled_from(FILLERS), st.binary(max_size=40)), st.tuples(text, st.sampled_from(ENCODINGS))),
    min_size=1,
    max_size=5,
)


def told(found: Hits) -> list[Hit]:
    columns = (found.offset.tolist(), found.length.tolist(), found.kind.tolist(), found.record.tolist())
    return [(offset, length, KINDS[kind], record) for offset, length, kind, record in zip(*columns, strict=True)]


def same(found: list[Hit], expected: set[Hit], data: bytes) -> None:
    """Each place once a kind and record; where it may be read as long or as short, either will do, and where only the
    wrong byte order sees a number, because a dash that it cannot read hides a digit beside it, so will none."""
    assert found == sorted(found, key=lambda one: (one[0], KINDS.index(one[2]), one[3]))
    assert len({(offset, *rest) for offset, _, *rest in found}) == len(found)
    assert set(found) <= expected
    certain = {hit for hit in expected if not goes_on(data, hit)}
    assert {(offset, *rest) for offset, _, *rest in outermost({*certain, *found})} == {
        (offset, *rest) for offset, _, *rest in outermost(found)
    }


def goes_on(data: bytes, hit: Hit) -> bool:
    """Whether a number in UTF-16 has one more digit on either side, be it in the other byte order."""
    begin, end = hit[0], hit[0] + hit[1]
    # Low byte of the character beside it, and its high byte in either order.
    beside = ((begin - 2, begin - 1, begin - 3), (end, end + 1, end - 1))
    return any(
        0 <= low < len(data) and 0x30 <= data[low] <= 0x39 and any(0 <= at < len(data) and not data[at] for at in high)
        for low, *high in beside
    )


def outermost(hits: Collection[Hit]) -> list[Hit]:
    """But for the hits inside another of the same record: in UTF-16 the wrong byte order may see a number without its
    first zero, and may not be asked."""
    return [
        (offset, length, *rest)
        for offset, length, *rest in hits
        if not any(
            other_rest == rest
            and other <= offset
            and offset + length <= other + more
            and (other, more) != (offset, length)
            for other, more, *other_rest in hits
        )
    ]


def joined(parts: list[tuple[bytes, tuple[str, str]]]) -> tuple[bytes, bool]:
    data = b"".join(filler + written(part, encoding) for filler, (part, encoding) in parts)
    return data, any(encoding == "cp037" for _, (_, encoding) in parts)


@given(mixture)
@example([(b"", ("899770123\u201402045551", "utf-16-le"))])
@settings(deadline=None, max_examples=400)
def test_the_scan_finds_what_the_slow_one_finds(parts: list[tuple[bytes, tuple[str, str]]]) -> None:
    data, ebcdic = joined(parts)
    same(told(scan(data, INDEX)), slow_scan(data, HELD, ebcdic), data)


CLEAR = {1: ["1961-02-03", "19610203", "3-Feb-61"], 2: ["25/12/2004", "12/25/04"], 3: ["08 July 1988"], 4: ["1961/3/2"]}


UNCLEAR = re.compile(r"(?<![0-9])([0-9]{1,2})([ ./-])([0-9]{1,2})\2")


@given(mixture, st.sampled_from([1024, 1536, 4096]))
@settings(deadline=None, max_examples=200)
def test_blocks_of_any_size_find_what_one_finds(parts: list[tuple[bytes, tuple[str, str]]], block: int) -> None:
    """But for dates that the dates around them decide: of these a block sees those within its margin."""
    before = "".join(f"{' '.join(CALLED[number])} {born}; " for number, some in CLEAR.items() for born in some)
    parts = [(filler, (before + UNCLEAR.sub(r"\1|\3|", part), encoding)) for filler, (part, encoding) in parts]
    data, ebcdic = joined(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_scan, "BLOCK", block)
        same(told(scan(data, INDEX)), slow_scan(data, HELD, ebcdic), data)


@given(mixture, st.integers(0, 2 * MARGIN))
@settings(deadline=None, max_examples=100)
def test_several_probes_are_told_what_each_is_told_alone(
    parts: list[tuple[bytes, tuple[str, str]]], start: int
) -> None:
    data, _ = joined(parts)
    start = min(start, len(data))
    others = RecordIndex.build([(7, RECORDS[2]), (9, SourceRecord("K9", "Ann", "", "May", member_id="7700120"))])
    asked = [Asked(INDEX), Asked(Decoys(INDEX), (Kind.SSN, Kind.MEMBER_ID)), Asked(others), Asked(others, ())]
    together = scan_for(data, asked, start)
    assert [told(one) for one in together] == [told(scan(data, one.probe, start, kinds=one.kinds)) for one in asked]
