"""The film as chest editors see it, and what all of them share."""
