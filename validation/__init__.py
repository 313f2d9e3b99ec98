"""VALIDATION: rules of the form and the workbook, checks over many interviews, and the suite made of them."""
