"""Propose, compose, gate, try again or abstain: the one loop under transforms and runs."""
