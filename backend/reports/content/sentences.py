"""The sentences with numbers. Each is a function from stored values to Vietnamese text, so each can be tested. Pure.

A mean score is called a mean score, never a share of satisfied people. A difference is called higher or lower only
beyond its approximate margin. A rank stands with the number of provinces.
"""

from collections.abc import Sequence
from decimal import Decimal

from analytics.compare import ComparabilityMark
from backend.reports.content.approximation import ApproximateInterval, YearVerdict, difference_margin, mean_margin
from backend.reports.content.comparison import MARKS
from backend.reports.content.context import QuestionLine, ReportContext, ReportIndex, ReportQuestion
from backend.web import language

MULTIPLE = "Người trả lời được chọn nhiều mục, nên các tỷ lệ cộng lại {total}%, hơn 100%."


def two_decimals(value: Decimal | float) -> str:
    """Return a number such as 79,82: two decimals, as the Ministry prints."""
    return language.number_text(value, "vi", 2)


def one_decimal(value: Decimal | float) -> str:
    return language.number_text(value, "vi", 1)


def signed_value(value: Decimal) -> str:
    """Return a number such as +0,48 or −2,18, with a true minus sign."""
    sign = "+" if value > 0 else ""
    return ("−" if value < 0 else sign) + two_decimals(abs(value))


def interval_text(interval: ApproximateInterval | None) -> str:
    return f"{two_decimals(interval.lo)}-{two_decimals(interval.hi)}" if interval else ""


def whole_number(value: int) -> str:
    return language.number_text(value, "vi")


def order(rank: int, ranked: int) -> str:
    """Return a rank such as 50/63 tỉnh, thành phố."""
    return f"{rank:02d}/{ranked} tỉnh, thành phố"


def sample(context: ReportContext) -> str:
    survey, n = context.survey, context.n
    drawn = "; ".join(survey.stages)
    return f"Mẫu gồm {n} phiếu, chọn theo nhiều bước: {drawn}."


def reading(context: ReportContext) -> str:
    """Explain what an index of means is, with its floor and its marks between."""
    highest = context.method.item_max or 5
    return (
        f"Mỗi nội dung được chấm từ 1 (rất không hài lòng) đến {highest} (rất hài lòng). Chỉ số là điểm trung bình chia cho "
        f"{highest} và nhân 100: mọi người chọn “bình thường” thì được 60, mọi người chọn “hài lòng” thì được 80, thấp "
        f"nhất là {100 // highest}. Vì vậy {two_decimals(context.overall.value)} là điểm trung bình trên thang 100, không phải "
        "tỷ lệ người hài lòng. Chỉ số nhóm, thành phần và chỉ số chung là trung bình của các nội dung bên dưới."
    )


def approximation(context: ReportContext) -> str:
    """Say why intervals are approximate, and what they rest on."""
    n, assumed = context.n, context.assumed
    if n is None:
        return "Nguồn công bố không nêu số phiếu và khoảng tin cậy, nên báo cáo không đưa ra khoảng tin cậy."
    plain, clustered = mean_margin(n, 5, assumed, deff=1), mean_margin(n, 5, assumed)
    return (
        "Bộ Nội vụ không công bố khoảng tin cậy và độ phân tán của điểm. Khoảng 95% trong báo cáo là gần đúng, tính với "
        f"n = {n} và độ lệch chuẩn giả định {two_decimals(assumed.sd)} điểm: sai số của một nội dung là ±{one_decimal(plain)} điểm nếu coi các "
        f"phiếu độc lập, và ±{one_decimal(clustered)} điểm khi kể việc chọn cả cụm thôn, bản (hệ số thiết kế giả định "
        f"{one_decimal(assumed.deff)}). Các bảng dùng mức sau; với nhóm và chỉ số chung, đó là mức rộng nhất."
    )


def difference_rule(context: ReportContext) -> str:
    n = context.n
    if n is None:
        return "Không có số phiếu nên không xét được chênh lệch giữa hai năm."
    return (
        f"Chênh lệch giữa hai năm chỉ được gọi là cao hơn hoặc thấp hơn khi vượt ±{one_decimal(difference_margin(n, 5, context.assumed))} "
        f"điểm, với giả định khảo sát năm {context.against} có cỡ mẫu tương đương (nguồn không công bố số phiếu năm đó). Nhỏ "
        "hơn mức ấy thì ghi là trong sai số: số liệu không cho biết tăng hay giảm."
    )


def level(index: ReportIndex, name: str, year: int, n: int | None) -> str:
    """State the figure of the year with n, interval and rank."""
    about = "; ".join(filter(None, (f"n = {n}" if n else "", _interval(index.interval))))
    ranked = f", xếp thứ {order(index.rank, index.ranked)}" if index.rank and index.ranked else ""
    return f"{name} năm {year} đạt điểm trung bình {two_decimals(index.value)} trên thang 100 ({about}){ranked}."


