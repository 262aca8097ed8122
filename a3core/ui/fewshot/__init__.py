"""The Few-shot tab: pool, demonstrations, prompt, answers. Begin with `tab`."""
