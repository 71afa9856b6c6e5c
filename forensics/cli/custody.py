"""`custody` and `passphrase` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli import secrets, sentences
from forensics.cli.options import (
    CaseArgument,
    ControlOption,
    IdentityPassphraseFile,
    Json,
    PassphraseFile,
    Shell,
    load_signer,
)
from forensics.errors import Refused
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase
    from forensics.model import Signer

Result = dict[str, Any]

ACTIONS = ("list", "add", "transfer", "checkpoint", "countersign", "query", "timestamp", "receipt", "form")
"""What `custody` does."""

Timestamp = Annotated[str, typer.Option("--timestamp", metavar="URL", help="A time stamping authority (RFC 3161).")]
SetField = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A field of the custody form; repeat it.")
]


def form_fields(pairs: list[str] | None) -> dict[str, str]:
    """FIELD=VALUE, as typed, into fields; which there are, the verb says."""
    told = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter("a field is written FIELD=VALUE", param_hint="--set")
        told[name.strip()] = value
    return told


def custody(
    case: CaseArgument,
    action: Annotated[str, typer.Argument(metavar="|".join(ACTIONS))],
    exhibit: Annotated[str, typer.Option("--exhibit", metavar="LABEL")] = "",
    kind: Annotated[str, typer.Option("--type", metavar="TYPE", help="add: the kind of event, such as seal.")] = "note",
    note: Annotated[str, typer.Option(help="add: the sentence.")] = "",
    corrects: Annotated[int, typer.Option(metavar="N", help="add: the number of the entry that this corrects.")] = 0,
    giver: Annotated[str, typer.Option("--from", help="transfer: who gives.")] = "",
    taker: Annotated[str, typer.Option("--to", help="transfer: who takes.")] = "",
    purpose: str = "",
    seal: str = "",
    place: str = "",
    set_field: SetField = None,
    number: Annotated[str, typer.Option("--checkpoint", metavar="N", help="Which; the newest where not given.")] = "",
    sign: Annotated[str, typer.Option("--sign", metavar="NAME", help="Who signs; of a transfer, who gives.")] = "",
    identity_passphrase_file: IdentityPassphraseFile = None,
    countersigner: Annotated[str, typer.Option("--countersign", metavar="NAME", help="transfer: who takes.")] = "",
    countersign_passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Passphrase of that identity.")
    ] = None,
    time_url: Timestamp = "",
    query: Annotated[
        Path | None, typer.Option(metavar="FILE", help="checkpoint: write the question for an authority (.tsq).")
    ] = None,
    response: Annotated[
        Path | None, typer.Option(metavar="FILE", help="timestamp: the authority's answer (.tsr).")
    ] = None,
    of_package: Annotated[
        Path | None, typer.Option("--package", metavar="PATH", help="query, timestamp: of this package.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="query, receipt, form: what to write.")] = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Read the ledger, add to it, record a transfer, sign it, stamp it, hand out a receipt, print the form."""
    if action not in ACTIONS:
        raise typer.BadParameter(f"choose one of {', '.join(ACTIONS)}", param_hint="ACTION")

    def signer(name: str, file: Path | None, what: str) -> Signer:
        found = load_signer(name, file)
        if found is None:
            raise Refused(what, "Give --sign NAME; drivecustody identity list shows the names.")
        return found

    def written(what: str) -> Path:
        if out is None:
            raise Refused(f"It is not said where {what} goes.", "Give --out.")
        return out

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination import custody as verbs
        from forensics.examination import custody_form

        more = form_fields(set_field)
        more |= {name: text for name, text in (("purpose", purpose), ("place", place), ("seal_before", seal)) if text}
        match action:
            case "list":
                return verbs.list_events(opened)
            case "add":
                return verbs.add_note(opened, note, exhibit, kind=kind, more=more, corrects=corrects)
            case "transfer":
                if not (exhibit and giver and taker):
                    raise Refused("A transfer needs an exhibit and two people.", "Give --exhibit, --from and --to.")
                given = load_signer(sign, identity_passphrase_file)
                taken = load_signer(countersigner, countersign_passphrase_file)
                return verbs.transfer(
                    opened, exhibit, giver, taker, more, given_by=given, taken_by=taken, time_url=time_url
                )
            case "checkpoint":
                by = signer(sign, identity_passphrase_file, "A checkpoint is signed.")
                return verbs.checkpoint(opened, by, time_url, query)
            case "countersign":
                by = signer(sign, identity_passphrase_file, "It is not said who signs.")
                return verbs.countersign(opened, number, by, time_url)
            case "query":
                return verbs.write_question(opened, number, written("the question"), of_package)
            case "timestamp":
                if response is None:
                    raise Refused("The answer of the authority is missing.", "Give --response FILE.")
                return verbs.take_answer(opened, number, response, of_package)
            case "receipt":
                return verbs.receipt(opened, number, written("the receipt"))
        return custody_form.custody_form(opened, job, exhibit=exhibit, out=written("the form"))

    Shell("custody", case, json, passphrase_file, control).on_case(work, lambda r: _said(action, r))


