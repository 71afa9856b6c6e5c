"""XML out of documents, parsed without entities, network and large trees."""

from __future__ import annotations

from typing import Any

from lxml import etree

from forensics.extraction.archives import Member, Zip
from forensics.extraction.content import Damaged, NotExamined
from forensics.model import OutcomeKind

_PART_LIMIT = 128 << 20
"""Bytes of one XML part: its tree takes about ten times as much."""


def parse(data: bytes) -> Any:
    """The root element. Raises `lxml.etree.XMLSyntaxError`, also for trees deeper than 256 or huge text nodes."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(data, parser)


def part(package: Zip, member: Member) -> Any:
    """The root of a part of a package. Raises `NotExamined` or `Damaged` where it is not unpacked, else as `parse`."""
    data, problem = package.read(member, _PART_LIMIT)
    if problem:
        raise (NotExamined if problem.kind is OutcomeKind.NOT_EXAMINED else Damaged)(problem.reason)
    return parse(data)
