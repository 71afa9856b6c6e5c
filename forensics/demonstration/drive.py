"""The worked example: a returned drive, the source records it is compared with, and the answer.

The program that examines the drive never sees the answer; it exists in memory for the tests that measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from forensics.demonstration import documents, layouts
from forensics.demonstration.fat32 import HIDDEN_SYSTEM, SECTOR, Fat32Image, Stamps
from forensics.demonstration.layouts import ENCRYPTED
from forensics.demonstration.members import (
    FAMILY_NAMES,
    GIVEN_NAMES,
    Member,
    Members,
    Numbers,
    make_members,
    write_records,
)
from forensics.errors import EnvironmentFailed, Refused

IMAGE_NAME = "returned_drive.img"
RECORDS_NAME = "member_records.csv"
LOCKED_PASSPHRASE = "Tin-Orchard-Lantern-58"  # noqa: S105  opens a made-up archive; it stands nowhere on the drive

Progress = Callable[[str, int, int], None]
"""Called with phase, done, total: `records` counts rows, `drive` bytes (the total is an estimate until the end).

What it raises ends the work, and the unfinished files are removed."""

_SLACK_ROWS_A_NOTE = 6
_SLACK_NOTES = 4
_NAMES_ONLY = 25
_SMALLEST = 120
_COPIED = datetime(2016, 8, 15, 18, 42, 10)
"""The evening on which the drive was filled; it is returned, and touched for the last time, two days later: the days
that the case of the worked example names (`examination.demo.DETAILS`)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How big a drive is, and how much of what is not new: all in bytes, rows or pieces."""

    image: int
    cluster: int
    dated_extracts: int
    claims: int
    photographs: int
    photograph_width: int
    blobs: int

    @classmethod
    def for_affected(cls, affected: int) -> Scale:
        """A small stick up to 20,000 persons; from there one of more than 4 GiB, a third of it in use."""
        if affected < 20_000:
            return cls(96 << 20, 1024, 0, 5_000, 12, 640, 0)
        return cls((4352 << 20) + affected * 4_000, 4096, 24, 2_600_000, 160, 2400, 960 << 20)


@dataclass(frozen=True)
class Truth:
    """Who really is on the drive, by record key, and which elements of theirs.

    `elements`: everyone in an examinable place. `identifiable`: those of them whose data say who they are (an
    identifier with a name or a birth date, or a full name with a birth date). `layouts`: layout → who stands in it;
    `only_in`: layout → who stands nowhere else; both also have `encrypted`, whose members are in neither of the two
    before unless they stand elsewhere too. `strangers`: ids on the drive that no record has. `same_person`: groups of
    records of one exposed person; they share that person's elements though only one id stands on the drive.
    `namesakes`: records of other persons, not on the drive, with the full name and birth date of one who is.
    """

    elements: Mapping[str, frozenset[str]]
    layouts: Mapping[str, frozenset[str]]
    only_in: Mapping[str, frozenset[str]]
    identifiable: frozenset[str]
    strangers: frozenset[str]
    same_person: frozenset[frozenset[str]]
    namesakes: frozenset[str]


@dataclass(frozen=True)
class Demonstration:
    """The files of the worked example, and its answer."""

    image: Path
    records: Path
    truth: Truth


def make_demonstration(
    folder: Path,
    *,
    members: int = 20_000,
    affected: int = 1_400,
    seed: int = 2016,
    progress: Progress | None = None,
    scale: Scale | None = None,
) -> Demonstration:
    """Make a drive image with `affected` identifiable members on it, and the records of all `members`, in `folder`.

    The same arguments give the same bytes (with the same versions of NumPy, Pillow, ReportLab, XlsxWriter and zlib).
    Raises `Refused` where the files are there already or the numbers cannot work, `EnvironmentFailed` where the disk
    will not take them; then nothing is left behind.
    """
    if affected < _SMALLEST or members < 2 * affected:
        raise Refused(
            "The demonstration cannot be made with so few people.",
            f"Take at least {_SMALLEST} affected members, and at least twice as many members as affected ones.",
        )
    image, records = folder / IMAGE_NAME, folder / RECORDS_NAME
    if image.exists() or records.exists():
        raise Refused("There is a demonstration in this folder already.", "Choose another folder, or delete its files.")
    say = progress or _unheard
    random = np.random.Generator(np.random.PCG64(seed))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        plan = make_members(members, random)
        write_records(plan, records, lambda done: say("records", done, members))
        truth = _Drive(plan, affected, random, scale or Scale.for_affected(affected)).write(image, seed, say)
    except OSError as error:
        _remove(image, records)
        raise EnvironmentFailed(
            f"The demonstration could not be written: {error.strerror}.", "Choose a folder on a disk with more room."
        ) from error
    except BaseException:
        _remove(image, records)
        raise
    return Demonstration(image, records, truth)


def _unheard(phase: str, done: int, total: int) -> None:
    """Progress that nobody wants to hear of."""


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):  # what ended the work is worth telling, not that cleaning up fails for the same reason
            path.unlink(missing_ok=True)


def is_identifiable(elements: frozenset[str]) -> bool:
    """Whether these elements, standing together, say which person they are of."""
    has_name, born = "name" in elements, "birth_date" in elements
    return (bool(elements & {"ssn", "member_id"}) and (has_name or born)) or (has_name and born)


# ------------------------------------------------------------------------------------------------ who is where


@dataclass(frozen=True)
class _Cast:
    """Row numbers of `Members` by the layout they stand in, and the records that came in as somebody's second."""

    rows: dict[str, Numbers]
    seconds: dict[int, int]
    """Row on the drive → another row of the same person."""


