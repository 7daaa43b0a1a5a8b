"""How findings are shown: on a terminal, as Markdown, as one HTML page, as JSON."""
