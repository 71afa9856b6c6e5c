"""The vocabulary of the house: what one room hands to the next.

Values that do not change, and enumerations, only. Paths on an exhibit are bytes, because that is what file systems
store; they become text at the window, by `Locator`. What a drive holds by the hundred thousand (`Locator`, `Run`,
`FileEntry`) is a tuple with names: it is made, compared and sent in a fraction of the time of a frozen dataclass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# ---------------------------------------------------------------------------------------------------------- places

_PLAIN = " ()"
"""With letters, digits and `._-~`, the bytes a locator shows as they are; `~` is escaped below (cli.md)."""

DECRYPTED = "decrypted"
SHADOW = "vss"
APFS = "APFS"
_LAYER = re.compile(rf"{DECRYPTED}|{SHADOW}[0-9]+|{APFS.lower()}[0-9]+(?:-(?:older-)?snapshots)?")
"""What the steps under a volume are called: its bytes without their encryption, or as a shadow copy kept them; a volume
in a container of APFS, and what only its snapshots hold."""

SLACK = ":slack"

_TAIL = re.compile(r"@(0x[0-9a-f]+|[0-9]+)(?:\+([0-9]+))?\Z")


def _escape(untrusted: bytes) -> str:
    return quote_from_bytes(untrusted, safe=_PLAIN).replace("~", "%7E")


class Region(StrEnum):
    """Which part of a volume, or of the device, a locator points into."""

    LIVE = "live"
    DELETED = "deleted"
    UNALLOCATED = "unallocated"


class Locator(NamedTuple):
    """One place on an exhibit, as a value that prints to text and parses back to itself.

    `volume` is the slot number that `mmls` prints (0 for a file system without a partition table) and None outside
    every volume. `address` is the metadata address of a deleted entry (`istat` takes it). `inner` are the steps into
    a container: members, sheets, `row 12`. `layers` are the steps from the volume's bytes on the device to those that
    the place is in (`Layer`): `decrypted`, `vss2`. `offset` and `length` are bytes: from the start of the content, or
    where `region` is unallocated from the start of the device, and with layers from the start of the last of them.
    `slack` is the space behind a file's content in the last piece that it holds; `offset` counts from the start of the
    content there as well, as in what `icat -s` gives.
    """

    exhibit: str
    volume: int | None = None
    region: Region = Region.LIVE
    address: int | None = None
    path: tuple[bytes, ...] = ()
    inner: tuple[bytes, ...] = ()
    offset: int | None = None
    length: int | None = None
    layers: tuple[str, ...] = ()
    slack: bool = False

    def __str__(self) -> str:
        parts = [self.exhibit]
        if self.region is Region.UNALLOCATED and not self.layers:
            parts.append("unallocated")
        if self.volume is not None:
            parts += [f"vol{self.volume}", *self.layers]
        if self.region is Region.UNALLOCATED and self.layers:
            parts.append("unallocated")
        if self.region is Region.DELETED:
            parts += ["deleted", str(self.address)]
        names = [_escape(name) for name in self.path]
        if names and self.region is Region.LIVE and self._is_a_word(names[0]):
            names[0] = f"%{ord(names[0][0]):02X}{names[0][1:]}"
        text = "/".join(parts + names)
        text += "".join("!" + _escape(step) for step in self.inner)
        if self.slack:
            text += SLACK
        if self.offset is not None:
            text += f"@0x{self.offset:08x}" if self.region is Region.UNALLOCATED else f"@{self.offset}"
            if self.length is not None:
                text += f"+{self.length}"
        return text

    def _is_a_word(self, name: str) -> bool:
        """Whether a first name of this text would be read as one of the words that stand before names."""
        return name == "deleted" or bool(_LAYER.fullmatch(name)) or (name == "unallocated" and bool(self.layers))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The locator that prints as `text`. Raises `ValueError` where no locator does."""
        offset = length = None
        if tail := _TAIL.search(text):
            offset = int(tail[1], 0)
            length = int(tail[2]) if tail[2] else None
            text = text[: tail.start()]
        # A colon of a name would be %3A.
        slack = text.endswith(SLACK)
        text = text.removesuffix(SLACK)
        outer, *inner = text.split("!")
        exhibit, *parts = outer.split("/")
        region, volume, address = Region.LIVE, None, None
        if parts and parts[0] == "unallocated":
            region = Region.UNALLOCATED
            parts = parts[1:]
        if parts and (number := re.fullmatch(r"vol(\d+)", parts[0])):
            volume = int(number[1])
            parts = parts[1:]
        layers: tuple[str, ...] = ()
        while volume is not None and region is Region.LIVE and parts and _LAYER.fullmatch(parts[0]):
            layers, parts = (*layers, parts[0]), parts[1:]
        if layers and parts == ["unallocated"]:
            region, parts = Region.UNALLOCATED, []
        if region is Region.LIVE and volume is not None and parts[:1] == ["deleted"]:
            if len(parts) < 2 or not parts[1].isdigit():
                raise ValueError("a deleted entry needs its metadata address")
            region, address, parts = Region.DELETED, int(parts[1]), parts[2:]
        if not exhibit or (parts and volume is None):
            raise ValueError("a locator starts with an exhibit, and a path with a volume")
        return cls(
            exhibit,
            volume,
            region,
            address,
            tuple(unquote_to_bytes(part) for part in parts),
            tuple(unquote_to_bytes(step) for step in inner),
            offset,
            length,
            layers,
            slack,
        )

    def into(self, *steps: str | bytes) -> Locator:
        """The place one or more steps further into a container."""
        more = tuple(step.encode("utf-8", "surrogateescape") if isinstance(step, str) else step for step in steps)
        return self._replace(inner=self.inner + more, offset=None, length=None)

    @property
    def whole(self) -> Locator:
        """The content as a whole that the byte range is in, or lies behind."""
        return self._replace(offset=None, length=None, slack=False)

    def at(self, offset: int, length: int | None = None) -> Locator:
        """The byte range inside this content."""
        return self._replace(offset=offset, length=length)


