"""The form of a sender, read leniently: what is wrong with it is for reception to say, all at once."""

from base64 import b64encode
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from fastapi import Request
from itsdangerous import BadData, URLSafeSerializer

from backend import clock
from backend.attachments import service as attachments
from backend.attachments.photos import MOST_BYTES
from backend.attachments.service import WaitingPhoto
from backend.errors import DomainError, Invalid, NotFound, TooMany, _
from backend.settings import get_settings
from backend.tickets.reception import receipts
from backend.tickets.service import FeedbackDraft
from backend.web.forms import FormReader, FormView
from backend.web.rate_limits import NetworkFlow
from backend.web.rendering import address_of, language_of

ORDER = ("title", "content", "category", "unit", "photos", "name", "phone", "email", "address", "consent")
MOST_BODY = 56 * 1024 * 1024  # five photos of ten megabytes, and the text


@dataclass(frozen=True)
class DraftPhoto:
    """A photo that waits with the form: the signed word for it, and a small picture to show."""

    token: str
    picture: str


@dataclass
class DraftForm:
    """What was typed, the photos kept so far, and what was wrong with new ones."""

    typed: FormReader
    draft: FeedbackDraft
    held: list[WaitingPhoto] = field(default_factory=list)
    refusals: list[DomainError] = field(default_factory=list)

    def shown(self, refusal: DomainError | None = None) -> FormView:
        """The form to show again, with every refusal at its field, in the order of the page."""
        form = self.typed.form(refusal if isinstance(refusal, Invalid) else None)
        errors = {**form.errors, **{error.field: error for error in reversed(self.refusals) if error.field}}
        return FormView(form.values, {name: errors[name] for name in ORDER if name in errors})

    def photos(self) -> list[DraftPhoto]:
        """Those that are still there: a sweep may take one between two looks."""
        found = []
        for one in self.held:
            with suppress(NotFound):
                found.append(DraftPhoto(_signer().dumps(astuple(one)), _inline(attachments.preview_photo(one))))
        return found


def read_draft(request: Request, typed: FormReader) -> DraftForm:
    """The draft of a submitted form; its photos are kept at once, so that an error elsewhere does not lose them."""
    category = typed.raw("category")[:40].replace("\0", "")
    draft = FeedbackDraft(
        key=typed.raw("key"),
        unit_id=_unit_id(typed.raw("unit")),
        category_code=category,
        consent=typed.ticked("consent"),
        language=language_of(request),
        title=typed.raw("title"),
        content=typed.raw("content"),
        name=typed.raw("name"),
        phone=typed.raw("phone"),
        email=typed.raw("email"),
        address=typed.raw("address"),
    )
    found = DraftForm(typed, draft)
    _keep_photos(found, request.app.state.flows.photos, address_of(request), clock.now())
    return found


def renew_draft(form: DraftForm) -> DraftForm:
    """The same form under a new key."""
    return replace(form, draft=replace(form.draft, key=receipts.new_key()))


def _unit_id(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else None


def _keep_photos(form: DraftForm, photos: NetworkFlow, address: str, now: datetime) -> None:
    dropped = set(form.typed.data.getlist("drop"))
    for place, token in enumerate(form.typed.data.getlist("held"), start=1):
        photo = _find_photo(token)
        if photo is None:
            form.refusals.append(Invalid(_("Ảnh đã chờ quá lâu và không còn nữa. Xin chọn lại ảnh."), field="photos"))
        elif str(place) not in dropped and photo not in form.held:
            form.held.append(photo)
    for upload in form.typed.files("photos"):
        if len(form.held) >= attachments.MOST:
            form.refusals.append(
                Invalid(_("Mỗi phản ánh kèm được nhiều nhất %(most)s ảnh."), field="photos", most=attachments.MOST)
            )
            break
        try:
            photos.take(address, now)
            form.held.append(attachments.hold_photo(upload.file.read(MOST_BYTES + 1)))
        except TooMany:
            form.refusals.append(Invalid(_("Xin thử lại ảnh sau, hoặc gửi không kèm ảnh."), field="photos"))
            break
        except DomainError as refusal:
            form.refusals.append(refusal)


def _find_photo(token: object) -> WaitingPhoto | None:
    """A photo that waits, if we signed for it and it is still there."""
    try:
        photo = WaitingPhoto(*_signer().loads(str(token)))
    except (BadData, ValueError, TypeError):
        return None
    return photo if attachments.waiting(photo) else None


@lru_cache
def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(get_settings().secret_key.get_secret_value(), salt="held-photo")


def _inline(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + b64encode(jpeg).decode("ascii")
