"""The chest's classifier and localiser, which judge edits."""
