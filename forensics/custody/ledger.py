"""The custody ledger: one line an event, each sealed to the one before it, so that a later change shows.

Three seals, each for another kind of harm:

* `sha256` in a line is the digest of the line as it would be without that field. Anyone can compute it anew, so it
  proves nothing about intent; it finds damage, and it finds it in the last line too, which no later line covers.
* `prev` is the digest of the whole line before. Changing an old entry means changing every later one.
* A signed checkpoint (`forensics.custody.checkpoints`) fixes number and head at one moment. Only that finds a ledger
  that was written anew from some line on; and only a checkpoint in somebody else's hands (a receipt) finds that the
  newest lines were cut off.

The bytes are canonical: one JSON object a line, keys sorted, ASCII with `\\u` escapes, no blanks, no fractions. What
would be written differently by this program was not written by it.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from forensics import __version__
from forensics.errors import Defect, EnvironmentFailed, NotIntact
from forensics.model import CustodyEvent, Fact

FILE_NAME = "ledger.jsonl"
NO_HEAD = "0" * 64
"""`prev` of the first line, and the head of a ledger without entries."""

TORN_TAIL = "ledger-torn-tail-set-aside"
CLOCK_SET_BACK = "clock-set-back"
CORRECTION = "correction"
"""An entry that names an earlier one by `corrects` (its number) and `corrects_sha256` (its digest) and says why."""

_FIELDS: dict[str, type] = {
    "actor": str,
    "boot_id": str,
    "data": dict,
    "event": str,
    "exhibit": str,
    "host": str,
    "mono_ns": int,
    "offset": int,
    "os_user": str,
    "prev": str,
    "seq": int,
    "sha256": str,
    "utc": str,
    "version": str,
}
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

_STEP_US = 1_000_000
"""Wall and monotonic clock may part by a second before it is called a step: reading both is not one instant."""

_SLEW = 2000
"""One part in 2000 is the most by which adjtime(3) bends the wall clock without a step (500 ppm)."""


class Ledger:
    """The ledger of one case, in its `custody` folder. Several processes may append at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME

    def append(
        self, event: str, *, actor: str, exhibit: str = "", data: Mapping[str, Any] | None = None
    ) -> CustodyEvent:
        """Write one entry and return it; when this returns, the entry has reached the disk.

        A clock that runs behind the last entry is recorded first as an entry `clock-set-back`. A last line that was
        torn by a crash is kept in `torn-N.txt` and recorded first as `ledger-torn-tail-set-aside`.

        Raises `NotIntact` where the last complete line is damaged (nothing is sealed onto damage), `EnvironmentFailed`
        where the file cannot be written, `Defect` for data that has no canonical form: fractions, keys beyond ASCII,
        integers beyond 64 bits.
        """
        content = dict(data or {})
        _require_canonical(content)
        try:
            with exclusive(self.folder / ".lock"), _opened(self.path) as stream:
                return self._append_locked(stream, event, actor, exhibit, content)
        except OSError as error:
            raise EnvironmentFailed(
                f"The custody ledger could not be written ({error.strerror or type(error).__name__}).",
                "Make room, or give the permission to write to the case folder, and run the command again.",
            ) from error

    def _append_locked(
        self, stream: BinaryIO, event: str, actor: str, exhibit: str, data: dict[str, Any]
    ) -> CustodyEvent:
        last_line, torn = _tail(stream)
        end = stream.seek(0, os.SEEK_END) - len(torn)
        last = _sound(last_line) if last_line else None
        now = _Now()
        wanted: list[tuple[str, str, dict[str, Any]]] = []
        if torn:
            wanted.append((TORN_TAIL, "", self._set_aside(torn)))
        if last and (behind := now.behind(last)):
            wanted.append((CLOCK_SET_BACK, "", {"behind_us": behind, "seq_before": last["seq"]}))
        wanted.append((event, exhibit, data))

        lines = []
        seq, prev = (last["seq"], _sha256(last_line)) if last else (0, NO_HEAD)
        for name, about, content in wanted:
            seq += 1
            entry = now.fields() | {"actor": actor, "event": name, "exhibit": about, "data": content}
            lines.append(_sealed(entry | {"seq": seq, "prev": prev}))
            prev = _sha256(lines[-1])
        try:
            written = [_event(_parse(line), line) for line in lines]
        except _Malformed as error:
            raise Defect(f"A ledger entry would not read back: it {error.reason}.") from error
        stream.seek(end)
        _write_all(stream, b"".join(lines))
        stream.truncate()
        os.fsync(stream.fileno())
        if not last:
            _sync_folder(self.folder)
        return written[-1]

    def _set_aside(self, torn: bytes) -> dict[str, Any]:
        number = 1
        while (path := self.folder / f"torn-{number}.txt").exists():
            number += 1
        with path.open("xb") as stream:
            stream.write(torn)
            stream.flush()
            os.fsync(stream.fileno())
        _sync_folder(self.folder)
        return {"file": path.name, "length": len(torn), "sha256": _sha256(torn)}

    def events(self) -> list[CustodyEvent]:
        """All entries, oldest first; a torn last line is not one. Raises `NotIntact` at the first broken line."""
        data = self._read()
        data = data[: data.rfind(b"\n") + 1]
        for fact in check_bytes(data, self.path.name) if data else []:
            if fact.holds is False:
                raise NotIntact(f"The custody ledger is not intact: {fact.check}, {fact.detail}.", _REPAIR)
        return [_event(json.loads(line), line) for line in data.splitlines(keepends=True)]

    def head(self) -> tuple[int, str]:
        """Number of entries and SHA-256 of the last line; 0 and 64 zeros where there is none.

        Raises `NotIntact` where that line is damaged; the lines before it are not read.
        """
        try:
            with self.path.open("rb") as stream:
                line, _ = _tail(stream)
        except FileNotFoundError:
            return 0, NO_HEAD
        return (_sound(line)["seq"], _sha256(line)) if line else (0, NO_HEAD)

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""