# -------------------------------------------------------------------------------------------------------- outcomes


class OutcomeKind(StrEnum):
    OK = "ok"
    EMPTY = "empty"
    NOT_EXAMINED = "not_examined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the examination of one item ended. Every item ends with one: silence is not an outcome.

    `reason` is a short fixed phrase without content of the exhibit; only ok and empty may do without one.
    """

    kind: OutcomeKind
    reason: str = ""


OK = Outcome(OutcomeKind.OK)
EMPTY = Outcome(OutcomeKind.EMPTY)


def not_examined(reason: str) -> Outcome:
    return Outcome(OutcomeKind.NOT_EXAMINED, reason)


def failed(reason: str) -> Outcome:
    return Outcome(OutcomeKind.FAILED, reason)


# ----------------------------------------------------------------------------------------------------- acquisition


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system of a device that stands in the folder tree: which block device, where, and open for writing?"""

    path: str
    at: str
    writable: bool


@dataclass(frozen=True, slots=True)
class PartitionGlance:
    """A partition as the operating system tells it; nothing was read from the device to learn this. Bytes.

    `start` is None where the system does not say. `kind`, `file_system` and `label` are empty where it does not know.
    """

    path: str
    size: int
    start: int | None = None
    kind: str = ""
    file_system: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lun:
    """One logical unit of a USB device. `size` 0 means there is no medium in it; `number` is None where not known."""

    number: int | None
    path: str
    size: int
    optical: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """One thing that could be an exhibit, as the operating system describes it. Sizes in bytes.

    Empty texts and a `physical_sector_size` of 0 mean that the system does not say. `mounted_at` repeats the places of
    `mounts`. `in_use` are what else holds the device (swap, dm, md, processes that could be seen). `luns` are all
    logical units of the same USB device, this one among them. `hidden_areas` says what is known of a host protected
    area or device configuration overlay, and `notes` what an examiner must not read into the other values.
    """

    path: str
    size: int
    vendor: str = ""
    model: str = ""
    serial: str = ""
    usb_id: str = ""
    sector_size: int = 512
    removable: bool = False
    read_only: bool = False
    mounted_at: tuple[str, ...] = ()
    physical_sector_size: int = 0
    firmware: str = ""
    usb_release: str = ""
    bus: str = ""
    usb_port: str = ""
    lun: int | None = None
    luns: tuple[Lun, ...] = ()
    optical: bool = False
    table: str = ""
    partitions: tuple[PartitionGlance, ...] = ()
    mounts: tuple[Mount, ...] = ()
    in_use: tuple[str, ...] = ()
    hidden_areas: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The device whose `asdict` went through JSON; values that an older version did not keep get their default."""
        return cls(
            **{
                **document,
                "mounted_at": tuple(document.get("mounted_at", ())),
                "luns": tuple(Lun(**lun) for lun in document.get("luns", ())),
                "partitions": tuple(PartitionGlance(**each) for each in document.get("partitions", ())),
                "mounts": tuple(Mount(**mount) for mount in document.get("mounts", ())),
                "in_use": tuple(document.get("in_use", ())),
                "notes": tuple(document.get("notes", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class BadRange:
    """Bytes of the source that could not be read and stand as zeros in the image."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class HardwareBlocker:
    """A write blocker between drive and computer, as the examiner declares it; the computer cannot see one."""

    make: str
    model: str
    serial: str


