"""Answers that were counted a short while ago, kept in memory by what they depend on."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final, Generic, TypeVar

MOST: Final = 64

Answer = TypeVar("Answer")


class RecentAnswers(Generic[Answer]):
    """The answers to the last questions. A key holds the mark of the roll-ups, which is new whenever a count is."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._lock = Lock()

    def get_or_count(self, key: Hashable, count: Callable[[], Answer]) -> Answer:
        """Return the answer of a key. Two threads may both count it; the answers are the same."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        answer = count()
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return answer
