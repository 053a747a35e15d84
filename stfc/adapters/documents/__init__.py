"""Files for people: spreadsheets and, later, statements."""
