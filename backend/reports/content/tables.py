"""The tables of a report. No arithmetic stands here, only which value goes where."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from analytics.compare import ComparabilityMark
from analytics.methods import IndexLevel
from analytics.operations import MeanIndex, ShareInterval
from backend.reports.blocks import Cell, ColumnKind, ReportColumn, ReportRow, ReportTable
from backend.reports.content.approximation import YearVerdict
from backend.reports.content.comparison import MARKS, MEANINGS, VERDICTS
from backend.reports.content.context import QuestionLine, ReportContext, ReportIndex, ReportQuestion
from backend.reports.content.sentences import interval_text, multiple_choice, two_decimals
from backend.web import language

NONE = "Dấu “–”: không có số liệu, hoặc không được so sánh."


def _n(context: ReportContext) -> str:
    return f"n = {context.n}" if context.n else "nguồn không công bố số phiếu"


def _table(
    context: ReportContext,
    key: str,
    title: str,
    columns: Sequence[ReportColumn],
    rows: Iterable[ReportRow],
    notes: Sequence[str] = (),
    *,
    n: str | None = None,
    period: str = "",
    method: str = "",
    source: str = "",
) -> ReportTable:
    """Return a table of survey figures; the keywords replace its n, period, method or source."""
    return ReportTable(
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


def _interval_note(context: ReportContext) -> str:
    if context.n is None:
        return "Không có khoảng tin cậy: nguồn không công bố số phiếu."
    return (
        f"Khoảng 95%: cách tính và giả định ở mục I.2; năm {context.against} không có vì nguồn không công bố số phiếu."
    )


def _mark_of(index: ReportIndex) -> str:
    mark = index.comparability.mark
    if index.before is None:
        return "không có số trước"
    if mark is ComparabilityMark.COMPARABLE:
        return VERDICTS[index.verdict]
    if index.verdict is not YearVerdict.NOT_COMPARABLE:
        return f"{MARKS[mark]}; {VERDICTS[index.verdict]}"
    return MARKS[mark]


def _index_row(index: ReportIndex, *, like_for_like: bool) -> ReportRow:
    """Return the row of an index. ``like_for_like``: with both the printed change and the one under one formula."""
    mark = index.comparability.mark
    changes: tuple[Cell, ...]
    if like_for_like:
        printed = None if mark is ComparabilityMark.ITEM_NOT_ASKED else index.difference
        changes = (printed, index.like_for_like)
    else:
        changes = (index.difference if mark is ComparabilityMark.COMPARABLE else None,)
    return ReportRow(
        (
            index.text,
            index.value,
            interval_text(index.interval) or None,
            index.before,
            *changes,
            index.rank,
            index.rank_before,
            _mark_of(index),
        ),
        strong=index.level is not IndexLevel.ITEM,
    )


def _ranked_units(context: ReportContext) -> int:
    return next((index.ranked for index in context.indices.values() if index.ranked), 0)


def overview(context: ReportContext) -> ReportTable:
    """Return the table of the overall index, the components and the groups."""
    year, against = context.year, context.against
    columns = (
        ReportColumn("Chỉ số", ColumnKind.TEXT, 0.275),
        ReportColumn(str(year), ColumnKind.NUMBER, 0.07),
        ReportColumn("Khoảng 95% gần đúng", ColumnKind.CENTRED, 0.14),
        ReportColumn(str(against), ColumnKind.NUMBER, 0.07),
        ReportColumn("Chênh công bố", ColumnKind.SIGNED, 0.085),
        ReportColumn("Chênh cùng công thức", ColumnKind.SIGNED, 0.085),
        ReportColumn(f"Hạng {year}", ColumnKind.COUNT, 0.07),
        ReportColumn(f"Hạng {against}", ColumnKind.COUNT, 0.07),
        ReportColumn(f"So với {against}", ColumnKind.TEXT, 0.135),
    )
    rows = [
        _index_row(index, like_for_like=True)
        for index in context.at(IndexLevel.OVERALL, IndexLevel.COMPONENT, IndexLevel.GROUP)
    ]
    rows = [ReportRow(row.cells, strong=i < 3 and row.strong) for i, row in enumerate(_by_component(context, rows))]
    notes = (f"Hạng trong {_ranked_units(context)} tỉnh, thành phố.", _interval_note(context), NONE)
    return _table(context, "tong-hop", "Chỉ số chung, hai thành phần và chín nhóm", columns, rows, notes)


def _by_component(context: ReportContext, rows: list[ReportRow]) -> list[ReportRow]:
    """Order the rows: the total, then the components, then the groups in the order of the form."""
    rank = {IndexLevel.OVERALL: 0, IndexLevel.COMPONENT: 1, IndexLevel.GROUP: 2}
    levels = [rank[index.level] for index in context.at(IndexLevel.OVERALL, IndexLevel.COMPONENT, IndexLevel.GROUP)]
    return [row for _level, row in sorted(zip(levels, rows, strict=True), key=lambda pair: pair[0])]


def group(context: ReportContext, code: str) -> ReportTable:
    """Return the table of a group and its items."""
    year, against = context.year, context.against
    columns = (
        ReportColumn("Nội dung", ColumnKind.TEXT, 0.375),
        ReportColumn(str(year), ColumnKind.NUMBER, 0.07),
        ReportColumn("Khoảng 95% gần đúng", ColumnKind.CENTRED, 0.14),
        ReportColumn(str(against), ColumnKind.NUMBER, 0.07),
        ReportColumn("Chênh lệch", ColumnKind.SIGNED, 0.08),
        ReportColumn(f"Hạng {year}", ColumnKind.COUNT, 0.07),
        ReportColumn(f"Hạng {against}", ColumnKind.COUNT, 0.07),
        ReportColumn(f"So với {against}", ColumnKind.TEXT, 0.125),
    )
    head = context.indices[code]
    rows = [_index_row(index, like_for_like=False) for index in (head, *context.below(code))]
    return _table(context, code.replace(".", "-"), head.text, columns, rows, (_interval_note(context), NONE))


def question(context: ReportContext, topic: ReportQuestion, key: str, title: str) -> ReportTable:
    """Return the lines of a perception or expectation question.

    The earlier year has a column only where at least one line may be compared.
    """
    alike = any(line.before is not None and _is_comparable(line) for line in topic.lines)
    columns = _question_columns(context, scale=topic.scale, alike=alike)
    rows = [ReportRow(_question_cells(line, scale=topic.scale, alike=alike)) for line in topic.lines]
    notes = _question_notes(context, topic, alike=alike)
    method = "điểm trung bình / 4 × 100" if topic.scale else "tỷ lệ người chọn (k/n)"
    return _table(context, key, title, columns, rows, notes, method=method)


def _question_columns(context: ReportContext, *, scale: bool, alike: bool) -> list[ReportColumn]:
    value = "Điểm TB" if scale else "Tỷ lệ %"
    columns = [
        ReportColumn("Nội dung", ColumnKind.TEXT, 0.47),
        ReportColumn(f"{value} {context.year}", ColumnKind.NUMBER, 0.11),
    ]
    if not scale:
        columns.append(ReportColumn("Số người (k/n)", ColumnKind.CENTRED, 0.12))
    columns.append(ReportColumn("Khoảng 95% gần đúng", ColumnKind.CENTRED, 0.15))
    if alike:
        columns.append(ReportColumn(f"Tỷ lệ % {context.against}", ColumnKind.NUMBER, 0.11))
    return columns


def _question_cells(line: QuestionLine, *, scale: bool, alike: bool) -> tuple[Cell, ...]:
    """Return the cells of a line, in the order of `_question_columns`."""
    cells: list[Cell] = [line.text, line.value]
    if not scale:
        cells.append(f"{line.k}/{line.n}" if line.k is not None else None)
    cells.append(interval_text(line.interval) or None)
    if alike:
        cells.append(line.before)
    return tuple(cells)


def _question_notes(context: ReportContext, topic: ReportQuestion, *, alike: bool) -> list[str]:
    notes = [_interval_note(context)]
    if topic.kind == "multi" and topic.total > 100:
        notes.insert(0, multiple_choice(topic))
    reason = next((line.comparability.reason.vi for line in topic.lines if line.comparability), "")
    if reason and not alike and not topic.scale:
        notes.append(f"Không đặt cạnh số năm {context.against}: {reason}.")
    return notes


def _is_comparable(line: QuestionLine) -> bool:
    return line.comparability is not None and line.comparability.mark is ComparabilityMark.COMPARABLE


def needs_before(context: ReportContext, topic: ReportQuestion) -> ReportTable:
    """Return the expectations of the earlier year. Their items differ, so they have a table of their own."""
    columns = (
        ReportColumn("Nội dung", ColumnKind.TEXT, 0.8),
        ReportColumn(f"Tỷ lệ % {context.against}", ColumnKind.NUMBER, 0.2),
    )
    rows = [ReportRow((line.text, line.value)) for line in topic.lines]
    title = f"Mong đợi năm {context.against} (danh sách khác, không ghép với năm {context.year})"
    return _table(
        context, "mong-doi-truoc", title, columns, rows, n="nguồn không công bố số phiếu",
        period=f"năm {context.against}", method="tỷ lệ người chọn",
    )  # fmt: skip


def marks(context: ReportContext) -> ReportTable:
    """Say what the marks mean, and how many indices carry each."""
    counts = dict.fromkeys(MARKS, 0)
    for index in context.indices.values():
        counts[index.comparability.mark] += 1
    rows = [ReportRow((MARKS[mark], MEANINGS[mark], count)) for mark, count in counts.items() if count]
    columns = (
        ReportColumn("Dấu", ColumnKind.TEXT, 0.2),
        ReportColumn("Nghĩa", ColumnKind.TEXT, 0.65),
        ReportColumn("Số chỉ số", ColumnKind.COUNT, 0.15),
    )
    title = f"So sánh năm {context.year} với năm {context.against}: {len(context.indices)} chỉ số hài lòng"
    return _table(context, "dau-so-sanh", title, columns, rows)


def changes(context: ReportContext) -> ReportTable:
    """Return the comparable groups and items, largest change first."""
    columns = (
        ReportColumn("Chỉ số", ColumnKind.TEXT, 0.52),
        ReportColumn(str(context.year), ColumnKind.NUMBER, 0.09),
        ReportColumn(str(context.against), ColumnKind.NUMBER, 0.09),
        ReportColumn("Chênh lệch", ColumnKind.SIGNED, 0.1),
        ReportColumn("Đổi hạng", ColumnKind.SIGNED, 0.08),
        ReportColumn("Kết luận", ColumnKind.TEXT, 0.12),
    )
    rows = [
        ReportRow(
            (index.text, index.value, index.before, index.difference, index.places, VERDICTS[index.verdict]),
            strong=index.verdict in (YearVerdict.HIGHER, YearVerdict.LOWER),
        )
        for index in sorted(context.comparable, key=lambda index: -(index.difference or Decimal(0)))
    ]
    notes = (
        f"Đổi hạng: dấu cộng là lên hạng; hạng trong {_ranked_units(context)} tỉnh, thành phố.",
        _interval_note(context),
    )
    return _table(context, "tang-giam", "Nhóm và nội dung so sánh được, theo mức chênh lệch", columns, rows, notes)


def candidates(context: ReportContext) -> ReportTable:
    """Return the items to look at first: those with the lowest mean scores and those with the lowest ranks."""
    low = {index.code for index in context.weakest}
    far = {index.code for index in context.lowest_ranked}
    codes = dict.fromkeys(index.code for index in (*context.weakest, *context.lowest_ranked))
    rows = []
    for index in sorted((context.indices[code] for code in codes), key=lambda index: index.value):
        reasons = ("điểm thấp" if index.code in low else "", "hạng thấp" if index.code in far else "")
        group_text = context.indices[index.parent or ""].text
        rows.append(ReportRow((index.text, group_text, index.value, index.rank, " và ".join(filter(None, reasons)))))
    columns = (
        ReportColumn("Nội dung", ColumnKind.TEXT, 0.42),
        ReportColumn("Nhóm", ColumnKind.TEXT, 0.28),
        ReportColumn(str(context.year), ColumnKind.NUMBER, 0.09),
        ReportColumn(f"Hạng/{_ranked_units(context)}", ColumnKind.COUNT, 0.09),
        ReportColumn("Vì sao", ColumnKind.TEXT, 0.12),
    )
    note = "Gợi ý để chọn việc, không phải đánh giá cơ quan nào; các điểm sát nhau thì thứ tự nằm trong sai số."
    return _table(context, "can-quan-tam", "Những nội dung cần xem trước", columns, rows, (note,))


def feedback(context: ReportContext) -> ReportTable:
    """Return the three items of the feedback group beside the ratings and operations of the tickets."""
    tickets = context.operations
    period = f"{language.day_text(tickets.first)}-{language.day_text(tickets.last)}"
    labels = ("báo nhận trong 5 phút", "trả lời đúng hạn", "báo kết quả đúng hạn")
    rows = []
    for index, item, label in zip(context.below("service.feedback"), tickets.items, labels, strict=True):
        interval = interval_text(index.interval) or None
        operation = f"{label}: {_share_text(item.operation)}"
        rows.append(ReportRow((index.text, index.value, interval, _rating_text(item.rated), operation)))
    columns = (
        ReportColumn("Nội dung", ColumnKind.TEXT, 0.3),
        ReportColumn(f"SIPAS {context.year}", ColumnKind.NUMBER, 0.09),
        ReportColumn("Khoảng 95% gần đúng", ColumnKind.CENTRED, 0.13),
        ReportColumn("Đánh giá sau xử lý (điểm TB)", ColumnKind.TEXT, 0.21),
        ReportColumn("Số liệu xử lý", ColumnKind.TEXT, 0.27),
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


def _rating_text(rated: MeanIndex) -> str:
    if rated.value is None:
        return f"chưa đủ số liệu (n = {rated.n})"
    interval = (
        f" [{two_decimals(rated.lo)}-{two_decimals(rated.hi)}]" if rated.lo is not None and rated.hi is not None else ""
    )
    return f"{two_decimals(rated.value)}{interval}, n = {rated.n}"


def _share_text(share: ShareInterval) -> str:
    if share.value is None or share.lo is None or share.hi is None:
        return "chưa có phản ánh (n = 0)"
    interval = f"[{_percent_text(share.lo)}-{_percent_text(share.hi)}]"
    return f"{share.k}/{share.n} = {_percent_text(share.value)} {interval}"


def _percent_text(value: float) -> str:
    return language.percent_text(value, "vi", 1)


def discrepancies(context: ReportContext) -> ReportTable:
    """List what does not add up in the published tables. One row holds all codes with the same finding."""
    codes_of: dict[tuple[str, ...], list[str]] = {}
    for finding in context.findings:
        texts = (finding.what, finding.printed, finding.computed, finding.why)
        codes_of.setdefault(texts, []).append(finding.code)
    rows = [
        ReportRow((number, _names(context, codes), *texts))
        for number, (texts, codes) in enumerate(codes_of.items(), start=1)
    ]
    columns = (
        ReportColumn("TT", ColumnKind.COUNT, 0.05),
        ReportColumn("Chỉ số, câu hỏi", ColumnKind.TEXT, 0.17),
        ReportColumn("Chỗ chưa khớp", ColumnKind.TEXT, 0.16),
        ReportColumn("In", ColumnKind.TEXT, 0.19),
        ReportColumn("Tính lại, đối chiếu", ColumnKind.TEXT, 0.17),
        ReportColumn("Giải thích", ColumnKind.TEXT, 0.26),
    )
    title = "Những chỗ chưa khớp trong số liệu đã công bố"
    return _table(context, "chua-khop", title, columns, rows, period=f"năm {context.against} và {context.year}",
                  method="tính lại từ số đã in", n="")  # fmt: skip


def _names(context: ReportContext, codes: Sequence[str]) -> str:
    """Return where the codes stand, in a reader's words: items by their number in the group."""
    numbers_of: dict[str, list[str]] = {}
    for code in codes:
        above, _dot, number = code.rpartition(".")
        item = number.isdigit()
        numbers_of.setdefault(above if item else code, []).extend([number] if item else [])
    named = []
    for code, numbers in numbers_of.items():
        name = _name(context, code)
        named.append(f"{name}: nội dung {', '.join(numbers)}" if numbers else name)
    return "; ".join(named)


def _name(context: ReportContext, code: str) -> str:
    if code in context.indices:
        return context.indices[code].text
    question = context.question(code)
    return question.text if question else "Nhu cầu, mong đợi"
