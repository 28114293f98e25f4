"""Telegram as a messenger, through the client of the Bot API in python-telegram-bot.

Messages are plain text (no parse mode), so nothing needs escaping. Only private chats are read.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from telegram import (
    Bot,
    BotCommand,
    CallbackQuery,
    Chat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LinkPreviewOptions,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
)
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from backend.errors import Invalid, _
from backend.messengers import texts
from backend.messengers.messenger import FILE_MOST, ChatGone, ChatInput, InputKind, Keyboard, TryLater, UpdateBatch
from backend.notify.channels import Buttons
from backend.web.language import LANGUAGES, gettext

NO_ROUTE = 3.0  # seconds to wait where the network or Telegram fails
KINDS = ["message", "edited_message", "callback_query"]
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None

log = logging.getLogger("langnghe.bot")


class TelegramMessenger:
    """One bot. ``url`` is the address of a Bot API server, such as https://api.telegram.org."""

    def __init__(self, url: str, token: str) -> None:
        url = url.rstrip("/")
        self.bot = Bot(
            token,
            base_url=f"{url}/bot",
            base_file_url=f"{url}/file/bot",
            request=HTTPXRequest(connection_pool_size=32, read_timeout=20, connect_timeout=10),
            get_updates_request=HTTPXRequest(connection_pool_size=1, read_timeout=20, connect_timeout=10),
        )

    async def open(self) -> None:
        """Check the token, remove a webhook and set the menu. Raises TryLater, and the library's ``InvalidToken``."""
        with _failures():
            await self.bot.initialize()
            await self.bot.delete_webhook()
            for language in LANGUAGES:
                commands = [BotCommand(name, gettext(language, text)) for name, text in texts.COMMANDS.items()]
                await self.bot.set_my_commands(commands, language_code=language)
            await self.bot.set_my_commands([BotCommand(name, text) for name, text in texts.COMMANDS.items()])

    async def close(self) -> None:
        await self.bot.shutdown()

    async def updates(self, confirmed: int | None, wait: int) -> UpdateBatch:
        with _failures():
            updates = await self.bot.get_updates(offset=confirmed, timeout=wait, allowed_updates=KINDS)
        incoming = [chat_input for update in updates if (chat_input := _incoming(update)) is not None]
        return UpdateBatch(incoming, updates[-1].update_id + 1 if updates else confirmed)

    async def say(self, chat_id: int, text: str, buttons: Buttons, keyboard: Keyboard, keyboard_text: str) -> None:
        with _failures():
            try:
                await self.bot.send_message(
                    chat_id,
                    text,
                    reply_markup=_markup(buttons, keyboard, keyboard_text),
                    link_preview_options=NO_PREVIEW,
                )
            except BadRequest as error:
                if "chat not found" in error.message.lower():
                    raise ChatGone from None
                log.error("a message was refused: %s", error.message)

    async def settle(self, press_id: str) -> None:
        with _failures(), _ignore_too_old():
            await self.bot.answer_callback_query(press_id)

    async def remove_buttons(self, chat_id: int, message_id: int) -> None:
        with _failures(), _ignore_too_old():
            await self.bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id, reply_markup=None)

    async def delete(self, chat_id: int, message_id: int) -> None:
        with _failures(), _ignore_too_old():
            await self.bot.delete_message(chat_id, message_id)

    async def file(self, file_id: str) -> bytes:
        """Return the bytes of a photo. Raises Invalid where it is too large or no longer available."""
        with _failures():
            try:
                file = await self.bot.get_file(file_id)
                if (file.file_size or 0) > FILE_MOST:
                    raise Invalid(texts.PHOTO_LARGE)
                return bytes(await file.download_as_bytearray())
            except (BadRequest, InvalidToken):  # the library reads every 404 as a wrong token, also that of a file
                raise Invalid(_("Telegram không còn giữ ảnh này, hoặc ảnh lớn quá 20 MB.")) from None


@contextmanager
def _failures() -> Iterator[None]:
    """Turn the library's errors into those of the interface. They are not chained: an address contains the token."""
    try:
        yield
    except RetryAfter as flood:
        wait = flood.retry_after
        raise TryLater(wait.total_seconds() if isinstance(wait, timedelta) else float(wait)) from None
    except Forbidden:
        raise ChatGone from None
    except InvalidToken:
        raise
    except Conflict:
        log.warning("another program reads this bot's updates")
        raise TryLater(NO_ROUTE) from None
    except TelegramError as error:
        log.warning("Telegram does not answer: %s", type(error).__name__)
        raise TryLater(NO_ROUTE) from None


@contextmanager
def _ignore_too_old() -> Iterator[None]:
    """Ignore the refusal for a button or a message that is too old to change."""
    try:
        yield
    except BadRequest:
        log.info("too late to change a message")


def _markup(buttons: Buttons, keyboard: Keyboard, keyboard_text: str) -> Markup:
    if buttons:
        return InlineKeyboardMarkup(
            [[InlineKeyboardButton(b.text, callback_data=b.data) for b in row] for row in buttons]
        )
    if keyboard is Keyboard.PHONE:
        share = KeyboardButton(keyboard_text, request_contact=True)
        return ReplyKeyboardMarkup([[share]], resize_keyboard=True, one_time_keyboard=True)
    return ReplyKeyboardRemove() if keyboard is Keyboard.REMOVE else None


def _incoming(update: Update) -> ChatInput | None:
    """Return what a person did in a private chat; None for groups, channels and other bots."""
    chat, person = update.effective_chat, update.effective_user
    if chat is None or chat.type != Chat.PRIVATE or person is None or person.is_bot:
        return None
    if update.callback_query is not None:
        return _press_input(update.update_id, chat.id, update.callback_query)
    if update.edited_message is not None:
        return ChatInput(update.update_id, chat.id, InputKind.EDITED, update.edited_message.message_id)
    return _message_input(update.update_id, chat.id, update.message, person.id) if update.message else None


def _press_input(update_id: int, chat_id: int, query: CallbackQuery) -> ChatInput:
    message_id = query.message.message_id if query.message else 0
    return ChatInput(update_id, chat_id, InputKind.PRESS, message_id, text=query.data or "", press_id=query.id)


def _message_input(update_id: int, chat_id: int, message: Message, person_id: int) -> ChatInput:
    album = message.media_group_id or ""
    if message.photo:
        photo = message.photo[-1]  # the largest of its sizes
        return ChatInput(
            update_id,
            chat_id,
            InputKind.PHOTO,
            message.message_id,
            text=message.caption or "",
            file_id=photo.file_id,
            size=photo.file_size or 0,
            album=album,
        )
    if message.contact is not None:
        number = message.contact.phone_number
        own = message.contact.user_id == person_id
        return ChatInput(update_id, chat_id, InputKind.PHONE, message.message_id, text=number, own=own)
    kind = InputKind.TEXT if message.text else InputKind.OTHER
    return ChatInput(update_id, chat_id, kind, message.message_id, text=message.text or "")
