"""Keeps the reply templates of the units and of the province. Each change makes a new version; none is ever lost.

A template of a unit is there for its people alone; one of the province is there for everybody who answers. The leader
of a unit writes the unit's templates, the coordinator those of the province.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import audit
from backend.db import table_of
from backend.desk.replies.models import ReplyKind, ReplyTemplate, ReplyVersion
from backend.desk.replies.placeholders import read_template
from backend.errors import Conflict, Forbidden, Invalid, NotFound, _
from backend.files.text import clean_text, fold_text
from backend.users.models import User
from backend.users.policy import Actor, Permission, PolicySubject, can

NAME_MOST: Final = 80  # characters
BODY_MOST: Final = 5_000
WORDS_MOST: Final = 100  # characters of a search
TEMPLATES_MOST: Final = 200  # of one unit, and of the province
NAME_TAKEN: Final = _("Tên này đã dùng cho một mẫu khác.")


@dataclass(frozen=True)
class ReplyFields:
    """What people write in a template. ``in_use`` templates are offered on the page of a ticket."""

    kind: ReplyKind
    name: str
    body: str
    in_use: bool = True


@dataclass(frozen=True)
class ListedVersion:
    """A version with the name of its author."""

    version: ReplyVersion
    author: str


def template_chain(template_id: int) -> audit.Chain:
    """Return the chain of a template in the history: ``reply_template:7``."""
    return audit.Chain(f"reply_template:{template_id}")


def may_edit(actor: Actor, template: ReplyTemplate) -> bool:
    return can(actor, Permission.EDIT_TEMPLATE, PolicySubject(template.unit_id))


def owner_of_new(actor: Actor) -> int | None:
    """Return the unit whose templates a person writes; None: those of the province."""
    return None if can(actor, Permission.EDIT_TEMPLATE, PolicySubject(None)) else actor.unit_id


def find_template(session: Session, actor: Actor, template_id: int, *, lock: bool = False) -> ReplyTemplate:
    """Raises NotFound also for a template that the person may not see."""
    template = session.get(ReplyTemplate, template_id, with_for_update=lock, populate_existing=lock)
    if template is None or not can(actor, Permission.VIEW_TEMPLATE, PolicySubject(template.unit_id)):
        raise NotFound(_("Không có mẫu trả lời này."))
    return template


def list_templates(
    session: Session, actor: Actor, words: str = "", *, offered: Sequence[ReplyKind] = ()
) -> Sequence[ReplyTemplate]:
    """Return the templates that a person sees, those of the unit first, in the order of their names.

    Each of the ``words`` must occur, with or without tone marks. With ``offered``, only templates in use, of these
    kinds. Raises Invalid at ``q`` for too many words.
    """
    owners: list[ColumnElement[bool]] = [ReplyTemplate.unit_id.is_(None)]
    if actor.unit_id is not None and can(actor, Permission.VIEW_TEMPLATE, PolicySubject(actor.unit_id)):
        owners.append(ReplyTemplate.unit_id == actor.unit_id)
    statement = select(ReplyTemplate).where(or_(*owners))
    if offered:
        statement = statement.where(ReplyTemplate.in_use, ReplyTemplate.kind.in_(offered))
    for word in fold_text(clean_text(words, limit=WORDS_MOST, field="q")).split():
        statement = statement.where(ReplyTemplate.folded.contains(word, autoescape=True))
    order = (ReplyTemplate.unit_id.is_(None), ReplyTemplate.in_use.desc(), ReplyTemplate.name, ReplyTemplate.id)
    return session.scalars(statement.order_by(*order)).all()


def list_versions(session: Session, template: ReplyTemplate) -> list[ListedVersion]:
    """Return every version of a template, newest first."""
    statement = (
        select(ReplyVersion, User.name)
        .join(User, User.id == ReplyVersion.written_by)
        .where(ReplyVersion.template_id == template.id)
        .order_by(ReplyVersion.version.desc())
    )
    return [ListedVersion(version, author) for version, author in session.execute(statement)]


def find_version(session: Session, template: ReplyTemplate, number: int) -> ReplyVersion:
    version = session.get(ReplyVersion, (template.id, number))
    if version is None:
        raise NotFound(_("Mẫu này không có bản đó."))
    return version


def check_fields(fields: ReplyFields) -> ReplyFields:
    """Return the fields as they are stored. Raises Invalid with the refusals at ``name`` and ``body``."""
    refusals: list[Invalid] = []
    name = body = ""
    try:
        name = clean_text(fields.name, limit=NAME_MOST, field="name")
        if not name:
            raise Invalid(_("Hãy đặt tên cho mẫu."), field="name")
    except Invalid as refusal:
        refusals.append(refusal)
    try:
        body = clean_text(fields.body, limit=BODY_MOST, multiline=True, field="body")
        if not body:
            raise Invalid(_("Hãy viết nội dung của mẫu."), field="body")
        read_template(body)
    except Invalid as refusal:
        refusals.append(refusal)
    Invalid.collect(refusals)
    return ReplyFields(fields.kind, name, body, fields.in_use)


def add_template(session: Session, actor: Actor, fields: ReplyFields, now: datetime) -> ReplyTemplate:
    """Store a new template of the person's unit, or of the province.

    Raises Invalid at the fields, Conflict for too many templates, Forbidden.
    """
    unit_id = owner_of_new(actor)
    if not can(actor, Permission.EDIT_TEMPLATE, PolicySubject(unit_id)):
        raise Forbidden
    fields = check_fields(fields)
    stored = session.scalar(select(func.count()).select_from(ReplyTemplate).filter_by(unit_id=unit_id)) or 0
    if stored >= TEMPLATES_MOST:
        raise Conflict(_("Đã có %(most)s mẫu. Hãy sửa một mẫu không còn dùng."), most=TEMPLATES_MOST)
    table = table_of(ReplyTemplate)
    statement = insert(table).values(unit_id=unit_id, version=1, **_columns(fields)).on_conflict_do_nothing()
    template_id = session.scalar(statement.returning(table.c.id))
    if template_id is None:
        raise Invalid(NAME_TAKEN, field="name")
    template = session.get_one(ReplyTemplate, template_id)
    _record(session, actor, template, "template_added", now)
    return template


def change_template(
    session: Session, actor: Actor, template_id: int, fields: ReplyFields, *, version: int | None, now: datetime
) -> ReplyTemplate:
    """Make a new version of a template. ``version`` is the one that the page showed. Equal fields change nothing.

    Raises NotFound, Forbidden, Invalid at the fields, Conflict where somebody else has changed it meanwhile.
    """
    return _change(session, actor, template_id, fields, "template_changed", version=version, now=now)


def restore_version(
    session: Session, actor: Actor, template_id: int, number: int, *, version: int | None, now: datetime
) -> ReplyTemplate:
    """Make a new version with the text of an older one."""
    older = find_version(session, find_template(session, actor, template_id), number)
    fields = ReplyFields(older.kind, older.name, older.body, older.in_use)
    return _change(session, actor, template_id, fields, "template_restored", version=version, now=now)


def _change(
    session: Session,
    actor: Actor,
    template_id: int,
    fields: ReplyFields,
    action: str,
    *,
    version: int | None,
    now: datetime,
) -> ReplyTemplate:
    template = find_template(session, actor, template_id, lock=True)
    if not may_edit(actor, template):
        raise Forbidden(_("Mẫu của cơ quan do lãnh đạo cơ quan sửa, mẫu của tỉnh do điều phối viên sửa."))
    fields = check_fields(fields)
    if version != template.version:
        raise Conflict(_("Mẫu này vừa được người khác sửa. Nội dung bạn gõ vẫn còn: xin xem bản mới nhất rồi lưu lại."))
    if fields == ReplyFields(template.kind, template.name, template.body, template.in_use):
        return template
    try:
        with session.begin_nested():
            for name, value in _columns(fields).items():
                setattr(template, name, value)
            template.version += 1
            session.flush()
    except IntegrityError:
        raise Invalid(NAME_TAKEN, field="name") from None
    _record(session, actor, template, action, now)
    return template


def _columns(fields: ReplyFields) -> dict[str, object]:
    return {
        "kind": fields.kind,
        "name": fields.name,
        "body": fields.body,
        "in_use": fields.in_use,
        "folded": fold_text(f"{fields.name} {fields.body}"),
    }


def _record(session: Session, actor: Actor, template: ReplyTemplate, action: str, now: datetime) -> None:
    """Store the version, and an entry of the history that names it."""
    session.add(
        ReplyVersion(
            template_id=template.id,
            version=template.version,
            kind=template.kind,
            name=template.name,
            body=template.body,
            in_use=template.in_use,
            written_by=actor.user_id or 0,
            written_at=now,
        )
    )
    session.flush()
    data = {"version": template.version, "unit": template.unit_id}
    audit.record(session, template_chain(template.id), action, actor=actor.key, now=now, data=data)