@dataclass(frozen=True, slots=True)
class KernelFlag:
    """The kernel's read-only flag of one block device: before, after it was set, at the end of reading, and after it
    was put back. None where it could not be read or was not reached. `read_by` is the call that was asked.
    """

    device: str
    before: bool | None
    during: bool | None = None
    at_end: bool | None = None
    restored: bool | None = None
    read_by: str = "BLKROGET"


@dataclass(frozen=True, slots=True)
class Protection:
    """What was measured about write protection, in words that claim no more than that.

    `method` is `read-only device` (the kernel's flag, read back), `read-only file`, `none measured`, or
    `hardware blocker declared`, which stands before `; read-only device` where that was measured as well. `detail`
    says all of it in sentences for the report; the other fields hold the facts it was made from. `attempted_write` is
    the kernel's answer to a write of no bytes, or why none was tried. `left_behind` says that an earlier, killed
    acquisition had left the flag set.
    """

    method: str
    detail: str
    blocker: HardwareBlocker | None = None
    flags: tuple[KernelFlag, ...] = ()
    set_by_us: bool = False
    attempted_write: str = ""
    claimed: bool = False
    left_behind: bool = False

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The protection whose `asdict` went through JSON; what an older version did not keep gets its default."""
        blocker = document.get("blocker")
        return cls(
            **{
                **document,
                "blocker": blocker and HardwareBlocker(**blocker),
                "flags": tuple(KernelFlag(**flag) for flag in document.get("flags", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class Extent:
    """Consecutive bytes of the source."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class SecondRead:
    """The source read once more beside its image.

    `sha256` is over all its bytes with zeros for what it did not give. `differing` gave other bytes than the image has;
    `unreadable` was read the first time and not the second.
    """

    sha256: str
    differing: tuple[Extent, ...] = ()
    unreadable: tuple[Extent, ...] = ()

    @property
    def equal(self) -> bool:
        return not (self.differing or self.unreadable)


@dataclass(frozen=True, slots=True)
class SeenBefore:
    """What this computer's log says of a drive from when it was plugged in until it was acquired.

    `rows` are times and texts; `detail` says which log, and what may be missing. `mounted` are the texts that say that
    a file system on the drive was mounted, and not that it was so read-only.
    """

    rows: tuple[tuple[str, str], ...]
    detail: str
    mounted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acquisition:
    """One image of one exhibit. `hashes` maps algorithm to lower-case hex over all `size` bytes of the source."""

    exhibit: str
    source: str
    format: str
    size: int
    sector_size: int
    hashes: dict[str, str]
    segments: tuple[str, ...]
    bad: tuple[BadRange, ...]
    zero_bytes: int
    started: str
    finished: str
    protection: Protection
    device: Device | None
    verified: bool
    verified_by: str
    imported: bool = False
    stored_hashes: dict[str, str] = field(default_factory=dict)
    begun: tuple[str, ...] = ()
    """When it was started, each time; more than one where it was interrupted and gone on with."""
    retries: int = 0
    slow_reads: int = 0
    second_copy: str = ""
    """The folder of the second copy, verified as the first; empty where there is none."""
    second_copy_failure: str = ""
    """Why a second copy that was wanted is not there."""
    second_read: SecondRead | None = None
    """None where the source was read once."""
    seen_before: SeenBefore | None = None
    """None where the source was a file, or the image was taken in."""


# -------------------------------------------------------------------------------------------------------- contents


class EntryStatus(StrEnum):
    """Where the content of an entry comes from."""

    LIVE = "live"
    DELETED = "deleted"
    DELETED_UNCERTAIN = "deleted-uncertain"
    CHILD = "child"


