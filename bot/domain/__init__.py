"""Plain values of the conversation: no I/O, no clock, no randomness."""
