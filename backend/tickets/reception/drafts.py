"""Feedback before it is a ticket, checked field by field. Pure; web, bot and counter use the same checks."""

import hashlib
import re
from dataclasses import dataclass, replace

from backend.errors import Invalid, _
from backend.files.text import EMAIL, clean_text
from backend.tickets.models import Channel

TITLE_MOST, CONTENT_MOST, CONTENT_LEAST = 200, 10_000, 10
NAME_MOST, EMAIL_MOST, ADDRESS_MOST = 120, 200, 300
PHONE = re.compile(r"\+?[0-9]{8,15}")
LATER = 1 << 30  # lengths are checked later, so that the sender reads all refusals at once
KEY = re.compile(r"[A-Za-z0-9_-]{20,80}")


@dataclass(frozen=True)
class FeedbackDraft:
    """Feedback before it is a ticket.

    ``key`` marks a retry as the same feedback. ``consent`` allows the processing of the sender's personal data
    (Luật Bảo vệ dữ liệu cá nhân 2025); it is never assumed.
    """

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
        """Return the hash of everything typed. A retry has the same one, an edited text another."""
        parts = (
            str(self.unit_id), self.category_code, self.title, self.content,
            self.name, self.phone, self.email, self.address,
        )  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()


def tidy_draft(draft: FeedbackDraft) -> FeedbackDraft:
    """Return the draft as it is stored: composed letters, no control or direction signs, no extra spaces."""
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
    """Return all that is wrong with a tidied draft, each refusal at its field."""
    return [*_text_refusals(draft), *_contact_refusals(draft, contact_required)]


def _text_refusals(draft: FeedbackDraft) -> list[Invalid]:
    refusals: list[Invalid] = []
    if not draft.title:
        refusals.append(Invalid(_("Xin ghi tiêu đề ngắn gọn cho phản ánh."), field="title"))
    elif len(draft.title) > TITLE_MOST:
        refusals.append(Invalid(_("Tiêu đề dài quá %(most)s ký tự."), field="title", most=TITLE_MOST))
    if len(draft.content) < CONTENT_LEAST:
        refusals.append(Invalid(_("Xin kể rõ sự việc, ít nhất %(least)s ký tự."), field="content", least=CONTENT_LEAST))
    elif len(draft.content) > CONTENT_MOST:
        refusals.append(Invalid(_("Nội dung dài quá %(most)s ký tự."), field="content", most=CONTENT_MOST))
    return refusals


def _contact_refusals(draft: FeedbackDraft, required: bool) -> list[Invalid]:
    refusals = _missing_contact(draft) if required else []
    refusals += _unreadable_contact(draft)
    if draft.has_contact and not draft.consent:
        message = _("Xin đồng ý cho dùng thông tin liên hệ, hoặc bỏ trống các mục liên hệ.")
        refusals.append(Invalid(message, field="consent"))
    return refusals


def _missing_contact(draft: FeedbackDraft) -> list[Invalid]:
    """Refuse a sender without a name, or without a way to reach them (NĐ 92/2017)."""
    refusals: list[Invalid] = []
    if not draft.name:
        refusals.append(Invalid(_("Loại phản ánh này cần họ tên người gửi."), field="name"))
    if not (draft.phone or draft.email or draft.address):
        refusals.append(Invalid(_("Xin cho biết số điện thoại, thư điện tử hoặc địa chỉ."), field="phone"))
    return refusals


def _unreadable_contact(draft: FeedbackDraft) -> list[Invalid]:
    refusals: list[Invalid] = []
    if draft.phone and not PHONE.fullmatch(draft.phone):
        refusals.append(Invalid(_("Số điện thoại cần 8 đến 15 chữ số."), field="phone"))
    if draft.email and (len(draft.email) > EMAIL_MOST or not EMAIL.fullmatch(draft.email)):
        message = _("Địa chỉ thư điện tử chưa đúng, ví dụ đúng: ten@example.vn.")
        refusals.append(Invalid(message, field="email"))
    for field, text, most in (("name", draft.name, NAME_MOST), ("address", draft.address, ADDRESS_MOST)):
        if len(text) > most:
            refusals.append(Invalid(_("Mục này dài quá %(most)s ký tự."), field=field, most=most))
    return refusals
