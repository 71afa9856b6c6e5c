"""A case must not open for strangers, must not leak, and must survive being killed at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import SQLAlchemyError

from forensics.casefile import case as cases
from forensics.casefile import database, protection, schema
from forensics.casefile.case import CaseDetails, CaseFolder
from forensics.casefile.examined import finish_entries
from forensics.casefile.rows import readable_name
from forensics.casefile.runs import without_overlaps
from forensics.casefile.store import Store
from forensics.casefile.stored import ExaminedChild, ExaminedEntry, FoundEvidence, MatchUnit, SourceSet
from forensics.casefile.views import CaseView
from forensics.errors import Refused
from forensics.model import (
    OK,
    EntryStatus,
    Evidence,
    Exposure,
    FileEntry,
    Locator,
    Piece,
    Region,
    Run,
    SourceRecord,
    Tier,
    Unit,
    Volume,
)

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery staple"
DETAILS = CaseDetails("2026-001", "A case", "Plan", ("covered-entity",), "R. Reader")


@dataclass(frozen=True)
class Made:
    folder: CaseFolder
    key: bytes


@pytest.fixture(autouse=True)
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its lowest cost: these tests are about what is checked, not about how long a guess takes."""
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    monkeypatch.setattr(protection, "ITERATIONS", 1)
    monkeypatch.setattr(protection, "LANES", 1)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    folder, key, _ = cases.create(tmp_path / "one.dcase", DETAILS, PASSPHRASE)
    return Made(folder, key)


@pytest.fixture
def store(made: Made) -> Iterator[Store]:
    with Store(made.folder, made.key) as opened:
        yield opened


def entry_of(name: bytes, status: EntryStatus = EntryStatus.LIVE, runs: tuple[Run, ...] = ()) -> FileEntry:
    region = Region.LIVE if status is EntryStatus.LIVE else Region.DELETED
    locator = Locator("E-001", 2, region, 57 if region is Region.DELETED else None, (name,))
    return FileEntry(locator, status, 10, 57, "", "", "", runs, "FAT")


def with_entries(store: Store, *entries: FileEntry) -> None:
    store.add_exhibit("E-001", "2026-01-01T00:00:00Z", {})
    store.add_volumes([Volume("E-001", 2, 0, 1 << 30, "partition", "FAT32", "", 4096, OK)])
    store.add_entries(store.volumes("E-001")[0][0], entries)


def a_person(key: str = "M-1", tier: Tier = Tier.CONFIRMED, **more: Any) -> Exposure:
    whole: dict[str, Any] = {
        "record_key": key, "tier": tier, "elements": ("name", "ssn"), "places": 1, "live": 1, "deleted": 0,
        "unallocated": 0, "archived": 0, "first_place": "E-001/vol2/a", "state": "CT", "minor": False,
        "deceased": False, "review": "pending",
    }  # fmt: skip
    return Exposure(**{**whole, **more})


# -------------------------------------------------------------------------------------------------------------- keys


def test_a_wrong_passphrase_is_refused(made: Made) -> None:
    for wrong in ("", PASSPHRASE + " ", PASSPHRASE.upper(), "\udcff"):
        with pytest.raises(Refused, match="does not open"):
            CaseView.open(made.folder.path, wrong)
    CaseView.open(made.folder.path, PASSPHRASE).close()


def test_no_byte_of_the_key_file_can_change_so_that_a_wrong_key_comes_out(made: Made) -> None:
    sound = made.folder.key_file.read_bytes()
    opened, said = 0, []
    for place in range(len(sound)):
        for bit in (0, 1, 4, 7):
            damaged = bytearray(sound)
            damaged[place] ^= 1 << bit
            made.folder.key_file.write_bytes(damaged)
            try:
                key = protection.unlock(made.folder.key_file, PASSPHRASE)
            except Refused as refusal:
                said.append(str(refusal))
            else:
                assert key == made.key
                opened += 1
    assert PASSPHRASE not in " ".join(said)
    # Only white space and the unused bits of a Base64 ending can change without effect.
    assert opened < len(sound) * 4 // 20


