"""How fast the custody ledger is: entries appended a second, each on the disk, and 100,000 entries verified.

    python3 tests/bench/ledger.py [FOLDER]

Targets: append at least 100 a second with fsync; 100,000 entries verified in 3 s, by the program and by the stand-alone
script. FOLDER is on the disk to measure; the temporary folder where it is not given.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from forensics.custody import ledger
from forensics.custody.ledger import Ledger
from forensics.resources import resource

APPENDED, VERIFIED = 1_000, 100_000


def appended(folder: Path) -> float:
    """Entries a second, each written and synchronised before the next."""
    book = Ledger(folder / "append")
    start = time.perf_counter()
    for number in range(APPENDED):
        book.append("note", actor="bench", exhibit="E-001", data={"number": number, "note": "as long as most are"})
    return APPENDED / (time.perf_counter() - start)


def long_ledger(path: Path, entries: int = VERIFIED) -> None:
    """A ledger of many entries, sealed as `append` seals them but without a synchronisation for each."""
    book = Ledger(path.parent / "first")
    book.append("note", actor="bench", exhibit="E-001", data={"number": 0, "note": "as long as most are"})
    entry = ledger._parse(book.path.read_bytes())
    prev = ledger.NO_HEAD
    with path.open("wb") as stream:
        for number in range(1, entries + 1):
            fresh = {name: value for name, value in entry.items() if name != "sha256"}
            line = ledger._sealed(fresh | {"seq": number, "prev": prev})
            stream.write(line)
            prev = hashlib.sha256(line).hexdigest()


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        print(f"append with fsync: {appended(folder):,.0f} entries/s (target 100)")
        path = folder / "ledger.jsonl"
        long_ledger(path)
        print(f"{VERIFIED:,} entries: {path.stat().st_size / 1e6:.1f} MB")
        start, used = time.perf_counter(), time.process_time()
        facts = ledger.check(path)
        assert all(fact.holds for fact in facts), facts
        print(
            f"verify: {time.perf_counter() - start:.2f} s, of it {time.process_time() - used:.2f} s at work (target 3)"
        )
        start = time.perf_counter()
        subprocess.run([sys.executable, resource("package", "verify_ledger.py"), path], check=True, capture_output=True)
        print(f"verify_ledger.py: {time.perf_counter() - start:.2f} s (target 3)")


if __name__ == "__main__":
    main()
