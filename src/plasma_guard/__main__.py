"""`python -m plasma_guard` is `plasma-guard`."""

from plasma_guard.cli.main import main

if __name__ == "__main__":
    main()