@pytest.mark.parametrize(
    "damaged",
    [
        b"", b"{", b"[]", b"{}", b"null", b"\xff\xfe", b'{"version": 1, "case_id": "x", "wraps": 3}', b"[" * 100_000,
        b'{"version": 1, "case_id": "x", "wraps": [{}]}', b'{"version": 2, "case_id": "x", "wraps": []}',
    ],
)  # fmt: skip
def test_a_damaged_key_file_is_refused(made: Made, damaged: bytes) -> None:
    made.folder.key_file.write_bytes(damaged)
    with pytest.raises(Refused) as refusal:
        protection.unlock(made.folder.key_file, PASSPHRASE)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("memory_kib", 1 << 40), ("memory_kib", 1.5), ("memory_kib", -1), ("iterations", 10**9), ("lanes", 1 << 31),
        ("lanes", 0), ("lanes", "4"), ("kdf", "scrypt"), ("cipher", "none"), ("salt", ""), ("nonce", "AA=="),
        ("wrapped", None),
    ],
)  # fmt: skip
def test_a_key_file_that_asks_for_the_impossible_is_refused_before_anything_is_spent(
    made: Made, part: str, value: object
) -> None:
    document = json.loads(made.folder.key_file.read_bytes())
    document["wraps"][0][part] = value
    made.folder.key_file.write_text(json.dumps(document))
    started = time.process_time()
    with pytest.raises(Refused):
        protection.unlock(made.folder.key_file, PASSPHRASE)
    assert time.process_time() - started < 5


def test_an_accent_opens_the_case_whichever_way_the_keyboard_composed_it(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "naïve café")
    key = protection.create_key(tmp_path / "key.json", "x", composed)
    assert protection.unlock(tmp_path / "key.json", unicodedata.normalize("NFD", composed)) == key


def test_the_key_file_is_for_its_owner_and_never_overwritten(made: Made) -> None:
    assert made.folder.key_file.stat().st_mode & 0o777 == 0o600
    before = made.folder.key_file.read_bytes()
    with pytest.raises(FileExistsError):
        protection.create_key(made.folder.key_file, "x", PASSPHRASE)
    assert made.folder.key_file.read_bytes() == before
    assert PASSPHRASE.encode() not in before
    assert made.key.hex().encode() not in before


def test_the_key_of_one_case_does_not_open_another(made: Made, tmp_path: Path) -> None:
    other, other_key, _ = cases.create(tmp_path / "two.dcase", DETAILS, PASSPHRASE)
    assert other_key != made.key
    with pytest.raises(Refused, match="does not open"):
        Store(other, made.key)
    with pytest.raises(Refused, match="does not open"):
        CaseView(other, made.key).details()
    # A key file moved to another case carries the identifier of its own inside what is authenticated.
    document = json.loads(made.folder.key_file.read_bytes())
    document["case_id"] = json.loads(other.key_file.read_bytes())["case_id"]
    made.folder.key_file.write_text(json.dumps(document))
    with pytest.raises(Refused):
        protection.unlock(made.folder.key_file, PASSPHRASE)


def test_a_case_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="passphrase"):
        cases.create(tmp_path / "one.dcase", DETAILS, "")
    with pytest.raises(Refused, match=r"\.dcase"):
        cases.create(tmp_path / "one", DETAILS, PASSPHRASE)
    assert list(tmp_path.iterdir()) == []
    cases.create(tmp_path / "one.dcase", DETAILS, PASSPHRASE)
    with pytest.raises(Refused, match="exists"):
        cases.create(tmp_path / "one.dcase", DETAILS, PASSPHRASE)


# ----------------------------------------------------------------------------------------------------- encryption

MARKER = "899-77-1234"


