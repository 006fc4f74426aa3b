"""The web channel: the person's chat in a browser."""
