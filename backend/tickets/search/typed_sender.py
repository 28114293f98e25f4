"""The sender of a ticket as words: what is stored beside the name and the telephone number, and what people type. Pure.

A telephone number is found by any part of it with four digits: it is stored as all its groups of four, each at its
place, and a part is a phrase of such groups. There are only ten thousand groups, so the index stays small.
"""

import re
from dataclasses import dataclass
from typing import Final

from backend.errors import Invalid, _
from backend.tickets.search.documents import far_block, fold_word, near_block, split_words
from backend.tickets.search.typed_query import TERMS_MOST, TYPED_MOST

PART: Final = 4  # digits of a part; fewer would find a tenth of all senders
DIGITS_MOST: Final = 40
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
        phone = [f"({' <-> '.join(map(repr, digit_groups(self.digits)))})"] if self.digits else []
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
    if digits and len(digits) < PART:
        raise Invalid(_("Hãy gõ ít nhất %(least)s chữ số liền nhau của số điện thoại."), field="sender", least=PART)
    if not digits and not names:
        raise Invalid(_("Hãy gõ tên hoặc số điện thoại của người gửi."), field="sender")
    return TypedSender(names[:TERMS_MOST], digits)


def digit_groups(digits: str) -> list[str]:
    """Return all groups of four digits in a row: of 091234 these are #0912, #9123 and #1234."""
    return [f"#{digits[start : start + PART]}" for start in range(len(digits) - PART + 1)]


def phone_digits(phone: str) -> str:
    """Return the digits of a telephone number, with 0 for the code of the country."""
    return NO_DIGITS.sub("", COUNTRY.sub("0", phone.strip().replace(" ", "")))


def sender_vector(ticket_id: int, name: str | None, phone: str | None) -> str:
    """Return what a sender is found by, as PostgreSQL reads a ``tsvector``."""
    names = {fold_word(word) for word in split_words(name or "")} - {""}
    places: dict[str, list[str]] = {}
    for place, group in enumerate(digit_groups(phone_digits(phone or "")[:DIGITS_MOST]), start=1):
        places.setdefault(group, []).append(str(place))
    if not names and not places:
        return ""
    words = [f"'{lexeme}'" for lexeme in (near_block(ticket_id), far_block(ticket_id), *sorted(names))]
    return " ".join([*words, *(f"'{group}':{','.join(noted)}" for group, noted in places.items())])
