"""`devices`, `acquire`, `import-image` and `verify-image` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli import sentences
from forensics.cli.console import Result
from forensics.cli.options import (
    CaseArgument,
    ControlOption,
    Exhibit,
    Json,
    PassphraseFile,
    Shell,
    byte_size,
    hardware_blocker,
)
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase


def devices(json: Json = False, control: ControlOption = "") -> None:
    """List what is plugged in: identity, state, who uses it, and what the log says of it."""

    def work(_: Job) -> Result:
        from dataclasses import asdict

        from forensics.evidence.devices import histories, list_devices

        found = list_devices()
        pairs = zip(found, histories(found), strict=True)
        return {"devices": [{**asdict(device), "history": asdict(said)} for device, said in pairs]}

    Shell("devices", None, json, None, control).perform(work, sentences.of_devices)


def acquire(
    case: CaseArgument,
    source: Annotated[Path, typer.Argument(metavar="DEVICE-OR-FILE")],
    exhibit: Exhibit,
    format: Annotated[str | None, typer.Option(metavar="e01|raw", help="e01 unless said.")] = None,
    compression: Annotated[str | None, typer.Option(metavar="fast|small|none", help="fast unless said.")] = None,
    segment_size: Annotated[str | None, typer.Option(metavar="SIZE", help="2GiB unless said; raw is one file.")] = None,
    hash: Annotated[str | None, typer.Option(metavar="NAMES", help="md5,sha1,sha256 unless said.")] = None,
    second_copy: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the image there too, and verify it there.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--restart", help="Go on with an unfinished acquisition, or throw it away.")
    ] = True,
    retries: Annotated[int, typer.Option(min=0, max=99, metavar="N", help="Further attempts at a bad sector.")] = 1,
    second_read: Annotated[
        bool, typer.Option("--second-read", help="Read the source again and compare it with the image.")
    ] = False,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Do not read the image back.")] = False,
    blocker: Annotated[
        str, typer.Option(metavar="'MAKE MODEL SERIAL'", help="The hardware write blocker, as you declare it.")
    ] = "",
    set_flag: Annotated[
        bool, typer.Option("--set-read-only/--leave-flag", help="Set the kernel's read-only flag meanwhile.")
    ] = True,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Image a drive read-only, hash it, list what could not be read, and read the image back.

    Run again after an interruption it goes on with what is there, as it was begun.
    """
    if format not in (None, "e01", "raw"):
        raise typer.BadParameter("choose e01 or raw", param_hint="--format")
    if compression not in (None, "fast", "small", "none"):
        raise typer.BadParameter("choose fast, small or none", param_hint="--compression")
    segment_bytes = byte_size(segment_size) if segment_size else None
    declared = hardware_blocker(blocker)

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.acquire import Wish
        from forensics.examination.acquire import acquire as take

        algorithms = tuple(h.strip().lower() for h in hash.split(",") if h.strip()) if hash else None
        copy = str(second_copy.absolute()) if second_copy else None
        wish = Wish(format, compression, segment_bytes, algorithms, copy)
        return take(
            opened, job, exhibit=exhibit, source=source, wish=wish, restart=not resume, retries=retries,
            second_read=second_read, check=not no_verify, blocker=declared, set_flag=set_flag,
        )  # fmt: skip

    Shell("acquire", case, json, passphrase_file, control).on_case(work, sentences.of_acquisition)


def import_image(
    case: CaseArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…")],
    exhibit: Exhibit,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Take an existing raw, split, E01, VHD(X), VMDK or qcow2 image into the case and check its stored hashes."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.import_image import import_image as take

        return take(opened, job, exhibit=exhibit, files=files)

    Shell("import-image", case, json, passphrase_file, control).on_case(work, sentences.of_acquisition)


def verify_image(
    case: CaseArgument,
    exhibit: Annotated[str, typer.Option("--exhibit", metavar="LABEL", help="Only this exhibit.")] = "",
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Read the image again and compare it with the acquisition."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.images import verify_image as check

        return check(opened, job, exhibit=exhibit or None)

    Shell("verify-image", case, json, passphrase_file, control).on_case(
        work, lambda result: [f"{label} is what was acquired." for label in result["verified"]]
    )
