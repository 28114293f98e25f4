"""The marks of year comparisons in the words of a report, for indices and for single lines. Pure."""

from collections.abc import Mapping

from analytics.compare import Comparability, ComparabilityMark, compare_indices
from backend.indices.published.queries import PublishedIndex
from backend.reports.content.approximation import YearVerdict

# The words belong to the document, so they are not translated with the pages.
MARKS: Mapping[ComparabilityMark, str] = {
    ComparabilityMark.COMPARABLE: "so sánh được",
    ComparabilityMark.FORMULA_CHANGED: "khác công thức",
    ComparabilityMark.ITEM_NOT_ASKED: "khác nội dung hỏi",
    ComparabilityMark.WORDING_CHANGED: "câu hỏi đã đổi",
    ComparabilityMark.NOT_COMPARABLE: "không so sánh được",
}
MEANINGS: Mapping[ComparabilityMark, str] = {
    ComparabilityMark.COMPARABLE: "cùng nội dung, cùng cách tính; chênh lệch được xét với sai số gần đúng",
    ComparabilityMark.FORMULA_CHANGED: (
        "cách tính của hai năm khác nhau; nơi tính được thì có thêm chênh lệch cùng công thức"
    ),
    ComparabilityMark.ITEM_NOT_ASKED: (
        "năm trước không hỏi, hoặc nhóm khi đó gồm những nội dung khác; không xét tăng, giảm"
    ),
    ComparabilityMark.WORDING_CHANGED: "câu hỏi đã đổi; không xét tăng, giảm",
    ComparabilityMark.NOT_COMPARABLE: "hai cuộc khảo sát khác phương pháp; không xét tăng, giảm",
}
VERDICTS: Mapping[YearVerdict, str] = {
    YearVerdict.HIGHER: "cao hơn",
    YearVerdict.LOWER: "thấp hơn",
    YearVerdict.NO_EVIDENCE: "trong sai số",
    YearVerdict.NOT_COMPARABLE: "không xét",
}


def comparability_of(earlier: PublishedIndex | None, later: PublishedIndex) -> Comparability | None:
    """Return the mark of one line; None where the earlier year printed nothing for it."""
    return None if earlier is None else compare_indices(earlier.method_code, later.method_code, later.code)
