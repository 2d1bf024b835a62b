"""From a file to who gets which text: CSV, text and spreadsheets, as people see them. Nothing here knows a terminal."""
