"""How each finding of the chest is drawn and deleted, room by room."""
