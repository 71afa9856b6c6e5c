"""`identity` on the command line, as far as it is not about making one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli import secrets
from forensics.cli.options import IdentityPassphraseFile, Json, Shell
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.custody.identities import IdentityInfo

Result = dict[str, Any]


def import_card(
    module: Annotated[Path, typer.Option(metavar="FILE", help="The PKCS#11 module of the card's maker.")],
    token: Annotated[str, typer.Option(help="The label of the card or token.")],
    label: Annotated[str, typer.Option(help="The label of key and certificate on it.")],
    issuers: Annotated[
        Path | None, typer.Option(metavar="PEM", help="The chain up to the root, where the card does not hold it.")
    ] = None,
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
) -> None:
    """Take in an identity whose key stays on a card; the passphrase is its PIN."""

    def work(_: Job) -> Result:
        from forensics.custody.cards import Card
        from forensics.custody.identities import Identities

        pin = secrets.for_identity(identity_passphrase_file)
        return _told(Identities(secrets.identities_folder()).import_card(Card(module, token, label), pin, issuers))

    Shell("identity", None, json, None, "").perform(work, lines)


def revoke(
    name: Annotated[str, typer.Argument(help="Whose certificates.")],
    reason: Annotated[str, typer.Option(help="key-compromise, left, replaced or unspecified.")] = "unspecified",
    authority_passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Passphrase of the authority.")
    ] = None,
    json: Json = False,
) -> None:
    """Put a person's certificates on the authority's revocation list; what was signed before stays valid."""

    def work(_: Job) -> Result:
        from forensics.custody.identities import Identities

        passphrase = secrets.for_identity(authority_passphrase_file)
        return _told(Identities(secrets.identities_folder()).revoke(name, passphrase, reason))

    Shell("identity", None, json, None, "").perform(work, lines)


def list_all(json: Json = False) -> None:
    """List the signing identities."""

    def work(_: Job) -> Result:
        from forensics.custody.identities import Identities

        return {"identities": [_told(each) for each in Identities(secrets.identities_folder()).list()]}

    Shell("identity", None, json, None, "").perform(
        work, lambda r: [line for one in r["identities"] for line in lines(one)] or ["No identity yet."]
    )


def _told(info: IdentityInfo) -> Result:
    return {
        "name": info.name,
        "organisation": info.organisation,
        "fingerprint": info.fingerprint,
        "not_after": info.not_after,
        "kind": str(info.kind),
        "state": info.state,
    }


def lines(result: Result) -> list[str]:
    """An identity for people: until when, its fingerprint, and a warning where it will not do much longer."""
    state = result.get("state", "valid")
    warning = "" if state == "valid" else f" ({state.upper()})"
    return [f"{result['name']}, valid until {result['not_after']}{warning}", f"  fingerprint {result['fingerprint']}"]
