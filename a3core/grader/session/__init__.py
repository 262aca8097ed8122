"""One annotator at work: which item is next, what may be seen of it, and what a key does.

Begin with `grading`, then `queue`.
"""
