"""The demonstration: invented cases and accounts, marked as such on every page, refused outside development."""

from backend.demo.accounts import Account, accounts

__all__ = ["Account", "accounts"]
