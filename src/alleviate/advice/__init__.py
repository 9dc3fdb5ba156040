"""The recommendation, in words and numbers; and the safety rules, which the records need without any model.

Nothing is imported here: who opens a vault reads the rules and must not wait for the libraries of the models.
"""
