"""Who signs: an organisation's own authority, and one certificate for each person.

Everything is kept encrypted (PKCS#12) in a folder that the caller names; certificates and the revocation list, which
are public, stand beside it in the clear, so that listing asks for no passphrase.

    authorities/NAME/  authority.p12  authority.pem  authority.crl
    people/NAME/       signing.p12  signing.pem (with its issuers)  encryption.p12  encryption.pem
                       card.json instead of signing.p12 where the key is on a card (PKCS#11)

A person's two keys are apart on purpose: the signing key never decrypts, and the encryption key may be escrowed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from forensics.custody import cades, cards, certificates, key_files
from forensics.errors import EnvironmentFailed, NotIntact, Refused
from forensics.signatures import cms

DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning (RFC 9336). Alone it is not enough: NSS (so poppler) and OpenSSL ask for emailProtection."""

AUTHORITY_DAYS = 3650
WARN_DAYS = 30
"""How long before its end a certificate is said to expire soon: time enough to issue the next."""

REASONS = {
    "key-compromise": x509.ReasonFlags.key_compromise,
    "left": x509.ReasonFlags.affiliation_changed,
    "replaced": x509.ReasonFlags.superseded,
    "unspecified": x509.ReasonFlags.unspecified,
}
"""Why a certificate is revoked, as people say it (RFC 5280, section 5.3.1)."""

_MOST_NAME = 64
"""ub-common-name and ub-organization-name of X.520 (RFC 5280, appendix A.1)."""


class IdentityKind(StrEnum):
    AUTHORITY = "authority"
    PERSON = "person"
    IMPORTED = "imported"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class IdentityInfo:
    """What is public about an identity. `fingerprint` is the certificate's SHA-256; `not_after` is ISO 8601 in UTC."""

    name: str
    organisation: str
    fingerprint: str
    not_after: str
    kind: IdentityKind
    state: str = "valid"
    """`valid`, `expires soon` (within `WARN_DAYS`), `expired`, or `revoked`."""


@dataclass(frozen=True, slots=True)
class AuthorityInfo:
    """What is public about an organisation's authority, and where its certificate and revocation list stand."""

    organisation: str
    fingerprint: str
    not_after: str
    certificate: Path
    revocation_list: Path


@dataclass(slots=True)
class Identity:
    """A person's signing identity, unlocked: a `forensics.model.Signer`.

    `chain_pem` are the issuers, the root last. `revocation_list` is the authority's CRL in DER; None where the
    identity was imported and its issuer's list is not here. Not frozen, because `Signer` promises plain attributes.
    """

    name: str
    organisation: str
    fingerprint: str
    certificate_pem: bytes
    chain_pem: tuple[bytes, ...]
    revocation_list: bytes | None = field(repr=False)
    _make: cades.MakeSignature = field(repr=False)
    _key: cades.SigningKey | None = field(repr=False, default=None)
    """None where the key is on a card, which makes the signatures itself."""

    def cades(self, content: bytes) -> bytes:
        """A detached CAdES-B-B signature over `content`, in DER, dated by this machine's clock."""
        issuers = [x509.load_pem_x509_certificate(pem) for pem in self.chain_pem]
        return cades.sign(
            content,
            self._make,
            x509.load_pem_x509_certificate(self.certificate_pem),
            issuers,
            datetime.now(UTC),
        )

    def pdf_signer(self) -> Any:
        """The same key as pyHanko's `SimpleSigner`, with all issuers to embed."""
        from pyhanko.sign.signers import SimpleSigner
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        mine, *issuers = (
            asn1_x509.Certificate.load(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER))
            for pem in (self.certificate_pem, *self.chain_pem)
        )
        if self._key is None:
            return _CardSigner(self._make, mine, issuers)
        private = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(issuers)
        return SimpleSigner(mine, asn1_keys.PrivateKeyInfo.load(private), store)


