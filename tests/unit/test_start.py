"""The door of the house: what is installed is what was locked, and a computer that lacks something is told what."""

import ast
import importlib.util
import json
import re
import struct
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
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-test.lock")
BUILD_LOCK = "requirements-build.lock"
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


def script(path: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of the repository as a module; its dataclasses want to find it among the modules."""
    name = Path(path).stem + "_under_test"
    specification = importlib.util.spec_from_file_location(name, ROOT / path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, name, module)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def bare_root(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return script("tests/bare/bare_root.py", monkeypatch)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """start.py as a module, with its .venv in an empty folder, so that no test touches the real one."""
    module = script("start.py", monkeypatch)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "set-up.json")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return module


@pytest.mark.parametrize(("lock", "at_least"), [(LOCKS[0], 60), (LOCKS[1], 60), (BUILD_LOCK, 5)])
def test_every_locked_package_is_pinned_and_hashed(lock: str, at_least: int) -> None:
    packages = list(locked(lock))
    assert len(packages) > at_least
    for requirement, hashes in packages:
        assert re.fullmatch(r"==[0-9a-z.]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement


@pytest.mark.parametrize("lock", [*LOCKS, BUILD_LOCK])
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
    for computer in COMPUTERS:
        shipped, tested = (
            {(r.name, str(r.specifier), *hashes) for r, hashes in locked(lock) if applies(r.marker, computer)}
            for lock in ("requirements.lock", "requirements-test.lock")
        )
        assert shipped < tested, computer


def test_making_the_bundle_changes_no_version_of_what_is_bundled() -> None:
    shipped = {requirement.name: (str(requirement), *hashes) for requirement, hashes in locked("requirements.lock")}
    building = {requirement.name: (str(requirement), *hashes) for requirement, hashes in locked(BUILD_LOCK)}
    assert "pyinstaller" in building
    assert {name: pin for name, pin in building.items() if name in shipped} == {
        name: pin for name, pin in shipped.items() if name in building
    }


@pytest.mark.parametrize("path", ["start.py", "tests/bare/bare_root.py", "resources/installer/parts.py"])
def test_start_needs_nothing_but_python(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"), feature_version=(3, 9))
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


def test_all_that_a_program_said_is_in_its_log(start: ModuleType, tmp_path: Path) -> None:
    words = [sys.executable, "-c", "print(*range(100), sep='\\n')"]
    status, last = start.run_with_progress(words, log=tmp_path / "log")
    assert status == 0
    assert last == [str(number) for number in range(40, 100)]
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(100)]


def test_every_byte_of_the_bundle_is_counted_once_and_in_its_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {
        "drivecustody": 3_000_000,
        "lib/libpython3.11.so.1.0": 1_500_000,
        "lib/PySide6/Qt/lib/libQt6Gui.so.6": 2_000_000,
        "lib/shiboken6/libshiboken6.abi3.so.6.11": 1_000,
        "lib/numpy.libs/libscipy_openblas64_.so": 1_200_000,
        "lib/numpy/core.so": 100_000,
        "lib/pytsk3.cpython-311-x86_64-linux-gnu.so": 1_100_000,
        "lib/rich-15.0.0.dist-info/METADATA": 7,
    }
    for name, count in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(count))
    (tmp_path / "lib" / "libQt6Gui.so.6").symlink_to("PySide6/Qt/lib/libQt6Gui.so.6")
    module = script("resources/installer/parts.py", monkeypatch)
    assert module.parts(tmp_path) == {
        "the two programs, with all Python code in them": 3_000_000,
        "Qt (PySide6)": 2_001_000,
        "Python and its libraries": 1_500_000,
        "numpy": 1_300_000,
        "pytsk3 and libewf": 1_100_000,
        "names, versions and licences of packages": 7,
    }
    assert module.table(tmp_path)[-2:] == ["| 1 parts of less than 1 MB each | 0.0 |", "| **all** | **8.9** |"]


def test_the_downloads_of_a_step_are_those_that_apt_and_pip_tell_about(
    bare_root: ModuleType, start: ModuleType
) -> None:
    """The lines of apt 2.6 stand for what it fetched; the sentences for pip are made by start.py itself."""
    downloads = start.Downloads()
    downloads.sentence("  Downloading pyarrow-26.0.1-cp311-cp311-manylinux_2_28_x86_64.whl (55.0 MB)")
    said = [
        "Need to get 10.9 MB of archives.",
        "Fetched 10.9 MB in 1s (14.1 MB/s)",
        "Fetched 9,032 kB in 2s (5,094 kB/s)",
        downloads.sentence("Installing collected packages: pyarrow"),
        start.apt_sentence("Need to get 243 MB/250 MB of archives."),
    ]
    assert bare_root.packages_mb("\n".join(said)) == pytest.approx(10.9 + 9.032 + 55 + 243)


def test_the_count_of_the_tests_is_read_where_they_end(bare_root: ModuleType) -> None:
    said = "===== test session starts =====\n...\n=========== 2 failed, 1390 passed in 146.64s (0:02:26) ============\n"
    assert bare_root.closing_line(said) == "2 failed, 1390 passed"
    assert bare_root.closing_line("no test ran") == ""


def test_the_picture_of_a_screen_is_what_is_on_it(bare_root: ModuleType, tmp_path: Path) -> None:
    """Two pixels by two in the form in which Xvfb keeps them: XWD, 32 bits, blue first, after a name and a colour."""
    head = [108, 7, 2, 24, 2, 2, 0, 0, 32, 0, 32, 32, 8, 4, 0, 0, 0, 8, 0, 1, 2, 2, 0, 0, 0]
    pixels = bytes.fromhex("0000ff00 00ff0000  ff000000 ffffff00")
    (tmp_path / "Xvfb_screen0").write_bytes(struct.pack(">25I", *head) + b"screen\0\0" + bytes(12) + pixels)
    width, height, rows = bare_root.picture_of(tmp_path)
    assert rows == [bytes.fromhex("ff0000 00ff00"), bytes.fromhex("0000ff ffffff")]
    bare_root.write_png(tmp_path / "screen.png", width, height, rows)
    with Image.open(tmp_path / "screen.png") as picture:
        assert [picture.getpixel((x, y)) for y in (0, 1) for x in (0, 1)] == [
            (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
        ]  # fmt: skip


def test_a_step_that_fails_is_in_the_table_and_ends_the_proof(bare_root: ModuleType, tmp_path: Path) -> None:
    root = bare_root.BareRoot(tmp_path, tmp_path / "log")
    root.step("first", lambda: (0, "fine\n"), str.strip)
    with pytest.raises(bare_root.Unfit, match="second: status 3"):
        root.step("second", lambda: (3, ""))
    assert [(step.name, step.fine, step.result) for step in root.steps] == [
        ("first", True, "fine"),
        ("second", False, "status 3"),
    ]
    assert "| second | **failed**: status 3 |" in root.table()


@pytest.mark.skipif(sys.platform != "linux", reason="a Debian is made on Linux only")
def test_a_debian_in_which_something_is_mounted_is_left_alone(
    bare_root: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """/proc stands for it, which is mounted wherever this runs; nothing is really removed."""
    removed: list[Path] = []
    monkeypatch.setattr(bare_root.shutil, "rmtree", removed.append)
    bare_root.remove(Path("/proc"))
    assert removed == []
    bare_root.remove(tmp_path)
    assert removed == [tmp_path]
