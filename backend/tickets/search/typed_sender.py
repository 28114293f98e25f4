"""The sender of a ticket as words: what is stored beside the name and the telephone number, and what people type. Pure.

A telephone number is found by any four digits in a row: its ends are stored, and a part of it begins one of them.
"""

import re
from dataclasses import dataclass
from typing import Final

from backend.errors import Invalid, _
from backend.tickets.search.documents import far_block, fold_word, near_block, split_words
from backend.tickets.search.typed_query import TERMS_MOST, TYPED_MOST

PHONE_PART_LEAST: Final = 4  # digits; fewer would find a part of all senders
COUNTRY: Final = re.compile(r"^\+?84(?=[1-9])")
NO_DIGITS: Final = re.compile("[^0-9]+")
PHONE_TYPED: Final = re.compile(r"\+?[0-9][0-9\s.()-]*")


@dataclass(frozen=True)
class TypedSender:
    """Words of a name, and digits in a row of a telephone number."""

    names: tuple[str, ...]
    digits: str = ""

    @property
    def query(self) -> str:
        """The query as PostgreSQL reads it."""
        phone = [f"'#{self.digits}':*"] if self.digits else []
        return " & ".join([*(f"'{name}'" for name in self.names), *phone])


def read_sender(typed: str) -> TypedSender | None:
    """Return who was typed; None where nothing was typed. Raises Invalid with what to do instead."""
    typed = " ".join(typed[: TYPED_MOST * 4].split())
    if not typed:
        return None
    if len(typed) > TYPED_MOST:
        raise Invalid(_("Dài quá %(limit)s ký tự. Hãy tìm bằng vài chữ."), field="sender", limit=TYPED_MOST)
    digits = phone_digits("".join(PHONE_TYPED.findall(typed)))
    names = tuple(dict.fromkeys(filter(None, map(fold_word, split_words(PHONE_TYPED.sub(" ", typed))))))
    if digits and len(digits) < PHONE_PART_LEAST:
        raise Invalid(
            _("Hãy gõ ít nhất %(least)s chữ số liền nhau của số điện thoại."), field="sender", least=PHONE_PART_LEAST
        )
    if not digits and not names:
        raise Invalid(_("Hãy gõ tên hoặc số điện thoại của người gửi."), field="sender")
    return TypedSender(names[:TERMS_MOST], digits)


def phone_digits(phone: str) -> str:
    """Return the digits of a telephone number, with 0 for the code of the country."""
    return NO_DIGITS.sub("", COUNTRY.sub("0", phone.strip().replace(" ", "")))


def sender_vector(ticket_id: int, name: str | None, phone: str | None) -> str:
    """Return what a sender is found by, as PostgreSQL reads a ``tsvector``."""
    names = {fold_word(word) for word in split_words(name or "")} - {""}
    digits = phone_digits(phone or "")[:40]
    ends = {f"#{digits[start:]}" for start in range(len(digits) - PHONE_PART_LEAST + 1)}
    if not names and not ends:
        return ""
    return " ".join(f"'{lexeme}'" for lexeme in (near_block(ticket_id), far_block(ticket_id), *names, *ends))
