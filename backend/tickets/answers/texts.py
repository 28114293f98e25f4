"""Names and sentences of answers, as messages of the catalogue. The sender reads the sentences, staff the names."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.errors import _
from backend.tickets.answers.outcomes import AnswerOutcome, AnswerProof, PointReply
from backend.tickets.answers.queries import AnswerView
from backend.web.language import day_text, gettext

OUTCOME_NAMES: dict[AnswerOutcome, str] = {
    AnswerOutcome.DONE: _("Đã làm xong"),
    AnswerOutcome.PARTLY: _("Làm được một phần"),
    AnswerOutcome.PROMISED: _("Hẹn ngày làm xong"),
    AnswerOutcome.NOT_POSSIBLE: _("Không làm được, có lý do theo danh mục"),
    AnswerOutcome.NOT_AS_DESCRIBED: _("Đã kiểm tra, không đúng như phản ánh"),
    AnswerOutcome.ANSWERED_BEFORE: _("Đã trả lời trước đây"),
}
OUTCOME_SENTENCES: dict[AnswerOutcome, str] = {
    AnswerOutcome.DONE: _("Kết quả: đã làm xong."),
    AnswerOutcome.PARTLY: _("Kết quả: làm được một phần."),
    AnswerOutcome.PROMISED: _(
        "Kết quả: hẹn làm xong trước hết ngày %(until)s. Bạn được báo khi làm xong; quá ngày này mà chưa xong thì lãnh "
        "đạo cơ quan được nhắc."
    ),
    AnswerOutcome.NOT_POSSIBLE: _("Kết quả: không làm được. Lý do: %(ground)s (căn cứ: %(basis)s)."),
    AnswerOutcome.NOT_AS_DESCRIBED: _("Kết quả: đã kiểm tra, thực tế không đúng như phản ánh."),
    AnswerOutcome.ANSWERED_BEFORE: _("Kết quả: nội dung này đã được trả lời trước đây."),
}
EARLIER = _("Phản ánh đã được trả lời: %(number)s.")
EARLIER_TEXT = _("Phản ánh đã được trả lời: %(number)s. Câu trả lời khi đó:")
DOCUMENT = _("Văn bản: %(document)s.")
DOCUMENT_ON = _("Văn bản: %(document)s, ngày %(day)s.")
VISIT = _("Đã đến xem tại chỗ ngày %(day)s.")
VISIT_BY = _("Đã đến xem tại chỗ ngày %(day)s: %(visitor)s.")
POINTS = _("Trả lời từng điểm bạn hỏi:")
IN_TEXT = _("đã trả lời trong nội dung trên")
POINT_OPEN = _("chưa trả lời")


@dataclass(frozen=True)
class AnswerTexts:
    """What an answer says beside its text, in the reader's language. Empty parts are not shown.

    ``points``: each point with its answer. ``earlier_text`` is the earlier answer itself, if this sender may read it.
    """

    outcome: str
    proof: Sequence[str]
    points: Sequence[tuple[str, str]]
    earlier: str
    earlier_text: str

    def beside(self, language: str) -> list[str]:
        """Return what stands below the text in a message, paragraph by paragraph: proof, earlier answer, points."""
        earlier = f"{self.earlier}\n{self.earlier_text}".strip()
        lines = [f"{number}. {point} – {reply}" for number, (point, reply) in enumerate(self.points, start=1)]
        points = "\n".join([gettext(language, POINTS), *lines]) if lines else ""
        return [paragraph for paragraph in (*self.proof, earlier, points) if paragraph]


def answer_texts(view: AnswerView, language: str) -> AnswerTexts:
    """Return the texts of an answer, a draft or a refusal."""
    return AnswerTexts(
        outcome=_outcome_sentence(view, language),
        proof=_proof_sentences(view.details.proof, language),
        points=[(point.point, _point_answer(point, language)) for point in view.details.points],
        earlier=_earlier_sentence(view, language),
        earlier_text=view.earlier.text if view.earlier else "",
    )


def _outcome_sentence(view: AnswerView, language: str) -> str:
    """Return what became of the matter; empty where the answer names no outcome."""
    if view.outcome is None:
        return ""
    params: dict[str, object] = {"until": day_text(view.until) if view.until else ""}
    if view.ground is not None:
        params |= {"ground": gettext(language, view.ground.text), "basis": gettext(language, view.ground.basis)}
    return gettext(language, OUTCOME_SENTENCES[view.outcome], params)


def _proof_sentences(proof: AnswerProof, language: str) -> list[str]:
    sentences = []
    if proof.document:
        params: dict[str, object] = {"document": proof.document}
        params |= {"day": day_text(proof.document_on)} if proof.document_on else {}
        sentences.append(gettext(language, DOCUMENT_ON if proof.document_on else DOCUMENT, params))
    if proof.visited_on:
        params = {"day": day_text(proof.visited_on), "visitor": proof.visitor}
        sentences.append(gettext(language, VISIT_BY if proof.visitor else VISIT, params))
    return sentences


def _point_answer(point: PointReply, language: str) -> str:
    return point.reply or gettext(language, IN_TEXT if point.in_text else POINT_OPEN)


def _earlier_sentence(view: AnswerView, language: str) -> str:
    if view.earlier is None:
        return ""
    return gettext(language, EARLIER_TEXT if view.earlier.text else EARLIER, {"number": view.earlier.number})
