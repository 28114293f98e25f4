"""Compose the report from its first line to its last, as parts that a document or a workbook lays out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from analytics.compare import ComparabilityMark
from backend.reports.blocks import AuthorPlace, Block, Heading, Paragraph
from backend.reports.content import charts, sentences, tables
from backend.reports.content.approximation import YearVerdict
from backend.reports.content.context import FEEDBACK, ReportContext, ReportIndex, ReportQuestion
from backend.reports.content.sentences import moved_item

LETTERS = "abcdđeghik"


@dataclass(frozen=True)
class ReportOutline:
    """A report ready for layout: the parts of its first page, its body, its annex."""

    title: str
    context: ReportContext
    texts: Mapping[str, str]
    body: tuple[Block, ...]
    annex: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (*self.body, *self.annex)


def default_texts(context: ReportContext) -> dict[str, str]:
    """Return the texts that a report fills into its places until the author changes them."""
    about = context.agency
    return {
        "number": f"Số:          /{about.number_mark}",
        "dateline": f"{about.place}, ngày       tháng       năm {context.made_on.year}",
        "recipients": "\n".join(about.recipients),
        "signature": "\n".join(about.signature),
    }


def compose_report(context: ReportContext, texts: Mapping[str, str]) -> ReportOutline:
    """Compose the report. ``texts`` are the author's texts by place."""
    title = (
        "Phân tích Chỉ số hài lòng của người dân đối với sự phục vụ của cơ quan hành chính nhà nước (SIPAS) "
        f"năm {context.year} của {context.agency.name}; mục tiêu, nhiệm vụ nâng cao Chỉ số SIPAS năm {context.year + 1}"
    )
    body = (*_opening(context), *_information(context), *_results(context), *_assessment(context, texts),
            *_tasks(context, texts), *_closing(context))  # fmt: skip
    return ReportOutline(title, context, default_texts(context) | dict(texts), tuple(body), tuple(_annex(context)))


def _sentence_paragraph(key: str, *parts: str) -> Paragraph:
    """Return a generated paragraph from one or more sentences. Empty sentences are left out."""
    return Paragraph(" ".join(part for part in parts if part), key)


def _opening(context: ReportContext) -> Iterator[Block]:
    basis = context.survey.announced or context.source
    yield Paragraph(
        f"Căn cứ {basis[:1].lower() + basis[1:] if basis.startswith('Báo') else basis}, {context.agency.agency_short} phân tích kết quả của "
        f"{context.agency.name}, so với năm {context.against}, như sau:"
    )


def _information(context: ReportContext) -> Iterator[Block]:
    survey = context.survey
    yield Heading(1, "I. THÔNG TIN CHUNG")
    yield Heading(2, "1. Cuộc khảo sát")
    yield Paragraph(
        f"Khảo sát do {survey.conducted_by} thực hiện tại {survey.scope}, theo {context.method.legal_basis}; đối tượng là "
        f"{context.method.respondents.vi}. Nội dung gồm ba khía cạnh: nhận định, đánh giá ({len(context.questions)} tiêu chí); mức "
        f"độ hài lòng ({len(context.method.leaves)} nội dung trong 9 nhóm và 2 thành phần); nhu cầu, mong đợi (10 nội dung)."
    )
    if survey.stages:
        yield _sentence_paragraph("sample", sentences.sample(context))
    yield Heading(2, "2. Cách đọc số liệu")
    yield _sentence_paragraph("reading", sentences.reading(context))
    yield _sentence_paragraph("approximation", sentences.approximation(context))
    yield Heading(2, f"3. So sánh với năm {context.against}")
    yield Paragraph(
        "Phiếu và cách tính của hai năm không giống nhau, nên từng chỉ số được đánh dấu có so sánh được hay không."
    )
    yield tables.marks(context)
    yield _sentence_paragraph("difference_rule", sentences.difference_rule(context))


