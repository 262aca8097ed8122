"""Documents, questions and people; span corruption and recall examples made from them.

Begin with `span_corruption`, whose docstring shows one corrupted document.
"""