def test_a_number_written_into_every_table_is_found_in_no_file_of_the_case(made: Made) -> None:
    """Every text and blob column of every table gets the marker, in UTF-8; rows are also left in the log unfolded."""
    store = Store(made.folder, made.key)
    marked = 0
    with store.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table in schema.metadata.sorted_tables:
            row: dict[str, Any] = {}
            for column in table.columns:
                kind = column.type.python_type
                if not column.foreign_keys:
                    row[column.name] = {str: MARKER * 40, bytes: MARKER.encode() * 40}.get(kind, 1)
                    marked += kind in (str, bytes)
                elif not column.nullable:
                    row[column.name] = MARKER * 40 if kind is str else 1
            connection.execute(table.insert().values(row))
    assert marked > 60

    def search() -> dict[str, int]:
        held = {path.name: path.read_bytes() for path in made.folder.path.rglob("*") if path.is_file()}
        for name, data in held.items():
            for spelled in (MARKER.encode(), MARKER.encode("utf-16-le"), b"source_record", b"SQLite format"):
                assert spelled not in data, name
        return {name: len(data) for name, data in held.items()}

    sizes = search()
    assert sizes["case.db-wal"] > 60 * 400
    assert "case.db-shm" in sizes
    with CaseView(made.folder, made.key) as view:
        assert MARKER in view.all_files().__next__().name
        search()
    store.close()
    sizes = search()
    assert sizes["case.db"] > 60 * 400
    assert not sizes.get("case.db-wal")


# ------------------------------------------------------------------------------------------------------- transactions


def test_tables_and_rows_roll_back_together(store: Store) -> None:
    def half_a_migration() -> None:
        with store.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE half_made (x)")
            connection.exec_driver_sql("ALTER TABLE exhibit ADD COLUMN half_made")
            store.put_fact("half", True, connection)
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        half_a_migration()
    with store.begin() as connection:
        made = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql LIKE '%half_made%'").all()
    assert made == []
    assert store.fact("half") is None


def test_another_schema_is_refused_and_not_touched(made: Made) -> None:
    with Store(made.folder, made.key) as store:
        store.put_fact("schema_version", 99)
    with pytest.raises(Refused, match="schema 99"):
        Store(made.folder, made.key)


PIECE = Piece((), Unit.ROW, True, 1, 0, 10, "utf-8", ",", 0, None)


