"""Where a transformer looks, and what a head does: patterns of any model, heads switched off.

Begin with `capture`, then `ablation`; `lab/` holds the derivations of the assignment's first section.
"""
