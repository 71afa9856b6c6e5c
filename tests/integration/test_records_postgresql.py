"""Source records out of a real PostgreSQL: read in one transaction that cannot write, and nothing of it in a message.

The server is Debian's `postgresql`, started as a user who is not root on a socket in a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.errors import DriveCustodyError, EnvironmentFailed, Refused
from forensics.matching.records import Origin, Quality, Reader, understand

pytest.importorskip("pg8000", reason="the postgresql extra is not installed")

PASSWORD = "a-secret-word"
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
AS_NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.name == "posix" and not os.getuid() else {}
ROWS = "".join(f"('M{n}', 'Ann', 'Lee{n}', '1961-02-03', '899-77-{n:04d}')," for n in range(1, 3001)).rstrip(",")
MADE = (
    "CREATE TABLE members (member_id text, first_name text, last_name text, dob date, ssn text);"
    f"INSERT INTO members VALUES {ROWS}; CREATE SCHEMA plan; CREATE TABLE plan.other AS SELECT * FROM members LIMIT 2;"
    "CREATE VIEW named AS SELECT member_id, first_name, last_name, dob FROM members;"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if not PROGRAMS:
        pytest.skip("postgresql is not installed; `python3 start.py test` says how to get it")
    # Every folder above the socket must let `nobody` through, and the path of a socket is short.
    home = Path("/tmp") / f"pg-{os.getpid()}"
    home.mkdir(mode=0o755)
    if AS_NOBODY:
        shutil.chown(home, "nobody", "nogroup")
    secret = home / "password"
    secret.write_text(PASSWORD, "utf-8")
    secret.chmod(0o644)

    def run(*words: str, **more: object) -> None:
        subprocess.run(
            words, check=True, stdout=subprocess.DEVNULL, cwd=home, env={"LC_ALL": "C", "PGPASSWORD": PASSWORD},
            **AS_NOBODY, **more,
        )  # type: ignore[call-overload]  # fmt: skip

    data, control = home / "data", str(PROGRAMS[0] / "pg_ctl")
    run(
        str(PROGRAMS[0] / "initdb"), "-D", str(data), "-U", "reader", "--auth=scram-sha-256", "-E", "UTF8",
        "--no-sync", f"--pwfile={secret}",
    )  # fmt: skip
    options = f"-c listen_addresses='' -c unix_socket_directories='{home}' -c fsync=off"
    run(control, "-D", str(data), "-w", "-l", str(home / "log"), "-o", options, "start")
    try:
        run(
            str(PROGRAMS[0] / "psql"), "-q", "-h", str(home), "-U", "reader", "-d", "postgres", "-v", "ON_ERROR_STOP=1",
            input=MADE.encode(),
        )  # fmt: skip
        yield home
    finally:
        run(control, "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(home)


@pytest.fixture
def url_file(server: Path, tmp_path: Path) -> Path:
    path = tmp_path / "url.txt"
    path.write_text(f"postgresql://reader:{PASSWORD}@/postgres?unix_sock={server}/.s.PGSQL.5432\n", "utf-8")
    return path


def taken(origin: Origin) -> tuple[list[str], Reader]:
    reader = Reader(understand(origin, {}), Quality())
    return [record.record_key for record in reader], reader


def refusal(origin: Origin) -> DriveCustodyError:
    with pytest.raises(DriveCustodyError) as refused:
        taken(origin)
    said = f"{refused.value} {refused.value.remedy}"
    assert refused.value.__cause__ is None
    assert not [secret for secret in (PASSWORD, "899-77", "Lee1") if secret in said]
    return refused.value


def test_a_table_is_read_sorted_by_its_key_and_its_rows_are_hashed(url_file: Path) -> None:
    keys, reader = taken(Origin(url_file, True, "members"))
    assert len(keys) == 3000
    assert keys == sorted(keys)
    assert reader.source.how.endswith("read-only transaction")
    assert reader.source.mapping["birth_date"] == "dob"
    assert taken(Origin(url_file, True, "members"))[1].sha256 == reader.sha256
    assert taken(Origin(url_file, True, "plan.other"))[1].sha256 != reader.sha256


def test_a_query_may_hold_colons_and_per_cent_signs(url_file: Path) -> None:
    query = "SELECT *, '10:30'::text AS t FROM members WHERE last_name LIKE 'Lee1%' AND ':x' <> dob::text;"
    assert len(taken(Origin(url_file, True, query=query))[0]) == 1111


def test_a_query_that_writes_is_refused_and_writes_nothing(url_file: Path) -> None:
    for query in ("DELETE FROM members RETURNING *", "WITH x AS (DELETE FROM members RETURNING *) SELECT * FROM x"):
        assert isinstance(refusal(Origin(url_file, True, query=query)), Refused)
    assert len(taken(Origin(url_file, True, "members"))[0]) == 3000


def test_without_a_table_the_tables_are_named(url_file: Path) -> None:
    assert "members, named" in refusal(Origin(url_file, True)).remedy
    assert isinstance(refusal(Origin(url_file, True, "nothing")), Refused)


def test_an_error_that_quotes_a_value_is_not_passed_on(url_file: Path) -> None:
    refusal(Origin(url_file, True, query="SELECT *, ssn::int AS n FROM members"))


def test_a_wrong_password_or_no_server_is_the_environments(url_file: Path, tmp_path: Path) -> None:
    url = url_file.read_text("utf-8")
    url_file.write_text(url.replace(PASSWORD, "x" + PASSWORD[1:]), "utf-8")
    assert isinstance(refusal(Origin(url_file, True, "members")), EnvironmentFailed)
    url_file.write_text(url.replace(".5432", ".5433"), "utf-8")
    assert isinstance(refusal(Origin(url_file, True, "members")), EnvironmentFailed)
