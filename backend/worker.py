"""The Celery application, its queues, and the table of all periodic tasks.

A lost broker loses nothing: messages to send are in the outbox, and the next sweep selects them.
"""

from dataclasses import dataclass
from typing import Any

from celery import Celery

from backend.settings import Settings, get_settings

MESSAGES, WORK = "messages", "work"
QUEUES = (MESSAGES, WORK)
TASK_MODULES = (
    "backend.attachments.tasks",
    "backend.calendars.tasks",
    "backend.escalation.tasks",
    "backend.history.tasks",
    "backend.indicators.rollups.tasks",
    "backend.indices.runs.tasks",
    "backend.jobs.tasks",
    "backend.notify.tasks",
    "backend.reports.tasks",
    "backend.surveys.ballot_files.tasks",
    "backend.tickets.tasks",
    "backend.users.tasks",
)


@dataclass(frozen=True)
class PeriodicTask:
    """A sweep and how often it runs: ``task`` selects what is due and queues a task for each piece."""

    task: str
    every: float  # seconds
    queue: str
    purpose: str


BEAT = (
    PeriodicTask("notify.sweep", 10.0, MESSAGES, "find messages that are due, again due, or left by a dead worker"),
    PeriodicTask("attachments.sweep", 3600.0, WORK, "remove photos of forms that were never sent"),
    PeriodicTask("escalation.sweep", 300.0, WORK, "find tickets near or past their due date, however many"),
    PeriodicTask("escalation.collect", 300.0, WORK, "find staff for whom reminders wait, once a half day"),
    PeriodicTask("indicators.count", 60.0, WORK, "count the months of units that have changed, for figures"),
    PeriodicTask("surveys.sweep", 3600.0, WORK, "remove files of ballots that nobody took up"),
    PeriodicTask("tickets.sweep", 3600.0, WORK, "end pauses past their limit, close what can no longer be reopened"),
    PeriodicTask("users.forget_attempts", 3600.0, WORK, "remove counts of failed attempts that limit nothing any more"),
    # These are short and must not wait behind long work, so they use the queue of messages.
    PeriodicTask("jobs.sweep", 10.0, MESSAGES, "find long work that nobody took up, or that a dead worker left"),
    PeriodicTask("history.seal", 30.0, MESSAGES, "put new entries of the history under the global chain"),
    PeriodicTask("history.sign", 600.0, MESSAGES, "sign the global chain as it stood at the end of yesterday"),
)


def make_app(settings: Settings) -> Celery:
    """Return the application. Tasks take ids as arguments, in JSON, and return nothing: results are in our tables."""
    app = Celery("langnghe", broker=settings.broker_url or "memory://", include=TASK_MODULES)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue=WORK,
        task_create_missing_queues=True,
        task_routes={f"{room}.*": {"queue": MESSAGES} for room in ("notify", "history", "jobs")},
        task_soft_time_limit=600,
        task_time_limit=660,
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2},
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(settings),
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        timezone="Asia/Ho_Chi_Minh",
        beat_schedule={entry.task: _beat_entry(entry) for entry in BEAT},
    )
    return app


def _beat_entry(entry: PeriodicTask) -> dict[str, Any]:
    """Return the entry of a sweep. A run that no worker has taken when the next one is due expires."""
    options = {"queue": entry.queue, "expires": entry.every}
    return {"task": entry.task, "schedule": entry.every, "options": options}


def _transport_options(settings: Settings) -> dict[str, Any]:
    url = settings.broker_url or ""
    if url.startswith("filesystem:"):
        folder = settings.data_dir.resolve() / "broker"
        messages, control = folder / "messages", folder / "control"
        for subfolder in (messages, control):
            subfolder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
        }
    if url.startswith(("redis", "rediss")):
        # After this time Redis gives a task to another worker. It is longer than the longest task (task_time_limit).
        return {"visibility_timeout": 1200, "socket_connect_timeout": 2, "socket_timeout": 10}
    return {}


app = make_app(get_settings())
