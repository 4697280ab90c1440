"""The report as one page: what the executed notebooks show, in a file that needs nothing else.

`material` holds what a caller hands over, `page` writes the page, `pdf` prints it. What is between them: `cells` makes
a notebook a section (of the parts in `places`), `prose` cleans its text, `grids` its tables, `vector` its figures, and
`checks` says what a page must not contain.
"""
