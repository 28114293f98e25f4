"""Preparation of a database before the first page: schema and first data, and the stamp that it has them."""

import json
from hashlib import sha256
from pathlib import Path

from backend.settings import ROOT

STEPS = (("migrate",), ("seed", "base"))
DEMONSTRATION = (("seed", "demo", "--tickets", "2000", "--once"),)
SOURCES = ("backend/**/*.py", "backend/**/data/**/*", "migrations/versions/*.py")


def preparation_steps(*, development: bool) -> tuple[tuple[str, ...], ...]:
    """Return the arguments of the ``langnghe`` calls, in order.

    The demonstration is only for development: everybody knows its passwords.
    """
    return STEPS + DEMONSTRATION if development else STEPS


def is_done(url: str, stamp: Path) -> bool:
    """Return whether this database had the steps with the present sources, so that a start can skip them."""
    try:
        stamped_state = json.loads(stamp.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return bool(stamped_state == _state(url))


def note_stamp(url: str, stamp: Path) -> None:
    stamp.write_text(json.dumps(_state(url)), encoding="utf-8")


def _state(url: str) -> dict[str, str | None]:
    """Return the identity and the revision of the database, as it states them, and a fingerprint of the sources."""
    import psycopg

    with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1)) as connection:
        cluster = connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
        has_table = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        revision = None
        if has_table and has_table[0]:
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return {
        "cluster": cluster[0] if cluster else None,
        "revision": revision[0] if revision else None,
        "sources": _fingerprint(),
    }


def _fingerprint() -> str:
    paths: set[Path] = set()
    for pattern in SOURCES:
        paths |= {path for path in ROOT.glob(pattern) if path.is_file()}
    lines = (f"{path.relative_to(ROOT)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(paths))
    return sha256("\n".join(lines).encode()).hexdigest()


def accounts_in_words() -> str:
    """Return the demonstration accounts, one on each line."""
    from backend.devserver.demo import accounts

    return "\n".join(["Demonstration accounts:", *(f"  {line}" for line in accounts())])
