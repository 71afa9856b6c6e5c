"""Checks an evidence package with nothing but Python 3 and openssl:

    python3 verify_package.py FOLDER [--receipt CHECKPOINT.txt ...]

Says each fact apart, one a line: HOLDS, DOES NOT HOLD, or NOT ASKED where it could not be checked here. No root and no
authority is trusted: their fingerprints are shown, for you to compare. Exit status 1 where anything does not hold.
Stricter still is `drivecustody verify`, which also watches the bytes of a signature that no signature covers.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True

from verify_ledger import read_ledger  # noqa: E402 (imported without leaving compiled modules in the package)

TAGS, PAYLOAD = "tagmanifest-sha256.txt", "manifest-sha256.txt"
SIGNATURE, STAMP = TAGS + ".p7s", TAGS + ".p7s.tsr"
LINE = re.compile(r"([0-9a-f]{64})  ([\x21-\x7e]+)\n")
ANSWERS = {True: "HOLDS", False: "DOES NOT HOLD", None: "NOT ASKED"}
seen = []


def fact(subject, check, holds, detail=""):
    seen.append(holds)
    print(f"{ANSWERS[holds]:<14} {subject}: {check}" + (f" ({detail})" if detail else ""))


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)


def digest(path):
    running = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            running.update(block)
    return running.hexdigest()


def manifest(path):
    """Path -> digest; None where it is not sorted, plain and free of anything else."""
    text = path.read_bytes().decode("ascii", "replace")
    found = LINE.findall(text)
    names = [name for _, name in found]
    whole = "".join(f"{value}  {name}\n" for value, name in found) == text and names == sorted(set(names))
    inside = all(part not in ("", ".", "..") for name in names for part in name.split("/"))
    return {name: value for value, name in found} if whole and inside else None


def check_files(bag):
    there, odd = {}, []
    for path in sorted(bag.rglob("*")):
        name = path.relative_to(bag).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            odd.append(name)
        elif path.is_file():
            there[name] = path
    fact("package", "plain files only", not odd, ", ".join(odd))
    free = {TAGS, SIGNATURE, STAMP}
    for listing, mine in ((TAGS, lambda n: not n.startswith("data/")), (PAYLOAD, lambda n: n.startswith("data/"))):
        listed = manifest(bag / listing) if listing in there else None
        fact(listing, "form", listed is not None, "" if listed is not None else "missing, or not written as a list is")
        expected = {name for name in there if mine(name) and name not in free}
        for name in sorted(expected | set(listed or {})):
            if name not in (listed or {}):
                fact(name, "planted: in no list", False)
            elif name not in there:
                fact(name, "missing", False)
            elif digest(there[name]) != listed[name]:
                fact(name, "not what the list says", False)
        fact(listing, "files as listed", listed is not None and expected == set(listed), f"{len(expected)} files")
    return there


def fingerprint(pem):
    said = openssl("x509", "-in", pem, "-noout", "-subject", "-fingerprint", "-sha256").stdout.split("\n")
    return "; ".join(line for line in said if line)


def check_cms(subject, p7s, content, anchor, bag, pdf=b""):
    with tempfile.TemporaryDirectory() as folder:
        signer = Path(folder) / "signer.pem"
        done = openssl(
            *("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", p7s, "-content", content),
            *("-CAfile", anchor, "-partial_chain", "-purpose", "any", "-signer", signer, "-out", "/dev/null"),
        )
        fact(subject, "signature", done.returncode == 0, "" if done.returncode == 0 else done.stderr.strip()[:200])
        if done.returncode == 0:
            check_revocation(subject, signer, claimed_time(p7s, pdf), anchor, bag)


def when(text):
    """A moment as openssl writes it, `Nov 24 10:30:00 2026 GMT`; its zone is always GMT."""
    return datetime.strptime(" ".join(text.split()).removesuffix(" GMT"), "%b %d %H:%M:%S %Y")


def claimed_time(p7s, pdf):
    """What the signer's clock said: an attribute of the signature, or a line of the PDF. None where neither says it."""
    text = openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", p7s, "-noout").stdout
    said = re.search("signingTime.*?UTCTIME:(.*?)\n", text, re.DOTALL)
    if said:
        return when(said[1])
    said = re.search(rb"/M\s*\(D(?::|\\072)(\d{14})(?:Z|\+00'?00'?)?\)", pdf)
    return datetime.strptime(said[1].decode(), "%Y%m%d%H%M%S") if said else None


def check_revocation(subject, signer, claimed, anchor, bag):
    """Whether the signer was on a revocation list of the package before the time that the signature claims."""
    serial = openssl("x509", "-in", signer, "-noout", "-serial").stdout.strip().partition("=")[2].lstrip("0")
    issuer = openssl("x509", "-in", signer, "-noout", "-issuer_hash").stdout.strip()
    found = []
    for crl in sorted(bag.glob("data/custody/crls/*.crl")):
        form = ("crl", "-inform", "DER", "-in", crl, "-noout")
        mine = openssl(*form, "-hash").stdout.strip() == issuer
        if mine and "verify OK" in openssl(*form, "-CAfile", anchor).stderr:
            found.append(openssl(*form, "-text").stdout)
    if not found or not claimed:
        fact(subject, "revocation", None, "no list of its issuer in the package that its certificates vouch for")
        return
    for text in found:
        entry = re.search(f"Serial Number: 0*{serial}\\s+Revocation Date: (.*)", text)
        if entry:
            before = when(entry[1]) <= claimed
            fact(subject, "revocation", False if before else None, f"revoked on {entry[1]}; it claims {claimed} GMT")
            return
    updates = [re.search("Last Update: (.*)", text)[1] for text in found]
    fact(subject, "revocation", True, f"on none of the lists of {', '.join(updates)}")


