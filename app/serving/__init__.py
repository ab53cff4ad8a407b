"""How the site is served: Granian, the front before Flask, and what a process has room for."""
