"""Everything staff see: the desk, the console, referrals."""
