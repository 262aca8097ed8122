"""The GPT, its vocabularies (characters, sub-words) and the head that tags a birthplace.

Begin with `gpt.GPT`.
"""
