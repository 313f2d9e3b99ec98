"""VALIDATION: rules implied by the form, rules of the workbook, checks over many interviews, and the suite made from them."""
