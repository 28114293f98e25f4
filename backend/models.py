"""All tables together. Alembic and other code that needs the whole metadata imports ``Base`` from here."""

import backend.attachments.models
import backend.audit
import backend.escalation.models
import backend.history.models
import backend.indicators.rollups.models
import backend.indices.models
import backend.jobs.models
import backend.outbox.models
import backend.ratings.models
import backend.reports.models
import backend.surveys.models
import backend.tickets.clock_models
import backend.tickets.models
import backend.units.models
import backend.users.models
import backend.web.rate_limits
import backend.worktime.models
from backend.db import Base

__all__ = ["Base"]
