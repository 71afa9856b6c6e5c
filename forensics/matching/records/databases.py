"""Records in databases: a SQLite file, or whatever an SQLAlchemy URL leads to. Nothing is written there, and no value
of theirs comes into a message."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from forensics.errors import EnvironmentFailed, Refused
from forensics.matching.records.origin import Origin, Row, Table, cell_text

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

SQLITE = b"SQLite format 3\0"
"""The first bytes of a database (SQLite, "Database File Format", 1.3)."""

FETCHED = 10_000
"""Rows that a server sends at a time."""

READ_ONLY = {
    "postgresql": ("REPEATABLE READ", "SET TRANSACTION READ ONLY"),
    "mysql": ("REPEATABLE READ", ""),
    "mariadb": ("REPEATABLE READ", ""),
}
"""Dialect → isolation level, and what makes the transaction refuse to write. Elsewhere it is only rolled back."""

DRIVERS = {"postgresql": "postgresql+pg8000"}
"""Which driver a URL without one means: the one that the `postgresql` extra installs."""


@contextmanager
def of_sqlite(origin: Origin) -> Iterator[Table]:
    if any(
        wal.is_file() and wal.stat().st_size
        for wal in (origin.path.with_name(origin.path.name + end) for end in ("-wal", "-journal"))
    ):
        raise Refused(
            f"{origin.said} was not closed: a journal of changes stands beside it.",
            "Close the program that uses it, or give a copy made with VACUUM INTO.",
        )
    # Immutable, or SQLite would make files beside the organisation's own.
    uri = f"{origin.path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            names = [
                str(name)
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%'"
                    " ESCAPE '\\' ORDER BY name"
                )
            ]
            table = "" if origin.query else _chosen(origin, names)
            quoted = table.replace('"', '""')
            found = connection.execute(origin.query or f'SELECT * FROM "{quoted}"')  # noqa: S608
            yield Table(
                _header(origin, [column[0] for column in found.description or ()]),
                ([cell_text(value) for value in row] for row in found),
                1,
                f"SQLite, table {table}" if table else "SQLite, by a query",
                [name for name in names if name != table],
            )
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise Refused(
            f"{origin.said} cannot be read as a SQLite database ({type(error).__name__}).",
            "Check --table or --query, and that the file is whole.",
        ) from None


def _chosen(origin: Origin, names: Sequence[str]) -> str:
    if origin.table:
        found = [name for name in names if name.casefold() == origin.table.casefold()]
        if not found:
            raise Refused(f"There is no table {origin.table}.", f"The tables are: {', '.join(names) or 'none'}.")
        return found[0]
    if len(names) != 1:
        raise Refused(
            f"{origin.said} holds {len(names)} tables." if names else f"{origin.said} holds no table.",
            f"Choose one with --table: {', '.join(names)}." if names else "Check that it is the right one.",
        )
    return names[0]


def _header(origin: Origin, names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        raise Refused(f"{origin.said} gives no rows.", "Give a SELECT with --query, or a table with --table.")
    return tuple(str(name) for name in names)


@contextmanager
def of_url(origin: Origin, order_by: str = "") -> Iterator[Table]:
    """One table or query, streamed out of one transaction that sees one state and cannot write where the database
    knows such transactions."""
    import sqlalchemy

    url = _url(origin)
    dialect = url.get_backend_name()
    level, guard = READ_ONLY.get(dialect, ("", ""))
    try:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
    except ImportError:
        raise EnvironmentFailed(
            f"The driver for {url.drivername} is not installed.",
            "Install it beside this program; for PostgreSQL: pip install 'drivecustody[postgresql]'.",
        ) from None
    except sqlalchemy.exc.ArgumentError:
        raise Refused(f"The first line of {origin.path.name} is no SQLAlchemy URL.", _EXAMPLE) from None
    try:
        with engine.connect() as connection:
            if level:
                connection = connection.execution_options(isolation_level=level)
            if guard:
                connection.exec_driver_sql(guard)
            names = [] if origin.query or origin.table else _names(connection)
            table = origin.table or ("" if origin.query else _chosen(origin, names))
            streamed = connection.execution_options(stream_results=True, yield_per=FETCHED)
            found = streamed.execute(_statement(origin.query, table, order_by))
            yield Table(
                _header(origin, list(found.keys()) if found.returns_rows else []),
                _cells(found),
                1,
                f"{dialect}, {f'table {table}' if table else 'by a query'}, "
                + ("read-only transaction" if guard else "transaction rolled back"),
                [name for name in names if name != table],
            )
    except sqlalchemy.exc.DBAPIError as error:
        raise _failed(origin, error) from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise Refused(
            f"{origin.said} cannot be read ({type(error).__name__}).", "Check --table or --query, and try again."
        ) from None
    except OSError:
        raise EnvironmentFailed("The database cannot be reached.", "Check host, port and network.") from None
    finally:
        engine.dispose()


_EXAMPLE = "It looks like: postgresql+pg8000://reader:password@host:5432/members"


def _url(origin: Origin) -> URL:
    import sqlalchemy

    try:
        lines = origin.path.read_text("utf-8").strip().splitlines()
        url = sqlalchemy.make_url(lines[0].strip() if lines else "")
    except (sqlalchemy.exc.ArgumentError, UnicodeError, ValueError):
        raise Refused(f"The first line of {origin.path.name} is no SQLAlchemy URL.", _EXAMPLE) from None
    if url.get_backend_name() == "sqlite":
        raise Refused("A SQLite database is a file.", "Give the file itself instead of --url-file.")
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _names(connection: Connection) -> list[str]:
    import sqlalchemy

    inspector = sqlalchemy.inspect(connection)
    return sorted([*inspector.get_table_names(), *inspector.get_view_names()])


_COLON = re.compile(r"(?<![:\\]):(?=\w)")


def _statement(query: str, table: str, order_by: str) -> Any:
    import sqlalchemy

    if query:
        # A colon in a query is the database's, not the mark of a parameter.
        return sqlalchemy.text(_COLON.sub(r"\\:", query.rstrip().rstrip(";")))
    schema, _, name = table.rpartition(".")
    from_table = sqlalchemy.table(name, schema=schema or None)
    statement: Any = sqlalchemy.select(sqlalchemy.literal_column("*")).select_from(from_table)
    return statement.order_by(sqlalchemy.column(order_by)) if order_by else statement


def _cells(found: Any) -> Iterator[Row]:
    for row in found:
        yield [cell_text(value) for value in row]


def _failed(origin: Origin, error: Any) -> Exception:
    """What went wrong, by the class and the five characters of the SQL standard only: drivers quote values and URLs."""
    said = next(
        (
            str(code)
            for code in (getattr(error.orig, "sqlstate", None), *_codes(error.orig))
            if code and re.fullmatch(r"[0-9A-Z]{5}", str(code))
        ),
        "",
    )
    kind = f"SQLSTATE {said}" if said else type(error.orig).__name__
    if said[:2] in ("08", "28", "3D", "57") or not said:
        return EnvironmentFailed(
            f"The database did not let us in, or went away ({kind}).",
            f"Check host, name and password in {origin.path.name}, and that the database runs.",
        )
    return Refused(
        f"{origin.said} cannot be read ({kind}).", "Check --table or --query, and that the account may read."
    )


def _codes(error: Any) -> Iterator[Any]:
    for argument in getattr(error, "args", ()):
        if isinstance(argument, dict):
            yield argument.get("C")
