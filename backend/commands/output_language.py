"""Decide the language of a command's output, once for all commands, and write its sentences in it.

``--lang`` decides, else the locale of the terminal (LC_ALL, LC_MESSAGES, LANG), else Vietnamese. JSON is the same in
both languages, except for the sentences of refusals. Help texts are Vietnamese.
"""

import os
from collections.abc import Mapping
from contextvars import ContextVar
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from backend.errors import DomainError, _
from backend.files.faults import FileRefused

if TYPE_CHECKING:
    from analytics.methods import BilingualText


class OutputLanguage(StrEnum):
    """A language that commands write."""

    VI = "vi"
    EN = "en"


_option: ContextVar[OutputLanguage | None] = ContextVar("output_language", default=None)


def choose_language(option: OutputLanguage | None) -> None:
    """Set the language that ``--lang`` names; None leaves the choice to the locale."""
    _option.set(option)


def output_language() -> OutputLanguage:
    """Return the language of this command's output."""
    return _option.get() or locale_language(os.environ)


def locale_language(environment: Mapping[str, str]) -> OutputLanguage:
    """Return English for an English locale such as en_US.UTF-8, and Vietnamese for any other (also C and POSIX)."""
    names = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    return OutputLanguage.EN if locale.lower().split("_")[0] == "en" else OutputLanguage.VI


def say_text(message: str, **params: object) -> str:
    """Return a message of the catalogue in the language of the output, with its ``%(name)s`` places filled."""
    if output_language() is OutputLanguage.VI:
        return message % params if params else message
    from backend.web.language import gettext  # imported here: only English needs the catalogue

    return gettext(output_language(), message, params)


def say_refusal(refusal: DomainError) -> str:
    """Return the sentence of a refusal in the language of the output, after the file and sheet that it is about."""
    sentence = say_text(refusal.message, **refusal.params)
    if not isinstance(refusal, FileRefused):
        return sentence
    sheet = say_text(_("trang “%(sheet)s”"), sheet=refusal.sheet) if refusal.sheet else ""
    place = ", ".join(filter(None, (refusal.file, sheet)))
    return f"{place}: {sentence}" if place else sentence


def say_bilingual(text: "BilingualText") -> str:
    """Return a text that data give in both languages."""
    return text.en if output_language() is OutputLanguage.EN else text.vi


def say_number(value: float | Decimal, places: int | None = None) -> str:
    """Return a number as the language of the output writes it; ``places`` fixes the digits after the sign."""
    from backend.web.language import number_text  # imported here: some commands write no numbers

    return number_text(value, output_language(), places)


def dashed_number(value: float | Decimal | None, places: int = 0) -> str:
    """Return a number with ``places`` digits after the sign; a dash where there is none."""
    return "–" if value is None else say_number(value, places)
