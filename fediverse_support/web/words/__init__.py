"""What pages and apps say: whole sentences, marked for translation, and nothing that decides.

`sentences` is said by pages, `audiences` beside every button that sends something, and `reasons` is the one
catalogue of why something was not done, for pages and apps alike. Both edges for people may import it; it
knows no request and no template.
"""
