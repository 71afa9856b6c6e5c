"""Does this workstation find what is there? A known drive with known answers, through everything.

ASTM E3016-18 and ISO/IEC 17025 ask that a tool be shown to work where it is used. The answers come from other tools
than this program (`resources/selftest/README.md`), so that an error of ours cannot hide in them.
"""

from __future__ import annotations

import gzip
import json
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile import workstation
from forensics.casefile.case import CaseDetails
from forensics.casefile.views import CaseView
from forensics.errors import Cancelled, DriveCustodyError, EnvironmentFailed, ExitStatus
from forensics.examination.acquire import Wish, acquire
from forensics.examination.assess import assess
from forensics.examination.images import verify_image
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.package import package
from forensics.examination.receive import FIRST_EXHIBIT, new, receive
from forensics.examination.records import add_records
from forensics.examination.report import report
from forensics.examination.verify import verify
from forensics.exposure.assessment import SURE
from forensics.jobs.events import Job
from forensics.model import Fact, Locator, Tier
from forensics.resources import resource

ANSWERS_SHA256 = "c200f909615b6c0d631c3695e86f6b0536098989a9a8daaaa43673ed5db789a7"
"""Of `resources/selftest/answers.json`, which holds the digests of drive and records."""

NAMED = 3
"""Items that a check names when it does not hold; the rest is counted."""

STEPS = 10


@dataclass(frozen=True, slots=True)
class Known:
    """A drive, its source records, and what is to be found on it. `drive` and `records` are gzip files."""

    drive: Path
    records: Path
    answers: dict[str, Any]
    answers_sha256: str

    @classmethod
    def shipped(cls) -> Known:
        """The one that comes with the program. Raises `Defect` where it is missing."""
        text = resource("selftest", "answers.json").read_bytes()
        return cls(
            resource("selftest", "drive.img.gz"), resource("selftest", "records.csv.gz"), json.loads(text),
            hashing.of_bytes(text),
        )  # fmt: skip


class _Quiet(Job):
    """A verb inside the self-test: it can be stopped from outside, and its own progress is not told."""

    def __init__(self, outer: Job) -> None:
        super().__init__(lambda _: None)
        self._outer = outer

    def check(self) -> None:
        self._outer.check()

    @property
    def stopping(self) -> bool:
        return self._outer.stopping


def self_test(job: Job, known: Known | None = None) -> dict[str, Any]:
    """Every check with its outcome; `status` is 1 where one does not hold. What is made for it is removed again.

    `result_id` is the same for the same outcome with the same versions on the same system. A verb that fails is a check
    that does not hold; only what the machine lacks (`EnvironmentFailed`, `OSError`) ends the test without a verdict.
    """
    known = known or Known.shipped()
    with tempfile.TemporaryDirectory(prefix="drivecustody-selftest-") as folder:
        facts = list(_facts(job, known, Path(folder)))
    intact = all(fact.holds for fact in facts)
    environment = workstation.environment()
    result: dict[str, Any] = {
        "facts": [{"subject": f.subject, "check": f.check, "holds": f.holds, "detail": f.detail} for f in facts],
        "intact": intact,
        "passed": sum(fact.holds is True for fact in facts),
        "result_id": result_id(facts, environment),
        "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "environment": environment,
        "answers_sha256": known.answers_sha256,
    }
    result["kept"] = workstation.keep(result)
    return {**result, "status": ExitStatus.OK if intact else ExitStatus.VERIFICATION_FAILED}


def result_id(facts: Iterable[Fact], environment: dict[str, Any]) -> str:
    """16 hex digits of the SHA-256 over what was checked, how it came out, and with which versions; not over when."""
    said = {"environment": environment, "checks": [[f.subject, f.check, f.holds] for f in facts]}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashing.of_bytes(canonical.encode())[:16]


# ------------------------------------------------------------------------------------------------------------- facts


def _facts(job: Job, known: Known, folder: Path) -> Iterator[Fact]:
    """The checks in order. A verb that fails is the last of them: what comes after it would have nothing to check."""
    done = 0

    def step(name: str) -> None:
        nonlocal done
        job.check()
        job.progress(name, done, STEPS, "items")
        done += 1

    running = _Way(_Quiet(job), known, folder, step)
    checks = running.checks()
    while True:
        try:
            yield next(checks)
        except StopIteration:
            return
        except (Cancelled, EnvironmentFailed, OSError):
            raise
        except DriveCustodyError as error:
            yield Fact(running.at, "ends without an error", False, error.message)
            return
        except Exception as error:
            yield Fact(running.at, "ends without an error", False, type(error).__name__)
            return


