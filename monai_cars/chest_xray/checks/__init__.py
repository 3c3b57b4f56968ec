"""Checks that know a chest; each file bears the name under which its check is recorded."""
