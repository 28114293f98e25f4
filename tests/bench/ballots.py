"""Import of 100,000 ballots of the whole household form with all checks, from CSV and XLSX, into a durable database."""

import io
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from backend import db, settings
from backend.clock import now
from backend.files.sheets import Value, write_workbook
from backend.surveys.ballot_files import importing
from backend.surveys.ballot_files.importing import ImportActor
from backend.surveys.ballot_files.layout import template_header
from backend.surveys.forms.instruments import QuestionKind, shipped_instrument
from backend.surveys.rounds import service
from tests.bench.stage import Stage

BALLOTS = 100_000
FAULTY = 500
LIMIT = 60.0
FORM = shipped_instrument("household-2023")


def run(stage: Stage) -> list[str]:
    """Rows of Markdown."""
    settings.get_settings.cache_clear()
    rows = _ballots()
    lines = [
        "| Import with all checks | Ballots in | Held | Seconds | Ballots/s | Limit |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    with TemporaryDirectory() as folder:
        for kind in ("csv", "xlsx"):
            path = Path(folder) / f"ballots.{kind}"
            _write(path, rows)
            lines.append(_measured(kind, path))
    return lines


def _measured(kind: str, path: Path) -> str:
    code = f"bench-{kind}"
    with db.transaction() as session:
        service.publish_shipped(session, now())
        days = (date(2023, 12, 1), date(2023, 12, 31))
        plan = service.RoundPlan(code, "Bench", FORM.key, "12", 2023, *days, planned_n=BALLOTS)
        service.open_round(session, plan, by="system", now=now())
    start = time.perf_counter()
    with path.open("rb") as stream:
        outcome = importing.import_file(stream, code, file_name=path.name, who=ImportActor(), now=now())
    seconds = time.perf_counter() - start
    if (outcome.accepted + outcome.invalid, outcome.held) != (BALLOTS - FAULTY, FAULTY):
        raise RuntimeError(f"unexpected outcome {outcome}")
    size = f"{path.stat().st_size / 1e6:.0f} MB {kind.upper()}, {len(FORM.columns)} answers a ballot"
    speed = f"{BALLOTS / seconds:,.0f}"
    return f"| {size} | {BALLOTS - FAULTY:,} | {FAULTY} | {seconds:.1f} | {speed} | {LIMIT:.0f} |"


def _ballots() -> list[list[Value]]:
    """Header and ballots, seeded; the last have an answer outside its scale."""
    dice = np.random.Generator(np.random.PCG64(7))
    columns: list[list[int]] = []
    for slot in FORM.slots:
        values = [0, 1] if slot.kind is QuestionKind.MULTIPLE else list(slot.values)
        columns += [dice.choice(values, size=BALLOTS).tolist() for _column in slot.columns]
    columns[40][-FAULTY:] = [9] * FAULTY
    answers = zip(*columns, strict=True)
    place = ["03387", "A"]
    header: list[Value] = [*template_header(FORM)]
    return [header] + [
        [f"B{n:06d}", FORM.key, *place, f"bản {n % 400}", 1.5, "05/12/2023", "35-49", "nam", "kinh", *row]
        for n, row in enumerate(answers)
    ]


def _write(path: Path, rows: list[list[Value]]) -> None:
    if path.suffix == ".xlsx":
        with path.open("wb") as stream:
            write_workbook(stream, {"Phiếu": rows})
        return
    text = io.StringIO()
    for row in rows:
        text.write(",".join([str(value) for value in row]) + "\n")
    path.write_text(text.getvalue(), encoding="utf-8")