def _CardSigner(make: cades.MakeSignature, mine: asn1_x509.Certificate, issuers: list[asn1_x509.Certificate]) -> Any:
    """A pyHanko `Signer` whose signatures a card makes. A function, because pyHanko is slow to import."""
    from pyhanko.sign.signers import Signer as PdfSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class CardSigner(PdfSigner):
        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            if digest_algorithm != "sha256":
                raise Refused("A card signs SHA-256 digests here.", "Sign with SHA-256.")
            # A DER signature of P-256 is 70 to 72 bytes, of RSA as long as the key; room is made for either.
            return bytes(512) if dry_run else make(data)

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(issuers)
    return CardSigner(signing_cert=mine, cert_registry=store)


class Identities:
    """The identities in one folder. Nothing that is there is ever overwritten, except a revocation list by its next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # ------------------------------------------------------------------------------------------------------ making

    def create_authority(self, organisation: str, passphrase: str) -> AuthorityInfo:
        """A new root for an organisation: P-256, ten years, good for issuing certificates to persons and nothing else.

        Keep its passphrase apart from everyone's own, and the folder off line. Raises `Refused` where there is one.
        """
        organisation, passphrase = _a_name(organisation, "organisation"), _a_passphrase(passphrase)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, "Custody signing authority"),
            ]
        )
        now = certificates.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - certificates.BACKDATED)
            .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(certificates.usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        folder = self._new(
            self.folder / "authorities" / _file_name(organisation),
            {
                "authority.p12": key_files.lock(organisation, key, certificate, [], passphrase),
                "authority.crl": certificates.revocation_list(key, certificate, 1),
                "authority.pem": certificate.public_bytes(Encoding.PEM),
            },
            f"There is an authority for {organisation} already.",
        )
        return _authority_info(folder, certificate)

    def create(
        self, name: str, passphrase: str, *, authority: str | None = None, authority_passphrase: str | None = None
    ) -> IdentityInfo:
        """A new person: a P-256 certificate to sign with and an RSA-3072 certificate to be written to.

        `authority` is the organisation whose authority issues it, and may be left out where there is one only;
        `authority_passphrase` is the same as `passphrase` unless given. Raises `Refused` where there is no authority,
        where a passphrase does not open it, or where the person exists.
        """
        name, passphrase = _a_name(name, "person"), _a_passphrase(passphrase)
        folder, issuer = self._authority(authority)
        key, certificate, _ = key_files.unlock(
            folder / "authority.p12",
            passphrase if authority_passphrase is None else authority_passphrase,
            f"the authority of {certificates.organisation_of(issuer)}",
        )
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate != issuer:
            raise NotIntact("The authority's key and its certificate do not belong together.", "Restore the folder.")
        signing, encryption = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 3072)
        purposes = [DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
        to_sign = certificates.issue(
            name,
            signing.public_key(),
            key,
            issuer,
            certificates.usage(digital_signature=True, content_commitment=True),
            purposes,
        )
        to_read = certificates.issue(
            name, encryption.public_key(), key, issuer, certificates.usage(key_encipherment=True), [purposes[1]]
        )
        self._new(
            self.folder / "people" / _file_name(name),
            {
                "signing.p12": key_files.lock(name, signing, to_sign, [issuer], passphrase),
                "encryption.p12": key_files.lock(name, encryption, to_read, [issuer], passphrase),
                "encryption.pem": _pem([to_read, issuer]),
                "signing.pem": _pem([to_sign, issuer]),
            },
            f"There is an identity for {name} already.",
        )
        self._renew_revocation_list(folder, key, issuer)
        return _info(to_sign, IdentityKind.PERSON)

    def import_pkcs12(self, path: Path, passphrase: str, new_passphrase: str) -> IdentityInfo:
        """Take in a signing identity that was issued elsewhere, from a `.p12` or `.pfx` file with its whole chain.

        Raises `Refused` for a wrong passphrase, a key that cannot sign documents, an expired or self-signed
        certificate, or a chain that does not reach its root.
        """
        new_passphrase = _a_passphrase(new_passphrase)
        key, certificate, others = key_files.unlock(path, passphrase, "the file to import")
        sound = (isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048) or isinstance(
            key, ec.EllipticCurvePrivateKey
        )
        if not sound:
            raise Refused(
                "The key in this file cannot sign here.", "Bring an RSA key of 2048 bits or more, or an EC key."
            )
        if certificate.issuer == certificate.subject:
            raise Refused(
                "A certificate that vouches for itself identifies nobody.",
                "Have it issued, or make one with `identity create-authority` and `identity create`.",
            )
        certificates.require_signing(certificate)
        certificates.require_valid_now(certificate)
        chain = certificates.chain_of(certificate, others)
        name = _a_name(cms.common_name(certificate), "person")
        self._new(
            self.folder / "people" / _file_name(name),
            {
                "signing.p12": key_files.lock(name, key, certificate, chain, new_passphrase),
                "signing.pem": _pem([certificate, *chain]),
            },
            f"There is an identity for {name} already.",
        )
        return _info(certificate, IdentityKind.IMPORTED)

    def import_card(self, card: cards.Card, pin: str, issuers: Path | None = None) -> IdentityInfo:
        """Take in an identity whose key is on a card; nothing secret is kept here.

        `issuers` is a PEM file with the chain up to the root, where the card does not hold it. Raises `Refused` as
        `import_pkcs12` does, `EnvironmentFailed` where there is no card.
        """
        certificate, others = cards.certificates(card, pin)
        if issuers is not None:
            others = (*others, *x509.load_pem_x509_certificates(issuers.read_bytes()))
        certificates.require_signing(certificate)
        certificates.require_valid_now(certificate)
        chain = certificates.chain_of(certificate, others)
        name = _a_name(cms.common_name(certificate), "person")
        where = {"module": str(card.module), "token": card.token, "label": card.label}
        self._new(
            self.folder / "people" / _file_name(name),
            {"card.json": json.dumps(where).encode(), "signing.pem": _pem([certificate, *chain])},
            f"There is an identity for {name} already.",
        )
        return _info(certificate, IdentityKind.CARD)

    def revoke(self, name: str, authority_passphrase: str, reason: str = "unspecified") -> IdentityInfo:
        """Put a person's certificates on the authority's revocation list, from this moment on.

        What they signed before stays valid. Raises `Refused` for an unknown name or reason, a person whose authority is
        not here, or one who is on the list already.
        """
        if reason not in REASONS:
            raise Refused(f"There is no reason {reason}.", f"Give one of: {', '.join(REASONS)}.")
        person = self._person(name)
        mine = [
            x509.load_pem_x509_certificates(path.read_bytes())
            for path in (person / "signing.pem", person / "encryption.pem")
            if path.is_file()
        ]
        issuer = mine[0][-1]
        folder = next((folder for folder, held in self._public("authorities") if held[0] == issuer), None)
        if folder is None:
            raise Refused("The authority that issued this certificate is not here.", "Ask it to revoke it.")
        if self._revoked(mine[0][0], issuer):
            raise Refused(f"{name} is on the revocation list already.", "Nothing needs to be done.")
        key, _, _ = key_files.unlock(folder / "authority.p12", authority_passphrase, "the authority")
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NotIntact("The authority's key and its certificate do not belong together.", "Restore the folder.")
        builder = x509.RevokedCertificateBuilder().revocation_date(certificates.now())
        if reason != "unspecified":
            builder = builder.add_extension(x509.CRLReason(REASONS[reason]), critical=False)
        fresh = [builder.serial_number(held[0].serial_number).build() for held in mine]
        self._renew_revocation_list(folder, key, issuer, fresh)
        return replace(_info(mine[0][0], IdentityKind.PERSON), state="revoked")

    def _revoked(self, certificate: x509.Certificate, root: x509.Certificate) -> bool:
        data = self._revocation_list_of(root)
        if data is None:
            return False
        listed = x509.load_der_x509_crl(data)
        return listed.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None

    # ------------------------------------------------------------------------------------------------------- using

    def load(self, name: str, passphrase: str) -> Identity:
        """Unlock a person's signing identity, by name; of a card, `passphrase` is its PIN.

        Raises `Refused` for an unknown name (naming those there are), a wrong passphrase, a certificate that is not
        valid today or that was revoked; `NotIntact` where key and certificate do not belong together.
        """
        folder = self._person(name)
        public = x509.load_pem_x509_certificates((folder / "signing.pem").read_bytes())
        if self._revoked(public[0], public[-1]):
            raise Refused(f"The certificate of {name} was revoked.", "Make a new identity; this one signs no more.")
        if (folder / "card.json").is_file():
            return self._load_card(folder, public, passphrase)
        key, certificate, _ = key_files.unlock(folder / "signing.p12", passphrase, f"the identity of {name}")
        if certificate != public[0]:
            raise NotIntact("The identity's key and its certificate do not belong together.", "Restore the folder.")
        certificates.require_valid_now(certificate)
        return replace(self._identity(public, cades.by_key(key)), _key=key)

    def _load_card(self, folder: Path, public: Sequence[x509.Certificate], pin: str) -> Identity:
        try:
            where = json.loads((folder / "card.json").read_text("utf-8"))
            card = cards.Card(Path(where["module"]), str(where["token"]), str(where["label"]))
        except (ValueError, KeyError, TypeError) as error:
            raise NotIntact("The file that says where the key is is damaged.", "Import the card again.") from error
        certificate, _ = cards.certificates(card, pin)
        if certificate != public[0]:
            raise NotIntact("The card holds another certificate than the one that was imported.", "Use the right card.")
        certificates.require_valid_now(certificate)
        return self._identity(public, cards.maker(card, pin, certificate))

    def _identity(self, public: Sequence[x509.Certificate], make: cades.MakeSignature) -> Identity:
        """The identity of a certificate, the first, with its issuers behind it."""
        return Identity(
            name=cms.common_name(public[0]),
            organisation=certificates.organisation_of(public[0]),
            fingerprint=cms.fingerprint(public[0]),
            certificate_pem=public[0].public_bytes(Encoding.PEM),
            chain_pem=tuple(issuer.public_bytes(Encoding.PEM) for issuer in public[1:]),
            revocation_list=self._revocation_list_of(public[-1]),
            _make=make,
        )

    def encryption_certificate(self, name: str) -> bytes:
        """The certificate, in PEM, to which to encrypt what this person shall read.

        Raises `Refused` where there is none.
        """
        path = self._person(name) / "encryption.pem"
        if not path.is_file():
            raise Refused(f"{name} has no certificate to encrypt to.", "It was imported: ask for one that can.")
        return x509.load_pem_x509_certificates(path.read_bytes())[0].public_bytes(Encoding.PEM)

    def authorities(self) -> tuple[AuthorityInfo, ...]:
        """The authorities in the folder, by file name."""
        return tuple(_authority_info(folder, held[0]) for folder, held in self._public("authorities"))

    def list(self) -> list[IdentityInfo]:
        """Authorities and persons, by file name; asks for no passphrase."""
        found = [_info(held[0], IdentityKind.AUTHORITY) for _, held in self._public("authorities")]
        for folder, held in self._public("people"):
            kind = IdentityKind.PERSON if (folder / "encryption.pem").is_file() else IdentityKind.IMPORTED
            told = _info(held[0], IdentityKind.CARD if (folder / "card.json").is_file() else kind)
            found.append(replace(told, state="revoked") if self._revoked(held[0], held[-1]) else told)
        return found

    # ----------------------------------------------------------------------------------------------------- folders

    def _public(self, kind: str) -> tuple[tuple[Path, Sequence[x509.Certificate]], ...]:
        name = "authority.pem" if kind == "authorities" else "signing.pem"
        paths = sorted((self.folder / kind).glob(f"[!.]*/{name}"))
        try:
            return tuple((path.parent, x509.load_pem_x509_certificates(path.read_bytes())) for path in paths)
        except ValueError as error:
            raise NotIntact(
                f"A certificate file ({name}) in the folder of identities is damaged.", "Restore it from a copy."
            ) from error

    def _person(self, name: str) -> Path:
        people = self._public("people")
        for folder, held in people:
            if name in (cms.common_name(held[0]), folder.name):
                return folder
        known = ", ".join(cms.common_name(held[0]) for _, held in people)
        raise Refused(
            f"There is no identity named {name}.",
            f"There are: {known}." if known else "Make one with `drivecustody identity create NAME`.",
        )

    def _authority(self, organisation: str | None) -> tuple[Path, x509.Certificate]:
        found = [(folder, held[0]) for folder, held in self._public("authorities")]
        if not found:
            raise Refused(
                "There is no authority yet that could issue a certificate.",
                "Make one first: `drivecustody identity create-authority --organisation NAME`.",
            )
        if organisation is not None:
            found = [each for each in found if organisation in (certificates.organisation_of(each[1]), each[0].name)]
        if len(found) != 1:
            known = ", ".join(info.organisation for info in self.authorities())
            raise Refused("It is not clear which authority should issue the certificate.", f"Name one of: {known}.")
        return found[0]

    def _new(self, folder: Path, files: dict[str, bytes], exists: str) -> Path:
        """All files or none: they are written to a hidden folder, which then takes its name in one step."""
        try:
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            hidden = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
            try:
                for name, data in files.items():
                    key_files.write_private(hidden / name, data)
                if folder.exists():
                    raise Refused(exists, "Choose another name, or use the one that is there.")
                hidden.rename(folder)
            except BaseException:
                shutil.rmtree(hidden, ignore_errors=True)
                raise
        except OSError as error:
            raise EnvironmentFailed(
                f"The identity could not be written ({error.strerror or type(error).__name__}).",
                "Make room, or give the permission to write to the folder of identities.",
            ) from error
        return folder

    def _renew_revocation_list(
        self,
        folder: Path,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Certificate,
        fresh: Sequence[x509.RevokedCertificate] = (),
    ) -> None:
        """The authority's key is seldom unlocked; each time it is, its list gets another year."""
        path = folder / "authority.crl"
        before = x509.load_der_x509_crl(path.read_bytes())
        number = before.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        part = folder / ".authority.crl.part"
        part.unlink(missing_ok=True)
        key_files.write_private(part, certificates.revocation_list(key, issuer, number + 1, [*before, *fresh]))
        part.replace(path)

    def _revocation_list_of(self, root: x509.Certificate) -> bytes | None:
        for folder, held in self._public("authorities"):
            if held[0] == root:
                return (folder / "authority.crl").read_bytes()
        return None


