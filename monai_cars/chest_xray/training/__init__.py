"""Training of the networks that ship with the chest; nothing at run time imports it."""
