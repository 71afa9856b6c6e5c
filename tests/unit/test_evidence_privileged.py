"""The privileged reader reads what it is asked of the right drive, as the user who asked, and refuses all else."""

import ast
import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from unit.loop_devices import NOBODY, as_nobody, loop_device

from forensics.errors import Defect, EnvironmentFailed, Refused
from forensics.evidence import privileged, privileged_reader
from forensics.evidence.devices import kernel_flag, protect  # noqa: F401  (a child of nobody cannot load it)
from forensics.evidence.privileged import PrivilegedSource, start_reader
from forensics.evidence.privileged_reader import ANSWER, HELLO, MOST, REQUEST
from forensics.evidence.source import open_source

READER = [sys.executable, "-I", privileged_reader.__file__]
CONTENT = random.Random(4).randbytes((5 << 20) + 512 * 3)

pytestmark = pytest.mark.needs_root


@pytest.fixture(autouse=True)
def _nobody_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """pkexec says in this variable who called; here the test does."""
    monkeypatch.setenv("PKEXEC_UID", str(NOBODY))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def device(place: Path) -> Iterator[Path]:
    with loop_device(drive_of_nobody(place)) as path:
        yield path


def drive_of_nobody(folder: Path) -> Path:
    """A file that the calling user may read: only then does the reader open the loop device upon it."""
    folder.chmod(0o755)
    path = folder / "drive"
    path.write_bytes(CONTENT)
    path.chmod(0o644)
    return path


def start(path: str | Path, **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        env={**os.environ, **environment},
    )  # fmt: skip


def refusal(path: str | Path, **environment: str) -> str:
    process = start(path, **environment)
    out, said = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, b""), said
    return said.decode()


def whole(source: PrivilegedSource) -> bytes:
    buffer = bytearray(source.size)
    with memoryview(buffer) as view:
        for offset in range(0, source.size, 1 << 20):
            part = view[offset : offset + (1 << 20)]
            assert source.read_into(part, offset) == len(part)
    return bytes(buffer)


# ------------------------------------------------------------------------------------------------------------ reading


def test_the_bytes_are_those_of_the_drive(device: Path) -> None:
    with start_reader(device, READER) as source:
        assert (source.size, source.sector_size, source.read_only_flag) == (len(CONTENT), 512, False)
        assert whole(source) == CONTENT
        assert source.change() == ""


def test_a_user_without_rights_reads_the_same_bytes(device: Path) -> None:
    assert not as_nobody(lambda: os.access(device, os.R_OK))
    process = start(device)

    def digest() -> str:
        source = PrivilegedSource(device, process)
        return hashlib.sha256(whole(source)).hexdigest()

    with process:
        assert as_nobody(digest) == hashlib.sha256(CONTENT).hexdigest()


def test_any_place_and_length_is_read_right(device: Path) -> None:
    choose = random.Random(7)
    with start_reader(device, READER) as source:
        for _ in range(200):
            offset = choose.randrange(len(CONTENT))
            length = choose.choice([1, 511, 512, 513, 4096, 70_000, (1 << 20) + 1, 3 << 20])
            buffer = bytearray(length)
            count = source.read_into(memoryview(buffer), offset)
            assert count == min(length, len(CONTENT) - offset)
            assert buffer[:count] == CONTENT[offset : offset + count]
        assert source.read_into(memoryview(bytearray(512)), len(CONTENT)) == 0


def test_a_bad_sector_comes_through_as_what_it_is(place: Path) -> None:
    """A loop device whose file was cut answers EIO behind the cut, if it reads past the page cache."""
    path = drive_of_nobody(place)
    with loop_device(path, "--direct-io=on") as device:
        os.truncate(path, 3 << 20)
        with start_reader(device, READER) as source:
            buffer = memoryview(bytearray(1 << 20))
            for _ in range(2):
                with pytest.raises(OSError, match=os.strerror(errno.EIO)) as caught:
                    source.read_into(buffer, 4 << 20)
                assert caught.value.errno == errno.EIO
                assert source.read_into(buffer, 1 << 20) == 1 << 20
                assert buffer == CONTENT[1 << 20 : 2 << 20]


