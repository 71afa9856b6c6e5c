"""What the commands have in common: options, the case they open, and values that people type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from forensics.cli import secrets
from forensics.cli.console import Control, Result, perform
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase
    from forensics.model import HardwareBlocker, Signer

CaseArgument = Annotated[Path, typer.Argument(metavar="CASE", help="The case folder, NAME.dcase.")]
Json = Annotated[bool, typer.Option("--json", help="Events as JSON lines on standard output.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", metavar="FILE", help="The passphrase is its first line.")
]
ControlOption = Annotated[
    str, typer.Option("--control", metavar="stdin", help="First line of stdin is the passphrase; its end stops.")
]
IdentityPassphraseFile = Annotated[
    Path | None, typer.Option("--identity-passphrase-file", metavar="FILE", help="Passphrase of the signing identity.")
]
Sign = Annotated[str, typer.Option("--sign", metavar="NAME", help="Sign as this identity.")]
PasswordsFile = Annotated[
    Path | None,
    typer.Option(
        "--passwords-file", metavar="FILE", help="Passwords to try on locked contents, one a line; - is stdin."
    ),
]
Recognition = Annotated[
    bool,
    typer.Option(
        "--recognition/--no-recognition", help="Read text off pictures and scans, where tesseract is installed."
    ),
]
Exhibit = Annotated[str, typer.Option("--exhibit", metavar="LABEL", help="The exhibit, such as E-001.")]
UrlFile = Annotated[
    Path | None, typer.Option("--url-file", metavar="FILE", help="An SQLAlchemy URL is its first line.")
]
SourceTable = Annotated[str, typer.Option("--table", metavar="T", help="A table of the database, or sheet.")]
SourceQuery = Annotated[str, typer.Option("--query", metavar="SQL", help="A SELECT instead of a table.")]
Day = Annotated[str, typer.Option(metavar="DATE", help="YYYY-MM-DD.")]


class Shell:
    """The common options of one call: how to show it, where its passphrase comes from."""

    def __init__(self, verb: str, case: Path | None, as_json: bool, file: Path | None, control: str) -> None:
        if control not in ("", "stdin"):
            raise typer.BadParameter("only `stdin` is known", param_hint="--control")
        self.verb, self.case, self.as_json, self.file = verb, case, as_json, file
        self.control = Control(control == "stdin")
        self._environment = secrets.taken_from_environment()

    def passphrase(self, *, new: bool = False) -> str:
        assert self.case is not None
        return secrets.for_case(self.case, self.file, self._environment, self.control.first_line, new=new)

    def passphrase_if_given(self) -> str:
        """The passphrase where one was given; nobody is asked for it, and it may be empty."""
        return secrets.from_file(self.file) if self.file else self._environment or self.control.first_line

    def open(self) -> OpenCase:
        from forensics.casefile.case import CaseFolder
        from forensics.examination.open_case import OpenCase

        assert self.case is not None
        CaseFolder(self.case).require()
        return OpenCase.unlock(self.case, self.passphrase())

    def perform(self, work: Callable[[Job], Result], say: Callable[[Result], list[str]]) -> NoReturn:
        perform(self.verb, self.case, work, as_json=self.as_json, control=self.control, sentences=say)

    def on_case(
        self, work: Callable[[OpenCase, Job], Result], say: Callable[[Result], list[str]] = lambda _: []
    ) -> NoReturn:
        def opened(job: Job) -> Result:
            with self.open() as case:
                return work(case, job)

        self.perform(opened, say)


def load_signer(name: str, file: Path | None) -> Signer | None:
    if not name:
        return None
    from forensics.custody.identities import Identities

    return Identities(secrets.identities_folder()).load(name, secrets.for_identity(file))


def day(value: str, option: str) -> str:
    from datetime import date

    if value:
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise typer.BadParameter("a date is written YYYY-MM-DD", param_hint=option) from None
    return ""


def column_mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        column, equals, name = pair.rpartition("=")
        if not equals or not column or not name:
            raise typer.BadParameter("a mapping is written COLUMN=FIELD", param_hint="--map")
        mapping[column] = name
    return mapping


def byte_size(text: str) -> int:
    units = {"": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
    number = text.strip().rstrip("KMGiBbkmg")
    unit = text.strip()[len(number) :].upper()
    if not number.isdigit() or unit not in units:
        raise typer.BadParameter("a size is written like 2GiB", param_hint="--segment-size")
    return int(number) * units[unit]


def hardware_blocker(text: str) -> HardwareBlocker | None:
    """The write blocker out of its make, model and serial number in one line; None for an empty one."""
    from forensics.model import HardwareBlocker

    words = text.split()
    if not words:
        return None
    if len(words) < 3:
        raise typer.BadParameter(
            "write make, model and serial number, with - for a number you do not know", param_hint="--blocker"
        )
    return HardwareBlocker(words[0], " ".join(words[1:-1]), "" if words[-1] == "-" else words[-1])
