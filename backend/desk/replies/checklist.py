"""What an answer still lacks, as hints: a basis, a contact, short sentences, plain words. Pure; it refuses nothing.

The hints are guesses from the words of the text. An answer without any of them may still be a poor one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend.errors import _
from backend.files.text import fold_text

SENTENCE_MOST: Final = 40  # words; longer ones are hard to follow
QUOTED_MOST: Final = 60  # characters of a sentence that a hint repeats
TEXT_MOST: Final = 10_000  # characters that are looked at
# "Điều 12", "Khoản 2", "số 12/2024/NĐ-CP", "văn bản số 5", in the folded form.
_BASIS: Final = re.compile(r"\b(dieu|khoan) \d+|\b\d+/[\w/-]+|\b(van ban|quyet dinh|nghi dinh|luat|thong tu)\b")
_CONTACT: Final = re.compile(r"(?<!\d)(\+84|0)[ .]?\d([ .-]?\d){7,9}(?!\d)|\S@\S|\bduong day nong\b|\blien he\b")
_SENTENCE_END: Final = re.compile(r"[.!?…;](?:\s|$)|\n")
_WORD: Final = re.compile(r"[^\W_]+")
# Words of offices, and what people say instead.
HARD_WORDS: Final[Mapping[str, str]] = {
    "căn cứ vào": "theo",
    "thụ lý": "nhận giải quyết",
    "công dân phản ánh": "bạn phản ánh",
    "đương sự": "bạn",
    "triển khai thực hiện": "làm",
    "trên cơ sở": "từ",
    "nêu trên": "này",
    "kính chuyển": "chuyển",
    "tham mưu": "đề xuất",
    "chế tài": "hình thức xử phạt",
    "khả thi": "làm được",
    "bất cập": "chưa phù hợp",
}
NO_BASIS: Final = _("Chưa thấy căn cứ: điều, khoản hoặc số văn bản nào.")
NO_CONTACT: Final = _("Chưa thấy cách liên hệ: số điện thoại hoặc địa chỉ để hỏi thêm.")
LONG_SENTENCE: Final = _("Câu dài %(n)s chữ, nên tách ra: “%(begin)s…”")
HARD_WORD: Final = _("“%(word)s” là từ khó; có thể viết: %(better)s.")


@dataclass(frozen=True)
class ReplyHint:
    """A sentence of the catalogue with its values."""

    text: str
    params: Mapping[str, object]


def check_reply(text: str) -> list[ReplyHint]:
    """Return the hints about an answer, in the order of the checklist."""
    text = text[:TEXT_MOST]
    folded = fold_text(text)
    hints = [] if _BASIS.search(folded) else [ReplyHint(NO_BASIS, {})]
    hints += [] if _CONTACT.search(folded) else [ReplyHint(NO_CONTACT, {})]
    return hints + _long_sentences(text) + _hard_words(text)


def _long_sentences(text: str) -> list[ReplyHint]:
    sentences = [sentence.strip() for sentence in _SENTENCE_END.split(text)]
    lengths = [(len(sentence.split()), sentence) for sentence in sentences]
    return [
        ReplyHint(LONG_SENTENCE, {"n": words, "begin": sentence[:QUOTED_MOST]})
        for words, sentence in lengths
        if words > SENTENCE_MOST
    ]


def _hard_words(text: str) -> list[ReplyHint]:
    words = _WORD.findall(text.lower())
    lowered = f" {' '.join(words)} "
    return [
        ReplyHint(HARD_WORD, {"word": word, "better": better})
        for word, better in HARD_WORDS.items()
        if f" {word} " in lowered
    ]
