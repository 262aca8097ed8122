"""The Attention tab and the laboratory. Begin with `tab`; its presets are in `presets`."""