def check_stamp(subject, tsr, data, work):
    openssl("ts", "-reply", "-in", tsr, "-token_out", "-out", work / "token")
    openssl("pkcs7", "-inform", "DER", "-in", work / "token", "-print_certs", "-out", work / "time.pem")
    done = openssl("ts", "-verify", "-data", data, "-in", tsr, "-CAfile", work / "time.pem", "-partial_chain")
    said = re.search("Time stamp: (.*)", openssl("ts", "-reply", "-in", tsr, "-text").stdout)
    fact(subject, "time stamp", done.returncode == 0, said[1] if said else "")
    fact(subject, "time stamp trusted", None, fingerprint(work / "time.pem"))


def anchor_of(bag):
    issuers = bag / "data/certs/package-issuers.pem"
    return issuers if issuers.is_file() else bag / "data/certs/package-signer.pem"


def check_signature(bag, there, work):
    told = re.findall("^Signature: (.*)$", (bag / "bag-info.txt").read_text("utf-8"), re.MULTILINE)
    if SIGNATURE not in there:
        draft = told == ["none: this package is a draft"]
        fact(TAGS, "signature", None if draft else False, "a draft: nobody signed it" if draft else "missing")
        return
    anchor = anchor_of(bag)
    check_cms(SIGNATURE, bag / SIGNATURE, bag / TAGS, anchor, bag)
    own = fingerprint(bag / "data/certs/package-signer.pem").rpartition("=")[2].replace(":", "").lower()
    fact(SIGNATURE, "signed by whom bag-info.txt names", len(told) == 1 and told[0].endswith(own), "; ".join(told))
    fact(SIGNATURE, "trusted", None, fingerprint(anchor))
    if STAMP in there:
        check_stamp(STAMP, bag / STAMP, bag / SIGNATURE, work)
    else:
        fact(SIGNATURE, "time", None, "no trusted time: the signer's clock only")


def check_state(subject, text, digests):
    """A checkpoint or receipt against the ledger: three lines, origin, size, head."""
    found = re.fullmatch("custody-ledger/v1 ([^\n]+)\n(0|[1-9][0-9]*)\n([0-9a-f]{64})\n", text)
    if not found:
        fact(subject, "form", False)
        return
    size = int(found[2])
    known = size <= len(digests) and found[3] == (["0" * 64, *digests][size])
    fact(subject, "names a state of this ledger", known, f"{found[1]}: {size} of {len(digests)} entries")


def check_ledger(bag, receipts, work):
    custody = bag / "data/custody"
    try:
        digests = read_ledger((custody / "ledger.jsonl").read_bytes())
        fact("ledger.jsonl", "one unbroken chain", True, f"{len(digests)} entries, head {digests[-1]}")
    except (OSError, ValueError) as problem:
        fact("ledger.jsonl", "one unbroken chain", False, str(problem))
        return
    people = work / "people.pem"
    people.write_text("".join(path.read_text() for path in sorted((custody / "certs").glob("*.pem"))))
    for text in sorted((custody / "checkpoints").glob("*.txt")):
        check_state(text.name, text.read_text("utf-8"), digests)
        for p7s in sorted(text.parent.glob(f"{text.stem}*.p7s")):
            check_cms(p7s.name, p7s, text, people, bag)
            if p7s.with_suffix(".tsr").is_file():
                check_stamp(p7s.with_suffix(".tsr").name, p7s.with_suffix(".tsr"), p7s, work)
    if not receipts:
        fact("ledger.jsonl", "newest entries", None, "only a receipt that somebody else holds shows a cut at the end")
    for receipt in receipts:
        check_state(f"receipt {receipt.name}", receipt.read_text("utf-8"), digests)


def check_report(bag, anchor, work):
    people = work / "signers.pem"
    people.write_text("".join(path.read_text() for path in (anchor, *sorted(bag.glob("data/custody/certs/*.pem")))))
    pdf = (bag / "data/report.pdf").read_bytes()
    found = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", pdf)
    if not found:
        fact("report.pdf", "signature", None, "a draft: nobody signed it")
        return
    for number, (start, first, second, last) in enumerate((map(int, each) for each in found), 1):
        if number > 1:
            fact("report.pdf", f"signature {number}", None, "of another person or authority: pdfsig shows it")
            continue
        raw = bytes.fromhex(pdf[first + 1 : second - 1].decode("ascii"))
        (work / "report.p7s").write_bytes(raw[: 4 + int.from_bytes(raw[2:4], "big")])
        (work / "report.bytes").write_bytes(pdf[start:first] + pdf[second : second + last])
        check_cms("report.pdf", work / "report.p7s", work / "report.bytes", people, bag, pdf)
    whole = max(int(second) + int(last) for *_, second, last in found)
    fact("report.pdf", "covered to its last byte", whole == len(pdf), f"{whole} of {len(pdf)} bytes")


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        return __doc__
    bag, receipts = Path(arguments[0]), [Path(each) for each in arguments[1:] if each != "--receipt"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        there = check_files(bag)
        checks = {"signature": lambda: check_signature(bag, there, work)}
        if "data/custody/ledger.jsonl" in there:
            checks["ledger"] = lambda: check_ledger(bag, receipts, work)
        if "data/report.pdf" in there:
            checks["report"] = lambda: check_report(bag, anchor_of(bag), work)
        for name, check in checks.items():
            try:
                check()
            except (OSError, ValueError) as problem:
                fact(name, "can be read", False, str(problem))
    return 1 if False in seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
