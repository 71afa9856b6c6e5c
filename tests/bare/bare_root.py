#!/usr/bin/env python3
"""Proof that nothing is taken for granted: the README's two commands, or the bundle, on a Debian 12 made for this run.

    python3 start.py bare source [--quick]   python3 start.py --no-window, then python3 start.py test
    python3 start.py bare bundle             dist/drivecustody: selftest, demo, verify; outside its window, under Xvfb

The Debian is what `debootstrap --variant=minbase` makes; for `source` with python3, python3-venv and ca-certificates,
for `bundle` with nothing added. The commands run in it by chroot, as root, in mount and process namespaces of their
own, so that whatever happens no mount and no process outlives them. Of the project the Debian gets what
`git archive HEAD` holds.

It needs Linux, root, the network, and 6 GB in the folder for temporary files. A table of what each step took is printed
at the end; the status is 0 when every step did what it has to.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BUNDLE = PROJECT / "dist" / "drivecustody"
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = ["python3", "python3-venv", "ca-certificates"]

NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
IN_ROOT = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
root="$1"; shift
status=0
chroot "$root" "$@" || status=$?
exit $status
"""
"""The mounts are those of this one command's namespace: they are gone when it is, even if it is killed.

The shell stays, as process 1 of that namespace: like the init of a real computer it buries orphans.
"""

PROXIES = [name for lower in ("http_proxy", "https_proxy", "no_proxy") for name in (lower, lower.upper())]

DOWNLOADS = re.compile(
    r"^(?:  downloading|Fetched|  \d+ packages,) ([\d.,]+) ([kMG]?B)(?: downloaded for them| in |$)", re.MULTILINE
)
"""What apt says itself, and start.py's sentences about apt and pip."""


class Unfit(Exception):
    """This computer, or what it was given, cannot do the step; the text says why."""


@dataclass(frozen=True)
class Step:
    """A row of the table at the end."""

    name: str
    fine: bool
    result: str
    seconds: float
    packages_mb: float
    """Files of packages, by the word of apt and pip; without lists and other talk."""
    received_mb: float
    """What came in over all interfaces but the loopback, whoever asked for it."""
    disk_mb: float
    """What the Debian takes on the disk afterwards, all in all."""


# ------------------------------------------------------------------------------------------------------------ measures


def received_bytes() -> int:
    """Bytes that this computer's interfaces, but the loopback, have received since it started (proc(5), net/dev)."""
    lines = Path("/proc/net/dev").read_text("ascii").splitlines()[2:]
    counters = (line.split(":") for line in lines)
    return sum(int(numbers.split()[0]) for name, numbers in counters if name.strip() != "lo")


def disk_bytes(folder: Path) -> int:
    """Bytes of the blocks that a folder's files take; a file with many names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            found = os.lstat(os.path.join(where, name))  # noqa: PTH118 - a hundred thousand of them
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
    return total


def packages_mb(output: str) -> float:
    """Megabytes of the downloads that apt and start.py tell about in what they print."""
    factor = {"B": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
    return sum(float(count.replace(",", "")) * factor[unit] for count, unit in DOWNLOADS.findall(output))


def closing_line(output: str) -> str:
    """pytest's own count of what passed, failed and was skipped; empty where there is none."""
    found = re.findall(r"^=+ (.*\b(?:passed|failed|error)\b.*) in [\d.]+s.*=+$", output, re.MULTILINE)
    return str(found[-1]) if found else ""


# ---------------------------------------------------------------------------------------------------------- the Debian


