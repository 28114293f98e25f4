"""The form in which a sender writes feedback, with its photos.

It is read without any check: reception checks the whole draft and reports all refusals at once.
"""

from base64 import b64encode
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from functools import lru_cache
from typing import Annotated, BinaryIO

from fastapi import Depends, Request
from itsdangerous import BadData, URLSafeSerializer

from backend import clock
from backend.attachments import service as attachments
from backend.attachments.service import WaitingPhoto
from backend.errors import DomainError, Invalid, NotFound, TooMany, _
from backend.settings import get_settings
from backend.tickets.reception import receipts
from backend.tickets.service import FeedbackDraft
from backend.web.forms import FormReader, FormView, TypedDep
from backend.web.language import gettext, translate_error
from backend.web.rendering import address_of, language_of

ORDER = ("title", "content", "category", "unit", "photos", "name", "phone", "email", "address", "consent")
MOST_BODY = 64 * 1024 * 1024  # five photos of a phone's 50 megapixels, about 12 MB each, and the text
NAME_MOST = 60  # characters of a file name in a sentence
LABELS_MOST = 10  # photos that one sentence names


@dataclass(frozen=True)
class DraftPhoto:
    """A photo that waits with the form: a signed token that stands for it, and a small picture as a data URL."""

    token: str
    picture: str


@dataclass(frozen=True)
class RefusedPhoto:
    """A photo that was not accepted: ``label`` is its place in the form with the name of its file."""

    label: str
    refusal: DomainError


@dataclass
class FormPhotos:
    """The photos of a form: those that wait with it, and those that were not accepted."""

    waiting: list[WaitingPhoto] = field(default_factory=list)
    refused: list[RefusedPhoto] = field(default_factory=list)

    @property
    def retry_after(self) -> int | None:
        """The seconds to wait before the next try, where a photo was refused because the server is busy; else None."""
        waits = [photo.refusal.retry_after for photo in self.refused if isinstance(photo.refusal, TooMany)]
        return max(waits, default=None)

    def refusal(self, language: str) -> Invalid | None:
        """Return one refusal that names every photo not accepted, those with the same reason together."""
        labels: dict[str, list[str]] = {}
        for photo in self.refused:
            labels.setdefault(translate_error(photo.refusal, language), []).append(photo.label)
        sentences = [
            gettext(language, _("Ảnh thứ %(photos)s: %(why)s"), {"photos": _enumerated(photos), "why": why})
            for why, photos in labels.items()
        ]
        return Invalid(" ".join(sentences), field="photos") if sentences else None


@dataclass
class DraftForm:
    """What was typed, the draft read from it, and the photos."""

    typed: FormReader
    draft: FeedbackDraft
    form_photos: FormPhotos

    @property
    def waiting_photos(self) -> list[WaitingPhoto]:
        return self.form_photos.waiting

    @property
    def status(self) -> int:
        """The status of the answer as far as the photos decide it: 200 where all were accepted."""
        if self.form_photos.retry_after is not None:
            return TooMany.status
        return Invalid.status if self.form_photos.refused else 200

    def view(self, refusal: DomainError | None = None) -> FormView:
        """Return the form to show again, with every refusal at its field, in the order of the page."""
        form = self.typed.form(refusal if isinstance(refusal, Invalid) else None)
        errors = dict(form.errors)
        if photos_refusal := self.form_photos.refusal(self.draft.language):
            errors["photos"] = photos_refusal
        return FormView(form.values, {name: errors[name] for name in ORDER if name in errors})

    def photos(self) -> list[DraftPhoto]:
        """Return the waiting photos that still exist: a sweep may remove one between two requests."""
        photos = []
        for photo in self.waiting_photos:
            with suppress(NotFound):
                photos.append(DraftPhoto(_signer().dumps(astuple(photo)), _inline(attachments.preview_photo(photo))))
        return photos


async def read_photos(request: Request, typed: TypedDep) -> FormPhotos:
    """Store the photos of a submitted form at once, so that an error elsewhere does not lose them.

    It is a coroutine: a photo that waits for a decoder occupies no thread and no connection, so other pages go on.
    """
    photos = FormPhotos()
    _keep_waiting(typed, photos)
    await _keep_uploads(request, typed, photos)
    return photos


FormPhotosDep = Annotated[FormPhotos, Depends(read_photos)]


def read_draft(request: Request, typed: FormReader, photos: FormPhotos) -> DraftForm:
    """Return the draft of a submitted form with its photos."""
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
    return DraftForm(typed, draft, photos)


def renew_draft(form: DraftForm) -> DraftForm:
    """Return the same form with a new key."""
    return replace(form, draft=replace(form.draft, key=receipts.new_key()))


def _unit_id(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else None


def _enumerated(labels: list[str]) -> str:
    return ", ".join(labels[:LABELS_MOST]) + (" …" if len(labels) > LABELS_MOST else "")


def _keep_waiting(typed: FormReader, photos: FormPhotos) -> None:
    """Take over the photos of earlier submissions of this form, without those that the sender dropped."""
    dropped = set(typed.data.getlist("drop"))
    for place, token in enumerate(typed.data.getlist("held"), start=1):
        photo = _find_photo(token)
        if photo is None:
            refusal = Invalid(_("Ảnh đã chờ quá lâu và không còn nữa. Xin chọn lại ảnh."), field="photos")
            photos.refused.append(RefusedPhoto(str(place), refusal))
        elif str(place) not in dropped and photo not in photos.waiting:
            photos.waiting.append(photo)


async def _keep_uploads(request: Request, typed: FormReader, photos: FormPhotos) -> None:
    """Store new photos one after the other: a form occupies one decoder, however many photos it brings.

    Their places follow those of the photos that were there before. Once the server is too busy for one photo, the
    others are not tried: the sender has waited long enough and gets the form back.
    """
    busy: TooMany | None = None
    for place, upload in enumerate(typed.files("photos"), start=len(typed.data.getlist("held")) + 1):
        try:
            if busy:
                raise busy
            photos.waiting.append(await _keep_upload(request, upload.file, len(photos.waiting)))
        except DomainError as refusal:
            busy = refusal if isinstance(refusal, TooMany) else None
            photos.refused.append(RefusedPhoto(f"{place} ({(upload.filename or '')[:NAME_MOST]})", refusal))


async def _keep_upload(request: Request, file: BinaryIO, photo_count: int) -> WaitingPhoto:
    """Store one photo. Raises Invalid for a wrong or surplus photo, NoRoom or TooMany where the server is busy."""
    if photo_count >= attachments.MOST:
        raise Invalid(_("Mỗi phản ánh kèm được nhiều nhất %(most)s ảnh."), field="photos", most=attachments.MOST)
    now = clock.now()
    try:
        request.app.state.flows.photos.take(address_of(request), now)
    except TooMany as refusal:
        sentence = _("Xin thử lại ảnh sau, hoặc gửi không kèm ảnh.")
        raise TooMany(sentence, retry_after=refusal.retry_after) from None
    return await attachments.hold_upload(file, now)


def _find_photo(token: object) -> WaitingPhoto | None:
    """Return the waiting photo of a token, or None if the token is not ours or the photo is gone."""
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
