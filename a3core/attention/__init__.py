"""Attention: the derivations as a laboratory (assignment, section 1), and the patterns of real models."""
