"""What the public sees: disclosure control, the release's folder, the data-quality report and the site."""
