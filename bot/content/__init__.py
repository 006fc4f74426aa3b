"""Reads what authors write: flows, facts of countries, translations."""
