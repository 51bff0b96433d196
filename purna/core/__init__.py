"""The bottom layer: value types, ports, clock, ids, units and errors. No I/O, no framework."""
