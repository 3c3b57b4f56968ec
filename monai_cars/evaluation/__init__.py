"""Losses, reports and pictures of counterfactuals; import the module you need."""
