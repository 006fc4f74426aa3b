"""Telling another organisation about a person: only what they agreed to, only through one exit."""
