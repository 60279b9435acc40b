"""Decisions: plain data and `now` in, actions and events out.

Standard library only; no clock, no input or output, no randomness (`tests/house` holds it).
Everything here runs unchanged in the engine, in the simulator and inside the AWS hooks.
"""
