"""The only modules that import google.cloud or gspread: one per product, each a thin wrapper that speaks our data classes."""
