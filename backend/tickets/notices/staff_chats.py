"""The own chat of a member of staff: bound by a one-time code that the person sends to the bot.

Only the hash of a code is stored. A code works once and for ``CODE_FOR``.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Conflict, Invalid, _
from backend.outbox.models import Medium
from backend.tickets.notices.models import NoticeSettings
from backend.tickets.notices.service import read_settings
from backend.users import service as users
from backend.users.models import User

CODE_FOR = timedelta(minutes=15)
CODE_BYTES = 8
COMMAND = "canbo"  # of the bot: /canbo and the code


def make_code(session: Session, user_id: int, now: datetime) -> str:
    """Return a new one-time code of a person, to display once. An earlier code stops working."""
    code = secrets.token_hex(CODE_BYTES)
    settings = read_settings(session, user_id)
    settings.code_hash, settings.code_until = _code_hash(code), now + CODE_FOR
    session.flush()
    return code


def bind_chat(session: Session, code: str, chat_id: int, now: datetime) -> User:
    """Bind a chat to the person who got the code, and send messages there from now on. Return the account.

    Raises Invalid, with the same sentence, for an unknown code, a used one, an old one, and that of a closed account.
    """
    statement = select(NoticeSettings).where(NoticeSettings.code_hash == _code_hash(code)).with_for_update()
    settings = session.scalar(statement.execution_options(populate_existing=True))
    user = session.get(User, settings.user_id) if settings is not None else None
    fresh = settings is not None and settings.code_until is not None and now < settings.code_until
    if settings is None or user is None or not user.active or not fresh:
        raise Invalid(_("Mã nối không đúng hoặc đã hết hạn. Hãy lấy mã mới ở trang Cách nhận thông báo."), field="code")
    settings.code_hash, settings.code_until = None, None
    settings.chat_id, settings.medium = chat_id, Medium.TELEGRAM
    _record(session, user.id, "chat_bound", now)
    return user


def unbind_chat(session: Session, user_id: int, now: datetime) -> None:
    """Forget the chat of a person. Messages go by e-mail again. A second call changes nothing."""
    settings = read_settings(session, user_id)
    if settings.chat_id is None:
        return
    settings.chat_id, settings.medium = None, Medium.EMAIL
    _record(session, user_id, "chat_unbound", now)


def choose_medium(session: Session, user_id: int, medium: Medium) -> None:
    """Store by what a person wants messages. Raises Conflict for a messenger without a bound chat."""
    settings = read_settings(session, user_id)
    if medium is Medium.TELEGRAM and settings.chat_id is None:
        raise Conflict(_("Hãy nối Telegram trước khi chọn nhận tin ở đó."), field="medium")
    settings.medium = medium
    session.flush()


def _record(session: Session, user_id: int, action: str, now: datetime) -> None:
    users.lock_user(session, user_id)
    session.flush()
    audit.record(session, audit.user_key(user_id), action, actor=audit.user_key(user_id), now=now)


def _code_hash(code: str) -> bytes:
    return hashlib.sha256(b"chat:" + code.strip().lower().encode("utf-8", "replace")).digest()
