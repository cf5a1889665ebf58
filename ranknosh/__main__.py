"""``python -m ranknosh`` is the ``ranknosh`` command, from a plain checkout too."""

from ranknosh.cli import main

if __name__ == "__main__":
    main()
