"""Few-shot prompting: a pool of questions, demonstrations retrieved from it, the prompt, and its answers.

Begin with `retrieval` (which demonstrations), `leakage` (which never), `prompt` (how they are written).
"""
