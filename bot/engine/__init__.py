"""Pure: from where a conversation stands and what arrived to where it stands next."""
