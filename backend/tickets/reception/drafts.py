"""What a sender hands in, checked field by field. Pure; the same for web, bot and counter."""

import hashlib
import re
from dataclasses import dataclass, replace

from backend.errors import Invalid, _
from backend.files.text import EMAIL, clean_text
from backend.tickets.models import Channel

TITLE_MOST, CONTENT_MOST, CONTENT_LEAST = 200, 10_000, 10
PHONE = re.compile(r"\+?[0-9]{8,15}")
LATER = 1 << 30  # length is judged below, together with everything else that is wrong with the form
KEY = re.compile(r"[A-Za-z0-9_-]{20,80}")


@dataclass(frozen=True)
class FeedbackDraft:
    """Feedback before it is a ticket. ``key`` makes a retry the same feedback; ``consent`` is to the processing of
    what identifies the sender (Luật Bảo vệ dữ liệu cá nhân 2025), never assumed."""

    key: str
    unit_id: int | None
    category_code: str
    title: str
    content: str
    name: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""
    consent: bool = False
    channel: Channel = Channel.WEB
    language: str = "vi"
    chat_id: int | None = None

    @property
    def has_contact(self) -> bool:
        return bool(self.name or self.phone or self.email or self.address or self.chat_id)

    def fingerprint(self) -> bytes:
        """Of everything typed: a retry has the same, an edited text another."""
        parts = (
            str(self.unit_id), self.category_code, self.title, self.content,
            self.name, self.phone, self.email, self.address,
        )  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()


def tidy_draft(draft: FeedbackDraft) -> FeedbackDraft:
    """The draft as it will be kept: composed letters, no control or direction signs, no loose spaces."""
    return replace(
        draft,
        title=clean_text(draft.title, limit=LATER),
        content=clean_text(draft.content, limit=LATER, multiline=True),
        name=clean_text(draft.name, limit=LATER),
        phone=re.sub(r"[\s.()-]", "", clean_text(draft.phone, limit=LATER)),
        email=clean_text(draft.email, limit=LATER),
        address=clean_text(draft.address, limit=LATER),
    )


def refusals_of(draft: FeedbackDraft, *, contact_required: bool) -> list[Invalid]:
    """Everything that keeps a tidied draft from being taken, each at its field."""
    return [*_text_refusals(draft), *_contact_refusals(draft, contact_required)]


def _text_refusals(draft: FeedbackDraft) -> list[Invalid]:
    found: list[Invalid] = []
    if not draft.title:
        found.append(Invalid(_("Xin ghi tiêu đề ngắn gọn cho phản ánh."), field="title"))
    elif len(draft.title) > TITLE_MOST:
        found.append(Invalid(_("Tiêu đề dài quá %(most)s ký tự."), field="title", most=TITLE_MOST))
    if len(draft.content) < CONTENT_LEAST:
        found.append(Invalid(_("Xin kể rõ sự việc, ít nhất %(least)s ký tự."), field="content", least=CONTENT_LEAST))
    elif len(draft.content) > CONTENT_MOST:
        found.append(Invalid(_("Nội dung dài quá %(most)s ký tự."), field="content", most=CONTENT_MOST))
    return found


def _contact_refusals(draft: FeedbackDraft, required: bool) -> list[Invalid]:
    found: list[Invalid] = []
    if required and not draft.name:
        found.append(Invalid(_("Loại phản ánh này cần họ tên người gửi."), field="name"))
    if required and not (draft.phone or draft.email or draft.address):
        found.append(Invalid(_("Xin cho biết số điện thoại, thư điện tử hoặc địa chỉ."), field="phone"))
    if draft.phone and not PHONE.fullmatch(draft.phone):
        found.append(Invalid(_("Số điện thoại cần 8 đến 15 chữ số."), field="phone"))
    if draft.email and (len(draft.email) > 200 or not EMAIL.fullmatch(draft.email)):
        found.append(Invalid(_("Địa chỉ thư điện tử chưa đúng, ví dụ đúng: ten@example.vn."), field="email"))
    for field, text, most in (("name", draft.name, 120), ("address", draft.address, 300)):
        if len(text) > most:
            found.append(Invalid(_("Mục này dài quá %(most)s ký tự."), field=field, most=most))
    if draft.has_contact and not draft.consent:
        found.append(
            Invalid(_("Xin đồng ý cho dùng thông tin liên hệ, hoặc bỏ trống các mục liên hệ."), field="consent")
        )
    return found
