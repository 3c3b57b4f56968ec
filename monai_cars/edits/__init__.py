"""An edit and what it makes: the request, the proposal, the only writer of pixels, the record, the seeds."""
