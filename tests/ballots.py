"""Ballots of a round of 2026 as rows and as files, and the way in for them."""

import io
from datetime import datetime

from sqlalchemy.orm import Session

from backend.files.sheets import write_workbook
from backend.surveys.ballot_files import importing
from backend.surveys.ballot_files.faults import BallotFault
from backend.surveys.ballot_files.importing import ImportActor, ImportOutcome
from backend.surveys.ballot_files.layout import template_header
from backend.surveys.forms.instruments import shipped_instrument
from backend.surveys.rounds import queries

FORM = shipped_instrument("household-2023")
HEADER = template_header(FORM)
ROUND = "thu-2026"


def row(number: int, **changed: str) -> dict[str, str]:
    """A ballot without fault; answers differ from ballot to ballot."""
    cells = {
        "so_phieu": f"P{number:04d}",
        "mau_phieu": "household-2023",
        "don_vi": "03388",
        "tang": "A",
        "cum": f"bản {number % 5}",
        "trong_so": "1.5",
        "ngay": "10/11/2026",
        "nhom_tuoi": "35-49",
        "gioi_tinh": "nữ",
        "dan_toc": "kinh",
    }
    for place, slot in enumerate(FORM.slots):
        for offset, column in enumerate(slot.columns):
            values = (0, 1) if len(slot.columns) > 1 else slot.values
            cells[column] = str(values[(number + place + offset) % len(values)])
    return cells | changed


def as_csv(rows: list[dict[str, str]], header: list[str] = HEADER, separator: str = ",") -> bytes:
    lines = [separator.join(header)]
    lines += [separator.join(f'"{one[name]}"' for name in header) for one in rows]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def as_xlsx(rows: list[dict[str, str]], header: list[str] = HEADER) -> bytes:
    stream = io.BytesIO()
    cells = [
        [int(one[name]) if one[name].isdigit() and name[0] in "pqe" else one[name] for name in header] for one in rows
    ]
    write_workbook(stream, {"Phiếu": [header, *cells]})
    return stream.getvalue()


def bring_in(content: bytes, now: datetime, code: str = ROUND) -> ImportOutcome:
    return importing.import_file(io.BytesIO(content), code, file_name="phieu.csv", who=ImportActor(), now=now)


def held(session: Session, outcome: ImportOutcome) -> dict[int, list[tuple[str, BallotFault]]]:
    session.expire_all()
    return {
        one.line: [(finding.column, finding.fault) for finding in one.findings]
        for one in queries.list_held(session, outcome.batch_id, limit=None)
    }
