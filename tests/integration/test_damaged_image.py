"""An image that rots after it was taken in: what cannot be read is named, everything else is examined and matched.

The image is a set of segments by `ewfacquire -c none -S 1048576`; one byte of a file on it is changed in the case.
"""

import json
import random
import subprocess
from pathlib import Path

from worked_example import drivecustody

from forensics.casefile.views import CaseView

PASSPHRASE = "a passphrase"
ROWS = "member_id,first_name,last_name,dob,ssn\nM100001,Ada,Marlowe,1961-02-03,219099991\n"
NOISE = random.Random(5).randbytes(400_000)


def test_a_damaged_chunk_costs_its_own_file_and_is_named(tmp_path: Path) -> None:
    raw, case = tmp_path / "drive.dd", tmp_path / "rot.dcase"
    with raw.open("wb") as stream:
        stream.truncate(8 << 20)
    subprocess.run(["mkfs.vfat", raw], check=True, capture_output=True)
    for name, data in (("members.csv", ROWS.encode()), ("noise.bin", NOISE)):
        (tmp_path / name).write_bytes(data)
        subprocess.run(["mcopy", "-i", raw, tmp_path / name, f"::/{name}"], check=True)
    subprocess.run(
        ["ewfacquire", "-u", "-q", "-c", "none", "-S", "1048576", "-t", tmp_path / "set", raw],
        check=True, capture_output=True,
    )  # fmt: skip
    env = {"DRIVECUSTODY_PASSPHRASE": PASSPHRASE, "DRIVECUSTODY_IDENTITIES": str(tmp_path / "ids")}
    drivecustody(
        "new", case, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "business",
        "--examiner", "E", env=env,
    )  # fmt: skip
    drivecustody("receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B", env=env)
    drivecustody("import-image", case, "--exhibit", "E-001", tmp_path / "set.E01", env=env)
    segments = sorted((case / "images" / "E-001").glob("*.E*"))
    assert len(segments) > 5
    mark = NOISE[200_000:200_040]
    (rotten,) = [path for path in segments if mark in path.read_bytes()]
    data = bytearray(rotten.read_bytes())
    data[data.index(mark)] ^= 1
    rotten.chmod(0o600)
    rotten.write_bytes(data)

    drivecustody("index", case, env=env)
    drivecustody("records", "add", case, tmp_path / "members.csv", env=env)
    said = drivecustody("match", case, "--json", env=env)
    assert said.count("the image does not match its checksums here; the rest of the range was compared") == 1
    with CaseView.open(case, PASSPHRASE) as view:
        rows = {row.name.lower(): row.outcome for row in view.all_files()}
        reasons = [item.reason for item in view.not_examined()]
    assert (rows["members.csv"], rows["noise.bin"]) == ("ok", "failed")
    assert "its content could not be read" in reasons
    assert json.loads(said.splitlines()[-1])["result"]["records_found"] == 1
