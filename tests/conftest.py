"""What every suite needs: a user data folder that is nobody's."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

JUDGES = frozenset(
    {
        "7z", "blkls", "cryptsetup", "debugfs", "dumpe2fs", "ewfacquire", "ewfinfo", "ewfverify", "fiwalk", "fls",
        "fsck.vfat", "fsstat", "hashdeep", "icat", "ifind", "istat", "losetup", "mactime", "mcopy", "md5sum", "mdel",
        "mdir", "mkfs.exfat", "mkfs.ext4", "mkfs.vfat", "mkntfs", "mmd", "mmls", "mtype", "ntfscp", "openssl",
        "parted", "pdffonts", "pdfinfo", "pdfsig", "pdftoppm", "pdftotext", "qpdf", "sfdisk", "sha1sum", "sha256sum",
        "tesseract", "unzip", "zip", "zipinfo",
    }
)  # fmt: skip
"""The independent programs that tests ask; `start.py` installs them where it may."""


@pytest.fixture(scope="session", autouse=True)
def _state_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The last self-test of the person who runs the tests is neither read nor overwritten."""
    before = os.environ.get("DRIVECUSTODY_STATE")
    os.environ["DRIVECUSTODY_STATE"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["DRIVECUSTODY_STATE"]
    else:
        os.environ["DRIVECUSTODY_STATE"] = before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """A fixture that asks a judge who is not installed skips its test, and so does one that only root may run."""
    if item.get_closest_marker("needs_root") and (not hasattr(os, "geteuid") or os.geteuid() != 0):
        pytest.skip("only root may make block devices and mount disks")
    with _judge_asked():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """A test that asks a judge who is not installed is skipped; any other missing file fails it as ever."""
    with _judge_asked():
        yield


@contextmanager
def _judge_asked() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        program = str(error.filename or "")
        if error.errno == errno.ENOENT and program in JUDGES and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; `python3 start.py test` says how to get it")
        raise
