"""VERIFY.txt: how a stranger checks a package with sha256sum, openssl, python3 and pdfsig, and without this program.

The text is also a shell script: prose stands behind `#`, so that what is read is what is run.
"""

from __future__ import annotations

from collections.abc import Collection

SIGNER, LISTS = "data/certs/package-signer.pem", "data/custody/crls/"

_HEAD = """\
# How to check this package. Every line that does not begin with # is a command; run them in this folder one by one,
# or all of them, stopping at the first that fails:  sh -e VERIFY.txt
# Needed: sha256sum, openssl 3, python3, and pdfsig (poppler-utils) for the last step.
# This text came with the package: where it matters, read the commands before you run them.
"""

_FILES = """
# {step}. Every listed file is as it was when the package was made (no line may say FAILED):
sha256sum --check --strict --quiet tagmanifest-sha256.txt
sha256sum --check --strict --quiet manifest-sha256.txt

# {next}. No file was added (sha256sum does not see those):
python3 - <<'END'
import pathlib, sys
listed = {{"tagmanifest-sha256.txt", "tagmanifest-sha256.txt.p7s", "tagmanifest-sha256.txt.p7s.tsr"}}
for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
    listed |= {{line[66:] for line in pathlib.Path(name).read_text("ascii").splitlines()}}
added = sorted(p.as_posix() for p in pathlib.Path().rglob("*") if not p.is_dir() and p.as_posix() not in listed)
print("added files:", ", ".join(added) or "none")
sys.exit(bool(added))
END
"""

_SIGNED = """
# {step}. The list of files was signed by the person named in bag-info.txt ("CAdES Verification successful"):
openssl cms -verify -cades -binary -inform DER -in tagmanifest-sha256.txt.p7s -content tagmanifest-sha256.txt \\
  -CAfile {anchor} -partial_chain -purpose any -out /dev/null
# Compare this fingerprint with one that the organisation gave you by another road:
openssl x509 -in {root} -noout -subject -fingerprint -sha256
"""

_STAMPED = """
# {step}. When it was signed: a time stamp, where there is one (it may have joined later, so no list names it). Compare
# the fingerprint with one that the time stamping authority publishes; nothing here knows whom you trust:
if [ -f tagmanifest-sha256.txt.p7s.tsr ]; then
  work=$(mktemp -d)
  openssl ts -reply -in tagmanifest-sha256.txt.p7s.tsr -token_out -out "$work/token"
  openssl pkcs7 -inform DER -in "$work/token" -print_certs -out "$work/time.pem"
  openssl ts -verify -data tagmanifest-sha256.txt.p7s -in tagmanifest-sha256.txt.p7s.tsr \\
    -CAfile "$work/time.pem" -partial_chain
  openssl ts -reply -in tagmanifest-sha256.txt.p7s.tsr -text | grep "Time stamp"
  openssl x509 -in "$work/time.pem" -noout -subject -fingerprint -sha256
  rm -r "$work"
else
  echo "no trusted time: the signer's clock only"
fi
"""

_DRAFT = """
# This package is a draft: nobody signed it. The checks below show that it is consistent, not who made it.
"""

_LEDGER = """
# {step}. The custody ledger is one unbroken chain, and each checkpoint names a state of it. Compare the last line and
# the size with every receipt that somebody else holds: only those show that the newest entries were not cut off.
python3 verify_ledger.py {files}
"""

_CHECKPOINTS = """
# The checkpoints were signed by the people whose certificates stand in {certs}; compare the fingerprints:
work=$(mktemp -d)
cat {certs} > "$work/people.pem"
for p7s in {folder}/*.p7s; do
  text=${{p7s##*/}}
  openssl cms -verify -cades -binary -inform DER -in "$p7s" -content "{folder}/${{text%%[-.]*}}.txt" \\
    -CAfile "$work/people.pem" -partial_chain -purpose any -out /dev/null
done
for pem in {certs}; do
  openssl x509 -in "$pem" -noout -subject -fingerprint -sha256
done
rm -r "$work"
"""

_STAMPED_CHECKPOINTS = """
# Some of these signatures were time-stamped:
work=$(mktemp -d)
for tsr in {folder}/*.tsr; do
  openssl ts -reply -in "$tsr" -token_out -out "$work/token"
  openssl pkcs7 -inform DER -in "$work/token" -print_certs -out "$work/time.pem"
  openssl ts -verify -data "${{tsr%.tsr}}.p7s" -in "$tsr" -CAfile "$work/time.pem" -partial_chain
  openssl ts -reply -in "$tsr" -text | grep "Time stamp"
done
rm -r "$work"
"""

