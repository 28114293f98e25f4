"""The demonstration: made-up tickets and accounts. Every page marks them, and they are refused outside development."""

from backend.devserver.demo.accounts import DemoAccount, accounts

__all__ = ["DemoAccount", "accounts"]
