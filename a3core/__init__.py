"""What a transformer remembers: four rooms (birthplace, attention, fewshot, grader) on `common` and `llm`.

`ui` is the page over them, `cli` the command line. Begin with the README's file tree.
"""
