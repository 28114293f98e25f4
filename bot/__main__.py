"""The bot as a process."""

from bot.main import main

raise SystemExit(main())
