"""The form of a calendar, as it is shown and sent back."""

from sqlalchemy.orm import Session

from backend.calendars import editing
from backend.worktime import service as worktime

HOME = "/lich-lam-viec"


def filled(session: Session, calendar_id: int, **changed: str) -> dict[str, str]:
    """The form as it is shown, with changes."""
    texts = editing.texts_of(worktime.load_calendar(session, calendar_id))
    return texts | {"scope": "vn", "basis": "Thông báo số 1", "do": "save"} | changed
