"""Find what does not add up in a published table: what is printed, what follows from the other figures, and why.

Asked when figures are entered, and for every list of misprints in the sources.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.index import CENT, round_half
from analytics.methods import load_method
from backend.errors import _
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published.service import TOLERANCE, IndexRecomputation, recompute_published
from backend.indices.translated_texts import TranslatedText, figure_text

Figures = Mapping[str, PublishedFigure]
BLANKS = 5  # so many ballots may have left an item blank


@dataclass(frozen=True)
class ConsistencyFinding:
    """One figure that does not add up.

    ``code`` is the index concerned. ``what`` is a message of the catalogue. ``printed``, ``computed`` and ``why`` are
    Vietnamese texts; those of type `TranslatedText` exist in other languages too.
    """

    geography: str
    year: int
    code: str
    what: str
    printed: str
    computed: str
    why: str


def list_findings(session: Session, geography: str, year: int) -> list[ConsistencyFinding]:
    """Return every finding about one place and year: aggregates, groups, changes, ranks, items, shares."""
    figures = _figures_of(session, geography, year)
    before = _figures_of(session, geography, year - 1)
    findings: list[ConsistencyFinding] = []
    for code in sorted({figure.method for figure in figures.values()}):
        if load_method(code).computable:
            result = recompute_published(session, code, geography, year)
            findings += [*_aggregates(result), *_groups_without_items(result, figures)]
    return [
        *findings,
        *_changes(figures, before),
        *_ranks(figures),
        *_items(figures),
        *_single_choice(session, geography, year),
    ]


def _aggregates(result: IndexRecomputation) -> Iterator[ConsistencyFinding]:
    """Yield the aggregates that differ from their recomputation by more than rounding explains."""
    for row in result.rows:
        if row.off and not row.missing:
            yield ConsistencyFinding(
                result.geography, result.year, row.code, _("chỉ số tổng hợp không bằng số tính lại"),
                figure_text(row.published), figure_text(row.recomputed),
                TranslatedText(
                    _("Lệch %(points)s điểm, quá mức làm tròn %(most)s."), points=row.difference, most=TOLERANCE
                ),
            )  # fmt: skip


def _groups_without_items(result: IndexRecomputation, figures: Figures) -> Iterator[ConsistencyFinding]:
    """Yield the groups that do not follow from the items printed below them, and why."""
    for code, reason in result.as_printed.items():
        if code not in figures:
            continue
        items = [figure.value for figure in figures.values() if figure.parent == code]
        nothing = TranslatedText(_("không có nội dung nào được in"))
        mean = round_half(sum(items, Decimal(0)) / len(items)) if items else None
        computed = (
            nothing if mean is None else TranslatedText(_("%(mean)s (từ %(n)s nội dung)"), mean=mean, n=len(items))
        )
        yield ConsistencyFinding(
            result.geography, result.year, code, _("nhóm không suy ra được từ các nội dung được in"),
            figure_text(figures[code].value), computed,
            TranslatedText(_sentence(reason.vi), {"en": _sentence(reason.en)}),
        )  # fmt: skip


def _changes(figures: Figures, before: Figures) -> Iterator[ConsistencyFinding]:
    """Yield the printed changes that are not the difference of the printed values, or of the printed ranks."""
    for code, later in figures.items():
        earlier = before.get(code)
        if earlier is not None:
            yield from _value_change(code, later, earlier)
            yield from _rank_change(code, later, earlier)


def _value_change(code: str, later: PublishedFigure, earlier: PublishedFigure) -> Iterator[ConsistencyFinding]:
    difference = later.value - earlier.value
    if later.change is not None and difference != later.change:
        yield ConsistencyFinding(
            later.geography, later.year, code, _("mức tăng, giảm không bằng hiệu hai năm"),
            figure_text(later.change), figure_text(difference),
            TranslatedText(_("%(later)s so với %(earlier)s."), later=later.value, earlier=earlier.value),
        )  # fmt: skip


def _rank_change(code: str, later: PublishedFigure, earlier: PublishedFigure) -> Iterator[ConsistencyFinding]:
    if None in (later.rank_change, later.rank, earlier.rank):
        return
    places = (earlier.rank or 0) - (later.rank or 0)
    if places != later.rank_change:
        yield ConsistencyFinding(
            later.geography, later.year, code, _("mức đổi hạng không bằng hiệu hai hạng"),
            str(later.rank_change), str(places),
            TranslatedText(_("%(later)s so với %(earlier)s."), later=later.rank, earlier=earlier.rank),
        )  # fmt: skip


def _ranks(figures: Figures) -> Iterator[ConsistencyFinding]:
    """Yield a finding where one table ranks its figures among different numbers of provinces."""
    counts = {figure.ranked for figure in figures.values() if figure.ranked}
    if len(counts) > 1:
        first = next(iter(figures.values()))
        yield ConsistencyFinding(
            first.geography, first.year, first.code, _("thứ hạng tính trên các số tỉnh khác nhau"),
            ", ".join(map(str, sorted(counts))), TranslatedText(_("một số duy nhất")),
            TranslatedText(_("Thứ hạng trong cùng một bảng phải cùng số tỉnh.")),
        )  # fmt: skip


def _items(figures: Figures) -> Iterator[ConsistencyFinding]:
    """Yield the means below the floor of their scale, and the items that no whole sum of scores of that many ballots
    gives."""
    for figure in figures.values():
        scale = load_method(figure.method).item_max
        if not scale:
            continue
        floor = Decimal(100) / scale
        if figure.value < floor:
            yield ConsistencyFinding(
                figure.geography, figure.year, figure.code, _("chỉ số thấp hơn mức thấp nhất có thể có"),
                figure_text(figure.value), figure_text(floor),
                TranslatedText(_("Điểm thấp nhất là 1 trên %(scale)s."), scale=scale),
            )  # fmt: skip
        elif (
            figure.level == "item"
            and figure.n
            and not any(_possible(figure.value, n, scale) for n in _answers(figure.n))
        ):
            yield ConsistencyFinding(
                figure.geography, figure.year, figure.code,
                _("không tổng điểm nào của số phiếu này cho giá trị được in"),
                figure_text(figure.value), TranslatedText(_("không có k/(%(scale)s × n)"), scale=scale),
                TranslatedText(_("Đã thử n từ %(least)s đến %(most)s."), least=figure.n - BLANKS, most=figure.n),
            )  # fmt: skip


def _single_choice(session: Session, geography: str, year: int) -> Iterator[ConsistencyFinding]:
    """Yield the questions with one answer each whose shares do not add up to 100."""
    shares_of: dict[str, list[Decimal]] = defaultdict(list)
    rows = session.scalars(
        select(PublishedFigure)
        .filter_by(geography=geography, year=year, kind=FigureKind.PERCEPTION, level="single")
        .order_by(PublishedFigure.id)
    )
    for row in rows:
        shares_of[row.parent or ""].append(row.value)
    for question, values in shares_of.items():
        total = sum(values, Decimal(0))
        if abs(total - 100) > TOLERANCE * len(values):
            why = TranslatedText(_("Mỗi người chỉ chọn một câu trả lời nên các tỷ lệ phải cộng lại bằng 100."))
            off = _("tỷ lệ không cộng lại bằng 100")
            yield ConsistencyFinding(geography, year, question, off, figure_text(total), figure_text(Decimal(100)), why)


def _answers(ballots: int) -> range:
    return range(max(1, ballots - BLANKS), ballots + 1)


def _possible(value: Decimal, n: int, scale: int) -> bool:
    """Whether some whole sum of n scores gives this index to two decimals."""
    near = int(value * scale * n / 100)
    sums = range(near - 1, near + 3)
    return any((Decimal(100 * k) / (scale * n)).quantize(CENT, ROUND_HALF_UP) == value for k in sums)


def _figures_of(session: Session, geography: str, year: int) -> dict[str, PublishedFigure]:
    rows = session.scalars(
        select(PublishedFigure)
        .filter_by(geography=geography, year=year, kind=FigureKind.SATISFACTION)
        .order_by(PublishedFigure.position)
    )
    return {row.code: row for row in rows}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