def change(index: ReportIndex, against: int) -> str:
    """State the earlier figure and what may be said about the difference."""
    if index.before is None or index.difference is None:
        return f"Năm {against} không có số liệu để so sánh."
    earlier = f"Năm {against} là {two_decimals(index.before)}"
    if index.comparability.mark is ComparabilityMark.COMPARABLE:
        return f"{earlier}; {_verdict(index, index.difference)}."
    if index.restated is None or index.like_for_like is None:
        mark = MARKS[index.comparability.mark]
        return (
            f"{earlier}, {mark} ({index.comparability.reason.vi}), nên hiệu {signed_value(index.difference)} điểm của hai số công "
            "bố không được coi là tăng hay giảm."
        )
    return (
        f"{earlier}, chênh lệch công bố {signed_value(index.difference)} điểm, nhưng công thức đã đổi: {index.comparability.reason.vi}. "
        f"Tính số mới theo công thức năm {against} thì được {two_decimals(index.restated)}; {_verdict(index, index.like_for_like)}."
    )


def rank_change(index: ReportIndex, against: int) -> str:
    """State the ranks of both years; empty where one was not printed."""
    if index.places is None or index.rank_before is None or index.ranked is None:
        return ""
    word = "tăng" if index.places > 0 else "giảm"
    moved = f"{word} {abs(index.places)} bậc" if index.places else "không đổi"
    return f"Thứ hạng {moved} (năm {against}: thứ {order(index.rank_before, index.ranked)})."


def extremes(items: Sequence[ReportIndex]) -> str:
    """Name the highest and lowest of the items below a group."""
    best, worst = max(items, key=lambda index: index.value), min(items, key=lambda index: index.value)
    return (
        f"Nhóm gồm {len(items)} nội dung; điểm trung bình cao nhất ở “{best.text}” ({two_decimals(best.value)}), thấp nhất ở "
        f"“{worst.text}” ({two_decimals(worst.value)})."
    )


def scale_question(question: ReportQuestion) -> str:
    ranked = _falling(question.lines)
    best, worst = ranked[0], ranked[-1]
    return (
        f"Mỗi dòng được chấm trên thang 4 mức; số dưới đây là điểm trung bình quy về thang 100. Cao nhất: {_low(best.text)} "
        f"({two_decimals(best.value)}); thấp nhất: {_low(worst.text)} ({two_decimals(worst.value)})."
    )


def share_question(question: ReportQuestion) -> str:
    """State the three largest shares, as counted people."""
    return "Trong số người trả lời: " + "; ".join(share(line) for line in _falling(question.lines)[:3]) + "."


def share(line: QuestionLine) -> str:
    """Return a share such as 66,97% (373/557) chọn “...”."""
    counted = f" ({line.k}/{line.n})" if line.k is not None else ""
    return f"{two_decimals(line.value)}%{counted} chọn “{_low(line.text)}”"


def share_change(line: QuestionLine, against: int, margin: Decimal) -> str:
    """Set a share beside that of the earlier year."""
    if line.before is None:
        return f"Năm {against} không có số liệu của câu trả lời “{_low(line.text)}”."
    moved = line.value - line.before
    position = "vượt" if abs(moved) > margin else "nằm trong"
    return (
        f"Tỷ lệ chọn “{_low(line.text)}” là {two_decimals(line.value)}%, năm {against} là {two_decimals(line.before)}%: chênh {signed_value(moved)} điểm "
        f"phần trăm, {position} sai số gần đúng (±{one_decimal(margin)})."
    )


def multiple_choice(question: ReportQuestion) -> str:
    return MULTIPLE.format(total=two_decimals(question.total))


def not_a_trend(question: ReportQuestion, against: int) -> str:
    """Say why a scale question is not compared: its figures of the earlier year are shares."""
    reasons = {line.comparability.reason.vi for line in question.lines if line.comparability}
    return (
        f"Không so với năm {against}: {'; '.join(sorted(reasons))}." if reasons else f"Năm {against} không có số liệu."
    )


def impression(line: QuestionLine, n: int) -> str:
    """Say how many of the people asked speak from experience."""
    return (
        f"Chỉ {two_decimals(line.value)}% ({line.k}/{line.n}) số người được hỏi đã từng nêu phản ánh, kiến nghị, nhưng mọi người trả "
        f"lời phiếu (n = {n}) đều được hỏi về nhóm này: điểm công bố chủ yếu là ấn tượng, còn số liệu xử lý là việc đã xảy ra."
    )


def needs(question: ReportQuestion) -> str:
    first, *rest = _falling(question.lines)
    second, last = rest[0], rest[-1]
    return (
        f"Mong đợi được nêu nhiều nhất là “{_low(first.text)}” ({two_decimals(first.value)}%), tiếp đến là “{_low(second.text)}” "
        f"({two_decimals(second.value)}%); ít nhất là “{_low(last.text)}” ({two_decimals(last.value)}%)."
    )


