"""From a corpus to a checkpoint: one loop, the recipes over it, and a training to be watched.

Begin with `recipes`, then `trainer.train`.
"""
