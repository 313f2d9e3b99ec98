"""The questionnaire: sheets in and out, lint and repair, XForm, field tree, submissions to rows, rehearsal."""
