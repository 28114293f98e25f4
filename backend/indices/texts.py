"""Figures about the feedback group in words: names, verdicts, what goes together. All texts are of the catalogue."""

from collections.abc import Callable

from analytics.forecast import ForecastBasis, ForecastGap
from backend.errors import _
from backend.indicators.published_error import SAMPLE_UNKNOWN
from backend.indices.measures.values import RunValue
from backend.indices.models import FigureSide, Measure
from backend.web.language import number_text, percent_text

Say = Callable[..., str]

ITEM_NAMES = (
    _("Nhóm tiếp nhận, xử lý phản ánh, kiến nghị"),
    _("1. Dễ gửi phản ánh"),
    _("2. Xử lý đúng quy định"),
    _("3. Báo kết quả kịp thời"),
)
SIDE_NAMES = {
    FigureSide.PUBLISHED: _("SIPAS công bố"),
    FigureSide.SURVEY: _("Khảo sát của tỉnh"),
    FigureSide.RATINGS: _("Đánh giá sau xử lý"),
    FigureSide.OPERATIONS: _("Vận hành"),
    FigureSide.BETWEEN: _("Giữa các mặt"),
}
VOLUMES = (
    _("dưới 30 phản ánh đã xác định đúng hạn, trễ hạn"),
    _("từ 30 đến 299 phản ánh đã xác định đúng hạn, trễ hạn"),
    _("từ 300 phản ánh đã xác định đúng hạn, trễ hạn"),
)
# Code of a value -> its name; the code is also the anchor of its definition.
NAMES = {
    "published": _("SIPAS công bố, cả tỉnh"),
    "own_survey": _("Khảo sát của tỉnh"),
    "ratings": _("Đánh giá sau xử lý, như đã chấm"),
    "ratings_adjusted": _("Đánh giá, hiệu chỉnh theo mọi phản ánh đã trả lời"),
    "ratings_bounds": _("Giới hạn nếu không ai khác chấm"),
    "response_rate": _("Tỷ lệ có đánh giá"),
    "acknowledged": _("Báo nhận ngay"),
    "taken_up": _("Tiếp nhận đúng hạn"),
    "on_time_rate": _("Trả lời đúng hạn"),
    "median_days": _("Ngày làm việc đến khi trả lời, trung vị"),
    "reopened": _("Người gửi yêu cầu xử lý lại"),
    "qd766_on_time": _("QĐ 766: xử lý đúng hạn"),
    "qd766_satisfied": _("QĐ 766: hài lòng về xử lý"),
    "told": _("Báo kết quả đúng hạn"),
    "told_hours": _("Giờ từ khi quyết định đến khi báo, trung vị"),
    "side_gap": _("Chênh lệch giữa hai mặt"),
    "association": _("Đi cùng với đánh giá"),
    "rank_interval": _("Khoảng thứ hạng trong nhóm cùng khối lượng"),
    "unit_gap": _("Hơn kém các cơ quan còn lại"),
    "ratings_drawn": _("Đánh giá, hiệu chỉnh theo mức chung cả tỉnh"),
    "change": _("Quý cuối so với quý đầu"),
    "year_change": _("SIPAS công bố, năm sau so với năm trước"),
    "forecast": _("Dự báo"),
    "least_visible_change": _("Thay đổi nhỏ nhất nhận ra được"),
}
SCORES = ("published", "own_survey", "ratings", "ratings_adjusted")
OPERATIONS = {
    1: ("acknowledged", "taken_up"),
    2: ("on_time_rate", "qd766_on_time", "qd766_satisfied", "reopened", "median_days"),
    3: ("told", "told_hours"),
}
PAIR_NAMES = {
    "ratings_adjusted - published": _("Đánh giá hiệu chỉnh trừ SIPAS công bố"),
    "own_survey - published": _("Khảo sát của tỉnh trừ SIPAS công bố"),
    "ratings_adjusted - own_survey": _("Đánh giá hiệu chỉnh trừ khảo sát của tỉnh"),
}
VERDICTS = {
    "higher": (_("cao hơn"), "good"),
    "lower": (_("thấp hơn"), "bad"),
    "no-evidence": (_("chưa có cơ sở để nói là khác"), "neutral"),
    "not-comparable": (_("không so sánh được"), "ended"),
    SAMPLE_UNKNOWN: (_("không kết luận: nguồn không công bố số phiếu"), "ended"),
}
INDICATOR_NAMES = {
    "late": _("trả lời trễ hạn"),
    "days_5": _("lâu thêm 5 ngày làm việc"),
    "told": _("được báo kết quả đúng hạn"),
    "at_once": _("được báo nhận ngay"),
    "in_two_days": _("được tiếp nhận đúng hạn"),
}
NO_ASSOCIATION = {
    "few_units": _("Chưa đủ 10 cơ quan, mỗi nơi ít nhất 10 đánh giá, nên không tính. Hãy chọn kỳ dài hơn."),
    "no_fit": _("Dữ liệu không cho phép ước lượng: mọi người chấm như nhau, hoặc chỉ số tách hẳn các mức."),
}
BASES = {
    ForecastBasis.LAST_FIGURE.value: _(
        "Lấy số công bố gần nhất; khoảng chỉ tính sai số chọn mẫu của hai cuộc, không tính thay đổi thật."
    ),
    ForecastBasis.STRAIGHT_LINE.value: _("Đường thẳng qua các năm cùng phương pháp."),
    ForecastBasis.MONTHS_SO_FAR.value: _("Các tháng đã qua, coi các tháng còn lại cũng như thế."),
}
WHYS = {
    ForecastGap.NO_FIGURES.value: _("Chưa có số liệu."),
    ForecastGap.NO_SAMPLE.value: _("Nguồn không công bố số phiếu."),
    ForecastGap.FEW_MONTHS.value: _("Kỳ phải có ít nhất ba tháng có đánh giá, kể từ tháng Một."),
    ForecastGap.FEW_RATINGS.value: _("Chưa đủ 10 đánh giá."),
    ForecastGap.METHOD_CHANGED.value: _("Năm ấy đo bằng phương pháp khác nên không dự báo từ các năm trước."),
    ForecastGap.METHOD_UNKNOWN.value: _("Chưa biết năm ấy đo bằng phương pháp nào nên không dự báo."),
    ForecastGap.YEAR_OVER.value: _("Năm đã hết: không cần dự báo."),
}


