"""Posts: new ones in `create`, their edits in `edit`, their end in `delete`.

What these share stands beside them: `words` cleans what was written, `spread` says who hears of it. Like all
handlers they write rows and return effects, and only the table imports them.
"""
