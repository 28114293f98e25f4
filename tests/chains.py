"""The links of one audit chain, checked one after another by the rule of `backend.audit.hash_link`."""

from collections.abc import Iterable

from backend.audit import FIRST, AuditEntry, BrokenLink, hash_link


def first_break(chain: Iterable[AuditEntry]) -> BrokenLink | None:
    """Return the first link of a chain (in order) that is missing, altered or forged."""
    prev = FIRST
    for expected, entry in enumerate(chain, start=1):
        if entry.seq != expected:
            return BrokenLink(entry.chain, expected, "missing")
        if entry.prev != prev:
            return BrokenLink(entry.chain, entry.seq, "does not follow the link before")
        if entry.hash != hash_link(entry.chain, entry.seq, entry.at, entry.actor, entry.action, entry.data, prev):
            return BrokenLink(entry.chain, entry.seq, "altered")
        prev = entry.hash
    return None
