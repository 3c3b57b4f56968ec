"""Pictures, panel and HTML report of a run."""
