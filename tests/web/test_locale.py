"""Both languages say everything; dates and numbers follow the reader's language."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from backend.errors import Invalid
from backend.locale import extract
from backend.web import language

PLACES = re.compile(r"%\((\w+)\)s")


def test_every_text_has_an_english_translation() -> None:
    assert extract.list_untranslated(extract.merge_catalogue()) == []


def test_translations_fill_the_same_places() -> None:
    for message in extract.merge_catalogue():
        source = message.id if isinstance(message.id, str) else message.id[0]
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        for text in filter(None, texts):
            assert set(PLACES.findall(text)) == set(PLACES.findall(source)), source


@pytest.mark.parametrize(
    ("cookie", "accept", "chosen"),
    [
        (None, None, "vi"),
        (None, "en-GB,en;q=0.9,vi;q=0.8", "en"),
        (None, "fr,vi;q=0.5,en;q=0.4", "vi"),
        (None, "fr-FR", "vi"),
        (None, "en;q=nonsense", "vi"),
        ("en", "vi", "en"),
        ("xx", "en", "en"),
    ],
)
def test_the_switch_wins_over_the_browser_over_vietnamese(cookie: str | None, accept: str | None, chosen: str) -> None:
    assert language.preferred_language(cookie, accept) == chosen


def test_numbers_and_dates_are_written_as_the_language_does() -> None:
    assert language.percent_text(Decimal("0.7982"), "vi") == "79,82%"
    assert language.percent_text(0.7982, "en") == "79.82%"
    assert language.number_text(1234, "vi") == "1.234"
    assert language.number_text(1234.5, "en", 2) == "1,234.50"
    assert language.day_text(date(2026, 11, 22)) == "22/11/2026"
    late = datetime(2026, 11, 22, 17, 5, tzinfo=UTC)
    assert (language.day_text(late), language.moment_text(late)) == ("23/11/2026", "23/11/2026 00:05")


def test_a_refusal_is_filled_after_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "catalogue", lambda _lang: {"Dài quá %(limit)s ký tự.": "Longer than %(limit)s."})
    assert language.translate_error(Invalid("Dài quá %(limit)s ký tự.", limit=5), "en") == "Longer than 5."
