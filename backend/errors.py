"""Refusals in the words of the field, each with its HTTP status.

``message`` is a Vietnamese sentence and also the key of its translation. ``params`` fill its ``%(name)s`` places after
translation. ``field`` names the form field that the sentence belongs to. Each edge displays refusals in one place: a
page or JSON in ``backend.web.refusals``, a reply of the bot in ``bot.gateway``, a line of a command in
``backend.commands.console``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

LINES_MOST: Final = 200  # the most lines of one text that are listed; further ones are only counted


def _(message: str) -> str:
    """Mark a text for the catalogue and return it. The edge that displays it translates it."""
    return message


@dataclass(frozen=True)
class LineRefusal:
    """Why one line of a text or file is wrong. Lines count from 1, as in an editor."""

    number: int
    reason: "DomainError"

    def __str__(self) -> str:
        return _("Dòng %(line)s: %(reason)s") % {"line": self.number, "reason": self.reason}


def _revived(kind: "type[DomainError]", arguments: tuple[object, ...]) -> "DomainError":
    refusal = kind.__new__(kind)
    refusal.args = arguments
    return refusal


class DomainError(Exception):
    """A refusal that its reader can act on. ``lines`` has the refusals of single lines of a text, if any."""

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
        """Pickle a refusal without calling ``__init__``, whose arguments differ from class to class."""
        return _revived, (type(self), self.args), self.__dict__


class Invalid(DomainError):
    """The input is wrong. ``errors`` has one refusal for each field concerned."""

    status = 422

    def __init__(
        self, message: str, *, field: str | None = None, errors: "tuple[Invalid, ...]" = (), **params: object
    ) -> None:
        super().__init__(message, field=field, **params)
        self.errors = errors or ((self,) if field else ())

    @classmethod
    def of_lines(cls, lines: Sequence[LineRefusal]) -> Self:
        """Return one refusal for all wrong lines of a text, in their order."""
        refusal = cls(_("Số dòng chưa đúng: %(n)s. Hãy sửa hết rồi gửi lại."), n=len(lines))
        refusal.lines = sorted(lines, key=lambda line: line.number)[:LINES_MOST]
        return refusal

    def at(self, field: str) -> "Invalid":
        """Return the same refusal at a field of the form."""
        refusal = Invalid(self.message, field=field, errors=(), **self.params)
        refusal.lines = self.lines
        return refusal

    @classmethod
    def collect(cls, errors: "list[Invalid]") -> None:
        """Raise all refusals of one form together; do nothing where there are none."""
        if errors:
            raise cls(_("Có chỗ cần sửa trước khi gửi."), errors=tuple(errors))


class NotSignedIn(DomainError):
    """Nobody is signed in, or the session has ended."""

    status = 401

    def __init__(self, message: str = _("Bạn cần đăng nhập để tiếp tục.")) -> None:
        super().__init__(message)


class Forbidden(DomainError):
    """The signed-in account lacks the permission."""

    status = 403

    def __init__(self, message: str = _("Bạn không có quyền thực hiện việc này.")) -> None:
        super().__init__(message)


class NotFound(DomainError):
    """The thing does not exist, or this reader may not see it. Both get the same answer."""

    status = 404

    def __init__(self, message: str = _("Không tìm thấy nội dung này.")) -> None:
        super().__init__(message)


class Conflict(DomainError):
    """Another action came first, or the state has changed."""

    status = 409


class TooLarge(DomainError):
    """More bytes, fields or files than a request may have."""

    status = 413

    def __init__(self, message: str = _("Hãy gửi ít hơn, hoặc chọn tệp nhỏ hơn.")) -> None:
        super().__init__(message)


class TooMany(DomainError):
    """Too many attempts. ``retry_after`` is the time to wait in seconds."""

    status = 429

    def __init__(self, message: str, *, retry_after: int, **params: object) -> None:
        super().__init__(message, field=None, **params)
        self.retry_after = retry_after
