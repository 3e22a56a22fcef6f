"""`python -m lam_app.planner.standin --port N`: serve until told to stop."""

from lam_app.planner.standin.server import main

main()
