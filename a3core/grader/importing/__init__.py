"""Files of other people become runs.

Begin with `mapping` (columns), then `dataset_formats` (known files).
"""
