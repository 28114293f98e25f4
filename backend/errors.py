"""Refusals in the words of the field, each with its HTTP status.

``message`` is a Vietnamese sentence and also the key of its translation. ``params`` fill its ``%(name)s`` places after
translation. ``field`` names the form field that the sentence belongs to. Each edge displays refusals in one place: a
page or JSON in ``backend.web.refusals``, a reply of the bot in ``bot.gateway``, a line of a command in
``backend.commands.console``.
"""


def _(message: str) -> str:
    """Mark a text for the catalogue and return it. The edge that displays it translates it."""
    return message


class DomainError(Exception):
    """A refusal that its reader can act on."""

    status = 400

    def __init__(self, message: str, *, field: str | None = None, **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.params = params

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class Invalid(DomainError):
    """The input is wrong. ``errors`` has one refusal for each field concerned."""

    status = 422

    def __init__(
        self, message: str, *, field: str | None = None, errors: "tuple[Invalid, ...]" = (), **params: object
    ) -> None:
        super().__init__(message, field=field, **params)
        self.errors = errors or ((self,) if field else ())

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
