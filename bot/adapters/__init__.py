"""Doors to the world outside the process: servers, files, other programs."""
