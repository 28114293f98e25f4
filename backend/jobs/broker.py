"""Hands long work to a worker."""

import logging

from kombu.exceptions import OperationalError

from backend.worker import app

log = logging.getLogger("langnghe.jobs")


def hand_to_worker(kind_name: str, job_id: int) -> bool:
    """Put the task of a job into the queue; call it after the job is committed. False where the broker does not answer:
    the job stays open, and the sweep hands it out later."""
    try:
        app.send_task(kind_name, (job_id,))
    except OperationalError:
        log.warning("job %d waits: the broker does not answer", job_id)
        return False
    return True
