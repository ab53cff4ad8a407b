"""The JSON API: no session, no token."""
