"""What a run showed, for a reader: a page, Markdown, JSON, JUnit and the terminal."""
