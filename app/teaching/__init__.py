"""Teach a trained network categories of one's own: only its head is new, and that takes seconds."""
