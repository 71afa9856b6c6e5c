"""Looking into a content from the window: recorded once with its reason, bytes as they are, pictures by a worker."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from looked_drive import (
    BIG,
    BLOCK,
    DELETED,
    FILES,
    MEMBERS,
    NEEDLE,
    PASSPHRASE,
    PLACES,
    SIZE,
    bomb,
    make_case,
    make_image,
)
from PIL import Image

from forensics.errors import EnvironmentFailed, Refused
from forensics.examination import look
from forensics.examination.look import Looks, Pixels
from forensics.examination.open_case import OpenCase
from forensics.examination.serve import serve
from forensics.jobs.events import silent
from forensics.model import Locator

Answer = dict[str, Any]
Ask = Callable[..., Answer]

VOLUME = "E-001/vol0"


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> tuple[OpenCase, bytes]:
    folder = tmp_path_factory.mktemp("looked")
    image = make_image(folder)
    return make_case(folder, image), image.read_bytes()


@pytest.fixture
def case(drive: tuple[OpenCase, bytes]) -> OpenCase:
    return drive[0]


@pytest.fixture
def ask(case: OpenCase) -> Iterator[Ask]:
    """Put one request after the other to one `Looks`, as one `serve` does."""
    looks = Looks(case)

    def put(verb: str, **request: Any) -> Answer:
        return looks.request(verb, request)

    yield put
    looks.close()


def opened(ask: Ask, locator: str) -> int:
    return int(ask("open", locator=locator, reason="to see what it is")["look"])


def read(ask: Ask, look: int, offset: int, length: int) -> bytes:
    return base64.b64decode(ask("bytes", look=look, offset=offset, length=length)["data"])


def answers(case: OpenCase, *requests: Answer) -> list[Answer]:
    """What `serve` answers, each once."""
    found: list[Answer] = []
    serve(case, silent(), found.append, [json.dumps({"id": n, **request}) for n, request in enumerate(requests, 1)])
    return found


# ---------------------------------------------------------------------------------------------------------- recording


def test_a_look_is_recorded_once_with_its_reason_and_without_the_name(case: OpenCase) -> None:
    before = len(case.ledger.events())
    found = answers(
        case,
        {"verb": "look open", "locator": f"{VOLUME}/HR/members.csv", "reason": "  counsel asked  "},
        *({"verb": "look bytes", "look": 1, "offset": at, "length": 100} for at in range(0, 1000, 100)),
        {"verb": "look find", "look": 1, "hex": b"Given299".hex(), "offset": 0},
        {"verb": "look place", "look": 1, "offset": 5},
    )
    assert {answer["outcome"] for answer in found} == {"ok"}
    (event,) = case.ledger.events()[before:]
    assert event.event == "content-read"
    assert event.exhibit == "E-001"
    assert event.data["reason"] == "counsel asked"
    assert event.data["length"] == len(MEMBERS)
    assert "members" not in json.dumps(event.data)


@pytest.mark.parametrize("reason", ["", "   ", None])
def test_without_a_reason_nothing_is_opened_or_recorded(case: OpenCase, reason: str | None) -> None:
    before = len(case.ledger.events())
    request = {"verb": "look open", "locator": f"{VOLUME}/HR/members.csv"}
    found = answers(
        case,
        request if reason is None else {**request, "reason": reason},
        {"verb": "look bytes", "look": 1, "offset": 0, "length": 10},
    )
    assert [answer["outcome"] for answer in found] == ["refused", "refused"]
    assert "reason" in found[0]["message"]
    assert len(case.ledger.events()) == before


def test_the_record_stands_before_a_byte_is_read(case: OpenCase, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("the ledger's disk is full")

    monkeypatch.setattr(type(case), "record", refuse)
    with pytest.raises(OSError, match="ledger"):
        ask("open", locator=f"{VOLUME}/HR/members.csv", reason="why")
    monkeypatch.undo()
    assert answers(case, {"verb": "look bytes", "look": 1, "offset": 0, "length": 9})[0]["outcome"] == "refused"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"verb": "look bytes", "look": 99, "offset": 0, "length": 1}, "not open"),
        ({"verb": "look bytes", "look": -1, "offset": 0, "length": 1}, "not open"),
        ({"verb": "look bytes", "look": "one", "offset": 0, "length": 1}, "wrong"),
        ({"verb": "look bytes", "look": float("inf"), "offset": 0, "length": 1}, "wrong"),
        ({"verb": "look bytes", "look": 1, "offset": -1, "length": 1}, "wrong"),
        ({"verb": "look bytes", "look": 1, "offset": 0, "length": -1}, "wrong"),
        ({"verb": "look bytes", "look": 1}, "lacks"),
        ({"verb": "look find", "look": 1, "hex": "zz", "offset": 0}, "wrong"),
        ({"verb": "look find", "look": 1, "hex": "", "offset": 0}, "looked for"),
        ({"verb": "look find", "look": 1, "hex": "00" * 257, "offset": 0}, "looked for"),
        ({"verb": "look find", "look": 1, "hex": "00", "offset": -1}, "wrong"),
        ({"verb": "look find", "look": 1, "hex": [], "offset": 0}, "looked for"),
        ({"verb": "look find", "look": 1, "hex": ["00"] * 9, "offset": 0}, "looked for"),
        ({"verb": "look through", "look": 1}, "no such request"),
        ({"verb": "look open", "locator": f"{VOLUME}/none.txt", "reason": "r"}, "no content at this place"),
        ({"verb": "look open", "locator": "E-009/vol0/none.txt", "reason": "r"}, "no image"),
        ({"verb": "look open", "locator": "../../etc/passwd", "reason": "r"}, ""),
    ],
)
def test_a_request_that_is_none_is_refused_and_the_next_is_answered(
    case: OpenCase, request_: Answer, said: str
) -> None:
    _, refused, next_one = answers(
        case,
        {"verb": "look open", "locator": f"{VOLUME}/HR/members.csv", "reason": "r"},
        request_,
        {"verb": "look bytes", "look": 1, "offset": 0, "length": 2},
    )
    assert refused["outcome"] == "refused"
    assert said in refused["message"]
    assert base64.b64decode(next_one["data"]) == b"id"


def test_the_ninth_content_closes_the_first(ask: Ask) -> None:
    first, *rest = [opened(ask, f"{VOLUME}/HR/members.csv") for _ in range(9)]
    with pytest.raises(Refused):
        read(ask, first, 0, 1)
    assert {read(ask, one, 0, 2) for one in rest} == {b"id"}


# -------------------------------------------------------------------------------------------------------------- bytes


@pytest.mark.parametrize("name", ["HR/members.csv", "HR/memo.txt", "Pictures/sun.jpg", "locked.zip", "empty.txt"])
def test_the_bytes_of_a_file_are_those_that_were_written(ask: Ask, name: str) -> None:
    answer = ask("open", locator=f"{VOLUME}/{name}", reason="r")
    assert answer["size"] == len(FILES[name])
    assert read(ask, answer["look"], 0, 1 << 20) == FILES[name]
    assert read(ask, answer["look"], max(0, len(FILES[name]) - 3), 99) == FILES[name][-3:]
    assert read(ask, answer["look"], len(FILES[name]), 99) == b""
    assert read(ask, answer["look"], 1 << 70, 99) == b""


def test_a_deleted_file_and_one_in_a_container_are_read_as_well(ask: Ask) -> None:
    assert read(ask, opened(ask, f"{VOLUME}/deleted/10/_one.txt"), 0, 99) == DELETED
    assert read(ask, opened(ask, f"{VOLUME}/backup.zip!members.csv"), 8, 20) == MEMBERS.encode()[8:28]


def test_a_file_in_fragments_is_read_across_them(case: OpenCase, ask: Ask) -> None:
    stored = case.store.entry_by_locator(Locator.parse(f"{VOLUME}/big.bin"))
    assert len(stored.entry.runs) > 1, "the drive was to hold a fragmented file"
    border = sorted(run.file_offset for run in stored.entry.runs)[1]
    assert read(ask, opened(ask, f"{VOLUME}/big.bin"), border - 50, 100) == bytes(BIG[border - 50 : border + 50])


def test_one_answer_is_at_most_a_mebibyte(ask: Ask) -> None:
    assert len(read(ask, opened(ask, f"{VOLUME}/big.bin"), 0, 1 << 40)) == look.MOST


def test_the_image_is_read_byte_by_byte_to_its_end(drive: tuple[OpenCase, bytes], ask: Ask) -> None:
    answer = ask("open", locator="E-001", reason="r")
    assert answer["size"] == SIZE
    assert answer["device_offset"] == 0
    assert read(ask, answer["look"], 0, 4096) == drive[1][:4096]
    assert read(ask, answer["look"], SIZE - 7, 99) == drive[1][-7:]
    assert read(ask, answer["look"], SIZE, 99) == b""


def test_what_no_run_holds_is_read_by_a_worker_behind_the_kernels_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file of NTFS stands in its MFT record: `mkntfs -F -Q drive.img; ntfscp drive.img one resident.txt`."""
    image, one = tmp_path / "drive.img", tmp_path / "one"
    image.write_bytes(bytes(8 << 20))
    subprocess.run(["mkntfs", "-F", "-Q", image], check=True, capture_output=True)
    one.write_bytes(b"this stands in the MFT")
    subprocess.run(["ntfscp", image, one, "resident.txt"], check=True, capture_output=True)
    case = make_case(tmp_path, image)
    ran: list[Any] = []
    real = look.pool.run

    def watched(*arguments: Any, **options: Any) -> Any:
        ran.append(options["locks"])
        return real(*arguments, **options)

    monkeypatch.setattr(look.pool, "run", watched)
    looks = Looks(case)
    number = looks.open(f"{VOLUME}/resident.txt", "r")
    assert number["device_offset"] is None
    data = looks.request("bytes", {"look": number["look"], "offset": 5, "length": 6})["data"]
    looks.close()
    assert base64.b64decode(data) == b"stands"
    (locks,) = ran
    assert [folder.parent.name for folder in locks.readable] == ["images"]
    case.close()


