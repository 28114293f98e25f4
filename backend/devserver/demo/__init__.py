"""The demonstration: invented cases and accounts, marked as such on every page, refused outside development."""

from backend.devserver.demo.accounts import Account, accounts

__all__ = ["Account", "accounts"]
