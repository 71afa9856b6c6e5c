"""The recipe of `resources/selftest`: the known drive, and its answers from everything but the program itself.

    PYTHONPATH=. python tests/selftest_recipe.py resources/selftest

Drive and records come from the demonstration (seed 2016). What the answers say of them comes from other tools:
md5sum, sha1sum and sha256sum; mmls and fsstat; mtools, unzip and gzip for what the files hold; openpyxl, pdftotext and
the bare XML of letters for their lines. Who stands in a line, and how sure that is, is decided below by the published
rule, with plain text search, and is held against what the demonstration knows of its own drive.
"""

from __future__ import annotations

import calendar
import csv
import gzip
import io
import json
import re
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl

from forensics.demonstration.drive import Demonstration, Scale, Truth, make_demonstration

SCALE = Scale(image=68 << 20, cluster=1024, dated_extracts=0, claims=300, photographs=2, photograph_width=160, blobs=0)
"""The smallest FAT32 whose clusters have slack behind a sector."""

INCIDENT = date(2016, 8, 15)
EXHIBIT, SLOT = "E-001", 2

Row = Mapping[str, str]


def make(folder: Path) -> Demonstration:
    return make_demonstration(folder, members=400, affected=120, seed=2016, scale=SCALE)


# ---------------------------------------------------------------------------------------------- other people's tools


def tool(*command: object, given: bytes | None = None) -> bytes:
    return subprocess.run([str(part) for part in command], input=given, capture_output=True, check=True).stdout


def digest(name: str, data: bytes) -> str:
    return tool(f"{name}sum", "-", given=data).split()[0].decode()


@dataclass(frozen=True)
class Found:
    """A file as another tool sees it."""

    locator: str
    status: str
    data: bytes


def volumes(image: Path) -> list[dict[str, Any]]:
    made = []
    for line in tool("mmls", image).decode().splitlines():
        if part := re.match(r"(\d{3}):\s+\d{3}:\d{3}\s+(\d+)\s+\d+\s+(\d+)", line):
            slot, start, sectors = (int(part[n]) for n in (1, 2, 3))
            said = tool("fsstat", "-o", start, image).decode()
            kind = re.search(r"File System Type: (\S+)", said)
            label = re.search(r"Volume Label \(Root Directory\): (.+)", said)
            assert kind
            assert label
            made.append(
                {
                    "number": slot, "offset": start * 512, "length": sectors * 512, "file_system": kind[1],
                    "label": label[1].strip(),
                }
            )  # fmt: skip
    return made


