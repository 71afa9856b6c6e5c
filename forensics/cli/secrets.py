"""Where passphrases come from: a file, the environment, the keyring, a prompt; and never where others can read them."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from forensics.errors import EnvironmentFailed, Refused

VARIABLE = "DRIVECUSTODY_PASSPHRASE"
KEYRING_SERVICE = "drivecustody"
STDIN = Path("-")


def taken_from_environment() -> str:
    """The passphrase in the environment, which children will not inherit."""
    return os.environ.pop(VARIABLE, "")


def from_file(path: Path) -> str:
    """The first line of a file. Raises `EnvironmentFailed` or `Refused` where there is none."""
    try:
        with path.open(encoding="utf-8") as stream:
            passphrase = stream.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFailed(f"The passphrase file {path.name} cannot be read.", "Check the path.") from error
    if not passphrase:
        raise Refused(f"The first line of {path.name} is empty.", "Put the passphrase on it.")
    return passphrase


PASSWORDS_LIMIT = 1000
"""Office documents take a tenth of a second a password: with more, a locked file would outlast its worker."""


def lines_of_stdin() -> bytes:
    """What stands on standard input up to an empty line or its end."""
    return b"".join(iter(lambda: sys.stdin.readline().rstrip("\r\n").encode("utf-8") + b"\n", b"\n"))


def passwords_from(path: Path, typed: bytes = b"") -> tuple[str, ...]:
    """The passwords of a list, one a line, each once; of `typed` where the list is `STDIN`.

    Raises `EnvironmentFailed` or `Refused` where there are none.
    """
    try:
        data = typed if path == STDIN else path.read_bytes()
    except OSError as error:
        raise EnvironmentFailed(f"The list of passwords {path.name} cannot be read.", "Check the path.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    passwords = tuple(dict.fromkeys(line for line in text.splitlines() if line))
    if not passwords:
        raise Refused(f"The list of passwords {path.name} is empty.", "Put one password on each line.")
    if len(passwords) > PASSWORDS_LIMIT:
        raise Refused(
            f"The list of passwords {path.name} has more than {PASSWORDS_LIMIT:,} lines.",
            "Give those that belong to the case: this tries known passwords, it does not guess.",
        )
    return passwords


def for_case(case: Path, file: Path | None, environment: str, control: str, *, new: bool = False) -> str:
    """The passphrase of a case, or `key:HEX` from the window. Raises `Refused` where nobody gives one."""
    if control:
        return control
    if file is not None:
        return from_file(file)
    if environment:
        return environment
    if kept := _from_keyring(case):
        return kept
    if sys.stdin is not None and sys.stdin.isatty():
        passphrase = getpass.getpass(f"Passphrase of {case.name}: ")
        if new and passphrase and getpass.getpass("Once more: ") != passphrase:
            raise Refused("The two passphrases differ.", "Run the command again.")
        if passphrase:
            return passphrase
    raise Refused(
        "No passphrase was given.", f"Give one with --passphrase-file FILE, {VARIABLE}, the keyring, or at a prompt."
    )


def for_identity(file: Path | None, *, new: bool = False) -> str:
    """The passphrase of a signing identity."""
    if file is not None:
        return from_file(file)
    if sys.stdin is not None and sys.stdin.isatty():
        passphrase = getpass.getpass("Passphrase of the signing identity: ")
        if new and passphrase and getpass.getpass("Once more: ") != passphrase:
            raise Refused("The two passphrases differ.", "Run the command again.")
        if passphrase:
            return passphrase
    raise Refused("The passphrase of the signing identity is needed.", "Give it with --identity-passphrase-file FILE.")


def _from_keyring(case: Path) -> str:
    key_file = case / "key.json"
    if not key_file.is_file():
        return ""
    try:
        import json

        import keyring
        import keyring.errors

        case_id = json.loads(key_file.read_text("utf-8"))["case_id"]
        return keyring.get_password(KEYRING_SERVICE, case_id) or ""
    except (ImportError, OSError, ValueError, KeyError):
        return ""
    except Exception as error:
        # A desktop without a secret service fails in many ways, and a keyring is only a convenience.
        if type(error).__module__.startswith(("keyring", "jeepney", "secretstorage")):
            return ""
        raise


def identities_folder() -> Path:
    """Where signing identities are kept: `DRIVECUSTODY_IDENTITIES`, else the user's data folder."""
    if named := os.environ.get("DRIVECUSTODY_IDENTITIES"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("drivecustody", appauthor=False)) / "identities"
