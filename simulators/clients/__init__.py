"""Reference clients: how a device's firmware keeps what the platform has not stored yet.

Three programs that do the same in three languages; ``docs/clients.md`` says how to run them.
"""
