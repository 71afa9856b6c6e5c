"""Whoever names the wrong source is told what is wrong with it and what to do."""

import os
from pathlib import Path

import pytest

from forensics.errors import DriveCustodyError, EnvironmentFailed, Refused
from forensics.evidence.source import open_source


def failure(path: Path) -> DriveCustodyError:
    with pytest.raises(DriveCustodyError) as caught, open_source(path):
        pass
    assert caught.value.remedy
    return caught.value


def test_what_cannot_be_an_exhibit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "empty", tmp_path / "pipe", Path("/dev/null")):
        assert isinstance(failure(path), Refused)


def test_a_source_that_is_not_there_is_the_environments_failure(tmp_path: Path) -> None:
    assert isinstance(failure(tmp_path / "nothing"), EnvironmentFailed)


def test_a_source_that_may_not_be_read_is_the_environments_failure(tmp_path: Path) -> None:
    """Root may read everything, so the refusal is made by asking for a file through a file."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    assert isinstance(failure(path / "below"), EnvironmentFailed)


def test_a_file_of_an_odd_size_is_read_to_its_last_byte(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_bytes(bytes(range(256)) * 5 + b"end")
    with open_source(path) as source:
        buffer = bytearray(source.size)
        assert source.read_into(memoryview(buffer), 0) == source.size
        assert bytes(buffer) == path.read_bytes()
        assert source.read_into(memoryview(buffer)[:3], source.size - 3) == 3
        assert buffer[:3] == b"end"
        assert source.read_into(memoryview(buffer), source.size - 3) == 3


def test_reading_a_source_does_not_change_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 512)
    before = path.stat()
    with open_source(path) as source, pytest.raises(OSError, match="Bad file descriptor"):
        os.write(source._buffered, b"y")
    assert path.read_bytes() == b"x" * 512
    assert path.stat().st_mtime_ns == before.st_mtime_ns
