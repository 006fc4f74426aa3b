"""Channels translate both ways and decide nothing."""
