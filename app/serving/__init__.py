"""How the site is served: gunicorn, its worker, and what a process has room for."""
