"""The small language of reply templates: placeholders and conditions from closed lists, replaced as plain text. Pure.

``{{ma_so}}`` becomes a value of the ticket. What stands between ``[[neu qua_han]]`` and ``[[het]]`` is left out where
the condition does not hold. Nothing is evaluated, and values are never read as a template. No placeholder names the
sender or says how to reach them.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from backend.errors import Invalid, _

PLACEHOLDERS: Final[Mapping[str, str]] = {
    "ma_so": _("mã số của phản ánh"),
    "tieu_de": _("tiêu đề của phản ánh"),
    "co_quan": _("tên cơ quan đang xử lý"),
    "ngay_nhan": _("ngày nhận phản ánh"),
    "han": _("hạn trả lời"),
}
CONDITIONS: Final[Mapping[str, str]] = {
    "qua_han": _("chỉ hiện khi phản ánh đã quá hạn"),
    "con_han": _("chỉ hiện khi phản ánh còn trong hạn"),
}
# A made-up ticket, to show a template before it is saved.
SAMPLE_VALUES: Final[Mapping[str, str]] = {
    "ma_so": "PAKN.20261118.0001",
    "tieu_de": "Đèn đường ở tổ 5 không sáng",
    "co_quan": "UBND phường Đoàn Kết",
    "ngay_nhan": "18/11/2026",
    "han": "09/12/2026",
}
IF_WORD, END_WORD = "neu", "het"
NAME_MOST: Final = 40  # characters of a wrong mark that the refusal repeats
_MARK: Final = re.compile(r"\{\{[^{}\n]*\}\}|\[\[[^\[\]\n]*\]\]")
# The marks of template engines, and halves of our own.
_STRAY: Final = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}|\[\[|\]\]")

UNKNOWN: Final = _("Dòng %(line)s: “%(mark)s” không có trong danh sách dùng được.")
STRAY: Final = _("Dòng %(line)s: dấu “%(mark)s” đứng lẻ hoặc không dùng được trong mẫu.")
NESTED: Final = _("Dòng %(line)s: mỗi phần “nếu” phải kết thúc bằng [[het]] trước khi mở phần khác.")
NOT_OPEN: Final = _("Dòng %(line)s: [[het]] này không kết thúc phần “nếu” nào.")
NOT_CLOSED: Final = _("Dòng %(line)s: phần “nếu” này chưa có [[het]].")


@dataclass(frozen=True)
class TemplatePart:
    """A piece of text, or a placeholder by its name; only under a condition where it names one."""

    text: str = ""
    placeholder: str = ""
    condition: str = ""


@dataclass(frozen=True)
class _MarkedPiece:
    """Plain text, or one mark with what stands in it, and the line where it begins."""

    text: str
    line: int
    is_mark: bool


def read_template(body: str) -> list[TemplatePart]:
    """Return the parts of a template.

    Raises Invalid at ``body``, with the line, for the first mark that is not in the lists, stands alone or is not
    closed.
    """
    parts: list[TemplatePart] = []
    condition, opened_at = "", 0
    for piece in _split(body):
        word = _condition_word(piece)
        if word is None:
            parts.append(_read_part(piece, condition))
        elif word == END_WORD:
            if not condition:
                raise _refusal(NOT_OPEN, piece)
            condition = ""
        elif condition:
            raise _refusal(NESTED, piece)
        else:
            condition, opened_at = _read_condition(word, piece), piece.line
    if condition:
        raise Invalid(NOT_CLOSED, field="body", line=opened_at)
    return parts


def fill_in(parts: Collection[TemplatePart], values: Mapping[str, str], conditions: Collection[str]) -> str:
    """Return the text with the values of a ticket. ``conditions`` are those that hold."""
    shown = [part for part in parts if not part.condition or part.condition in conditions]
    return "".join(values[part.placeholder] if part.placeholder else part.text for part in shown)


def _split(body: str) -> Iterator[_MarkedPiece]:
    """Yield texts and marks in turn."""
    at, line = 0, 1
    for mark in _MARK.finditer(body):
        yield _MarkedPiece(body[at : mark.start()], line, is_mark=False)
        line += body.count("\n", at, mark.start())
        yield _MarkedPiece(mark.group(), line, is_mark=True)
        at = mark.end()
    yield _MarkedPiece(body[at:], line, is_mark=False)


def _condition_word(piece: _MarkedPiece) -> str | None:
    """Return what stands in square brackets; None for a text or a placeholder."""
    return piece.text[2:-2].strip() if piece.is_mark and piece.text.startswith("[") else None


def _read_condition(word: str, piece: _MarkedPiece) -> str:
    head, _blank, name = word.partition(" ")
    if head != IF_WORD or name.strip() not in CONDITIONS:
        raise _refusal(UNKNOWN, piece)
    return name.strip()


def _read_part(piece: _MarkedPiece, condition: str) -> TemplatePart:
    if piece.is_mark:
        name = piece.text[2:-2].strip()
        if name not in PLACEHOLDERS:
            raise _refusal(UNKNOWN, piece)
        return TemplatePart(placeholder=name, condition=condition)
    if stray := _STRAY.search(piece.text):
        line = piece.line + piece.text.count("\n", 0, stray.start())
        raise Invalid(STRAY, field="body", line=line, mark=stray.group())
    return TemplatePart(piece.text, condition=condition)


def _refusal(sentence: str, piece: _MarkedPiece) -> Invalid:
    return Invalid(sentence, field="body", line=piece.line, mark=piece.text[:NAME_MOST])
