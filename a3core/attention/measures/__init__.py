"""What is measured beside the weights: direct writing, the logit lens, one cell's number, scores of heads.

Begin with `answers`, which puts each into words for the view.
"""
