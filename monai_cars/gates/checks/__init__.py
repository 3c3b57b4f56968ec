"""Checks of any organ; each file bears the name under which its check is recorded."""
