#!/usr/bin/env python3
"""The one door: sets DriveCustody up on this computer, then starts it, tests it or checks it.

    python3 start.py [--no-window] [DIR ...]   set up, then the worked example: what follows goes to `drivecustody demo`
    python3 start.py test [PYTEST ...]         set up with the test tools and judges, then the tests
    python3 start.py nightly [PYTEST ...]      the same, for the tests that take many minutes each
    python3 start.py check                     set up the same, then style, types, floors and the fast tests
    python3 start.py build                     set up, then the bundle in dist/drivecustody, and its size part by part
    python3 start.py bare source|bundle [...]  both commands above, or the bundle, in a Debian made for it (Linux, root)

It needs Python 3.11 to 3.14 and nothing else. All it makes is in .venv beside it, the bundle in dist;
a second run finds .venv in place.
Status: what was started gives its own; 4 when this computer lacks something (what, and the remedy, is printed).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import queue
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "set-up.json"
LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements-test.lock"
BUILD_LOCK = ROOT / "requirements-build.lock"
BUNDLE = ROOT / "dist" / "drivecustody"
WINDOWS = sys.platform == "win32"
PROGRAMS = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = PROGRAMS / ("python.exe" if WINDOWS else "python")

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 14)
"""PySide6 6.11.1 says `Requires-Python: <3.15`; every other locked package has wheels for 3.11 to 3.14."""

OLDEST_GLIBC = {"x86_64": (2, 34), "aarch64": (2, 39)}
"""From the names of the PySide6 6.11.1 wheels: manylinux_2_34_x86_64 and manylinux_2_39_aarch64."""

DISK_BYTES = 2_000_000_000
"""Measured on Linux: .venv takes 1.2 GB, 1.3 GB with the test tools; the rest is pip's cache and the worked example."""

NOT_THIS_COMPUTER = 4
"""The status that `drivecustody` too gives when the environment lacks something."""

# Qt opens these by name at run time: no wheel brings them and no installer reports them missing.
OFFSCREEN_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libbrotlidec.so.1": "libbrotli1",
}
SCREEN_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
}

# Debian's name of each independent judge, and what goes unjudged without it.
JUDGES = {
    "ewf-tools": "E01 images, by ewfverify, ewfinfo and ewfacquire",
    "sleuthkit": "files, deleted files and volumes, by fls, icat and mmls",
    "hashdeep": "lists of hashes, by hashdeep",
    "dosfstools": "FAT volumes, made and checked by mkfs.vfat and fsck.vfat",
    "exfatprogs": "exFAT volumes, by mkfs.exfat",
    "libvshadow-utils": "shadow copies of NTFS volumes, by vshadowmount",
    "ntfs-3g": "NTFS volumes, by mkntfs and ntfscp",
    "e2fsprogs": "ext volumes, by mkfs.ext4 and debugfs",
    "udftools": "UDF volumes, by mkudffs",
    "xorriso": "discs of ISO 9660 beside HFS+, by xorriso",
    "genisoimage": "discs of ISO 9660 beside UDF, by genisoimage",
    "mtools": "files put on FAT images, by mcopy and mdir",
    "unzip": "members of archives, by unzip and zipinfo",
    "zip": "archives with locked members, made by zip",
    "gcab": "cabinet archives, made by gcab",
    "p7zip-full": "lists under a passphrase, opened by 7z",
    "softhsm2": "signing with a smart card, on a card made of software",
    "parted": "partition tables, by parted",
    "fdisk": "partition tables, by sfdisk",
    "cryptsetup-bin": "encrypted volumes, made by cryptsetup",
    "qemu-utils": "virtual disks, by qemu-img",
    "util-linux": "block devices, by losetup",
    "fuse3": "block devices with bad sectors, served by libfuse",
    "tesseract-ocr": "text on pictures and scans, read by tesseract",
    "tesseract-ocr-eng": "text on pictures and scans, in English",
    "openssl": "signatures, certificates and digests, by openssl",
    "poppler-utils": "signed reports, by pdfsig, pdftotext and pdftoppm",
    "qpdf": "the structure of PDFs, by qpdf",
    "postgresql": "source records out of a database, by initdb and pg_ctl",
    "libnss3-tools": "the trust that pdfsig gives a signer, by certutil",
    "xvfb": "the window on a real screen, by Xvfb",
    "xauth": "the window on a real screen, by Xvfb",
    **{
        f"forensics-samples-{kind}": "public images of drives and the originals of their files"
        for kind in ("vfat", "ntfs", "exfat", "ext2", "ext4", "btrfs", "multiple", "files")
    },
}


