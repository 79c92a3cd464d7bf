"""The lists that the office keeps in the Sheet: what they look like, what is taken over from them, who is on them."""