def test_an_image_that_went_away_is_said_and_the_companion_lives(drive: tuple[OpenCase, bytes], tmp_path: Path) -> None:
    copy = tmp_path / "copy.dcase"
    shutil.copytree(drive[0].folder.path, copy)
    with OpenCase.unlock(copy, PASSPHRASE) as case:
        segment = max((copy / "images").rglob("*"), key=lambda path: path.stat().st_size)
        requests: list[Answer] = [{"verb": "look open", "locator": "E-001", "reason": "r"}]
        os.truncate(segment, 1 << 20)
        requests += [{"verb": "look bytes", "look": 1, "offset": 5 << 20, "length": 99}, {"verb": "custody list"}]
        found = answers(case, *requests)
    assert [answer["outcome"] for answer in found][1:] == ["refused", "ok"]


# --------------------------------------------------------------------------------------------------------------- find


def find(ask: Ask, look: int, needle: bytes | list[bytes], offset: int, **more: Any) -> int | None:
    """All requests that the window would put, one after the other."""
    pattern = [one.hex() for one in needle] if isinstance(needle, list) else needle.hex()
    while True:
        answer = ask("find", look=look, hex=pattern, offset=offset, **more)
        if answer["found"] is not None:
            return int(answer["found"])
        if answer["to"] in (0, answer["size"]):
            return None
        assert answer["to"] != offset, "looking does not get on"
        offset = answer["to"]


