"""The command `konvo`: presentation only.

Data goes to standard output, everything else to standard error. `main` defines the commands and maps errors to exit
codes. `resource_commands` builds `list`, `count` and `export` for each resource class. `options` has the options that
commands share, `output` prints records, messages and progress.

The modules may import every other part of the package, but only inside the function that needs it: `konvo --help`
imports click alone.
"""
