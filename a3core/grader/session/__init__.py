"""One annotator at work: which item is next, and what may be seen of it.

Begin with `grader`, then `queue`.
"""
