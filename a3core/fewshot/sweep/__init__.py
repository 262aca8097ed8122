"""Every k, selection and decoding over a validation set: resumable, with tables and figures.

Begin with `run`.
"""
