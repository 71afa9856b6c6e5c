"""Checks a custody ledger with nothing but Python 3: python3 verify_ledger.py ledger.jsonl [checkpoint.txt ...]

Every line must be canonical JSON, be what its own digest says, and continue the line before it; a checkpoint must name
a line of this ledger and its digest. Whether a checkpoint was signed, this does not check:
openssl cms -verify -cades -binary -inform DER -in X.p7s -content X.txt -CAfile ROOT.pem -purpose any
Exit status 0: all of it holds. 1: something does not, or a file could not be read.
"""

import hashlib
import json
import sys
from pathlib import Path


def whole(text):
    raise ValueError("a number is not whole: " + text)


ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
DECODER = json.JSONDecoder(parse_float=whole, parse_constant=whole)


def read_ledger(data):
    """SHA-256 of every line, in order; raises ValueError at the first one that does not hold."""
    digests = []
    if not data.endswith(b"\n"):
        raise ValueError("the ledger is empty or ends inside a line")
    for number, line in enumerate(data[:-1].split(b"\n"), 1):
        try:
            entry = DECODER.decode(line.decode("ascii"))
            holds = type(entry) is dict and ENCODER.encode(entry).encode() == line and type(entry["seq"]) is int
            # Its own digest is over the line without that field, the last one but two of the sorted keys.
            before, _, after = line.rpartition(f'"sha256":"{entry["sha256"]}",'.encode())
            own = hashlib.sha256(before + after + b"\n").hexdigest()
            holds = holds and entry["sha256"] == own and entry["seq"] == number
            holds = holds and entry["prev"] == (digests[-1] if digests else "0" * 64)
        except (ValueError, KeyError, TypeError, RecursionError):
            holds = False
        if not holds:
            raise ValueError(f"line {number} was changed, or does not continue the line before it")
        digests.append(hashlib.sha256(line + b"\n").hexdigest())
    return digests


def main(ledger, *checkpoints):
    digests = read_ledger(Path(ledger).read_bytes())
    print(f"{ledger}: {len(digests)} lines, chain and own digests hold, head {digests[-1]}")
    for checkpoint in checkpoints:
        title, _, rest = Path(checkpoint).read_bytes().decode("utf-8").partition("\n")
        known = {f"{size}\n{digest}\n": size for size, digest in enumerate(digests, 1)}
        if not title.startswith("custody-ledger/v1 ") or rest not in known:
            raise ValueError(f"{checkpoint} names {' '.join(rest.split())[:90]}: not a state of this ledger")
        print(f"{checkpoint}: {title}: line {known[rest]} is as it was then; its signature was not checked here")


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
    except (OSError, ValueError) as problem:
        sys.exit(f"DOES NOT HOLD: {problem}")
