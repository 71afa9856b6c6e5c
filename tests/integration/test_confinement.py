"""A parser that was taken over finds the kernel's doors locked: no file to write, no secret to read, no network."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import forensics
from forensics.jobs import confinement, pool
from forensics.jobs.confinement import Confinement

linux = pytest.mark.skipif(sys.platform != "linux", reason="the locks are Linux's own")


def kernel() -> Confinement:
    """What this machine can do, asked of the kernel without the code under test."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    return Confinement(max(0, version), "Seccomp_filters" in Path("/proc/self/status").read_text())


def attempt(item: tuple[str, str]) -> str:
    """What became of one attempt: `done`, or the name of the error."""
    what, path = item
    try:
        match what:
            case "read":
                Path(path).read_bytes()
            case "list":
                list(Path(path).iterdir())
            case "write":
                Path(path, "planted").write_bytes(b"x")
            case "overwrite":
                with Path(path).open("r+b") as stream:
                    stream.write(b"x")
            case "remove":
                Path(path).unlink()
            case "truncate":
                os.truncate(path, 0)
            case "symlink":
                Path(path, "link").symlink_to("/etc/passwd")
            case "socket":
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            case "unix socket":
                socket.socket(socket.AF_UNIX)
            case "program":
                subprocess.run(["/bin/true"], check=True)
            case "import":
                __import__("xml.dom.minidom")
    except OSError as error:
        return type(error).__name__
    return "done"


def locked_pool(*items: tuple[str, str], readable: tuple[Path, ...] = (), programs: bool = False) -> dict[str, str]:
    found = {}
    for result in pool.run(attempt, items, workers=1, seconds=30, locks=pool.Locks(readable, programs=programs)):
        found[result.item[0]] = result.value or result.outcome.reason
    return found


@linux
def test_a_worker_reads_the_image_and_nothing_else_and_writes_nowhere(tmp_path: Path) -> None:
    image, secret = tmp_path / "images" / "image.raw", tmp_path / "key.json"
    image.parent.mkdir()
    image.write_bytes(b"an image")
    secret.write_bytes(b"a secret")
    if not kernel().landlock:
        pytest.skip("this kernel has no Landlock")
    found = locked_pool(
        ("read", str(image)), ("overwrite", str(image)), ("truncate", str(image)), ("remove", str(image)),
        ("write", str(image.parent)), ("symlink", str(image.parent)), ("list", str(tmp_path)), ("import", ""),
        readable=(image,),
    )  # fmt: skip
    assert found == {
        "read": "done", "overwrite": "PermissionError", "truncate": "PermissionError", "remove": "PermissionError",
        "write": "PermissionError", "symlink": "PermissionError", "list": "PermissionError", "import": "done",
    }  # fmt: skip
    for path in (secret, Path("/etc/passwd")):
        assert locked_pool(("read", str(path)), readable=(image,)) == {"read": "PermissionError"}
    assert image.read_bytes() == b"an image"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["image.raw", "images", "key.json"]


@linux
def test_a_worker_opens_no_socket_and_starts_no_program() -> None:
    if not kernel().seccomp:
        pytest.skip("this kernel has no seccomp filters")
    found = locked_pool(("socket", ""), ("unix socket", ""), ("program", ""))
    assert found == dict.fromkeys(("socket", "unix socket", "program"), "PermissionError")


@linux
def test_where_programs_are_needed_they_start_and_the_network_stays_closed() -> None:
    found = locked_pool(("program", ""), ("socket", ""), programs=True)
    assert found["program"] == "done"
    if kernel().seccomp:
        assert found["socket"] == "PermissionError"


@linux
def test_the_pool_tells_what_was_in_force() -> None:
    told: list[Confinement] = []
    list(pool.run(attempt, [("list", "/nowhere")], workers=1, seconds=30, locks=pool.Locks((), told=told.append)))
    assert told == [kernel()]
    assert "Landlock" in told[0].in_words if kernel().landlock else "limits" in told[0].in_words


def test_without_locks_of_the_kernel_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    found = confinement.confine([])
    assert found == Confinement()
    assert "no locks of the kernel" in found.in_words


def test_the_program_reads_its_own_modules_where_its_folder_is_not_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    # So it is with an editable installation, whose modules a finder of its own finds.
    monkeypatch.setattr(sys, "path", [])
    assert Path(forensics.__file__).parent in confinement._own_files()