def _said(action: str, result: Result) -> list[str]:
    match action:
        case "list":
            return sentences.of_events(result)
        case "checkpoint":
            return [f"Checkpoint {result['file']}: {result['size']:,} entries, head {result['head']}"]
        case "transfer" if "checkpoint" in result:
            return [f"Recorded as entry {result['seq']}; signed: {', '.join(result['signatures'])}."]
        case "countersign":
            return [f"Signed as {result['signature']}."]
        case "timestamp":
            return [f"The time stamp of {result['signature']} says {result['time']}."]
        case "query":
            return [f"The question for {result['signature']} is in {result['out']}.",
                    "Bring the answer back with: custody CASE timestamp --response FILE"]  # fmt: skip
        case "receipt":
            return [f"Receipt of checkpoint {result['checkpoint']} in {result['out']}: give it to the other party.",
                    "Only a receipt shows later that the newest entries were cut off."]  # fmt: skip
        case "form":
            return [f"{result['out']}, SHA-256 {result['sha256']}"]
    return [f"Recorded as entry {result['seq']}."]


# -------------------------------------------------------------------------------------------------------- passphrase


def passphrase(
    case: CaseArgument,
    action: Annotated[str, typer.Argument(metavar="change|add-certificate|recover")],
    new_passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="change, recover: the new one is its first line.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="PEM", help="add-certificate: whose key may open the case too.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="P12", help="recover: the private key of such a certificate.")
    ] = None,
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Change who can open the case. Losing key.json, or the passphrase and every such key, loses the case."""
    if action not in ("change", "add-certificate", "recover"):
        raise typer.BadParameter("choose change, add-certificate or recover", param_hint="ACTION")
    shell = Shell("passphrase", case, json, passphrase_file, control)

    def work(job: Job) -> Result:
        from forensics.casefile.case import CaseFolder
        from forensics.examination import passphrase as verbs

        CaseFolder(case).require()
        if action == "recover":
            if key is None:
                raise Refused("The key that opens the case is missing.", "Give --key FILE.p12.")
            secret = secrets.for_identity(identity_passphrase_file)
            return verbs.recover(case, job, key, secret, secrets.for_case(case, new_passphrase_file, "", "", new=True))
        with shell.open() as opened:
            if action == "change":
                return verbs.change(opened, job, secrets.for_case(case, new_passphrase_file, "", "", new=True))
            if certificate is None:
                raise Refused("It is not said to whose certificate.", "Give --certificate PEM.")
            return verbs.add_certificate(opened, job, certificate)

    shell.perform(work, lambda r: [f"Done. Certificates that open the case too: {len(r['recipients'])}.",
                                   "Keep a copy of key.json: without it nobody can open the case."])  # fmt: skip
