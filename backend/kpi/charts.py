"""The charts of the managers' page: figures become rows of charts, and a title that says the message in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.operations import ShareInterval
from backend.errors import _
from backend.indicators.filters import DashboardFilters
from backend.kpi.borders import UnitOutlines
from backend.kpi.dashboard import Dashboard, FigureSpan
from backend.kpi.figures import enough
from backend.kpi.ranking import Standing, UnitRow
from backend.kpi.subindices import SubIndex
from backend.tickets.models import Channel
from backend.web.charts import AxisScale, ChartPoint, DotRow, MapArea, scale
from backend.web.language import number_text, percent_text

Say = Callable[..., str]

ITEMS = (_("1. Dễ gửi phản ánh"), _("2. Xử lý đúng quy định"), _("3. Báo kết quả kịp thời"))
OPERATIONS = (_("Báo nhận ngay"), _("Trả lời đúng hạn"), _("Báo kết quả đúng hạn"))
OPERATION_ANCHORS = ("acknowledged", "on_time_rate", "told")
CHANNELS = {
    Channel.WEB: _("Trang web"),
    Channel.TELEGRAM: _("Telegram"),
    Channel.COUNTER: _("Bộ phận một cửa"),
    Channel.IMPORT: _("Nhập từ hệ thống khác"),
}
STANDINGS = {
    Standing.BELOW: (_("thấp hơn các cơ quan còn lại"), "bad"),
    Standing.SAME: (_("chưa có cơ sở để nói là khác"), "neutral"),
    Standing.ABOVE: (_("cao hơn các cơ quan còn lại"), "good"),
    Standing.FEW: (_("chưa đủ số liệu"), "ended"),
}


@dataclass(frozen=True)
class KpiPicture:
    """A chart's rows under the sentence that they show."""

    title: str
    rows: Sequence[Any]


@dataclass(frozen=True)
class KpiWords:
    """Says messages and numbers in the reader's language."""

    say: Say
    language: str

    def rate(self, share: ShareInterval) -> str:
        return (
            percent_text(share.value, self.language, 1) if enough(share) and share.value is not None else self.say(FEW)
        )

    def score(self, value: float) -> str:
        return number_text(value, self.language, 1)

    def count(self, value: int) -> str:
        return number_text(value, self.language)


FEW = _("chưa đủ")


def scores_picture(board: Dashboard, words: KpiWords) -> KpiPicture:
    """Published and rated mean scores, item by item: the same quantity, of different people."""
    dots: list[DotRow] = []
    for name, item in zip(ITEMS, board.items, strict=True):
        printed = item.published.later if item.published else None
        if printed is not None:
            label = words.say(_("SIPAS %(year)s, cả tỉnh"), year=printed.year)
            dots.append(DotRow(label, float(printed.value), n=printed.n, group=words.say(name), series=3))
        rated = item.rated
        if rated.value is not None:
            label = words.say(_("Đánh giá sau xử lý"))
            dots.append(DotRow(label, rated.value, rated.lo, rated.hi, rated.n, group=words.say(name)))
    return KpiPicture(_scores_title(board.items, words), dots)


def _scores_title(items: Sequence[SubIndex], words: KpiWords) -> str:
    rated = [(name, item) for name, item in zip(ITEMS, items, strict=True) if item.rated.value is not None]
    if not rated:
        return words.say(
            _("Chưa đủ 10 đánh giá sau xử lý để so với SIPAS (n = %(n)s)"), n=words.count(items[0].rated.n)
        )
    name, worst = min(rated, key=lambda one: one[1].rated.value or 0)
    return words.say(
        _("Đánh giá sau xử lý thấp nhất ở “%(item)s”: %(value)s điểm (n = %(n)s)"),
        item=words.say(name),
        value=words.score(worst.rated.value or 0),
        n=words.count(worst.rated.n),
    )


def operations_picture(board: Dashboard, words: KpiWords) -> KpiPicture:
    """The three operational shares with their intervals, in percent."""
    shares = [item.operation for item in board.items]
    dots = [
        DotRow(
            words.say(name), share.value * 100, _times(share.lo), _times(share.hi), share.n, f"/chi-so/dinh-nghia#{at}"
        )
        for name, share, at in zip(OPERATIONS, shares, OPERATION_ANCHORS, strict=True)
        if enough(share) and share.value is not None
    ]
    if not dots:
        return KpiPicture(words.say(_("Chưa đủ phản ánh để tính tỷ lệ vận hành")), dots)
    worst = min(dots, key=lambda dot: dot.value)
    title = words.say(
        _("Vận hành thấp nhất ở “%(item)s”: %(value)s%% (n = %(n)s)"),
        item=worst.label,
        value=words.score(worst.value),
        n=words.count(worst.n or 0),
    )
    return KpiPicture(title, dots)


