"""The graph must be CASE by CASE's own validator, the same for the same case, and hold nobody but those who act."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

from forensics.model import CustodyEvent
from forensics.report.case_uco import ListedFile, Provenance, graph
from tests.unit.report_fixtures import report_facts

JUDGE = Path(sys.executable).with_name("case_validate")


def told() -> Provenance:
    acquisition = report_facts().acquisitions[0].acquisition
    events = [
        ("received", {"from": "Former employee", "to": "Dana Examiner"}),
        ("started", {"verb": "acquire"}),
        ("finished", {"verb": "acquire", "outcome": "ok"}),
        ("transfer", {"from": "Dana Examiner", "to": "Cass “the keeper” Taker"}),
    ]
    entries = [
        CustodyEvent(n, f"2026-11-20T09:0{n}:00.000000Z", "ab" * 32 if n == 4 else "Dana Examiner", event,
                     "E-001", data, f"{n:064x}")
        for n, (event, data) in enumerate(events, 1)
    ]  # fmt: skip
    return Provenance(
        "3f6c", "2026-0417", "Returned drive", "Northgate Health Plan", ("DriveCustody", "0.1.0"),
        [("E-001", "Black stick")], [acquisition], entries,
    )  # fmt: skip


FILES = [
    ListedFile("E-001/vol2/Work/a%20b.xlsx", "E-001", 12, {"sha256": "a" * 64, "md5": "b" * 32}),
    ListedFile("E-001/vol2/empty", "E-001", 0, {}),
]


def validated(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([JUDGE, path], capture_output=True, text=True, timeout=120)


def test_case_validate_accepts_the_graph_and_refuses_a_broken_one(tmp_path: Path) -> None:
    document = b"".join(graph(told(), FILES))
    (tmp_path / "case.jsonld").write_bytes(document)
    judged = validated(tmp_path / "case.jsonld")
    assert judged.returncode == 0, judged.stdout
    assert "Conforms: True" in judged.stdout
    (tmp_path / "broken.jsonld").write_bytes(document.replace(b"uco-types:hashValue", b"uco-types:hashValu"))
    assert validated(tmp_path / "broken.jsonld").returncode != 0


def test_the_graph_says_who_did_what_with_what_and_what_came_of_it() -> None:
    nodes = {node["@id"]: node for node in json.loads(b"".join(graph(told(), FILES)))["@graph"]}
    assert len(nodes) == len(json.loads(b"".join(graph(told(), FILES)))["@graph"])
    acquired = next(node for node in nodes.values() if node.get("uco-core:name") == "acquire finished")
    image = nodes[acquired["uco-action:result"][0]["@id"]]
    assert image["@type"] == "uco-observable:Image"
    assert nodes[acquired["uco-action:performer"]["@id"]]["uco-core:name"] == "Dana Examiner"
    transfer = next(node for node in nodes.values() if node.get("uco-core:name") == "transfer")
    parties = [nodes[each["@id"]]["uco-core:name"] for each in transfer["uco-action:participant"]]
    assert parties == ["Dana Examiner", "Cass “the keeper” Taker"]
    digests = {
        each["uco-types:hashMethod"]: each["uco-types:hashValue"]["@value"]
        for facet in image["uco-core:hasFacet"]
        for each in facet.get("uco-observable:hash", ())
    }
    acquisition = told().acquisitions[0]
    assert digests["SHA256"] == acquisition.hashes["sha256"]
    everything = {node["@id"] for node in nodes.values()}
    whole = next(node for node in nodes.values() if node["@type"] == "case-investigation:Investigation")
    assert {each["@id"] for each in whole["uco-core:object"]} <= everything


def test_the_same_case_gives_the_same_bytes() -> None:
    assert b"".join(graph(told(), FILES)) == b"".join(graph(told(), FILES))


def test_many_files_are_streamed() -> None:
    count = 20_000
    files = (ListedFile(f"E-001/vol2/{n}", "E-001", n, {"sha256": "a" * 64}) for n in range(count))
    tracemalloc.start()
    size = sum(len(piece) for piece in graph(told(), files))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > count * 500
    assert peak < 2 << 20