LAYER_BITS = 48
"""An address of an exhibit is an offset on its device, or in one of its layers: the layer's number stands above these
bits. No drive has 256 TiB, so an address of a layer is never taken for one of the device."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Bytes that are on the device in another form: an encrypted volume without its encryption, or a volume as a
    shadow copy kept it.

    Its bytes have the addresses from `base` on. `name` is its step in locators, `kind` what it was made by. `offset`
    and `length` are the address and size of the volume that it is read out of; `data_offset` is where its first byte
    stands in there, and None where its bytes stand in another order. `below` is the layer that the volume itself is
    in. `key` is the password that opened it.
    """

    base: int
    size: int
    name: str
    kind: str
    offset: int
    length: int
    data_offset: int | None
    key: str = field(default="", repr=False)
    below: Layer | None = None

    @property
    def on_device(self) -> int | None:
        """The device offset of its first byte; None where its bytes stand in another order than on the device."""
        if self.data_offset is None:
            return None
        if self.below is None:
            return self.offset + self.data_offset
        begins = self.below.on_device
        return None if begins is None else begins + self.offset - self.below.base + self.data_offset


@dataclass(frozen=True, slots=True)
class Volume:
    """A partition, or the whole device where there is no partition table; or what one of these turned into (`layers`).

    `offset` is an address (`LAYER_BITS`), `length` in bytes. `layer` is given to whoever has to read it, and holds a
    password; who only looks has the names of `layers`.
    """

    exhibit: str
    number: int
    offset: int
    length: int
    kind: str
    file_system: str
    label: str
    block_size: int
    outcome: Outcome
    layers: tuple[str, ...] = ()
    layer: Layer | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its place as in locators: `vol2`, `vol2/decrypted`."""
        return "/".join((f"vol{self.number}", *self.layers))


class Run(NamedTuple):
    """Consecutive bytes of a content: `length` bytes at the address `device_offset` are those at `file_offset`.

    The address is an offset on the device, or in a layer (`LAYER_BITS`).
    """

    file_offset: int
    device_offset: int
    length: int


class FileEntry(NamedTuple):
    """A file system entry with content. Times are ISO 8601; FAT's carry no zone and the text says so by having none."""

    locator: Locator
    status: EntryStatus
    size: int
    address: int
    modified: str
    created: str
    accessed: str
    runs: tuple[Run, ...]
    clock: str
    uncertain_because: str = ""


class Unit(StrEnum):
    """What one line of a stream is called in a locator; none where places are byte offsets."""

    NONE = ""
    ROW = "row"
    LINE = "line"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one stream of one content, the unit that `match` reads.

    A stream is the content itself (`steps` empty) or something inside it (`steps` = sheet, page). Where `data` is
    None the bytes stand in the content at `offset`, `length` long; otherwise `data` is UTF-8 text that was
    extracted. Pieces of a stream with a unit are cut between lines; `first` is the number of the first, 1-based.
    `overlap` trailing bytes belong to the next piece and are there for values that cross the border.
    """

    steps: tuple[str, ...]
    unit: Unit
    table: bool
    first: int
    offset: int
    length: int
    encoding: str
    delimiter: str
    overlap: int = 0
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A member of a container: it goes through the same examination as its parent did."""

    untrusted_name: bytes
    data: bytes
    outcome: Outcome = OK


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a content yields: its type, pieces to match, children to examine, and how it ended."""

    type: str
    outcome: Outcome
    pieces: tuple[Piece, ...] = ()
    children: tuple[Child, ...] = ()
    notes: tuple[str, ...] = ()
    """Fixed phrases a person should know beside the outcome: a password that opened it, a name that misleads."""


# -------------------------------------------------------------------------------------------------- source records


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One row of the organisation's own table, normalised. Dates ISO 8601, `ssn` nine digits; empty where absent.

    `extra` holds, as they were given, the further fields of the command line's list that are not compared: who is a
    guardian, until when somebody was a member, which address is confidential. Where the organisation keeps its records
    to itself, `fingerprints` are there in place of values (`matching.fingerprint_file`), and `record_key` is a token.
    """

    record_key: str
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    suffix: str = ""
    birth_date: str = ""
    ssn: str = ""
    member_id: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    phone: str = ""
    email: str = ""
    deceased: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    fingerprints: str = ""


