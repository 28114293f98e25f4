"""Comparison of tickets, texts and ratings with what the history says about them.

The history has hashes of texts and the scores of ratings. The texts themselves are in tables that an administrator of
the database could change. Parts that the history of earlier versions does not have are not compared.
"""

from collections.abc import Iterator

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from backend import audit
from backend.tickets.projection import ReplayDifference

TICKET_CHAIN = audit.ticket_chain_sql("tickets.id")
MESSAGE_CHAIN = audit.ticket_chain_sql("said.ticket_id")
RATING_CHAIN = audit.ticket_chain_sql("rating.ticket_id")

GONE = text(f"""
    SELECT chain AS ticket, 'ticket' AS what, '' AS stored, min(seq)::text AS kept FROM audit
    WHERE {audit.is_ticket_chain_sql("chain")} AND NOT EXISTS (SELECT FROM tickets WHERE {TICKET_CHAIN} = audit.chain)
    GROUP BY chain ORDER BY chain
""")  # noqa: S608 - only names of columns are filled in

SENT = text(rf"""
    SELECT ticket, 'words' AS what, stored, kept FROM (
        SELECT tickets.id, tickets.number AS ticket, audit.data ->> 'words' AS kept,
            encode(sha256(convert_to(title, 'UTF8') || '\x00'::bytea || convert_to(content, 'UTF8')), 'hex') AS stored
        FROM tickets JOIN audit ON audit.chain = {TICKET_CHAIN} AND audit.seq = 1
        WHERE audit.data ? 'words'
    ) AS sent WHERE stored <> kept ORDER BY id
""")  # noqa: S608 - only names of columns are filled in

# Texts that were changed, moved to another ticket or deleted, and texts that the history does not have.
WRITTEN = text(f"""
    SELECT coalesce(number, entry.chain) AS ticket, 'message:' || (entry.data ->> noted.id) AS what,
        CASE WHEN {MESSAGE_CHAIN} = entry.chain
            THEN encode(sha256(convert_to(said.body, 'UTF8')), 'hex') ELSE '' END AS stored,
        entry.data ->> noted.hash AS kept
    FROM audit AS entry
    CROSS JOIN (VALUES ('message', 'text'), ('details', 'details_text')) AS noted (id, hash)
    LEFT JOIN ticket_messages AS said ON said.id::text = entry.data ->> noted.id
    LEFT JOIN tickets ON {TICKET_CHAIN} = entry.chain
    WHERE {audit.is_ticket_chain_sql("entry.chain")} AND entry.data ? noted.id AND entry.data ? noted.hash
        AND (said.id IS NULL OR {MESSAGE_CHAIN} <> entry.chain
            OR encode(sha256(convert_to(said.body, 'UTF8')), 'hex') <> entry.data ->> noted.hash)
    UNION ALL
    SELECT number, 'message:' || said.id, encode(sha256(convert_to(said.body, 'UTF8')), 'hex'), ''
    FROM ticket_messages AS said JOIN tickets ON tickets.id = said.ticket_id
    WHERE NOT EXISTS (
        SELECT FROM audit WHERE chain = {MESSAGE_CHAIN} AND said.id::text IN (data ->> 'message', data ->> 'details')
    )
    ORDER BY 1, 2
""")  # noqa: S608 - only names of columns are filled in

# A rating belongs to one answer of its ticket. Entries of earlier versions do not say which, so answers are counted.
RATED = text(f"""
    SELECT coalesce(number, chain) AS ticket, 'rating' AS what, coalesce(stored::text, '') AS stored,
        coalesce(kept::text, '') AS kept
    FROM (
        SELECT coalesce(entry.chain, {RATING_CHAIN}) AS chain,
            CASE WHEN entry.data ? 'scores' THEN entry.data END AS kept,
            CASE WHEN rating.ticket_id IS NOT NULL AND (entry.chain IS NULL OR entry.data ? 'scores')
                THEN jsonb_build_object('scores', jsonb_build_array(ease, by_rules, timely), 'credited', unit_id)
                    || CASE WHEN entry.data ? 'answer' THEN jsonb_build_object('answer', rating.answer) ELSE '{{}}' END
                    || CASE WHEN coalesce(remark, '') = '' THEN '{{}}' ELSE jsonb_build_object(
                    'remark', encode(sha256(convert_to(remark, 'UTF8')), 'hex')) END
            END AS stored
        FROM (
            SELECT chain, data, coalesce((data ->> 'answer')::int, (
                SELECT count(*)::int FROM audit AS earlier WHERE earlier.chain = audit.chain
                    AND earlier.seq < audit.seq AND earlier.action IN ('answered', 'answered_together')
            )) AS answer
            FROM audit WHERE {audit.is_ticket_chain_sql("chain")} AND action = 'rated'
        ) AS entry
        FULL JOIN ratings AS rating ON entry.chain = {RATING_CHAIN} AND entry.answer = rating.answer
    ) AS rated LEFT JOIN tickets ON chain = {TICKET_CHAIN}
    WHERE stored IS DISTINCT FROM kept ORDER BY 1
""")  # noqa: S608 - only names of columns are filled in


def differences(session: Session) -> Iterator[ReplayDifference]:
    """Yield every difference with the stored value and that of the history: hashes of texts, scores of ratings."""
    for statement in (GONE, SENT, WRITTEN, RATED):
        yield from _find_differences(session, statement)


def _find_differences(session: Session, statement: TextClause) -> Iterator[ReplayDifference]:
    for row in session.execute(statement, execution_options={"yield_per": 1_000}):
        yield ReplayDifference(row.ticket, row.what, row.stored, row.kept)
