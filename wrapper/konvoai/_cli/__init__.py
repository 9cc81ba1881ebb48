"""The command `konvo`: presentation only.

Data goes to standard output, everything else to standard error. `main` has the commands and maps errors to exit codes,
`resource_commands` the group that each resource gets, `options` the shared options, `output` what is printed. Nothing
but click is imported before a command needs it.
"""
