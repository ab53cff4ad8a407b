"""How right a bundle is: measured on labelled photos, drawn, kept in the bundle and told on a page."""
