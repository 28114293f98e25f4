"""Decide which chart shows what, with a text for readers who cannot see it. `backend.reports.figures` draws the
charts."""

from itertools import chain

from analytics.compare import ComparabilityMark
from analytics.methods import IndexLevel
from backend.reports.blocks import ReportBar, ReportPicture
from backend.reports.content.context import ReportContext, ReportIndex, ReportQuestion
from backend.reports.content.sentences import two_decimals

POINTS = "Điểm trung bình (thang 100)"
SHARES = "Tỷ lệ người chọn (%)"


def groups(context: ReportContext) -> ReportPicture:
    """Return the components and groups with their approximate intervals."""
    indices = [*context.at(IndexLevel.OVERALL, IndexLevel.COMPONENT), *context.at(IndexLevel.GROUP)]
    title = f"Chỉ số chung, hai thành phần và chín nhóm, năm {context.year} và {context.against}"
    return _dots(context, "tong-hop", title, indices)


def items(context: ReportContext, component: ReportIndex) -> ReportPicture:
    """Return the items of a component, highest first."""
    groups_below = context.below(component.code)
    below = list(chain.from_iterable(context.below(group.code) for group in groups_below))
    title = f"Các nội dung của thành phần “{component.text}”, từ cao xuống thấp"
    return _dots(context, component.code, title, sorted(below, key=lambda index: -index.value))


def lines(context: ReportContext, question: ReportQuestion, key: str, title: str) -> ReportPicture:
    """Return the lines of a question: shares as bars from zero, scale means as dots."""
    bars = tuple(
        ReportBar(
            line.text,
            float(line.value),
            float(line.interval.lo) if line.interval else None,
            float(line.interval.hi) if line.interval else None,
        )
        for line in sorted(question.lines, key=lambda line: -line.value)
    )
    axis = POINTS if question.scale else SHARES
    return ReportPicture(key, title, _alt(title, bars), bars, question.scale, axis, context.year, context.against)


def _dots(context: ReportContext, key: str, title: str, indices: list[ReportIndex]) -> ReportPicture:
    bars = tuple(
        ReportBar(
            index.text,
            float(index.value),
            float(index.interval.lo) if index.interval else None,
            float(index.interval.hi) if index.interval else None,
            float(index.before) if index.before and index.comparability.mark is ComparabilityMark.COMPARABLE else None,
            strong=index.level in (IndexLevel.OVERALL, IndexLevel.COMPONENT),
        )
        for index in indices
    )
    return ReportPicture(key, title, _alt(title, bars), bars, True, POINTS, context.year, context.against)


def _alt(title: str, bars: tuple[ReportBar, ...]) -> str:
    best, worst = max(bars, key=lambda bar: bar.value), min(bars, key=lambda bar: bar.value)
    highest = f"Cao nhất: {best.label}, {two_decimals(best.value)}."
    lowest = f"Thấp nhất: {worst.label}, {two_decimals(worst.value)}."
    return f"Biểu đồ: {title}. {highest} {lowest}"
