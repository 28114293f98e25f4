"""``make bench``: run every measurement and write docs/benchmarks.md."""

import os
import platform
import sys
from pathlib import Path

from backend.clock import now
from backend.worktime.calendar import local
from tests.bench import escalation, line, pages
from tests.bench.stage import stage

TARGET = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`. Figures of one run on one machine; compare within a run, not between machines. Server, database
and clients share the same cores. PostgreSQL is the embedded one with fsync on.
"""


def main() -> None:
    parts = [HEAD, f"Run on {local(now()):%d/%m/%Y}: {os.cpu_count()} cores, Python {platform.python_version()}.\n"]
    with stage() as servers:
        for title, measure in (("Reception", line.run), ("Pages", pages.run), ("Escalation", escalation.run)):
            print(f"measuring: {title} …", file=sys.stderr)
            rows = measure(servers)
            print("\n".join(rows))
            parts.append(f"## {title}\n\n" + "\n".join(rows) + "\n")
    TARGET.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
