"""The technique behind each port; foreign errors stop here."""
