"""Signing keys that never leave their card or token: PKCS#11 (OASIS, version 2.40), through the maker's own module.

Only the raw mechanisms are used, over a digest computed here: every card has those, while many lack the combined ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from forensics.custody.cades import MakeSignature
from forensics.errors import EnvironmentFailed, Refused

_DIGEST_INFO_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest under PKCS #1 v1.5 (RFC 8017, section 9.2, note 1)."""


@dataclass(frozen=True, slots=True)
class Card:
    """Where a key is: the module of the card's maker, the label of the token, and the label of key and certificate."""

    module: Path
    token: str
    label: str


def certificates(card: Card, pin: str) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The certificate that goes with the key, and the others on the card.

    Raises `Refused` for a wrong PIN or where the card has no such key, `EnvironmentFailed` where there is no card.
    """
    with _session(card, pin) as session:
        from pkcs11 import Attribute, ObjectClass

        held = {
            str(each[Attribute.LABEL]): x509.load_der_x509_certificate(bytes(each[Attribute.VALUE]))
            for each in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
        }
        _private(session, card)
    if card.label not in held:
        known = ", ".join(sorted(held)) or "none"
        raise Refused(f"The card holds no certificate {card.label}.", f"It has: {known}.")
    own = held.pop(card.label)
    return own, tuple(held.values())


def maker(card: Card, pin: str, certificate: x509.Certificate) -> MakeSignature:
    """What makes signatures by the card; it is asked anew each time, so pulling it out ends the signing."""
    by_rsa = isinstance(certificate.public_key(), rsa.RSAPublicKey)
    if not by_rsa and not isinstance(certificate.public_key(), ec.EllipticCurvePublicKey):
        raise Refused("The key on the card cannot sign here.", "Use a card with an RSA or EC key.")

    def make(message: bytes) -> bytes:
        digest = hashlib.sha256(message).digest()
        with _session(card, pin) as session:
            from pkcs11 import Mechanism

            key = _private(session, card)
            if by_rsa:
                return bytes(key.sign(_DIGEST_INFO_SHA256 + digest, mechanism=Mechanism.RSA_PKCS))
            raw = bytes(key.sign(digest, mechanism=Mechanism.ECDSA))
            half = len(raw) // 2
            return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    return make


def _private(session: Any, card: Card) -> Any:
    from pkcs11 import Attribute, ObjectClass

    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: card.label}
    key = next(iter(session.get_objects(wanted)), None)
    if key is None:
        raise Refused(f"The card holds no private key {card.label}.", "Check the label with the card's own program.")
    return key


@contextmanager
def _session(card: Card, pin: str) -> Iterator[Any]:
    try:
        import pkcs11
    except ImportError as error:
        raise EnvironmentFailed(
            "Cards need the package python-pkcs11.", "Install DriveCustody with its extra `smartcard`."
        ) from error
    try:
        token = pkcs11.lib(str(card.module)).get_token(token_label=card.token)
        with token.open(user_pin=pin) as session:
            yield session
    except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
        raise Refused("The card does not take this PIN.", "A card locks itself after a few wrong ones.") from error
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise EnvironmentFailed(
            f"The card {card.token} cannot be used ({type(error).__name__}).",
            "Put it in, and check the path of its PKCS#11 module.",
        ) from error
