"""The verbs as commands (docs: cli contract). Each command reads its options, opens the case, and runs one verb."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli import (
    acquisition,
    custody,
    duties,
    fingerprint,
    identity,
    passport,
    report,
    review,
    search,
    secrets,
    sentences,
)
from forensics.cli.console import JsonLines, Result
from forensics.cli.known import known_app
from forensics.cli.options import (
    CaseArgument,
    ControlOption,
    Day,
    Exhibit,
    IdentityPassphraseFile,
    Json,
    PassphraseFile,
    PasswordsFile,
    Recognition,
    Shell,
    Sign,
    SourceQuery,
    SourceTable,
    UrlFile,
    column_mapping,
    day,
    load_signer,
)
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

app = typer.Typer(
    name="drivecustody",
    help="Images a returned drive, finds whose personal data is on it, and proves it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
records_app = typer.Typer(help="Source records of the organisation.", no_args_is_help=True)
custody_app = typer.Typer(help="The custody ledger.", no_args_is_help=True, subcommand_metavar="CASE list|add|…")
identity_app = typer.Typer(help="Signing identities.", no_args_is_help=True)
app.add_typer(records_app, name="records")
app.add_typer(identity_app, name="identity")
app.add_typer(known_app, name="known")


def _version(wanted: bool) -> None:
    if wanted:
        from forensics import __version__

        typer.echo(f"drivecustody {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Images a returned drive, finds whose personal data is on it, and proves it."""


# ------------------------------------------------------------------------------------------------ case and acquisition


