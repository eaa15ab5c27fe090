"""The cloud's pages: the number, the people, the imports, the consent."""
