"""Texts about second looks: for their senders on every channel, and for those who review. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend.errors import _
from backend.tickets import citizen_texts
from backend.tickets.lifecycle import Event
from backend.tickets.second_looks.look_events import LookEvent
from backend.tickets.second_looks.models import LookResult, LookStage
from backend.worktime.explain import DayReason

STAGES: Final[Mapping[LookStage, tuple[str, str]]] = {
    LookStage.ASKED: (_("Chờ người xem lại"), "info"),
    LookStage.TAKEN: (_("Đang xem lại"), "progress"),
    LookStage.DECIDED: (_("Đã có kết quả"), "good"),
}
RESULTS: Final[Mapping[LookResult, str]] = {
    LookResult.UPHELD: _("Giữ nguyên kết quả"),
    LookResult.CORRECTED: _("Trả lời thay cho câu trả lời trước"),
    LookResult.SENT_BACK: _("Yêu cầu cơ quan giải quyết lại"),
}
# What each result means, for the reviewer who chooses.
RESULT_HINTS: Final[Mapping[LookResult, str]] = {
    LookResult.UPHELD: _("Thư nêu vì sao, và hệ thống ghi thêm những nơi khác mà người gửi có thể gửi đến."),
    LookResult.CORRECTED: _("Thư này thay câu trả lời của cơ quan; người gửi đọc cả hai."),
    LookResult.SENT_BACK: _("Phản ánh trở lại cơ quan với hạn mới; thư nêu phải làm lại điều gì."),
}
# What each result means, for the sender.
RESULT_NEWS: Final[Mapping[LookResult, str]] = {
    LookResult.UPHELD: _("Cấp trên giữ nguyên kết quả."),
    LookResult.CORRECTED: _("Cấp trên trả lời thay cho cơ quan. Câu trả lời trước vẫn được giữ ở dưới để đối chiếu."),
    LookResult.SENT_BACK: _("Cấp trên yêu cầu cơ quan giải quyết lại, với hạn mới."),
}
ELSEWHERE_OPENING: Final = _("Việc xem lại kết thúc tại đây. Nếu vẫn chưa đồng ý, bạn còn những cách khác:")
ELSEWHERE: Final = (
    _(
        "Nếu một quyết định hoặc việc làm của cơ quan xâm phạm quyền, lợi ích của chính bạn: khiếu nại theo Luật Khiếu "
        "nại, hoặc khởi kiện vụ án hành chính tại Tòa án nhân dân."
    ),
    _("Nếu bạn biết có hành vi vi phạm pháp luật: tố cáo theo Luật Tố cáo; họ tên người tố cáo được giữ bí mật."),
    _("Mỗi thủ tục có thời hạn riêng theo luật. Nơi tiếp công dân hướng dẫn bạn cách làm."),
)
FINAL_RESULTS: Final = (LookResult.UPHELD, LookResult.CORRECTED)

# Messages to the sender, by the name of their template.
SUBJECTS: Final[Mapping[str, str]] = {
    LookEvent.ASKED.value: _("Phản ánh %(number)s: cấp trên sẽ xem lại kết quả"),
    Event.SECOND_LOOK_UPHELD.value: _("Phản ánh %(number)s: kết quả xem lại"),
    Event.SECOND_LOOK_CORRECTED.value: _("Phản ánh %(number)s: cấp trên trả lời thay"),
    Event.SECOND_LOOK_SENT_BACK.value: _("Phản ánh %(number)s được giải quyết lại theo kết quả xem lại"),
}
OPENINGS: Final[Mapping[str, str]] = {
    LookEvent.ASKED.value: _(
        "Chúng tôi đã nhận yêu cầu của bạn: cấp trên của %(unit)s sẽ xem lại kết quả của phản ánh %(number)s. Người "
        "xem lại không phải là người đã tham gia giải quyết. Bạn được trả lời chậm nhất ngày %(look_due)s."
    ),
    Event.SECOND_LOOK_UPHELD.value: _(
        "Cấp trên của %(unit)s đã xem lại phản ánh %(number)s của bạn và giữ nguyên kết quả. Lý do:"
    ),
    Event.SECOND_LOOK_CORRECTED.value: _(
        "Cấp trên của %(unit)s đã xem lại phản ánh %(number)s của bạn, thấy câu trả lời trước chưa đúng hoặc chưa đủ, "
        "và trả lời lại như sau:"
    ),
    Event.SECOND_LOOK_SENT_BACK.value: _(
        "Cấp trên của %(unit)s đã xem lại phản ánh %(number)s của bạn và yêu cầu cơ quan giải quyết lại. Hạn trả lời "
        "mới: %(due)s. Lý do:"
    ),
}
WITH_LETTER: Final = frozenset(
    {
        Event.SECOND_LOOK_UPHELD.value,
        Event.SECOND_LOOK_CORRECTED.value,
        Event.SECOND_LOOK_SENT_BACK.value,
    }
)
# The paragraphs below the letter.
ENDINGS: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
    (Event.SECOND_LOOK_UPHELD.value, Event.SECOND_LOOK_CORRECTED.value), (ELSEWHERE_OPENING, *ELSEWHERE)
)


@dataclass(frozen=True)
class DayTexts:
    """The texts with which a page explains a due date day by day: those of a ticket, but for the day of the event."""

    TERMS = citizen_texts.TERMS
    WEEKDAYS = citizen_texts.WEEKDAYS
    DOUBTS = citizen_texts.DOUBTS
    WHY = citizen_texts.WHY | {DayReason.DAY_OF_EVENT: _("ngày bạn yêu cầu xem lại")}