class Stop(Exception):
    """Set-up cannot go on; the text says what is missing and what to do about it."""


def say(text: str) -> None:
    print(text, flush=True)


def command_line(words: list[str]) -> str:
    return subprocess.list2cmdline(words) if WINDOWS else " ".join(map(shlex.quote, words))


def size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


# ---------------------------------------------------------------------------------------------- what this computer is


def complaint_about_python(version: tuple[int, ...]) -> str:
    """Why this Python will not do, with the remedy; empty when it will."""
    if OLDEST_PYTHON <= version[:2] <= NEWEST_PYTHON:
        return ""
    this = ".".join(map(str, version[:3]))
    text = f"DriveCustody needs Python 3.{OLDEST_PYTHON[1]} to 3.{NEWEST_PYTHON[1]}; this is Python {this}."
    for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and answers(other) == (3, minor):
            return f"{text}\nA fitting one is here: run   {command_line([f'python3.{minor}', *sys.argv])}"
    return (
        f"{text}\nInstall one (Debian 12: apt-get install python3; else from python.org), then run this again with it."
    )


def answers(python: str) -> tuple[int, int] | None:
    """Major and minor version that this interpreter gives when it is really started; None when it does not start."""
    try:
        asked = [python, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"]
        answer = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.split()
        return int(answer[0]), int(answer[1])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None


def complaint_about_system() -> str:
    """Why no ready-made packages exist for this computer; empty when they do."""
    machine = platform.machine().lower()
    if sys.platform == "linux":
        name, glibc = platform.libc_ver()
        oldest = OLDEST_GLIBC.get(machine)
        if oldest is None:
            return f"There is no ready-made Qt for Linux on {machine}: an x86-64 or ARM64 computer is needed."
        if name != "glibc" or tuple(map(int, glibc.split(".")[:2])) < oldest:
            return (
                f"Qt for Linux on {machine} needs glibc {oldest[0]}.{oldest[1]} or newer; "
                f"here is {name or 'another libc'} {glibc}.\n"
                "Debian 12, Ubuntu 22.04 (on ARM64: Debian 13, Ubuntu 24.04) and everything newer will do."
            )
    elif sys.platform == "darwin":
        if machine != "arm64":
            return (
                "There are no ready-made packages for Macs with an Intel processor: a Mac with Apple silicon is needed."
            )
    elif WINDOWS and machine not in ("amd64", "x86_64"):
        return f"There are no ready-made packages for Windows on {machine}: 64-bit Windows on x86-64 is needed."
    return ""


# --------------------------------------------------------------------------------------------------- running programs


def run_with_progress(
    words: list[str], note: Callable[[str], str | None] | None = None, log: Path | None = None
) -> tuple[int, list[str]]:
    """Run a quiet program and let people see that it lives; gives its status and its last 60 lines.

    `note` turns a line of its output into a sentence to show, or None. Fifteen seconds without one get a sentence too.
    All that it printed is in `log`, where one is named.
    """
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
        cwd=str(ROOT),
        encoding="utf-8",
        errors="replace",
    )
    lines: queue.Queue[str | None] = queue.Queue()
    output = child.stdout
    assert output is not None

    def listen() -> None:
        with output:
            for line in output:
                lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=listen, daemon=True).start()
    begun = heard = time.monotonic()
    last: deque[str] = deque(maxlen=60)
    with (log or Path(os.devnull)).open("w", encoding="utf-8") as record:
        while True:
            sentence = None
            try:
                line = lines.get(timeout=1)
                if line is None:
                    return child.wait(), list(last)
                last.append(line)
                record.write(line + "\n")
                sentence = note(line) if note else None
            except queue.Empty:
                pass
            if sentence is None and time.monotonic() - heard >= 15:
                sentence = f"  still at it ({time.monotonic() - begun:.0f} s)"
            if sentence:
                say(sentence)
                heard = time.monotonic()


def succeeds(words: list[str]) -> bool:
    silent = subprocess.DEVNULL
    return subprocess.run(words, stdin=silent, stdout=silent, stderr=silent).returncode == 0