class BareRoot:
    """A Debian in a folder, and the log of what was done in it."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log
        self.steps: list[Step] = []

    def run(self, words: list[str], where: str = "/root", environment: dict[str, str] | None = None) -> tuple[int, str]:
        """Run a program in the Debian, with an environment of nothing but what is needed; its status and output."""
        variables = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "TERM": "dumb",
            **{name: os.environ[name] for name in PROXIES if name in os.environ},
            **(environment or {}),
        }
        inside = ["/usr/bin/env", "-i", f"--chdir={where}", *(f"{k}={v}" for k, v in variables.items()), *words]
        return self.outside([*NAMESPACES, "sh", "-c", IN_ROOT, "sh", str(self.folder), *inside])

    def outside(self, words: list[str]) -> tuple[int, str]:
        """Run a program of this computer; shows and logs its output while it comes."""
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert child.stdout is not None
        heard = []
        with self.log.open("a", encoding="utf-8") as log, child:
            try:
                for line in child.stdout:
                    heard.append(line)
                    print("    " + line, end="", flush=True)
                    log.write(line)
                    log.flush()
            except BaseException:
                # unshare is deaf to gentler signals. All that it started dies with it, and the last closes the pipe.
                child.kill()
                child.stdout.read()
                raise
        return child.returncode, "".join(heard)

    def step(self, name: str, work: Callable[[], tuple[int, str]], result: Callable[[str], str] | None = None) -> str:
        """Do something, measure it and keep the row; `result` takes the output and gives what to say about it.

        Raises `Unfit` when the step fails: what comes after it needs it.
        """
        print(f"\n== {name}", flush=True)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"\n== {name}\n")
        begun, before = time.monotonic(), received_bytes()
        output, said, fine = "", "", False
        try:
            status, output = work()
            fine = status == 0
            said = f"status {status}"
            if fine:
                said = result(output) if result else "done"
            elif closing_line(output):
                said += f": {closing_line(output)}"
        except Unfit as unfit:
            fine, said = False, str(unfit)
        seconds, received = time.monotonic() - begun, received_bytes() - before
        self.steps.append(
            Step(name, fine, said, seconds, packages_mb(output), received / 1e6, disk_bytes(self.folder) / 1e6)
        )
        print(f"== {'ok' if fine else 'FAILED'}: {said} ({seconds:.0f} s)", flush=True)
        if not fine:
            raise Unfit(f"{name}: {said}")
        return output

    def table(self) -> str:
        """What was measured, in Markdown."""
        rows = [
            f"| {each.name} | {'' if each.fine else '**failed**: '}{each.result} | {each.seconds:.0f} "
            f"| {each.packages_mb:.0f} | {each.received_mb:.0f} | {each.disk_mb:.0f} |"
            for each in self.steps
        ]
        head = "| step | result | seconds | MB of packages | MB received | MB on disk then |"
        return "\n".join([head, "|---|---|---:|---:|---:|---:|", *rows])


def make_debian(root: BareRoot, mirror: str, tarball: Path | None) -> tuple[int, str]:
    """The smallest Debian that apt works in; out of the tarball if it is there, else by debootstrap (and into it)."""
    if tarball and tarball.is_file():
        return root.outside(["tar", "-C", str(root.folder), "--numeric-owner", "-xpf", str(tarball)])
    if not shutil.which("debootstrap"):
        if not shutil.which("apt-get"):
            raise Unfit("debootstrap is not here, and neither is apt-get to install it")
        root.outside(["apt-get", "update", "-q"])
        status, output = root.outside(
            ["apt-get", "install", "-qy", "--no-install-recommends", "debootstrap", "debian-archive-keyring"]
        )
        if status != 0:
            return status, output
    # debootstrap mounts /proc in what it makes, and leaves it there when it is stopped.
    status, output = root.outside([*NAMESPACES, "debootstrap", "--variant=minbase", SUITE, str(root.folder), mirror])
    if status == 0:
        fetched = sum(each.stat().st_size for each in (root.folder / "var/cache/apt/archives").glob("*.deb"))
        output += f"\nFetched {fetched / 1e6:.1f} MB in packages of the base\n"
        if tarball:
            root.outside(["tar", "-C", str(root.folder), "--numeric-owner", "-czf", str(tarball), "."])
    return status, output


def carry(root: BareRoot, paths: list[Path]) -> None:
    """Copy files and folders of this computer to the same places in the Debian."""
    for path in [Path("/etc/resolv.conf"), *paths]:
        target = root.folder / path.absolute().relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True)
        else:
            target.unlink(missing_ok=True)
            shutil.copyfile(path, target)


def add_packages(root: BareRoot) -> tuple[int, str]:
    """The three packages that the README asks for, as `apt-get install` brings them."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    status, lists = root.run(["apt-get", "update", "-q"], environment=quiet)
    if status != 0:
        return status, lists
    words = ["apt-get", "install", "-qy", "--no-install-recommends", *PACKAGES]
    status, output = root.run(words, environment=quiet)
    return status, lists + output


def copy_project(root: BareRoot, where: str) -> None:
    """What a clone of HEAD holds, without the history."""
    target = root.folder / where.lstrip("/")
    target.mkdir(parents=True)
    archive = subprocess.Popen(["git", "-C", str(PROJECT), "archive", "HEAD"], stdout=subprocess.PIPE)
    unpacked = subprocess.run(["tar", "-C", str(target), "--no-same-owner", "-xf", "-"], stdin=archive.stdout)
    if archive.wait() != 0 or unpacked.returncode != 0:
        raise Unfit(f"git archive HEAD could not be unpacked: {PROJECT} has to be a clone")


# ----------------------------------------------------------------------------------------------------------- the proofs