ELEMENTS = (
    "name", "birth_date", "ssn", "member_id", "address", "phone", "email", "drivers_license", "passport", "tax_id",
    "financial_account", "medical", "health_insurance", "mrn", "login", "biometric", "genetic", "vehicle",
    "device_serial", "ip", "url", "photo", "certificate", "other_id",
)  # fmt: skip
"""The element catalogue of the command line; the order is that of reports."""


class Kind(StrEnum):
    """The kinds of key by which a record is found on a drive."""

    SSN = "ssn"
    MEMBER_ID = "member_id"
    NAME_AND_BIRTH_DATE = "name+birth_date"


class Moved(StrEnum):
    """How a decoy differs from its record: which value was moved.

    `CHECKED_ID` is a member id whose check digit is a wrong one, or a right one of a number that nobody has.
    """

    SSN = "ssn"
    MEMBER_ID = "member_id"
    NAME_AND_BIRTH_DATE = "name+birth_date"
    CHECKED_ID = "member_id with check digit"


class Probe(Protocol):
    """Asks the records' index without knowing the records: the seam between `detection` and `matching`.

    `find` takes a kind and one 64-bit key a candidate (made by `forensics.keys`) and returns two arrays of equal
    length: the positions in `keys` that hit, and the record numbers they hit. A key held by two records comes twice.
    `find_names` does so for pairs of name words (`keys.name_part`) each beside a date in days since 1970-01-01;
    `have_names` says of such pairs, without a date, where asking is idle (False), and may be wrong where it says True.
    `id_digits` are the lengths of digit runs that member ids have.
    """

    id_digits: frozenset[int]

    def find(self, kind: Kind, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]: ...

    def have_names(self, names: NDArray[np.uint64]) -> NDArray[np.bool_]: ...

    def find_names(
        self, names: NDArray[np.uint64], days: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]: ...


class Tier(StrEnum):
    CONFIRMED = "confirmed"
    PROBABLE = "probable"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One record found at one place: which elements stand there, which decided, which disagree."""

    locator: str
    record: int
    region: Region
    archived: bool
    elements: frozenset[str]
    agree: frozenset[str]
    conflict: frozenset[str]
    road: str
    why: str = ""
    """Of a row that linkage found alike: how alike each field is and what it weighs, without values."""
    wide: frozenset[str] = frozenset()
    """Deciding fields that stand within twice the window where one field alone agrees; empty where none was opened."""
    version: int = 0
    """Number of the set of values that agrees, where `record` is the standing one of that key; 0 where not told."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One affected person. `places` counts distinct places; `live`, `deleted`, `unallocated`, `archived` how many."""

    record_key: str
    tier: Tier
    elements: tuple[str, ...]
    places: int
    live: int
    deleted: int
    unallocated: int
    archived: int
    first_place: str
    state: str
    minor: bool
    deceased: bool
    review: str


# --------------------------------------------------------------------------------------------------------- custody


@dataclass(frozen=True, slots=True)
class CustodyEvent:
    """One entry of the ledger, as it was read back. `data` holds JSON values without floats."""

    seq: int
    utc: str
    actor: str
    event: str
    exhibit: str
    data: dict[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was checked: of what, which check, whether it holds, and what was seen.

    `holds` is None where the check could not be made here (`detail` says why), which is neither good nor bad.
    """

    subject: str
    check: str
    holds: bool | None
    detail: str = ""


class Signer(Protocol):
    """A person's signing identity, unlocked. `fingerprint` is the SHA-256 of the certificate, lower-case hex."""

    name: str
    organisation: str
    fingerprint: str
    certificate_pem: bytes
    chain_pem: tuple[bytes, ...]
    revocation_list: bytes | None
    """The issuer's CRL in DER as it is now; None where it is not here."""

    def cades(self, content: bytes) -> bytes:
        """A detached CAdES-BES signature over `content`: CMS SignedData in DER with the certificates (RFC 5652)."""
        ...

    def pdf_signer(self) -> Any:
        """The same key as pyHanko's `Signer`, for the report."""
        ...


# --------------------------------------------------------------------------------------------------------- reading


class Readable(Protocol):
    """Random access to bytes that somebody else opened: an image, a device, or the content of a file entry."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`, fewer than `length` only at the end. Raises `OSError` where reading fails."""
        ...
