"""What people attach to a goal: judged by its bytes, read within limits, kept once, and never believed.

`files` says what the bytes are and reads them, with `tables` and `images` beside it; `pdf` has a process of its own do
that for documents (`pdf_child`), because their format can make a reader do anything; `keep` stores. What comes out of
a file is data from outside: it reaches the model inside a fence, and a value found in it alone asks a person.
"""
