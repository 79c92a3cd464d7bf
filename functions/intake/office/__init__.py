"""The lists that the office keeps in the Sheet: their tabs, their validation, and their use by the form and `submit`."""
