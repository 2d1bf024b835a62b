"""Recipient files: which recipient gets which text, from CSV, text and spreadsheets. Knows no command line."""
