"""Marks of comparisons between two years in the words of a report, and those of single lines. Pure."""

from collections.abc import Mapping

from analytics.compare import Comparability, Mark, comparability
from backend.indices.published.queries import Published
from backend.reports.content.approximation import Verdict

# The words are the document's, so they are not translated with the pages.
MARKS: Mapping[Mark, str] = {
    Mark.COMPARABLE: "so sánh được",
    Mark.FORMULA_CHANGED: "khác công thức",
    Mark.ITEM_NOT_ASKED: "khác nội dung hỏi",
    Mark.WORDING_CHANGED: "câu hỏi đã đổi",
    Mark.NOT_COMPARABLE: "không so sánh được",
}
MEANINGS: Mapping[Mark, str] = {
    Mark.COMPARABLE: "cùng nội dung, cùng cách tính; chênh lệch được xét với sai số gần đúng",
    Mark.FORMULA_CHANGED: "cách tính của hai năm khác nhau; nơi tính được thì có thêm chênh lệch cùng công thức",
    Mark.ITEM_NOT_ASKED: "năm trước không hỏi, hoặc nhóm khi đó gồm những nội dung khác; không xét tăng, giảm",
    Mark.WORDING_CHANGED: "câu hỏi đã đổi; không xét tăng, giảm",
    Mark.NOT_COMPARABLE: "hai cuộc khảo sát khác phương pháp; không xét tăng, giảm",
}
VERDICTS: Mapping[Verdict, str] = {
    Verdict.HIGHER: "cao hơn",
    Verdict.LOWER: "thấp hơn",
    Verdict.NO_EVIDENCE: "trong sai số",
    Verdict.NOT_COMPARABLE: "không xét",
}


def compared(earlier: Published | None, later: Published) -> Comparability | None:
    """The mark of one line; None where the earlier year printed nothing for it."""
    return None if earlier is None else comparability(earlier.method_code, later.method_code, later.code)
