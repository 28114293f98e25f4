"""SQL statements of the import of cases: rows are staged by COPY, then moved in one statement each.

They look up other tables by subqueries for single rows and by ids, not by joins. During a first import the planner has
no statistics yet, and the joins that it chose took minutes per batch.
"""

from typing import Final

from backend import audit

COLUMNS: Final = (
    "import_key, unit_id, category_code, title, content, received_at, received_on, rule, term, rule_id, calendar_id, "
    "due_date, due_estimated, answered_at, answered_on, working_days, verdict"
)

STAGE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS staged_cases (
        import_key text PRIMARY KEY, known_id int, unit_id int, category_code text, title text, content text,
        received_at timestamptz, received_on date, rule text, term text, rule_id int, calendar_id int,
        due_date date, due_estimated bool, answered_at timestamptz, answered_on date, working_days int, verdict text
    ) ON COMMIT DROP
"""

COPY_CASES: Final = f"COPY staged_cases ({COLUMNS}) FROM STDIN"
KNOWN: Final = """
    UPDATE staged_cases
    SET known_id = (SELECT id FROM tickets known WHERE known.import_key = staged_cases.import_key)
"""

# Run once per import: keys of digits with leading zeros, which a spreadsheet may have lost in the file.
KEYS_WITH_ZEROS: Final = """
    SELECT import_key FROM tickets
    WHERE starts_with(import_key, :source) AND substr(import_key, length(:source) + 1) ~ '^0[0-9]+$'
"""
KEYS_AMONG: Final = "SELECT import_key FROM tickets WHERE import_key = ANY(:keys)"

# The base is drawn before the first number of a day, so numbers are positive and unique (see reception.next_number).
OPEN_DAYS: Final = """
    WITH drawn AS MATERIALIZED (SELECT nextval('tickets_id_seq') AS base)
    INSERT INTO ticket_days (day, base)
    SELECT wanted.day, drawn.base FROM unnest(CAST(:days AS date[])) AS wanted (day), drawn
    ON CONFLICT (day) DO NOTHING
"""

# Close only tickets that nobody here has touched and that use the calendar in force. The stored due date decides.
CLOSE: Final = f"""
    UPDATE tickets SET state = 'answered', version = version + 1, answered_at = staged.answered_at,
        answered_on = staged.answered_on, working_days = staged.working_days, decided_at = staged.answered_at,
        verdict = CASE WHEN staged.answered_on > tickets.due_date THEN 'late' ELSE 'on_time' END,
        waits_for = 'nothing', waits_since = staged.answered_at, changed_at = staged.answered_at
    FROM staged_cases staged
    WHERE tickets.id = ANY(ARRAY(SELECT known_id FROM staged_cases WHERE known_id IS NOT NULL))
        AND tickets.import_key = staged.import_key AND tickets.channel = 'import' AND tickets.state = 'new'
        AND tickets.answered_at IS NULL AND staged.answered_at IS NOT NULL
        AND tickets.received_at = staged.received_at AND tickets.calendar_id = staged.calendar_id
        AND NOT EXISTS (
            SELECT FROM audit
            WHERE chain = {audit.ticket_chain_sql("tickets.id")} AND action NOT IN ('received', 'recounted')
        )
    RETURNING tickets.id, tickets.answered_at
"""  # noqa: S608 - only names of columns are filled in

ADD: Final = f"""
    INSERT INTO tickets
        (id, number, state, version, channel, language, about_unit_id, secret_hash, demonstration, decided_at,
        waits_for, waits_since, changed_at, reminded_after, {COLUMNS})
    SELECT fresh.id,
        'PAKN.' || to_char(received_on, 'YYYYMMDD') || '.'
            || lpad((fresh.id - base)::text, greatest(4, length((fresh.id - base)::text)), '0'),
        CASE WHEN answered_at IS NULL THEN 'new' ELSE 'answered' END, 1, 'import', 'vi', unit_id, '', false,
        answered_at, CASE WHEN answered_at IS NULL THEN 'new' ELSE 'nothing' END,
        coalesce(answered_at, received_at), coalesce(answered_at, received_at),
        CAST(:reminded_after AS date), {COLUMNS}
    FROM (
        SELECT nextval('tickets_id_seq') AS id, (SELECT base FROM ticket_days WHERE day = received_on) AS base, staged.*
        FROM staged_cases staged WHERE known_id IS NULL
    ) fresh
    ON CONFLICT (import_key) DO NOTHING
    RETURNING id, unit_id, category_code, title, content, received_at, answered_at
"""  # noqa: S608 - only the constant list of columns above is filled in

# Stored cases with other values than the file's, and which values differ. Rows that were just written are left out.
DIFFERENT: Final = """
    SELECT * FROM (
        SELECT staged.import_key, known.about_unit_id <> staged.unit_id AS office,
            known.received_at <> staged.received_at AS received,
            known.answered_at IS DISTINCT FROM staged.answered_at AS answered,
            known.category_code <> staged.category_code AS category,
            (known.title, known.content) <> (staged.title, staged.content) AS text
        FROM staged_cases staged JOIN tickets known ON known.import_key = staged.import_key
        WHERE known.id = ANY(ARRAY(SELECT known_id FROM staged_cases WHERE known_id IS NOT NULL))
            AND known.id <> ALL(:ids)
    ) AS both_sides WHERE office OR received OR answered OR category OR text
"""

# The verdict of each case that came answered or is answered now, as the next version of its result.
RESULTS: Final = """
    INSERT INTO ticket_clocks (ticket_id, episode, clock, nth, version, unit_id, value, rule_id, calendar_id,
        started_at, due_date, due_at, estimated, ended_at, verdict, late_days, late_minutes, explanation, reason,
        computed_at)
    SELECT id, 1, 'resolve', 1,
        1 + coalesce((SELECT max(before.version) FROM ticket_clocks before
            WHERE before.ticket_id = tickets.id AND episode = 1 AND clock = 'resolve' AND nth = 1), 0),
        unit_id, term, rule_id, calendar_id, received_at, due_date,
        CAST(due_date + 1 AS timestamp) AT TIME ZONE 'Asia/Ho_Chi_Minh' - interval '1 microsecond', due_estimated,
        answered_at, verdict, greatest(answered_on - due_date, 0), 0, '{"imported": true}', 'answered', answered_at
    FROM tickets WHERE id = ANY(:ids) AND verdict IS NOT NULL
"""