def received_picture(board: Dashboard, words: KpiWords) -> KpiPicture:
    """Tickets received by month (or year)."""
    points = [ChartPoint(span_label(span), span.figures.received, span.figures.received) for span in board.spans]
    if not board.figures.received:
        return KpiPicture(words.say(_("Không có phản ánh nào trong kỳ")), points)
    most = max(board.spans, key=lambda span: span.figures.received)
    title = words.say(
        _("Nhận nhiều nhất %(when)s: %(count)s trong n = %(n)s phản ánh"),
        when=span_label(most),
        count=words.count(most.figures.received),
        n=words.count(board.figures.received),
    )
    return KpiPicture(title, points)


def on_time(board: Dashboard, words: KpiWords) -> KpiPicture:
    """On-time rate by month of reception; months with too few decided tickets stay empty."""
    points = [
        ChartPoint(span_label(span), _share_value(span.figures.rate), span.figures.rate.n) for span in board.spans
    ]
    known = [span for span in board.spans if enough(span.figures.rate)]
    if not known:
        title = words.say(_("Chưa đủ phản ánh đã xác định đúng hạn, trễ hạn để tính tỷ lệ theo tháng"))
        return KpiPicture(title, points)
    worst = min(known, key=lambda span: span.figures.rate.value or 0)
    title = words.say(
        _("Đúng hạn thấp nhất với phản ánh nhận %(when)s: %(rate)s (n = %(n)s)"),
        when=span_label(worst),
        rate=words.rate(worst.figures.rate),
        n=words.count(worst.figures.rate.n),
    )
    return KpiPicture(title, points)


def ranking_text(board: Dashboard, words: KpiWords) -> str:
    """Say how many units differ from all others."""
    standings = [row.standing for row in board.units]
    return words.say(
        _("%(below)s cơ quan thấp hơn, %(above)s cao hơn các cơ quan còn lại; %(same)s chưa có cơ sở để nói là khác"),
        below=standings.count(Standing.BELOW),
        above=standings.count(Standing.ABOVE),
        same=standings.count(Standing.SAME),
    )


def common_axis(board: Dashboard) -> AxisScale:
    """One axis for the intervals of all units, from a round number below the lowest to 100."""
    ends = [
        end for row in board.units if enough(row.figures.rate) for end in (row.figures.rate.lo, row.figures.rate.hi)
    ]
    return scale([end * 100 for end in ends if end is not None], most=100)


def map_of(
    rows: Sequence[UnitRow], outline: UnitOutlines, names: dict[int, str], filters: DashboardFilters, words: KpiWords
) -> KpiPicture:
    """Communes by on-time rate; one with too few decided tickets has no value and its own colour."""
    held = {row.unit.id: row for row in rows}
    codes = {row.unit.id: row.unit.code for row in rows}
    shapes = [
        MapArea(
            names[unit_id],
            path,
            _share_value(held[unit_id].figures.rate) if unit_id in held else None,
            filters.address(don_vi=codes[unit_id]) if unit_id in codes else None,
        )
        for unit_id, path in sorted(outline.paths.items(), key=lambda item: names[item[0]])
    ]
    known = [shape for shape in shapes if shape.value is not None]
    if not known:
        return KpiPicture(words.say(_("Chưa xã, phường nào đủ 10 phản ánh đã xác định đúng hạn, trễ hạn")), shapes)
    low, high = (end(known, key=lambda shape: shape.value or 0) for end in (min, max))
    title = words.say(
        _("Tỷ lệ đúng hạn theo xã, phường: từ %(low)s%% (%(worst)s) đến %(high)s%% (%(best)s)"),
        low=words.score(low.value or 0),
        worst=low.label,
        high=words.score(high.value or 0),
        best=high.label,
    )
    return KpiPicture(title, shapes)


def span_label(span: FigureSpan) -> str:
    return f"{span.start:%Y}" if span.yearly else f"{span.start.month}/{span.start:%Y}"


def _share_value(share: ShareInterval) -> float | None:
    return share.value * 100 if enough(share) and share.value is not None else None


def _times(value: float | None) -> float | None:
    return None if value is None else value * 100
