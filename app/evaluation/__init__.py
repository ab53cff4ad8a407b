"""How right a bundle is: measured on labelled photos, plotted, saved in the bundle and told on a page."""
