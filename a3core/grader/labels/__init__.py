"""Labels in a database: events that are only added, undo, and the labels derived from them.

Begin with `store.LabelStore`.
"""