def become(words: list[str]) -> int:
    """Hand this process over to a program, so that its status, its signals and its last line are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if not WINDOWS:
        os.execv(words[0], words)  # noqa: S606 - there is no shell, which is the point
    return subprocess.call(words)


# --------------------------------------------------------------------------------- what Debian installs for everybody


def administrator() -> list[str] | None:
    """What to write before a command that needs the administrator; None when that would need a password."""
    if WINDOWS:
        return None
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    return ["sudo", "-n"] if succeeds(["sudo", "-n", "true"]) else None


def apt_command(packages: list[str], prefix: list[str]) -> list[str]:
    return [*prefix, "apt-get", "install", "--yes", "--no-install-recommends", *packages]


def by_hand(packages: list[str]) -> str:
    """The command that a person types to install these, wherever the lists of this computer are."""
    sudo = ["sudo"] if shutil.which("sudo") and administrator() != [] else []
    update = command_line([*sudo, "apt-get", "update"])
    return f"  {update} && {command_line(apt_command(packages, sudo))}" + ("" if sudo else "     (as root)")


def not_installed(packages: list[str]) -> list[str]:
    """The Debian packages of these that are not installed."""
    if not packages or not shutil.which("dpkg-query"):
        return packages
    answer = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ).stdout
    present = {line.split()[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in present]


def install_with_apt(packages: list[str], purpose: str) -> list[str]:
    """Install Debian packages; gives those that this Debian (or Ubuntu) does not have. Stops when apt fails."""
    prefix = administrator()
    if prefix is None:
        raise ValueError("install_with_apt is for the administrator")
    environment = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]
    say(f"Debian packages for {purpose} are missing: asking apt-get for {', '.join(packages)}")
    begun = time.monotonic()
    status, lines = run_with_progress([*prefix, *environment, "apt-get", "update", "-q"])
    if status != 0:
        say("  apt-get update failed; going on with the lists that are here")
    offered = packages if offers(packages) else [name for name in packages if offers([name])]
    if offered:
        words = [*prefix, *environment, *apt_command(offered, [])]
        words[-len(offered) : -len(offered)] = ["-q", "-o", "DPkg::Lock::Timeout=300"]
        status, lines = run_with_progress(words, apt_sentence)
        if status != 0:
            raise Stop(
                "\n".join(lines[-12:])
                + f"\n\napt-get could not install the packages for {purpose}.\n"
                + f"When the network is back, run this again; by hand it is:\n{by_hand(offered)}"
            )
        say(f"  installed in {time.monotonic() - begun:.0f} s")
    return [name for name in packages if name not in offered]


def offers(packages: list[str]) -> bool:
    """Whether apt could install all of these; a list of candidates would miss names that newer packages provide."""
    return succeeds([*apt_command(packages, []), "--simulate"])


def apt_sentence(line: str) -> str | None:
    found = re.match(r"Need to get (\S+ \S+?)(?:/\S+ \S+)? of archives", line)
    return f"  downloading {found.group(1)}" if found else None


def absent_libraries(libraries: dict[str, str]) -> dict[str, str]:
    """Those of these shared libraries that the loader cannot open, with the Debian package of each."""
    absent = {}
    for library, package in libraries.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            absent[library] = package
    return absent


def provide_libraries(libraries: dict[str, str]) -> bool:
    """Whether Qt finds what it needs from the system, after installing it where we may; else prints the remedy."""
    if sys.platform != "linux":
        return True
    absent = absent_libraries(libraries)
    if absent and shutil.which("apt-get") and administrator() is not None:
        install_with_apt(sorted(absent.values()), "the window")
        absent = absent_libraries(absent)
    if not absent:
        return True
    if shutil.which("apt-get"):
        commands = by_hand(sorted(absent.values()))
        say(f"The window needs system libraries that only an administrator may install:\n{commands}")
    else:
        say(f"The window needs system libraries; please install what brings {', '.join(sorted(absent))}")
    return False


def provide_judges() -> None:
    """The independent programs that judge our work, installed where we may; else says what goes unjudged."""
    absent = not_installed(list(JUDGES)) if sys.platform == "linux" else list(JUDGES)
    if absent and shutil.which("apt-get") and administrator() is not None:
        absent = install_with_apt(absent, "the tests' judges")
    if not absent:
        return
    say("These judges are not here, and the tests that ask them will be skipped:")
    for package in absent:
        say(f"  {package}: {JUDGES[package]}")
    if shutil.which("apt-get"):
        say(f"To have them:\n{by_hand(absent)}")


# ------------------------------------------------------------------------------------------------------ the packages


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, str]) -> None:
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    partial.replace(STAMP)


def fault_of_environment() -> str:
    """Why the .venv that is here cannot be used; empty when it can."""
    made_in = read_stamp().get("folder", str(ROOT))
    if made_in != str(ROOT):
        return f"it was made in {made_in}, and an environment cannot be moved"
    version = answers(str(PYTHON))
    if version is None:
        return "its Python does not start"
    if version != sys.version_info[:2]:
        return f"it has Python {version[0]}.{version[1]}, and this is {sys.version_info[0]}.{sys.version_info[1]}"
    return "" if succeeds([str(PYTHON), "-I", "-c", "import pip"]) else "it has no pip"


def provide_environment() -> None:
    """A working .venv of this Python, made anew when the one that is here is not."""
    if VENV.exists():
        fault = fault_of_environment()
        if not fault:
            return
        if not (VENV / "pyvenv.cfg").is_file():
            raise Stop(f"{VENV} is in the way: it is no Python environment. Move it elsewhere and run this again.")
        say(f"The environment in .venv cannot be used ({fault}): making it again")
        shutil.rmtree(VENV)
    free = shutil.disk_usage(ROOT).free
    if free < DISK_BYTES:
        raise Stop(
            f"The disk of {ROOT} has {size(free)} free; set-up needs {size(DISK_BYTES)}. Make room and run this again."
        )
    provide_venv_module()
    begun = time.monotonic()
    # The interpreter may be that of the environment just removed: the one under it makes the new one.
    base = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run(
        [base, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    if made.returncode != 0:
        raise Stop(f"{made.stdout.strip()}\n\nPython could not make the environment {VENV}.")
    say(f"Made .venv with Python {platform.python_version()} in {time.monotonic() - begun:.0f} s")


def provide_venv_module() -> None:
    """Python's own venv and ensurepip, which Debian keeps in a package of their own."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if shutil.which("apt-get") and administrator() is not None:
        install_with_apt([package], "Python environments")
        importlib.invalidate_caches()
        if importlib.util.find_spec("ensurepip"):
            return
    raise Stop(
        f"This Python cannot make environments: its modules venv and ensurepip are missing.\n"
        f"On Debian and Ubuntu:\n{by_hand([package])}"
    )