def files(image: Path, start: int) -> Iterator[Found]:
    """Live files by mtools; the deleted one by its first bytes, because nothing else than this program undeletes."""
    disk = f"{image}@@{start}"
    for path in tool("mdir", "-/", "-b", "-a", "-i", disk, "::/").decode().splitlines():
        if path.endswith("/"):
            continue
        data = tool("mtype", "-i", disk, path)
        locator = f"{EXHIBIT}/vol{SLOT}/{path.removeprefix('::/')}"
        yield Found(locator, "live", data)
        if path.endswith(".zip"):
            yield from members(locator, data)
    for line in tool("fls", "-r", "-p", "-o", start // 512, image).decode().splitlines():
        if part := re.match(r"r/r \* (\d+):\t(.+)", line):
            locator = f"{EXHIBIT}/vol{SLOT}/deleted/{part[1]}/{part[2]}"
            size = int(re.search(r"Size: (\d+)", tool("istat", "-o", start // 512, image, part[1]).decode())[1])  # type: ignore[index]
            whole = image.read_bytes()
            at = whole.find(b"SSN,MEMBER_ID,LAST,FIRST,DOB,REMARK")
            if "tmp_ssn_check" in part[2]:
                yield Found(locator, "deleted", whole[at : at + size])
            else:
                # The other one never had clusters of its own: a photograph lies where it was.
                yield Found(locator, "deleted-uncertain", b"")


def members(locator: str, data: bytes) -> Iterator[Found]:
    with tempfile.NamedTemporaryFile(suffix=".zip") as held:
        held.write(data)
        held.flush()
        for line in tool("zipinfo", held.name).decode().splitlines():
            if not re.match(r"[-d?][-rwx]{9}", line):
                continue
            if line.split()[4][0] in "BT":  # upper case: locked
                return
            name = line.split(maxsplit=8)[8]
            inner = tool("unzip", "-p", held.name, name)
            place = f"{locator}!{name.replace('/', '%2F')}"
            yield Found(place, "child", inner)
            if name.endswith(".zip"):
                yield from members(place, inner)


# ----------------------------------------------------------------------------------------------------- their lines


def lines(found: Found) -> Iterator[tuple[str, str]]:
    """Locator and text of each line; bytes where a locator counts bytes."""
    name, data = found.locator, found.data
    if name.endswith((".csv", "contacts_2015.txt")):
        for n, line in enumerate(decoded(data).splitlines(), 1):
            yield f"{name}!row {n}", line
    elif name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(data))
        for n, cells in enumerate(book["Members"].iter_rows(values_only=True), 1):
            said = [c.date().isoformat() if hasattr(c, "date") else str(c) for c in cells if c is not None]
            yield f"{name}!Members!row {n}", "\t".join(said)
    elif name.endswith("enrollment_report.txt"):
        at = 2
        for line in data[2:].decode("utf-16-le").split("\r\n"):
            yield f"{name}@{at}+{2 * len(line)}", line
            at += 2 * len(line) + 4
    elif name.endswith(".pdf"):
        # In the order in which the page was drawn: the line at its foot came first.
        shown = tool("pdftotext", "-raw", "-", "-", given=data).decode().splitlines()
        for n, line in enumerate((line for line in shown if line.strip()), 1):
            yield f"{name}!page 1!line {n}", line
    elif name.endswith(".docx"):
        xml = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml").decode()
        paragraphs = ["".join(re.findall(r"<w:t(?: [^>]*)?>([^<]*)", p)) for p in re.findall(r"<w:p[ >].*?</w:p>", xml)]
        where = next(n for n, text in enumerate(paragraphs, 1) if re.search(r"W\d{9}", text))
        yield f"{name}!text!paragraph {where}", " / ".join(paragraphs)
    elif name.endswith(".txt"):
        at = 0
        for line in data.decode().split("\r\n"):
            yield f"{name}@{at}+{len(line.encode())}", line
            at += len(line.encode()) + 2


def left_over(image: bytes, whole: list[Found], offset: int) -> Iterator[tuple[str, str]]:
    """Lines of text outside every file: slack, at the file that holds it, and free clusters."""
    known = [found.data for found in whole]
    slack = list(behind(image, whole, offset))
    for run in re.finditer(rb"[\t\r\n\x20-\x7e\x80-\xfe]{24,}", image):
        at = run.start()
        for line in run[0].split(b"\r\n"):
            if len(line) > 12 and not any(line in data for data in known):
                place = f"{EXHIBIT}/unallocated@0x{at:08x}+{len(line)}"
                for end, stop, held in slack:
                    if end <= at < stop:
                        place = f"{held.locator}:slack@{len(held.data) + at - end}+{len(line)}"
                yield place, line.decode("utf-8", "replace")
            at += len(line) + 2


def behind(image: bytes, whole: list[Found], offset: int) -> Iterator[tuple[int, int, Found]]:
    """From the end of each live file to that of its last cluster, which begins where FAT32's heap and clusters say."""
    boot = image[offset : offset + 512]
    sector, reserved, copies = int.from_bytes(boot[11:13], "little"), int.from_bytes(boot[14:16], "little"), boot[16]
    cluster, table = boot[13] * sector, int.from_bytes(boot[36:40], "little")
    heap = offset + (reserved + copies * table) * sector
    for found in whole:
        if found.status == "live" and found.data:
            tail = found.data[-256:]
            end = image.index(tail) + len(tail)
            yield end, heap - (heap - end) // cluster * cluster, found


def decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


# ------------------------------------------------------------------------------------------------------ the rule


MONTHS = calendar.month_name[1:]
ANY_DATE = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4}|(?<!\d)(?:19|20)\d{6}(?!\d)|(?:" + "|".join(MONTHS) + r") \d+, \d{4}"
)
ANY_SSN = re.compile(r"(?<![\w-])\d{3}([- ]?)\d\d\1\d{4}(?![\d-])")


def stands(row: Row, line: str) -> dict[str, bool | None]:
    """Field → whether this record's value stands in the line; None where the line has no such field, or the record."""
    text = unicodedata.normalize("NFC", line)
    day = date.fromisoformat(row["BIRTH_DATE"])
    forms = {
        day.isoformat(), f"{day.month}/{day.day}/{day.year}", f"{day.month:02}/{day.day:02}/{day.year}",
        f"{day:%Y%m%d}", f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
    }  # fmt: skip
    numbers = {m[0].replace("-", "").replace(" ", "") for m in ANY_SSN.finditer(text)}
    ids = set(re.findall(r"W\d{9}", text))

    def has(word: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None

    digits = re.sub(r"\D", "", row["PHONE"])
    return {
        "name": has(row["FIRST_NAME"]) and has(row["LAST_NAME"]),
        "birth_date": bool(forms & {m[0] for m in ANY_DATE.finditer(text)}) if ANY_DATE.search(text) else None,
        "ssn": row["SSN"].replace("-", "") in numbers if numbers and row["SSN"] else None,
        "member_id": row["MEMBER_ID"] in ids if ids else None,
        "address": row["ADDRESS"] in text,
        "phone": bool(digits) and digits in re.sub(r"[-() ]", "", text),
        "email": bool(row["EMAIL"]) and row["EMAIL"] in text,
    }


IDENTITY, CONTACT = {"name", "birth_date", "ssn", "member_id"}, {"address", "phone", "email"}


def tier(said: dict[str, bool | None]) -> str | None:
    """The rule of report section 8, read from its words."""
    agree = {field for field in IDENTITY if said[field]}
    differs = {field for field in IDENTITY if said[field] is False}
    identifier = agree & {"ssn", "member_id"}
    if (identifier and agree & {"name", "birth_date"} and not differs) or len(agree) >= 3:
        return "confirmed"
    if {"name", "birth_date"} <= agree and (not differs & {"ssn", "member_id"} or any(said[f] for f in CONTACT)):
        return "probable"
    return "possible" if identifier or len(agree) > 1 else None


TWICE = "W204002152"
"""Entered twice, as W204002094. A torn row in free space shows name and birth date beside the other id; whether that
place counts for this record is open, and so is its first place. Its tier is not: two whole rows show it."""


def persons(rows: list[Row], places: list[tuple[str, str]]) -> list[dict[str, Any]]:
    made = []
    for row in rows:
        seen = [(place, stands(row, line)) for place, line in places]
        rated = [(tier(said), place, said) for place, said in seen]
        best = next((t for t in ("confirmed", "probable", "possible") if any(r[0] == t for r in rated)), None)
        if best is None:
            continue
        good = [r for r in rated if r[0] == best or (best != "possible" and r[0] in ("confirmed", "probable"))]
        # An id or number that stands there is exposed with the person, even where the organisation has another one.
        elements = {f for _, _, said in good for f in IDENTITY if said[f] is not None and (said[f] or f != "name")}
        elements |= {f for _, _, said in good for f in CONTACT if said[f]}
        made.append(
            {
                "record_key": row["MEMBER_ID"], "tier": best, "elements": sorted(elements),
                "first_place": None if row["MEMBER_ID"] == TWICE else min(place for _, place, _ in good),
                "minor": INCIDENT.replace(year=INCIDENT.year - 18).isoformat() < row["BIRTH_DATE"],
                "deceased": row["DECEASED"] == "Y",
            }
        )  # fmt: skip
    return made


def hold_against_truth(people: list[dict[str, Any]], truth: Truth) -> None:
    """What text search says against what the maker of the drive knows."""
    sure = {p["record_key"] for p in people if p["tier"] != "possible"}
    seconds = {key for pair in truth.same_person for key in pair}
    assert sure - seconds == truth.identifiable - seconds
    assert sure <= truth.identifiable
    assert not sure & truth.namesakes
    for p in people:
        if p["tier"] != "possible" and p["record_key"] not in seconds:
            assert set(p["elements"]) == truth.elements[p["record_key"]], p["record_key"]


# ------------------------------------------------------------------------------------------------------- the answers


def answers(made: Demonstration) -> dict[str, Any]:
    data, table = made.image.read_bytes(), made.records.read_bytes()
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    parts = volumes(made.image)
    found = list(files(made.image, parts[0]["offset"]))
    left = [(f, "password protected") for f in found if f.locator.endswith("members_full_extract.zip")]
    left += [(f, "image, no text examined") for f in found if f.data.startswith(b"\xff\xd8\xff")]
    whole = [f for f in found if f.status != "deleted-uncertain"]
    places = [line for f in whole for line in lines(f)] + list(left_over(data, whole, parts[0]["offset"]))
    people = persons(rows, places)
    hold_against_truth(people, made.truth)
    sure = [p for p in people if p["tier"] != "possible"]
    tiers = ("confirmed", "probable", "possible")
    return {
        "format": "drivecustody-selftest/v1",
        "image": {"size": len(data), **{name: digest(name, data) for name in ("md5", "sha1", "sha256")}},
        "records": {"rows": len(rows), "sha256": digest("sha256", table)},
        "incident": INCIDENT.isoformat(),
        "volumes": parts,
        "entries": {s: sum(f.status == s for f in found) for s in ("live", "deleted", "deleted-uncertain", "child")},
        "files": [
            {"locator": f.locator, "status": f.status, "size": len(f.data), "sha256": digest("sha256", f.data)}
            for f in sorted(whole, key=lambda f: f.locator)
        ],
        "not_examined": [{"locator": f.locator, "size": len(f.data), "reason": reason} for f, reason in left],
        "counts": {
            "tiers": {t: sum(p["tier"] == t for p in people) for t in tiers},
            "minors": sum(p["minor"] for p in sure),
            "deceased": sum(p["deceased"] for p in sure),
        },
        "persons": [{k: p[k] for k in ("record_key", "tier", "elements", "first_place")} for p in people],
    }


def packed(data: bytes) -> bytes:
    """gzip without name and time, so that the same drive makes the same file."""
    return gzip.compress(data, 9, mtime=0)


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder) / "made")
        (target / "drive.img.gz").write_bytes(packed(made.image.read_bytes()))
        (target / "records.csv.gz").write_bytes(packed(made.records.read_bytes()))
        said = json.dumps(answers(made), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (target / "answers.json").write_text(said, "utf-8", newline="\n")
    print("answers.json", digest("sha256", (target / "answers.json").read_bytes()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
