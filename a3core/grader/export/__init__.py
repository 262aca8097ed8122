"""Out, and back exactly: archives, tables, a dataset on the hub.

Begin with `archive`, then `restore`.
"""