def need_of_feedback(question: ReportQuestion) -> str:
    """Say where the expectation about feedback stands among all."""
    ranked = _falling(question.lines)
    need = next((line for line in ranked if "phản ánh, kiến nghị" in line.text), None)
    if need is None:
        return ""
    place = 1 + sum(line.value > need.value for line in ranked)
    return (
        f"Riêng “{_low(need.text)}” được {two_decimals(need.value)}% ({need.k}/{need.n}) số người được hỏi nêu, đứng thứ {place} "
        f"trong {len(ranked)} nội dung."
    )


def balance(context: ReportContext) -> str:
    """Count the comparable figures that rose or fell beyond the margin, and how many would by chance."""
    both = context.comparable
    higher, lower = context.changed(YearVerdict.HIGHER), context.changed(YearVerdict.LOWER)
    chance = one_decimal((1 - context.assumed.level) * len(both))
    return (
        f"Trong {len(both)} chỉ số nhóm và nội dung so sánh được với năm {context.against}, {len(higher)} cao hơn và "
        f"{len(lower)} thấp hơn quá sai số gần đúng; {len(both) - len(higher) - len(lower)} nằm trong sai số. Nếu không có gì "
        f"thay đổi thì vẫn khoảng {chance} trong số đó vượt mức này do ngẫu nhiên."
    )


def ranks(context: ReportContext) -> str:
    moves = [index.places for index in context.indices.values() if index.places is not None]
    up, down = sum(places > 0 for places in moves), sum(places < 0 for places in moves)
    return (
        f"Về thứ hạng, trong {len(moves)} chỉ số có hạng ở cả hai năm, {up} tăng hạng, {down} giảm hạng và "
        f"{len(moves) - up - down} giữ nguyên. Thứ hạng tính trên số công bố, không có khoảng tin cậy: điểm của các tỉnh sát "
        "nhau thì một chênh lệch trong sai số cũng đổi nhiều bậc."
    )


def moved_item(index: ReportIndex) -> str:
    """Return an item beyond the margin, for a list."""
    change = signed_value(index.difference or Decimal(0))
    return f"- {index.text}: {two_decimals(index.value)} ({change} điểm)."


def operations(context: ReportContext) -> str:
    """Say what happened to the tickets of the period, or that there are none."""
    tickets = context.operations
    period = f"{language.day_text(tickets.first)}-{language.day_text(tickets.last)}"
    figures = tickets.figures
    if not figures.received:
        return (
            f"Trong kỳ {period} hệ thống không có phản ánh, kiến nghị nào của {context.agency.name}, nên không đặt được số liệu "
            "xử lý bên cạnh điểm khảo sát của năm này."
        )
    made_up = (
        f" Trong đó {whole_number(tickets.demonstration)} là dữ liệu minh họa, không có thật."
        if tickets.demonstration
        else ""
    )
    return (
        f"Trong kỳ {period} hệ thống có {whole_number(figures.received)} phản ánh, kiến nghị của {context.agency.name}: "
        f"{whole_number(figures.on_time)} trả lời đúng hạn, {whole_number(figures.late)} trả lời trễ, {whole_number(figures.overdue)} còn mở đã quá "
        f"hạn, {whole_number(figures.not_due)} chưa đến hạn; {whole_number(tickets.response)} người gửi đã chấm điểm.{made_up}"
    )


def weakest(items: Sequence[ReportIndex]) -> str:
    listed = "; ".join(f"{_low(index.text)} ({two_decimals(index.value)})" for index in items)
    return f"{len(items)} nội dung có điểm trung bình thấp nhất: {listed}."


def least_visible(context: ReportContext) -> str:
    if context.n is None:
        return ""
    margin = difference_margin(context.n, 5, context.assumed)
    return (
        f"Với {context.n} phiếu mỗi năm, một thay đổi dưới khoảng {one_decimal(margin)} điểm của một nội dung không phân biệt được với "
        "sai số lấy mẫu; mục tiêu tăng vài phần mười điểm thì kết quả năm sau không cho biết đã đạt hay chưa."
    )


def _verdict(index: ReportIndex, difference: Decimal) -> str:
    margin = f"±{one_decimal(index.margin)} điểm" if index.margin is not None else ""
    if index.verdict is YearVerdict.HIGHER:
        return f"cao hơn {two_decimals(difference)} điểm, vượt sai số gần đúng ({margin})"
    if index.verdict is YearVerdict.LOWER:
        return f"thấp hơn {two_decimals(abs(difference))} điểm, vượt sai số gần đúng ({margin})"
    return f"chênh {signed_value(difference)} điểm, nằm trong sai số gần đúng ({margin}), chưa có cơ sở để nói là tăng hay giảm"


def _interval(interval: ApproximateInterval | None) -> str:
    return f"khoảng 95% gần đúng {interval_text(interval)}" if interval else ""


def _falling(lines: Sequence[QuestionLine]) -> list[QuestionLine]:
    return sorted(lines, key=lambda line: -line.value)


def _low(text: str) -> str:
    """Return a text for the middle of a sentence: a small first letter, unless the first word is an abbreviation."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
