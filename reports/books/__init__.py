"""The figures as workbooks for people: one a language, with a cover, a sheet a topic, all figures, and notes."""