@app.command()
def new(
    case: CaseArgument,
    number: Annotated[str, typer.Option(help="Case number.")],
    title: Annotated[str, typer.Option(help="Title.")],
    organisation: Annotated[str, typer.Option(help="Whose data it is.")],
    entity_type: Annotated[str, typer.Option(metavar="T[,T]", help="Such as hipaa_covered_entity or business.")],
    examiner: Annotated[str, typer.Option(help="Who examines.")],
    copied: Day = "",
    left: Day = "",
    returned: Day = "",
    incident: Day = "",
    first_known: Day = "",
    known_by: Annotated[str, typer.Option(metavar="WHOM")] = "",
    diligence_date: Day = "",
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Make a new encrypted case."""
    from forensics.casefile.case import CaseDetails

    shell = Shell("new", case, json, passphrase_file, control)
    details = CaseDetails(
        number, title, organisation, tuple(t.strip() for t in entity_type.split(",") if t.strip()), examiner,
        copied=day(copied, "--copied"), left=day(left, "--left"), returned=day(returned, "--returned"),
        incident=day(incident, "--incident"), first_known=day(first_known, "--first-known"), known_by=known_by,
        diligence_date=day(diligence_date, "--diligence-date"),
    )  # fmt: skip

    def work(job: Job) -> Result:
        from forensics.examination.receive import new as make

        with make(case, details, shell.passphrase(new=True)) as made:
            job.changed("fact")
            return {"case": str(case), "case_id": made.details.case_id}

    shell.perform(
        work,
        lambda result: [
            f"Made the case {result['case']}.",
            "Keep key.json and the passphrase: without both, nobody opens the case again.",
        ],
    )


app.command("devices")(acquisition.devices)


@app.command()
def receive(
    case: CaseArgument,
    exhibit: Exhibit,
    received_from: Annotated[str, typer.Option("--from", help="Who hands it over.")],
    received_by: Annotated[str, typer.Option("--to", help="Who takes it.")],
    description: str = "",
    seal: str = "",
    place: str = "",
    purpose: str = "",
    authority: str = "",
    photo: Annotated[list[Path] | None, typer.Option(metavar="FILE")] = None,
    statement: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the returning person signed: kept, and hashed.")
    ] = None,
    set_field: custody.SetField = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Take an exhibit into custody."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.receive import receive as take

        return take(
            opened, job, exhibit=exhibit, received_from=received_from, received_by=received_by,
            description=description, seal=seal, place=place, purpose=purpose, authority=authority, photos=photo or [],
            statement=statement, more=custody.form_fields(set_field),
        )  # fmt: skip

    Shell("receive", case, json, passphrase_file, control).on_case(
        work, lambda result: [f"{result['exhibit']} is in custody."]
    )


app.command("acquire")(acquisition.acquire)
app.command("import-image")(acquisition.import_image)
app.command("verify-image")(acquisition.verify_image)


# -------------------------------------------------------------------------------------------- contents and exposure


@app.command()
def index(
    case: CaseArgument,
    passwords_file: PasswordsFile = None,
    recognition: Recognition = True,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Examine what the image holds: volumes, files, types, hashes, text and tables."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.index import index as examine

        passwords = secrets.passwords_from(passwords_file, typed) if passwords_file else ()
        return examine(opened, job, passwords, recognition)

    shell = Shell("index", case, json, passphrase_file, control)
    # Before the job begins, because from then on what comes there are orders to pause or stop.
    typed = secrets.lines_of_stdin() if passwords_file == secrets.STDIN else b""
    shell.on_case(work, sentences.of_index)


@records_app.command("add")
def records_add(
    case: CaseArgument,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="CSV, TSV, XLSX, Parquet or SQLite.")] = None,
    url_file: UrlFile = None,
    table: SourceTable = "",
    query: SourceQuery = "",
    name: Annotated[str, typer.Option(help="What to call this set.")] = "",
    as_of: Day = "",
    key: Annotated[str, typer.Option(metavar="COLUMN", help="The column that names a record.")] = "",
    map: Annotated[list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD")] = None,
    key_file: fingerprint.KeyFile = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Read the organisation's source records, or fingerprints of them, into the case."""
    mapping = column_mapping(map or [])
    as_of_day = day(as_of, "--as-of")
    source = _source(file, url_file, table, query)

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.records import add_records
        from forensics.matching.records import Origin

        return add_records(
            opened, job, file=Origin(*source), name=name, as_of=as_of_day, key=key, mapping=mapping, key_file=key_file
        )

    Shell("records", case, json, passphrase_file, control).on_case(work, sentences.of_records)


@records_app.command("preview")
def records_preview(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="CSV, TSV, XLSX, Parquet or SQLite.")] = None,
    url_file: UrlFile = None,
    table: SourceTable = "",
    query: SourceQuery = "",
    key: Annotated[str, typer.Option(metavar="COLUMN", help="The column that names a record.")] = "",
    map: Annotated[list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD[:ORDER]")] = None,
    quality: Annotated[bool, typer.Option("--quality", help="Read every row, and report what it shows.")] = False,
    key_file: fingerprint.KeyFile = None,
    json: Json = False,
    control: ControlOption = "",
) -> None:
    """Show how a source would be read: columns, reasons, and its first rows masked. Needs no case."""
    mapping = column_mapping(map or [])
    source = _source(file, url_file, table, query)

    def work(job: Job) -> Result:
        from forensics.examination.records import check, preview
        from forensics.matching.records import Origin

        origin = Origin(*source)
        return check(origin, job, key, mapping, key_file) if quality else preview(origin, key, mapping, key_file)

    Shell("records", None, json, None, control).perform(work, sentences.of_preview)


def _source(file: Path | None, url_file: Path | None, table: str, query: str) -> tuple[Path, bool, str, str]:
    """What an `Origin` is made of. Exactly one of a file and a file with a URL; not both a table and a query."""
    path = file or url_file
    if path is None or (file and url_file):
        raise typer.BadParameter("give a FILE, or --url-file, and not both", param_hint="FILE")
    if table and query:
        raise typer.BadParameter("give --table or --query, not both", param_hint="--query")
    return path, url_file is not None, table, query


records_app.command("fingerprint")(fingerprint.fingerprint)


