"""The SQL of the load: temporary tables of patterns and words, and the statements that multiply them into tickets."""

from typing import Final

from backend import audit
from backend.devserver.load_data.patterns import PROJECTED, RESULTS, Marker

# Foreign keys and the triggers of the history are off in the transaction of a batch: the seals are written at once.
TRUST: Final = "SET LOCAL session_replication_role = replica"
# A batch joins and sorts its 20,000 tickets in memory, and waits for no flush of its own.
ROOM: Final = ("SET LOCAL work_mem = '256MB'", "SET LOCAL synchronous_commit = off")

# A whole block in one call. Nobody draws a number between these statements: the change of a sequence locks it.
WIDEN: Final = "ALTER SEQUENCE {sequence} INCREMENT BY {count}"
DRAW_LAST: Final = "SELECT nextval('{sequence}')"

OPEN_DAYS: Final = """
    INSERT INTO ticket_days (day, base) SELECT * FROM unnest(CAST(:days AS date[]), CAST(:bases AS int[]))
    ON CONFLICT (day) DO NOTHING
"""

OWN: Final = (
    *("pattern", "first_id", "copies", "events", "category_code", "channel", "received_at", "received_on"),
    *("acknowledged_at", "prefix", "base", "conduct", "imported", "first_into", "day_before"),
)
TABLES: Final = (
    f"""
    CREATE TEMP TABLE load_patterns ON COMMIT DROP AS
    SELECT 0 AS pattern, 0 AS first_id, 0 AS copies, 0 AS events, category_code, channel, received_at, received_on,
        acknowledged_at, '' AS prefix, 0 AS base, false AS conduct, false AS imported, 0 AS first_into,
        '' AS day_before, {", ".join(PROJECTED)}
    FROM tickets LIMIT 0
    """,  # noqa: S608 - only names of columns are filled in
    """
    CREATE TEMP TABLE load_links (
        pattern int, seq int, at timestamptz, moment text, by text, action text, notes text, kind text, body text,
        first_text int, texts int, nth int, PRIMARY KEY (pattern, seq)
    ) ON COMMIT DROP
    """,
    f"""
    CREATE TEMP TABLE load_clocks ON COMMIT DROP AS
    SELECT 0 AS pattern, {", ".join(RESULTS)} FROM ticket_clocks LIMIT 0
    """,  # noqa: S608 - only names of columns are filled in
    "CREATE TEMP TABLE load_words (kind text, nth int, word text, PRIMARY KEY (kind, nth)) ON COMMIT DROP",
    """
    CREATE TEMP TABLE load_samples (
        category text, nth int, count int, title text, content text, answer text
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMP TABLE load_slots (
        slot int PRIMARY KEY, unit_id int, officer_id int, desk_id int, desk_officer_id int, former_id int
    ) ON COMMIT DROP
    """,
    "CREATE TEMP TABLE load_departments (category text PRIMARY KEY, unit_id int, officer_id int) ON COMMIT DROP",
)
COPY_PATTERNS: Final = f"COPY load_patterns ({', '.join((*OWN, *PROJECTED))}) FROM STDIN"
COPY_LINKS: Final = "COPY load_links FROM STDIN"
COPY_CLOCKS: Final = f"COPY load_clocks (pattern, {', '.join(RESULTS)}) FROM STDIN"
COPY_WORDS: Final = "COPY load_words FROM STDIN"
COPY_SAMPLES: Final = "COPY load_samples FROM STDIN"
COPY_SLOTS: Final = "COPY load_slots FROM STDIN"
COPY_DEPARTMENTS: Final = "COPY load_departments FROM STDIN"
KNOW: Final = "ANALYZE load_patterns, load_links, load_clocks, load_words, load_samples, load_slots, load_departments"

