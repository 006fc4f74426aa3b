"""The console: the application of staff, on a port of its own, beside the chat and never in it."""
