"""A small GPT that answers "Where was X born?": data -> model -> training -> prediction.

Begin with `data.examples` (what it learns from), `model.gpt` (what it is), `service` (how the page asks it).
"""
