"""Refusals in the words of the field, each with its HTTP status.

``message`` is a Vietnamese sentence and at the same time the key of its translation; ``params`` fill its ``%(name)s``
places after translation. ``field`` names the form field that the sentence belongs to. They are rendered in one place
per edge: a page or JSON by ``backend.web.rendering``, a reply by ``bot.gateway``, a line by ``backend.cli``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

LINES_MOST: Final = 200  # lines of one text that are told one by one; any more are counted


def _(message: str) -> str:
    """Mark a text for the catalogue; the edge that shows it translates it."""
    return message


@dataclass(frozen=True)
class LineRefusal:
    """Why one line of a text or file cannot be taken. Lines are numbered from 1, as an editor shows them."""

    number: int
    reason: "DomainError"

    def __str__(self) -> str:
        return _("Dòng %(line)s: %(reason)s") % {"line": self.number, "reason": self.reason}


def _revived(kind: "type[DomainError]", arguments: tuple[object, ...]) -> "DomainError":
    refusal = kind.__new__(kind)
    refusal.args = arguments
    return refusal


class DomainError(Exception):
    """A refusal that its reader can act on. ``lines`` holds why single lines of a text cannot be taken, if any."""

    status = 400
    lines: Sequence[LineRefusal] = ()

    def __init__(self, message: str, *, field: str | None = None, **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.params = params

    def __str__(self) -> str:
        sentence = self.message % self.params if self.params else self.message
        return "\n".join([sentence, *map(str, self.lines)])

    def __reduce__(self) -> tuple[object, ...]:
        """Refusals travel between processes as they are, whatever arguments their class is made with."""
        return _revived, (type(self), self.args), self.__dict__


class Invalid(DomainError):
    """What was typed cannot be taken; ``errors`` holds one refusal for each field concerned."""

    status = 422

    def __init__(
        self, message: str, *, field: str | None = None, errors: "tuple[Invalid, ...]" = (), **params: object
    ) -> None:
        super().__init__(message, field=field, **params)
        self.errors = errors or ((self,) if field else ())

    @classmethod
    def of_lines(cls, lines: Sequence[LineRefusal]) -> Self:
        """One refusal for all wrong lines of a text, in their order."""
        refusal = cls(_("Số dòng chưa đúng: %(n)s. Hãy sửa hết rồi gửi lại."), n=len(lines))
        refusal.lines = sorted(lines, key=lambda line: line.number)[:LINES_MOST]
        return refusal

    def at(self, field: str) -> "Invalid":
        """The same refusal at a field of the form."""
        refusal = Invalid(self.message, field=field, errors=(), **self.params)
        refusal.lines = self.lines
        return refusal

    @classmethod
    def collect(cls, errors: "list[Invalid]") -> None:
        """Raise all refusals of one form together, or nothing."""
        if errors:
            raise cls(_("Có chỗ cần sửa trước khi gửi."), errors=tuple(errors))


class NotSignedIn(DomainError):
    """Nobody is signed in, or no longer."""

    status = 401

    def __init__(self, message: str = _("Bạn cần đăng nhập để tiếp tục.")) -> None:
        super().__init__(message)


class Forbidden(DomainError):
    """Signed in, and known to be without the right."""

    status = 403

    def __init__(self, message: str = _("Bạn không có quyền thực hiện việc này.")) -> None:
        super().__init__(message)


class NotFound(DomainError):
    """Not there, or not for this reader: the answer is the same."""

    status = 404

    def __init__(self, message: str = _("Không tìm thấy nội dung này.")) -> None:
        super().__init__(message)


class Conflict(DomainError):
    """Somebody else was first, or the state has moved on."""

    status = 409


class TooLarge(DomainError):
    """More bytes, fields or files than are taken."""

    status = 413

    def __init__(self, message: str = _("Hãy gửi ít hơn, hoặc chọn tệp nhỏ hơn.")) -> None:
        super().__init__(message)


class TooMany(DomainError):
    """Too many attempts; ``retry_after`` tells the seconds to wait."""

    status = 429

    def __init__(self, message: str, *, retry_after: int, **params: object) -> None:
        super().__init__(message, field=None, **params)
        self.retry_after = retry_after