# -------------------------------------------------------------------------------------------------------- checking


def check(path: Path) -> list[Fact]:
    """What is so about a ledger file, and at which line and byte it breaks; also the torn lines kept beside it.

    Finds every change of a byte and every line removed, moved or doubled before the last. It does not find a ledger
    that was sealed anew throughout, or cut off after a complete line: `check_checkpoints` and `check_receipt` do.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [Fact(path.name, "entries", False, "there is no ledger file")]
    return check_bytes(data, path.name) + _check_torn(path.parent, data)


def check_bytes(data: bytes, subject: str) -> list[Fact]:
    """`check` for bytes that are in memory. Lines count from 1, bytes from 0 at the start of the file."""
    complete, _, rest = data.rpartition(b"\n")
    lines = complete.split(b"\n") if complete else []
    if not lines:
        return [Fact(subject, "entries", False, "the ledger holds no complete entry")]
    broken: dict[str, str] = {}
    flagged: list[str] = []
    prev, prev_utc, offset = NO_HEAD, "", 0
    digests: list[str] = []
    corrections = 0
    for number, bare in enumerate(lines, 1):
        line = bare + b"\n"
        try:
            entry = _parse(line)
        except _Malformed as error:
            broken.setdefault("canonical form", f"line {number}, byte {offset + error.at}: {error.reason}")
            # Whatever the line holds, its bytes are still what the next `prev` must name.
            prev, offset = _sha256(line), offset + len(line)
            digests.append(prev)
            continue
        where = f"line {number}, byte {offset}"
        if entry["sha256"] != _own_digest_of(line, entry):
            broken.setdefault("own digests", f"{where}: the line is not what its own digest says")
        if entry["prev"] != prev:
            broken.setdefault("chain", f"{where}: does not continue the line before it")
        if entry["seq"] != number:
            broken.setdefault("sequence", f"{where}: carries the number {entry['seq']}")
        if entry["event"] == CLOCK_SET_BACK:
            flagged.append(str(number))
        elif entry["utc"] < prev_utc:
            broken.setdefault("clock", f"{where}: is older than the line before it, which is not flagged")
        if entry["event"] == CORRECTION:
            corrections += 1
            of = entry["data"].get("corrects")
            known = type(of) is int and 0 < of < number
            if not known or digests[of - 1] != entry["data"].get("corrects_sha256"):
                broken.setdefault("corrections", f"{where}: names no earlier entry as it stands here")
        prev, prev_utc, offset = _sha256(line), entry["utc"], offset + len(line)
        digests.append(prev)
    if rest:
        broken["complete last line"] = f"line {len(lines) + 1}, byte {offset}: the file ends inside a line"
    good = {
        "canonical form": f"{len(lines)} lines",
        "own digests": f"{len(lines)} lines",
        "chain": f"head {prev}",
        "sequence": f"1 to {len(lines)}",
        "complete last line": "",
        "clock": f"set back, and flagged, at line {', '.join(flagged)}" if flagged else "never ran backwards",
    }
    if corrections:
        good["corrections"] = f"{corrections}, each names the entry it corrects"
    facts = [Fact(subject, "entries", True, f"{len(lines)}")]
    return facts + [Fact(subject, name, name not in broken, broken.get(name, seen)) for name, seen in good.items()]


def entries_of(data: bytes, event: str) -> list[tuple[int, dict[str, Any]]]:
    """Line number and `data` of the entries of one kind, passing over lines that cannot be read.

    For checks of other files against a ledger whose own soundness `check_bytes` reports.
    """
    found = []
    for number, bare in enumerate(data.split(b"\n")[:-1], 1):
        try:
            entry = _parse(bare + b"\n")
        except _Malformed:
            continue
        if entry["event"] == event:
            found.append((number, entry["data"]))
    return found


def times_of(data: bytes) -> list[datetime | None]:
    """The instant of every line, None for one that cannot be read."""
    found: list[datetime | None] = []
    for bare in data.split(b"\n")[:-1]:
        try:
            found.append(datetime.fromisoformat(_parse(bare + b"\n")["utc"]))
        except _Malformed:
            found.append(None)
    return found


def _check_torn(folder: Path, data: bytes) -> list[Fact]:
    facts = []
    recorded = {str(kept.get("file")): kept for _, kept in entries_of(data, TORN_TAIL)}
    for name, kept in sorted(recorded.items()):
        path = folder / name
        if Path(name).name != name or not path.is_file():
            facts.append(Fact(name, "set-aside line", None, "recorded in the ledger, not beside it"))
        else:
            same = _sha256(path.read_bytes()) == kept.get("sha256")
            facts.append(Fact(name, "set-aside line", same, "" if same else "is not the file that was recorded"))
    for path in sorted(folder.glob("torn-*.txt")):
        if path.name not in recorded:
            facts.append(Fact(path.name, "set-aside line", None, "no entry names it: a second crash, or a stray file"))
    return facts


# ------------------------------------------------------------------------------------------------------- canonical


class _Malformed(Exception):
    """A line that is not one of ours; `at` is the byte in the line where that shows."""

    def __init__(self, reason: str, at: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at


def _no_fraction(_: str) -> NoReturn:
    raise _Malformed("holds a number that is not whole")


# Kept, because `json.dumps` and `json.loads` build theirs anew at each call, which is half the time of a check.
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_float=_no_fraction, parse_constant=_no_fraction)


def _canonical(entry: Mapping[str, Any]) -> bytes:
    return _ENCODER.encode(entry).encode("ascii") + b"\n"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _own_digest(entry: Mapping[str, Any]) -> str:
    return _sha256(_canonical({name: value for name, value in entry.items() if name != "sha256"}))


def _own_digest_of(line: bytes, entry: Mapping[str, Any]) -> str:
    """`_own_digest` of a line that is canonical, with the field cut out of its bytes instead of all else written anew.

    Keys are sorted, so only `utc` and `version` follow the field, and a quotation mark inside a value is escaped: the
    last place where these bytes stand is the field.
    """
    field = b'"sha256":"' + entry["sha256"].encode("ascii", "replace") + b'",'
    at = line.rfind(field)
    return _sha256(line[:at] + line[at + len(field) :]) if at >= 0 else ""


def _sealed(entry: dict[str, Any]) -> bytes:
    return _canonical(entry | {"sha256": _own_digest(entry)})


def _parse(untrusted_line: bytes) -> dict[str, Any]:
    """The entry in one line with its newline. Raises `_Malformed` where these are not the bytes we would write."""
    try:
        entry = _DECODER.decode(untrusted_line.decode("ascii"))
        again = _canonical(entry)
    except UnicodeDecodeError as error:
        raise _Malformed("holds a byte beyond ASCII", error.start) from None
    except json.JSONDecodeError as error:
        raise _Malformed("is not JSON", error.pos) from None
    except (ValueError, TypeError, RecursionError):
        raise _Malformed("is not JSON that we would write") from None
    if again != untrusted_line:
        pairs = zip(again, untrusted_line, strict=False)
        at = next((i for i, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(again), len(untrusted_line)))
        raise _Malformed("is not in canonical form", at)
    if not isinstance(entry, dict) or entry.keys() != _FIELDS.keys():
        raise _Malformed("does not have the fields of an entry")
    for name, kind in _FIELDS.items():
        if type(entry[name]) is not kind:
            raise _Malformed(f"`{name}` is not of its kind")
    try:
        instant = datetime.fromisoformat(entry["utc"]) if _UTC.fullmatch(entry["utc"]) else None
    except ValueError:
        instant = None
    if instant is None:
        raise _Malformed("`utc` is not an instant")
    return entry


def _sound(line: bytes) -> dict[str, Any]:
    try:
        entry = _parse(line)
    except _Malformed as error:
        raise NotIntact(f"The last line of the custody ledger {error.reason}.", _REPAIR) from None
    if entry["sha256"] != _own_digest(entry):
        raise NotIntact("The last line of the custody ledger is not what its own digest says.", _REPAIR)
    return entry


_REPAIR = "Run `drivecustody verify` on the case, and go on from an intact copy of its custody folder."


def _require_canonical(value: object) -> None:
    """Every reader of JSON must read the same: no fractions, ASCII keys (the order of others differs by language)."""
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise Defect("A ledger entry holds an integer beyond 64 bits.")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise Defect("A ledger entry has a key that is not ASCII text.")
            _require_canonical(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _require_canonical(inner)
    else:
        raise Defect(f"A ledger entry holds a {type(value).__name__}, which has no canonical form.")


def _event(entry: dict[str, Any], line: bytes) -> CustodyEvent:
    return CustodyEvent(
        seq=entry["seq"],
        utc=entry["utc"],
        actor=entry["actor"],
        event=entry["event"],
        exhibit=entry["exhibit"],
        data=entry["data"],
        digest=_sha256(line),
    )


# ------------------------------------------------------------------------------------------------- clock and place


class _Now:
    """One instant on both clocks, and who and where we are."""

    def __init__(self) -> None:
        self.mono_ns = time.monotonic_ns()
        self.us = time.time_ns() // 1000
        self.boot_id = _boot_id()

    def fields(self) -> dict[str, Any]:
        seconds, fraction = divmod(self.us, 1_000_000)
        instant = datetime.fromtimestamp(seconds, UTC)
        return {
            "utc": f"{instant:%Y-%m-%dT%H:%M:%S}.{fraction:06d}Z",
            "offset": time.localtime(seconds).tm_gmtoff // 60,
            "mono_ns": self.mono_ns,
            "boot_id": self.boot_id,
            "os_user": _os_user(),
            "host": socket.gethostname(),
            "version": __version__,
        }

    def behind(self, last: Mapping[str, Any]) -> int:
        """Microseconds by which the wall clock was set back since `last`; 0 where nothing says so.

        In the same boot the monotonic clock also shows a set-back shorter than the time that has passed. It stands
        still while the machine sleeps, so only a wall clock that is behind it tells anything.
        """
        then = datetime.fromisoformat(last["utc"])
        since = self.us - (int(then.timestamp()) * 1_000_000 + then.microsecond)
        behind = -since
        if last["boot_id"] == self.boot_id:
            elapsed = (self.mono_ns - last["mono_ns"]) // 1000
            if elapsed - since > _STEP_US + elapsed // _SLEW:
                behind = max(behind, elapsed - since)
        return max(behind, 0)


def _boot_id() -> str:
    """A name for the time since the machine started: the kernel's own, or else the instant of starting."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        import psutil

        return f"boot-{int(psutil.boot_time())}"


def _os_user() -> str:
    """The account the process runs as, from the system and not from the environment, where there is a choice."""
    if sys.platform != "win32":
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return f"uid-{os.getuid()}"
    return getpass.getuser()


# ------------------------------------------------------------------------------------------------------------ file


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Alone with whatever `path` stands for, across threads and processes; the file itself stays empty.

    A file of its own, because Windows locks byte ranges against readers too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            while True:
                try:
                    msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # it gives up after ten seconds; we do not
                    continue
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    return os.fdopen(descriptor, "r+b", buffering=0)


def _tail(stream: BinaryIO) -> tuple[bytes, bytes]:
    """The last complete line with its newline (empty where there is none), and what stands after it."""
    position = stream.seek(0, os.SEEK_END)
    tail = b""
    while position and tail.count(b"\n") < 2:
        step = min(position, 8192)
        position -= step
        stream.seek(position)
        tail = _read_exactly(stream, step) + tail
    complete, newline, torn = tail.rpartition(b"\n")
    return complete.rpartition(b"\n")[2] + newline, torn


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    parts = []
    while length and (part := stream.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _write_all(stream: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def _sync_folder(folder: Path) -> None:
    """Make a new name in the folder survive power loss; Windows does that by itself and has no call for it."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