def test_find_goes_over_the_borders_of_blocks_and_to_the_last_byte(ask: Ask) -> None:
    number = opened(ask, f"{VOLUME}/big.bin")
    found, at = [], 0
    while (place := find(ask, number, NEEDLE, at)) is not None:
        found.append(place)
        at = place + 1
    assert tuple(found) == PLACES


def test_find_goes_back_from_a_place_and_to_the_first_byte(ask: Ask) -> None:
    number = opened(ask, f"{VOLUME}/big.bin")
    found, at = [], len(BIG)
    while (place := find(ask, number, NEEDLE, at, back=True)) is not None:
        found.append(place)
        at = place
    assert tuple(found) == PLACES[::-1]
    assert find(ask, number, b"0123", 1, back=True) == 0
    assert find(ask, number, b"0123", 0, back=True) is None


def test_of_several_patterns_the_nearest_is_found_in_both_directions(ask: Ask) -> None:
    """As a text in two encodings: a short one must not be found in what only belongs to a longer one's end."""
    number = opened(ask, f"{VOLUME}/big.bin")
    both = [b"no such thing at all, anywhere" * 4, NEEDLE, NEEDLE.decode().encode("utf-16-le")]
    found, at = [], 0
    while (place := find(ask, number, both, at)) is not None:
        found.append(place)
        at = place + 1
    assert tuple(found) == PLACES
    assert find(ask, number, both, PLACES[2], back=True) == PLACES[1]
    assert find(ask, number, both, PLACES[1] + 1, back=True) == PLACES[1]


