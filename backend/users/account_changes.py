"""Changes of an account by an administrator: name, role and unit. ``service`` makes, closes and signs in accounts."""

from datetime import datetime

from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Conflict, Invalid, _
from backend.files.text import clean_text
from backend.users.models import STAFF, Role, User
from backend.users.policy import Actor
from backend.users.service import find_account, wrong_unit

NAME_MOST = 120


def change_account(
    session: Session, user_id: int, *, name: str, role: Role, unit_id: int | None, by: Actor, now: datetime
) -> User:
    """Change name, role and unit of an account. The next request of its sessions already has the new rights.

    Raises NotFound; Invalid with every refusal at its field, ``name``, ``role`` or ``unit``; and Conflict where people
    change the role of the account they are using: somebody must remain who can change it back. The history notes role
    and unit before and after, and that the name changed.
    """
    user = find_account(session, user_id)
    name = clean_text(name, limit=NAME_MOST, field="name")
    refusals = [] if name else [Invalid(_("Hãy nhập họ tên."), field="name")]
    refusals += [] if role in STAFF else [Invalid(_("Hãy chọn một vai trò."), field="role")]
    if (role, unit_id) != (user.role, user.unit_id) and (sentence := wrong_unit(session, role, unit_id, now)):
        refusals.append(Invalid(sentence, field="unit"))
    Invalid.collect(refusals)
    if by.user_id == user_id and role is not user.role:
        raise Conflict(_("Bạn không thể đổi vai trò của tài khoản mình đang dùng."), field="role")
    changes = _changes(user, name, role, unit_id)
    if changes:
        user.name, user.role, user.unit_id = name, role, unit_id
        session.flush()
        audit.record(session, audit.user_key(user_id), "changed", actor=by.key, now=now, data=changes)
    return user


def _changes(user: User, name: str, role: Role, unit_id: int | None) -> dict[str, object]:
    """Return what the history notes. A name is personal data, so only that it changed."""
    changes: dict[str, object] = {"name": True} if name != user.name else {}
    changes |= {"role": [user.role.value, role.value]} if role is not user.role else {}
    return changes | ({"unit": [user.unit_id, unit_id]} if unit_id != user.unit_id else {})
