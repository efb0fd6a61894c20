"""Tables as files: CSV and XLSX, written so that a spreadsheet shows what was meant and runs nothing."""
