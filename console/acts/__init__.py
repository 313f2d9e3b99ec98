"""What people do, one function an act: it checks the right, does it, and writes it into the audit log."""