def test_a_drive_that_changes_its_size_is_no_longer_the_same(place: Path) -> None:
    path = drive_of_nobody(place)
    with loop_device(path) as device, start_reader(device, READER) as source:
        os.truncate(path, 2 << 20)
        subprocess.run(["losetup", "--set-capacity", device], check=True)
        assert source.change() == f"it was {len(CONTENT)} bytes large and now says {2 << 20}"


def test_a_reader_that_dies_is_no_bad_sector(device: Path) -> None:
    with start_reader(device, READER) as source:
        source._process.kill()
        with pytest.raises(EnvironmentFailed, match="has ended"):
            source.read_into(memoryview(bytearray(512)), 0)
        with pytest.raises(EnvironmentFailed, match="has ended"):
            source.read_into(memoryview(bytearray(512)), 0)


def test_after_nonsense_nothing_on_the_pipe_is_taken_for_an_answer(device: Path, place: Path) -> None:
    """What stands behind a broken answer looks like the next one."""
    hello = ANSWER.pack(b"DCRA", len(CONTENT), HELLO.size, 0) + HELLO.pack(512, 1, device.stat().st_rdev)
    forged = ANSWER.pack(b"DCRX", 0, 512, 0) + ANSWER.pack(b"DCRA", 0, 512, 0) + bytes(512)
    (place / "answers").write_bytes(hello + forged)
    process = subprocess.Popen(
        ["sh", "-c", 'cat "$0"; cat > /dev/null', place / "answers"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    with PrivilegedSource(device, process) as source:
        with pytest.raises(Defect):
            source.read_into(memoryview(bytearray(512)), 0)
        process.terminate()
        with pytest.raises(EnvironmentFailed):
            source.read_into(memoryview(bytearray(512)), 0)


def test_a_cancel_at_the_terminal_is_not_taken_by_the_reader(device: Path) -> None:
    with start_reader(device, READER) as source:
        source._process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert source.read_into(memoryview(bytearray(512)), 0) == 512


def test_the_reader_ends_when_nobody_asks_any_more(device: Path) -> None:
    source = start_reader(device, READER)
    source.close()
    assert source._process.returncode == 0


# ------------------------------------------------------------------------------------------------------------- rights


def test_it_has_given_up_every_right_before_it_reads(device: Path) -> None:
    """The kernel says who it is and what it may; its count of bytes read from the drive says that it came first."""
    reads = Path(f"/sys/class/block/{device.name}/stat")
    before = reads.read_text().split()[0]
    with start_reader(device, READER) as source:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{source._process.pid}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == [str(NOBODY)] * 4
        assert status["Gid"].split() == [str(NOBODY)] * 4
        assert status["Groups"].strip() == ""
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[capabilities], 16) == 0, capabilities
        assert status["NoNewPrivs"] == "1"
        assert reads.read_text().split()[0] == before
        source.read_into(memoryview(bytearray(512)), 0)
        assert reads.read_text().split()[0] != before


def test_it_holds_the_drive_for_reading_only_past_the_cache_and_nothing_else(device: Path) -> None:
    with start_reader(device, READER) as source:
        open_files = {
            descriptor.name: int((descriptor.parent.parent / "fdinfo" / descriptor.name).read_text().split()[3], 8)
            for descriptor in Path(f"/proc/{source._process.pid}/fd").iterdir()
        }
        drive = {name: flags for name, flags in open_files.items() if int(name) > 2}
        assert len(drive) == 1
        (flags,) = drive.values()
        assert flags & os.O_ACCMODE == os.O_RDONLY
        assert flags & os.O_DIRECT


def test_it_serves_nobody_it_cannot_name(device: Path) -> None:
    for uid in ("", "0", "-1", "65534 ", "root", "4294967294"):
        assert "calling user" in refusal(device, PKEXEC_UID=uid, SUDO_UID=""), uid


def test_it_is_of_no_use_without_being_root() -> None:
    def called() -> str:
        try:
            return str(privileged_reader.caller())
        except privileged_reader.Refusal as refusal:
            return str(refusal)

    assert as_nobody(called) == "it is started by pkexec, as root"


# ----------------------------------------------------------------------------------------------------- hostile callers


@pytest.mark.parametrize("path", ["/etc/shadow", "drive", "/dev/../etc/shadow", "/dev/shm/x", "/dev/disk/by-id/x", "",
                                  "/dev/loop0 ", "--help", "/dev/null", "/dev/mem", "/dev/nosuchdrive"])  # fmt: skip
def test_what_is_no_drive_in_dev_is_refused(path: str) -> None:
    assert refusal(path).startswith("privileged-reader: ")


def test_a_drive_of_this_computer_is_refused() -> None:
    fixed = [
        each.name
        for each in Path("/sys/block").iterdir()
        if (each / "removable").read_text().strip() == "0"
        and not (each / "loop").exists()
        and "/usb" not in str(each.resolve())
        and each.name.startswith(("vd", "sd", "nvme"))
    ]
    if not fixed:
        pytest.skip("this computer has no fixed drive")
    assert "neither a removable nor a USB drive" in refusal(f"/dev/{fixed[0]}")


def test_a_symbolic_link_is_refused(device: Path) -> None:
    """One in /dev itself, which only root can put there; elsewhere the name is refused."""
    link = Path("/dev/dclink")
    link.symlink_to(device)
    try:
        assert "no block device" in refusal(link)
    finally:
        link.unlink()


def test_a_loop_device_upon_a_file_of_somebody_else_is_refused(place: Path) -> None:
    path = drive_of_nobody(place)
    with loop_device(path) as device:
        path.chmod(0o600)
        assert "may not be read by the calling user" in refusal(device)


def test_a_file_put_in_the_place_of_the_one_behind_a_loop_device_is_noticed(place: Path) -> None:
    folder = place / "folder"
    folder.mkdir()
    with loop_device(drive_of_nobody(folder)) as device:
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
        try:
            drive_of_nobody(folder)
            assert "another one by now" in refusal(device)
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"garbage garbage garbage ",
        REQUEST.pack(b"DCRX", 0, 512),
        REQUEST.pack(b"DCRQ", 0, MOST + 512),
        REQUEST.pack(b"DCRQ", 0, 0xFFFFFFFF),
        REQUEST.pack(b"DCRQ", 1, 512),
        REQUEST.pack(b"DCRQ", 0, 513),
        REQUEST.pack(b"DCRQ", len(CONTENT), 512),
        REQUEST.pack(b"DCRQ", 2**64 - 512, 512),
        REQUEST.pack(b"DCRQ", 2**63, 512),
        REQUEST.pack(b"DCRQ", 0, 512)[:7],
    ],
)
def test_a_request_that_is_none_ends_the_reader_without_an_answer(device: Path, request_bytes: bytes) -> None:
    process = start(device)
    out, said = process.communicate(request_bytes, timeout=30)
    assert process.returncode == 3, said
    assert len(out) == ANSWER.size + HELLO.size
    assert said.decode().startswith("privileged-reader: the request")


