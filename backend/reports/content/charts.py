"""Which chart shows what, with the words for those who cannot see it. Drawn by ``figures``."""

from analytics.compare import Mark
from analytics.methods import Level
from backend.reports.blocks import Bar, Picture
from backend.reports.content.context import Context, Index, Question
from backend.reports.content.sentences import two

POINTS = "Điểm trung bình (thang 100)"
SHARES = "Tỷ lệ người chọn (%)"


def groups(context: Context) -> Picture:
    """Components and groups with their approximate intervals."""
    chosen = [*context.at(Level.OVERALL, Level.COMPONENT), *context.at(Level.GROUP)]
    title = f"Chỉ số chung, hai thành phần và chín nhóm, năm {context.year} và {context.against}"
    return _dots(context, "tong-hop", title, chosen)


def items(context: Context, component: Index) -> Picture:
    """Items of a component, lowest last."""
    found = [index for group in context.below(component.code) for index in context.below(group.code)]
    title = f"Các nội dung của thành phần “{component.text}”, từ cao xuống thấp"
    return _dots(context, component.code, title, sorted(found, key=lambda one: -one.value))


def lines(context: Context, question: Question, key: str, title: str) -> Picture:
    """Lines of a question: shares from zero, scale means as positions."""
    bars = tuple(
        Bar(
            line.text,
            float(line.value),
            float(line.interval.lo) if line.interval else None,
            float(line.interval.hi) if line.interval else None,
        )
        for line in sorted(question.lines, key=lambda one: -one.value)
    )
    axis = POINTS if question.scale else SHARES
    return Picture(key, title, _alt(title, bars), bars, question.scale, axis, context.year, context.against)


def _dots(context: Context, key: str, title: str, chosen: list[Index]) -> Picture:
    bars = tuple(
        Bar(
            index.text,
            float(index.value),
            float(index.interval.lo) if index.interval else None,
            float(index.interval.hi) if index.interval else None,
            float(index.before) if index.before and index.comparability.mark is Mark.COMPARABLE else None,
            strong=index.level in (Level.OVERALL, Level.COMPONENT),
        )
        for index in chosen
    )
    return Picture(key, title, _alt(title, bars), bars, True, POINTS, context.year, context.against)


def _alt(title: str, bars: tuple[Bar, ...]) -> str:
    best, worst = max(bars, key=lambda bar: bar.value), min(bars, key=lambda bar: bar.value)
    return f"Biểu đồ: {title}. Cao nhất: {best.label}, {two(best.value)}. Thấp nhất: {worst.label}, {two(worst.value)}."
