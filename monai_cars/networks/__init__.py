"""What running any network needs: one intra-op thread, and resampling that does not depend on the machine."""