def value_text(value: RunValue, end: float | None, language: str) -> str:
    """A number of this value as its measure is written; a dash where there is none."""
    if end is None:
        return "–"
    if value.measure is Measure.SHARE:
        return percent_text(end, language, 1)
    places = {Measure.SCORE: 2 if value.code == "published" else 1, Measure.RANK: 0, Measure.ODDS: 2}
    return number_text(end, language, places.get(value.measure, 1))


def count_text(n: int, language: str) -> str:
    """A count as it is written."""
    return number_text(n, language)


def association_sentence(value: RunValue, say: Say, language: str) -> str:
    """One effect in words: association, with its interval, or that none can be told."""
    numbers = {
        "indicator": say(INDICATOR_NAMES[value.about]),
        "odds": number_text(value.value or 0, language, 2),
        "lo": number_text(value.lo or 0, language, 2),
        "hi": number_text(value.hi or 0, language, 2),
    }
    if value.extra["p"] > 0.05:
        unclear = _("Chưa thấy đi cùng điểm cao hay thấp hơn: %(indicator)s (tỷ số chênh %(odds)s; %(lo)s – %(hi)s).")
        return say(unclear, **numbers)
    if (value.value or 1) > 1:
        return say(_("Đi cùng điểm cao hơn: %(indicator)s (tỷ số chênh %(odds)s; %(lo)s – %(hi)s)."), **numbers)
    return say(_("Đi cùng điểm thấp hơn: %(indicator)s (tỷ số chênh %(odds)s; %(lo)s – %(hi)s)."), **numbers)