# A ticket of each copy. All choices come from one number by copy and seed: bits 0-9 the unit, then place, texts, mood.
# A merged ticket draws the number of the ticket that it is merged into, so both are about the same matter.
COPIES: Final = """
    CREATE TEMP TABLE load_copies ON COMMIT DROP AS
    SELECT drawn.*, place.word AS place,
        CASE WHEN conduct THEN slot.desk_id ELSE slot.unit_id END AS holder,
        CASE WHEN conduct THEN slot.desk_officer_id ELSE slot.officer_id END AS officer,
        CASE WHEN imported OR received_on >= CAST(:merger AS date) THEN slot.unit_id ELSE slot.former_id END AS about,
        CASE WHEN department.unit_id <> slot.unit_id THEN department.unit_id ELSE slot.desk_id END AS next_unit,
        CASE WHEN department.unit_id <> slot.unit_id THEN department.officer_id ELSE slot.desk_officer_id END
            AS next_officer,
        replace(replace(sample.title, '{place}', place.word), '{day}', day_before) AS title,
        replace(replace(sample.content, '{place}', place.word), '{day}', day_before)
            || ' ' || detail.word || ' ' || ending.word AS content,
        sample.answer || ' ' || replace(closing.word, '{n}', (1 + (r >> 20 & 1023))::text) AS answer,
        mood.ease, mood.by_rules, mood.timely
    FROM (
        SELECT load_patterns.*, first_id + copy AS id, copy,
            hashint8extended(first_into + copy - CAST(:first AS bigint), CAST(:seed AS bigint)) AS r
        FROM load_patterns CROSS JOIN generate_series(0, CAST(:copies AS int) - 1) AS copy WHERE copy < copies
    ) AS drawn
    JOIN load_slots AS slot ON slot.slot = (r & 1023)
    JOIN load_words AS place ON place.kind = 'place' AND place.nth = (r >> 10 & 511)
    JOIN load_words AS detail ON detail.kind = 'detail' AND detail.nth = (r >> 19 & 63)
    JOIN load_words AS ending ON ending.kind = 'ending' AND ending.nth = (r >> 25 & 63)
    JOIN load_words AS closing ON closing.kind = 'closing' AND closing.nth = (r >> 31 & 15)
    JOIN load_samples AS sample ON sample.category = category_code AND sample.nth = (r >> 35 & 1023) % sample.count
    LEFT JOIN load_departments AS department ON department.category = category_code
    CROSS JOIN LATERAL (
        SELECT greatest(1, least(5, round(4.7 - 0.02 * days + ((r >> 45 & 15) - 9) * 0.3)))::int AS ease,
            greatest(1, least(5, round(4.5 - 0.04 * days + ((r >> 49 & 15) - 9) * 0.3)))::int AS by_rules,
            greatest(1, least(5, round(4.6 - 0.07 * days + ((r >> 53 & 15) - 9) * 0.3)))::int AS timely
        FROM (SELECT coalesce(working_days, 0) + slot.unit_id % 7 AS days) AS pace OFFSET 0
    ) AS mood
"""
INDEX_COPIES: Final = "CREATE INDEX ON load_copies (pattern)"
KNOW_COPIES: Final = "ANALYZE load_copies (id, pattern)"

UNIT: Final = f"CASE {{name}} WHEN {int(Marker.HOLDER)} THEN holder WHEN {int(Marker.NEXT)} THEN next_unit END"
VALUES: Final = {name: name for name in PROJECTED} | {
    "unit_id": UNIT.format(name="unit_id"),
    "assignee_id": f"CASE assignee_id WHEN {int(Marker.OFFICER)} THEN officer "
    f"WHEN {int(Marker.NEXT_OFFICER)} THEN next_officer END",
    "merged_into_id": "CASE WHEN merged_into_id IS NOT NULL THEN first_into + copy END",
}
ADD_TICKETS: Final = f"""
    INSERT INTO tickets (id, number, version, channel, category_code, about_unit_id, title, content, language,
        received_at, received_on, acknowledged_at, secret_hash, import_key, reminded_after, demonstration,
        {", ".join(VALUES)})
    SELECT id, prefix || lpad((id - base)::text, greatest(4, length((id - base)::text)), '0'), events, channel,
        category_code, about, title, content, 'vi', received_at, received_on, acknowledged_at,
        CASE WHEN imported THEN ''::bytea ELSE sha256(convert_to('load ' || id || ': nobody has it', 'UTF8')) END,
        CASE WHEN imported THEN 'load:' || id END, CAST(:until AS date), true,
        {", ".join(VALUES.values())}
    FROM load_copies ORDER BY id
"""  # noqa: S608 - only names of columns are filled in

# Two in three senders say who they are. No telephone network uses numbers that begin with 0190.
ADD_CONTACTS: Final = """
    INSERT INTO ticket_contacts (ticket_id, name, phone, email, consent_at)
    SELECT id, word, CASE WHEN r & 3 <> 0 THEN '0190' || lpad((id % 1000000)::text, 6, '0') END,
        CASE WHEN r & 3 = 0 OR r & 16 = 0 THEN 'nguoigui' || id || '@example.org' END, received_at
    FROM load_copies JOIN load_words ON kind = 'name' AND nth = (r >> 7 & 1023)
    WHERE NOT imported AND (r >> 17) % 3 <> 0
"""

BODY: Final = "replace(replace(link.body, '{answer}', copied.answer), '{place}', copied.place)"
TEXT_ID: Final = "link.first_text + copied.copy * link.texts + link.nth"
ADD_TEXTS: Final = f"""
    INSERT INTO ticket_messages (id, ticket_id, kind, body, at, user_id)
    SELECT {TEXT_ID}, copied.id, link.kind, {BODY}, link.at,
        CASE link.by WHEN 'unit' THEN copied.officer WHEN 'next unit' THEN copied.next_officer END
    FROM load_copies AS copied JOIN load_links AS link ON link.pattern = copied.pattern
    WHERE link.kind IS NOT NULL ORDER BY copied.id, link.seq
"""  # noqa: S608 - only expressions of this module are filled in