class _Way:
    """The known drive on its way from image to package; `at` is where it is."""

    def __init__(self, job: Job, known: Known, folder: Path, step: Callable[[str], None]) -> None:
        self._job = job
        self._known = known
        self._answers = known.answers
        self._folder = folder
        self._step = step
        self.at = ""

    def _enter(self, name: str) -> None:
        self._step(name)
        self.at = name

    def checks(self) -> Iterator[Fact]:
        drive, records = self._folder / "drive.img", self._folder / "records.csv"
        self._enter("unpack the known drive")
        answers = self._known.answers_sha256
        yield Fact("known answers", "those of this version", answers == ANSWERS_SHA256, f"SHA-256 {answers}")
        _unpack(self._known.drive, drive)
        _unpack(self._known.records, records)
        yield _same("source records", "SHA-256", self._answers["records"]["sha256"], hashing.of_file(records))
        with self._case("raw") as case:
            yield from self._acquire(case, drive, "raw")
        with self._case("e01") as case:
            yield from self._acquire(case, drive, "e01")
            drive.unlink()
            yield from self._contents(case)
            yield from self._persons(case, records)
            yield from self._seal(case)
            closed = case.folder.path
        yield from self._tamper(closed)

    def _case(self, name: str) -> OpenCase:
        details = CaseDetails(
            f"SELFTEST-{name}", "Self-test (synthetic data)", "none", ("none",), "self-test",
            incident=self._answers["incident"],
        )  # fmt: skip
        return new(self._folder / f"{name}.dcase", details, secrets.token_urlsafe(24))

    def _acquire(self, case: OpenCase, drive: Path, format: str) -> Iterator[Fact]:
        self._enter(f"acquire as {format.upper()}")
        receive(case, self._job, exhibit=FIRST_EXHIBIT, received_from="self-test", received_by="self-test")
        wish = Wish(format=format)
        made = acquire(case, self._job, exhibit=FIRST_EXHIBIT, source=drive, wish=wish, check=False)["acquisition"]
        subject, expected = f"{format.upper()} image", self._answers["image"]
        for name, written in (("md5", "MD5"), ("sha1", "SHA-1"), ("sha256", "SHA-256")):
            yield _same(subject, written, expected[name], made["hashes"][name])
        yield _same(subject, "size", expected["size"], made["size"])
        checked = verify_image(case, self._job)["verified"][FIRST_EXHIBIT]
        yield _same(subject, "read back, SHA-256", expected["sha256"], checked["sha256"])
        if format == "raw":
            file = case.folder.images(FIRST_EXHIBIT) / made["segments"][0]
            yield _same(subject, "file, SHA-256", expected["sha256"], hashing.of_file(file))

    def _contents(self, case: OpenCase) -> Iterator[Fact]:
        self._enter("index")
        index(case, self._job, recognition=False)
        with case.view() as view:
            known = self._answers["volumes"]
            found = [{name: getattr(v, name) for name in known[0]} for v in view.volumes() if v.file_system]
            yield _alike("contents", "volumes", map(_written, known), map(_written, found))
            expected = self._answers["entries"]
            yield _alike("contents", "entries by status", _lines(expected), _lines(view.counts_by("status")))
            hashes = {row.locator: row for row in view.hashes()}
            for status in sorted({file["status"] for file in self._answers["files"]}):
                files = [f for f in self._answers["files"] if f["status"] == status]
                yield _alike(
                    f"contents, {status}", "files with size and SHA-256",
                    (f"{f['locator']} {f['size']} {f['sha256']}" for f in files),
                    (f"{r.locator} {r.size} {r.sha256}" for r in hashes.values() if r.status == status),
                )  # fmt: skip
            yield _alike(
                "contents", "not examined",
                (f"{i['locator']} {i['size']} {i['reason']}" for i in self._answers["not_examined"]),
                (f"{i.locator} {i.size} {i.reason}" for i in view.not_examined()),
            )  # fmt: skip

    def _persons(self, case: OpenCase, records: Path) -> Iterator[Fact]:
        self._enter("read the source records")
        added = add_records(case, self._job, file=records)
        yield _same("source records", "rows", self._answers["records"]["rows"], added["records"])
        self._enter("compare with the records")
        match(case, self._job)
        self._enter("assess")
        counts = assess(case, self._job)
        expected = self._answers["counts"]
        yield _alike("persons", "counts by tier", _lines(expected["tiers"]), _lines(counts["tiers"]))
        for name in ("minors", "deceased"):
            yield _same("persons", name, expected[name], counts[name])
        with case.view() as view:
            yield from _compare_persons(self._answers["persons"], view)

    def _seal(self, case: OpenCase) -> Iterator[Fact]:
        self._enter("report")
        made = report(case, self._job, out=case.folder.reports / "report.pdf")
        is_pdf = (case.folder.reports / "report.pdf").read_bytes().startswith(b"%PDF-")
        yield Fact("report", "written as PDF", is_pdf, f"{made['size']} bytes")
        self._enter("package")
        package(case, self._job, out=case.folder.packages / "package")
        with case.folder.database.open("rb") as stream:
            head = stream.read(16)
        yield Fact("case.db", "encrypted", not head.startswith(b"SQLite"), "no SQLite header")

    def _tamper(self, case: Path) -> Iterator[Fact]:
        """Intact as it is; and one bit changed in each thing that is sealed is found where it is."""
        self._enter("verify")
        sealed = verify(self._job, case)
        broken = [f"{f['subject']}: {f['check']}" for f in sealed["facts"] if f["holds"] is False]
        yield Fact("verify", "the case is intact", sealed["intact"], _few(broken) or f"{len(sealed['facts'])} facts")
        self._enter("change one bit")
        bag = case / "packages" / "package"
        for what, path, file in (
            ("image", case, next((case / "images" / FIRST_EXHIBIT).glob("*.E01"))),
            ("ledger", case / "custody" / "ledger.jsonl", case / "custody" / "ledger.jsonl"),
            ("report", case, case / "reports" / "report.pdf"),
            ("package", bag, bag / "data" / "manifests" / "hashes.csv"),
        ):
            _flip(file)
            seen = verify(self._job, path)
            _flip(file)
            broken = [f"{f['subject']}: {f['check']}" for f in seen["facts"] if f["holds"] is False]
            yield Fact("verify", f"one changed bit in the {what} is found", not seen["intact"], _few(broken))


