"""Everything that talks to the person."""
