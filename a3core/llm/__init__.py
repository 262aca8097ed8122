"""The one place that loads and runs a language model: packaged, local, or behind an OpenAI-compatible endpoint.

Begin with `local.load_language_model`, then `decoding.Decoding`.
"""
