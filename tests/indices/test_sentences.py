"""A text about figures: Vietnamese as it stands, made anew in another language."""

import json
from dataclasses import asdict
from decimal import Decimal

from backend.indices.published.consistency import ConsistencyFinding
from backend.indices.translated_texts import TranslatedText, figure_text


def test_numbers_are_written_as_each_language_writes_them() -> None:
    text = TranslatedText("Lệch %(points)s điểm.", points=Decimal("-2.48"))
    assert text == "Lệch −2,48 điểm." and text.in_language("en").endswith("−2.48 điểm.")
    assert figure_text(Decimal("79.5")) == "79,50" and figure_text(Decimal("79.5")).in_language("en") == "79.50"


def test_a_reason_that_comes_from_data_has_its_own_words_for_each_language() -> None:
    text = TranslatedText("Phiếu 2022 không hỏi.", {"en": "The form of 2022 did not ask."})
    assert text == text.in_language("vi") == "Phiếu 2022 không hỏi."
    assert text.in_language("en") == "The form of 2022 did not ask."


def test_it_goes_into_json_as_its_vietnamese_text() -> None:
    why = TranslatedText("%(later)s so với %(earlier)s.", later=Decimal(3), earlier=Decimal(4))
    found = ConsistencyFinding("lai-chau", 2023, "sipas", "x", figure_text(Decimal(3)), "y", why)
    assert json.loads(json.dumps(asdict(found)))["why"] == "3,00 so với 4,00."
    assert isinstance(asdict(found)["why"], TranslatedText)
