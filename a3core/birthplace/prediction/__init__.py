"""From a question to a place: directly, or by recalling the sentence first; how sure the answer is.

Begin with `direct`, then `recall`.
"""