def _results(context: ReportContext) -> Iterator[Block]:
    year, overall = context.year, context.overall
    yield Heading(1, f"II. KẾT QUẢ CHỈ SỐ SIPAS NĂM {year}")
    name = f"Chỉ số SIPAS của {context.agency.name}"
    yield _sentence_paragraph(
        "overall", sentences.level(overall, name, year, context.n), sentences.rank_change(overall, context.against)
    )
    yield _sentence_paragraph("overall_change", sentences.change(overall, context.against))
    yield tables.overview(context)
    yield charts.groups(context)
    yield Heading(2, f"1. Nhận định, đánh giá của người dân ({len(context.questions)} tiêu chí)")
    for number, question in enumerate(context.questions, start=1):
        yield from _perception(context, number, question)
    yield Heading(2, "2. Mức độ hài lòng của người dân")
    for number, component in enumerate(context.below("sipas"), start=1):
        yield from _component(context, number, component)
    yield from _focus(context)
    yield from _needs_part(context)


def _perception(context: ReportContext, number: int, question: ReportQuestion) -> Iterator[Block]:
    yield Heading(3, f"1.{number}. {question.text}")
    if question.scale:
        parts = (sentences.scale_question(question), sentences.not_a_trend(question, context.against))
    else:
        parts = (sentences.share_question(question), _share_change(context, question))
    yield _sentence_paragraph(f"perception.{question.code}", *parts)
    key, title = question.code.replace("_", "-"), question.text
    yield tables.question(context, question, key, title)
    if len(question.lines) > 4:
        yield charts.lines(context, question, key, title)


def _share_change(context: ReportContext, question: ReportQuestion) -> str:
    """Return the sentence about the first line and the earlier year. Only questions with one answer can be compared."""
    line = question.lines[0]
    alike = line.comparability is not None and line.comparability.mark is ComparabilityMark.COMPARABLE
    if question.kind != "single" or not alike or line.interval is None:
        return ""
    half = max(line.value - line.interval.lo, line.interval.hi - line.value)
    return sentences.share_change(line, context.against, half * Decimal(2).sqrt())


def _component(context: ReportContext, number: int, component: ReportIndex) -> Iterator[Block]:
    yield Heading(3, f"2.{number}. {component.text}")
    name = "Chỉ số thành phần"
    yield _sentence_paragraph(component.code, sentences.level(component, name, context.year, context.n),
                sentences.rank_change(component, context.against), sentences.change(component, context.against))  # fmt: skip
    for letter, group in zip(LETTERS, context.below(component.code), strict=False):
        yield Heading(4, f"{letter}) {group.text}")
        yield _sentence_paragraph(group.code, sentences.level(group, "Nhóm này", context.year, context.n),
                    sentences.rank_change(group, context.against), sentences.change(group, context.against))  # fmt: skip
        yield _sentence_paragraph(f"{group.code}.extremes", sentences.extremes(context.below(group.code)))
        yield tables.group(context, group.code)
    yield charts.items(context, component)


def _focus(context: ReportContext) -> Iterator[Block]:
    """Set the feedback group beside what happened to the tickets."""
    yield Heading(3, "2.3. Trọng tâm: tiếp nhận, xử lý phản ánh, kiến nghị")
    group = context.indices[FEEDBACK]
    ranked = sorted(context.below(group.parent or ""), key=lambda index: index.value)
    place = 1 + [index.code for index in ranked].index(FEEDBACK)
    order = "thấp nhất" if place == 1 else f"thấp thứ {place}"
    yield Paragraph(
        f"Nhóm này có điểm trung bình {sentences.two_decimals(group.value)}, {order} trong {len(ranked)} nhóm về cung ứng dịch vụ hành "
        "chính công.", "feedback.place",
    )  # fmt: skip
    line = context.ever_sent
    if line is not None and context.n and line.k is not None:
        yield _sentence_paragraph("feedback.impression", sentences.impression(line, context.n))
    yield _sentence_paragraph("feedback.operations", sentences.operations(context))
    if context.operations.figures.received:
        yield tables.feedback(context)


def _needs_part(context: ReportContext) -> Iterator[Block]:
    if context.needs is None:
        return
    yield Heading(2, "3. Nhu cầu, mong đợi của người dân")
    yield _sentence_paragraph("needs", sentences.needs(context.needs), sentences.need_of_feedback(context.needs))
    title = f"Mong đợi năm {context.year}"
    yield tables.question(context, context.needs, "mong-doi", title)
    yield charts.lines(context, context.needs, "mong-doi", title)
    if context.needs_before is not None:
        yield Paragraph(
            f"Mười nội dung của năm {context.against} khác với năm {context.year} (kể cả khi cùng số thứ tự), nên không nói được "
            "mong đợi tăng hay giảm."
        )
        yield tables.needs_before(context, context.needs_before)