@records_app.command("list")
def records_list(
    case: CaseArgument, json: Json = False, passphrase_file: PassphraseFile = None, control: ControlOption = ""
) -> None:
    """List the sets of source records in the case."""

    def work(opened: OpenCase, _: Job) -> Result:
        from forensics.examination.records import list_records

        return list_records(opened)

    Shell("records", case, json, passphrase_file, control).on_case(work, sentences.of_record_sets)


@app.command()
def match(
    case: CaseArgument,
    fuzzy: Annotated[
        bool,
        typer.Option("--fuzzy", help="Also compare rows that show nobody exactly for likeness."),
    ] = False,
    spikes: Annotated[
        int,
        typer.Option("--spikes", metavar="N", min=0, help="Also plant N invented persons a layout, and look for them."),
    ] = 0,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Compare the source records with everything on the drive."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.match import match as compare

        return compare(opened, job, fuzzy=fuzzy, spikes=spikes)

    Shell("match", case, json, passphrase_file, control).on_case(work, sentences.of_match)


@app.command()
def assess(
    case: CaseArgument, json: Json = False, passphrase_file: PassphraseFile = None, control: ControlOption = ""
) -> None:
    """Rate and count the affected persons."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.assess import assess as rate

        return rate(opened, job)

    Shell("assess", case, json, passphrase_file, control).on_case(work, sentences.of_assessment)


_KINDS = (
    "persons, files, hashes, findings, notification, duties, differences, "
    "bodyfile, dfxml, hashdeep, sha256sum, case-uco or not-in-records."
)


@app.command()
def export(
    case: CaseArgument,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=_KINDS)],
    out: Annotated[Path, typer.Option(help="The file to write; it must not exist.")],
    all_tiers: Annotated[bool, typer.Option("--all-tiers", help="Persons of the tier possible as well.")] = False,
    to_certificate: Annotated[
        Path | None, typer.Option("--to-certificate", metavar="PEM", help="Encrypt to this certificate (CMS).")
    ] = None,
    to_zip: Annotated[
        bool, typer.Option("--zip", help="Encrypt to a generated passphrase (AES-256 ZIP), kept in OUT.passphrase.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="notification: in clear, which is never the default.")] = False,
    mailing: Annotated[str, typer.Option("--mailing", metavar="DATE", help="notification: the day of mailing.")] = "",
    since: Annotated[int | None, typer.Option("--since", min=1, help="differences: an earlier report.")] = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Write a list: CSV (UTF-8, RFC 4180), or the format of another tool."""
    mailing_day = day(mailing, "--mailing")

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.export import export as write

        return write(
            opened, job, kind=kind, out=out, all_tiers=all_tiers, to_certificate=to_certificate, to_zip=to_zip,
            plain=plain, mailing=date.fromisoformat(mailing_day) if mailing_day else None, since=since,
        )  # fmt: skip

    Shell("export", case, json, passphrase_file, control).on_case(work, sentences.of_out)


app.command("review")(review.review)
app.command("passport")(passport.passport)
app.command("search")(search.search)
app.command("duties")(duties.duties)


# ------------------------------------------------------------------------------------------------- custody and report


app.command("custody")(custody.custody)
app.command("passphrase")(custody.passphrase)


@identity_app.command("create-authority")
def identity_create_authority(
    organisation: Annotated[str, typer.Option(help="Whose authority it is.")],
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
) -> None:
    """Make the organisation's certificate authority."""

    def work(_: Job) -> Result:
        from forensics.custody.identities import Identities

        folder = secrets.identities_folder()
        made = Identities(folder).create_authority(
            organisation, secrets.for_identity(identity_passphrase_file, new=True)
        )
        return {"organisation": made.organisation, "fingerprint": made.fingerprint, "folder": str(folder)}

    Shell("identity", None, json, None, "").perform(
        work,
        lambda r: [f"Authority of {r['organisation']}", f"  fingerprint {r['fingerprint']}", f"  in {r['folder']}"],
    )


@identity_app.command("create")
def identity_create(
    name: Annotated[str, typer.Argument(help="The person who signs.")],
    authority: Annotated[str, typer.Option(help="Of which organisation, where there are several.")] = "",
    authority_passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the authority has a passphrase of its own.")
    ] = None,
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
) -> None:
    """Make a person's signing identity under the organisation's authority."""

    def work(_: Job) -> Result:
        from forensics.custody.identities import Identities

        passphrase = secrets.for_identity(identity_passphrase_file, new=True)
        issuing = secrets.from_file(authority_passphrase_file) if authority_passphrase_file else None
        made = Identities(secrets.identities_folder()).create(
            name, passphrase, authority=authority or None, authority_passphrase=issuing
        )
        return {"name": made.name, "fingerprint": made.fingerprint, "not_after": made.not_after}

    Shell("identity", None, json, None, "").perform(work, identity.lines)


