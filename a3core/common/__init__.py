"""What every room needs and no room owns: atomic files, tables of other people, statistics, plots, batching, hosting.

Begin with `tabular` (reading files) or `stats` (intervals and paired tests). Nothing here knows a room.
"""
