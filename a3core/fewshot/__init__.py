"""Few-shot prompting: demonstrations retrieved from a pool, the prompt built in sight (assignment, section 3)."""
