"""Pages of plain text: what they are made of, and how they become HTML and Markdown."""
