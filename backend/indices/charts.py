"""The charts of the two sides: values become rows of charts, under a title that says the message in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from backend.errors import _
from backend.indices import texts as indices
from backend.indices.measures.values import GROUP, ITEMS, RunValue
from backend.indices.models import Measure
from backend.indices.two_sides import ComparisonRow, Quadrant, UnitComparison, UnitPosition
from backend.web.charts import ChartPoint, DotRow, LineSeries

Say = Callable[..., str]


@dataclass(frozen=True)
class IndexPicture:
    """Rows of a chart or a table, the sentence that they show, and what they rest on."""

    title: str
    rows: Sequence[Any]
    note: str = ""


def draw_pictures(
    board: UnitComparison, placed: Sequence[UnitPosition], rows: Sequence[ComparisonRow], say: Say, language: str
) -> dict[str, Any]:
    """All of the page, by the name that the template knows them by."""
    return {
        "scores": _scores(board, say, language),
        "ratings_in_time": _in_time(
            board, [("ratings_adjusted", item) for item in ITEMS], ("ratings_adjusted", GROUP), say, language
        ),
        "shares_in_time": _in_time(
            board, [("acknowledged", 1), ("on_time_rate", 2), ("told", 3)], ("on_time_rate", 2), say, language
        ),
        "quadrants": IndexPicture(_quadrants_title(placed, say), placed),
        "among": IndexPicture(_among_title(rows, say), rows),
    }


def _scores(board: UnitComparison, say: Say, language: str) -> IndexPicture:
    """Scores alone: one quantity, item by item, from every side that has it."""
    dots = []
    for item in board.items:
        for series, code in enumerate(indices.SCORES, start=1):
            value = board.latest(code, item) if code in ("published", "own_survey") else board.get(code, item)
            if value is not None and value.value is not None:
                group, label = say(indices.ITEM_NAMES[item]), say(indices.NAMES[code])
                dots.append(DotRow(label, value.value, value.lo, value.hi, value.n, group=group, series=series))
    return IndexPicture(_scores_title(board, say, language), dots)


def _scores_title(board: UnitComparison, say: Say, language: str) -> str:
    rated = [value for item in ITEMS if (value := board.get("ratings_adjusted", item)) and value.value is not None]
    if not rated:
        return say(_("Chưa đủ 10 đánh giá sau xử lý để so với các nguồn khác"))
    worst = min(rated, key=lambda value: value.value or 0)
    printed = board.latest("published", worst.item)
    return say(
        _("Người gửi chấm thấp nhất ở “%(item)s”: %(value)s điểm; SIPAS công bố %(printed)s"),
        item=say(indices.ITEM_NAMES[worst.item]),
        value=indices.value_text(worst, worst.value, language),
        printed=indices.value_text(printed, printed.value, language) if printed else "–",
    )


def _in_time(
    board: UnitComparison, wanted: Sequence[tuple[str, int]], lead: tuple[str, int], say: Say, language: str
) -> IndexPicture:
    """One line for each figure over the quarters; a quarter with few cases stays empty. ``lead`` gives the title."""
    names: Mapping[str, str] = indices.NAMES
    lines = []
    for code, item in wanted:
        name = indices.ITEM_NAMES[item] if code == "ratings_adjusted" else names[code]
        lines.append(LineSeries(say(name), [_point(span, board.get(code, item, span)) for span in board.quarters]))
    whole = board.get(*lead)
    note = (
        say(_("n = %(n)s trong cả kỳ; kỳ theo ngày nhận."), n=indices.count_text(whole.n or 0, language))
        if whole
        else ""
    )
    return IndexPicture(_in_time_title(board, lead, say, language), lines, note)


def _in_time_title(board: UnitComparison, lead: tuple[str, int], say: Say, language: str) -> str:
    code, item = lead
    name = say(indices.NAMES[code])
    change = next((v for v in board.all("change", item) if v.extra["of"] == code), None)
    if change is None:
        return say(_("%(name)s: chưa đủ số liệu để so hai quý"), name=name)
    ends = [board.get(code, item, span) for span in (board.quarters[0], board.quarters[-1])]
    first, last = (indices.value_text(value, value.value, language) for value in ends if value is not None)
    return say(
        _("%(name)s: quý đầu %(first)s, quý cuối %(last)s, %(verdict)s"),
        name=name, first=first, last=last, verdict=say(indices.VERDICTS[change.extra["verdict"]][0]),
    )  # fmt: skip


def _point(span: tuple[date, date], value: RunValue | None) -> ChartPoint:
    label = f"{(span[0].month + 2) // 3}/{span[0].year}"
    if value is None or value.value is None:
        return ChartPoint(label, None, value.n if value else 0)
    return ChartPoint(label, value.value * 100 if value.measure is Measure.SHARE else value.value, value.n)


def _quadrants_title(placed: Sequence[UnitPosition], say: Say) -> str:
    drawn = [place.quadrant for place in placed if place.number]
    return say(
        _("Trong %(n)s cơ quan đủ số liệu: %(good)s nhanh và hài lòng, %(bad)s chậm và chưa hài lòng"),
        n=len(drawn),
        good=drawn.count(Quadrant.FAST_SATISFIED),
        bad=drawn.count(Quadrant.SLOW_DISSATISFIED),
    )


def _among_title(rows: Sequence[ComparisonRow], say: Say) -> str:
    judged = [row.speed for row in rows if row.speed]
    apart = sum(one.extra["verdict"] in ("higher", "lower") for one in judged)
    if not apart:
        return say(_("Chưa thấy cơ quan nào đúng hạn hơn hay kém các nơi còn lại"))
    return say(_("%(k)s trong %(n)s cơ quan đúng hạn hơn hoặc kém các nơi còn lại"), k=apart, n=len(judged))
