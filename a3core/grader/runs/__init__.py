"""What is labelled: responses, and the runs that generate them.

Begin with `responses`, then `generation`.
"""
