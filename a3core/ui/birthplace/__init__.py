"""The Birthplace tab: ask, compare checkpoints, watch one learn. Begin with `tab`."""
