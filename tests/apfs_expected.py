"""What an independent reader says of a container of APFS, as the `apfs-*.expected.txt` of `images`.

    pip install dissect.apfs==1.1      (AGPL-3.0: for making these lists alone, no part of the program or its tests)
    python3 tests/apfs_expected.py IMAGE [PASSWORD] > tests/images/NAME.expected.txt

A line an entry: path in hexadecimal, bytes, times of change, creation and access in nanoseconds, SHA-256. Extended
attributes stand behind the name of what has them.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

FORK, HEADER = "com.apple.ResourceFork", "com.apple.decmpfs"


def tell(node: Any, path: str, stream: Any) -> None:
    data, inode = stream.read(), node.inode
    times = (inode.mod_time, inode.create_time, inode.access_time)
    print(path.encode().hex(), len(data), *times, hashlib.sha256(data).hexdigest(), sep="\t")


def walk(directory: Any, path: str, seen: set[int]) -> None:
    for name, entry in directory.listdir().items():
        node = entry if hasattr(entry, "listdir") else entry.inode
        here = f"{path}/{name}" if path else name
        if node.is_file():
            tell(node, here, node.open())
        for attribute, value in {} if node.is_symlink() else node.xattr.items():
            if attribute != HEADER and not (attribute == FORK and HEADER in node.xattr):
                tell(node, f"{here}:{'rsrc' if attribute == FORK else attribute}", value.open())
        if node.is_dir() and node.oid not in seen:
            seen.add(node.oid)
            walk(node, here, seen)


def main() -> None:
    from dissect.apfs.apfs import APFS

    with Path(sys.argv[1]).open("rb") as image:
        for volume in APFS(image).volumes:
            if len(sys.argv) > 2:
                volume.unlock(sys.argv[2])
            print("# volume", volume.name)
            walk(volume.get("/"), "", set())


if __name__ == "__main__":
    main()