def test_what_was_found_out_about_entries_is_recorded_whole_or_not_at_all(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(made.folder, made.key) as store:
        with_entries(store, entry_of(b"a.zip"), entry_of(b"b.zip"))
        good = ExaminedEntry(1, "zip", {"md5": "0" * 32}, OK, (PIECE,), (ExaminedChild(b"x", b"data", None),))
        bad = replace(good, id=2, pieces=(replace(PIECE, data="no bytes"),))  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            finish_entries(store, [good, bad])
        assert [e.id for e in store.pending_entries(0)] == [1, 2]
        assert list(store.pieces()) == []
        assert store.entry_counts()[1] == 2
        finish_entries(store, [good])
        assert [e.id for e in store.pending_entries(0)] == [2, 3]
        assert store.content(3) == b"data"
        assert store.entries_with_pieces() == {1}


def in_a_child(made: Made, body: str) -> subprocess.Popen[bytes]:
    """A process that has the case open as `store` and runs `body`; it says `ready` when told to by the body."""
    script = """
        import sys, time
        from pathlib import Path
        from forensics.casefile.case import CaseFolder, locked
        from forensics.casefile.stored import *
        from forensics.casefile.examined import finish_entries
        from forensics.casefile.store import *
        from forensics.model import *
        folder, key = CaseFolder(Path(sys.argv[1])), bytes.fromhex(sys.stdin.readline())
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script) + textwrap.dedent(body), str(made.folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdin is not None
    child.stdin.write(made.key.hex().encode() + b"\n")
    child.stdin.flush()
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def kill(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()


def test_a_writer_killed_in_the_middle_leaves_each_entry_whole_or_pending(made: Made) -> None:
    with Store(made.folder, made.key) as store:
        with_entries(store, *(entry_of(b"%d.zip" % n) for n in range(400)))
    child = in_a_child(
        made,
        """
        store = Store(folder, key)
        piece = Piece((), Unit.ROW, True, 1, 0, 10, "utf-8", ",", 0, b"x" * 5000)
        for number in range(1, 401):
            finish_entries(store, [ExaminedEntry(number, "zip", {}, OK, (piece,) * 3,
                                                (ExaminedChild(b"a", b"y" * 5000, None),) * 3)])
            if number == 5:
                print("ready", flush=True)
        """,
    )
    time.sleep(0.05)
    kill(child)
    with Store(made.folder, made.key) as store:
        done, total, *_ = store.entry_counts()
        pieces = [stored.entry for stored in store.pieces()]
        assert done >= 5
        assert total == 400 + 3 * done
        assert sorted(pieces) == sorted([*range(1, done + 1)] * 3)
        assert {len(store.content(number)) for number in range(401, total + 1)} == {5000}


def test_two_members_of_one_name_are_both_kept_even_if_a_third_takes_the_name_that_gives(store: Store) -> None:
    with_entries(store, entry_of(b"a.zip"))
    names = (b"x (member 3)", b"x", b"x", b"x", b"x (member 3)", b"../x", b"\xff\x00")
    children = tuple(ExaminedChild(name, b"%d" % n, None) for n, name in enumerate(names))
    finish_entries(store, [ExaminedEntry(1, "zip", {}, OK, (), children)])
    pending = store.pending_entries(0)
    assert [store.content(item.id) for item in pending] == [b"%d" % n for n in range(len(names))]
    assert len({str(item.entry.locator) for item in pending}) == len(names)


# --------------------------------------------------------------------------------------------------------------- lock


def test_a_second_job_is_refused_and_the_lock_dies_with_its_process(made: Made) -> None:
    child = in_a_child(
        made,
        """
        with locked(folder, "index"):
            print("ready", flush=True)
            time.sleep(60)
        """,
    )
    with pytest.raises(Refused, match="Another job"), cases.locked(made.folder, "match"):
        pass
    assert (made.folder.path / "case.lock").read_text().split() == ["index", str(child.pid)]
    kill(child)
    with cases.locked(made.folder, "match"):
        with pytest.raises(Refused, match="Another job"), cases.locked(made.folder, "assess"):
            pass
        # Reading needs no lock.
        with CaseView(made.folder, made.key) as view:
            assert view.details().number == "2026-001"


def test_views_read_a_whole_state_while_a_writer_writes(made: Made) -> None:
    """Every replacement writes as many persons as its result says; a reader must never see one without the other."""
    with Store(made.folder, made.key) as store:
        store.add_source_set(
            SourceSet("r", "0" * 64, "", 50, {}), [SourceRecord(f"M-{n:02}", ssn="") for n in range(50)]
        )
        stop = threading.Event()
        failed: list[BaseException] = []

        def write() -> None:
            size = 0
            try:
                while not stop.is_set():
                    size = size % 50 + 1
                    store.replace_exposure(
                        [(n + 1, a_person(f"M-{n:02}")) for n in range(size)], {"n": size}, {"total": size}
                    )
            except BaseException as error:
                failed.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        seen: list[list[int]] = []
        try:
            with CaseView(made.folder, made.key) as view:
                for _ in range(150):
                    ids = view.person_ids()
                    page = view.persons(ids)
                    assert set(page) <= set(ids)
                    seen.append(list(ids))
                    if view.fact("assessment") is not None:
                        assert view.places() is not None
        finally:
            stop.set()
            writer.join()
        assert not failed
        assert len({len(ids) for ids in seen}) > 3
        # The old persons are removed and the new ones written: nobody may look in between.
        first = next(n for n, ids in enumerate(seen) if ids)
        assert all(ids == list(range(1, len(ids) + 1)) and ids for ids in seen[first:])


def test_a_view_cannot_write(made: Made) -> None:
    engine = database.reader(made.folder.database, made.key)
    with engine.connect() as connection, pytest.raises(SQLAlchemyError, match="readonly"):
        connection.execute(schema.fact.delete())
    engine.dispose()


# ---------------------------------------------------------------------------------------------------------- matching


def test_new_records_forget_all_that_rested_on_the_old(made: Made) -> None:
    with Store(made.folder, made.key) as store:
        with_entries(store, entry_of(b"a.csv"))
        store.add_source_set(SourceSet("r", "0" * 64, "", 1, {}), [SourceRecord("M-1")])
        store.plan_match([MatchUnit(0, "E-001", 0, 100, None)])
        evidence = Evidence(
            "@1+9", 1, Region.LIVE, False, frozenset({"ssn", "address"}), frozenset({"ssn"}), frozenset(), "line"
        )
        store.finish_unit(1, OK, [FoundEvidence(1, "@1+9", evidence)])
        store.put_fact("matched", True)
        store.replace_exposure([(1, a_person())], {"n": 1}, {"total": 1})
        assert list(store.evidence_by_record()) == [
            (1, SourceRecord("M-1"), [replace(evidence, locator="E-001/vol2/a.csv@1+9", version=1)])
        ]
        with pytest.raises(Refused, match="already"):
            store.add_source_set(SourceSet("r", "0" * 64, "", 1, {}), [SourceRecord("M-2")])
        with pytest.raises(Refused, match="already") as refusal:
            store.add_source_set(SourceSet("s", "1" * 64, "", 1, {}), [SourceRecord("M-1")])
        assert "M-1" not in str(refusal.value)
        # Both were refused as a whole, and what was there still stands.
        assert len(store.source_sets()) == 1
        assert store.evidence_counts() == (1, 1)
        store.add_source_set(SourceSet("s", "1" * 64, "", 1, {}), [SourceRecord("M-2")])
        assert store.planned() == (0, 0)
        assert store.evidence_counts() == (0, 0)
        with CaseView(made.folder, made.key) as view:
            assert list(view.person_ids()) == []
            assert [view.assessment(), view.places(), view.fact("matched")] == [None, None, None]


# --------------------------------------------------------------------------------------------------------------- runs

runs = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(1, 5), st.integers(0, 60), st.integers(0, 25), st.integers(0, 1000)
    ),
    max_size=12,
)  # fmt: skip


@given(runs)
@settings(deadline=None, max_examples=300)
def test_every_byte_of_the_device_belongs_to_the_best_run_that_covers_it_and_to_no_other(
    found: list[tuple[int, int, int, int, int]],
) -> None:
    found = sorted(found)
    expected: dict[int, tuple[int, int]] = {}
    for _, entry, device, length, file_offset in found:
        for at in range(length):
            expected.setdefault(device + at, (entry, file_offset + at))
    starts, lengths, offsets, entries = without_overlaps(found)
    got: dict[int, tuple[int, int]] = {}
    for start, length, offset, entry in zip(starts.tolist(), lengths.tolist(), offsets.tolist(), entries, strict=True):
        assert length > 0
        for at in range(length):
            assert start + at not in got
            got[start + at] = (entry, offset + at)
    assert got == expected
    assert starts.tolist() == sorted(starts.tolist())


def test_a_live_file_hides_the_deleted_one_whose_space_it_took(store: Store) -> None:
    with_entries(
        store,
        entry_of(b"old", EntryStatus.DELETED, (Run(0, 1000, 300),)),
        entry_of(b"new", EntryStatus.LIVE, (Run(0, 1100, 100),)),
    )
    starts, lengths, offsets, entries = store.runs("E-001")
    assert [starts.tolist(), lengths.tolist(), offsets.tolist(), entries] == [
        [1000, 1100, 1200], [100, 100, 100], [0, 0, 200], [1, 2, 1],
    ]  # fmt: skip


def test_the_interval_table_of_a_badly_fragmented_drive_takes_seconds() -> None:
    """300,000 runs in shuffled order with deleted ones across them: quadratic work would take minutes."""
    count = 150_000
    live = [(0, n, (n * 7919 % count) * 4096 + 4096, 4096, 0) for n in range(count)]
    deleted = [(1, count + n, (n * 104_729 % count) * 4096 + 2048, 8192, 0) for n in range(count)]
    started = time.process_time()
    starts, lengths, *_ = without_overlaps(sorted(live + deleted))
    assert time.process_time() - started < 60
    assert int(lengths.sum()) == count * 4096 + 2048 + 2048
    assert bool((starts[1:] >= starts[:-1] + lengths[:-1]).all())


# -------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("untrusted", "shown"),
    [
        (b"list.xlsx", "list.xlsx"),
        ("Müller 2008.csv".encode(), "Müller 2008.csv"),
        ("exe.\u202excod".encode(), r"exe.\u202excod"),
        ("a\u2066b\u200bc\u2028d".encode(), r"a\u2066b\u200bc\u2028d"),
        (b"a\r\nb\x1b[31m\x07", r"a\r\nb\x1b[31m\x07"),
        (b"\xff\xfeA", r"\xff\xfeA"),
        (b"", ""),
    ],
)
def test_a_name_cannot_turn_the_writing_direction_or_send_control_characters(untrusted: bytes, shown: str) -> None:
    assert readable_name(untrusted) == shown


@given(st.binary(max_size=40))
@settings(deadline=None)
def test_every_name_can_be_shown(untrusted: bytes) -> None:
    assert readable_name(untrusted).isprintable()


def test_a_file_that_is_an_extract_byte_for_byte_is_named_with_its_day(store: Store) -> None:
    with_entries(store, entry_of(b"a.csv"), entry_of(b"b.csv"))
    finish_entries(store, [ExaminedEntry(1, "csv", {"sha256": "a" * 64}, OK), ExaminedEntry(2, "csv", {}, OK)])
    store.add_source_set(SourceSet("r", "a" * 64, "2026-08-15", 0, {}), [SourceRecord("M-1"), SourceRecord("M-2")])
    store.add_source_set(SourceSet("s", "b" * 64, "2026-09-15", 0, {}), [SourceRecord("M-3")])
    (found,) = store.known_extracts()
    assert (found.name, found.as_of, found.records, found.status) == ("r", "2026-08-15", 2, "live")
    assert found.locator.endswith("a.csv")


def snapshot(store: Store, day: str, *records: SourceRecord) -> SourceSet:
    return store.add_source_set(SourceSet(day, day.ljust(64, "0"), day, 0, {}), records)


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_key_in_two_snapshots_is_one_person_and_both_sets_of_values_are_findable(
    store: Store, newest_first: bool
) -> None:
    old = [SourceRecord("M-1", "Ann", "", "Lee", address="1 Elm"), SourceRecord("M-2", "Bea"), SourceRecord("M-3", "C")]
    new = [
        SourceRecord("M-1", "Ann", "", "Vega", address="9 Oak"),
        SourceRecord("M-2", "Bea"),
        SourceRecord("M-4", "D"),
    ]
    days = [("2026-01-01", old), ("2026-02-01", new)]
    for day, records in reversed(days) if newest_first else days:
        kept = snapshot(store, day, *records)
    assert kept.quality["against_earlier"] == {"same": 1, "changed": 1, "new": 1}
    assert store.record_count() == 4
    standing = {r.record_key: r.family_name for _, r in store.source_records(standing=True)}
    assert standing == {"M-1": "Vega", "M-2": "", "M-3": "", "M-4": ""}
    every = [(n, r) for n, r in store.source_records()]
    assert sorted(r.family_name for _, r in every if r.record_key == "M-1") == ["Lee", "Vega"]
    with_entries(store, entry_of(b"a.csv"))
    store.plan_match([MatchUnit(0, "E-001", 0, 512, None)])
    older = next(n for n, r in every if r.family_name == "Lee")
    found = Evidence("", older, Region.LIVE, False, frozenset({"name"}), frozenset({"name"}), frozenset(), "raw")
    store.finish_unit(store.pending_units()[0].id, OK, [FoundEvidence(1, "@0+3", found)])
    assert [record.family_name for _, record, _ in store.evidence_by_record()] == ["Vega"]


def test_keys_that_name_somebody_else_are_no_snapshot(store: Store) -> None:
    snapshot(store, "2026-01-01", *(SourceRecord(f"{n}", "A", "", "Lee", birth_date="1961-02-03") for n in range(10)))
    with pytest.raises(Refused, match="10 of 10 keys"):
        snapshot(
            store, "2026-02-01", *(SourceRecord(f"{n}", "A", "", "Vega", birth_date="1970-02-03") for n in range(10))
        )
    assert store.record_count() == 10
