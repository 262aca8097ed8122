"""What all tabs share: errors as sentences, limits, screens."""
