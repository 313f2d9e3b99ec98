"""The questionnaire on paper: every question, its choices, when it is asked and what it accepts, in words."""
