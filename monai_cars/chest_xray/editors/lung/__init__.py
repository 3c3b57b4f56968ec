"""Findings of the lung itself."""
