"""Load published figures into the database and recompute aggregates from what is below them."""

from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from analytics.index import recompute_index, round_half
from analytics.methods import METHODS, BilingualText, IndexMethod, load_method
from backend.errors import Invalid, NotFound, _
from backend.indices.models import FigureKind, PublishedFigure, PublishedSource
from backend.indices.published import shipped_figures

TOLERANCE = Decimal("0.01")


@dataclass(frozen=True)
class RecomputedIndex:
    """A published aggregate beside the same figure computed from what is below it. ``missing`` are leaves without a
    figure."""

    code: str
    published: Decimal
    recomputed: Decimal
    used: int
    missing: tuple[str, ...]

    @property
    def difference(self) -> Decimal:
        return self.recomputed - self.published

    @property
    def off(self) -> bool:
        """Whether the two differ by more than the rounding of printed items explains."""
        return abs(self.difference) > TOLERANCE


@dataclass(frozen=True)
class IndexRecomputation:
    """A published tree computed again. ``as_printed``: groups that do not follow from printed items, and why."""

    method: IndexMethod
    geography: str
    year: int
    n: int | None
    rows: tuple[RecomputedIndex, ...]
    as_printed: dict[str, BilingualText]

    @property
    def largest(self) -> Decimal:
        return max((abs(row.difference) for row in self.rows), default=Decimal(0))


def load_published(session: Session) -> int:
    """Store the shipped figures and return their number. Loading again changes only what the package corrected."""
    for source in shipped_figures.SOURCES.values():
        statement = insert(PublishedSource).values(asdict(source))
        texts = {"title": statement.excluded.title, "note": statement.excluded.note}
        session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=texts))
    values = [
        asdict(row)
        | {
            "method": row.method,
            "n": row.n,
            "ranked": row.ranked,
            "source_code": shipped_figures.SOURCES[row.geography].code,
        }
        for row in shipped_figures.printed_rows()
    ]
    statement = insert(PublishedFigure).values(values)
    key = ["geography", "year", "kind", "code"]
    fresh = {name: statement.excluded[name] for name in values[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=fresh))
    return len(values)


def recompute_published(
    session: Session, code: str, geography: str | None = None, year: int | None = None
) -> IndexRecomputation:
    """Compute a published tree of a method from its leaves: items, or groups that are known only as printed.

    Without a place and a year, take the latest year of the place whose figures by this method were stored first. Raises
    Invalid for an unknown method or one whose formula is not verified, NotFound without figures of it.
    """
    if code not in METHODS:
        raise Invalid(
            _("Không có phương pháp “%(code)s”. Các phương pháp: %(known)s."), code=code, known=", ".join(METHODS)
        )
    method = load_method(code)
    if not method.computable:
        raise Invalid(_("Cách tổng hợp của phương pháp “%(code)s” chưa được kiểm chứng nên không tính lại."), code=code)
    of_method = select(PublishedFigure).filter_by(method=code, kind=FigureKind.SATISFACTION)
    where = geography or session.scalar(
        of_method.with_only_columns(PublishedFigure.geography).order_by(PublishedFigure.id).limit(1)
    )
    there = of_method.where(PublishedFigure.geography == where)
    when = year or session.scalar(there.with_only_columns(func.max(PublishedFigure.year)))
    figures = {figure.code: figure for figure in session.scalars(there.where(PublishedFigure.year == when))}
    if not figures:
        raise NotFound(_("Chưa có số liệu công bố theo phương pháp này. Hãy nạp dữ liệu gốc trước."))
    return _compare_figures(method, figures, where or "", when or 0)


def _compare_figures(
    method: IndexMethod, figures: dict[str, PublishedFigure], geography: str, year: int
) -> IndexRecomputation:
    computed = recompute_index(method, {code: figure.value for code, figure in figures.items()})
    rows = tuple(
        RecomputedIndex(code, figures[code].value, round_half(result.value), result.used, result.missing)
        for code, result in computed.items()
        if code in figures and result.value is not None
    )
    reasons = {code: node.as_printed for code, node in method.nodes.items() if node.as_printed}
    root = figures.get(next(iter(method.nodes)))
    return IndexRecomputation(method, geography, year, root.n if root else None, rows, reasons)