@identity_app.command("import")
def identity_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A PKCS#12 file.")],
    file_passphrase_file: Annotated[Path, typer.Option(metavar="FILE", help="Passphrase of that file.")],
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
) -> None:
    """Take in an identity from a PKCS#12 file."""

    def work(_: Job) -> Result:
        from forensics.custody.identities import Identities

        passphrase = secrets.for_identity(identity_passphrase_file, new=True)
        made = Identities(secrets.identities_folder()).import_pkcs12(
            file, secrets.from_file(file_passphrase_file), passphrase
        )
        return {"name": made.name, "fingerprint": made.fingerprint, "not_after": made.not_after}

    Shell("identity", None, json, None, "").perform(work, identity.lines)


identity_app.command("import-card")(identity.import_card)
identity_app.command("revoke")(identity.revoke)
identity_app.command("list")(identity.list_all)


app.command("report")(report.report)


@app.command()
def package(
    case: CaseArgument,
    out: Annotated[Path, typer.Option(metavar="DIR-OR-ZIP", help="A folder, or a name that ends in .zip.")],
    sign: Sign = "",
    timestamp: custody.Timestamp = "",
    to_certificate: Annotated[
        Path | None, typer.Option("--to-certificate", metavar="PEM", help="The list of persons, encrypted to this.")
    ] = None,
    to_zip: Annotated[
        bool, typer.Option("--zip", help="The list of persons, as AES-256 ZIP; its passphrase in OUT.passphrase.")
    ] = False,
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Make the evidence package (BagIt)."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.package import package as make

        return make(
            opened, job, out=out, signer=load_signer(sign, identity_passphrase_file), time_url=timestamp,
            to_certificate=to_certificate, to_zip=to_zip,
        )  # fmt: skip

    Shell("package", case, json, passphrase_file, control).on_case(work, sentences.of_out)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="A case, package, ledger, image manifest or signed PDF.")],
    receipt: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A checkpoint held elsewhere.")] = None,
    trust: Annotated[
        list[Path] | None, typer.Option(metavar="PEM", help="A root you know: of a signer, or of a time authority.")
    ] = None,
    crl: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="A revocation list besides those kept here and of this computer's authorities."
        ),
    ] = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Check that something is still what it was; status 1 if anything is not."""

    def work(job: Job) -> Result:
        from forensics.custody.identities import Identities
        from forensics.examination.verify import verify as check

        own = [known.revocation_list for known in Identities(secrets.identities_folder()).authorities()]
        return check(job, path, receipt or [], trust or [], [*own, *(crl or [])], shell.passphrase_if_given())

    shell = Shell("verify", path, json, passphrase_file, control)
    shell.perform(work, sentences.of_facts)


# ------------------------------------------------------------------------------------------------------ the whole way


@app.command()
def run(
    case: CaseArgument,
    source: Annotated[Path, typer.Argument(metavar="DEVICE-OR-IMAGE")],
    records: Annotated[Path, typer.Option(metavar="FILE", help="The source records.")],
    key: Annotated[str, typer.Option(metavar="COLUMN")] = "",
    map: Annotated[list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD")] = None,
    sign: Sign = "",
    number: str = "",
    title: str = "",
    organisation: str = "",
    entity_type: str = "",
    examiner: str = "",
    copied: Day = "",
    left: Day = "",
    returned: Day = "",
    incident: Day = "",
    first_known: Day = "",
    known_by: str = "",
    diligence_date: Day = "",
    recognition: Recognition = True,
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """From a drive or image to the report and package; run again, it goes on where it stopped."""
    given = {
        "number": number, "title": title, "organisation": organisation, "entity_type": entity_type,
        "examiner": examiner, "copied": day(copied, "--copied"), "left": day(left, "--left"),
        "returned": day(returned, "--returned"), "incident": day(incident, "--incident"),
        "first_known": day(first_known, "--first-known"), "known_by": known_by,
        "diligence_date": day(diligence_date, "--diligence-date"),
    }  # fmt: skip
    mapping = column_mapping(map or [])
    shell = Shell("run", case, json, passphrase_file, control)

    def work(job: Job) -> Result:
        from forensics.examination.run import Order
        from forensics.examination.run import run as go

        signer = load_signer(sign, identity_passphrase_file)
        chosen = {name: value for name, value in given.items() if value}
        order = Order(source, records, key, mapping, sign, chosen, recognition)
        passphrase = "" if case.exists() else shell.passphrase(new=True)
        return go(job, shell.open, case, _details(case, given), passphrase, order, signer)

    shell.perform(work, sentences.of_run)


def _details(case: Path, given: dict[str, str]) -> Any:
    """The details of a new case, with defaults that claim nothing."""
    import getpass

    from forensics.casefile.case import CaseDetails

    named = {name: value for name, value in given.items() if name not in ("entity_type",)}
    return CaseDetails(
        **{
            **named,
            "number": given["number"] or case.stem,
            "title": given["title"] or "Returned drive",
            "organisation": given["organisation"] or "not stated",
            "examiner": given["examiner"] or getpass.getuser(),
        },
        entity_types=tuple(t.strip() for t in given["entity_type"].split(",") if t.strip()) or ("not stated",),
    )


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]")] = Path("demonstration"),
    members: Annotated[int, typer.Option(help="Rows of source records.")] = 20_000,
    affected: Annotated[int, typer.Option(help="Persons on the drive.")] = 1_400,
    no_window: Annotated[bool, typer.Option("--no-window", help="Do not open the window afterwards.")] = False,
    json: Json = False,
    control: ControlOption = "",
) -> None:
    """The worked example: made-up drive and members, through everything, then the window on the finished case."""
    shell = Shell("demo", folder, json, None, control)

    def work(job: Job) -> Result:
        from forensics.examination.demo import demo as make

        return make(job, folder, members=members, affected=affected)

    def say(result: Result) -> list[str]:
        if not no_window:
            _open_window(Path(result["case"]), Path(result["passphrase_file"]))
        return sentences.of_run(result)

    shell.perform(work, say)


def _open_window(case: Path, passphrase_file: Path) -> None:
    """Start the window beside this program where there is a display to show it on."""
    import os
    import subprocess

    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        print("There is no display; the case can be opened later with: drivecustody-window", case)
        return
    name = "drivecustody-window.exe" if sys.platform == "win32" else "drivecustody-window"
    window = Path(sys.executable).with_name(name)
    subprocess.Popen(
        [str(window), str(case), "--passphrase-file", str(passphrase_file)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


@app.command()
def selftest(json: Json = False, control: ControlOption = "") -> None:
    """Check this workstation: a known drive with known answers, from image to package; status 1 if one differs."""

    def work(job: Job) -> Result:
        from forensics.examination.selftest import self_test

        return self_test(job)

    Shell("selftest", None, json, None, control).perform(work, sentences.of_self_test)


@app.command()
def serve(
    case: CaseArgument,
    control: Annotated[str, typer.Option("--control", metavar="stdin")],
) -> None:
    """The window's companion: requests as JSON lines in, answers as JSON lines out."""
    shell = Shell("serve", case, True, None, control)
    shell.control.wanted = False

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.serve import serve as answer

        return answer(opened, job, JsonLines(), sys.stdin)

    shell.on_case(work)
