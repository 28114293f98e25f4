"""The chat's row: where its conversation stands, what is still owed to it, which updates were dealt with."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend import db
from backend.db import AdvisoryLock
from backend.outbox.models import Chat
from bot.effects import BotEffect

SEEN_FOR = timedelta(days=2)  # an update is kept for a day; after a quiet week ids start anew at any number
DRAFT_FOR = timedelta(days=30)  # what was typed and never sent is forgotten then


class BotBusy(Exception):
    """Another process reads the updates."""


@contextmanager
def only_consumer() -> Iterator[Connection]:
    """Hold the lock on a connection of its own for as long as the block runs; it ends with the connection, however the
    process ends. Raises Busy."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(int(AdvisoryLock.BOT_UPDATES)))):
            raise BotBusy
        try:
            yield connection
        finally:
            if not connection.closed and not connection.invalidated:
                connection.execute(select(func.pg_advisory_unlock(int(AdvisoryLock.BOT_UPDATES))))


def still_only(connection: Connection) -> None:
    """Raises where the connection, and with it the lock, is gone."""
    connection.execute(text("SELECT 1"))


def lock_chat(session: Session, chat_id: int, now: datetime) -> Chat:
    """The chat's row, locked until the transaction ends; a new chat gets one."""
    session.execute(insert(Chat).values(chat_id=chat_id, conversation={}, updated_at=now).on_conflict_do_nothing())
    return session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True)


def dealt_with(chat: Chat, update_id: int, now: datetime) -> bool:
    """Whether this update was taken before and comes again because its confirmation was lost."""
    last = chat.last_update_id
    return last is not None and update_id <= last and now - chat.updated_at < SEEN_FOR


def state_of(chat: Chat) -> dict[str, Any]:
    """A copy to the ground: a change inside the row's own value would look like no change when it is written back."""
    return deepcopy(dict(chat.conversation.get("state", {})))


def keep_state(chat: Chat, state: dict[str, Any], effects: list[BotEffect], update_id: int, now: datetime) -> None:
    """Write down where the conversation is now, and what is owed for it."""
    owed = [*chat.conversation.get("owed", []), *(effect.as_json() for effect in effects)]
    chat.conversation = {"state": state, "owed": owed}
    chat.last_update_id = update_id
    chat.updated_at = now


def list_owed(session: Session, chat_id: int) -> tuple[list[BotEffect], str | None]:
    """What is owed to a chat, in order, and its language."""
    chat = session.get(Chat, chat_id, populate_existing=True)
    if chat is None:
        return [], None
    return [BotEffect.from_json(kept) for kept in chat.conversation.get("owed", [])], chat.language


def mark_paid(session: Session, chat_id: int) -> None:
    """The first thing owed is done."""
    chat = session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True)
    chat.conversation = {**chat.conversation, "owed": chat.conversation.get("owed", [])[1:]}


def add_debt(session: Session, chat_id: int, effect: BotEffect) -> None:
    """One thing more, after all others."""
    chat = session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True)
    chat.conversation = {**chat.conversation, "owed": [*chat.conversation.get("owed", []), effect.as_json()]}


def forget_chat(session: Session, chat_id: int) -> None:
    """The person is gone: what they had not sent and what was owed to them goes too."""
    session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True).conversation = {}


def list_debtors(session: Session) -> list[int]:
    """Chats that something is owed to."""
    something = func.jsonb_array_length(func.coalesce(Chat.conversation["owed"], text("'[]'::jsonb"))) > 0
    return list(session.scalars(select(Chat.chat_id).where(something)))


def forget_old(session: Session, now: datetime) -> None:
    """What was typed in chats that have been silent for long, and never sent."""
    empty = text("'{}'::jsonb")
    old = (Chat.updated_at < now - DRAFT_FOR, Chat.conversation != empty)
    session.execute(update(Chat).where(*old).values(conversation=empty))