def test_of_two_patterns_in_one_block_the_nearer_counts(case: OpenCase, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, content = Looks(case), bytes(100) + b"bb" + bytes(100) + b"aa" + bytes(100)
    monkeypatch.setattr(looks, "_read", lambda _, offset, length: content[offset : offset + length])
    looks._opened[1] = look._Opened("E-001", (), len(content), None, None)
    asked = lambda verb, **request: looks.request(verb, request)  # noqa: E731
    assert find(asked, 1, [b"aa", b"bb"], 0) == 100
    assert find(asked, 1, [b"bb", b"aa"], len(content), back=True) == 202
    looks.close()


def test_find_crosses_from_one_request_into_the_next(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    number = opened(ask, f"{VOLUME}/big.bin")
    monkeypatch.setattr(look, "FIND_MOST", BLOCK)
    first = ask("find", look=number, hex=NEEDLE.hex(), offset=PLACES[0] + 1)
    assert first["found"] is None
    assert first["to"] < PLACES[1]
    assert find(ask, number, NEEDLE, PLACES[0] + 1) == PLACES[1]
    assert find(ask, number, NEEDLE, PLACES[2], back=True) == PLACES[1]


@pytest.mark.parametrize("size", [BLOCK, BLOCK + 10, 2 * BLOCK])
def test_find_ends_at_the_end_of_the_image_whatever_its_size(
    case: OpenCase, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the last place at which it can stand is the first that the next request would look at."""
    looks = Looks(case)
    content = bytes(size - 11) + NEEDLE
    monkeypatch.setattr(looks, "_read", lambda _, offset, length: content[offset : offset + length])
    monkeypatch.setattr(look, "FIND_MOST", BLOCK)
    looks._opened[1] = look._Opened("E-001", (), size, None, None)
    asked = lambda verb, **request: looks.request(verb, request)  # noqa: E731
    assert find(asked, 1, NEEDLE, 0) == size - 11
    assert find(asked, 1, NEEDLE, size - 10) is None
    assert find(asked, 1, b"absent", 0) is None
    assert find(asked, 1, b"absent", size, back=True) is None
    looks.close()


def test_find_in_the_image_finds_the_file_where_its_runs_say(drive: tuple[OpenCase, bytes], ask: Ask) -> None:
    whole = opened(ask, "E-001")
    found = find(ask, whole, b"Xylophone of Okapi", 0)
    assert found == drive[1].find(b"Xylophone of Okapi")
    assert find(ask, whole, b"\xaa\x00bytes that are nowhere", 0) is None


# -------------------------------------------------------------------------------------------------------------- place


@pytest.mark.parametrize("offset", [0, 12345, PLACES[0], PLACES[2]])
def test_a_byte_of_a_file_has_its_place_in_the_image(drive: tuple[OpenCase, bytes], ask: Ask, offset: int) -> None:
    place = ask("place", look=opened(ask, f"{VOLUME}/big.bin"), offset=offset)
    at, length = place["device_offset"], min(place["length"], 64)
    assert place["exhibit"] == "E-001"
    assert length > 0
    assert drive[1][at : at + length] == bytes(BIG[offset : offset + length])


def test_a_byte_that_the_image_does_not_hold_as_it_is_has_none(ask: Ask) -> None:
    child, big = opened(ask, f"{VOLUME}/backup.zip!members.csv"), opened(ask, f"{VOLUME}/big.bin")
    for number, offset in ((child, 0), (big, len(BIG)), (big, -1)):
        assert ask("place", look=number, offset=offset)["device_offset"] is None


# ------------------------------------------------------------------------------------------------------------ pictures


@pytest.mark.parametrize(("name", "of"), [("sun.png", [1200, 900]), ("sun.jpg", [3000, 1000])])
def test_a_picture_arrives_small_and_as_plain_pixels(ask: Ask, name: str, of: list[int]) -> None:
    shown = ask("picture", look=opened(ask, f"{VOLUME}/Pictures/{name}"))
    wide, high, rgb = shown["width"], shown["height"], base64.b64decode(shown["rgb"])
    assert shown["of"] == of
    assert (wide <= look.PICTURE_WIDE, high <= look.PICTURE_HIGH, len(rgb)) == (True, True, 3 * wide * high)
    middle = 3 * wide * (high // 2)
    assert max(abs(a - b) for a, b in zip(rgb[middle : middle + 3], (255, 0, 0), strict=True)) < 8
    assert max(abs(a - b) for a, b in zip(rgb[middle + 3 * wide - 3 : middle + 3 * wide], (0, 0, 255), strict=True)) < 8


@pytest.mark.parametrize("name", ["huge.png", "wide.png", "broken.png", "liar.png"])
def test_a_bomb_and_what_is_no_picture_are_refused_and_the_next_is_shown(case: OpenCase, name: str) -> None:
    found = answers(
        case,
        {"verb": "look open", "locator": f"{VOLUME}/Pictures/{name}", "reason": "r"},
        {"verb": "look picture", "look": 1},
        {"verb": "look open", "locator": f"{VOLUME}/Pictures/sun.png", "reason": "r"},
        {"verb": "look picture", "look": 2},
    )
    assert [answer["outcome"] for answer in found] == ["ok", "refused", "ok", "ok"]
    assert "could not be decoded" in found[1]["message"]


def test_a_picture_below_the_limit_of_pixels_stays_within_the_workers_memory() -> None:
    """14,000 × 14,000 pixels of three bytes: more memory than the screen is worth, within what a worker may take."""
    item = look._Picture(bomb(14_000, 14_000, 8))
    (result,) = look.pool.run(look.pixels, [item], workers=1, seconds=look.PICTURE_SECONDS)
    assert result.value is not None
    assert result.value.of == (14_000, 14_000)
    assert max(result.value.width, result.value.height) <= look.PICTURE_WIDE
    assert len(item.data) < 1 << 20


def test_an_image_of_a_drive_is_no_picture(ask: Ask) -> None:
    with pytest.raises(Refused, match="no picture"):
        ask("picture", look=opened(ask, "E-001"))


def test_only_formats_that_are_named_are_decoded() -> None:
    """Pillow would open PostScript with another program, and many formats nobody has ever looked at."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PPM")
    (result,) = look.pool.run(look.pixels, [look._Picture(out.getvalue())], workers=1, seconds=20.0)
    assert result.value is None
    assert "UnidentifiedImageError" in result.outcome.reason


def test_no_decoder_is_loaded_where_the_key_of_the_case_is(case: OpenCase, tmp_path: Path) -> None:
    """The companion itself, in a process of its own: it answers with pixels and has no decoder of any format."""
    script = tmp_path / "companion.py"
    script.write_text(
        "import json, sys\n"
        "from pathlib import Path\n"
        "from forensics.examination.open_case import OpenCase\n"
        "from forensics.examination.serve import serve\n"
        "from forensics.jobs.events import silent\n"
        "if __name__ == '__main__':\n"
        "    lines = [json.dumps({'id': 1, 'verb': 'look open', 'locator': sys.argv[2], 'reason': 'r'}),\n"
        "             json.dumps({'id': 2, 'verb': 'look picture', 'look': 1})]\n"
        "    with OpenCase.unlock(Path(sys.argv[1]), sys.stdin.readline().strip()) as case:\n"
        "        serve(case, silent(), lambda answer: print(answer['outcome'], answer.get('width')), lines)\n"
        "    print([name for name in sys.modules if name.startswith('PIL.') and name.endswith('ImagePlugin')])\n"
    )
    done = subprocess.run(
        [sys.executable, script, case.folder.path, f"{VOLUME}/Pictures/sun.png"],
        input=PASSPHRASE + "\n", capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(look.__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["ok None", "ok 800", "[]"]


def tries(item: Any) -> Pixels:
    """Stands in for a decoder that a picture took over: what it could still do, one pixel of width a success."""
    done = 0
    for attempt in (
        lambda: Path(item.data.decode()).write_bytes(b"planted"),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        lambda: subprocess.run(["/bin/true"], check=True),
    ):
        try:
            attempt()
            done += 1
        except OSError:
            pass
    return Pixels(done, 0, b"", (0, 0))


@pytest.mark.skipif(sys.platform != "linux", reason="the locks are Linux's own")
def test_a_decoder_that_was_taken_over_finds_the_doors_locked(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Asked of the kernel, and not of the code under test.
    landlock = ctypes.CDLL(None, use_errno=True).syscall(444, None, ctypes.c_size_t(0), 1)
    if landlock <= 0 or "Seccomp_filters" not in Path("/proc/self/status").read_text():
        pytest.skip("this kernel lacks a lock")
    number = opened(ask, f"{VOLUME}/Pictures/sun.png")
    target = tmp_path / "planted"
    monkeypatch.setattr(look, "pixels", tries)
    monkeypatch.setattr(look, "_Picture", lambda _: _Fake(str(target).encode()))
    assert ask("picture", look=number)["width"] == 0
    assert not target.exists()


class _Fake:
    def __init__(self, data: bytes) -> None:
        self.data = data


# ---------------------------------------------------------------------------------------------------------------- save


def test_a_copy_is_the_content_is_private_and_is_recorded_with_its_reason(
    case: OpenCase, ask: Ask, tmp_path: Path
) -> None:
    for name, out in (("big.bin", "big"), ("backup.zip!members.csv", "child")):
        number, before = opened(ask, f"{VOLUME}/{name}"), len(case.ledger.events())
        made = ask("save", look=number, out=str(tmp_path / out), reason=" for the expert ")
        data = (tmp_path / out).read_bytes()
        assert data == (bytes(BIG) if out == "big" else MEMBERS.encode())
        assert made == {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "as_indexed": True}
        if os.name == "posix":
            assert (tmp_path / out).stat().st_mode & 0o777 == 0o600
        (event,) = case.ledger.events()[before:]
        assert (event.event, event.data["reason"]) == ("content-copied-out", "for the expert")
        assert str(tmp_path) not in json.dumps(event.data)


def test_a_copy_is_refused_without_a_reason_over_a_file_and_into_the_case(
    case: OpenCase, ask: Ask, tmp_path: Path
) -> None:
    number = opened(ask, f"{VOLUME}/HR/memo.txt")
    there = tmp_path / "there"
    there.write_text("mine")
    before = len(case.ledger.events())
    for out, reason in (
        (tmp_path / "new", " "), (there, "r"), (tmp_path / "no" / "x", "r"),
        (case.folder.path / "reports" / "copy", "r"),
    ):  # fmt: skip
        with pytest.raises((Refused, EnvironmentFailed)):
            ask("save", look=number, out=str(out), reason=reason)
    assert len(case.ledger.events()) == before
    assert there.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
    with pytest.raises(Refused):
        ask("save", look=opened(ask, "E-001"), out=str(tmp_path / "image"), reason="r")


def test_a_copy_that_breaks_off_leaves_no_file(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = opened(ask, f"{VOLUME}/big.bin")
    real = Looks._read
    monkeypatch.setattr(Looks, "_read", lambda self, one, at, n: real(self, one, at, n) if at < BLOCK else b"")
    with pytest.raises(Refused, match="ends before"):
        ask("save", look=number, out=str(tmp_path / "half"), reason="r")
    assert list(tmp_path.iterdir()) == []
