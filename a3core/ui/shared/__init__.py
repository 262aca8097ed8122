"""What all tabs share: errors as sentences, limits, the file view."""