def worked_example(root: BareRoot, where: str) -> Path:
    """The folder of the worked example, on this computer; raises `Unfit` where case, report or package is missing."""
    folder = root.folder / where.lstrip("/") / "demonstration"
    for pattern in ("*.dcase", "*.pdf", "*package*"):
        if not list(folder.rglob(pattern)):
            raise Unfit(f"the worked example left no {pattern}")
    return folder


def from_source(root: BareRoot, carried: list[Path], quick: bool) -> None:
    """Both commands of the README."""
    where = "/root/drivecustody"
    root.step(f"apt-get install {' '.join(PACKAGES)}", lambda: add_packages(root))
    # ca-certificates has just written anew what may have been carried.
    carry(root, carried)
    copy_project(root, where)

    def example(_output: str) -> str:
        worked_example(root, where)
        return "case, report and package made"

    root.step(
        "`python3 start.py --no-window`", lambda: root.run(["python3", "start.py", "--no-window"], where), example
    )
    words = ["python3", "start.py", "test", *(["tests/unit", "tests/contract"] if quick else [])]
    root.step(f"`{' '.join(words)}`", lambda: root.run(words, where), closing_line)


def from_bundle(root: BareRoot, pictures: Path) -> None:
    """The bundle in the Debian, and its window here."""
    if not (BUNDLE / "drivecustody").is_file():
        raise Unfit(f"there is no {BUNDLE}: make it by python3 start.py build")
    program = "/opt/drivecustody/drivecustody"

    def last_line(output: str) -> str:
        lines = [line for line in output.splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def example(_output: str) -> str:
        worked_example(root, "/root")
        return "case, report and package made"

    root.step("copy of the bundle", lambda: root.outside(["cp", "-a", str(BUNDLE), str(root.folder / "opt")]))
    root.step("`drivecustody --help`", lambda: root.run([program, "--help"]))
    root.step("`drivecustody selftest`", lambda: root.run([program, "selftest"]), last_line)
    root.step("`drivecustody demo --no-window`", lambda: root.run([program, "demo", "--no-window"]), example)
    case = next(worked_example(root, "/root").glob("*.dcase"))
    root.step(
        "`drivecustody verify` on its case",
        lambda: root.run([program, "verify", f"/root/demonstration/{case.name}"]),
        last_line,
    )
    root.step(
        "the window on that case, under Xvfb, outside",
        lambda: (0, open_window(BUNDLE, case, case.parent / "case-passphrase.txt", pictures)),
        lambda said: said,
    )


# ----------------------------------------------------------------------------------------------------------- the window


@contextmanager
def virtual_screen(folder: Path) -> Iterator[str]:
    """An X server without a screen, whose picture is the file Xvfb_screen0 in `folder`; gives its DISPLAY."""
    if not shutil.which("Xvfb"):
        raise Unfit("Xvfb is not here: apt-get install xvfb")
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1440x900x24", "-fbdir", str(folder), "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as answer:
            number = answer.readline().strip()
        if not number:
            raise Unfit("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def picture_of(folder: Path) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of RGB out of the screen's XWD file (X11/XWDFile.h: 25 words, then name and colours)."""
    raw = (folder / "Xvfb_screen0").read_bytes()
    head = struct.unpack_from(">25I", raw)
    width, height, big_endian, bits, line, colours = head[4], head[5], head[7], head[11], head[12], head[19]
    if bits != 32:
        raise Unfit(f"the screen has {bits} bits a pixel, not 32")
    begin = head[0] + 12 * colours
    rows = []
    for y in range(height):
        row = raw[begin + y * line : begin + y * line + 4 * width]
        rgb = bytearray(3 * width)
        for channel in range(3):
            rgb[channel::3] = row[1 + channel :: 4] if big_endian else row[2 - channel :: 4]
        rows.append(bytes(rgb))
    return width, height, rows


def write_png(path: Path, width: int, height: int, rows: list[bytes]) -> None:
    """A PNG of RGB rows (ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def colours_of(rows: list[bytes]) -> Counter[bytes]:
    """How many pixels have each colour, every third pixel of every third row."""
    return Counter(row[x : x + 3] for row in rows[::3] for x in range(0, len(row), 9))


def programs_of(bundle: Path) -> set[int]:
    """The living processes whose program lies in the bundle."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if bundle in (process / "exe").readlink().parents:
                    found.add(int(process.name))
            except OSError:
                continue
    return found


def holds_open(process: int, folder: Path) -> bool:
    """Whether a process has a file in the folder open."""
    held = Path(f"/proc/{process}/fd")
    # A process that has ended has no folder of open files any more, and a file may be closed while we look.
    with suppress(OSError):
        for each in list(held.iterdir()):
            with suppress(OSError):
                if folder in each.readlink().parents:
                    return True
    return False


def open_window(bundle: Path, case: Path, passphrase: Path, pictures: Path) -> str:
    """Open the case in the window on a screen of its own and look at it; says what was seen.

    Raises `Unfit` where the window ends by itself, does not open the case, shows nothing, or does not end when asked.
    That the case is open is seen from outside: the window shows its newest report, and holds that file open.
    """
    before = programs_of(bundle)
    with (
        tempfile.TemporaryDirectory(prefix="drivecustody-window-") as temporary,
        virtual_screen(Path(temporary)) as screen,
    ):
        home = dict.fromkeys(
            ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), temporary
        )
        begun = time.monotonic()
        window = subprocess.Popen(
            [str(bundle / "drivecustody-window"), str(case), "--passphrase-file", str(passphrase)],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DISPLAY": screen, **home},
            stdin=subprocess.DEVNULL,
        )
        try:
            while not (opened := holds_open(window.pid, case)):
                if window.poll() is not None:
                    raise Unfit(f"the window ended by itself with status {window.returncode}")
                if time.monotonic() - begun > 90:
                    break
                time.sleep(0.2)
            seconds = time.monotonic() - begun
            time.sleep(8)
            width, height, rows = picture_of(Path(temporary))
            picture = pictures / "bundle-window.png"
            write_png(picture, width, height, rows)
            colours = colours_of(rows)
            share = max(colours.values()) / sum(colours.values())
            seen = f"{len(colours)} colours, the commonest on {share:.0%} of the screen"
            if not opened:
                raise Unfit(f"the window did not open the case: {seen}, see {picture}")
            if len(colours) < 50 or share > 0.95:
                raise Unfit(f"the window shows next to nothing: {seen}, see {picture}")
            if window.poll() is not None:
                raise Unfit(f"the window ended by itself with status {window.returncode}")
            window.send_signal(signal.SIGTERM)
            window.wait(15)
            for _ in range(50):
                if not (left := programs_of(bundle) - before):
                    break
                time.sleep(0.2)
            else:
                raise Unfit(f"{len(left)} processes outlived the window")
        except subprocess.TimeoutExpired:
            raise Unfit("the window did not end within 15 s of SIGTERM") from None
        finally:
            window.kill()
            window.wait()
    return f"case open after {seconds:.0f} s; {seen}; ended on SIGTERM"


# ------------------------------------------------------------------------------------------------------------- the door


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="start.py bare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["source", "bundle"])
    parser.add_argument("--quick", action="store_true", help="of the tests, only tests/unit and tests/contract")
    parser.add_argument("--mirror", default=MIRROR, help=f"the Debian archive (default: {MIRROR})")
    parser.add_argument(
        "--base-tar", type=Path, metavar="FILE", help="the bare Debian, packed: used if there, else made"
    )
    parser.add_argument(
        "--carry", type=Path, nargs="+", default=[], action="extend", metavar="PATH",
        help="files and folders of this computer that its network needs: pip's and apt's configuration, certificates",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where log, table and picture go (default: a new folder)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the Debian where it is, to look at")
    return parser.parse_args(arguments)


def remove(folder: Path) -> None:
    """Remove the Debian, unless something is mounted in it after all: then what is mounted would go with it."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines()]
    if any(Path(where).is_relative_to(folder) for where in mounted):
        print(f"Left {folder} as it is: something is mounted in it", file=sys.stderr)
    else:
        shutil.rmtree(folder)


def main(arguments: list[str]) -> int:
    asked = options(arguments)
    if sys.platform != "linux" or os.geteuid() != 0:
        print("A Debian is made by root, on Linux: sudo python3 start.py bare ...", file=sys.stderr)
        return 4
    out = asked.out or Path(tempfile.mkdtemp(prefix="drivecustody-bare-log-"))
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="drivecustody-bare-"))
    # debootstrap's own user, `_apt`, has to come in.
    folder.chmod(0o755)
    root = BareRoot(folder, out / f"{asked.what}.log")
    root.log.write_text("", encoding="utf-8")
    failure = ""
    try:
        root.step("Debian 12, minbase", lambda: make_debian(root, asked.mirror, asked.base_tar))
        carry(root, asked.carry)
        if asked.what == "source":
            from_source(root, asked.carry, asked.quick)
        else:
            from_bundle(root, out)
    except Unfit as unfit:
        failure = str(unfit)
    finally:
        if asked.keep:
            print(f"\nThe Debian is in {folder}")
        else:
            remove(folder)
    (out / f"{asked.what}.md").write_text(root.table() + "\n", encoding="utf-8")
    print(f"\n{root.table()}\n\nLog and table: {out}")
    print(f"\nFAILED: {failure}" if failure else "\nAll is well")
    return 1 if failure else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
