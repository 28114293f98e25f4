"""The row of a chat: the state of its conversation, the effects still owed to it, and the last update handled."""

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

SEEN_FOR = timedelta(days=2)  # Telegram keeps an update for a day; after a quiet week its ids start at any number
DRAFT_FOR = timedelta(days=30)  # then a draft that was never sent is deleted


class BotBusy(Exception):
    """Another process reads the updates."""


@contextmanager
def only_consumer() -> Iterator[Connection]:
    """Hold the lock of the bot while the block runs. Raises BotBusy if another process holds it.

    The lock belongs to a separate connection and ends with it, however the process ends.
    """
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(int(AdvisoryLock.BOT_UPDATES)))):
            raise BotBusy
        try:
            yield connection
        finally:
            if not connection.closed and not connection.invalidated:
                connection.execute(select(func.pg_advisory_unlock(int(AdvisoryLock.BOT_UPDATES))))


def still_only(connection: Connection) -> None:
    """Check that the lock is still held. Raises an error of the database if its connection is gone."""
    connection.execute(text("SELECT 1"))


def lock_chat(session: Session, chat_id: int, now: datetime) -> Chat:
    """Return the row of a chat, locked until the transaction ends. A new chat gets a row."""
    session.execute(insert(Chat).values(chat_id=chat_id, conversation={}, updated_at=now).on_conflict_do_nothing())
    return session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True)


def dealt_with(chat: Chat, update_id: int, now: datetime) -> bool:
    """Return whether this update was handled before and comes again because its confirmation was lost."""
    last = chat.last_update_id
    return last is not None and update_id <= last and now - chat.updated_at < SEEN_FOR


def state_of(chat: Chat) -> dict[str, Any]:
    """Return a deep copy of the state. SQLAlchemy would not notice a change inside the row's own value."""
    return deepcopy(dict(chat.conversation.get("state", {})))


def keep_state(chat: Chat, state: dict[str, Any], effects: list[BotEffect], update_id: int, now: datetime) -> None:
    """Store the state of the conversation, and add ``effects`` to what is owed."""
    owed = [*chat.conversation.get("owed", []), *(effect.as_json() for effect in effects)]
    chat.conversation = {"state": state, "owed": owed}
    chat.last_update_id = update_id
    chat.updated_at = now


def list_owed(session: Session, chat_id: int) -> tuple[list[BotEffect], str | None]:
    """Return the effects owed to a chat, in order, and the chat's language."""
    chat = session.get(Chat, chat_id, populate_existing=True)
    if chat is None:
        return [], None
    return [BotEffect.from_json(stored) for stored in chat.conversation.get("owed", [])], chat.language


def mark_paid(session: Session, chat_id: int) -> None:
    """Remove the first effect owed: it is done."""
    chat = session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True)
    chat.conversation = {**chat.conversation, "owed": chat.conversation.get("owed", [])[1:]}


def add_debt(session: Session, chat_id: int, effect: BotEffect) -> None:
    """Add an effect after all others owed."""
    chat = session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True)
    chat.conversation = {**chat.conversation, "owed": [*chat.conversation.get("owed", []), effect.as_json()]}


def forget_chat(session: Session, chat_id: int) -> None:
    """Delete the draft and the effects owed. Called when the person has left or blocked the bot."""
    session.get_one(Chat, chat_id, with_for_update=True, populate_existing=True).conversation = {}


def list_debtors(session: Session) -> list[int]:
    """Return the ids of the chats to which effects are owed."""
    has_debt = func.jsonb_array_length(func.coalesce(Chat.conversation["owed"], text("'[]'::jsonb"))) > 0
    return list(session.scalars(select(Chat.chat_id).where(has_debt)))


def forget_old(session: Session, now: datetime) -> None:
    """Delete the state of chats that have been silent for ``DRAFT_FOR``: what was typed there and never sent."""
    empty = text("'{}'::jsonb")
    is_old = (Chat.updated_at < now - DRAFT_FOR, Chat.conversation != empty)
    session.execute(update(Chat).where(*is_old).values(conversation=empty))
