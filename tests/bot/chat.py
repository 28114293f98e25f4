"""A person who talks to the bot in one chat, without a network."""

from dataclasses import dataclass, field
from itertools import count

from sqlalchemy.orm import Session

from backend.messengers.messenger import ChatInput, InputKind
from backend.notify.channels import ChatButton
from bot import gateway, persistence
from bot.effects import BotEffect, EffectKind

CHAT, STRANGER = 5_000_000_007, 5_000_000_008
updates = count(1)


@dataclass
class Person:
    """Types and presses in one chat, and reads what the bot owes it for that."""

    session: Session
    chat_id: int = CHAT
    effects: list[BotEffect] = field(default_factory=list)
    buttons: list[ChatButton] = field(default_factory=list)
    last: ChatInput | None = None

    def do(self, kind: InputKind, text: str = "", **more: object) -> str:
        """Everything said in answer."""
        update = next(updates)
        self.last = ChatInput(update, self.chat_id, kind, message_id=update, text=text, **more)  # type: ignore[arg-type]
        gateway.answer_input(self.last)
        self.effects = self._take()
        return self.read()

    def say(self, text: str) -> str:
        return self.do(InputKind.TEXT, text)

    def press(self, label: str) -> str:
        """The newest button whose text contains ``label``."""
        data = next(b.data for b in reversed(self.buttons) if label in b.text)
        return self.do(InputKind.PRESS, data)

    def press_data(self, data: str) -> str:
        """A button that came some other way, such as below a letter."""
        return self.do(InputKind.PRESS, data)

    def read(self) -> str:
        return "\n".join(effect.words() for effect in self.effects if effect.do is EffectKind.SAY)

    def _take(self) -> list[BotEffect]:
        self.session.expire_all()
        owed, _language = persistence.list_owed(self.session, self.chat_id)
        self.buttons = [b for effect in owed for row in effect.buttons for b in row] or self.buttons
        for _effect in owed:
            persistence.mark_paid(self.session, self.chat_id)
        self.session.flush()
        return owed

    def begin(self, category: str = "Đường sá", language: str = "Tiếng Việt") -> "Person":
        """As far as the text of the feedback."""
        self.say("/start")
        self.press(language)
        self.say("doan ket")
        self.press(category)
        return self

    def until_consent(self, category: str = "Đường sá") -> "Person":
        self.begin(category)
        self.say("Có ổ gà lớn ở trước cổng chợ.")
        self.press("Không có ảnh")
        return self
