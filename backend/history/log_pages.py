"""The auditor's page of the log: filtered by day, person, action and ticket; read only. It shows no text."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import audit, clock
from backend.db import SessionDep
from backend.errors import Invalid, _
from backend.files.days import day_written
from backend.history import log_queries, log_texts
from backend.history.log_queries import DAYS_MOST, DAYS_USUAL, LogFilter, LogKey
from backend.tickets import queries as tickets
from backend.users import queries as users
from backend.users.guard import allow
from backend.users.policy import SENDER, SYSTEM, Permission
from backend.web.forms import EMPTY, FormView
from backend.web.rendering import render_page
from backend.worktime.calendar import local_time

LOG = "/nhat-ky"
FIRST, LAST, WHO, ACTION, NUMBER = "tu", "den", "ai", "viec", "so"
FIELDS = (FIRST, LAST, WHO, ACTION, NUMBER)

router = APIRouter()


@router.get(LOG, dependencies=[Depends(allow(Permission.VIEW_LOG))])
def show_log(request: Request, session: SessionDep) -> Response:
    """Show a page of the log. An address that cannot be read gets the page with its refusals (422)."""
    typed = {name: request.query_params.get(name, "").strip()[:200] for name in FIELDS}
    today = local_time(clock.now()).date()
    try:
        log_filter = _read_filter(session, typed, today)
        after = _read_key(request.query_params.get("sau", ""))
    except Invalid as refusal:
        errors = {error.field: error for error in refusal.errors if error.field}
        return _page(request, 422, form=FormView(typed, errors), page=None, notice=None if errors else refusal)
    page = log_queries.list_log(session, log_filter, after)
    shown = typed if log_filter.chain else typed | _span(log_filter)
    address = f"{LOG}?{urlencode({name: value for name, value in shown.items() if value})}"
    older = f"{address}&{urlencode({'sau': _write_key(page.after)})}" if page.after else None
    return _page(request, form=FormView(shown, EMPTY.errors), page=page, first=address if after else None, older=older)


def _page(request: Request, status: int = 200, **context: Any) -> Response:
    values = {"notice": None, "first": None, "older": None} | context
    return render_page(
        request,
        "history/log.html",
        status,
        actions=log_texts.ACTION_NAMES,
        split_action=log_texts.split_action,
        texts=log_texts,
        days_most=DAYS_MOST,
        **values,
    )


def _read_filter(session: Session, typed: dict[str, str], today: date) -> LogFilter:
    """Return what the address asks for. Raises Invalid with a refusal for each field."""
    refusals: list[Invalid] = []
    chain = _chain(session, typed[NUMBER], refusals)
    first, last = _days(typed, today, refusals)
    actor = _actor(session, typed[WHO], refusals)
    if typed[ACTION] and typed[ACTION].removeprefix(audit.REFUSED) not in log_texts.ACTION_NAMES:
        refusals.append(Invalid(_("Nhật ký không có việc này. Hãy chọn trong danh sách."), field=ACTION))
    Invalid.collect(refusals)
    return LogFilter(first, last, actor, typed[ACTION], chain)


def _chain(session: Session, number: str, refusals: list[Invalid]) -> str:
    if not number:
        return ""
    ticket_id = tickets.id_of(session, number)
    if ticket_id is None:
        refusals.append(Invalid(_("Không có phản ánh nào mang mã số này."), field=NUMBER))
        return ""
    return audit.ticket_chain(ticket_id)


def _days(typed: dict[str, str], today: date, refusals: list[Invalid]) -> tuple[date, date]:
    """Return the span of days; the last week where none is typed. It is at most ``DAYS_MOST`` days long."""
    days = {name: day_written(typed[name]) if typed[name] else None for name in (FIRST, LAST)}
    for name, day in days.items():
        if typed[name] and day is None:
            refusals.append(Invalid(_("Hãy viết ngày như 22/11/2026."), field=name))
    last = days[LAST] or max(today, days[FIRST] or today)
    first = days[FIRST] or last - timedelta(days=DAYS_USUAL - 1)
    if first > last:
        refusals.append(Invalid(_("Ngày đầu phải trước hoặc trùng ngày cuối."), field=FIRST))
    elif (last - first).days >= DAYS_MOST and not typed[NUMBER]:
        refusals.append(Invalid(_("Xem nhiều nhất %(n)s ngày một lần."), field=FIRST, n=DAYS_MOST))
    return first, last


def _actor(session: Session, typed: str, refusals: list[Invalid]) -> str:
    """Return the key of the actor that the address names: an e-mail address, or the sender or the system."""
    if typed in ("", SENDER.key, SYSTEM.key):
        return typed
    user = users.by_email(session, typed)
    if user is None:
        refusals.append(Invalid(_("Không có tài khoản nào dùng địa chỉ thư này."), field=WHO))
        return ""
    return audit.user_key(user.id)


def _span(log_filter: LogFilter) -> dict[str, str]:
    return {FIRST: f"{log_filter.first:%d/%m/%Y}", LAST: f"{log_filter.last:%d/%m/%Y}"}


def _write_key(key: LogKey) -> str:
    return f"{key[0].isoformat()},{key[1]}"


def _read_key(typed: str) -> LogKey | None:
    """Return where the page starts. Raises Invalid for what cannot be read."""
    if not typed:
        return None
    moment, _comma, entry_id = typed.partition(",")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not (entry_id.isascii() and entry_id.isdigit() and len(entry_id) <= 18):
        raise Invalid(_("Địa chỉ này không chỉ đúng trang nào. Xin mở lại danh sách từ đầu."))
    return at, int(entry_id)
