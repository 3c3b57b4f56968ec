"""Heart, mediastinum and hila."""
