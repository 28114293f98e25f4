"""Texts about figures that are stored in Vietnamese and can be given in another language."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backend.web import language


class TranslatedText(str):
    """A Vietnamese text made from a message of the catalogue and its numbers. ``in_language`` makes it in another
    language.

    As a string it is the Vietnamese text, so documents, tables and JSON take it as it is.
    """

    message: str
    params: Mapping[str, Any]
    own: Mapping[str, str]

    def __new__(cls, message: str, own: Mapping[str, str] | None = None, **params: Any) -> "TranslatedText":
        """Make the text. ``own``: the text by language where it comes from data instead of the catalogue."""
        text = super().__new__(cls, _fill_message("vi", message, params))
        text.message, text.params, text.own = message, params, own or {}
        return text

    def __deepcopy__(self, _memo: Any) -> "TranslatedText":
        return self

    def in_language(self, name: str) -> str:
        return self.own.get(name) or _fill_message(name, self.message, self.params)


def figure_text(value: Decimal) -> TranslatedText:
    """Return a number with two decimals, as each language writes it."""
    return TranslatedText("%(value)s", value=value)


def _fill_message(name: str, message: str, params: Mapping[str, Any]) -> str:
    written = {
        key: language.number_text(value, name, 2) if isinstance(value, Decimal) else value
        for key, value in params.items()
    }
    return language.gettext(name, message, written)
