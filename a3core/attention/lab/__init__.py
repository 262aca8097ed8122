"""Section 1 of the assignment as a laboratory: each claim beside samples.

Begin with `claims`.
"""
