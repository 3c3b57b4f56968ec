"""What a finding is, as data: names, scale of severity, place, and how an edit of it is judged."""
