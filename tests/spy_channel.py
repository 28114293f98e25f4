"""A channel that sends nothing."""

from dataclasses import dataclass, field

from backend.notify.channels import (
    OutgoingMessage,
)


@dataclass
class Spy:
    """A channel that keeps what it is handed, or fails as it is told to."""

    failures: list[Exception] = field(default_factory=list)
    messages: list[OutgoingMessage] = field(default_factory=list)

    def send(self, message: OutgoingMessage) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.messages.append(message)
