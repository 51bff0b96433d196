"""Receivers of the outbox: one file each."""
