"""Read published figures with year, n, method and source, and compare years with a mark of their methods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.compare import Comparability, ComparabilityMark, compare_indices
from analytics.index import recompute_index, round_half, under_rules_of
from analytics.methods import BilingualText, MethodError, load_method
from backend.errors import _
from backend.indices.models import FigureKind, PublishedFigure, PublishedSource

# Words of each mark, for a comparison of two years.
MARKS: Mapping[ComparabilityMark, str] = {
    ComparabilityMark.COMPARABLE: _("so sánh được"),
    ComparabilityMark.FORMULA_CHANGED: _("công thức đã đổi"),
    ComparabilityMark.ITEM_NOT_ASKED: _("có nội dung không được hỏi"),
    ComparabilityMark.WORDING_CHANGED: _("câu hỏi đã đổi"),
    ComparabilityMark.NOT_COMPARABLE: _("không so sánh được"),
}
N_UNKNOWN = _("nguồn không công bố số phiếu")
NOT_MEASURED = Comparability(
    ComparabilityMark.ITEM_NOT_ASKED,
    BilingualText("không có số liệu của một trong hai năm", "one of the two years has no figure"),
)


@dataclass(frozen=True)
class PublishedIndex:
    """A printed figure with everything that must stand beside it. ``n`` None: the source does not print it
    (`N_UNKNOWN`)."""

    geography: str
    year: int
    code: str
    parent: str | None
    level: str
    text_vi: str
    value: Decimal
    rank: int | None
    ranked: int | None
    n: int | None
    method_code: str
    method: BilingualText
    source: str


@dataclass(frozen=True)
class YearComparison:
    """One index in two years.

    ``restated`` is the later figure under the earlier year's formula, where the formula changed and all later items are
    known. The like-for-like change is then ``restated - earlier``.
    """

    code: str
    earlier: PublishedIndex | None
    later: PublishedIndex | None
    comparability: Comparability
    restated: Decimal | None = None

    @property
    def difference(self) -> Decimal | None:
        return self.later.value - self.earlier.value if self.earlier and self.later else None

    @property
    def mark_words(self) -> str:
        """Return the mark as a message of the catalogue."""
        return MARKS[self.comparability.mark]


def published_indices(
    session: Session,
    geography: str,
    year: int,
    codes: Sequence[str] | None = None,
    kind: FigureKind = FigureKind.SATISFACTION,
) -> list[PublishedIndex]:
    """Return the figures of one survey in the order of its table: all of the kind, or those of the given codes."""
    statement = (
        select(PublishedFigure, PublishedSource.title)
        .join(PublishedSource, PublishedSource.code == PublishedFigure.source_code)
        .filter_by(geography=geography, year=year, kind=kind)
        .order_by(PublishedFigure.position)
    )
    if codes is not None:
        statement = statement.where(PublishedFigure.code.in_(codes))
    return [_index_of(figure, source) for figure, source in session.execute(statement)]


def published_years(
    session: Session, geography: str, codes: Sequence[str], kind: FigureKind = FigureKind.SATISFACTION
) -> list[int]:
    """Return the years for which any of these codes is stored, latest last."""
    years = (
        select(PublishedFigure.year)
        .filter_by(geography=geography, kind=kind)
        .where(PublishedFigure.code.in_(codes))
        .distinct()
        .order_by(PublishedFigure.year)
    )
    return list(session.scalars(years))


def latest_years(session: Session, geography: str, codes: Sequence[str]) -> list[YearComparison]:
    """Compare the last stored year with the one before it.

    With one stored year there is nothing earlier; with none the list is empty.
    """
    years = published_years(session, geography, codes)
    return year_on_year(session, geography, years[-2] if len(years) > 1 else None, years[-1], codes) if years else []


def year_on_year(
    session: Session, geography: str, earlier: int | None, later: int, codes: Iterable[str]
) -> list[YearComparison]:
    """Compare satisfaction indices of two years, each with its comparability. A code printed in neither year is left
    out."""
    before = {figure.code: figure for figure in published_indices(session, geography, earlier)} if earlier else {}
    after = {figure.code: figure for figure in published_indices(session, geography, later)}
    restated = _restate_indices(before, after)
    return [
        YearComparison(
            code, before.get(code), after.get(code), _mark(before.get(code), after.get(code)), restated.get(code)
        )
        for code in codes
        if code in before or code in after
    ]


def _mark(earlier: PublishedIndex | None, later: PublishedIndex | None) -> Comparability:
    if earlier is None or later is None:
        return NOT_MEASURED
    return compare_indices(earlier.method_code, later.method_code, later.code)


def _restate_indices(before: Mapping[str, PublishedIndex], after: Mapping[str, PublishedIndex]) -> dict[str, Decimal]:
    """Return later aggregates under the earlier formula, for the codes whose formula changed."""
    if not before or not after:
        return {}
    old = load_method(next(iter(before.values())).method_code)
    new = load_method(next(iter(after.values())).method_code)
    try:
        computed = recompute_index(under_rules_of(new, old), {code: figure.value for code, figure in after.items()})
    except MethodError:  # one of the formulas is not known well enough
        return {}
    return {
        code: round_half(result.value)
        for code, result in computed.items()
        if result.value is not None
        and result.complete
        and compare_indices(old.code, new.code, code).mark is ComparabilityMark.FORMULA_CHANGED
    }


def _index_of(figure: PublishedFigure, source: str) -> PublishedIndex:
    return PublishedIndex(
        geography=figure.geography,
        year=figure.year,
        code=figure.code,
        parent=figure.parent,
        level=figure.level,
        text_vi=figure.text_vi,
        value=figure.value,
        rank=figure.rank,
        ranked=figure.ranked,
        n=figure.n,
        method_code=figure.method,
        method=load_method(figure.method).name,
        source=source,
    )
