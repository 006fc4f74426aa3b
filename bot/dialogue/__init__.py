"""One turn: load, understand, advance, commit; and handing over what it says."""
