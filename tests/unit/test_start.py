"""The door of the house: what is installed is what was locked, and a computer that lacks something is told what."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-test.lock")
COMPUTERS = [
    {"sys_platform": system, "platform_python_implementation": "CPython", "implementation_name": "cpython"}
    | {"python_version": python, "python_full_version": f"{python}.1"}
    for system in ("linux", "darwin", "win32")
    for python in ("3.11", "3.12", "3.13", "3.14")
]


def locked(lock: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Each requirement of a lock with its hashes."""
    text = re.sub(r"^#.*\n", "", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)
    for entry in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s--hash=", entry)
        yield Requirement(requirement), [digest.strip() for digest in hashes]


def asked_for(extra: str | None = None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    return [Requirement(line) for line in lines]


def applies(marker: Marker | None, computer: dict[str, str]) -> bool:
    return marker is None or marker.evaluate(computer)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """start.py as a module, with its .venv in an empty folder, so that no test touches the real one."""
    specification = importlib.util.spec_from_file_location("start_under_test", ROOT / "start.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "set-up.json")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return module


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_hashed(lock: str) -> None:
    packages = list(locked(lock))
    assert len(packages) > 60
    for requirement, hashes in packages:
        assert re.fullmatch(r"==[0-9a-z.]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_no_host_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(
        r"://|--(extra-)?index-url|--find-links|--trusted-host|^\s*-[ief]\b|file:|/(opt|tmp|home|root)/", text, re.M
    )


@pytest.mark.parametrize(("lock", "extra"), [(LOCKS[0], None), (LOCKS[1], "test")])
def test_the_lock_fits_the_project_on_every_computer(lock: str, extra: str | None) -> None:
    for computer in COMPUTERS:
        pins = {
            canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==")
            for requirement, _ in locked(lock)
            if applies(requirement.marker, computer)
        }
        for wanted in asked_for(extra):
            if applies(wanted.marker, computer):
                assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), (wanted, computer)


def test_one_computer_is_never_given_two_versions_of_a_package() -> None:
    for lock in LOCKS:
        for computer in COMPUTERS:
            names = [canonicalize_name(r.name) for r, _ in locked(lock) if applies(r.marker, computer)]
            assert sorted(names) == sorted(set(names))


def test_qt_is_the_release_that_keeps_its_references() -> None:
    versions = {r.name: str(r.specifier) for r, _ in locked("requirements.lock") if "pyside" in r.name}
    assert versions == {"pyside6-addons": "==6.11.1", "pyside6-essentials": "==6.11.1"}


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    shipped = {(str(requirement), *hashes) for requirement, hashes in locked("requirements.lock")}
    assert shipped < {(str(requirement), *hashes) for requirement, hashes in locked("requirements-test.lock")}


def test_start_needs_nothing_but_python() -> None:
    tree = ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_an_old_python_is_told_what_is_needed_and_not_shown_a_traceback(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start.sys, "version_info", (3, 9, 18, "final", 0))
    assert start.main(["--no-window"]) == 4
    said = capsys.readouterr().err
    assert "needs Python 3.11" in said
    assert "3.9.18" in said


@pytest.mark.parametrize(
    ("version", "fits"), [((3, 10, 13), False), ((3, 11, 0), True), ((3, 14, 2), True), ((3, 15, 0), False)]
)
def test_only_pythons_with_ready_made_packages_are_taken(
    start: ModuleType, version: tuple[int, int, int], fits: bool
) -> None:
    assert (start.complaint_about_python(version) == "") is fits


def test_a_fitting_python_beside_the_old_one_is_named(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None)
    monkeypatch.setattr(start, "answers", lambda _python: (3, 12))
    assert "python3.12" in start.complaint_about_python((3, 9, 2))


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("Failed to establish a new connection: [Errno 111] Connection refused", "could not be reached"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("something new", "run this again"),
    ],
)
def test_a_failed_download_comes_with_its_remedy(start: ModuleType, output: str, word: str) -> None:
    assert word in start.remedy_for_pip(output)


def test_what_pip_fetches_is_counted(start: ModuleType) -> None:
    """The lines are those of pip 23.2.1."""
    downloads = start.Downloads()
    said = [
        downloads.sentence(line)
        for line in (
            "  Downloading pyarrow-26.0.1-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (3.1 kB)",
            "  Downloading pyarrow-26.0.1-cp311-cp311-manylinux_2_28_x86_64.whl (55.0 MB)",
            "Processing /mirror/idna-3.20-py3-none-any.whl (from -r requirements.lock (line 789))",
            "  Using cached zipp-4.1.2-py3-none-any.whl (10 kB)",
            "  Downloading bagit-1.9.0.tar.gz (500 kB)",
            "Installing collected packages: idna, pyarrow",
        )
    ]
    assert said[1] == "    55 MB  pyarrow 26.0.1"
    assert said[-1] == "  4 packages, 56 MB downloaded for them; unpacking"
    assert [said[0], *said[2:5]] == [None] * 4


def test_a_folder_that_is_no_environment_is_left_alone(start: ModuleType) -> None:
    start.VENV.mkdir()
    (start.VENV / "letters.txt").write_text("mine")
    with pytest.raises(start.Stop, match="in the way"):
        start.provide_environment()
    assert (start.VENV / "letters.txt").read_text() == "mine"


def test_an_environment_that_was_moved_is_made_again(start: ModuleType) -> None:
    start.VENV.mkdir()
    start.STAMP.write_text(json.dumps({"folder": "/elsewhere/drivecustody"}))
    assert "/elsewhere/drivecustody" in start.fault_of_environment()


def test_an_environment_whose_python_is_gone_is_made_again(start: ModuleType) -> None:
    start.VENV.mkdir()
    assert start.fault_of_environment() == "its Python does not start"


def test_a_missing_library_is_named_with_its_debian_package(start: ModuleType) -> None:
    assert start.absent_libraries({"libdoes-not-exist.so.7": "libdoes-not-exist7"}) == {
        "libdoes-not-exist.so.7": "libdoes-not-exist7"
    }


def test_without_an_administrator_the_exact_command_is_printed(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start.sys, "platform", "linux")
    monkeypatch.setattr(start, "administrator", lambda: None)
    monkeypatch.setattr(start.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(start.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert not start.provide_libraries({"libdoes-not-exist.so.7": "libdoes-not-exist7"})
    assert (
        "sudo apt-get update && sudo apt-get install --yes --no-install-recommends libdoes-not-exist7"
        in capsys.readouterr().out
    )


def test_a_quiet_program_is_heard_to_its_end(start: ModuleType) -> None:
    words = [sys.executable, "-c", "print('one'); print('two'); raise SystemExit(3)"]
    heard: list[str] = []
    assert start.run_with_progress(words, heard.append) == (3, ["one", "two"])
    assert heard == ["one", "two"]


def test_help_is_given_by_any_python_without_setting_anything_up() -> None:
    said = subprocess.run([sys.executable, "-I", "-S", "start.py", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0
    assert "python3 start.py test" in said.stdout


def test_ci_walks_through_the_same_door() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("exec python3 start.py test")
