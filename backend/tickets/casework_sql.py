"""Statements of the import of casework: staged by COPY, then moved in one statement each."""

from typing import Final

COLUMNS: Final = (
    "import_key, unit_id, category_code, title, content, received_at, received_on, rule, term, calendar_id, "
    "due_date, due_estimated, answered_at, answered_on, working_days, verdict"
)

STAGE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS staged_cases (
        import_key text PRIMARY KEY, unit_id int, category_code text, title text, content text,
        received_at timestamptz, received_on date, rule text, term text, calendar_id int,
        due_date date, due_estimated bool, answered_at timestamptz, answered_on date, working_days int, verdict text
    ) ON COMMIT DROP
"""

COPY_CASES: Final = f"COPY staged_cases ({COLUMNS}) FROM STDIN"
COPY_HISTORY: Final = "COPY audit (chain, seq, at, actor, action, data, prev, hash) FROM STDIN"

# The base is drawn before any number of the day, so numbers are positive and stay unique (see reception.next_number).
OPEN_DAYS: Final = """
    WITH drawn AS MATERIALIZED (SELECT nextval('tickets_id_seq') AS base)
    INSERT INTO ticket_days (day, base)
    SELECT wanted.day, drawn.base FROM unnest(CAST(:days AS date[])) AS wanted (day), drawn
    ON CONFLICT (day) DO NOTHING
"""

# Only what nobody here has touched: no transition yet, and still open.
CLOSE: Final = """
    UPDATE tickets SET state = 'answered', version = version + 1, answered_at = staged.answered_at,
        answered_on = staged.answered_on, working_days = staged.working_days, verdict = staged.verdict,
        decided_at = staged.answered_at
    FROM staged_cases staged
    WHERE tickets.import_key = staged.import_key AND tickets.channel = 'import' AND tickets.version = 1
        AND tickets.answered_at IS NULL AND staged.answered_at IS NOT NULL AND staged.answered_on >= tickets.received_on
    RETURNING tickets.id, tickets.answered_at
"""

ADD: Final = f"""
    INSERT INTO tickets
        (id, number, state, version, channel, language, about_unit_id, secret_hash, demonstration, decided_at,
        {COLUMNS})
    SELECT fresh.id,
        'PAKN.' || to_char(received_on, 'YYYYMMDD') || '.'
            || lpad((fresh.id - base)::text, greatest(4, length((fresh.id - base)::text)), '0'),
        CASE WHEN answered_at IS NULL THEN 'new' ELSE 'answered' END, 1, 'import', 'vi', unit_id, '', false,
        answered_at, {COLUMNS}
    FROM (
        SELECT nextval('tickets_id_seq') AS id, staged.* FROM staged_cases staged
        WHERE NOT EXISTS (SELECT 1 FROM tickets known WHERE known.import_key = staged.import_key)
    ) fresh
    LEFT JOIN ticket_days ON day = received_on
    ON CONFLICT (import_key) DO NOTHING
    RETURNING id, unit_id, category_code, received_at, answered_at
"""  # noqa: S608 - only the constant list of columns above is filled in

# The verdict of each case that came answered, or was answered now, as the first version of its result.
RESULTS: Final = """
    INSERT INTO ticket_clocks (ticket_id, episode, clock, nth, version, unit_id, value, calendar_id, started_at,
        due_date, due_at, estimated, ended_at, verdict, late_days, late_minutes, explanation, reason, computed_at)
    SELECT id, 1, 'resolve', 1, 1, unit_id, term, calendar_id, received_at, due_date,
        CAST(due_date + 1 AS timestamp) AT TIME ZONE 'Asia/Ho_Chi_Minh' - interval '1 microsecond', due_estimated,
        answered_at, verdict, greatest(answered_on - due_date, 0), 0, '{"imported": true}', 'answered', answered_at
    FROM tickets WHERE id = ANY(:ids) AND verdict IS NOT NULL
"""