def test_a_mounted_drive_is_refused_and_none_can_be_mounted_while_it_is_read(device: Path, place: Path) -> None:
    (place / "point").mkdir()
    subprocess.run(["mke2fs", "-q", device], check=True, capture_output=True)
    mount = ["mount", "-o", "ro", device, place / "point"]
    with start_reader(device, READER):
        assert subprocess.run(mount, capture_output=True).returncode != 0
    subprocess.run(mount, check=True)
    try:
        assert "it is in use" in refusal(device)
    finally:
        subprocess.run(["umount", place / "point"], check=True)


def test_the_claim_of_the_reader_is_part_of_the_protection(device: Path) -> None:
    process = start(device)

    def measured() -> list[object]:
        with protect(device) as guard, PrivilegedSource(device, process) as source:
            before = guard.protection.claimed
            guard.learn(source)
        return [before, guard.protection.claimed, guard.protection.detail]

    with process:
        before, after, detail = as_nobody(measured)
    assert (before, after) == (False, True)
    assert "claimed exclusively, so that nothing could mount it" in detail


def test_more_than_one_argument_is_refused(device: Path) -> None:
    done = subprocess.run([*READER, device, device], capture_output=True)
    assert done.returncode == 2


def test_another_drive_under_the_name_is_noticed(device: Path, place: Path) -> None:
    (place / "other").mkdir()
    with loop_device(drive_of_nobody(place / "other")) as other, pytest.raises(Refused, match="Another drive"):
        PrivilegedSource(device, start(other))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"x" * ANSWER.size,
        ANSWER.pack(b"DCRA", 1 << 20, MOST + 1, 0),
        ANSWER.pack(b"DCRA", 1 << 20, 8, 0) + bytes(8),
        ANSWER.pack(b"DCRA", 1 << 20, HELLO.size, 0) + bytes(3),
    ],
)
def test_a_reader_that_talks_nonsense_is_not_believed(device: Path, place: Path, answer: bytes) -> None:
    (place / "said").write_bytes(answer)
    process = subprocess.Popen(["cat", place / "said"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    with pytest.raises((Defect, EnvironmentFailed)):
        PrivilegedSource(device, process)


# ------------------------------------------------------------------------------------------------------------ opening


@pytest.mark.parametrize(
    ("launcher", "kind", "words"),
    [
        (["sh", "-c", "exit 126"], EnvironmentFailed, "not granted"),
        (["sh", "-c", "exit 127"], EnvironmentFailed, "not granted"),
        (["sh", "-c", "exit 1"], EnvironmentFailed, "has ended"),
        (["sh", "-c", "echo privileged-reader: it is odd >&2; exit 2"], Refused, "it is odd"),
        (["/nonexistent"], EnvironmentFailed, "cannot be started"),
        (None, EnvironmentFailed, "may not be read by this user"),
    ],
)
def test_who_may_not_read_a_drive_is_told_why(
    device: Path, launcher: list[str] | None, kind: type[Exception], words: str
) -> None:
    def open_it() -> list[str]:
        try:
            with open_source(device, launcher):
                return ["opened", "", ""]
        except (EnvironmentFailed, Refused) as error:
            return [type(error).__name__, error.message, error.remedy]

    name, message, remedy = as_nobody(open_it)
    assert remedy
    assert name == kind.__name__
    assert words in message


def test_a_reader_that_others_could_change_is_not_started(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pkexec", "reader"):
        (place / name).write_text("")
        (place / name).chmod(0o755)
    place.chmod(0o755)
    monkeypatch.setattr(privileged, "PKEXEC", place / "pkexec")
    monkeypatch.setattr(privileged, "READER", place / "reader")
    assert privileged._installed() == [str(place / "pkexec"), str(place / "reader")]
    for each, mode in ((place / "reader", 0o757), (place / "reader", 0o775), (place, 0o777)):
        each.chmod(mode)
        with pytest.raises(EnvironmentFailed):
            privileged._installed()
        each.chmod(0o755)
    os.chown(place / "reader", NOBODY, NOBODY)
    with pytest.raises(EnvironmentFailed):
        privileged._installed()


def test_the_program_that_gets_rights_is_not_taken_from_the_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pkexec", "privileged-reader"):
        (place / name).write_text("#!/bin/sh\n")
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(privileged, "READER", place / "privileged-reader")
    if privileged.PKEXEC.exists():
        assert privileged._installed()[0] == "/usr/bin/pkexec"
    else:
        with pytest.raises(EnvironmentFailed):
            privileged._installed()


INSTALLER = Path(__file__).parents[2] / "resources/installer/linux"


def test_the_policy_lets_the_installed_reader_run_and_nothing_else() -> None:
    policy = ElementTree.parse(INSTALLER / "org.drivecustody.policy").getroot()
    (action,) = policy.findall("action")
    paths = {each.get("key"): each.text for each in action.findall("annotate")}
    assert paths == {"org.freedesktop.policykit.exec.path": str(privileged.READER)}
    defaults = {each.tag: each.text for each in action.find("defaults") or ()}
    assert defaults == {"allow_any": "no", "allow_inactive": "no", "allow_active": "auth_admin"}
    assert f'"{action.get("id")}"' in (INSTALLER / "50-drivecustody.rules").read_text()


def test_the_reader_is_a_program_of_its_own_that_needs_nothing_of_ours() -> None:
    text = Path(privileged_reader.__file__).read_text()
    assert text.startswith("#!/usr/bin/python3 -I\n")
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
