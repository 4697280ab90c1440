"""How fast ``ecglib`` is, against the report's pipeline written out plainly and against the machine itself."""
