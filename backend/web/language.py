"""Languages of the pages: the catalogue, the reader's choice, and the formats of dates and numbers.

Vietnamese is the source language: a message is its own key. English is read at the start from
``locale/en/LC_MESSAGES/messages.po`` itself, so no compiled file can differ from it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from backend.errors import DomainError

LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
SOURCE = "vi"
GROUP_MARKS = {"vi": ".", "en": ","}  # between thousands, as babel has them
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LOCALE = Path(__file__).parents[1] / "locale"

Catalogue = Mapping[str, str | tuple[str, ...]]


@lru_cache
def catalogue(language: str) -> Catalogue:
    """Return message -> translation, or the tuple of its plural forms. For the source language it is empty."""
    path = LOCALE / language / "LC_MESSAGES" / "messages.po"
    if language == SOURCE or not path.exists():
        return {}
    with path.open("rb") as file:
        messages = [message for message in read_po(file, locale=language) if message.id and not message.fuzzy]
    translations: dict[str, str | tuple[str, ...]] = {}
    for message in messages:
        key = message.id if isinstance(message.id, str) else message.id[0]
        if translation := _complete_translation(message):
            translations[key] = translation
    return translations


def _complete_translation(message: Message) -> str | tuple[str, ...] | None:
    """Return the translation of a message, or None where it or one of its plural forms is empty."""
    text = message.string
    if isinstance(text, str):
        return text or None
    return tuple(text) if text and all(text) else None


def gettext(language: str, message: str, params: Mapping[str, object] | None = None) -> str:
    """Return the message in the language, or the message itself where it has no translation."""
    text = catalogue(language).get(message, message)
    if not isinstance(text, str):
        text = text[-1]
    text = unbroken(text)
    return text % params if params else text


def ngettext(language: str, singular: str, plural: str, n: int, params: Mapping[str, object] | None = None) -> str:
    """Return the form for ``n``; Vietnamese has only one form. ``%(n)s`` and ``%(num)s`` both display ``n``."""
    text = catalogue(language).get(singular, (singular, plural))
    forms = (text, text) if isinstance(text, str) else text
    form = unbroken(forms[0 if n == 1 else -1])
    return form % {"n": number_text(n, language), "num": number_text(n, language), **(params or {})}


def unbroken(text: str) -> str:
    """Return a message with no-break spaces in "n = 558", so that a line never ends within it."""
    return text.replace("n = %(", "n\u00a0=\u00a0%(")


def translate_error(error: DomainError, language: str) -> str:
    """Return the sentence of a refusal in the language. A parameter that is itself a refusal is translated too."""
    params = {
        name: translate_error(value, language) if isinstance(value, DomainError) else value
        for name, value in error.params.items()
    }
    return gettext(language, error.message, params)


def preferred_language(cookie: str | None, accept: str | None) -> str:
    """Return the language chosen by the switch, else the browser's best (RFC 9110, 12.5.4), else Vietnamese."""
    if cookie in LANGUAGES:
        return str(cookie)
    best, weight = SOURCE, 0.0
    for part in (accept or "")[:500].split(","):
        tag, _sep, quality = part.strip().partition(";q=")
        code = tag.partition("-")[0].lower()
        try:
            q = float(quality or 1)
        except ValueError:
            continue
        if code in LANGUAGES and q > weight:
            best, weight = code, q
    return best


def day_text(value: date | datetime) -> str:
    """Return 22/11/2026 in Vietnam's time; it is the same in both languages."""
    if isinstance(value, datetime):
        value = value.astimezone(ZONE)
    return f"{value:%d/%m/%Y}"


def moment_text(value: datetime) -> str:
    """Return 22/11/2026 14:05 in Vietnam's time."""
    return f"{value.astimezone(ZONE):%d/%m/%Y %H:%M}"


def number_text(value: float | Decimal, language: str, places: int | None = None) -> str:
    """Return 1.234,5 in Vietnamese, 1,234.5 in English, with a true minus sign (U+2212).

    ``places`` fixes the number of decimals (else at most 3).
    """
    if isinstance(value, int) and not places:
        # A list shows hundreds of whole numbers; the general way takes many times as long for each.
        return f"{value:,}".replace(",", GROUP_MARKS[language]).replace("-", "−")
    pattern = "#,##0.###"
    if places is not None:
        pattern = "#,##0." + "0" * places if places else "#,##0"
    return str(format_decimal(value, format=pattern, locale=language)).replace("-", "−")


def percent_text(value: float | Decimal, language: str, places: int = 2) -> str:
    """Return a share 0..1 as 79,82% in Vietnamese, 79.82% in English."""
    return number_text(value * 100, language, places) + "%"
