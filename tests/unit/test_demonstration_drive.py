"""The worked example says the truth about itself: what the answer claims is on the drive really is, and where.

Fixture: a demonstration of 3,000 members with 200 affected, made by the code under test and read back by mtools, The
Sleuth Kit, poppler and parsers that the code does not use to write.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import subprocess
import unicodedata
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import python_calamine
import pyzipper

from forensics.demonstration.drive import (
    LOCKED_PASSPHRASE,
    Demonstration,
    Scale,
    is_identifiable,
    make_demonstration,
)
from forensics.demonstration.fat32 import PARTITION_LBA, SECTOR
from forensics.demonstration.layouts import ENCRYPTED, LAYOUTS, shown
from forensics.demonstration.members import Member
from forensics.errors import Cancelled, EnvironmentFailed, Refused
from forensics.hashing import of_file

MEMBERS, AFFECTED = 3_000, 200


def run(*command: object, given: bytes | None = None) -> bytes:
    return subprocess.run([str(part) for part in command], capture_output=True, check=True, input=given).stdout


def sleuth(tool: str, demonstration: Demonstration, *arguments: object) -> bytes:
    options = [str(argument) for argument in arguments if str(argument).startswith("-")]
    rest = [argument for argument in arguments if not str(argument).startswith("-")]
    return run(tool, "-o", PARTITION_LBA, *options, demonstration.image, *rest)


def file(demonstration: Demonstration, path: str) -> bytes:
    return run("mcopy", "-i", f"{demonstration.image}@@{PARTITION_LBA * SECTOR}", f"::/{path}", "-")


def listed(demonstration: Demonstration) -> dict[str, tuple[str, bool]]:
    """Path → (metadata address, deleted) as fls sees it."""
    found = {}
    for line in sleuth("fls", demonstration, "-r", "-p").decode().splitlines():
        if match := re.fullmatch(r"r/r (\* )?(\d+)(?:\(realloc\))?:\t(.*)", line):
            found[match[3]] = (match[2], bool(match[1]))
    return found


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    return make_demonstration(tmp_path_factory.mktemp("demonstration"), members=MEMBERS, affected=AFFECTED)


@pytest.fixture(scope="module")
def records(demonstration: Demonstration) -> dict[str, Member]:
    with demonstration.records.open(encoding="utf-8", newline="") as stream:
        _, *rows = csv.reader(stream)
    return {row[0]: Member(*row) for row in rows}


# ------------------------------------------------------------------------------- the files of each layout, as lines


def csv_lines(demonstration: Demonstration) -> list[str]:
    return file(demonstration, "Work/Enrollment/members_export.csv").decode().splitlines()


def xlsx_lines(demonstration: Demonstration) -> list[str]:
    book = python_calamine.CalamineWorkbook.from_filelike(
        io.BytesIO(file(demonstration, "Work/Enrollment/Member list for review.xlsx"))
    )
    assert book.sheet_names == ["Summary", "Members"]
    rows = book.get_sheet_by_name("Members").to_python()
    assert rows[3][:4] == ["Member ID", "Name", "SSN", "Date of Birth"]
    assert all(isinstance(row[2], float) for row in rows[4:] if row[2] != "")
    return ["|".join(f"{cell:.0f}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows[4:]]


def archive(demonstration: Demonstration) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(file(demonstration, "Backup/enrollment_2016.zip")))


def zip_lines(demonstration: Demonstration) -> list[str]:
    text = archive(demonstration).read("extract_2016-06-30.csv").decode()
    assert not unicodedata.is_normalized("NFC", text)
    return unicodedata.normalize("NFC", text).splitlines()


def nested_lines(demonstration: Demonstration) -> list[str]:
    inner = zipfile.ZipFile(io.BytesIO(archive(demonstration).read("older/2015.zip")))
    return inner.read("contacts_2015.txt").decode().splitlines()


def report_lines(demonstration: Demonstration) -> list[str]:
    return file(demonstration, "Work/Enrollment/enrollment_report.txt").decode("utf-16").splitlines()


def letter_lines(demonstration: Demonstration) -> list[str]:
    lines = []
    for path in listed(demonstration):
        if path.endswith(".docx"):
            document = zipfile.ZipFile(io.BytesIO(file(demonstration, path))).read("word/document.xml").decode()
            lines.append(re.sub(r"<[^>]+>", " ", document))
    return lines


def pdf_lines(demonstration: Demonstration) -> list[str]:
    page = file(demonstration, "Work/Enrollment/missing forms.pdf")
    return run("pdftotext", "-layout", "-", "-", given=page).decode().splitlines()


def deleted_lines(demonstration: Demonstration) -> list[str]:
    address, deleted = listed(demonstration)["Work/Enrollment/tmp_ssn_check.csv"]
    assert deleted
    return sleuth("icat", demonstration, "-r", address).decode("latin-1").splitlines()


def unallocated_lines(demonstration: Demonstration) -> list[str]:
    free = sleuth("blkls", demonstration)
    gone = sleuth("icat", demonstration, "-r", listed(demonstration)["Work/Enrollment/tmp_ssn_check.csv"][0])
    start = free.index(gone)
    free = free[:start] + free[start + len(gone) :]
    return [line for line in free.decode("utf-8", "replace").splitlines() if "synthetic" in line]


def slack_lines(demonstration: Demonstration) -> list[str]:
    return sleuth("blkls", demonstration, "-s").decode("utf-8", "replace").splitlines()


def names_lines(demonstration: Demonstration) -> list[str]:
    return file(demonstration, "Personal/cards.txt").decode().splitlines()


READ: dict[str, Callable[[Demonstration], list[str]]] = {
    "csv": csv_lines, "xlsx": xlsx_lines, "zip": zip_lines, "nested_zip": nested_lines, "report": report_lines,
    "letter": letter_lines, "pdf": pdf_lines, "deleted": deleted_lines, "unallocated": unallocated_lines,
    "slack": slack_lines, "names_only": names_lines,
}  # fmt: skip


def stands_in(line: str, member: Member, elements: frozenset[str]) -> bool:
    """Whether each of these elements of the member is in this line, however it is written there."""
    day = member.born
    number = re.sub(r"[ -]", "", line)
    dates = (
        f"{day:%Y-%m-%d}", f"{day:%m/%d/%Y}", f"{day.month}/{day.day}/{day.year}", f"|{day:%Y%m%d}|",
        f"{day:%B} {day.day}, {day.year}",
    )  # fmt: skip
    tests = {
        "name": member.first_name in line and member.last_name in line,
        "birth_date": any(text in line for text in dates),
        "ssn": bool(member.ssn) and member.ssn.replace("-", "") in number,
        "member_id": member.member_id in line,
        "address": member.address in line and member.postal_code in line,
        "phone": bool(member.phone) and member.phone.replace("-", "") in re.sub(r"[() -]", "", line),
        "email": bool(member.email) and member.email in line,
    }
    return all(tests[element] for element in elements)


# ------------------------------------------------------------------------------------------------------ the answer


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everyone_said_to_be_in_a_layout_stands_there_with_what_it_shows(
    demonstration: Demonstration, records: dict[str, Member], layout: str
) -> None:
    lines = READ[layout](demonstration)
    truth = demonstration.truth
    doubles = {key: group for group in truth.same_person for key in group}
    for key in truth.layouts[layout]:
        own = [records[record] for record in doubles.get(key, {key})]
        assert any(stands_in(line, member, shown(layout, member)) for member in own for line in lines), layout


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("names_only", "letter")])
def test_nobody_else_stands_in_a_layout(demonstration: Demonstration, records: dict[str, Member], layout: str) -> None:
    """The cut rows at both ends of the fragment are of members of the export."""
    truth = demonstration.truth
    allowed = truth.layouts[layout] | (truth.layouts["csv"] if layout == "unallocated" else frozenset())
    allowed |= truth.namesakes
    text = "\n".join(READ[layout](demonstration))
    number = re.sub(r"[ -]", "", text)
    for key, member in records.items():
        if key not in allowed:
            assert key not in text
            assert not member.ssn or member.ssn.replace("-", "") not in number


def test_the_sizes_add_up(demonstration: Demonstration) -> None:
    truth = demonstration.truth
    assert len(truth.identifiable) == AFFECTED
    assert set(truth.layouts) == set(LAYOUTS) | {ENCRYPTED}
    examinable = frozenset().union(*(keys for name, keys in truth.layouts.items() if name != ENCRYPTED))
    assert examinable == set(truth.elements)
    assert truth.identifiable == examinable - truth.only_in["names_only"]
    for name, keys in truth.layouts.items():
        others = frozenset().union(*(there for other, there in truth.layouts.items() if other != name))
        assert truth.only_in[name] == keys - others
        assert truth.only_in[name], name
    assert len(truth.layouts["unallocated"]) >= 20


def test_who_is_only_behind_a_passphrase_is_not_called_identifiable(demonstration: Demonstration) -> None:
    truth = demonstration.truth
    assert truth.layouts[ENCRYPTED] == truth.only_in[ENCRYPTED]
    assert not truth.only_in[ENCRYPTED] & (truth.identifiable | set(truth.elements))


def test_the_passphrase_opens_the_locked_archive_and_is_not_on_the_drive(
    demonstration: Demonstration, records: dict[str, Member]
) -> None:
    locked = pyzipper.AESZipFile(io.BytesIO(file(demonstration, "Backup/members_full_extract.zip")))
    with pytest.raises(RuntimeError, match="password"):
        locked.read("members_full_extract.csv")
    locked.setpassword(LOCKED_PASSPHRASE.encode())
    lines = locked.read("members_full_extract.csv").decode().splitlines()
    keys = demonstration.truth.layouts[ENCRYPTED]
    assert {line.split(",")[0] for line in lines[1:]} == keys
    image = demonstration.image.read_bytes()
    assert LOCKED_PASSPHRASE.encode() not in image
    assert not any(key.encode() in image for key in keys)


def test_elements_are_those_of_all_places_together(demonstration: Demonstration, records: dict[str, Member]) -> None:
    truth = demonstration.truth
    doubles = {key for group in truth.same_person for key in group}
    for key in set(truth.elements) - doubles:
        places = [shown(name, records[key]) for name in LAYOUTS if key in truth.layouts[name]]
        assert truth.elements[key] == frozenset().union(*places)
        assert (key in truth.identifiable) == any(is_identifiable(place) for place in places)
    assert truth.layouts["zip"] & truth.layouts["pdf"]


def test_a_person_entered_twice_is_exposed_under_both_ids(
    demonstration: Demonstration, records: dict[str, Member]
) -> None:
    truth = demonstration.truth
    assert truth.same_person
    for group in truth.same_person:
        one, two = group
        assert group <= truth.identifiable
        assert truth.elements[one] == truth.elements[two]
        assert records[one].birth_date == records[two].birth_date


def test_namesakes_share_name_and_birth_date_with_somebody_exposed_and_are_not_exposed(
    demonstration: Demonstration, records: dict[str, Member]
) -> None:
    truth = demonstration.truth

    def identity(key: str) -> tuple[str, str, str]:
        return records[key].first_name, records[key].last_name, records[key].birth_date

    exposed = {identity(key) for key in truth.identifiable}
    assert truth.namesakes
    assert truth.namesakes == {key for key in records if identity(key) in exposed} - truth.identifiable


def test_strangers_are_in_no_record_though_some_have_a_members_name(
    demonstration: Demonstration, records: dict[str, Member]
) -> None:
    _, *rows = file(demonstration, "Personal/club roster.csv").decode().splitlines()
    strangers = [row.split(",") for row in rows]
    assert {row[0] for row in strangers} == demonstration.truth.strangers
    assert not demonstration.truth.strangers & set(records)
    assert all(re.fullmatch(r"W\d{9}", row[0]) for row in strangers)
    names = {f"{member.first_name} {member.last_name}" for member in records.values()}
    assert sum(row[1] in names for row in strangers) >= len(strangers) // 3
    identities = {
        (f"{m.first_name} {m.last_name}", f"{m.born.month}/{m.born.day}/{m.born.year}") for m in records.values()
    }
    assert not identities & {(row[1], row[2]) for row in strangers}


# ------------------------------------------------------------------------------------------------------- the drive


def test_fsck_finds_nothing_to_mend(demonstration: Demonstration, tmp_path: Path) -> None:
    partition = tmp_path / "partition.img"
    run("dd", f"if={demonstration.image}", f"of={partition}", "bs=1M", "skip=1", "conv=sparse", "status=none")
    assert len(run("fsck.vfat", "-n", partition).decode().splitlines()) == 2


def test_the_copy_is_the_same_file_in_pieces(demonstration: Demonstration) -> None:
    first, copy = "Work/Enrollment/members_export.csv", "Backup/From office PC/members_export.csv"
    assert file(demonstration, first) == file(demonstration, copy)
    addresses = listed(demonstration)
    jumps = []
    for path in (first, copy):
        said = sleuth("istat", demonstration, addresses[path][0]).decode().split("Sectors:")[1]
        sectors = [int(sector) for sector in said.split()]
        jumps.append(sum(after != before + 1 for before, after in pairwise(sectors)))
    assert jumps[0] == 0
    assert jumps[1] >= 1


def test_every_file_that_can_say_so_says_that_it_is_synthetic(demonstration: Demonstration) -> None:
    for layout in set(LAYOUTS) - {"slack"}:
        assert "synthetic" in "\n".join(READ[layout](demonstration)).lower() or layout == "xlsx"
    book = python_calamine.CalamineWorkbook.from_filelike(
        io.BytesIO(file(demonstration, "Work/Enrollment/Member list for review.xlsx"))
    )
    assert "SYNTHETIC" in str(book.get_sheet_by_name("Members").to_python()[1])
    assert b"DEMONSTRATION" in file(demonstration, "README.TXT")
    assert b"SYNTHETIC" in file(demonstration, "Photos/IMG_0001.JPG")
    assert b"SYNTHETIC" in file(demonstration, "Work/Finance/claims_2016.csv")
    assert b"synthetic" in file(demonstration, "Personal/club roster.csv")
    assert file(demonstration, "Personal/untitled.txt") == b""


def test_the_same_arguments_give_the_same_bytes_and_another_seed_does_not(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    again = make_demonstration(tmp_path / "again", members=MEMBERS, affected=AFFECTED)
    assert of_file(again.image) == of_file(demonstration.image)
    assert of_file(again.records) == of_file(demonstration.records)
    assert again.truth == demonstration.truth
    other = make_demonstration(tmp_path / "other", members=MEMBERS, affected=AFFECTED, seed=7)
    assert of_file(other.image) != of_file(demonstration.image)
    assert other.truth != demonstration.truth


def test_the_answer_is_not_written_beside_the_question(demonstration: Demonstration) -> None:
    assert sorted(demonstration.image.parent.iterdir()) == sorted([demonstration.image, demonstration.records])


# ---------------------------------------------------------------------------------------------------------- manners


def test_what_is_there_already_is_not_written_over(demonstration: Demonstration) -> None:
    before = of_file(demonstration.image)
    with pytest.raises(Refused, match="already"):
        make_demonstration(demonstration.image.parent, members=MEMBERS, affected=AFFECTED)
    assert of_file(demonstration.image) == before


@pytest.mark.parametrize(("members", "affected"), [(3_000, 100), (300, 200)])
def test_too_few_people_are_refused_with_a_remedy(tmp_path: Path, members: int, affected: int) -> None:
    with pytest.raises(Refused, match="at least"):
        make_demonstration(tmp_path, members=members, affected=affected)
    assert not list(tmp_path.iterdir())


def test_the_smallest_drive_that_is_not_refused_has_every_layout(tmp_path: Path) -> None:
    truth = make_demonstration(tmp_path, members=240, affected=120).truth
    assert len(truth.identifiable) == 120
    assert all(truth.only_in.values())


def test_progress_counts_up_and_a_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    make_demonstration(
        tmp_path / "whole", members=MEMBERS, affected=AFFECTED, progress=lambda *heard: said.append(heard)
    )
    assert [phase for phase, _, _ in said] == sorted((phase for phase, _, _ in said), reverse=True)
    for phase in ("records", "drive"):
        counts = [(done, total) for name, done, total in said if name == phase]
        assert counts == sorted(counts, key=lambda count: count[0])
        assert all(done <= total for done, total in counts)
        assert counts[-1][0] == counts[-1][1]

    def stop(phase: str, done: int, total: int) -> None:
        if phase == "drive":
            raise Cancelled

    with pytest.raises(Cancelled):
        make_demonstration(tmp_path / "stopped", members=MEMBERS, affected=AFFECTED, progress=stop)
    assert not list((tmp_path / "stopped").iterdir())


def test_a_folder_that_cannot_be_made_is_the_machines_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentFailed, match="could not be written"):
        make_demonstration(tmp_path / "file" / "folder", members=MEMBERS, affected=AFFECTED)


# -------------------------------------------------------------------------------------------------------------- big


def check_bulk(demonstration: Demonstration, scale: Scale, tmp_path: Path) -> None:
    partition = tmp_path / "partition.img"
    run("dd", f"if={demonstration.image}", f"of={partition}", "bs=1M", "skip=1", "conv=sparse", "status=none")
    assert len(run("fsck.vfat", "-n", partition).decode().splitlines()) == 2
    partition.unlink()
    paths = listed(demonstration)
    monthly = sorted(path for path in paths if path.startswith("Backup/Monthly/"))
    assert len(monthly) == scale.dated_extracts
    known = demonstration.truth.layouts["csv"]
    for path in (monthly[0], monthly[-1]):
        _, *rows = file(demonstration, path).decode().splitlines()
        there = {row.split(",")[0] for row in rows}
        assert there <= known
        assert len(there) > 0.9 * len(known)


def test_a_small_drive_with_bulk_is_as_sound_as_the_big_one(tmp_path: Path) -> None:
    scale = Scale(
        image=300 << 20,
        cluster=4096,
        dated_extracts=3,
        claims=30_000,
        photographs=3,
        photograph_width=320,
        blobs=3 << 20,
    )
    made = make_demonstration(tmp_path / "made", members=MEMBERS, affected=AFFECTED, scale=scale)
    check_bulk(made, scale, tmp_path)
    blob = file(made, "Backup/Archive/archive_01.dat")
    assert len(blob) == 3 << 20
    assert len({hashlib.sha256(blob[i : i + 4096]).digest() for i in range(0, len(blob), 4096)}) == 768


@pytest.mark.slow
def test_the_model_case_fills_more_than_a_gigabyte_of_a_stick_of_more_than_four(tmp_path: Path) -> None:
    scale = Scale.for_affected(56_000)
    made = make_demonstration(tmp_path / "made", members=798_243, affected=56_000)
    check_bulk(made, scale, tmp_path)
    assert len(made.truth.identifiable) == 56_000
    assert made.image.stat().st_size > 4 << 30
    filled = 0
    with made.image.open("rb") as stream:
        while block := stream.read(1 << 20):
            filled += len(block) - block.count(0)
    assert filled > 1.2 * (1 << 30)
    sizes = [
        int(line.split("\t")[6]) for line in sleuth("fls", made, "-r", "-p", "-l").decode().splitlines()
        if line.split("\t")[1].endswith(".csv")
    ]  # fmt: skip
    assert sum(sizes) > 300 << 20