class Downloads:
    """Reads along with pip: what it fetches, and how much that is."""

    def __init__(self) -> None:
        self.packages = 0
        self.fetched = 0.0

    def sentence(self, line: str) -> str | None:
        if re.match(r"\s*(Processing|Using cached) \S+(\.whl|\.tar\.gz)( |$)", line):
            self.packages += 1
        found = re.match(r"\s*Downloading (\S+?)-(\S+?)(?:-\S+)?(?:\.whl|\.tar\.gz) \(([\d.]+) ([kMG]?B)\)", line)
        if found:
            count = float(found.group(3)) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[found.group(4)]
            self.packages += 1
            self.fetched += count
            if count >= 5e6:
                return f"  {size(count):>7}  {found.group(1)} {found.group(2)}"
        if line.startswith("Installing collected packages"):
            return f"  {self.packages} packages, {size(self.fetched)} downloaded for them; unpacking"
        return None


def pip_install(words: list[str], note: Callable[[str], str | None] | None = None) -> None:
    """pip, with nothing of a person's own settings that would install elsewhere than in .venv, or ask questions."""
    os.environ.update(PIP_USER="0", PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_ROOT_USER_ACTION="ignore")
    command = [str(PYTHON), "-I", "-m", "pip", "install", "--progress-bar", "off", "--no-color", *words]
    status, lines = run_with_progress(command, note)
    if status != 0:
        lines = [line for line in lines if not line.startswith("Ignoring ")]
        raise Stop("\n".join(lines[-12:]) + "\n\n" + remedy_for_pip("\n".join(lines)))


