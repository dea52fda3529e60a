"""A page: its charset, what it says of itself, its links, and the document that is made of it."""
