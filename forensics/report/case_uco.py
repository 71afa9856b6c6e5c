"""The provenance as a CASE/UCO graph in JSON-LD: who did what to which exhibit, with what, and what came out.

Written node by node, because a drive has a million files and no graph library holds them in little memory. Every node's
name is derived from the case, so the same case gives the same graph. No data subject is in it: people are those who
act, and a file of the exhibit is there only where the caller gives it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forensics.model import Acquisition, CustodyEvent

CONTEXT = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "kb": "urn:drivecustody:",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_METHODS = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512"}
"""Names of the vocabulary HashNameVocab; BLAKE3 has none there and stands under its own."""

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of an exhibit as the graph shows it. `digests` are algorithm → hex; `locator` is its name."""

    locator: str
    exhibit: str
    size: int
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the graph is made of. `exhibits` are label and description; `tool` is name and version of this program."""

    case_id: str
    number: str
    title: str
    organisation: str
    tool: tuple[str, str]
    exhibits: Sequence[tuple[str, str]]
    acquisitions: Sequence[Acquisition]
    events: Sequence[CustodyEvent]


def graph(told: Provenance, files: Iterable[ListedFile] = ()) -> Iterator[bytes]:
    """The document in UTF-8, piece by piece."""
    yield b'{"@context":' + _json(CONTEXT) + b',\n"@graph":[\n'
    separator = b""
    for node in _Nodes(told).all(files):
        yield separator + _json(node)
        separator = b",\n"
    yield b"\n]}\n"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")


def _typed(value: object, kind: str) -> Node:
    return {"@type": kind, "@value": str(value)}


class _Nodes:
    def __init__(self, told: Provenance) -> None:
        self._told = told
        self._space = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:drivecustody:{told.case_id}")

    def _ref(self, kind: str, *name: object) -> Node:
        # The class, a hyphen and a UUID: the form that CASE asks of identifiers.
        return {"@id": f"kb:{kind}-{uuid.uuid5(self._space, json.dumps([kind, *map(str, name)]))}"}

    def all(self, files: Iterable[ListedFile]) -> Iterator[Node]:
        told = self._told
        tool = self._ref("Tool", *told.tool)
        yield {
            **tool,
            "@type": "uco-tool:Tool",
            "uco-core:name": told.tool[0],
            "uco-tool:toolType": "forensic examination",
            "uco-tool:version": told.tool[1],
        }
        yield {**self._ref("Organization", told.organisation), "@type": "uco-identity:Organization",
               "uco-core:name": told.organisation}  # fmt: skip
        yield from self._people()
        for label, description in told.exhibits:
            yield from self._exhibit(label, description)
        for acquisition in told.acquisitions:
            yield from self._image(acquisition)
        yield from self._actions(tool)
        contents = [self._ref("Device", label) for label, _ in told.exhibits]
        contents += [self._ref("Image", each.exhibit) for each in told.acquisitions]
        contents += [self._ref("InvestigativeAction", event.seq) for event in told.events]
        yield {
            **self._ref("Investigation", told.case_id),
            "@type": "case-investigation:Investigation",
            "uco-core:name": f"{told.number} {told.title}".strip(),
            "uco-core:object": contents,
        }
        for file in files:
            yield from self._file(file)

    def _people(self) -> Iterator[Node]:
        names = {event.actor for event in self._told.events if event.actor}
        names |= {name for event in self._told.events for name in _parties(event)}
        for name in sorted(names):
            yield {**self._ref("Person", name), "@type": "uco-identity:Person", "uco-core:name": _person(name)}

    def _exhibit(self, label: str, description: str) -> Iterator[Node]:
        device = next((each.device for each in self._told.acquisitions if each.exhibit == label), None)
        facet: Node = {**self._ref("DeviceFacet", label), "@type": "uco-observable:DeviceFacet"}
        facets = [facet]
        if device is not None:
            facet |= {
                f"uco-observable:{name}": value
                for name, value in (("model", device.model), ("serialNumber", device.serial))
                if value
            }
            facets.append(
                {
                    **self._ref("StorageMediumFacet", label),
                    "@type": "uco-observable:StorageMediumFacet",
                    "uco-observable:totalStorageCapacityInBytes": device.size,
                }
            )
        yield {
            **self._ref("Device", label),
            "@type": "uco-observable:Device",
            "uco-core:name": label,
            **({"uco-core:description": description} if description else {}),
            "uco-core:hasFacet": facets,
        }
        yield {
            **self._ref("ProvenanceRecord", label),
            "@type": "case-investigation:ProvenanceRecord",
            "case-investigation:exhibitNumber": label,
            "uco-core:object": [self._ref("Device", label)],
        }

    def _image(self, acquisition: Acquisition) -> Iterator[Node]:
        label = acquisition.exhibit
        yield {
            **self._ref("Image", label),
            "@type": "uco-observable:Image",
            "uco-core:name": f"Image of {label}",
            "uco-core:hasFacet": [
                {**self._ref("ImageFacet", label), "@type": "uco-observable:ImageFacet",
                 "uco-observable:imageType": str(acquisition.format)},
                self._content("Image", label, acquisition.size, acquisition.hashes),
            ],
        }  # fmt: skip
        yield {
            **self._ref("ProvenanceRecord", label, "image"),
            "@type": "case-investigation:ProvenanceRecord",
            "case-investigation:exhibitNumber": f"{label} image",
            "case-investigation:rootExhibitNumber": label,
            "uco-core:object": [self._ref("Image", label)],
        }

    def _content(self, kind: str, name: str, size: int, digests: Mapping[str, str]) -> Node:
        hashes = [
            {
                **self._ref("Hash", kind, name, method),
                "@type": "uco-types:Hash",
                "uco-types:hashMethod": _METHODS.get(method, method.upper()),
                "uco-types:hashValue": _typed(value, "xsd:hexBinary"),
            }
            for method, value in sorted(digests.items())
            if value
        ]
        return {
            **self._ref("ContentDataFacet", kind, name),
            "@type": "uco-observable:ContentDataFacet",
            "uco-observable:sizeInBytes": size,
            **({"uco-observable:hash": hashes} if hashes else {}),
        }

    def _file(self, file: ListedFile) -> Iterator[Node]:
        own = self._ref("File", file.locator)
        yield {
            **own,
            "@type": "uco-observable:File",
            "uco-core:hasFacet": [
                {**self._ref("FileFacet", file.locator), "@type": "uco-observable:FileFacet",
                 "uco-observable:filePath": file.locator, "uco-observable:sizeInBytes": file.size},
                self._content("File", file.locator, file.size, file.digests),
            ],
        }  # fmt: skip
        yield {
            **self._ref("ObservableRelationship", file.locator),
            "@type": "uco-observable:ObservableRelationship",
            "uco-core:source": own,
            "uco-core:target": self._ref("Image", file.exhibit),
            "uco-core:kindOfRelationship": "Contained_Within",
            "uco-core:isDirectional": True,
        }

    def _actions(self, tool: Node) -> Iterator[Node]:
        imaged = {each.exhibit for each in self._told.acquisitions}
        before: Node | None = None
        for event in self._told.events:
            verb = str(event.data.get("verb", ""))
            own = self._ref("InvestigativeAction", event.seq)
            node = {
                **own,
                "@type": "case-investigation:InvestigativeAction",
                "uco-core:name": f"{verb} {event.event}".strip(),
                "uco-core:description": f"Custody ledger entry {event.seq}, SHA-256 {event.digest}",
                "uco-action:startTime": _typed(event.utc, "xsd:dateTime"),
                "uco-action:instrument": [tool],
            }
            if event.actor:
                node["uco-action:performer"] = self._ref("Person", event.actor)
            if parties := [self._ref("Person", name) for name in _parties(event)]:
                node["uco-action:participant"] = parties
            if event.exhibit and any(event.exhibit == label for label, _ in self._told.exhibits):
                node["uco-action:object"] = [self._ref("Device", event.exhibit)]
            if verb in ("acquire", "import-image") and event.event == "finished" and event.exhibit in imaged:
                node["uco-action:result"] = [self._ref("Image", event.exhibit)]
            if before is not None:
                node["case-investigation:wasInformedBy"] = [before]
            before = own
            yield node


def _parties(event: CustodyEvent) -> list[str]:
    """The people that an entry names as giving and taking."""
    said = event.data.get("received", event.data)
    said = said if isinstance(said, Mapping) else {}
    return [str(said[side]) for side in ("from", "to") if said.get(side)]


def _person(actor: str) -> str:
    fingerprint = len(actor) == 64 and all(character in "0123456789abcdef" for character in actor)
    return f"Holder of the certificate with SHA-256 {actor}" if fingerprint else actor
