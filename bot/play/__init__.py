"""Walks the content in a terminal, as a person would or as a script says."""
