"""``make bench``: run every measurement and write docs/benchmarks.md."""

import os
import platform
import sys
from collections.abc import Callable
from functools import partial

from backend.clock import now
from backend.settings import ROOT
from backend.worktime.calendar import local_time
from tests.bench import ballots, clock, escalation, estimate, line, pages, past, photos, similar
from tests.bench.stage import stage

TARGET = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`. Figures of one run on one machine; compare within a run, not between machines. Server, database
and clients share the same cores. PostgreSQL is the embedded one with fsync on.
"""


ON_STAGE = (
    ("Reception", line.run),
    ("Pages", pages.run),
    ("Similar tickets", similar.run),
    ("Heavy photos", photos.run),
    ("Escalation", escalation.run),
    ("Cases open for ten years", past.run),
    ("Ballots in", ballots.run),
    ("Recount of open tickets", clock.run_recount),
)
ALONE = (("Clock", clock.run), ("Survey estimation", estimate.run))


def main() -> None:
    parts = [
        HEAD,
        f"Run on {local_time(now()):%d/%m/%Y}: {os.cpu_count()} cores, Python {platform.python_version()}.\n",
    ]
    for title, measure_alone in ALONE:
        parts.append(section(title, measure_alone))
    for title, measure in ON_STAGE:
        with stage() as servers:
            parts.append(section(title, partial(measure, servers)))
    TARGET.write_text("\n".join(parts), encoding="utf-8")


def section(title: str, measure: Callable[[], list[str]]) -> str:
    """A measurement under its heading; also printed as it comes."""
    print(f"measuring: {title} …", file=sys.stderr)
    rows = "\n".join(measure())
    print(rows)
    return f"## {title}\n\n{rows}\n"


if __name__ == "__main__":
    main()
