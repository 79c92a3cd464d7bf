"""Google Sheets: the table of rows and the lists that the office keeps."""