# ---------------------------------------------------------------------------------------------------- in the clear


def _info(certificate: x509.Certificate, kind: IdentityKind) -> IdentityInfo:
    return IdentityInfo(
        name=cms.common_name(certificate),
        organisation=certificates.organisation_of(certificate),
        fingerprint=cms.fingerprint(certificate),
        not_after=f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        kind=kind,
        state=_state(certificate),
    )


def _state(certificate: x509.Certificate) -> str:
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    if left < timedelta():
        return "expired"
    return "expires soon" if left < timedelta(days=WARN_DAYS) else "valid"


def _authority_info(folder: Path, certificate: x509.Certificate) -> AuthorityInfo:
    public = _info(certificate, IdentityKind.AUTHORITY)
    return AuthorityInfo(
        public.organisation,
        public.fingerprint,
        public.not_after,
        folder / "authority.pem",
        folder / "authority.crl",
    )


# ----------------------------------------------------------------------------------------------------------- files


def _a_name(untrusted: str, of: str) -> str:
    name = " ".join(untrusted.split())
    if not name or len(name) > _MOST_NAME or not name.isprintable():
        raise Refused(f"This cannot be the name of a {of} in a certificate.", f"Give 1 to {_MOST_NAME} characters.")
    return name


def _a_passphrase(passphrase: str) -> str:
    if not passphrase:
        raise Refused("An identity needs a passphrase.", "Give one with `--identity-passphrase-file FILE`.")
    try:
        passphrase.encode()
    except UnicodeEncodeError:
        raise Refused("The passphrase is not text that every system can type.", "Choose another.") from None
    return passphrase


def _file_name(name: str) -> str:
    """A name for a folder on any system, the same for the same name.

    Where letters had to be left out, eight digits of the name's SHA-256 keep two such names apart. Windows gives
    some short words to devices (`con`, `nul`, `com1`), so a word of three or four characters gets them too.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 -]*", name) and len(plain) > 4:
        return plain
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'name'}-{digits}"


def _pem(held: Sequence[x509.Certificate]) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in held)
