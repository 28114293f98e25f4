"""Texts of messages to senders, in the language of the ticket. Pure.

No message holds the access secret or the sender's own text, because people read mail on shared phones and providers
keep it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backend.errors import _
from backend.notify.invitation import SOLVED, UNSOLVED
from backend.tickets import citizen_texts
from backend.tickets.lifecycle import Event
from backend.tickets.queries import AnswerDelay
from backend.tickets.second_looks import look_texts
from backend.web.language import day_text, gettext

SUBJECTS = {
    "received": _("Đã nhận phản ánh %(number)s"),
    "accepted": _("Phản ánh %(number)s đang được xử lý"),
    "info_requested": _("Phản ánh %(number)s: cần bạn cho biết thêm"),
    "forwarded": _("Phản ánh %(number)s đã chuyển đến %(unit)s"),
    "answered": _("Phản ánh %(number)s đã có kết quả"),
    "extended": _("Phản ánh %(number)s: hạn trả lời mới"),
    "pause_judged": _("Phản ánh %(number)s: ý kiến của bạn về việc tạm dừng"),
    "refused": _("Phản ánh %(number)s không được tiếp nhận"),
    "redirected": _("Phản ánh %(number)s thuộc thủ tục khác"),
    "merged": _("Phản ánh %(number)s được giải quyết cùng phản ánh khác"),
    "unmerged": _("Phản ánh %(number)s được giải quyết riêng trở lại"),
    "delay_explained": _("Phản ánh %(number)s: lý do chậm và ngày hẹn mới"),
    "promise_kept": _("Phản ánh %(number)s: việc đã hẹn đã làm xong"),
    "promise_explained": _("Phản ánh %(number)s: ngày hẹn làm xong mới"),
    "promise_missed": _("Phản ánh %(number)s: đã quá ngày hẹn làm xong"),
    "apology": _("Xin lỗi vì phản ánh %(number)s chưa được trả lời đúng hạn"),
    "progress": _("Phản ánh %(number)s vẫn đang được xử lý"),
    **look_texts.SUBJECTS,
}
OPENINGS = {
    "received": _(
        "Chúng tôi đã nhận phản ánh của bạn, mã số %(number)s. Cơ quan xử lý: %(unit)s. Hạn trả lời: %(due)s."
    ),
    "accepted": _("%(unit)s đã tiếp nhận phản ánh %(number)s của bạn. Hạn trả lời: %(due)s."),
    "info_requested": _("%(unit)s cần bạn cho biết thêm để xử lý phản ánh %(number)s:"),
    "forwarded": _("Phản ánh %(number)s của bạn đã được chuyển đến %(unit)s. Hạn trả lời vẫn là %(due)s. Lý do:"),
    "answered": _("%(unit)s trả lời phản ánh %(number)s của bạn:"),
    "extended": _("%(unit)s cần thêm thời gian để giải quyết phản ánh %(number)s của bạn. Hạn trả lời mới: %(due)s."),
    "pause_judged": _(
        "Ý kiến của bạn về việc tạm dừng thời hạn của phản ánh %(number)s đã được xem xét. Hạn trả lời: %(due)s."
    ),
    "refused": _("%(unit)s không tiếp nhận phản ánh %(number)s của bạn. Lý do:"),
    "redirected": _(
        "Nội dung phản ánh %(number)s thuộc thủ tục khiếu nại hoặc tố cáo, không phải phản ánh. %(unit)s hướng dẫn bạn:"
    ),
    "merged": _(
        "Đã có phản ánh khác về cùng việc này nên hai phản ánh được giải quyết chung. "
        "Bạn vẫn theo dõi và nhận trả lời bằng mã số %(number)s. Hạn trả lời: %(due)s."
    ),
    "unmerged": _("Phản ánh %(number)s của bạn được giải quyết riêng trở lại. Hạn trả lời: %(due)s."),
    "delay_explained": _("%(unit)s không kịp trả lời phản ánh %(number)s của bạn đúng hạn, xin lỗi bạn và nêu lý do:"),
    "promise_kept": _("%(unit)s báo đã làm xong việc hẹn với bạn ở phản ánh %(number)s:"),
    "promise_explained": _("%(unit)s chưa làm xong việc hẹn với bạn ở phản ánh %(number)s, xin lỗi bạn và nêu lý do:"),
    "promise_missed": _(
        "Đã quá ngày %(until)s mà %(unit)s hẹn làm xong việc ở phản ánh %(number)s của bạn và chưa báo là xong. Xin "
        "lỗi bạn. Cán bộ và lãnh đạo phụ trách đã được nhắc."
    ),
    "apology": _("Phản ánh %(number)s của bạn đã quá hạn trả lời. Chúng tôi xin lỗi bạn vì sự chậm trễ này."),
    "progress": _(
        "Phản ánh %(number)s của bạn đã quá hạn trả lời và vẫn đang được %(unit)s xử lý. Xin lỗi bạn vì sự chậm trễ."
    ),
    **look_texts.OPENINGS,
}
WHILE_OVERDUE = frozenset({"apology", "progress"})
OF_DELAY = WHILE_OVERDUE | {"delay_explained"}
PROMISED = _("Hạn trả lời đã hẹn: %(due)s.")
NEW_DATE = _("Hạn trả lời mới: %(due)s.")
REASON = _("Lý do chậm, theo %(unit)s:")
PROMISE = _("Ngày hẹn trả lời mới: %(promised)s.")
PROMISE_BROKEN = _("Ngày hẹn lại %(promised)s cũng đã qua. Cán bộ và lãnh đạo phụ trách đã được nhắc.")
NO_REASON = _("%(unit)s chưa nêu lý do chậm. Cán bộ và lãnh đạo phụ trách đã được nhắc.")
WHILE_PROMISED = frozenset({"promise_missed"})
OF_CLOSURE = frozenset({"answered", "refused", "redirected", "promise_kept"})  # the sender is asked: solved?
WITH_TEXT = frozenset(
    {
        *OF_CLOSURE,
        *("info_requested", "forwarded", "pause_judged", "delay_explained", "promise_explained"),
        *look_texts.WITH_LETTER,
    }
)
NEW_PROMISE = _("Hẹn làm xong trước hết ngày %(until)s. Bạn sẽ được báo khi xong.")
KEEP_RECEIPT = _(
    "Xin giữ giấy tiếp nhận: mã số và mã bí mật ghi trên đó dùng để theo dõi. "
    "Vì an toàn, mã bí mật không được gửi qua thư."
)
CLOSINGS = {
    "received": KEEP_RECEIPT,
    "info_requested": _(
        "Trong khi chờ bạn trả lời, thời hạn xử lý tạm dừng. "
        "Xin mở trang theo dõi, nhập mã số và mã bí mật trên giấy tiếp nhận để trả lời."
    ),
    "answered": _(
        "Bạn đánh giá giúp việc xử lý này nhé: mở trang theo dõi, "
        "nhập mã số và mã bí mật trên giấy tiếp nhận, rồi trả lời ba câu hỏi."
    ),
}
CLOSINGS |= dict.fromkeys(OF_CLOSURE, CLOSINGS["answered"])
# The event that a message asks its reader for, if the reader can cause it when the message is sent.
ASKS = {"info_requested": Event.INFO_RECEIVED} | dict.fromkeys(OF_CLOSURE, Event.RATED)
# Whether it is solved: what a letter says, by what its reader may do. The way to object stands in the second.
CONFIRM = _("Việc đã xong? Xin mở trang theo dõi và bấm “Đã giải quyết xong”.")
OBJECTIONS = {
    "answered": _(
        "Chưa xong, hoặc không đồng ý với trả lời? Ở trang theo dõi, đến hết ngày %(window)s, bạn ghi điều chưa được "
        "giải quyết; %(unit)s phải giải quyết lại với hạn mới."
    ),
    "refused": _(
        "Nếu không đồng ý: ở trang theo dõi, đến hết ngày %(window)s, bạn ghi vì sao cần được tiếp nhận; %(unit)s phải "
        "xem lại và trả lời bạn."
    ),
    "redirected": _(
        "Nếu thấy nội dung này vẫn là phản ánh: ở trang theo dõi, đến hết ngày %(window)s, bạn ghi vì sao; %(unit)s "
        "phải xem lại và trả lời bạn."
    ),
}
OBJECTIONS["promise_kept"] = OBJECTIONS["answered"]
OBJECTION_OPEN = _(
    "Không đồng ý với trả lời? Ở trang theo dõi, bạn ghi điều chưa được giải quyết bất cứ lúc nào trước khi việc đã "
    "hẹn được báo là xong; %(unit)s phải giải quyết lại với hạn mới."
)
REVIEW = _(
    "Bạn cũng có thể đề nghị cơ quan cấp trên xem xét lại; người xem xét là người không tham gia lần trả lời này."
)
FOLLOW = _("Trang theo dõi: %(address)s")
AUTOMATIC = _("Thư này do hệ thống Lắng Nghe tự động gửi. Xin đừng trả lời thư.")
REPLY_HERE = _("Trong khi chờ bạn trả lời, thời hạn xử lý tạm dừng. Bấm nút dưới đây để trả lời.")
REPLY_BUTTON = _("✍️ Trả lời")
SOLVED_HERE = _("Việc đã được giải quyết chưa?")
ACCEPT_HERE = _("Bạn có đồng ý với việc này không?")
SOLVED_BUTTON, UNSOLVED_BUTTON = _("✅ Đã xong"), _("❌ Chưa xong")
ACCEPT_BUTTON, OBJECT_BUTTON = _("✅ Đồng ý"), _("❌ Không đồng ý")
RATE_HERE = _("Bạn hài lòng đến mức nào với việc xử lý phản ánh này? Có ba câu, mỗi câu bấm một nút.")
QUESTION = _("Câu %(n)s/3. %(item)s: bạn chọn mức nào?")


@dataclass(frozen=True)
class MessageFacts:
    """What a message says.

    - ``text``: what the unit wrote, if anything. ``follow``: the address of the page to follow the ticket.
    - ``delay``: why the answer is late, if the unit has explained it.
    - ``look_due``: the due date of the second look that the sender has asked for.
    - ``asks``: the event that the reader is asked for: a reply, or a rating of the ``answer``-th answer.
    - ``outcome`` and ``beside``: what an answer says above and below its text. ``until``: the date of a promise.
    - ``judges``: how the reader may judge the closure now; ``window``: until which day they may object.
    """

    template: str
    number: str
    unit: str
    due: date
    text: str
    language: str
    follow: str
    today: date
    delay: AnswerDelay | None = None
    asks: Event | None = None
    answer: int = 1
    outcome: str = ""
    beside: Sequence[str] = ()
    until: date | None = None
    judges: frozenset[Event] = frozenset()
    window: date | None = None
    look_due: date | None = None

    @property
    def objects(self) -> bool:
        return bool(self.judges & {Event.DISPUTED, Event.REOPENED})

    def say(self, message: str) -> str:
        params = {"number": self.number, "unit": self.unit, "due": day_text(self.due), "address": self.follow}
        params |= {"promised": day_text(self.delay.promised)} if self.delay else {}
        params |= {"until": day_text(self.until)} if self.until else {}
        params |= {"window": day_text(self.window)} if self.window else {}
        params |= {"look_due": day_text(self.look_due)} if self.look_due else {}
        return gettext(self.language, message, params)


def message_subject(facts: MessageFacts) -> str:
    return facts.say(SUBJECTS[facts.template])


def mail_paragraphs(facts: MessageFacts) -> list[str]:
    """Return the paragraphs of an e-mail."""
    closing = CLOSINGS.get(facts.template) if facts.asks == ASKS.get(facts.template) else None
    parts = [*_news(facts), *_endings(facts), *_ways_to_judge(facts)]
    parts += [facts.say(closing) if closing else "", facts.say(FOLLOW), facts.say(AUTOMATIC)]
    return [part for part in parts if part]


def _news(facts: MessageFacts) -> list[str]:
    """Return what the unit says: the opening, the outcome, its text, proof and points, a new date."""
    text = facts.text if facts.template in WITH_TEXT else ""
    promise = facts.say(NEW_PROMISE) if facts.template == "promise_explained" and facts.until else ""
    return [facts.say(OPENINGS[facts.template]), facts.outcome, text, *facts.beside, promise, *_delay(facts)]


def _endings(facts: MessageFacts) -> list[str]:
    """Return the paragraphs below the letter about a second look: where else its reader can turn."""
    return [facts.say(paragraph) for paragraph in look_texts.ENDINGS.get(facts.template, ())]


def _ways_to_judge(facts: MessageFacts) -> list[str]:
    """Return how the sender confirms or objects: where, until when, to whom."""
    if facts.template not in OF_CLOSURE:
        return []
    confirm = Event.CONFIRMED in facts.judges and facts.template in ("answered", "promise_kept")
    objection = OBJECTIONS[facts.template] if facts.window else OBJECTION_OPEN
    return [
        facts.say(CONFIRM) if confirm else "",
        facts.say(objection) if facts.objects else "",
        facts.say(REVIEW) if facts.objects else "",
    ]


def _delay(facts: MessageFacts) -> list[str]:
    """Return the paragraphs about a delay: the missed or new due date, the reason, and the promised date.

    Where the unit has given no reason, the message says so.
    """
    if facts.template == "delay_explained":
        return [facts.say(PROMISE)]
    if facts.template not in WHILE_OVERDUE:
        return []
    due = facts.say(NEW_DATE if facts.due >= facts.today else PROMISED)
    if facts.delay is None:
        return [due, facts.say(NO_REASON)]
    still_ahead = facts.delay.promised >= facts.today
    return [due, facts.say(REASON) + "\n" + facts.delay.reason, facts.say(PROMISE if still_ahead else PROMISE_BROKEN)]


def chat_text(facts: MessageFacts) -> str:
    """Return the text of a chat message. The buttons below it let the reader do what it asks for."""
    parts = [*_news(facts), *_endings(facts)]
    if facts.template == "refused":
        parts += _ways_to_judge(facts)
    if facts.asks == Event.INFO_RECEIVED:
        parts.append(facts.say(REPLY_HERE))
    if facts.asks == Event.RATED:
        parts.append(facts.say(RATE_HERE) + "\n" + rating_question(facts.language, 0))
    if facts.judges:
        parts.append(facts.say(ACCEPT_HERE if facts.template in ("refused", "redirected") else SOLVED_HERE))
    return "\n\n".join(part for part in parts if part)


def judging_labels(template: str, judges: frozenset[Event]) -> dict[str, str]:
    """Return the labels of the buttons that ask whether it is solved: purpose of the button -> label."""
    turned_away = template in ("refused", "redirected")
    labels = {}
    if Event.CONFIRMED in judges:
        labels[SOLVED] = ACCEPT_BUTTON if turned_away else SOLVED_BUTTON
    if judges & {Event.DISPUTED, Event.REOPENED}:
        labels[UNSOLVED] = OBJECT_BUTTON if turned_away else UNSOLVED_BUTTON
    return labels


def rating_question(language: str, item: int) -> str:
    """Return the question about one of the three items (0..2), with the meaning of the ends of the scale."""
    name = gettext(language, list(citizen_texts.ITEMS.values())[item])
    question = gettext(language, QUESTION, {"n": item + 1, "item": name})
    ends = (f"{score} = {gettext(language, citizen_texts.LEVELS[score])}" for score in (1, 5))
    return f"{question}\n({', '.join(ends)})"