def _compare_persons(expected: Sequence[dict[str, Any]], view: CaseView) -> Iterator[Fact]:
    found = {person.record_key: person for person in view.all_persons(tuple(Tier))}
    known = {person["record_key"]: person for person in expected}
    yield _alike(
        "persons", "who is affected",
        (k for k, p in known.items() if p["tier"] != Tier.POSSIBLE), (k for k, p in found.items() if p.tier in SURE),
    )  # fmt: skip
    both = [(known[key], found[key]) for key in sorted(known.keys() & found.keys())]
    yield _alike(
        "persons", "tiers",
        (f"{k} {p['tier']}" for k, p in known.items()), (f"{k} {p.tier}" for k, p in found.items()),
    )  # fmt: skip
    yield _alike(
        "persons", "elements",
        (f"{p['record_key']} {' '.join(sorted(p['elements']))}" for p, _ in both),
        (f"{p.record_key} {' '.join(sorted(p.elements))}" for _, p in both),
    )  # fmt: skip
    asked = [(p, q) for p, q in both if p["first_place"] is not None]
    strayed = [f"{p['record_key']} at {q.first_place}" for p, q in asked if not within(q.first_place, p["first_place"])]
    yield Fact("persons", "first places", not strayed, _few(strayed) or f"{len(asked)} places")


def within(place: str, line: str) -> bool:
    """Whether a place is this line, or, where places are counted in bytes, lies inside it."""
    here, there = Locator.parse(place), Locator.parse(line)
    if there.offset is None or here.offset is None:
        return here == there
    if here._replace(offset=None, length=None) != there._replace(offset=None, length=None):
        return False
    return there.offset <= here.offset and here.offset + (here.length or 0) <= there.offset + (there.length or 0)


# ------------------------------------------------------------------------------------------------------------- parts


def _same(subject: str, check: str, expected: object, found: object) -> Fact:
    return Fact(subject, check, expected == found, f"{found}" if expected == found else f"{found}, expected {expected}")


def _alike(subject: str, check: str, expected: Iterable[str], found: Iterable[str]) -> Fact:
    """Whether two lists hold the same lines, in any order; the detail names what is missing and what is too much."""
    wanted, there = sorted(expected), sorted(found)
    missing, more = sorted(set(wanted) - set(there)), sorted(set(there) - set(wanted))
    said = [f"missing {line}" for line in missing] + [f"unexpected {line}" for line in more]
    return Fact(subject, check, wanted == there, _few(said) or f"{len(there)} as known")


def _few(lines: Sequence[str]) -> str:
    rest = len(lines) - NAMED
    return "; ".join(lines[:NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def _written(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def _lines(counts: dict[str, int]) -> Iterator[str]:
    return (f"{name} {count}" for name, count in counts.items() if count)


def _unpack(packed: Path, target: Path) -> None:
    with gzip.open(packed) as reader, target.open("xb") as writer:
        while block := reader.read(1 << 20):
            writer.write(block)


def _flip(file: Path) -> None:
    """Change the lowest bit of the middle byte; done twice, the file is as it was."""
    with file.open("r+b") as stream:
        at = file.stat().st_size // 2
        stream.seek(at)
        byte = stream.read(1)
        stream.seek(at)
        stream.write(bytes([byte[0] ^ 1]))