def _assessment(context: ReportContext, texts: Mapping[str, str]) -> Iterator[Block]:
    yield Heading(1, "III. ĐÁNH GIÁ CHUNG")
    yield Heading(2, "1. Kết quả đạt được; những chỉ số tăng, giảm")
    yield _sentence_paragraph("balance", sentences.balance(context))
    yield from _moved_part(context, YearVerdict.HIGHER, "Cao hơn quá sai số gần đúng:")
    yield from _moved_part(context, YearVerdict.LOWER, "Thấp hơn quá sai số gần đúng:")
    yield _sentence_paragraph("ranks", sentences.ranks(context))
    yield tables.changes(context)
    yield AuthorPlace("achievements", texts.get("achievements", ""))
    yield Heading(2, "2. Tồn tại, hạn chế")
    yield _sentence_paragraph("weakest", sentences.weakest(context.weakest))
    for code in ("harassment", "informal_payment"):
        if (question := context.question(code)) is not None:
            yield _sentence_paragraph(
                f"still.{code}", f"{question.text}: " + "; ".join(map(sentences.share, question.lines[1:])) + "."
            )
    yield AuthorPlace("shortcomings", texts.get("shortcomings", ""))
    yield Heading(2, "3. Nguyên nhân")
    yield AuthorPlace("causes", texts.get("causes", ""))
    yield Heading(2, "4. Giới hạn của số liệu")
    yield from _limits(context)


def _moved_part(context: ReportContext, verdict: YearVerdict, lead: str) -> Iterator[Block]:
    indices = context.changed(verdict)
    if indices:
        yield Paragraph(lead)
        for index in indices:
            yield Paragraph(moved_item(index), f"moved.{index.code}")


def _limits(context: ReportContext) -> Iterator[Block]:
    survey = context.survey
    if survey.communes and survey.villages and context.n:
        yield Paragraph(
            f"Mẫu nằm trong {survey.communes} xã, phường, thị trấn với {survey.villages} thôn, bản, tổ dân phố; người cùng nơi trả lời "
            f"giống nhau hơn nên {context.n} phiếu cho ít thông tin hơn {context.n} người chọn ngẫu nhiên trong toàn tỉnh. Không có "
            "số liệu của từng xã, phường.", "limits.sample",
        )  # fmt: skip
    yield Paragraph(
        "Khoảng tin cậy trong báo cáo là gần đúng, dựa trên giả định nêu ở mục I.2; chỉ có phiếu gốc mới cho khoảng tin cậy đúng."
    )
    if context.findings:
        yield Paragraph(
            f"Đối chiếu số liệu đã công bố cho thấy {len(context.findings)} chỗ chưa khớp, nêu ở Phụ lục.",
            "limits.findings",
        )


def _tasks(context: ReportContext, texts: Mapping[str, str]) -> Iterator[Block]:
    yield Heading(1, f"IV. MỤC TIÊU, NHIỆM VỤ NÂNG CAO CHỈ SỐ SIPAS NĂM {context.year + 1}")
    yield Heading(2, "1. Mục tiêu")
    yield AuthorPlace("target", texts.get("target", ""))
    if context.n:
        yield _sentence_paragraph("least_visible", sentences.least_visible(context))
    yield Heading(2, "2. Nhiệm vụ và giải pháp")
    yield tables.candidates(context)
    yield AuthorPlace("tasks", texts.get("tasks", ""))


def _closing(context: ReportContext) -> Iterator[Block]:
    yield Paragraph(
        f"Trên đây là báo cáo phân tích Chỉ số SIPAS năm {context.year} của {context.agency.name}; mục tiêu, nhiệm vụ nâng cao Chỉ số "
        f"SIPAS năm {context.year + 1}./."
    )


def _annex(context: ReportContext) -> Iterator[Block]:
    if context.findings:
        yield tables.discrepancies(context)
