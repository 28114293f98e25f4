"""The points that a sender asked about, as a list of the officer: one line, one point. Pure.

A list can be proposed from the sender's text. The rules of ``propose_points`` are simple on purpose: an officer looks
the proposal over before it is stored.
"""

import re
from collections.abc import Sequence
from typing import Final

from backend.errors import Invalid, _

POINTS_MOST: Final = 20
POINT_LENGTH: Final = 300  # letters of one point
WORDS_LEAST: Final = 3  # a piece of text with fewer words is no point of its own
NUMBERED = re.compile(r"(?m)^\s*(?:\d{1,2}\s*[.):/-]|[a-zđ]\s*[.)]|[-–•*+])\s+")
QUESTION = re.compile(r"[^.!?\n]*\?")


def read_points(text: str) -> list[str]:
    """Return the points of a list as it was typed or stored: each line that is not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def check_points(text: str) -> None:
    """Refuse a list that is too long to be answered point by point. Raises Invalid at the field ``text``."""
    points = read_points(text)
    if len(points) > POINTS_MOST:
        raise Invalid(_("Ghi nhiều nhất %(most)s điểm; mỗi dòng là một điểm."), field="text", most=POINTS_MOST)
    if any(len(point) > POINT_LENGTH for point in points):
        raise Invalid(_("Mỗi điểm dài nhất %(most)s ký tự. Xin ghi ngắn lại."), field="text", most=POINT_LENGTH)


def propose_points(content: str) -> list[str]:
    """Return what a sender's text seems to ask about: numbered or dashed lines, else questions, else paragraphs.

    Return nothing for a text with a single point: a plain ticket needs no list.
    """
    for pieces in (_listed(content), QUESTION.findall(content), content.splitlines()):
        points = _tidy(pieces)
        if len(points) > 1:
            return points[:POINTS_MOST]
    return []


def _listed(content: str) -> list[str]:
    """Return the lines that begin with a number, a letter or a dash, without that sign."""
    pieces = NUMBERED.split(content)
    return [piece.splitlines()[0] for piece in pieces[1:] if piece.strip()]


def _tidy(pieces: Sequence[str]) -> list[str]:
    points = (" ".join(piece.split())[:POINT_LENGTH] for piece in pieces)
    return [point for point in points if len(point.split()) >= WORDS_LEAST]
