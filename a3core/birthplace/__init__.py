"""Birthplace prediction: a 3 M character GPT remembers what it was pretrained on (assignment, section 2)."""