def remedy_for_pip(output: str) -> str:
    if "DO NOT MATCH THE HASHES" in output:
        return (
            "A downloaded file is not the one that was locked: damaged or changed on its way, and not installed.\n"
            "Run this again, over another network if it happens twice."
        )
    if "No space left" in output or "Errno 28" in output:
        return f"The disk is full: make {size(DISK_BYTES)} of room and run this again."
    if re.search(
        r"onnection|timed out|Temporary failure|getaddrinfo|ProxyError|SSLError|Max retries|Network is unreachable",
        output,
    ):
        return (
            "The package index could not be reached. Check the network (behind a proxy: set HTTPS_PROXY;\n"
            "with a mirror: set it in pip's configuration), then run this again."
        )
    return "pip could not install the packages; its own words are above. When that is mended, run this again."


def provide_packages(lock: Path) -> None:
    """What the lock lists, by hash, and the project itself; at once when the last run did just that."""
    stamp = read_stamp()
    wanted = {each.name: fingerprint(each) for each in dict.fromkeys([LOCK, lock])}
    for name, digest in wanted.items():
        if stamp.get(name) == digest:
            continue
        begun = time.monotonic()
        say(f"Installing the packages of {name}, each checked against its hash")
        # bagit comes as source only. It is built with the setuptools that requirements.lock has just installed,
        # because pip fetches the build tools of an isolated build without looking at hashes.
        words = ["--only-binary", ":all:", "--no-binary", "bagit", "--no-build-isolation", "--require-hashes"]
        pip_install([*words, "--requirement", str(ROOT / name)], Downloads().sentence)
        say(f"  done in {time.monotonic() - begun:.0f} s")
        stamp[name] = digest
        write_stamp(stamp)
    project = {"folder": str(ROOT), "pyproject.toml": fingerprint(ROOT / "pyproject.toml")}
    if any(stamp.get(key) != value for key, value in project.items()):
        pip_install(["--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)])
        stamp.update(project)
        write_stamp(stamp)


def set_up(lock: Path) -> None:
    complaint = complaint_about_system()
    if complaint:
        raise Stop(complaint)
    provide_environment()
    provide_packages(lock)


def say_ready(begun: float) -> None:
    spent = time.monotonic() - begun
    if spent > 3:
        say(f"Set up in {spent:.0f} s; from here on nothing needs the network")


# --------------------------------------------------------------------------------------------------------- the bundle


def provide_linker_tools() -> None:
    """What PyInstaller asks of Linux: objdump, and Python as a shared library, which Debian keeps apart."""
    if sys.platform != "linux":
        return
    wanted = {}
    if not shutil.which("objdump") or not shutil.which("objcopy"):
        wanted["binutils"] = "objdump and objcopy"
    library = f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"
    folder = sysconfig.get_config_var("LIBDIR") or ""
    if not (Path(folder) / library).is_file() and absent_libraries({library: ""}):
        wanted[library.split(".so")[0]] = library
    packages = not_installed(list(wanted))
    if packages and shutil.which("apt-get") and administrator() is not None:
        packages = install_with_apt(packages, "the making of the bundle")
    if packages:
        lacking = ", ".join(wanted[package] for package in packages)
        raise Stop(f"The bundle cannot be made without {lacking}.\nOn Debian and Ubuntu:\n{by_hand(packages)}")


def build(arguments: list[str]) -> int:
    if arguments:
        raise Stop("`start.py build` takes no arguments.")
    begun = time.monotonic()
    set_up(BUILD_LOCK)
    # PyInstaller asks Qt itself which plugins belong to it. Where Qt does not start it takes none, and only warns.
    if not provide_libraries({**OFFSCREEN_LIBRARIES, **SCREEN_LIBRARIES}):
        raise Stop("The bundle cannot be made without these libraries, though they are not part of it.")
    provide_linker_tools()
    say_ready(begun)
    begun = time.monotonic()
    say("PyInstaller makes the bundle; its own words are in .venv/pyinstaller.log")
    words = ["-m", "PyInstaller", "--noconfirm", "--clean", "--workpath", str(VENV / "pyinstaller")]
    words += ["--distpath", str(BUNDLE.parent), str(ROOT / "build.spec")]
    status, lines = run_with_progress([str(PYTHON), *words], log=VENV / "pyinstaller.log")
    if status != 0:
        raise Stop("\n".join(lines[-12:]) + f"\n\nPyInstaller could not make the bundle (status {status}).")
    say(f"Made {BUNDLE} in {time.monotonic() - begun:.0f} s")
    return subprocess.call([str(PYTHON), "-I", str(ROOT / "resources" / "installer" / "parts.py"), str(BUNDLE)])


def bare(arguments: list[str]) -> int:
    """Hands over to tests/bare/bare_root.py, once what it runs from outside the bare root is there."""
    if arguments[:1] == ["bundle"] and not {"-h", "--help"} & set(arguments):
        if not BUNDLE.is_dir():
            build([])
        if not provide_libraries({**OFFSCREEN_LIBRARIES, **SCREEN_LIBRARIES}):
            raise Stop("The window of the bundle cannot be opened here without these libraries.")
        if not shutil.which("Xvfb") and administrator() is not None:
            install_with_apt(["xvfb"], "a screen")
    return become([sys.executable, str(ROOT / "tests" / "bare" / "bare_root.py"), *arguments])


# --------------------------------------------------------------------------------------------------------- the doors


def demo(arguments: list[str]) -> int:
    begun = time.monotonic()
    set_up(LOCK)
    display = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    libraries = {**OFFSCREEN_LIBRARIES, **(SCREEN_LIBRARIES if display else {})}
    if "--no-window" not in arguments and not provide_libraries(libraries):
        say("Until then the window stays shut; the example runs without it.")
        arguments = ["--no-window", *arguments]
    say_ready(begun)
    return become([str(PROGRAMS / ("drivecustody.exe" if WINDOWS else "drivecustody")), "demo", *arguments])


def set_up_for_tests() -> None:
    begun = time.monotonic()
    os.chdir(str(ROOT))
    set_up(TEST_LOCK)
    if not provide_libraries({**OFFSCREEN_LIBRARIES, **SCREEN_LIBRARIES}) and absent_libraries(OFFSCREEN_LIBRARIES):
        raise Stop("The tests start Qt even without a screen, and Qt does not start without these libraries.")
    provide_judges()
    say_ready(begun)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def run_tests(arguments: list[str], which: str) -> int:
    set_up_for_tests()
    # A file's tests stay together: the suites make what they need once a file. A process that dies is not replaced:
    # pytest-xdist 3.8 may then wait for ever for what it thinks is left of a file, and the crash would not be told.
    side_by_side = ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile", "--max-worker-restart", "0"]
    return become([str(PYTHON), "-m", "pytest", "-m", which, *side_by_side, *arguments])


def check(arguments: list[str]) -> int:
    if arguments:
        raise Stop("`start.py check` takes no arguments.")
    set_up_for_tests()
    fast = [folder for folder in ("tests/unit", "tests/contract") if (ROOT / folder).is_dir()]
    steps = {
        "style": ["ruff", "check", "."],
        "layout": ["ruff", "format", "--check", "."],
        "types": ["mypy", "--strict", "forensics", "ui", "start.py", "tests/bare/bare_root.py"],
        "floors of the house": ["lint-imports"],
        "fast tests": ["python", "-m", "pytest", "-q", "-m", "not slow and not nightly", "-n", "auto", *fast],
    }
    outcomes = {}
    for name, words in steps.items():
        say(f"\n== {name}: {command_line(words)}")
        begun = time.monotonic()
        status = subprocess.call([str(PROGRAMS / words[0]), *words[1:]], cwd=str(ROOT))
        outcomes[name] = status == 0
        say(f"== {name}: {'ok' if status == 0 else 'FAILED'} in {time.monotonic() - begun:.1f} s")
    failed = [name for name, fine in outcomes.items() if not fine]
    say(f"\n{'Failed: ' + ', '.join(failed) if failed else 'All is well'}")
    return 1 if failed else 0


def main(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if arguments[:1] in (["-h"], ["--help"]):
        say(__doc__ or "")
        return 0
    complaint = complaint_about_python(sys.version_info[:3])
    if complaint:
        print(complaint, file=sys.stderr)
        return NOT_THIS_COMPUTER
    try:
        if arguments[:1] == ["test"]:
            return run_tests(arguments[1:], "not nightly")
        if arguments[:1] == ["nightly"]:
            return run_tests(arguments[1:], "nightly")
        if arguments[:1] == ["check"]:
            return check(arguments[1:])
        if arguments[:1] == ["build"]:
            return build(arguments[1:])
        if arguments[:1] == ["bare"]:
            return bare(arguments[1:])
        return demo(arguments)
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
        return NOT_THIS_COMPUTER
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