_REPORT = """
# {step}. The report carries its own signature. By openssl (a signature in a PDF leaves out its own bytes; those that
# it covers are put together first):
work=$(mktemp -d)
cat {certs} > "$work/people.pem"
python3 - data/report.pdf "$work" <<'END'
import pathlib, re, sys
pdf, work = pathlib.Path(sys.argv[1]).read_bytes(), pathlib.Path(sys.argv[2])
found = re.search(rb"/ByteRange\\s*\\[\\s*(\\d+)\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)\\s*\\]", pdf)
start, first, second, last = map(int, found.groups())
cms = bytes.fromhex(pdf[first + 1 : second - 1].decode())
size = 4 + int.from_bytes(cms[2:4], "big")
(work / "report.bytes").write_bytes(pdf[start:first] + pdf[second : second + last])
(work / "report.p7s").write_bytes(cms[:size])
print("signed:", second + last, "of", len(pdf), "bytes")
END
openssl cms -verify -cades -binary -inform DER -in "$work/report.p7s" -content "$work/report.bytes" \\
  -CAfile "$work/people.pem" -partial_chain -purpose any -out /dev/null
rm -r "$work"
# By pdfsig ("Signature is Valid" and "Total document signed"; the issuer is unknown to it unless you import the root):
pdfsig data/report.pdf
"""

_LISTS = """
# {step}. Nobody who signed had been revoked. First the revocation lists of the package: each was signed by an authority
# whose certificate is in it ("verify OK"). Then every certificate is looked up in each of them: "OK" where it is not on
# a list of its authority; nothing where its authority gave none. "revoked" comes with its day: a signature made before
# that day counts, a later one does not (the last step compares them), and whoever signed the package itself must not be
# on a list that lies in it. Lists and certificates run out and what was signed before does not, so no clock is asked.
work=$(mktemp -d)
cat {certs} > "$work/people.pem"
for crl in {folder}*.crl; do
  openssl crl -inform DER -in "$crl" -CAfile "$work/people.pem" -out "$work/${{crl##*/}}" 2> "$work/said"
  cat "$work/said"
  grep -q "verify OK" "$work/said"
  openssl crl -in "$work/${{crl##*/}}" -noout -issuer -lastupdate -nextupdate
done
for pem in {people}; do
  openssl x509 -in "$pem" -noout -subject
  for crl in "$work"/*.crl; do
    openssl verify -crl_check -no_check_time -partial_chain -CAfile "$work/people.pem" -CRLfile "$crl" "$pem" \\
      > "$work/said" 2>&1 || true
    if grep -q "certificate revoked" "$work/said"; then
      cat "$work/said"
      serial=$(openssl x509 -in "$pem" -noout -serial)
      openssl crl -in "$crl" -noout -text | grep -A 1 "Serial Number: ${{serial#serial=}}"
      if [ "$pem" = {signer} ]; then false; fi
    else
      grep ": OK" "$work/said" || true
    fi
  done
done
rm -r "$work"
"""

_IMAGE = """
# {step}. The image, where you have it: its digests are in data/exhibits/*/acquisition.json. For an E01:
#   ewfverify -d sha256 IMAGE.E01
# For a raw image: sha256sum IMAGE
"""


_FACTS = """
# {step}. All of this and more as separate facts, by python3 and openssl alone (receipts after --receipt):
python3 verify_package.py .
"""


def recipe(names: Collection[str], signed_by: tuple[str, str] | None) -> str:
    """The text for a package of these files. `signed_by` are the certificate files to trust and to print, or None."""
    step = iter(range(1, 12))
    text = _HEAD
    text += _SIGNED.format(step=next(step), anchor=signed_by[0], root=signed_by[1]) if signed_by else _DRAFT
    text += _STAMPED.format(step=next(step)) if signed_by else ""
    text += _FILES.format(step=next(step), next=next(step))
    if "verify_ledger.py" in names and "data/custody/ledger.jsonl" in names:
        checkpoints = sorted(n for n in names if n.startswith("data/custody/checkpoints/") and n.endswith(".txt"))
        text += _LEDGER.format(step=next(step), files=" ".join(["data/custody/ledger.jsonl", *checkpoints]))
        text += _checkpoints(names, signed_by[0]) if signed_by else ""
    if "data/report.pdf" in names and signed_by:
        # Another person may have signed the report; whoever did also signed the ledger before it.
        certs = f"{signed_by[0]} {_people(names)}".strip()
        text += _REPORT.format(step=next(step), certs=certs)
    if signed_by and SIGNER in names and any(n.startswith(LISTS) for n in names):
        certs = f"{signed_by[0]} {_people(names)}".strip()
        people = f"{SIGNER} {_people(names)}".strip()
        text += _LISTS.format(step=next(step), certs=certs, people=people, signer=SIGNER, folder=LISTS)
    if any(n.startswith("data/exhibits/") for n in names):
        text += _IMAGE.format(step=next(step))
    if "verify_package.py" in names:
        text += _FACTS.format(step=next(step))
    return text


def _checkpoints(names: Collection[str], anchor: str) -> str:
    folder = "data/custody/checkpoints"
    kinds = {n.rpartition(".")[2] for n in names if n.startswith(folder + "/")}
    certs = _people(names) or anchor
    text = _CHECKPOINTS.format(folder=folder, certs=certs) if "p7s" in kinds else ""
    return text + (_STAMPED_CHECKPOINTS.format(folder=folder) if "tsr" in kinds else "")


def _people(names: Collection[str]) -> str:
    return "data/custody/certs/*.pem" if any(n.startswith("data/custody/certs/") for n in names) else ""
