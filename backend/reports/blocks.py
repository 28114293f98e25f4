"""The parts of a report before layout: headings, paragraphs, tables, pictures, places for the author."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

Cell = str | Decimal | int | None


class ColumnKind(StrEnum):
    """How the cells of a column are shown."""

    TEXT = "text"
    NUMBER = "number"
    SIGNED = "signed"
    COUNT = "count"
    CENTRED = "centred"


@dataclass(frozen=True)
class Heading:
    """``level`` 1: part (I.), 2: section (1.), 3: sub-section (1.1.), 4: group (a)."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """``key`` names the template of a generated sentence. It is empty for a text without numbers of its own."""

    text: str
    key: str = ""


@dataclass(frozen=True)
class ReportColumn:
    """A column with its share of the table's width."""

    title: str
    kind: ColumnKind
    width: float


@dataclass(frozen=True)
class ReportRow:
    """Cells in the order of the columns. ``strong``: totals and groups."""

    cells: tuple[Cell, ...]
    strong: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table with what must stand beside it. ``n``, ``period``, ``method`` and ``source`` are texts for the reader."""

    key: str
    title: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[ReportRow, ...]
    n: str
    period: str
    method: str
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportBar:
    """One line of a picture. ``lo`` and ``hi``: interval; ``before``: the earlier year, where it may be compared."""

    label: str
    value: float
    lo: float | None = None
    hi: float | None = None
    before: float | None = None
    strong: bool = False


@dataclass(frozen=True)
class ReportPicture:
    """A chart. ``dots``: positions on a part of the scale, else bars from zero. ``alt`` describes the chart in
    words."""

    key: str
    title: str
    alt: str
    bars: tuple[ReportBar, ...]
    dots: bool
    axis: str
    year: int
    against: int


@dataclass(frozen=True)
class AuthorPlace:
    """A place for the author's own text. While ``text`` is empty the hint is shown."""

    key: str
    text: str


Block = Heading | Paragraph | ReportTable | ReportPicture | AuthorPlace


def tables_of(blocks: Sequence[Block]) -> list[ReportTable]:
    return [block for block in blocks if isinstance(block, ReportTable)]


def pictures(blocks: Sequence[Block]) -> list[ReportPicture]:
    return [block for block in blocks if isinstance(block, ReportPicture)]


def generated_paragraphs(blocks: Sequence[Block]) -> list[Paragraph]:
    """Return the sentences that came from stored values."""
    return [block for block in blocks if isinstance(block, Paragraph) and block.key]
