"""The tables of a report, from its context: no arithmetic, only which value stands where."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from analytics.compare import Mark
from analytics.methods import Level
from analytics.operations import MeanIndex, Share
from backend.reports.blocks import Cell, Column, Kind, Row, Table
from backend.reports.content.approximation import Verdict
from backend.reports.content.comparison import MARKS, MEANINGS, VERDICTS
from backend.reports.content.context import Context, Index, Question
from backend.reports.content.sentences import multiple, span, two
from backend.web import language

NONE = "Dấu “–”: không có số liệu, hoặc không được so sánh."


def _n(context: Context) -> str:
    return f"n = {context.n}" if context.n else "nguồn không công bố số phiếu"


def _table(
    context: Context,
    key: str,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    notes: Sequence[str] = (),
    *,
    n: str | None = None,
    period: str = "",
    method: str = "",
    source: str = "",
) -> Table:
    """A table of survey figures, unless told otherwise."""
    return Table(
        key,
        title,
        tuple(columns),
        tuple(rows),
        _n(context) if n is None else n,
        period or f"năm {context.year}",
        method or f"điểm trung bình, {context.method.legal_basis}",
        source or context.source,
        tuple(notes),
    )


def _interval_note(context: Context) -> str:
    if context.n is None:
        return "Không có khoảng tin cậy: nguồn không công bố số phiếu."
    return (
        f"Khoảng 95%: cách tính và giả định ở mục I.2; năm {context.against} không có vì nguồn không công bố số phiếu."
    )


def _compared(index: Index) -> str:
    mark = index.comparability.mark
    if index.before is None:
        return "không có số trước"
    if mark is Mark.COMPARABLE:
        return VERDICTS[index.verdict]
    if index.verdict is not Verdict.NOT_COMPARABLE:
        return f"{MARKS[mark]}; {VERDICTS[index.verdict]}"
    return MARKS[mark]


def _index_row(index: Index, *, like_for_like: bool) -> Row:
    shown = like_for_like or index.comparability.mark is Mark.COMPARABLE
    changes: tuple[Cell, ...] = (index.difference if shown else None,)
    if like_for_like:
        printed = None if index.comparability.mark is Mark.ITEM_NOT_ASKED else index.difference
        changes = (printed, index.like_for_like)
    return Row(
        (
            index.text,
            index.value,
            span(index.interval) or None,
            index.before,
            *changes,
            index.rank,
            index.rank_before,
            _compared(index),
        ),
        strong=index.level is not Level.ITEM,
    )


def _ranked(context: Context) -> int:
    return next((index.ranked for index in context.indices.values() if index.ranked), 0)


def overview(context: Context) -> Table:
    """Overall index, components and groups."""
    year, against = context.year, context.against
    columns = (
        Column("Chỉ số", Kind.TEXT, 0.275),
        Column(str(year), Kind.NUMBER, 0.07),
        Column("Khoảng 95% gần đúng", Kind.CENTRED, 0.14),
        Column(str(against), Kind.NUMBER, 0.07),
        Column("Chênh công bố", Kind.SIGNED, 0.085),
        Column("Chênh cùng công thức", Kind.SIGNED, 0.085),
        Column(f"Hạng {year}", Kind.COUNT, 0.07),
        Column(f"Hạng {against}", Kind.COUNT, 0.07),
        Column(f"So với {against}", Kind.TEXT, 0.135),
    )
    rows = [_index_row(index, like_for_like=True) for index in context.at(Level.OVERALL, Level.COMPONENT, Level.GROUP)]
    rows = [Row(row.cells, strong=i < 3 and row.strong) for i, row in enumerate(_by_component(context, rows))]
    notes = (f"Hạng trong {_ranked(context)} tỉnh, thành phố.", _interval_note(context), NONE)
    return _table(context, "tong-hop", "Chỉ số chung, hai thành phần và chín nhóm", columns, rows, notes)


def _by_component(context: Context, rows: list[Row]) -> list[Row]:
    """Total first, then the components, then the groups in the order of the form."""
    rank = {Level.OVERALL: 0, Level.COMPONENT: 1, Level.GROUP: 2}
    levels = [rank[index.level] for index in context.at(Level.OVERALL, Level.COMPONENT, Level.GROUP)]
    return [row for _level, row in sorted(zip(levels, rows, strict=True), key=lambda pair: pair[0])]


def group(context: Context, code: str) -> Table:
    """A group and its items."""
    year, against = context.year, context.against
    columns = (
        Column("Nội dung", Kind.TEXT, 0.375),
        Column(str(year), Kind.NUMBER, 0.07),
        Column("Khoảng 95% gần đúng", Kind.CENTRED, 0.14),
        Column(str(against), Kind.NUMBER, 0.07),
        Column("Chênh lệch", Kind.SIGNED, 0.08),
        Column(f"Hạng {year}", Kind.COUNT, 0.07),
        Column(f"Hạng {against}", Kind.COUNT, 0.07),
        Column(f"So với {against}", Kind.TEXT, 0.125),
    )
    head = context.indices[code]
    rows = [_index_row(index, like_for_like=False) for index in (head, *context.below(code))]
    return _table(context, code.replace(".", "-"), head.text, columns, rows, (_interval_note(context), NONE))


def question(context: Context, asked: Question, key: str, title: str) -> Table:
    """Lines of a perception or expectation question."""
    year, against = context.year, context.against
    value = "Điểm TB" if asked.scale else "Tỷ lệ %"
    columns = [Column("Nội dung", Kind.TEXT, 0.47), Column(f"{value} {year}", Kind.NUMBER, 0.11)]
    if not asked.scale:
        columns.append(Column("Số người (k/n)", Kind.CENTRED, 0.12))
    columns.append(Column("Khoảng 95% gần đúng", Kind.CENTRED, 0.15))
    alike = any(line.before is not None and _mark(line.comparability) is Mark.COMPARABLE for line in asked.lines)
    if alike:
        columns.append(Column(f"Tỷ lệ % {against}", Kind.NUMBER, 0.11))
    rows = []
    for line in asked.lines:
        cells: list[Cell] = [line.text, line.value]
        if not asked.scale:
            cells.append(f"{line.k}/{line.n}" if line.k is not None else None)
        cells.append(span(line.interval) or None)
        if alike:
            cells.append(line.before)
        rows.append(Row(tuple(cells)))
    notes = [_interval_note(context)]
    if asked.kind == "multi" and asked.total > 100:
        notes.insert(0, multiple(asked))
    reason = next((line.comparability.reason.vi for line in asked.lines if line.comparability), "")
    if reason and not alike and not asked.scale:
        notes.append(f"Không đặt cạnh số năm {against}: {reason}.")
    method = "điểm trung bình / 4 × 100" if asked.scale else "tỷ lệ người chọn (k/n)"
    return _table(context, key, title, columns, rows, notes, method=method)


def needs_before(context: Context, asked: Question) -> Table:
    """The expectations of the earlier year: other items, so in a table of their own."""
    columns = (Column("Nội dung", Kind.TEXT, 0.8), Column(f"Tỷ lệ % {context.against}", Kind.NUMBER, 0.2))
    rows = [Row((line.text, line.value)) for line in asked.lines]
    title = f"Mong đợi năm {context.against} (danh sách khác, không ghép với năm {context.year})"
    return _table(
        context, "mong-doi-truoc", title, columns, rows, n="nguồn không công bố số phiếu",
        period=f"năm {context.against}", method="tỷ lệ người chọn",
    )  # fmt: skip


def marks(context: Context) -> Table:
    """What the marks mean, and how many indices carry each."""
    counts = dict.fromkeys(MARKS, 0)
    for index in context.indices.values():
        counts[index.comparability.mark] += 1
    rows = [Row((MARKS[mark], MEANINGS[mark], count)) for mark, count in counts.items() if count]
    columns = (
        Column("Dấu", Kind.TEXT, 0.2),
        Column("Nghĩa", Kind.TEXT, 0.65),
        Column("Số chỉ số", Kind.COUNT, 0.15),
    )
    title = f"So sánh năm {context.year} với năm {context.against}: {len(context.indices)} chỉ số hài lòng"
    return _table(context, "dau-so-sanh", title, columns, rows)


def changes(context: Context) -> Table:
    """Comparable groups and items, largest change first."""
    columns = (
        Column("Chỉ số", Kind.TEXT, 0.52),
        Column(str(context.year), Kind.NUMBER, 0.09),
        Column(str(context.against), Kind.NUMBER, 0.09),
        Column("Chênh lệch", Kind.SIGNED, 0.1),
        Column("Đổi hạng", Kind.SIGNED, 0.08),
        Column("Kết luận", Kind.TEXT, 0.12),
    )
    rows = [
        Row((one.text, one.value, one.before, one.difference, one.places, VERDICTS[one.verdict]),
            strong=one.verdict in (Verdict.HIGHER, Verdict.LOWER))
        for one in sorted(context.comparable, key=lambda one: -(one.difference or Decimal(0)))
    ]  # fmt: skip
    notes = (f"Đổi hạng: dấu cộng là lên hạng; hạng trong {_ranked(context)} tỉnh, thành phố.", _interval_note(context))
    return _table(context, "tang-giam", "Nhóm và nội dung so sánh được, theo mức chênh lệch", columns, rows, notes)


def candidates(context: Context) -> Table:
    """Items to look at first: lowest mean scores, and lowest ranks."""
    chosen = list(dict.fromkeys(one.code for one in (*context.weakest, *context.lowest_ranked)))
    low = {one.code for one in context.weakest}
    far = {one.code for one in context.lowest_ranked}
    rows = []
    for code in sorted(chosen, key=lambda code: context.indices[code].value):
        index = context.indices[code]
        why = " và ".join(filter(None, ("điểm thấp" if code in low else "", "hạng thấp" if code in far else "")))
        rows.append(Row((index.text, context.indices[index.parent or ""].text, index.value, index.rank, why)))
    columns = (
        Column("Nội dung", Kind.TEXT, 0.42),
        Column("Nhóm", Kind.TEXT, 0.28),
        Column(str(context.year), Kind.NUMBER, 0.09),
        Column(f"Hạng/{_ranked(context)}", Kind.COUNT, 0.09),
        Column("Vì sao", Kind.TEXT, 0.12),
    )
    note = "Gợi ý để chọn việc, không phải đánh giá cơ quan nào; các điểm sát nhau thì thứ tự nằm trong sai số."
    return _table(context, "can-quan-tam", "Những nội dung cần xem trước", columns, rows, (note,))


def feedback(context: Context) -> Table:
    """The three items of the feedback group beside ratings and operations of the tickets."""
    held = context.operations
    period = f"{language.day(held.first)}-{language.day(held.last)}"
    labels = ("báo nhận trong 5 phút", "trả lời đúng hạn", "báo kết quả đúng hạn")
    rows = []
    for index, item, label in zip(context.below("service.feedback"), held.items, labels, strict=True):
        rows.append(Row((index.text, index.value, span(index.interval) or None, _rated(item.rated),
                         f"{label}: {_operated(item.operation)}")))  # fmt: skip
    columns = (
        Column("Nội dung", Kind.TEXT, 0.3),
        Column(f"SIPAS {context.year}", Kind.NUMBER, 0.09),
        Column("Khoảng 95% gần đúng", Kind.CENTRED, 0.13),
        Column("Đánh giá sau xử lý (điểm TB)", Kind.TEXT, 0.21),
        Column("Số liệu xử lý", Kind.TEXT, 0.27),
    )
    notes = (
        "SIPAS hỏi hộ dân được chọn ngẫu nhiên; đánh giá sau xử lý chỉ có của người gửi chịu chấm; cột cuối là tỷ lệ.",
        "Ba cột là ba đại lượng khác nhau, không cộng, không trừ.",
        "Khoảng của đánh giá theo phân bố t, của tỷ lệ theo Wilson, 95%. Dưới 10 đánh giá thì không ghi điểm.",
    )
    return _table(
        context, "phan-anh", "Ba nội dung về phản ánh, kiến nghị: khảo sát, đánh giá sau xử lý và số liệu xử lý",
        columns, rows, notes, period=f"SIPAS: năm {context.year}; phản ánh: {period}",
        method="SIPAS: điểm trung bình; xử lý: tỷ lệ", source=f"{context.source}; phản ánh, kiến nghị trong hệ thống",
    )  # fmt: skip


def _rated(rated: MeanIndex) -> str:
    if rated.value is None:
        return f"chưa đủ số liệu (n = {rated.n})"
    interval = f" [{two(rated.lo)}-{two(rated.hi)}]" if rated.lo is not None and rated.hi is not None else ""
    return f"{two(rated.value)}{interval}, n = {rated.n}"


def _operated(share: Share) -> str:
    if share.value is None or share.lo is None or share.hi is None:
        return "chưa có phản ánh (n = 0)"
    return f"{share.k}/{share.n} = {language.percent(share.value, 'vi', 1)} [{_pc(share.lo)}-{_pc(share.hi)}]"


def _pc(value: float) -> str:
    return language.percent(value, "vi", 1)


def discrepancies(context: Context) -> Table:
    """What does not add up in the published tables; the same case of several items is one row."""
    same: dict[tuple[str, ...], list[str]] = {}
    for one in context.findings:
        same.setdefault((one.what, one.printed, one.computed, one.why), []).append(one.code)
    rows = [Row((number, _names(context, codes), *what)) for number, (what, codes) in enumerate(same.items(), start=1)]
    columns = (
        Column("TT", Kind.COUNT, 0.05),
        Column("Chỉ số, câu hỏi", Kind.TEXT, 0.17),
        Column("Chỗ chưa khớp", Kind.TEXT, 0.16),
        Column("In", Kind.TEXT, 0.19),
        Column("Tính lại, đối chiếu", Kind.TEXT, 0.17),
        Column("Giải thích", Kind.TEXT, 0.26),
    )
    title = "Những chỗ chưa khớp trong số liệu đã công bố"
    return _table(context, "chua-khop", title, columns, rows, period=f"năm {context.against} và {context.year}",
                  method="tính lại từ số đã in", n="")  # fmt: skip


def _names(context: Context, codes: Sequence[str]) -> str:
    """Where the codes stand in the words of a reader: items by their number in the group."""
    found: dict[str, list[str]] = {}
    for code in codes:
        above, _dot, number = code.rpartition(".")
        item = number.isdigit()
        found.setdefault(above if item else code, []).extend([number] if item else [])
    named = []
    for code, numbers in found.items():
        name = _name(context, code)
        named.append(f"{name}: nội dung {', '.join(numbers)}" if numbers else name)
    return "; ".join(named)


def _name(context: Context, code: str) -> str:
    if code in context.indices:
        return context.indices[code].text
    question = context.question(code)
    return question.text if question else "Nhu cầu, mong đợi"


def _mark(comparability: object) -> Mark | None:
    return getattr(comparability, "mark", None)
