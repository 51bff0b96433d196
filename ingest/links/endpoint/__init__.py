"""Purna's own MQTT server for devices, for MQTT 3.1.1 and 5. Its PUBACK means "stored".

A message's way: :mod:`server` reads bytes, :mod:`connection` takes the packets apart, :mod:`link`
hands the messages to the ingester and, after its commit, the acknowledgements back. See
``docs/endpoint.md`` for what it is and what it is not.
"""
