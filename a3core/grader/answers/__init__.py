"""The answer in a text, and whether it equals the gold answer.

Begin with `extraction`.
"""
