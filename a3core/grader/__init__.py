"""Explanations labelled by people: runs come in, labels are stored as events, reports and exports come out.

Begin with `runs.responses` (what is labelled), `labels.store` (where a label is written), `report.build`.
"""
