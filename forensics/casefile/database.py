"""How a case database is opened; the one module that may hold SQL which only SQLite understands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as driver
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, StaticPool

from forensics.errors import EnvironmentFailed, Refused

BUSY_MS = 10_000
CACHE_KIB = 128 * 1024
"""SQLCipher decrypts a page whenever it enters the cache, so a cache pays more here than in plain SQLite."""

READERS_CACHE_KIB = 24 * 1024
"""Views scan once and close: a large cache would only be filled."""


def _connect(path: Path, key: bytes, read_only: bool) -> Any:
    mode = "ro" if read_only else "rwc"
    # A read-only connection needs the -shm file of the write-ahead log, hence mode=ro and not immutable=1.
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = driver.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute(f"PRAGMA cache_size = -{READERS_CACHE_KIB if read_only else CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except driver.DatabaseError as error:
        connection.close()
        if "not a database" in str(error):
            raise Refused(
                "case.db does not open with the key of this case.", "Restore case.db and key.json from one backup."
            ) from None
        raise EnvironmentFailed("The case database cannot be opened.", f"The system says: {error}.") from error
    return connection


def writer(path: Path, key: bytes) -> Engine:
    """The engine of a verb: one connection, every transaction `BEGIN IMMEDIATE`, so that DDL rolls back as well."""
    engine = create_engine(
        "sqlite://", module=driver, creator=lambda: _connect(path, key, read_only=False), poolclass=StaticPool
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader(path: Path, key: bytes) -> Engine:
    """The engine of a view: read-only, and no transaction is held between two pages."""
    engine = create_engine(
        "sqlite://", module=driver, creator=lambda: _connect(path, key, read_only=True), poolclass=NullPool
    )
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def in_memory() -> Any:
    """A database that is nowhere but in memory, for text that must not reach a disk in clear."""
    connection = driver.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def tidy(engine: Engine) -> None:
    """Fold the write-ahead log back and refresh the planner's statistics; called when a verb ends."""
    connection = engine.raw_connection()
    try:
        # Beneath SQLAlchemy: its transaction would hold the very lock that the checkpoint needs.
        driver_connection: Any = connection.driver_connection
        driver_connection.execute("PRAGMA optimize")
        driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()
