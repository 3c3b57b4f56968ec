"""Tubes, wires and pacemakers."""