# The places of the arguments are those of `patterns.PLACES`.
NOTES: Final = f"""format(link.notes, copied.holder, copied.next_unit, copied.about, copied.officer,
            copied.next_officer, {TEXT_ID}, copied.first_into + copied.copy,
            '[' || copied.ease || ',' || copied.by_rules || ',' || copied.timely || ']',
            CASE WHEN link.seq = 1
                THEN encode(sha256(convert_to(copied.title, 'UTF8') || '\\x00'::bytea
                    || convert_to(copied.content, 'UTF8')), 'hex') END,
            CASE WHEN link.kind IS NOT NULL THEN encode(sha256(convert_to({BODY}, 'UTF8')), 'hex') END)"""
ACTOR: Final = """CASE link.by WHEN 'unit' THEN 'user:' || copied.officer
            WHEN 'next unit' THEN 'user:' || copied.next_officer ELSE link.by END"""


def _level(rest: str, prev: str) -> str:
    """Return the links of one number, computed from the hashes of the links before."""
    chain = audit.ticket_chain_sql("copied.id")
    return f"""
        SELECT copied.id, copied.pattern, link.seq, link.at, link.by, link.action, made.chain, made.notes, made.actor,
            {prev} AS prev, sha256(convert_to(concat('["', made.chain, '",', link.seq, ',"', link.moment, '","',
            made.actor, '","', link.action, '",', made.notes, ',"', encode({prev}, 'hex'), '"]'), 'UTF8')) AS hash,
            copied.events = link.seq AS last
        FROM {rest}
        CROSS JOIN LATERAL (SELECT {chain} AS chain, {NOTES} AS notes, {ACTOR} AS actor OFFSET 0) AS made
    """  # noqa: S608 - only expressions of this module are filled in


FIRST_LINKS: Final = "load_copies AS copied JOIN load_links AS link ON link.pattern = copied.pattern AND link.seq = 1"
NEXT_LINKS: Final = """links AS before JOIN load_copies AS copied ON copied.id = before.id AND NOT before.last
            JOIN load_links AS link ON link.pattern = before.pattern AND link.seq = before.seq + 1"""
FIRST: Final = f"'\\x{audit.FIRST.hex()}'::bytea"
ADD_LINKS: Final = f"""
    WITH RECURSIVE links AS (
        {_level(FIRST_LINKS, FIRST)}
        UNION ALL
        {_level(NEXT_LINKS, "before.hash")}
    ), stored AS (
        INSERT INTO audit (chain, seq, at, actor, user_id, action, data, prev, hash)
        SELECT chain, seq, at, actor, CASE WHEN by IN ('unit', 'next unit') THEN substr(actor, 6)::int END, action,
            notes::jsonb, prev, hash
        FROM links
    )
    INSERT INTO load_heads SELECT chain, seq, hash FROM links WHERE last
"""  # noqa: S608 - only expressions of this module are filled in
HEADS: Final = "CREATE TEMP TABLE load_heads (chain text, seq int, hash bytea) ON COMMIT DROP"

ADD_CLOCKS: Final = f"""
    INSERT INTO ticket_clocks (ticket_id, {", ".join(RESULTS)})
    SELECT id, {
    ", ".join(
        UNIT.format(name="load_clocks.unit_id") if name == "unit_id" else f"load_clocks.{name}" for name in RESULTS
    )
}
    FROM load_copies JOIN load_clocks USING (pattern) ORDER BY id
"""  # noqa: S608 - only names of columns are filled in

ADD_RATINGS: Final = f"""
    INSERT INTO ratings (ticket_id, answer, unit_id, received_on, ease, by_rules, timely, channel, method, at)
    SELECT copied.id, 1, {UNIT.format(name="copied.unit_id")}, copied.received_on, copied.ease, copied.by_rules,
        copied.timely, copied.channel, :method, link.at
    FROM load_copies AS copied JOIN load_links AS link ON link.pattern = copied.pattern AND link.action = 'rated'
    ORDER BY copied.id
"""  # noqa: S608 - only names of columns are filled in

# What the trigger would note: the months of units whose figures are to be counted.
NOTE_CHANGES: Final = """
    INSERT INTO rollup_changes (unit_id, month)
    SELECT DISTINCT tickets.unit_id, date_trunc('month', tickets.received_on::timestamp)::date
    FROM tickets WHERE id IN (SELECT id FROM load_copies)
"""
# The root as `history.sealing.RootHash` makes it: one line for each head, in the order of the chains.
ROOT: Final = r"""
    SELECT sum(seq) AS entries,
        sha256(convert_to(string_agg(chain || ' ' || seq || ' ' || encode(hash, 'hex') || E'\n', ''
            ORDER BY chain COLLATE "C"), 'UTF8')) AS root
    FROM load_heads
"""
LAST_SEAL: Final = "SELECT seq, hash FROM audit_seals ORDER BY seq DESC LIMIT 1"
ADD_HEADS: Final = "INSERT INTO audit_heads (chain, seq, hash, seal) SELECT chain, seq, hash, :seal FROM load_heads"
LOADED: Final = (
    *("tickets", "ticket_contacts", "ticket_messages", "ticket_clocks", "ratings", "ticket_days"),
    *("audit", "audit_heads", "audit_seals"),
)
