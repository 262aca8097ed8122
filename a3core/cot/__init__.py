"""Chain of thought: responses with explanations, imported or generated, labelled by people, and what the labels say."""
