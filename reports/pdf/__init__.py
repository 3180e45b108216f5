"""The flag report as a tagged PDF: the same view and charts as the HTML, set by Typst."""
