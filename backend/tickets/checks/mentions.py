"""Reads which colleagues an internal note calls upon by ``@name``. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backend.files.text import fold_text

# An at sign within a word is no mention: an e-mail address has one.
AT_NAME = re.compile(r"(?<![\w.@])@(?=\w)")
LONGEST = 140  # characters of a name


@dataclass(frozen=True)
class MentionedName:
    """A place in a text that calls upon somebody: what stands there, and the ids of all whom it may mean."""

    written: str
    user_ids: tuple[int, ...]


def read_mentions(text: str, people: Sequence[tuple[int, str]]) -> list[MentionedName]:
    """Return every mention of a text. ``people`` are ids and names.

    A full name is meant first, without regard to tone marks: ``@tan thi may``. Else a given name, which comes last in
    Vietnamese names: ``@May``.
    """
    folded = [(user_id, fold_text(name)) for user_id, name in people]
    return [_read_place(text[match.end() : match.end() + LONGEST], folded) for match in AT_NAME.finditer(text)]


def _read_place(behind: str, people: Sequence[tuple[int, str]]) -> MentionedName:
    line = behind.splitlines()[0]
    words = fold_text(line)
    full_names = {name for _user_id, name in people if _begins_with(words, name)}
    longest = max(full_names, key=len, default=None)
    first_word = re.match(r"\w+", words)
    given_name = first_word[0] if first_word else words
    user_ids = [user_id for user_id, name in people if name == longest]
    if longest is None:
        user_ids = [user_id for user_id, name in people if name.split()[-1:] == [given_name]]
    return MentionedName(" ".join(line.split()[:4]), tuple(user_ids))


def _begins_with(words: str, name: str) -> bool:
    return bool(name) and words.startswith(name) and not words[len(name) : len(name) + 1].isalnum()
