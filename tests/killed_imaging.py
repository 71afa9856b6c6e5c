"""The imager as a program of its own, which kills itself: `DEVICE FOLDER FORMAT KILL-AT DELAY-MS`.

At the KILL-ATth time that the imager asks whether to stop, a second thread waits DELAY-MS and sends the process the
signal that no process can catch; 0 is never. The reader, the digests and the writers are wherever they are by then.
What an imaging that ended found is written to standard output, with how often it asked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from imaged_drive import acquire


def main(device: str, folder: str, format: str, kill_at: str, delay_ms: str) -> None:
    asked = 0

    def kill() -> None:
        time.sleep(float(delay_ms) / 1000)
        os.kill(os.getpid(), signal.SIGKILL)

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == int(kill_at):
            threading.Thread(target=kill).start()

    found, sink = acquire(Path(device), Path(folder), format, check=check)
    print(
        json.dumps(
            {
                "hashes": found.hashes,
                "bad": [[item.offset, item.length] for item in found.bad],
                "zero_bytes": found.zero_bytes,
                "segments": [path.name for path in sink.segments],
                "asked": asked,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