def _cast(members: Members, affected: int, random: np.random.Generator) -> _Cast:
    order = random.permutation(len(members))
    _, firsts, person = np.unique(members.person[order], return_index=True, return_inverse=True)
    later = np.setdiff1d(np.arange(len(order)), firsts)
    seconds = dict(zip(order[firsts[person[later]]].tolist(), order[later].tolist(), strict=True))
    primary = order[np.sort(firsts)]

    # The rare cases first, so that no drive is without them: somebody entered twice, somebody with a namesake.
    forced = list(seconds)[:2]
    _, where, same = np.unique(_identity(members, primary), return_index=True, return_counts=True)
    forced += primary[where[same > 1][:2]].tolist()
    rest = primary[~np.isin(primary, forced)]
    chosen: list[int] = []
    left = affected
    queue = iter(list(dict.fromkeys(forced)) + rest.tolist())
    for row in queue:
        weight = 1 + (row in seconds)
        if weight <= left:
            chosen.append(row)
            left -= weight
        if left == 0:
            break
    others = np.fromiter((row for row in queue if row not in seconds), dtype=np.int64)

    sizes = {
        "xlsx": affected * 14 // 100,
        "zip": affected * 11 // 100,
        "nested_zip": affected * 6 // 100,
        "report": affected * 9 // 100,
        "letter": min(40, max(3, affected // 120)),
        "pdf": affected * 6 // 100,
        "deleted": affected * 6 // 100,
        "unallocated": max(20, affected * 3 // 100),
        "slack": _SLACK_NOTES * _SLACK_ROWS_A_NOTE,
    }
    groups: dict[str, Numbers] = {}
    take = np.array(chosen, dtype=np.int64)
    for name, size in sizes.items():
        groups[name], take = take[-size:], take[:-size]
    groups["csv"] = take
    shared = take[len(take) // 2 :]
    groups["xlsx"] = np.concatenate((groups["xlsx"], shared[: len(shared) // 3]))
    # Somebody whose number is only in the archive and whose id is only in the list: elements add up over places.
    both = groups["zip"][: len(groups["zip"]) // 8]
    groups["pdf"] = np.concatenate((groups["pdf"], shared[: len(shared) // 8], both))
    groups["names_only"] = others[:_NAMES_ONLY]
    locked = max(10, affected // 20)
    groups[ENCRYPTED] = others[_NAMES_ONLY : _NAMES_ONLY + locked]
    return _Cast(groups, {row: seconds[row] for row in chosen if row in seconds})


def _identity(members: Members, rows: Numbers) -> Numbers:
    """One number a full name and birth date."""
    names = members.given[rows] * (len(FAMILY_NAMES) + 1) + members.family[rows]
    names = names * (len(FAMILY_NAMES) + 1) + members.second_family[rows] + 1
    return (names * 100_000 + members.born[rows] + 40_000).astype(np.int64)


def _truth(members: Members, cast: _Cast, strangers: Iterable[str]) -> Truth:
    elements: dict[str, frozenset[str]] = {}
    identifiable: set[str] = set()
    keys: dict[str, frozenset[str]] = {}
    for name, rows in cast.rows.items():
        here: set[str] = set()
        for row, member in zip(rows.tolist(), members.rows(rows), strict=True):
            records = [member.member_id]
            if row in cast.seconds:
                records.append(members.key(cast.seconds[row]))
            here.update(records)
            if name == ENCRYPTED:
                continue
            seen = layouts.shown(name, member)
            for key in records:
                elements[key] = elements.get(key, frozenset()) | seen
                if is_identifiable(seen):
                    identifiable.add(key)
        keys[name] = frozenset(here)
    only = {
        name: here.difference(*(there for other, there in keys.items() if other != name)) for name, here in keys.items()
    }
    exposed = np.unique(
        np.concatenate([rows for name, rows in cast.rows.items() if name not in (ENCRYPTED, "names_only")])
    )
    every = np.arange(len(members), dtype=np.int64)
    alike = np.isin(_identity(members, every), _identity(members, exposed))
    others = alike & ~np.isin(members.person, members.person[exposed])
    return Truth(
        elements=elements,
        layouts=keys,
        only_in=only,
        identifiable=frozenset(identifiable),
        strangers=frozenset(strangers),
        same_person=frozenset(frozenset({members.key(one), members.key(other)}) for one, other in cast.seconds.items()),
        namesakes=frozenset(members.key(int(row)) for row in np.flatnonzero(others)),
    )


def _make_strangers(members: Members, count: int, random: np.random.Generator) -> list[tuple[str, str, date, str]]:
    """People in no record; every third has a member's first and last name, and no member's birth date with it."""
    issued = members.member_id
    gaps = np.setdiff1d(np.arange(issued[0], issued[-1]), issued)
    numbers = random.permutation(gaps)[:count].tolist()
    borrowed = random.integers(0, len(members), count)
    given = np.where(np.arange(count) % 3 == 0, members.given[borrowed], random.integers(0, len(GIVEN_NAMES), count))
    family = np.where(np.arange(count) % 3 == 0, members.family[borrowed], random.integers(0, len(FAMILY_NAMES), count))
    taken = set(zip(members.given.tolist(), members.family.tolist(), members.born.tolist(), strict=True))
    people = []
    for number, first, last in zip(numbers, given.tolist(), family.tolist(), strict=True):
        day = int(random.integers(-14_000, 9_000))
        while (first, last, day) in taken:
            day += 1
        phone = f"{random.integers(2, 9)}0{random.integers(1, 9)}-555-01{random.integers(0, 100):02}"
        born = date(1970, 1, 1) + timedelta(days=day)
        people.append((f"W{number}", f"{GIVEN_NAMES[first]} {FAMILY_NAMES[last]}", born, phone))
    return people


# --------------------------------------------------------------------------------------------------- the drive

_README = f"""THIS IS A DEMONSTRATION
{documents.SYNTHETIC}
Names, numbers and addresses were made by a program. Social security numbers have areas that were never
given out before June 2011. Do not mix these files with those of a real case.
"""

_NOTES = (
    "shopping: oats, lamp oil, twine",
    "call the garage about the tyres",
    "gym code is on the fridge",
    "return books",
)


def _at(days: int, hour: int, minute: int) -> Stamps:
    """Last changed so many days before the drive was filled; put on the drive, and touched, on that evening."""
    changed = (_COPIED - timedelta(days=days)).replace(hour=hour, minute=minute, second=0)
    return Stamps(changed, _COPIED, _COPIED + timedelta(days=2))


class _Drive:
    """The content of one drive, in the order in which it is written."""

    def __init__(self, members: Members, affected: int, random: np.random.Generator, scale: Scale) -> None:
        self._members = members
        self._random = random
        self._scale = scale
        self._cast = _cast(members, affected, random)
        self._strangers = _make_strangers(members, max(40, affected // 20), random)

    def _of(self, layout: str) -> list[Member]:
        return list(self._members.rows(self._cast.rows[layout]))

    def write(self, path: Path, seed: int, say: Progress) -> Truth:
        scale = self._scale
        estimate = scale.blobs + scale.claims * 58 + scale.photographs * scale.photograph_width**2 // 10
        estimate += (scale.dated_extracts * 350 + 500) * len(self._cast.rows["csv"])
        done = 0

        def written(length: int) -> None:
            nonlocal done
            done += length
            say("drive", done, max(estimate, done + 1))

        with Fat32Image(
            path, size=scale.image // SECTOR * SECTOR, cluster_size=scale.cluster, label="KESTREL 16", written=written,
            serial=(0x20160000 + seed) & 0xFFFFFFFF, formatted=datetime(2016, 2, 11, 8, 5, 26),
        ) as image:  # fmt: skip
            self._private(image)
            self._work(image)
            self._bulk(image)
        say("drive", done, done)
        return _truth(self._members, self._cast, (number for number, *_ in self._strangers))

    def _private(self, image: Fat32Image) -> None:
        """What the owner had on the stick: nobody's records, though some of it looks like them."""
        image.file("README.TXT", _README.replace("\n", "\r\n").encode(), _at(1, 9, 0))
        image.directory("System Volume Information", _at(189, 8, 6), attributes=HIDDEN_SYSTEM)
        guid = "{5EED2016-0000-4000-8000-00000000D3C0}".encode("utf-16-le")
        image.file("System Volume Information/IndexerVolumeGuid", guid, _at(189, 8, 6))
        image.directory("Photos", _at(60, 20, 0))
        width = self._scale.photograph_width
        for number in range(1, self._scale.photographs + 1):
            picture = documents.photograph(self._random, width, width * 3 // 4)
            placed = image.file(f"Photos/IMG_{number:04}.JPG", picture, _at(60 + number % 90, 14, number % 60))
            if number == 1:
                image.ghost("Photos/old list.csv", placed, 18_220, _at(170, 11, 20))
        image.directory("Personal", _at(30, 19, 0))
        left = self._of("slack")
        for number in range(_SLACK_NOTES):
            rows = left[number * _SLACK_ROWS_A_NOTE : (number + 1) * _SLACK_ROWS_A_NOTE]
            image.file(f"Personal/note {number + 1}.txt", (_NOTES[number] + "\r\n").encode(), _at(20 + number, 7, 45),
                       slack=layouts.leftover(rows))  # fmt: skip
        image.file("Personal/club roster.csv", layouts.club(self._strangers), _at(25, 21, 10))
        image.file("Personal/cards.txt", layouts.names(self._of("names_only")), _at(24, 21, 30))
        image.file("Personal/untitled.txt", b"", _at(24, 21, 31))

    def _work(self, image: Fat32Image) -> None:
        """What should not be there, live and deleted."""
        for folder in ("Work", "Work/Enrollment", "Work/Letters", "Work/Finance", "Backup", "Backup/From office PC"):
            image.directory(folder, _at(0, 18, 30))
        export = list(layouts.extract(self._of("csv")))
        image.file("Work/Enrollment/members_export.csv", export, _at(4, 16, 5))
        image.leave_free(8)
        gone = image.file(
            "Work/Enrollment/tmp_ssn_check.csv", layouts.deleted_extract(self._of("deleted")), _at(3, 10, 15)
        )
        # Copied while another copy ran: in pieces, so that only somebody who follows the chain can open it.
        image.file(
            "Work/Enrollment/Member list for review.xlsx", layouts.workbook(self._of("xlsx")), _at(3, 11, 0), stride=5
        )
        image.file("Work/Enrollment/enrollment_report.txt", layouts.report(self._of("report")), _at(4, 17, 40))
        image.file("Work/Enrollment/missing forms.pdf", layouts.listing(self._of("pdf")), _at(6, 9, 25))
        for number, member in enumerate(self._of("letter"), 1):
            image.file(f"Work/Letters/letter_{number:03}.docx", layouts.letter(member), _at(4 + number % 5, 13, number))
        image.delete(gone)
        image.leave_free(8)
        cut = self._of("csv")[:2]
        image.stray(layouts.fragment(self._of("unallocated"), *cut))
        image.leave_free(8)
        older = documents.zip_archive((("contacts_2015.txt", layouts.older_contacts(self._of("nested_zip"))),))
        archive = documents.zip_archive(
            (
                ("readme.txt", documents.SYNTHETIC.encode()),
                ("extract_2016-06-30.csv", layouts.archived_extract(self._of("zip"))),
                ("older/2015.zip", older),
            )
        )
        image.file("Backup/enrollment_2016.zip", archive, _at(50, 12, 0))
        plain = b"".join(layouts.extract(self._of(ENCRYPTED)))
        locked = documents.locked_zip("members_full_extract.csv", plain, LOCKED_PASSPHRASE)
        image.file("Backup/members_full_extract.zip", locked, _at(2, 18, 20))
        image.file("Backup/From office PC/members_export.csv", export, _at(4, 16, 5), stride=3)
        image.file(
            "Work/Finance/claims_2016.csv", layouts.claims(min(self._scale.claims, 5_000), self._random), _at(9, 8, 50)
        )

    def _bulk(self, image: Fat32Image) -> None:
        """More of the same, for a drive of a size at which speed and memory can be measured."""
        scale = self._scale
        rows = self._cast.rows["csv"]
        if scale.dated_extracts:
            image.directory("Backup/Monthly", _at(0, 18, 30))
        for back in range(scale.dated_extracts):
            month = f"{2016 - (back + 4) // 12}-{12 - (back + 4) % 12:02}"
            some = rows[self._random.random(len(rows)) < 0.97]
            content = layouts.dated_extract(self._members.rows(some), month, self._random)
            image.file(f"Backup/Monthly/members_{month}.csv", content, _at(15 + 30 * back, 3, 0))
        left = scale.claims - 5_000
        for number in range(1, -(-left // 500_000) + 1):
            content = layouts.claims(min(500_000, left - (number - 1) * 500_000), self._random)
            image.file(f"Work/Finance/claims_history_{number}.csv", content, _at(90 + number, 3, 0))
        if scale.blobs:
            image.directory("Backup/Archive", _at(0, 18, 30))
        for number in range(-(-scale.blobs // (128 << 20))):
            size = min(128 << 20, scale.blobs - number * (128 << 20))
            image.file(f"Backup/Archive/archive_{number + 1:02}.dat", self._noise(size), _at(200 + number, 3, 0))

    def _noise(self, size: int) -> Iterator[bytes]:
        for start in range(0, size, 1 << 20):
            yield self._random.bytes(min(1 << 20, size - start))
