"""Which chart shows what, with the words for those who cannot see it. Drawn by ``figures``."""

from analytics.compare import ComparabilityMark
from analytics.methods import IndexLevel
from backend.reports.blocks import ReportBar, ReportPicture
from backend.reports.content.context import ReportContext, ReportIndex, ReportQuestion
from backend.reports.content.sentences import two_decimals

POINTS = "Điểm trung bình (thang 100)"
SHARES = "Tỷ lệ người chọn (%)"


def groups(context: ReportContext) -> ReportPicture:
    """Components and groups with their approximate intervals."""
    chosen = [*context.at(IndexLevel.OVERALL, IndexLevel.COMPONENT), *context.at(IndexLevel.GROUP)]
    title = f"Chỉ số chung, hai thành phần và chín nhóm, năm {context.year} và {context.against}"
    return _dots(context, "tong-hop", title, chosen)


def items(context: ReportContext, component: ReportIndex) -> ReportPicture:
    """Items of a component, lowest last."""
    found = [index for group in context.below(component.code) for index in context.below(group.code)]
    title = f"Các nội dung của thành phần “{component.text}”, từ cao xuống thấp"
    return _dots(context, component.code, title, sorted(found, key=lambda one: -one.value))


def lines(context: ReportContext, question: ReportQuestion, key: str, title: str) -> ReportPicture:
    """Lines of a question: shares from zero, scale means as positions."""
    bars = tuple(
        ReportBar(
            line.text,
            float(line.value),
            float(line.interval.lo) if line.interval else None,
            float(line.interval.hi) if line.interval else None,
        )
        for line in sorted(question.lines, key=lambda one: -one.value)
    )
    axis = POINTS if question.scale else SHARES
    return ReportPicture(key, title, _alt(title, bars), bars, question.scale, axis, context.year, context.against)


def _dots(context: ReportContext, key: str, title: str, chosen: list[ReportIndex]) -> ReportPicture:
    bars = tuple(
        ReportBar(
            index.text,
            float(index.value),
            float(index.interval.lo) if index.interval else None,
            float(index.interval.hi) if index.interval else None,
            float(index.before) if index.before and index.comparability.mark is ComparabilityMark.COMPARABLE else None,
            strong=index.level in (IndexLevel.OVERALL, IndexLevel.COMPONENT),
        )
        for index in chosen
    )
    return ReportPicture(key, title, _alt(title, bars), bars, True, POINTS, context.year, context.against)


def _alt(title: str, bars: tuple[ReportBar, ...]) -> str:
    best, worst = max(bars, key=lambda bar: bar.value), min(bars, key=lambda bar: bar.value)
    highest = f"Cao nhất: {best.label}, {two_decimals(best.value)}."
    lowest = f"Thấp nhất: {worst.label}, {two_decimals(worst.value)}."
    return f"Biểu đồ: {title}. {highest} {lowest}"
