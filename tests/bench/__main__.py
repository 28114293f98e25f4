"""``make bench``: run every measurement and write docs/benchmarks.md. ``python -m tests.bench pages`` runs one part."""

import os
import platform
import sys
from collections.abc import Callable
from functools import partial

from backend.clock import now
from backend.settings import ROOT
from backend.worktime.calendar import local_time
from tests.bench import ballots, clock, escalation, estimate, line, pages, past, photos
from tests.bench.stage import stage

TARGET = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`. Figures of one run on one machine; compare within a run, not between machines. Server, database
and clients share the same cores. PostgreSQL is the embedded one with fsync on.
"""


ON_STAGE = (
    ("Reception", line.run),
    ("Pages", pages.run),
    ("Heavy photos", photos.run),
    ("Escalation", escalation.run),
    ("Cases open for ten years", past.run),
    ("Ballots in", ballots.run),
    ("Recount of open tickets", clock.run_recount),
)
ALONE = (("Clock", clock.run), ("Survey estimation", estimate.run))


def main() -> None:
    """Measure everything, or only the parts that are named, such as ``pages``; their sections are replaced."""
    wanted = [name.lower() for name in sys.argv[1:]]
    sections = _written() if wanted else {}
    for title, measure_alone in ALONE:
        if not wanted or title.lower() in wanted:
            sections[title] = section(title, measure_alone)
    for title, measure in ON_STAGE:
        if not wanted or title.lower() in wanted:
            with stage() as servers:
                sections[title] = section(title, partial(measure, servers))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    run_on = f"Run on {local_time(now()):%d/%m/%Y}: {machine}.\n"
    TARGET.write_text("\n".join([HEAD, run_on, *sections.values()]), encoding="utf-8")


def _written() -> dict[str, str]:
    """The sections of the page as it is, by title."""
    parts = TARGET.read_text(encoding="utf-8").split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}


def section(title: str, measure: Callable[[], list[str]]) -> str:
    """A measurement under its heading; also printed as it comes."""
    print(f"measuring: {title} …", file=sys.stderr)
    rows = "\n".join(measure())
    print(rows)
    return f"## {title}\n\n{rows}\n"


if __name__ == "__main__":
    main()
