"""Documents, questions and people; span corruption and recall examples made from them.

Begin with `examples`, whose docstring shows one corrupted document.
"""
