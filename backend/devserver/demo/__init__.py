"""The demonstration: invented cases and accounts, marked as such on every page, refused outside development."""

from backend.devserver.demo.accounts import DemoAccount, accounts

__all__ = ["DemoAccount", "accounts"]
